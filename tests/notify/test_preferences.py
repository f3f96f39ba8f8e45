"""By what somebody wants to be told first, and when what can wait is to wait."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from server.errors import Refused
from server.notify.child.hours import released
from server.notify.models import Message, Preference
from server.notify.preferences import set_order, set_quiet
from server.notify.rules import AddressSlice, Kind, MessageSlice, put_off_to
from tests.cast import Cast
from tests.notify.test_worker import mail_of, phone_of, say, send
from tests.races import no_fault, together
from tests.walks.stage import Stage

NIGHT = (time(22), time(7))


async def test_the_first_way_is_the_one_of_the_persons_choice(stage: Stage) -> None:
    await phone_of(stage, "tom")
    address = await mail_of(stage, "tom")
    tom, now = stage.cast.tom, stage.clock()
    await set_order(stage.cast.actor("tom"), tom.id, ["email", "push"], now)
    await say(stage)
    await send(stage)
    assert len(stage.mails_to(address)) == 1
    assert not stage.shown("tom")


async def test_the_next_way_after_a_failure_follows_the_order_too(stage: Stage) -> None:
    await phone_of(stage, "tom")
    address = await mail_of(stage, "tom")
    tom, now = stage.cast.tom, stage.clock()
    await set_order(stage.cast.actor("tom"), tom.id, ["email"], now)
    stage.relay.refused.add(address)
    await say(stage)
    while await send(stage):
        pass
    assert len(stage.shown("tom")) == 1


@pytest.mark.parametrize("order", [["sms"], ["email", "email"], ["email", "push"]])
async def test_an_order_names_ways_that_one_has_once(cast: Cast, order: list[str]) -> None:
    stage_less = cast.actor("tom")
    with pytest.raises(Refused):
        await set_order(stage_less, cast.tom.id, order, cast.clock())


@pytest.mark.parametrize(
    ("begin", "end"), [(time(22), None), (None, time(7)), (time(22), time(22)), (time(8), time(21))]
)
async def test_quiet_hours_have_two_ends_and_are_half_a_day_at_most(
    cast: Cast, begin: time | None, end: time | None
) -> None:
    with pytest.raises(Refused):
        await set_quiet(cast.actor("tom"), cast.tom.id, begin, end, cast.clock())


async def test_both_said_at_once_are_both_kept(stage: Stage) -> None:
    await mail_of(stage, "tom")
    tom, actor, now = stage.cast.tom, stage.cast.actor("tom"), stage.clock()
    no_fault(
        await together(
            *(set_order(actor, tom.id, ["email"], now) for _ in range(3)),
            *(set_quiet(actor, tom.id, *NIGHT, now) for _ in range(3)),
        )
    )
    wish = await Preference.get(id=tom.id)
    assert (wish.channels, wish.quiet_from, wish.quiet_until) == (["email"], "22:00", "07:00")


@pytest.mark.parametrize("kind", [Kind.DUE, Kind.ALL_CLEAR, Kind.WENT_ON])
async def test_what_can_wait_goes_out_when_the_quiet_hours_end(stage: Stage, kind: Kind) -> None:
    address, tom = await mail_of(stage, "tom"), stage.cast.tom
    await set_quiet(stage.cast.actor("tom"), tom.id, *NIGHT, stage.clock())
    stage.clock.set(datetime(2026, 3, 2, 22, 30, tzinfo=UTC))  # 23:30 in Paris.
    until = stage.clock() + timedelta(hours=12)
    await say(stage, kind=kind, urgency="normal", expires_at=until)
    await send(stage)
    assert not stage.mails_to(address)
    message = await Message.get()
    assert (message.state, message.why) == ("waiting", "quiet_hours")
    assert message.next_action_at == datetime(2026, 3, 3, 6, tzinfo=UTC)  # 07:00 in Paris.
    stage.clock.set(message.next_action_at)
    await send(stage)
    assert len(stage.mails_to(address)) == 1
    assert (await Message.get()).state == "done"


async def test_a_passing_fault_in_the_morning_does_not_take_the_next_way_at_once(
    stage: Stage,
) -> None:
    """It has waited since the evening, and been tried for seconds."""
    await phone_of(stage, "tom")
    address = await mail_of(stage, "tom")
    tom = stage.cast.tom
    await set_quiet(stage.cast.actor("tom"), tom.id, *NIGHT, stage.clock())
    stage.clock.set(datetime(2026, 3, 2, 21, tzinfo=UTC))
    await say(stage, kind=Kind.DUE, urgency="normal")
    await send(stage)
    stage.push.fault(503)
    stage.clock.set(datetime(2026, 3, 3, 6, tzinfo=UTC))
    await send(stage)
    stage.clock.advance(seconds=30)
    await send(stage)
    assert len(stage.shown("tom")) == 1
    assert not stage.mails_to(address)


async def test_what_is_settled_meanwhile_is_not_sent_in_the_morning(stage: Stage) -> None:
    address, tom = await mail_of(stage, "tom"), stage.cast.tom
    await set_quiet(stage.cast.actor("tom"), tom.id, *NIGHT, stage.clock())
    stage.clock.set(datetime(2026, 3, 2, 22, 30, tzinfo=UTC))
    until = stage.clock() + timedelta(hours=2)
    await say(stage, kind=Kind.DUE, urgency="normal", expires_at=until)
    await send(stage)
    assert ((await Message.get()).state, (await Message.get()).why) == ("withheld", "quiet_hours")
    stage.clock.advance(hours=12)
    await send(stage)
    assert not stage.mails_to(address)


CALLS = [Kind.ALERT, Kind.ALERT_AGAIN, Kind.DECIDE, Kind.CONFIRM_ANSWERED, Kind.HELD, Kind.TALK]
CALLS += [Kind.ASK_CARER, Kind.DOORS, Kind.TEST, Kind.OPERATORS]
CALLS += [Kind.DUE]  # One that is urgent: somebody is woken for a clock of a search.


@pytest.mark.parametrize("kind", CALLS)
async def test_a_message_that_calls_a_person_never_waits_for_the_morning(
    stage: Stage, kind: Kind
) -> None:
    address, tom = await mail_of(stage, "tom"), stage.cast.tom
    await set_quiet(stage.cast.actor("tom"), tom.id, *NIGHT, stage.clock())
    stage.clock.set(datetime(2026, 3, 2, 22, 30, tzinfo=UTC))
    await say(stage, kind=kind)
    await send(stage)
    assert len(stage.mails_to(address)) == 1


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-03-28T22:30+00:00", "2026-03-29T05:00+00:00"),  # The night of one hour less.
        ("2026-10-24T21:30+00:00", "2026-10-25T06:00+00:00"),  # And of one more.
        ("2026-03-02T22:30+00:00", "2026-03-03T06:00+00:00"),
        ("2026-03-03T05:59+00:00", "2026-03-03T06:00+00:00"),
    ],
)
def test_quiet_hours_end_by_the_wall_clock(now: str, ends: str) -> None:
    slice_ = AddressSlice(zone="Europe/Paris", quiet_from=NIGHT[0], quiet_until=NIGHT[1])
    moment = datetime.fromisoformat(now)
    assert released(slice_.hours, moment) == datetime.fromisoformat(ends)
    late = MessageSlice(kind=Kind.DUE, expires_at=datetime.fromisoformat(ends))
    assert put_off_to(late, slice_, moment) is None
