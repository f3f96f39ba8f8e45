"""Every page is in the list that axe, the keys and narrow screens go through in a browser."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from starlette.routing import Route

from server.app import routes as all_routes
from tests.browser.every import whole_stage
from tests.cast import Cast
from tests.desk.test_ways import kind_of

# Each with what looks at it instead, or why nothing can.
ELSEWHERE: Mapping[str, str] = {
    "/desk/live": "a stream",
    "/desk/children/{child_id}/turns": "a part of the page of the child",
    "/desk/dues/{due_id}": "it leads on to the page of the task",
    "/desk/children/{child_id}/found": "it leads on to the search",
    "/desk/again/with/{provider}": "leads to the provider: tests/browser/test_accounts.py",
    "/desk/settings/accounts": "tests/browser/test_accounts.py",
    "/desk/settings/accounts/{provider}": "tests/browser/test_accounts.py",
    "/desk/people/accounts": "tests/browser/test_accounts.py",
    "/sign-in/with/{provider}": "leads to the provider: tests/browser/test_accounts.py",
    "/sign-in/with/{provider}/back": "tests/browser/test_accounts.py",
    "/sign-in/with/{provider}/code": "tests/browser/test_accounts.py",
    "/sign-in/second": "follows a right password: tests/browser/test_states.py",
    "/desk/help/{guide}": "tests/browser/test_help.py",
    "/front/roll-call": "tests/browser/test_front_roll_call.py",
}
NO_PAGES = ("/api/", "/health", "/metrics", "/app/", "/.well-known/")
FILES = (".csv", ".json", ".pdf", ".webmanifest", "/photos/{photo_id}")


def is_page(route: object) -> bool:
    return (
        isinstance(route, Route)
        and "GET" in (route.methods or ())
        and not route.path_format.startswith(NO_PAGES)
        and not route.path_format.endswith(FILES)
    )


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_every_page_is_looked_at_in_a_browser(cast: Cast) -> None:
    paths = [path for _, path in (await whole_stage(cast)).values()]
    seen = {kind_of(path.partition("?")[0].partition("#")[0]) for path in paths}
    there = {route.path_format for route in all_routes() if is_page(route)}  # type: ignore[attr-defined]
    assert sorted(there - seen - set(ELSEWHERE)) == [], "in no list of tests/browser"
    assert sorted(set(ELSEWHERE) - there) == [], "no page any more"
    assert sorted(set(ELSEWHERE) & seen) == [], "in a list as well"
