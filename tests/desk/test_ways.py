"""Every page of the desk is three taps away from the board, and every link on the way leads on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import pytest
from starlette.routing import Match, Route

from server.app import routes as all_routes
from server.web.navigation import BARS, ME, bar, place_of
from tests import test_access
from tests.advocates.made import advocate
from tests.areas.made import oversight
from tests.cast import Cast
from tests.desk.walking import at, run_until

MOST_TAPS = 3
READERS = {
    "tom": "caseworker",
    "ines": "supervisor",
    "ada": "guardian",
    "sam": "carer",
    "ruth": "advocate",
    "root": "administrator",
    "vera": "oversight",
}
# Each with the way that leads there instead of a link.
NOT_BY_A_LINK: Mapping[str, str] = {
    "/desk/live": "a stream, which pages open",
    "/desk/children/{child_id}/turns": "a part of the child's page",
    "/desk/again": "asked for before something that needs the password once more",
    "/desk/again/with/{provider}": "the same, by the organisation's provider",
    "/desk/settings/accounts": "only where the organisation has a provider",
    "/desk/settings/accounts/{provider}": "the answer of the provider",
    "/desk/people/accounts": "only where the organisation has a provider",
    "/desk/settings/second-key/app": "follows the button that begins it",
    "/desk/approvals/{approval_id}": "only where an agency wants a second person",
    "/desk/witnesses/{witness_id}": "the board while a list is missing; the child's witnesses",
    "/desk/witnesses/{witness_id}/days": "from the page of a witness, and of the child's witnesses",
    "/desk/dues/{due_id}": "from messages; it leads on to the place of the task",
    "/desk/alerts/{alert_id}/sealed": "follows the entry of the password",
    "/desk/alerts/{alert_id}/together": "only where an alert is about several children",
    "/desk/children/{child_id}/found": "it leads on to the search",
    "/desk/children/{child_id}/quarantine": "only while words from a person who left wait",
    "/desk/transfers/{transfer_id}/package": "only after the other agency said yes",
    "/desk/children/{child_id}/emergency": "follows the form that opens it",
    "/desk/glass/{glass_id}": "from the message about it",
    "/desk/homes/{home_id}/roll-call/{child_id}/missing": "from a roll call, after “not here”, for"
    " a person of the home who has no tie to the child",
    "/desk/filter": "only where there are many children",
    "/desk/episodes/{episode_id}/summary": "from a return that is complete",
    "/desk/episodes/{episode_id}/summary.pdf": "from a return that is complete",
    "/desk/episodes/{episode_id}/interview": "from a search that has ended",
    "/desk/episodes/{episode_id}/interview/{group}": "from a search that has ended",
    "/desk/children/{child_id}/pack/group/{group}": "from the pack, which the reader unseals first",
    "/desk/children/{child_id}/pack/photos": "from the pack, which the reader unseals first",
    "/desk/children/{child_id}/pack/versions": "from the pack, which the reader unseals first",
    "/desk/children/{child_id}/without-app/card": "follows the button that makes the card",
    "/desk/children/{child_id}/without-app/links/{link_id}": "follows the button that makes it",
    "/desk/episodes/{episode_id}/mail/{paper_id}": "follows the button that sends it",
    "/desk/people/{person_id}/leaving": "follows the button on a person's page",
    "/desk/people/{person_id}/second-key": "from a colleague who has a second key",
    "/desk/people/{person_id}/password": "follows the button on a person's page",
    "/desk/people/children/import/{intake_id}": "follows the list that was handed in",
    "/desk/test/{subject_id}": "follows the button that sends the test",
}


@dataclass
class Crawl:
    """What one reader reached: each kind of page, after how many taps; and what led nowhere."""

    taps: dict[str, int] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)


@cache
def kind_of(path: str) -> str | None:
    """The route of a page of the desk; None where there is none."""
    scope = {"type": "http", "method": "GET", "path": path}
    for route in all_routes():
        if isinstance(route, Route) and route.matches(scope)[0] is Match.FULL:
            return route.path_format
    return None


def links_of(page: str) -> list[str]:
    paths = re.findall(r'<a [^>]*href="(/desk/[^"#?]*)', page)
    return list(dict.fromkeys(paths))


async def crawl(cast: Cast, name: str) -> Crawl:
    """Follow the links from the board, as far as three taps go."""
    seen, edge = Crawl(), {"/desk/": ""}
    visited: set[str] = set()
    await cast.new_token(name)
    async with cast.browser_as(name) as browser:
        for taps in range(MOST_TAPS + 1):
            further: dict[str, str] = {}
            for path, origin in edge.items():
                kind = kind_of(path)
                if kind is None:
                    seen.broken[path] = origin
                if kind is None or path in visited or (kind in seen.taps and "{" not in kind):
                    continue
                visited.add(path)
                answer = await browser.get(path, follow_redirects=True)
                if answer.status_code != 200:
                    seen.broken[path] = f"{origin}: {answer.status_code}"
                    continue
                seen.taps.setdefault(kind, taps)
                seen.taps.setdefault(kind_of(answer.url.path) or kind, taps)
                is_page = answer.headers.get("content-type", "").startswith("text/html")
                if is_page:
                    seen.pages[path] = answer.text
                if is_page and taps < MOST_TAPS:
                    further |= {link: path for link in links_of(answer.text)}
            edge = further
    return seen


async def stage(cast: Cast) -> None:
    """An alert, a search, a transfer, a template, a drill and a request to be away, so that each
    has a page."""
    await run_until(cast, at(19, 50))
    await cast.on_duty("tom", hours=12)
    await advocate(cast)
    await oversight(cast)
    makers = (
        "episode_id transfer_id template_id drill_id passing_id flag_id alert_id absence_id"
        " record_question_id"
    )
    for maker in makers.split():
        await test_access.MAKERS[maker](cast, "tom", "")
    await test_access.home_id(cast, "sam", "/desk/homes/{home_id}/roll-call")


# Who reaches a kind of page, and after how many taps at most: what is asked for often is near.
NEAR = (
    ("tom", "/desk/children/{child_id}", 2),
    ("tom", "/desk/alerts/{alert_id}", 2),
    ("tom", "/desk/episodes/{episode_id}", 2),
    ("tom", "/desk/transfers", 2),
    ("tom", "/desk/transfers/{transfer_id}", 3),
    ("ines", "/desk/quality", 2),
    ("ines", "/desk/drills", 2),
    ("root", "/desk/people/channels", 2),
    ("sam", "/desk/front", 1),
    ("sam", "/desk/homes/{home_id}/roll-call", 1),
    ("sam", "/desk/homes/{home_id}/roll-call/list", 2),
    ("sam", "/desk/homes/{home_id}/pin", 2),
    ("root", "/desk/people/homes/{home_id}/roll-call", 3),
    ("ines", "/desk/roll-calls", 2),
    ("ines", "/desk/texts", 2),
    ("ines", "/desk/people/homes/{home_id}/roll-call", 3),
    ("ada", "/desk/children/{child_id}/plan", 2),
    ("ruth", "/desk/children/{child_id}/advocacy", 1),
    ("ruth", "/desk/children/{child_id}/project", 1),
    ("ruth", "/desk/children/{child_id}/missing", 1),
    ("tom", "/desk/children/{child_id}/advocate", 3),
    ("tom", "/desk/children/{child_id}/witnesses", 3),
    ("tom", "/desk/policies/definitions", 2),
    ("vera", "/desk/areas", 1),
)


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_every_page_is_three_taps_from_the_board_what_is_often_used_nearer_and_no_link_broken(
    cast: Cast,
) -> None:
    await stage(cast)
    reached = {name: await crawl(cast, name) for name in READERS}
    broken = {
        (name, path): origin
        for name, seen in reached.items()
        for path, origin in seen.broken.items()
    }
    assert broken == {}
    pages = {
        route.path_format
        for route in all_routes()
        if isinstance(route, Route)
        and "GET" in (route.methods or ())
        and route.path_format.startswith("/desk/")
        and not route.path_format.endswith(".csv")
        and not route.path_format.endswith(".json")
    }
    by_anyone = {kind for seen in reached.values() for kind in seen.taps}
    assert sorted(pages - by_anyone - set(NOT_BY_A_LINK)) == []
    never = MOST_TAPS + 1
    taps = [(name, page, most, reached[name].taps.get(page, never)) for name, page, most in NEAR]
    assert [near for near in taps if near[3] > near[2]] == []


@pytest.mark.parametrize("role", BARS)
def test_every_page_belongs_to_one_place_that_the_bar_shows(role: str) -> None:
    for route in all_routes():
        if isinstance(route, Route) and route.path_format.startswith("/desk/"):
            place = place_of(route.path_format, role)
            here = [each for each in bar(route.path_format, role, "en") if each.is_here]
            assert len(here) == (0 if place == ME else 1), route.path_format
