"""The outbox as rows: said once, withdrawn, said again by another way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.audit.actions import Actor
from server.errors import IdReused, NotFound, Refused, TooMany
from server.notify import actions as notify
from server.notify import outbox
from server.notify.actions import Recipient, Saying, set_last_resorts
from server.notify.addresses import (
    MOST_A_DAY,
    MOST_ADDRESSES,
    AddAddress,
    add_address,
    drop_address,
)
from server.notify.arrivals import receipt, send_test
from server.notify.models import Address, Delivery, Message
from server.notify.rules import Kind
from server.storage.db import fetch, write
from tests.cast import Cast
from tests.races import no_fault, together

SUBJECT = UUID("0195f7b0-0000-7000-8000-00000000000a")
HOUR = timedelta(hours=1)


@pytest.fixture
def two_last_resorts(cast: Cast) -> Iterator[None]:
    set_last_resorts(2)
    yield
    set_last_resorts(0)


def saying(cast: Cast, name: str = "tom", **how: Any) -> Saying:
    values: dict[str, Any] = {
        "kind": Kind.ALERT,
        "agency_id": cast.agency.id,
        "subject_kind": "alert",
        "subject_id": SUBJECT,
        "person_id": cast.persons[name].id,
    }
    return Saying(**(values | how))


async def queue(cast: Cast, *sayings: Saying) -> list[UUID]:
    async with write():
        return await notify.queue(sayings, cast.clock())


def desk(cast: Cast, name: str) -> Actor:
    """Somebody at the desk: without a device."""
    person = cast.persons[name]
    return Actor(person.id, person.role, person.agency_id)


async def add(cast: Cast, name: str, channel: str, value: str, **how: Any) -> Address:
    person = cast.persons[name]
    address, _ = await add_address(
        desk(cast, name), person.id, AddAddress(channel=channel, value=value, **how), cast.clock()
    )
    return address


async def rows() -> list[tuple[str, str]]:
    return [(m.channel, m.state) for m in await Message.all().order_by("queued_at", "channel")]


# --- queueing


async def test_a_message_takes_the_fastest_channel_of_its_person(cast: Cast) -> None:
    await add(cast, "tom", "email", "tom@example.org")
    await add(cast, "tom", "sms", "+33612345678")
    await queue(cast, saying(cast))
    await queue(cast, saying(cast, turn=1, nth=1))
    await queue(cast, saying(cast, turn=2, nth=9))
    assert await rows() == [("email", "waiting"), ("email", "waiting"), ("sms", "waiting")]


async def test_without_any_address_it_is_queued_all_the_same(cast: Cast) -> None:
    """So that the worker writes down that nobody could be reached, and goes on from there."""
    await queue(cast, saying(cast))
    assert await rows() == [("none", "waiting")]


async def test_the_same_is_said_once_however_often_it_is_queued(cast: Cast) -> None:
    assert len(await queue(cast, saying(cast), saying(cast))) == 1
    assert await queue(cast, saying(cast, urgency="high", data={"path": "/other"})) == []
    others = await queue(
        cast,
        saying(cast, kind=Kind.ALERT_AGAIN),
        saying(cast, rung=1),
        saying(cast, turn=1),
        saying(cast, "ines"),
        saying(cast, channel="email"),
        saying(cast, subject_id=uuid4()),
    )
    assert len(others) == 6


async def test_two_who_queue_at_once_queue_it_once(cast: Cast) -> None:
    made = await together(*(queue(cast, saying(cast), saying(cast, "ines")) for _ in "ab"))
    no_fault(made)
    assert sorted(len(ids) for ids in made) == [0, 2]
    assert await Message.all().count() == 2


async def test_what_is_queued_in_a_change_that_fails_is_never_said(cast: Cast) -> None:
    async def change() -> None:
        async with write():
            await notify.queue([saying(cast)], cast.clock())
            raise RuntimeError("the change fails")

    with pytest.raises(RuntimeError):
        await change()
    assert await rows() == []


async def test_a_message_is_to_a_person_or_to_a_last_resort(cast: Cast) -> None:
    for wrong in (saying(cast, person_id=None), saying(cast, last_resort=0)):
        with pytest.raises(AssertionError, match="to one of them"):
            await queue(cast, wrong)


async def test_data_is_sealed_at_rest(cast: Cast) -> None:
    await queue(cast, saying(cast, data={"path": "/q/secret-link"}))
    [raw] = await fetch("SELECT data FROM message")
    assert "secret-link" not in str(raw["data"])
    assert (await Message.all().first()).data == {"path": "/q/secret-link"}


# --- withdrawing


async def test_withdrawing_keeps_in_what_has_not_gone_out(cast: Cast) -> None:
    await queue(cast, saying(cast), saying(cast, turn=1), saying(cast, turn=2))
    await Message.filter(turn=1).update(state="sending")
    await Message.filter(turn=2).update(state="done")
    async with write():
        await notify.withdraw([SUBJECT], "settled", cast.clock())
    after = {m.turn: (m.state, m.why, m.next_action_at) for m in await Message.all()}
    assert after[0] == after[1] == ("withdrawn", "settled", None)
    assert after[2][0] == "done"
    async with write():
        await notify.withdraw([SUBJECT], "again", cast.clock())
        await notify.withdraw([], "nothing", cast.clock())
        await notify.withdraw([uuid4()], "another", cast.clock())
    assert {m.why for m in await Message.filter(turn__lt=2)} == {"settled"}


async def test_withdrawing_one_kind_leaves_the_others(cast: Cast) -> None:
    await queue(cast, saying(cast), saying(cast, kind=Kind.ALL_CLEAR))
    async with write():
        await notify.withdraw([SUBJECT], "closed", cast.clock(), kinds=[Kind.ALERT])
    assert {m.kind: m.state for m in await Message.all()} == {
        "alert": "withdrawn",
        "all_clear": "waiting",
    }


async def test_what_a_worker_goes_on_with_in_the_moment_of_withdrawing_stays_in_too(
    cast: Cast,
) -> None:
    """It holds a message that failed, and says the same by the next channel."""
    [id] = await queue(cast, saying(cast, channel="push"))
    await Message.filter(id=id).update(state="sending")
    holds = asyncio.Event()

    async def worker() -> None:
        async with write():
            await Message.filter(id=id).update(state="failed")
            holds.set()
            await asyncio.sleep(0.1)
            await notify.queue([saying(cast, channel="email")], cast.clock())

    async def settle() -> None:
        await holds.wait()
        async with write():
            await notify.withdraw([SUBJECT], "settled", cast.clock())

    no_fault(await together(worker(), settle()))
    after = {m.channel: m.state for m in await Message.all()}
    assert after == {"push": "failed", "email": "withdrawn"}


# --- by the next channel


async def test_what_nobody_answered_is_said_again_by_the_next_channel(cast: Cast) -> None:
    for channel, value in (("push", "p"), ("sms", "s"), ("email", "e")):
        await add(cast, "tom", channel, value)
    await queue(cast, saying(cast), saying(cast, "ines"))
    for expected in (["push", "sms"], ["push", "sms", "email"], ["push", "sms", "email"]):
        async with write():
            await notify.next_channel(SUBJECT, [Kind.ALERT], cast.clock())
        toms = await Message.filter(person_id=cast.tom.id).order_by("id")
        assert sorted(m.channel for m in toms) == sorted(expected)
    assert await Message.filter(person_id=cast.ines.id).count() == 1, "there is no other way"


async def test_the_next_channel_is_for_the_kinds_that_were_named(cast: Cast) -> None:
    await add(cast, "tom", "push", "p")
    await add(cast, "tom", "email", "e")
    await queue(cast, saying(cast))
    async with write():
        assert await notify.next_channel(SUBJECT, [Kind.DECIDE], cast.clock()) == []


async def test_who_has_been_told(cast: Cast, two_last_resorts: None) -> None:
    for name in ("tom", "ines", "ada"):
        await add(cast, name, "email", f"{name}@example.org")
    await queue(
        cast,
        saying(cast, "tom"),
        saying(cast, "ines"),
        saying(cast, "ada"),
        saying(cast, "sam"),
        saying(cast, "eve", channel="email"),
        saying(cast, person_id=None, last_resort=1),
    )
    await Message.all().update(attempts=1, state="done")
    await Message.filter(person_id=cast.tom.id).update(attempts=0, state="waiting")
    await Message.filter(person_id=cast.ada.id).update(state="withdrawn")
    await Message.filter(person_id=cast.eve.id).update(state="withheld")
    found = (await outbox.told([SUBJECT], [Kind.ALERT]))[SUBJECT]
    # Not Tom, to whom nothing went out yet; not Sam, who cannot be reached; not Eve.
    people = {Recipient(person_id=person.id) for person in (cast.ines, cast.ada)}
    assert set(found) == {*people, Recipient(last_resort=1)}
    assert await outbox.told([SUBJECT], [Kind.DECIDE]) == {}


# --- operators


async def test_operators_are_told_of_a_fault_once_an_hour(
    cast: Cast, two_last_resorts: None
) -> None:
    async def tell(fault: str) -> None:
        async with write():
            await notify.tell_operators(fault, cast.clock())

    for _ in range(3):
        await tell("push:vapid")
        cast.clock.advance(minutes=10)
    assert await Message.filter(kind=Kind.OPERATORS).count() == 2, "one to each last resort"
    await tell("ticker:tick")
    assert await Message.filter(kind=Kind.OPERATORS).count() == 4
    cast.clock.advance(hours=1)
    await tell("push:vapid")
    assert await Message.filter(kind=Kind.OPERATORS).count() == 6
    assert {m.to_key for m in await Message.all()} == {"last-resort-0", "last-resort-1"}


async def test_without_a_last_resort_there_are_no_operators_to_tell(cast: Cast) -> None:
    async with write():
        await notify.tell_operators("push:vapid", cast.clock())
    assert await rows() == []


# --- addresses


async def test_the_same_address_again_refreshes_its_keys(cast: Cast) -> None:
    first = await add(cast, "tom", "push", "https://push.example.org/1", keys={"auth": "a"})
    again, is_new = await add_address(
        desk(cast, "tom"),
        cast.tom.id,
        AddAddress(channel="push", value="https://push.example.org/1", keys={"auth": "b"}),
        cast.clock(),
    )
    assert (again.id, is_new) == (first.id, False)
    assert (await Address.get(id=first.id)).keys == {"auth": "b"}


async def test_two_who_add_the_same_address_at_once_add_it_once(cast: Cast) -> None:
    made = await together(*(add(cast, "tom", "email", "tom@example.org") for _ in range(2)))
    no_fault(made)
    assert await Address.filter(dropped_at__isnull=True).count() == 1
    assert len({address.id for address in made}) == 1


async def test_a_device_that_subscribes_anew_replaces_its_old_subscription(cast: Cast) -> None:
    for number in (1, 2):
        await add_address(
            cast.actor("mia"),
            cast.mia.id,
            AddAddress(channel="push", value=f"https://push.example.org/{number}"),
            cast.clock(),
        )
    old, new = await Address.all().order_by("id")
    assert (old.dropped_why, new.dropped_at) == ("replaced", None)


async def test_an_id_that_names_another_address_is_refused(cast: Cast) -> None:
    known = await add(cast, "tom", "email", "tom@example.org")
    with pytest.raises(IdReused):
        await add(cast, "tom", "email", "tom@example.net", id=known.id)


async def test_a_person_has_at_most_so_many_addresses(cast: Cast) -> None:
    for number in range(MOST_ADDRESSES):
        await add(cast, "tom", "email", f"tom{number}@example.org")
    with pytest.raises(Refused):
        await add(cast, "tom", "email", "one.more@example.org")


async def test_a_phone_makes_only_so_many_addresses_in_a_day_and_keeps_the_last(cast: Cast) -> None:
    def subscribed(number: int) -> AddAddress:
        return AddAddress(channel="push", value=f"https://push.example.org/{number}")

    mia = cast.actor("mia")
    for number in range(MOST_A_DAY):
        await add_address(mia, mia.id, subscribed(number), cast.clock())
    for _ in range(2):
        with pytest.raises(TooMany):
            await add_address(mia, mia.id, subscribed(MOST_A_DAY), cast.clock())
    live = await Address.filter(person_id=mia.id, dropped_at__isnull=True)
    assert [address.value for address in live] == [subscribed(MOST_A_DAY - 1).value]
    # The same again is no new one, and tomorrow there is room.
    await add_address(mia, mia.id, subscribed(MOST_A_DAY - 1), cast.clock())
    await add_address(mia, mia.id, subscribed(MOST_A_DAY), cast.clock.advance(days=1))


async def test_an_address_is_forgotten_once_and_by_its_person_alone(cast: Cast) -> None:
    address = await add(cast, "tom", "email", "tom@example.org")
    with pytest.raises(NotFound):
        await drop_address(desk(cast, "ines"), cast.ines.id, address.id, cast.clock())
    now = cast.clock()
    await drop_address(desk(cast, "tom"), cast.tom.id, address.id, now)
    await drop_address(desk(cast, "tom"), cast.tom.id, address.id, cast.clock.advance(hours=1))
    assert (await Address.get(id=address.id)).dropped_at == now
    again = await add(cast, "tom", "email", "tom@example.org")
    assert again.id != address.id


# --- receipts and tests


async def test_a_receipt_counts_once_and_for_ones_own_messages_alone(cast: Cast) -> None:
    address = await add(cast, "tom", "email", "tom@example.org")
    [id] = await queue(cast, saying(cast))
    await Delivery.create(
        message_id=id,
        address_id=address.id,
        channel="email",
        attempt=1,
        started_at=cast.clock(),
        result="accepted",
    )
    await receipt(cast.ines.id, id, cast.clock())
    assert (await Message.get(id=id)).seen_at is None
    seen_at = cast.clock.advance(minutes=1)
    await receipt(cast.tom.id, id, seen_at)
    await receipt(cast.tom.id, id, cast.clock.advance(minutes=1))
    await receipt(cast.tom.id, uuid4(), cast.clock())
    assert (await Message.get(id=id)).seen_at == seen_at
    assert (await Delivery.get(message_id=id)).seen_at == seen_at
    assert (await Address.get(id=address.id)).last_seen_at == seen_at


async def test_a_test_alarm_goes_out_by_every_channel(cast: Cast) -> None:
    with pytest.raises(Refused):
        await send_test(desk(cast, "tom"), cast.tom.id, cast.clock())
    await add(cast, "tom", "email", "tom@example.org")
    await add(cast, "tom", "push", "https://push.example.org/1")
    await send_test(desk(cast, "tom"), cast.tom.id, cast.clock())
    sent = await Message.all()
    assert {m.channel for m in sent} == {"push", "email"}
    assert {m.expires_at for m in sent} == {cast.clock() + HOUR / 4}
