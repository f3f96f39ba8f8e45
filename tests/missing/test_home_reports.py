"""A person of a home without a tie to the child reports them missing, after "not here"."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from server.audit.models import Entry
from server.missing.search.models import Alias, Episode, TimelineEntry
from server.missing.search.opening import Saying, open_episode
from server.people.actions import set_phone
from server.people.models import Person, Tie
from server.people.rules import Role
from server.roll_calls.actions import end_worker
from server.watch.models import Watch
from tests.cast import Cast
from tests.roll_calls.homes import asked, latest, say, tick
from tests.roll_calls.test_what_follows import main_of, path_of


@pytest_asyncio.fixture(autouse=True)
async def without_tie(cast: Cast) -> None:
    """Sam works in the home and is no carer of Mia's."""
    await Tie.filter(child_id=cast.mia.id, person_id=cast.sam.id).delete()
    await Person.filter(id=cast.sam.id).update(language="en")
    await set_phone(cast.actor("tom"), cast.tom.id, "+33 1 99 00 11 11", cast.clock())


def report_of(cast: Cast, child: str = "mia") -> str:
    return f"{path_of(cast)}/{cast.persons[child].id}/missing"


async def status(cast: Cast, name: str = "sam", path: str = "") -> int:
    async with cast.browser_as(name) as browser:
        return (await browser.get(path or report_of(cast))).status_code


async def send(cast: Cast, form: dict[str, str], name: str = "sam") -> tuple[int, str]:
    async with cast.browser_as(name) as browser:
        answer = await browser.post(report_of(cast), data=form)
    return answer.status_code, answer.text


async def test_after_not_here_the_page_leads_to_the_report_and_one_tap_calls_everyone(
    cast: Cast,
) -> None:
    await say(cast, await asked(cast), {"mia": "not_here", "noor": "here"})
    assert f'href="{report_of(cast)}"' in await main_of(cast, path_of(cast))
    form = await main_of(cast, report_of(cast))
    assert "Do you think Mia Castellane is missing?" in form
    # Who answers for the child is none of the home's business.
    for name in ("Verhoeven", "Quintanar", "Brzezinska"):
        assert name not in form
    id_ = uuid4()
    for _ in range(2):
        code, _ = await send(cast, {"id": str(id_), "words": "Her bed is empty."})
        assert code == 303
    episode = await Episode.get(child_id=cast.mia.id)
    assert (episode.id, episode.opened_by, episode.why) == (id_, cast.sam.id, "Her bed is empty.")
    assert (await Watch.get(child_id=cast.mia.id)).is_missing
    assert await Alias.filter(episode_id=episode.id).count() == 1


async def test_afterwards_they_read_who_to_call_and_open_nothing_else(cast: Cast) -> None:
    await say(cast, await asked(cast), {"mia": "not_here", "noor": "here"})
    await send(cast, {"id": str(uuid4())})
    episode = await Episode.get(child_id=cast.mia.id)
    page = await main_of(cast, report_of(cast))
    assert "Mia Castellane is reported missing" in page
    assert 'href="tel:+33199001111"' in page
    assert "You cannot open the search itself" in page
    assert "/desk/episodes/" not in page
    assert "Reported missing: who to call" in await main_of(cast, path_of(cast))
    for closed in (f"/desk/episodes/{episode.id}", f"/desk/children/{cast.mia.id}"):
        assert await status(cast, path=closed) == 404


async def test_a_home_that_says_here_of_a_missing_child_reads_who_to_tell(cast: Cast) -> None:
    call = await asked(cast)
    await say(cast, call, {"mia": "not_here", "noor": "here"})
    await send(cast, {"id": str(uuid4())})
    cast.clock.advance(minutes=5)
    await say(cast, call, {"mia": "here"})
    page = await main_of(cast, path_of(cast))
    assert "The alert stays open. Tell" in page
    assert "that Mia Castellane is here." in page
    assert page.count("Reported missing: who to call") == 1


