"""The table finds the route that trying all of them, one after the other, finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import BaseRoute, Match, Mount, Route

from server.app import routes
from server.web.routing import Table

ROUTES = routes()
TABLE = Table(ROUTES)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
VALUES = {"uuid": "00000000-0000-4000-8000-000000000001", "int": "7", "float": "1.5"}
VALUES |= {"path": "a/b.css", "str": "word"}
SEGMENTS = sorted({part for route in ROUTES for part in getattr(route, "path", "").split("/")})
SEGMENTS = [part for part in SEGMENTS if "{" not in part] + [*VALUES.values(), "{}", "x\n", "%2F"]


def first(among: Sequence[BaseRoute] | Any, path: str, method: str) -> tuple[BaseRoute, Any] | None:
    scope = {"type": "http", "path": path, "method": method, "root_path": ""}
    for route in among:
        match, more = route.matches(scope)
        if match is Match.FULL:
            return route, more.get("path_params")
    return None


def alike(path: str, method: str) -> bool:
    return first(TABLE.of(path), path, method) == first(ROUTES, path, method)


def paths_of(route: BaseRoute) -> list[str]:
    assert isinstance(route, Route | Mount)
    path = route.path
    for name, convertor in route.param_convertors.items():
        kind = type(convertor).__name__.removesuffix("Convertor").lower().replace("string", "str")
        for written in (f"{{{name}:{kind}}}", f"{{{name}}}"):
            path = path.replace(written, VALUES[kind])
    return [path, path + "/", path + "\n", path + "/x", path.rstrip("/"), path.upper()]


def test_every_route_is_found_as_before() -> None:
    answered = set()
    for route in ROUTES:
        for path in paths_of(route):
            for method in METHODS:
                assert alike(path, method), (method, path)
                if (found := first(TABLE.of(path), path, method)) is not None:
                    answered.add(found[0].path)  # type: ignore[attr-defined]
    assert {route.path for route in ROUTES} <= answered  # type: ignore[attr-defined]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SEGMENTS), max_size=8), st.sampled_from(METHODS))
def test_any_path_is_answered_as_before(segments: list[str], method: str) -> None:
    assert alike("/" + "/".join(segments), method)


def test_what_phones_ask_meets_few_patterns() -> None:
    for path in ("/api/v1/check-ins", "/api/v1/me", "/api/v1/sync", "/api/v1/project"):
        assert len([*TABLE.of(path)]) <= 4
    child = f"/api/v1/children/{VALUES['uuid']}/check-ins"
    assert len([*TABLE.of(child)]) <= 4
