"""The board: who needs somebody now, first, and only to whom it may be shown."""

from __future__ import annotations

import re
from statistics import median
from time import process_time
from uuid import uuid4

import pytest

from server.alerts.models import Alert
from server.audit.models import Entry
from server.checkin.rules import Want
from server.i18n import gettext
from server.people.models import Child
from server.watch import ticking, watch_alerts
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.desk import scenes
from tests.desk.walking import answer, at, at_desk, run_until


def groups(page: str) -> list[str]:
    """The groups that a board shows, from top to bottom."""
    return re.findall(r'<h2 id="(\w+)" tabindex', page)


async def board(cast: Cast, name: str) -> str:
    async with at_desk(cast, name) as browser:
        response = await browser.get("/desk/")
    assert response.status_code == 200
    return response.text


async def test_a_child_who_needs_an_adult_now_comes_first(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    await answer(cast, "noor")
    page = await board(cast, "tom")
    assert groups(page) == ["now"]
    await Alert.filter(child_id=cast.noor.id).update(closed_at=cast.clock(), outcome="seen")
    page = await board(cast, "tom")
    assert groups(page) == ["now", "well"]
    assert page.index("Mia Castellane") < page.index("Noor Haddadin")
    assert "1 needs action now" in page
    assert "No answer since 18:00" in page
    assert "(1) Board" in page


async def test_a_missing_child_tops_the_board_even_when_another_adult_took_the_alert(
    cast: Cast,
) -> None:
    await run_until(cast, at(19, 50))
    alert = await watch_alerts.open_missing(cast.actor("sam"), cast.noor.id, None, cast.clock())
    async with at_desk(cast, "ines") as browser:
        await browser.post(f"/desk/alerts/{alert.id}/acknowledge")
    page = await board(cast, "tom")
    assert groups(page) == ["missing", "now"]
    assert "With" in page
    assert "Ines Quintanar" in page


async def test_an_alert_that_an_adult_took_is_in_hand(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    alert = await Alert.get(child_id=cast.mia.id)
    async with at_desk(cast, "tom") as browser:
        await browser.post(f"/desk/alerts/{alert.id}/acknowledge")
    page = await board(cast, "tom")
    assert "1 in hand" in page
    assert "Continue" in page
    assert "Open" in await board(cast, "ines")


async def test_late_due_and_away_are_told_apart(cast: Cast) -> None:
    await agreements.pause(
        cast.actor("tom"),
        cast.noor.id,
        agreements.PauseRequest(uuid4(), cast.clock(), at(20, day=5), words="With her aunt."),
        cast.clock(),
    )
    await run_until(cast, at(17))
    page = await board(cast, "tom")
    assert groups(page) == ["due", "away"]
    assert "1 away until Thu" in page
    assert "Away until Thu" in page
    await run_until(cast, at(19, 5))
    assert groups(await board(cast, "tom")) == ["late", "away"]


async def test_a_wish_to_talk_and_a_call_for_help_have_their_own_words(cast: Cast) -> None:
    await run_until(cast, at(15))
    await answer(cast, "noor", want=Want.TALK)
    await answer(cast, "mia", want=Want.HELP)
    page = await board(cast, "tom")
    assert page.index("Asked for help") < page.index("Wants to talk")
    assert "2 need action now" in page


@pytest.mark.parametrize("name", ["tom", "ines"])
async def test_who_has_a_tie_sees_the_child(cast: Cast, name: str) -> None:
    page = await board(cast, name)
    assert "Mia Castellane" in page
    assert "Noor Haddadin" in page
    assert "Lia" not in page


async def test_a_guardian_sees_only_the_ward_and_cannot_take_it(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    page = await board(cast, "ada")
    assert "Noor Haddadin" in page
    assert "Mia" not in page
    assert "acknowledge" not in page


async def empty(cast: Cast, name: str) -> list[str]:
    async with at_desk(cast, name) as browser:
        paths = ("/desk/", "/desk/children", "/desk/rounds")
        return [(await browser.get(path)).text for path in paths]


async def test_who_has_no_tie_sees_an_empty_board_that_says_so(cast: Cast) -> None:
    for page in await empty(cast, "eve"):
        assert "No child is assigned to you" in page
        assert "Add the first child" not in page
        assert "Mia" not in page


async def test_an_administrator_is_not_told_that_there_are_no_children(cast: Cast) -> None:
    for page in await empty(cast, "root"):
        assert "You see no children here" in page
        assert 'href="/desk/people/children"' in page
        assert "Add the first child" not in page
        assert "Mia" not in page


async def test_the_first_child_is_asked_for_where_there_is_none(cast: Cast) -> None:
    await Child.filter(agency_id=cast.agency.id).update(agency_id=cast.other_agency.id)
    page = (await empty(cast, "eve"))[0]
    assert "No children here yet" in page
    assert "Add the first child." in page


async def test_on_duty_one_sees_every_child_of_the_agency_and_leaves_a_trace(cast: Cast) -> None:
    await cast.on_duty("eve")
    assert "Mia Castellane" in await board(cast, "eve")
    await board(cast, "eve")
    looks = await Entry.filter(who_id=cast.eve.id, what__startswith="look", child_id=cast.mia.id)
    assert len(looks) == 1


async def test_a_carer_sees_what_to_answer_and_nothing_of_alerts(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    page = await board(cast, "sam")
    assert "Mia Castellane" in page
    assert "Noor" not in page
    assert 'value="seen"' in page
    assert 'value="not_seen"' in page
    for hidden in ("No answer", "I'll take it", "/desk/alerts/", "strip"):
        assert hidden not in page


async def test_a_carer_is_not_asked_any_more_when_the_answer_came_late(cast: Cast) -> None:
    asked = gettext("fr", "We have had no check-in. Have you seen {name}?", name="Mia Castellane")
    await run_until(cast, at(19, 5))
    assert asked in await board(cast, "sam")
    await answer(cast, "mia")
    assert asked not in await board(cast, "sam")


async def test_a_child_has_no_desk(cast: Cast) -> None:
    async with at_desk(cast, "mia") as browser:
        assert (await browser.get("/desk/")).status_code == 404
        assert (await browser.get("/desk/live")).status_code == 404
    async with cast.client(headers={"accept": "text/html"}) as stranger:
        response = await stranger.get("/desk/")
    assert response.status_code == 303
    assert response.headers["location"] == "/?next=/desk/"


async def test_a_ticker_that_stands_still_is_said_on_top(cast: Cast) -> None:
    assert "Monitoring has not started." in await board(cast, "tom")
    await ticking.beat("tick", cast.clock())
    page = await board(cast, "tom")
    assert 'class="banner" role="alert"' not in page
    assert "No alert is waiting for an adult now." in page
    cast.clock.advance(minutes=14)
    page = await board(cast, "tom")
    assert "No alert is waiting" not in page, "nobody has looked"
    assert "14 minutes ago" in page
    assert page.index("Monitoring stopped") < page.index("Mia Castellane")


async def test_the_marks_are_said_in_words_too(cast: Cast) -> None:
    await scenes.crowd(cast, 3)
    page = await board(cast, "tom")
    assert "Last 28 check-ins: 24 answered, 2 answered late, 1 seen by an adult" in page


async def test_everything_works_without_script(cast: Cast) -> None:
    page = await board(cast, "tom")
    assert '<a href="/desk/">Refresh</a>' in page
    assert "<script>" not in page
    assert not re.search(r"\son\w+=|\sstyle=", page)


async def test_the_board_reads_from_the_right_in_arabic(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    async with at_desk(cast, "tom") as browser:
        await browser.post("/desk/settings/language", data={"language": "ar"})
        page = (await browser.get("/desk/")).text
    assert '<html lang="ar" dir="rtl">' in page


@pytest.mark.load
async def test_two_hundred_children_are_one_quick_page_of_twenty_kilobytes(cast: Cast) -> None:
    await scenes.crowd(cast, 198)
    took, paces = [], []
    async with at_desk(cast, "tom") as browser:
        for _ in range(15):
            # What it costs this process: how busy the machine is besides is another question.
            begin = process_time()
            response = await browser.get("/desk/", headers={"accept-encoding": "gzip"})
            took.append(process_time() - begin)
            paces.append(_pace())
            cast.clock.advance(seconds=1)
    assert response.text.count("kid is-") < 50
    assert int(response.headers["content-length"]) <= 20_000
    # The benchmark holds it to 50 ms. Whatever else a machine does slows its processor down as
    # well, so here the page is held against plain work in the same seconds: it takes some five
    # times as long, and a test is to fail for what we did.
    assert median(took) <= 10 * median(paces), (median(took), median(paces))


def _pace() -> float:
    """Seconds of the processor for a piece of work that is always the same."""
    begin = process_time()
    sum(number * number for number in range(300_000))
    return process_time() - begin