async def test_a_second_report_joins_the_search_with_its_words(cast: Cast) -> None:
    await say(cast, await asked(cast), {"mia": "not_here", "noor": "here"})
    for words in ("Her bed is empty.", "Her coat is gone."):
        assert (await send(cast, {"id": str(uuid4()), "words": words}))[0] == 303
    assert await Episode.filter(child_id=cast.mia.id).count() == 1
    told = {entry.words for entry in await TimelineEntry.all()}
    assert {"Her bed is empty.", "Her coat is gone."} <= told


async def test_only_while_not_here_is_what_the_home_says(cast: Cast) -> None:
    call = await asked(cast)
    assert await status(cast) == 303, "nothing was said yet"
    await say(cast, call, {"mia": "not_here", "noor": "here"})
    assert await status(cast) == 200
    cast.clock.advance(minutes=1)
    await say(cast, call, {"mia": "here"})
    assert await status(cast) == 303
    assert report_of(cast) not in await main_of(cast, path_of(cast))
    code, page = await send(cast, {"id": str(uuid4()), "words": "Her bed is empty."})
    assert code == 409
    assert "Her bed is empty." in page
    assert "so nobody was called" in page
    assert not await Episode.exists()


async def test_a_home_that_says_here_learns_nothing_of_a_search(cast: Cast) -> None:
    await say(cast, await asked(cast), {"mia": "here", "noor": "here"})
    now = cast.clock()
    await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), Saying(now), now)
    async with cast.browser_as("sam") as browser:
        page = await browser.get(report_of(cast))
    assert (page.status_code, page.headers["location"]) == (303, path_of(cast))


async def test_the_next_roll_call_takes_it_away_only_with_a_word(cast: Cast) -> None:
    await say(cast, await asked(cast, "13:30", "14:30"), {"mia": "not_here", "noor": "here"})
    await tick(cast.clock.advance(hours=1))
    await cast.new_token("sam")
    assert await status(cast) == 200
    await say(cast, await latest(cast), {"mia": "unknown"})
    assert await status(cast) == 303


@pytest.mark.parametrize("who", ["eve", "root", "uwe", "noor"])
async def test_nobody_else_finds_it(cast: Cast, who: str) -> None:
    await say(cast, await asked(cast), {"mia": "not_here", "noor": "here"})
    assert await status(cast, who) == 404
    assert (await send(cast, {"id": str(uuid4())}, who))[0] == 404


async def test_of_a_child_who_lives_elsewhere_there_is_nothing(cast: Cast) -> None:
    await say(cast, await asked(cast), {"mia": "not_here", "noor": "here"})
    for id_ in (cast.lia.id, UUID(int=7)):
        assert await status(cast, path=f"{path_of(cast)}/{id_}/missing") == 404


async def test_the_right_ends_with_the_work_in_the_home_and_with_the_role(cast: Cast) -> None:
    await say(cast, await asked(cast), {"mia": "not_here", "noor": "here"})
    await Person.filter(id=cast.sam.id).update(role=Role.GUARDIAN)
    assert await status(cast) == 404
    await Person.filter(id=cast.sam.id).update(role=Role.CARER)
    assert await status(cast) == 200
    await end_worker(cast.actor("root"), cast.home.id, cast.sam.id, cast.clock())
    assert await status(cast) == 404
    assert (await send(cast, {"id": str(uuid4())}))[0] == 404
    assert not await Episode.exists()


async def test_a_worker_with_a_tie_reports_as_everyone_with_a_tie(cast: Cast) -> None:
    call = await asked(cast, workers=("sam", "tom"))
    await say(cast, call, {"mia": "not_here", "noor": "here"}, by="tom")
    page = await main_of(cast, path_of(cast), "tom")
    assert f'href="/desk/children/{cast.mia.id}/missing"' in page
    assert report_of(cast) not in page


async def test_the_record_says_who_reported(cast: Cast) -> None:
    await say(cast, await asked(cast), {"mia": "not_here", "noor": "here"})
    await send(cast, {"id": str(uuid4())})
    entries = await Entry.filter(child_id=cast.mia.id, who_id=cast.sam.id)
    assert [entry.what for entry in entries if entry.what.startswith("alert:")]
