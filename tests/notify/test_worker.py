"""The loop that sends, over sockets to a push service and a mail relay."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.audit.actions import Actor
from server.notify import actions as notify
from server.notify.actions import Saying
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Address, Delivery, Message
from server.notify.rules import Kind
from server.notify.sending.claims import AT_ONCE, LEASE
from server.notify.sending.results import log_ends
from server.people.models import Person
from server.storage.db import write
from tests.doubles.push_service import Subscription
from tests.races import no_fault, together
from tests.walks.stage import LAST_RESORT, Stage

SUBJECT = UUID("0195f7b0-0000-7000-8000-00000000000a")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


async def phone_of(stage: Stage, name: str) -> Subscription:
    phone = stage.push.virtual()
    person = stage.cast.persons[name]
    await add_address(
        Actor(person.id, person.role, person.agency_id, uuid4()),
        person.id,
        AddAddress(channel="push", value=phone.endpoint, keys=phone.json["keys"]),
        stage.clock(),
    )
    stage.phones[name] = phone
    return phone


async def mail_of(stage: Stage, name: str) -> str:
    person = stage.cast.persons[name]
    address = f"{name}@example.org"
    actor = Actor(person.id, person.role, person.agency_id)
    await add_address(actor, person.id, AddAddress(channel="email", value=address), stage.clock())
    return address


async def say(stage: Stage, name: str = "tom", **how: Any) -> None:
    values: dict[str, Any] = {
        "kind": Kind.ALERT,
        "agency_id": stage.cast.agency.id,
        "subject_kind": "alert",
        "subject_id": SUBJECT,
        "person_id": stage.cast.persons[name].id,
        "urgency": "high",
    }
    async with write():
        await notify.queue([Saying(**(values | how))], stage.clock())


async def send(stage: Stage) -> int:
    return await stage.ticker.worker.run_once()


async def the_message(**which: Any) -> Message:
    return await Message.get(**which)


async def tries() -> Sequence[tuple[str, str, str | None, int | None]]:
    """Every line of the log of deliveries."""
    rows = await Delivery.all().order_by("started_at", "attempt", "channel")
    return [(row.channel, row.result, row.why, row.status) for row in rows]


# --- it goes out


async def test_a_message_is_sent_logged_and_marked_done(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    await say(stage)
    assert await send(stage) == 1
    assert await send(stage) == 0
    message = await the_message()
    assert (message.state, message.attempts, message.next_action_at) == ("done", 1, None)
    assert message.done_at == stage.clock()
    assert await tries() == [("push", "accepted", "accepted", 201)]
    [received] = phone.received
    assert received.json["m"] == str(message.id)
    assert received.json["notification"]["tag"] == received.headers["topic"] == SUBJECT.hex
    assert received.headers["urgency"] == "high"
    assert (await Address.get()).last_accepted_at == stage.clock()


async def test_every_phone_of_a_person_gets_it(stage: Stage) -> None:
    phones = [await phone_of(stage, "tom") for _ in range(3)]
    await say(stage)
    await send(stage)
    assert [len(phone.received) for phone in phones] == [1, 1, 1]
    assert len(await tries()) == 3


async def test_two_workers_at_once_send_each_message_once(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    for turn in range(60):
        await say(stage, turn=turn, subject_id=uuid4())
    workers = [stage.ticker.worker, *(stage.another_ticker().worker for _ in range(2))]
    no_fault(await together(*(worker.run_once() for worker in workers for _ in range(2))))
    assert len(phone.received) == 60
    assert len({received.json["m"] for received in phone.received}) == 60
    assert await Message.filter(state="done", attempts=1).count() == 60
    assert await Delivery.all().count() == 60


async def test_workers_at_once_do_not_split_what_goes_out_as_one(stage: Stage) -> None:
    """More rows than one batch holds: whoever takes the first of them takes all."""
    phone = await phone_of(stage, "tom")
    for number in range(4):
        shared = UUID(int=number)
        sayings = [
            Saying(
                kind=Kind.ALERT,
                agency_id=stage.cast.agency.id,
                subject_kind="alert",
                subject_id=uuid4(),
                person_id=stage.cast.tom.id,
                urgency="high",
                together=shared,
            )
            for _ in range(AT_ONCE + 50)
        ]
        async with write():
            await notify.queue(sayings, stage.clock())
        workers = [stage.another_ticker().worker for _ in range(4)]
        no_fault(await together(*(worker.run_once() for worker in workers)))
        while await send(stage):
            pass
        assert await Message.filter(together=shared, state="done").count() == AT_ONCE + 50
        assert len(phone.received) == number + 1


async def test_an_alert_waits_behind_no_reminders(stage: Stage) -> None:
    """However many of them, and however long they have waited."""
    phone = await phone_of(stage, "tom")
    for turn in range(AT_ONCE + 20):
        await say(stage, "mia", kind=Kind.REMIND_CHILD, turn=turn, urgency="normal")
    stage.clock.advance(minutes=5)
    await say(stage)
    assert await send(stage) == AT_ONCE
    assert len(phone.received) == 1
    assert await Message.filter(kind=Kind.ALERT, state="done").count() == 1
    assert await send(stage) == 21


async def test_a_batch_is_bounded_and_the_oldest_go_first(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    for turn in range(AT_ONCE + 1):
        await say(stage, turn=turn)
    await Message.filter(turn=AT_ONCE).update(next_action_at=stage.clock() - MINUTE)
    await Message.filter(turn=0).update(next_action_at=stage.clock() + SECOND)
    assert await send(stage) == AT_ONCE
    assert await Message.filter(turn=AT_ONCE, state="done").exists()
    assert len(phone.received) == AT_ONCE
    assert await send(stage) == 0
    stage.clock.advance(seconds=1)
    assert await send(stage) == 1


# --- a worker dies


async def test_what_a_dead_worker_held_is_sent_again_when_its_lease_runs_out(
    stage: Stage,
) -> None:
    phone = await phone_of(stage, "tom")
    await say(stage)
    dead = stage.another_ticker().worker
    [claimed] = await dead._claim(stage.clock())
    await dead._log_beginning(await dead._plan([claimed], stage.clock()), stage.clock())
    assert await send(stage) == 0, "it is leased"
    stage.clock.advance(seconds=LEASE.total_seconds())
    assert await send(stage) == 1
    assert len(phone.received) == 1
    message = await the_message()
    assert (message.state, message.attempts) == ("done", 2)
    assert [result for _, result, _, _ in await tries()] == ["unknown", "accepted"]


async def test_what_was_sent_and_not_marked_goes_out_again_with_the_same_tag_and_topic(
    stage: Stage,
) -> None:
    phone = await phone_of(stage, "tom")
    await say(stage)
    dying = stage.another_ticker().worker

    async def dies(*_: object) -> None:
        raise asyncio.CancelledError

    dying._record = dies  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await dying.run_once()
    stage.clock.advance(seconds=LEASE.total_seconds())
    await send(stage)
    first, second = phone.received
    for what in ("m", "notification"):
        assert first.json[what] == second.json[what]
    assert first.headers["topic"] == second.headers["topic"]


async def test_a_worker_that_was_too_slow_does_not_overwrite_another(stage: Stage) -> None:
    await phone_of(stage, "tom")
    await say(stage)
    slow = stage.another_ticker().worker
    [message] = await slow._claim(stage.clock())
    attempts = await slow._plan([message], stage.clock())
    await slow._log_beginning(attempts, stage.clock())
    stage.clock.advance(seconds=LEASE.total_seconds())
    await send(stage)
    done_at = (await the_message()).done_at
    stage.clock.advance(seconds=5)
    await asyncio.gather(*(slow._send([attempt]) for attempt in attempts))
    await slow._record([message], attempts)
    after = await the_message()
    assert (after.state, after.done_at) == ("done", done_at)


# --- it fails


async def test_a_passing_fault_is_tried_again_later(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    stage.push.fault(503)
    await say(stage)
    await send(stage)
    message = await the_message()
    assert message.state == "waiting"
    assert message.next_action_at is not None
    assert 5 * SECOND <= message.next_action_at - stage.clock() <= 10 * SECOND
    assert await send(stage) == 0
    stage.clock.set(message.next_action_at)
    await send(stage)
    assert len(phone.received) == 1
    assert await tries() == [
        ("push", "retry", "service_failed", 503),
        ("push", "accepted", "accepted", 201),
    ]


@pytest.mark.parametrize("does", ["drop", "corrupt"])
async def test_a_service_that_hangs_up_or_garbles_stops_nothing(stage: Stage, does: str) -> None:
    phone = await phone_of(stage, "tom")
    stage.push.fault(does=does)
    await say(stage)
    await send(stage)
    stage.clock.advance(seconds=10)
    await send(stage)
    assert (await the_message()).state == "done"
    assert len(phone.received) == (1 if does == "drop" else 0)


async def test_a_service_that_is_down_moves_to_the_next_channel_within_two_minutes(
    stage: Stage,
) -> None:
    await phone_of(stage, "tom")
    address = await mail_of(stage, "tom")
    stage.push.fault(503, times=None)
    await say(stage)
    begun = moved = stage.clock()
    while not stage.mails_to(address) and moved - begun < 5 * MINUTE:
        await send(stage)
        moved = stage.clock()
        stage.clock.advance(seconds=1)
    assert moved - begun <= 2 * MINUTE
    stage.push.reset()
    stage.clock.advance(minutes=20)
    while await send(stage):
        pass
    assert len(stage.shown("tom")) == 1, "two ways that both arrive are better than none"
    assert len(stage.mails_to(address)) == 1


@pytest.mark.parametrize("status", [404, 410])
async def test_an_address_that_is_gone_is_dropped_and_the_next_channel_taken_now(
    stage: Stage, status: int
) -> None:
    phone = await phone_of(stage, "tom")
    address = await mail_of(stage, "tom")
    stage.push.fault(status, endpoint=phone.endpoint)
    await say(stage)
    await send(stage)
    dropped = await Address.get(channel="push")
    assert (dropped.dropped_at, dropped.dropped_why) == (stage.clock(), "gone")
    await send(stage)
    assert len(stage.mails_to(address)) == 1
    states = {m.channel: (m.state, m.why) for m in await Message.all()}
    assert states == {"push": ("failed", "gone"), "email": ("done", None)}


async def test_of_two_phones_of_which_one_is_gone_the_other_is_enough(stage: Stage) -> None:
    gone, kept = await phone_of(stage, "tom"), await phone_of(stage, "tom")
    stage.push.expire(gone.endpoint)
    await say(stage)
    await send(stage)
    assert len(kept.received) == 1
    assert (await the_message()).state == "done"
    assert await Address.filter(dropped_at__isnull=True).count() == 1
    assert sorted(result for _, result, _, _ in await tries()) == ["accepted", "gone"]


async def test_after_a_second_try_a_phone_that_had_it_does_not_get_it_again(
    stage: Stage,
) -> None:
    """The worker died between the answers of two phones: only the other one is tried again."""
    first, second = await phone_of(stage, "tom"), await phone_of(stage, "tom")
    await say(stage)
    dead = stage.another_ticker().worker
    [message] = await dead._claim(stage.clock())
    attempts = await dead._plan([message], stage.clock())
    await dead._log_beginning(attempts, stage.clock())
    had_it = next(a for a in attempts if a.to == first.endpoint)
    await dead._send([had_it])
    await log_ends([had_it], stage.clock())
    stage.clock.advance(seconds=LEASE.total_seconds())
    await send(stage)
    assert (len(first.received), len(second.received)) == (1, 1)


async def test_nobody_who_must_be_told_is_lost_with_their_last_address(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    stage.push.expire(phone.endpoint)
    await say(stage)
    await send(stage)
    await send(stage)
    assert len(stage.mails_to(LAST_RESORT)) == 1


async def test_without_an_address_the_last_resort_is_called(stage: Stage) -> None:
    await say(stage)
    await send(stage)
    await send(stage)
    assert len(stage.mails_to(LAST_RESORT)) == 1
    states = {m.channel: (m.state, m.why) for m in await Message.all()}
    assert states == {"none": ("failed", "no_address"), "last_resort": ("done", None)}


async def test_a_reminder_that_reaches_nobody_calls_no_last_resort(stage: Stage) -> None:
    await say(stage, "mia", kind=Kind.REMIND_CHILD)
    await send(stage)
    assert await send(stage) == 0
    assert not stage.relay.mails


async def test_a_message_waits_for_nobody_by_the_next_channel_when_it_has_no_address_there(
    stage: Stage,
) -> None:
    address = await mail_of(stage, "tom")
    await say(stage, channel="push")
    await send(stage)
    await send(stage)
    assert len(stage.mails_to(address)) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_keys_that_are_refused_are_told_to_operators_and_the_next_channel_is_taken(
    stage: Stage, status: int
) -> None:
    await phone_of(stage, "tom")
    address = await mail_of(stage, "tom")
    stage.push.fault(status, times=None)
    await say(stage)
    await send(stage)
    await send(stage)
    assert len(stage.mails_to(address)) == 1
    [operators] = stage.mails_to(LAST_RESORT)
    assert "push:vapid" in operators.message.get_content()
    # It may be mended while the message still matters.
    stage.push.reset()
    stage.clock.advance(seconds=10)
    await send(stage)
    assert len(stage.shown("tom")) == 1


async def test_a_mistake_of_ours_is_told_to_operators(stage: Stage) -> None:
    await phone_of(stage, "tom")
    stage.push.fault(400)
    await say(stage)
    await send(stage)
    assert (await the_message(kind=Kind.ALERT, channel="push")).state == "failed"
    assert await Message.filter(kind=Kind.OPERATORS).exists()


async def test_one_message_that_cannot_be_made_holds_up_none_of_the_others(
    stage: Stage,
) -> None:
    phone = await phone_of(stage, "tom")
    await say(stage, urgency="shouting")
    await say(stage, turn=1)
    await send(stage)
    assert len(phone.received) == 1
    states = {m.turn: m.state for m in await Message.all()}
    assert states == {0: "waiting", 1: "done"}


# --- it is withheld


async def test_what_has_expired_is_withheld(stage: Stage) -> None:
    phone = await phone_of(stage, "mia")
    await say(stage, "mia", kind=Kind.REMIND_CHILD, expires_at=stage.clock())
    await send(stage)
    assert not phone.received
    message = await the_message()
    assert (message.state, message.why, message.next_action_at) == ("withheld", "expired", None)
    assert await tries() == [("push", "withheld", "expired", None)]


QUIET = {"quiet": {"from": "22:00", "until": "07:00", "zone": "Europe/Paris"}}


@pytest.mark.parametrize(("kind", "state"), [(Kind.REMIND_CHILD, "waiting"), (Kind.ALERT, "done")])
async def test_quiet_hours_put_off_reminders_alone(stage: Stage, kind: Kind, state: str) -> None:
    """It is half past ten in the evening in Paris."""
    stage.clock.advance(hours=9, minutes=30)
    await phone_of(stage, "mia")
    await say(stage, "mia", kind=kind, data=QUIET)
    await send(stage)
    message = await the_message()
    assert message.state == state
    assert message.why == ("quiet_hours" if state == "waiting" else None)


async def test_of_what_waited_for_the_morning_the_last_alone_comes(stage: Stage) -> None:
    """Three reminders, one of them of an earlier round, and two pieces of news."""
    stage.clock.advance(hours=9, minutes=30)
    phone = await phone_of(stage, "mia")
    for turn in range(5):
        kind = Kind.NEWS_CHILD if turn % 2 else Kind.REMIND_CHILD
        mia = stage.cast.mia.id
        await say(stage, "mia", kind=kind, data=QUIET, turn=turn, subject_id=uuid4(), child_id=mia)
        await send(stage)
        stage.clock.advance(minutes=1)
    assert not phone.received
    stage.clock.set(datetime(2026, 3, 3, 6, tzinfo=UTC))  # 07:00 in Paris.
    await send(stage)
    assert len(phone.received) == 2
    states = await Message.all().order_by("turn").values_list("state", "why")
    older = ("withheld", "news")
    assert states == [older, older, older, ("done", None), ("done", None)]


async def test_a_person_who_has_left_gets_no_message(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    await say(stage)
    await Person.filter(id=stage.cast.tom.id).update(disabled_at=stage.clock())
    await send(stage)
    assert not phone.received
    message = await the_message()
    assert (message.state, message.why) == ("withheld", "person_disabled")


async def test_a_channel_that_was_taken_away_is_passed_over(stage: Stage) -> None:
    person = stage.cast.tom
    actor = Actor(person.id, person.role, person.agency_id)
    await add_address(actor, person.id, AddAddress(channel="pager", value="4711"), stage.clock())
    address = await mail_of(stage, "tom")
    await say(stage)
    await send(stage)
    assert await tries() == [("pager", "withheld", "channel_closed", None)]
    await send(stage)
    assert len(stage.mails_to(address)) == 1


# --- it is settled meanwhile


async def withdraw(stage: Stage) -> None:
    async with write():
        await notify.withdraw([SUBJECT], "closed", stage.clock())


async def test_what_was_withdrawn_before_it_was_claimed_is_never_sent(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    await say(stage)
    await withdraw(stage)
    assert await send(stage) == 0
    assert not phone.received


@pytest.mark.parametrize("status", [201, 410, 503])
async def test_what_is_withdrawn_while_it_is_sent_stays_withdrawn_and_goes_no_further(
    stage: Stage, status: int
) -> None:
    await phone_of(stage, "tom")
    address = await mail_of(stage, "tom")
    if status != 201:
        stage.push.fault(status)
    await say(stage)
    worker = stage.ticker.worker
    messages = await worker._claim(stage.clock())
    attempts = await worker._plan(messages, stage.clock())
    await worker._log_beginning(attempts, stage.clock())
    await withdraw(stage)
    for attempt in attempts:
        # It was on its way already: what asks once more comes just before this.
        attempt.outcome = await worker._hand_over([attempt])
    stage.clock.advance(minutes=3)
    await worker._record(messages, attempts)
    message = await the_message(channel="push")
    assert (message.state, message.why) == ("withdrawn", "closed")
    assert await send(stage) == 0
    assert not stage.mails_to(address)
    [(_, result, _, _)] = await tries()
    assert result == {201: "accepted", 410: "gone", 503: "retry"}[status]


async def test_what_is_withdrawn_between_the_claim_and_the_call_is_not_sent(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    await say(stage)
    worker = stage.ticker.worker
    messages = await worker._claim(stage.clock())
    attempts = await worker._begin(messages, stage.clock())
    await withdraw(stage)
    await worker._bring(messages, attempts)
    assert not phone.received
    assert (await the_message()).state == "withdrawn"
    assert await tries() == [("push", "withheld", "withdrawn", None)]


async def test_nothing_that_is_sent_names_anybody(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    address = await mail_of(stage, "tom")
    await say(stage, child_id=stage.cast.mia.id)
    await say(stage, channel="email", child_id=stage.cast.mia.id)
    await send(stage)
    said = phone.received[0].plain.decode() + stage.mails_to(address)[0].raw.decode()
    for secret in ("Mia", "Castellane", "Tom", "Verhoeven", str(stage.cast.mia.id)):
        assert secret not in said
