"""A person, or bad luck, works against a roll call."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from server.alerts.models import Alert
from server.people.models import Child
from server.policy.models import Policy
from server.roll_calls.models import RollCall
from server.roll_calls.rules import roll_call_id
from server.watch import ticking as watches
from server.watch.models import RollCallWord, Watch
from server.watch.passes.rules import Reason
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.races import no_fault, together
from tests.roll_calls.homes import asked, furnish, latest, say, sent, tick
from tests.roll_calls.test_pages import path_of
from tests.simulation.test_live_equals_replay import weighing

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def weigh(cast: Cast, page: float) -> None:
    """The policy of the agency weighs silences, and calls adults from these odds on."""
    data = {**weighing(ask=0.01, page=page, leaves=0.02), "roll_call": {"at": ["21:30"]}}
    await Policy.create(agency_id=cast.agency.id, version=1, content=data, made_at=cast.clock())


async def test_one_person_cannot_outweigh_another_by_answering_old_roll_calls(cast: Cast) -> None:
    await weigh(cast, page=0.03)
    for days in range(2, 12):
        due = cast.clock() - days * DAY
        await RollCall.create(
            id=roll_call_id(cast.home.id, due),
            agency_id=cast.agency.id,
            home_id=cast.home.id,
            due_at=due,
            asked_at=due,
            zone="Europe/Paris",
            state="missed",
            step=4,
        )
    await furnish(cast, "13:30", "16:30", workers=("sam", "tom"))
    for hours in (0.5, 3):
        await tick(cast.clock.advance(hours=hours))
    cast.clock.advance(minutes=15)
    calls = await RollCall.filter(home_id=cast.home.id)
    assert len(calls) == 12
    for call in calls:
        await say(cast, call, {"mia": "here"})
    last = await latest(cast)
    assert set(await RollCallWord.all().values_list("roll_call_id", flat=True)) == {last.id}
    cast.clock.advance(minutes=5)
    await say(cast, last, {"mia": "not_here"}, by="tom")
    assert (await Alert.get(child_id=cast.mia.id)).reason == "not_here"


async def test_a_form_that_is_sent_again_after_the_next_roll_call_was_asked_is_still_once(
    cast: Cast,
) -> None:
    first, id_ = await asked(cast, "13:30", "13:45", "14:00"), uuid4()
    await tick(cast.clock.advance(minutes=15))
    second = await latest(cast)
    for _ in range(2):
        done = await say(cast, first, {"mia": "here", "lia": "here"}, id_=id_)
        assert done.roll_call.id == second.id
        await tick(cast.clock.advance(minutes=15))
    assert await RollCallWord.all().count() == 1


async def test_here_every_two_hours_puts_no_call_off_beyond_the_ceiling(cast: Cast) -> None:
    await weigh(cast, page=0.1)
    await furnish(cast, "02:00", "06:00", "10:00", "14:00", "18:00", "22:00")
    sign_at = (await Watch.get(child_id=cast.mia.id)).sign_at
    await tick(cast.clock.advance(hours=2))
    while not await Alert.filter(child_id=cast.mia.id).exists():
        now = cast.clock.advance(hours=2)
        assert now - sign_at <= 36 * HOUR
        await tick(now)
        await say(cast, await latest(cast), {"mia": "here"})
        await watches.WATCHES.tick(now)


async def test_a_home_that_answers_while_it_is_asked_again_waits_and_does_not_fail(
    cast: Cast,
) -> None:
    times = ("13:30", "13:45", "14:00", "14:15")
    await asked(cast, *times, workers=("sam", "tom"))
    for _ in times[1:]:
        call, now = await latest(cast), cast.clock.advance(minutes=15)
        all_here = {"mia": "here", "noor": "here"}
        before = now - MINUTE
        no_fault(
            await together(
                tick(now),
                tick(now),
                say(cast, call, all_here, said_at=before),
                say(cast, call, all_here, said_at=before, by="tom"),
            )
        )
    calls = await RollCall.filter(home_id=cast.home.id).order_by("due_at")
    assert [call.state for call in calls] == ["done", "done", "done", "open"]


@pytest.mark.parametrize("how", ["moved", "away"])
async def test_nobody_is_called_for_a_roll_call_in_which_no_child_is_missing_any_more(
    cast: Cast, how: str
) -> None:
    call = await asked(cast)
    await say(cast, call, {"mia": "here"})
    now = cast.clock()
    if how == "moved":
        await Child.filter(id=cast.noor.id).update(home_id=None)
    else:
        request = agreements.PauseRequest(uuid4(), now, now + DAY, reason=Reason.FAMILY)
        await agreements.pause(cast.actor("tom"), cast.noor.id, request, now)
    await tick(cast.clock.advance(minutes=40))
    call = await latest(cast)
    assert (call.state, call.done_by, call.next_action_at) == ("done", None, None)
    assert await sent(call, cast) == []
    async with cast.browser_as("ines") as browser:
        page = (await browser.get(path_of(cast))).text
    assert "1 here, 1 with permission" in page or ">1 here<" in page
    assert "finished the roll call" not in page
