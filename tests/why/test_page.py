"""The page of a night: who may read it, which night it tells, and how it is read."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from server.alerts.models import Alert
from server.audit.models import Entry
from server.notify.models import Message
from server.people.rules import Role
from server.watch.signals.observations import ObservationRequest, note
from server.why.events import last_day
from server.why.night import tell
from server.why.pages import MOST
from tests.cast import Cast
from tests.desk.walking import at, at_desk, leave_the_others_out, run_until


def path(cast: Cast) -> str:
    return f"/desk/children/{cast.mia.id}/why"


@pytest.mark.parametrize(
    ("name", "status"),
    [("ines", 200), ("tom", 200), ("ada", 404), ("sam", 403), ("eve", 404), ("root", 404)],
)
async def test_supervisors_and_the_childs_caseworkers_read_it(
    cast: Cast, name: str, status: int
) -> None:
    async with at_desk(cast, name) as browser:
        assert (await browser.get(path(cast))).status_code == status


async def test_the_other_agency_finds_nothing(cast: Cast) -> None:
    async with at_desk(cast, "uwe") as browser:
        assert (await browser.get(path(cast))).status_code == 404


async def test_the_person_on_duty_reads_it_and_leaves_a_look(cast: Cast) -> None:
    await cast.on_duty("eve")
    async with at_desk(cast, "eve") as browser:
        assert (await browser.get(path(cast))).status_code == 200
    entry = await Entry.get(what="look:alert:explain", who_id=cast.eve.id)
    assert (entry.child_id, entry.why) == (cast.mia.id, "on_duty")


async def test_a_night_long_before_the_child_came_is_no_mistake(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        page = await browser.get(path(cast), params={"night": "1999-05-01"})
    assert page.status_code == 200
    assert "No alert: the watch over Mia Castellane had not begun." in page.text
    assert "on duty" not in page.text.partition("<main")[2]


async def test_a_night_is_chosen_by_its_day_and_leads_to_those_beside_it(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(20))
    cast.clock.set(at(9, day=5))
    await cast.new_token("ines")
    async with at_desk(cast, "ines") as browser:
        page = await browser.get(path(cast), params={"night": "2026-03-02"})
    assert "An alert opened at 19:45: No answer." in page.text
    assert "?night=2026-03-01" in page.text
    assert "?night=2026-03-03" in page.text
    assert [title for title in re.findall(r"<h2>(.*?)</h2>", page.text) if "18:00" in title] == [
        "Mon, 2 Mar 2026, 18:00"
    ]
    main = page.text.partition("<main")[2]
    assert main.count("<details") == main.count('<details class="fold hour"')


async def test_a_long_night_is_folded_where_only_messages_went_out_and_open_where_more_happened(
    cast: Cast,
) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(7, day=3))
    cast.clock.set(at(9, day=5))
    await cast.new_token("ines")
    async with at_desk(cast, "ines") as browser:
        folded = (await browser.get(path(cast), params={"night": "2026-03-02"})).text
        [all_] = re.findall(r'href="([^"]+all=1)"', folded)
        every = (await browser.get(all_.replace("&amp;", "&"))).text
    hours = re.findall(r'<details class="fold hour"( open)?>(.*?)</details>', folded, re.DOTALL)
    assert [bool(is_open) for is_open, _ in hours].count(False) >= 5
    for is_open, lines in hours:
        assert bool(is_open) or 'class="strong"' not in lines
        assert bool(is_open) is not bool(re.search(r"<summary>.*\d+ lines?<", lines))
    [opened] = [is_open for is_open, lines in hours if "An alert opened:" in lines]
    assert opened
    assert folded.count('class="entry"') == every.count('class="entry"'), "nothing is left out"
    assert 'class="fold hour">' not in every
    assert "all=1" not in every


async def test_the_night_to_come_has_no_link(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        page = await browser.get(path(cast), params={"night": "2026-03-01"})
    assert "The night after" not in page.text
    assert "The night before" in page.text


@pytest.mark.parametrize("night", ["yesterday", "2026-02-31", "0", "9" * 50])
async def test_nonsense_is_refused_beside_the_field(cast: Cast, night: str) -> None:
    async with at_desk(cast, "ines") as browser:
        page = await browser.get(path(cast), params={"night": night})
    assert page.status_code == 422
    assert "Enter a day such as" in page.text


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_the_ends_of_the_calendar_are_no_fault_of_ours(cast: Cast, day: str) -> None:
    async with at_desk(cast, "ines") as browser:
        assert (await browser.get(path(cast), params={"night": day})).status_code < 500


async def test_nonsense_in_a_link_shows_the_last_day(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        for params in (
            {"at": "noon"},
            {"at": "0001-01-01T00:00Z"},
            {"at": "9999-12-31T23:59Z"},
            {"part": "-1"},
            {"part": "²"},
            {"part": "999999999"},
        ):
            assert (await browser.get(path(cast), params=params)).status_code == 200


async def test_a_thousand_lines_come_in_parts(cast: Cast) -> None:
    now = cast.clock()
    rows = [
        Message(
            agency_id=cast.agency.id,
            person_id=cast.tom.id,
            to_key=str(cast.tom.id),
            channel="push",
            kind="alert_again",
            subject_kind="alert",
            subject_id=cast.mia.id,
            turn=turn,
            child_id=cast.mia.id,
            queued_at=now - timedelta(minutes=turn),
            done_at=now - timedelta(minutes=turn),
            state="withheld",
            why="expired",
        )
        for turn in range(1000)
    ]
    for row in rows:
        await row.save(force_create=True)
    async with at_desk(cast, "ines") as browser:
        first = (await browser.get(path(cast))).text
        last = (await browser.get(path(cast), params={"part": "7"})).text
    assert first.count('class="entry') == MOST
    assert "Part 1 of 7." in first
    assert "part=2" in first
    assert 0 < last.count('class="entry') < MOST
    assert "Later in this time" not in last


async def test_the_alert_and_the_child_lead_there_for_those_who_answer_for_the_child(
    cast: Cast,
) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(20))
    [alert] = await Alert.filter(child_id=cast.mia.id)
    for page in (f"/desk/alerts/{alert.id}", f"/desk/children/{cast.mia.id}/safety"):
        for name in ("ines", "tom"):
            async with at_desk(cast, name) as browser:
                text = (await browser.get(page)).text
                [link] = re.findall(rf'href="({path(cast)}[^"]*)"', text)
                assert (await browser.get(link.replace("&amp;", "&"))).status_code == 200


async def test_a_reader_who_may_not_see_what_adults_noticed_reads_nothing_of_it(
    cast: Cast,
) -> None:
    now = cast.clock()
    noticed = ObservationRequest(uuid4(), "packed_bag")
    await note(cast.actor("sam"), cast.children["mia"], Role.CARER, noticed, now)
    period = last_day(now + timedelta(hours=1))
    for sees in (True, False):
        night = await tell(cast.children["mia"], period, now + timedelta(hours=1), sees_signs=sees)
        assert ("sign.noted" in {event.code for event in night.events}) is sees


async def test_a_sealed_reason_is_not_told(cast: Cast) -> None:
    await Alert.create(
        agency_id=cast.agency.id,
        child_id=cast.mia.id,
        cause="concern",
        tier="mid",
        opened_at=cast.clock(),
        noticed_at=cast.clock(),
        reason="sign",
        words="The other way.",
        ladder={"rungs": ["caseworker"], "each_s": 60, "lapse_s": 60, "decide_s": None},
        next_action_at=cast.clock() + timedelta(hours=1),
    )
    cast.clock.advance(minutes=1)
    async with at_desk(cast, "ines") as browser:
        text = (await browser.get(path(cast))).text
    assert "An alert opened: Needs checking." in text
    assert "The other way." not in text
    assert "agreed sign" not in text
