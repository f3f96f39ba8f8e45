"""The desk while a child is missing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from server.alerts.models import Alert
from server.missing.search.models import Episode, TimelineEntry
from server.notify.models import Message
from server.watch.models import Watch
from tests.cast import Cast
from tests.desk.walking import at, at_desk, run_until


def path(cast: Cast, rest: str, child: str = "mia") -> str:
    return f"/desk/children/{cast.children[child].id}{rest}"


async def say_missing(cast: Cast, name: str = "tom", **form: object) -> Episode:
    async with at_desk(cast, name) as browser:
        said = await browser.post(path(cast, "/missing"), data=form)
    assert said.status_code == 303
    return await Episode.get(child_id=cast.mia.id, found_at=None)


async def test_one_tap_calls_everyone_and_shows_what_is_next(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        asked = (await browser.get(path(cast, "/missing"))).text
        assert "Yes, call everyone now" in asked
        said = await browser.post(path(cast, "/missing"))  # Without any form at all.
        page = (await browser.get(said.headers["location"])).text
    assert "Missing, not reported" in page
    assert "Decide: tell the police?" in page
    assert page.index("Do it now") < page.index("Next steps")
    assert await Alert.filter(child_id=cast.mia.id, closed_at=None).count() == 1


async def test_a_double_tap_is_one_line_and_other_words_are_a_second(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        asked = (await browser.get(path(cast, "/missing"))).text
        id_ = re.search(r'name="id" value="([^"]+)"', asked)
        assert id_ is not None
        for _ in range(2):
            await browser.post(path(cast, "/missing"), data={"id": id_[1], "words": "Gone."})
            cast.clock.advance(seconds=2)
        assert await TimelineEntry.all().values_list("what", flat=True) == ["opened"]
        await browser.post(path(cast, "/missing"), data={"id": id_[1], "words": "With a bag."})
    assert set(await TimelineEntry.all().values_list("what", flat=True)) == {"opened", "joined"}


async def test_what_was_seen_last_and_what_makes_it_urgent_stand_on_the_page(cast: Cast) -> None:
    episode = await say_missing(
        cast, words="Her bag is gone.", where="Kitchen", by="Sam", flag=["threat", "nonsense"]
    )
    async with at_desk(cast, "ines") as browser:
        page = (await browser.get(f"/desk/episodes/{episode.id}")).text
    assert all(words in page for words in ("Her bag is gone.", "Kitchen", "A threat"))
    assert "threat" in episode.flags


async def test_saying_it_again_leads_to_the_same_search(cast: Cast) -> None:
    episode = await say_missing(cast)
    async with at_desk(cast, "ines") as browser:
        there = await browser.get(path(cast, "/missing"))
        assert there.headers["location"] == f"/desk/episodes/{episode.id}"
        again = await browser.post(path(cast, "/missing"), data={"words": "Nor with her aunt."})
        assert again.headers["location"] == f"/desk/episodes/{episode.id}"
        page = (await browser.get(f"/desk/episodes/{episode.id}")).text
    assert "Nor with her aunt." in page


async def test_an_entry_is_asked_for_in_words_and_stands_on_top(cast: Cast) -> None:
    episode = await say_missing(cast)
    where = f"/desk/episodes/{episode.id}/enter/attempt"
    async with at_desk(cast, "tom") as browser:
        form = (await browser.get(where)).text
        id_ = re.search(r'name="id" value="([^"]+)"', form)
        assert id_ is not None
        given = {"id": id_[1], "how": "visit", "whom": "The station"}
        refused = await browser.post(where, data=given)
        assert refused.status_code == 422
        assert "Fill in: Result" in refused.text
        assert 'value="The station"' in refused.text
        for _ in range(2):
            done = await browser.post(where, data={**given, "result": "not_there"})
            assert done.headers["location"] == f"/desk/episodes/{episode.id}"
        page = (await browser.get(f"/desk/episodes/{episode.id}")).text
    lines = page.split('class="entries"')[1]
    assert lines.index("Tried to reach the child") < lines.index("Said the child is missing")
    assert "Visited a place" in page
    assert await TimelineEntry.filter(what="attempt").count() == 1


@pytest.mark.parametrize("act", ["nonsense", "found", "opened"])
async def test_what_nobody_can_enter_is_not_there(cast: Cast, act: str) -> None:
    episode = await say_missing(cast)
    async with at_desk(cast, "tom") as browser:
        answer = await browser.get(f"/desk/episodes/{episode.id}/enter/{act}")
    assert answer.status_code == 404


async def test_being_seen_needs_who_where_and_how(cast: Cast) -> None:
    episode = await say_missing(cast)
    where = f"/desk/episodes/{episode.id}/found"
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post(where, data={"by": "Tom", "where": "", "words": "Well."})
        assert refused.status_code == 422
        assert "Say where the child was seen." in refused.text
        done = await browser.post(where, data={"by": "Tom", "where": "Home", "words": "Well."})
        page = (await browser.get(done.headers["location"])).text
        assert "Found, more to do" in page
        assert "Check that the child is safe and well" in page
        alert = await Alert.get(child_id=cast.mia.id)
        assert "Well." in (await browser.get(f"/desk/alerts/{alert.id}")).text
    assert not (await Watch.get(child_id=cast.mia.id)).is_missing


async def test_a_carer_says_that_the_child_is_back(cast: Cast) -> None:
    await say_missing(cast, "sam")
    async with at_desk(cast, "sam") as browser:
        board = (await browser.get("/desk/")).text
        assert f'href="{path(cast, "/found")}"' in board
        form = await browser.get(path(cast, "/found"))
        page = await browser.get(form.headers["location"])
        assert page.status_code == 200
        data = {"by": "Sam", "where": "At the door", "words": "Cold, not hurt."}
        done = await browser.post(form.headers["location"], data=data)
        thanks = (await browser.get(done.headers["location"])).text
        assert "Thank you" in thanks or "Merci" in thanks
        over = await browser.get(path(cast, "/found"))
        assert over.headers["location"].endswith("?done=found")
    assert (await Episode.get()).stage == "found"


async def test_after_the_return_the_ways_to_project_and_pack_are_on_the_page(cast: Cast) -> None:
    episode = await say_missing(cast)
    async with at_desk(cast, "tom") as browser:
        seen = {"where": "At home", "by": "Tom", "words": "Tired, not hurt."}
        await browser.post(f"/desk/episodes/{episode.id}/found", data=seen)
        page = (await browser.get(f"/desk/episodes/{episode.id}")).text
    [row] = [one for one in page.split("<li") if "Review the life project together" in one]
    assert f'href="/desk/children/{cast.mia.id}/project#review"' in row
    assert "Open the project" in row
    [row] = [one for one in page.split("<li") if "Update the grab pack" in one]
    assert f'href="{path(cast, "/pack")}"' in row
    assert "/enter/pack_update" not in row


async def test_of_a_missing_child_the_search_comes_first_and_each_alert_is_named(
    cast: Cast,
) -> None:
    await run_until(cast, at(23))
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(path(cast, ""))).text
        assert "Open the alert</a>" in page
        assert "I think this child is missing" in page
        await say_missing(cast)
        page = (await browser.get(path(cast, ""))).text
    assert "I think this child is missing" not in page
    first = page.index("Search: next steps")
    assert page.count("Search: next steps") == 1
    for cause in ("Missing", "No answer"):
        assert first < page.index(f"Open the alert: {cause}</a>")


async def test_the_alert_of_a_missing_child_leads_to_the_search(cast: Cast) -> None:
    episode = await say_missing(cast)
    async with at_desk(cast, "ines") as browser:
        page = (await browser.get(f"/desk/alerts/{episode.alert_id}")).text
        assert f'href="{path(cast, "/missing")}"' in page
        assert f'href="{path(cast, "/found")}"' in page
        assert "Close the alert" not in page


async def test_a_clock_that_is_over_says_since_when(cast: Cast) -> None:
    episode = await say_missing(cast, flag=["threat"])
    cast.clock.advance(minutes=40)
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(f"/desk/episodes/{episode.id}")).text
    assert "Late. It was due" in page
    assert cast.clock() - episode.opened_at == timedelta(minutes=40)


async def test_one_tap_calls_exactly_the_people_the_page_named(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        page = " ".join((await browser.get(path(cast, "/missing"))).text.split())
    said = re.search(r"Tap once and we call (.*?), all at once\.", page)
    assert said is not None
    async with at_desk(cast, "sam") as browser:
        await browser.post(path(cast, "/missing"))
    alert = await Alert.get(child_id=cast.mia.id)
    calls = await Message.filter(subject_id=alert.id, kind="alert")
    called = {one.person_id for one in calls}
    named = {name for name, one in cast.persons.items() if one.name in said[1]}
    assert {cast.persons[name].id for name in named} == called


async def test_a_decision_due_at_once_is_not_late_in_the_minute_of_the_report(cast: Cast) -> None:
    episode = await say_missing(cast, flag=["threat"])
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(f"/desk/episodes/{episode.id}")).text
        assert "Due now" in page
        assert "Late. It was due" not in page
        cast.clock.advance(minutes=6)
        page = (await browser.get(f"/desk/episodes/{episode.id}")).text
    assert "Due now" not in page
    assert "Late. It was due" in page


async def test_a_missing_child_is_confirmed_seen_from_the_board_and_not_reported_twice(
    cast: Cast,
) -> None:
    await say_missing(cast)
    async with at_desk(cast, "tom") as browser:
        board = (await browser.get("/desk/")).text
    async with at_desk(cast, "sam") as browser:
        card = (await browser.get("/desk/")).text
    for page in (board, card):
        assert f'href="{path(cast, "/found")}"' in page
        assert f'href="{path(cast, "/missing")}"' not in page
