"""The API keeps what the last release promised, for phones and programs that nobody updated."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from server.app import routes
from server.web.openapi import document
from tests import previous
from tests.released_api import broken_promises, document_of


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return document(routes(), server_url="http://localhost")


@pytest.mark.slow
def test_every_path_field_and_body_of_the_last_release_is_still_good(now: dict[str, Any]) -> None:
    assert broken_promises(document_of(previous.code()), now) == []


def _schema(api: dict[str, Any], path: str, method: str, status: str) -> dict[str, Any]:
    answer = api["paths"][path][method]["responses"][status]
    ref: str = answer["content"]["application/json"]["schema"]["$ref"]
    found: dict[str, Any] = api["components"]["schemas"][ref.rpartition("/")[2]]
    return found


def _gone(api: dict[str, Any]) -> None:
    del api["paths"]["/api/v1/me"]


def _field_gone(api: dict[str, Any]) -> None:
    del _schema(api, "/api/v1/me", "get", "200")["properties"]["standing"]


def _field_loose(api: dict[str, Any]) -> None:
    _schema(api, "/api/v1/me", "get", "200")["required"].remove("standing")


def _other_kind(api: dict[str, Any]) -> None:
    _schema(api, "/api/v1/me", "get", "200")["properties"]["standing"] = {"type": "integer"}


def _other_status(api: dict[str, Any]) -> None:
    answers = api["paths"]["/api/v1/check-ins"]["post"]["responses"]
    answers["204"] = answers.pop("201")


def _more_needed(api: dict[str, Any]) -> None:
    body = api["paths"]["/api/v1/check-ins"]["post"]["requestBody"]
    ref: str = body["content"]["application/json"]["schema"]["$ref"]
    api["components"]["schemas"][ref.rpartition("/")[2]]["required"].append("mood")


def _parameter(api: dict[str, Any]) -> None:
    api["paths"]["/api/v1/me"]["get"]["parameters"].append(
        {"name": "since", "in": "query", "required": True}
    )


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (_gone, "GET /api/v1/me is gone"),
        (_field_gone, "GET /api/v1/me answers.standing is gone"),
        (_field_loose, "GET /api/v1/me answers.standing may be missing now"),
        (_other_kind, "GET /api/v1/me answers.standing: may be integer now"),
        (_other_status, "POST /api/v1/check-ins no longer answers 201"),
        (_more_needed, "POST /api/v1/check-ins needs mood now"),
        (_parameter, "GET /api/v1/me needs since now"),
    ],
)
def test_what_an_old_phone_would_miss_is_told(
    now: dict[str, Any], change: Callable[[dict[str, Any]], None], line: str
) -> None:
    newer = copy.deepcopy(now)
    change(newer)
    assert line in broken_promises(now, newer)


def test_what_is_added_breaks_nothing(now: dict[str, Any]) -> None:
    newer = copy.deepcopy(now)
    _schema(newer, "/api/v1/me", "get", "200")["properties"]["more"] = {"type": "string"}
    newer["paths"]["/api/v1/more"] = newer["paths"]["/api/v1/me"]
    assert broken_promises(now, newer) == []
