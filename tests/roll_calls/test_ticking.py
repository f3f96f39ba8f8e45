"""Homes are asked when it is due, and others hear of it while nobody has said who is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.notify.actions import last_resorts, set_last_resorts
from server.notify.models import Message
from server.people.agencies.actions import HomeDetails, change_home, make_home
from server.people.models import Child, Home, Person
from server.policy.parser import filled
from server.roll_calls import actions, reading
from server.roll_calls.models import RollCall
from server.roll_calls.undone import undone as undone_calls
from server.storage.db import write
from server.ticker import ROWS
from server.watch import policy_change
from tests.cast import Cast
from tests.roll_calls.homes import ROOMS, asked, furnish, home, latest, say, sent, tick

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TABLE: dict[str, Any] = {"at": ["21:30", "07:45"]}


def paris(day: int, clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day:02}T{clock}:00+01:00").astimezone(UTC)


async def test_a_roll_call_that_nobody_does_goes_up_its_ladder(cast: Cast) -> None:
    await cast.on_duty("eve", hours=9)
    call = await asked(cast, workers=("sam", "tom"))
    workers = [("roll_call", "sam"), ("roll_call", "tom")]
    assert await sent(call, cast) == workers
    steps = [
        (19, "open", workers),
        (20, "open", [*workers, ("roll_call_again", "sam"), ("roll_call_again", "tom")]),
        (40, "open", [("roll_call_undone", "eve"), ("roll_call_undone", "ines")]),
        (240, "missed", []),
    ]
    for minutes, state, expected in steps:
        cast.clock.set(call.asked_at + minutes * MINUTE)
        for _ in range(2):
            await tick(cast.clock())
        call = await latest(cast)
        assert call.state == state
        told = await sent(call, cast)
        assert {*expected} <= {*told} or state == "missed"
        assert len(told) == len(set(told))
        shown = await undone_calls(cast.agency.id, cast.clock())
        assert shown.total == (1 if minutes >= 40 else 0)
    assert call.next_action_at is None
    assert await sent(call, cast) == [], "what has not gone out stays in"
    late = await say(cast, call, {"mia": "here", "noor": "here"})
    assert late.roll_call.state == "done", "one that was missed can still be done"
    assert (await undone_calls(cast.agency.id, cast.clock())).total == 0


async def test_a_message_names_nobody_and_leads_to_the_page_of_the_home(cast: Cast) -> None:
    call = await asked(cast)
    [message] = await Message.filter(subject_id=call.id)
    assert message.child_id is None
    asks = {"says": "ask", "time": "13:30", "letter": "", "one": None}
    assert message.data == {"path": f"/desk/homes/{cast.home.id}/roll-call", "asks": asks}
    assert message.expires_at == call.asked_at + 4 * HOUR


async def test_in_a_home_without_staff_others_hear_of_it_at_once(cast: Cast) -> None:
    call = await asked(cast, workers=())
    assert await sent(call, cast) == [("roll_call_undone", "ines")]
    [line] = (await undone_calls(cast.agency.id, cast.clock())).calls
    assert (line.home, line.has_workers) == (cast.home.name, False)


async def test_where_nobody_can_follow_up_the_last_resort_hears_of_it(cast: Cast) -> None:
    before = last_resorts()
    set_last_resorts(1)
    try:
        await Person.filter(id=cast.ines.id).update(disabled_at=cast.clock())
        call = await asked(cast, workers=())
        assert await sent(call, cast) == [("roll_call_undone", "last resort")]
    finally:
        set_last_resorts(before)


async def test_a_home_in_which_nobody_lives_is_not_asked(cast: Cast) -> None:
    await furnish(cast)
    await Child.filter(home_id=cast.home.id).update(home_id=None)
    await tick(cast.clock.advance(minutes=30))
    assert not await RollCall.all().exists()
    assert (await home(cast)).next_roll_call_at == paris(3, "13:30")


async def test_after_downtime_a_home_is_asked_once_and_the_ladder_begins_then(cast: Cast) -> None:
    await furnish(cast, "13:30", "21:30", "07:45")
    await tick(cast.clock.set(paris(4, "09:00")))
    [call] = await RollCall.all()
    assert (call.due_at, call.asked_at) == (paris(4, "07:45"), paris(4, "09:00"))
    assert await sent(call, cast) == [("roll_call", "sam")]
    # Down again, past every step: those who follow up hear of it all the same.
    await tick(cast.clock.set(paris(4, "13:29")))
    assert ("roll_call_undone", "ines") in await sent(call, cast)
    assert (await latest(cast)).state == "open"


async def test_the_next_roll_call_ends_the_one_before(cast: Cast) -> None:
    first = await asked(cast, "13:30", "13:45")
    await tick(cast.clock.advance(minutes=15))
    second = await latest(cast)
    assert (first.due_at, second.due_at) == (paris(2, "13:30"), paris(2, "13:45"))
    first = await RollCall.get(id=first.id)
    assert (first.state, first.next_action_at) == ("missed", None)
    assert await sent(first, cast) == []
    assert (await undone_calls(cast.agency.id, cast.clock())).total == 0
    await say(cast, first, {"mia": "here", "noor": "here"}, said_at=cast.clock() - MINUTE)
    assert (await RollCall.get(id=first.id)).state == "done"
    assert (await RollCall.get(id=second.id)).state == "open"
    place = (await reading.homes_of(cast.sam.id, cast.clock()))[0]
    assert place.open is not None
    assert place.open.id == second.id


async def test_a_tick_that_dies_is_done_again_and_asks_once(cast: Cast) -> None:
    await furnish(cast)
    now = cast.clock.advance(minutes=30)
    with pytest.raises(ZeroDivisionError):
        await _dying(now)
    assert not await RollCall.all().exists()
    for _ in range(3):
        await tick(now)
    call = await latest(cast)
    assert await sent(call, cast) == [("roll_call", "sam")]
    assert await RollCall.all().count() == 1


async def _dying(now: datetime) -> None:
    async with write():
        await tick(now)
        raise ZeroDivisionError


async def test_a_policy_with_roll_calls_can_be_adopted_and_homes_are_asked_by_it(
    cast: Cast,
) -> None:
    asked_for = policy_change.Adoption(uuid4(), filled({"roll_call": TABLE}), 0, "Two a day.")
    await policy_change.adopt(cast.actor("ines"), cast.agency.id, asked_for, cast.clock())
    await tick(cast.clock())
    assert (await home(cast)).next_roll_call_at == paris(2, "21:30")
    new = await make_home(
        cast.actor("root"),
        cast.agency.id,
        HomeDetails(name="Elsewhere", zone="UTC"),
        None,
        cast.clock(),
    )
    await tick(cast.clock())
    assert (await Home.get(id=new.id)).next_roll_call_at == datetime(2026, 3, 2, 21, 30, tzinfo=UTC)
    # Its own times, none, and those of the policy again; the same again changes nothing.
    for times, next_at in (
        (["22:00"], paris(2, "22:00")),
        (["22:00"], paris(2, "22:00")),
        ([], None),
        (None, paris(2, "21:30")),
    ):
        await actions.set_times(cast.actor("root"), cast.home.id, times, cast.clock())
        await tick(cast.clock())
        assert (await home(cast)).next_roll_call_at == next_at
    assert await reading.times_of(await home(cast)) == ("07:45", "21:30")


async def test_a_home_that_gets_another_zone_is_asked_by_its_new_clock(cast: Cast) -> None:
    await furnish(cast)
    details = HomeDetails(name=cast.home.name, zone="Europe/Lisbon")
    await change_home(cast.actor("root"), cast.agency.id, cast.home.id, details, cast.clock())
    await tick(cast.clock())
    assert (await home(cast)).next_roll_call_at == datetime(2026, 3, 2, 13, 30, tzinfo=UTC)


async def test_the_ticker_goes_through_homes_and_roll_calls(cast: Cast) -> None:
    assert set(ROOMS) <= set(ROWS)
