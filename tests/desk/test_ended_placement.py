"""A placement that has ended: what leads to the child's page, and from there to a new placement."""

from __future__ import annotations

from uuid import uuid4

import httpx2

from server.missing.returns import child_found
from server.missing.returns.child_found import Found
from server.missing.search import opening
from server.missing.search.opening import Saying
from server.people.models import Child
from server.people.rules import Leaving, Role
from server.people.ties import AddTie, add_tie
from server.placements import actions as placements
from tests.cast import Cast
from tests.desk.test_find_pages import look_for
from tests.desk.walking import at_desk

LISTS = ("/desk/", "/desk/children", "/desk/children?left=1")


async def left(cast: Cast) -> str:
    """Mia was missing, was found, and has left. The path of that search."""
    tom, now = cast.actor("tom"), cast.clock()
    episode, _ = await opening.open_episode(tom, cast.mia.id, uuid4(), Saying(now), now)
    what = Found(now, "At the station", "Sam", "Tired.")
    await child_found.record_found(tom, episode.id, uuid4(), what, now)
    why = Leaving.HOME
    await placements.end(tom, cast.mia.id, why, cast.clock(), shut_out=False, now=cast.clock())
    return f"/desk/episodes/{episode.id}"


async def opens(browser: httpx2.AsyncClient, path: str, link: str) -> bool:
    """Whether the page has this link."""
    return f'href="{link}"' in (await browser.get(path)).text


# Who reads the page of a child who has left, and who may start a placement again.
READS = {"tom": True, "ines": True, "ada": True, "sam": False, "eve": False, "root": False}
BEGINS = {"tom", "ines"}


async def test_lists_and_searches_lead_those_who_may_read_it_to_an_ended_placement(
    cast: Cast,
) -> None:
    as_guardian = AddTie(person_id=cast.ada.id, role=Role.GUARDIAN)
    await add_tie(cast.actor("tom"), await Child.get(id=cast.mia.id), as_guardian, cast.clock())
    search, child = await left(cast), f"/desk/children/{cast.mia.id}"
    for name, reads in READS.items():
        begins = name in BEGINS
        async with at_desk(cast, name) as browser:
            for path in LISTS:
                assert await opens(browser, path, child) is reads, (name, path)
            assert (child in await look_for(cast, name, "castel")) is reads, name
            assert await opens(browser, "/desk/searches", search) is reads, name
            assert await opens(browser, search, child) is reads, name
            for path in (child, f"{child}/safety"):
                assert await opens(browser, path, f"{child}/placement") is begins, (name, path)
            form = await browser.get(f"{child}/placement")
            assert (form.status_code == 200) is begins, name
        if begins:
            assert "Start the placement again" in form.text
