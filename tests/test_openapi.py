"""The document of the API: complete, consistent, and the truth about what routes answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Route

from server.app import routes
from server.web.openapi import ApiRoute, document

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    """The document of all routes."""
    return document(routes(), server_url="http://localhost:8000")


def operations(api: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in api["paths"].items():
        for method in METHODS & item.keys():
            yield method, path, item[method]


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for part in value.values():
            yield from refs(part)
    elif isinstance(value, list):
        for part in value:
            yield from refs(part)


def test_every_route_of_the_api_is_in_the_document(api: dict[str, Any]) -> None:
    for route in routes():
        if isinstance(route, Route) and route.path.startswith("/api/"):
            assert isinstance(route, ApiRoute), f"{route.path} is not described"
            assert route.path_format in api["paths"]


def test_every_reference_leads_somewhere(api: dict[str, Any]) -> None:
    for ref in refs(api):
        assert ref.removeprefix("#/components/schemas/") in api["components"]["schemas"], ref


def test_operation_ids_are_unique(api: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(api)]
    assert len(ids) == len(set(ids))


def test_every_parameter_of_a_path_is_described(api: dict[str, Any]) -> None:
    for _, path, operation in operations(api):
        named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))


def test_whatever_needs_a_session_says_so(api: dict[str, Any]) -> None:
    for method, path, operation in operations(api):
        assert ("401" in operation["responses"]) or operation["security"] == [], (method, path)


async def test_the_document_is_served(cast: Any) -> None:
    async with cast.client() as stranger:
        answer = await stranger.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"
