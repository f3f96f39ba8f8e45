"""Receipts on rows: what a device that says nothing comes to, and what follows from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx2
import pytest

from server.audit.actions import Actor
from server.errors import NotFound
from server.notify import actions as notify
from server.notify.actions import Saying
from server.notify.addresses import AddAddress, add_address
from server.notify.arrivals import try_push
from server.notify.devices import Census, census, health_of, reached_of
from server.notify.models import Address, Delivery, Message
from server.notify.push_health import Health
from server.notify.rules import Kind
from server.storage.db import write
from tests.doubles.push_service import Subscription
from tests.races import no_fault, together
from tests.walks.stage import Stage

DAY = timedelta(days=1)


async def phone_of(stage: Stage, name: str, device: UUID | None = None) -> Subscription:
    """A phone whose worker gives receipts."""
    phone = stage.push.virtual()
    person = stage.cast.persons[name]
    await add_address(
        Actor(person.id, person.role, person.agency_id, device or stage.cast.devices.get(name)),
        person.id,
        AddAddress(
            channel="push", value=phone.endpoint, keys=phone.json["keys"], gives_receipts=True
        ),
        stage.clock(),
    )
    stage.phones[name] = phone
    return phone


async def mail_of(stage: Stage, name: str) -> None:
    person = stage.cast.persons[name]
    actor = Actor(person.id, person.role, person.agency_id)
    await add_address(
        actor, person.id, AddAddress(channel="email", value=f"{name}@example.org"), stage.clock()
    )


async def send(stage: Stage, name: str = "mia", together: UUID | None = None) -> list[UUID]:
    """One reminder, as a worker sends it; returns the ids of its messages."""
    saying = Saying(
        kind=Kind.REMIND_CHILD,
        agency_id=stage.cast.agency.id,
        subject_kind="round",
        subject_id=uuid4(),
        person_id=stage.cast.persons[name].id,
        together=together,
    )
    async with write():
        ids = await notify.queue([saying], stage.clock())
    await stage.ticker.worker.run_once()
    return ids


async def days_of_silence(stage: Stage, name: str = "mia", *, days: int = 8) -> None:
    for _ in range(days):
        await send(stage, name)
        stage.clock.advance(days=1)


def token(phone: Subscription, nth: int = -1) -> str:
    found: str = phone.received[nth].json["r"]
    return found


async def give(stage: Stage, receipt: str, at: datetime | None = None) -> None:
    """As the worker of a phone does whose app is closed and whose session has run out."""
    body = {"receipt": receipt} | ({"shown_at": at.isoformat()} if at else {})
    async with stage.cast.client() as client:
        answer = await client.post("/api/v1/receipts", json=body)
    assert (answer.status_code, answer.content) == (204, b"")


async def of(stage: Stage, name: str = "mia") -> Health:
    id_ = stage.cast.persons[name].id
    return (await reached_of([id_], stage.clock()))[id_].health


async def test_a_receipt_needs_no_session_and_counts_once(stage: Stage) -> None:
    phone = await phone_of(stage, "mia")
    await send(stage)
    address = await Address.get()
    assert (address.unseen, address.unseen_since) == (1, stage.clock())
    shown_at = stage.clock.advance(minutes=1)
    await give(stage, token(phone))
    stage.clock.advance(hours=1)
    await give(stage, token(phone))
    address = await Address.get()
    assert (address.unseen, address.unseen_since, address.last_seen_at) == (0, None, shown_at)
    assert (await Message.get()).seen_at == (await Delivery.get()).seen_at == shown_at
    assert await of(stage) is Health.HEALTHY


async def test_a_token_names_nobody_and_one_that_is_made_up_changes_nothing(stage: Stage) -> None:
    phone = await phone_of(stage, "mia")
    await send(stage)
    mia = stage.cast.mia
    assert str(mia.id) not in token(phone)
    assert mia.id.hex not in token(phone)
    for made_up in ("", "x", token(phone)[:-2], "é" * 40, str(uuid4())):
        await give(stage, made_up)
    assert (await Address.get()).last_seen_at is None


async def test_two_receipts_in_one_moment_are_one(stage: Stage) -> None:
    phone = await phone_of(stage, "mia")
    await send(stage)
    no_fault(await together(*(give(stage, token(phone)) for _ in range(3))))
    assert (await Address.get()).unseen == 0


async def test_a_receipt_that_waited_on_the_phone_says_when_it_was_shown(stage: Stage) -> None:
    """Shown on the first day; four later ones were not, and the app is opened in the end."""
    phone = await phone_of(stage, "mia")
    first = stage.clock()
    await days_of_silence(stage, days=5)
    await give(stage, token(phone, 0), first + timedelta(seconds=5))
    address = await Address.get()
    assert address.last_seen_at == first + timedelta(seconds=5)
    assert (address.unseen, address.unseen_since) == (4, first + DAY)


async def test_a_wrong_clock_of_a_phone_moves_nothing_out_of_its_place(stage: Stage) -> None:
    phone = await phone_of(stage, "mia")
    await send(stage)
    sent_at = stage.clock()
    await give(stage, token(phone), sent_at - 900 * DAY)
    assert (await Address.get()).last_seen_at == sent_at
    now = stage.clock.advance(minutes=1)
    await send(stage)
    await give(stage, token(phone), now + 900 * DAY)
    assert (await Address.get()).last_seen_at == now


async def test_a_receipt_that_comes_before_the_worker_has_written_its_line(stage: Stage) -> None:
    """The phone is faster than the end of the batch: its push is not counted as unseen."""
    phone = await phone_of(stage, "mia")
    await send(stage)
    delivery = await Delivery.get()
    await Delivery.filter(id=delivery.id).update(result="sending", ended_at=None)
    await Address.all().update(unseen=0, unseen_since=None)
    await Message.all().update(
        state="waiting", next_action_at=stage.clock(), attempts=0, done_at=None, leased_by=None
    )
    await give(stage, token(phone))
    await stage.ticker.worker.run_once()
    assert (await Address.get()).unseen == 0


async def test_after_a_week_of_silence_it_is_said_by_the_next_channel_as_well(stage: Stage) -> None:
    phone = await phone_of(stage, "tom", uuid4())
    await mail_of(stage, "tom")
    await days_of_silence(stage, "tom", days=7)
    assert not stage.mails_to("tom@example.org")
    assert await of(stage, "tom") is Health.STALE
    await send(stage, "tom")
    assert len(stage.mails_to("tom@example.org")) == 1
    assert len(phone.received) == 8
    # It is shown after all: from then on it goes by the push alone.
    await give(stage, token(phone))
    assert await of(stage, "tom") is Health.HEALTHY
    await send(stage, "tom")
    assert len(stage.mails_to("tom@example.org")) == 1


async def test_a_child_without_another_channel_still_gets_the_push_alone(stage: Stage) -> None:
    await phone_of(stage, "mia")
    await days_of_silence(stage)
    ids = await send(stage)
    assert [m.channel for m in await Message.filter(id__in=ids)] == ["push"]


async def test_one_phone_that_shows_them_is_enough(stage: Stage) -> None:
    await phone_of(stage, "mia")
    other = await phone_of(stage, "mia", uuid4())
    for _ in range(8):
        await send(stage)
        await give(stage, token(other))
        stage.clock.advance(days=1)
    assert await of(stage) is Health.HEALTHY
    assert await health_of(stage.cast.devices["mia"], stage.clock()) is Health.STALE


async def test_a_new_subscription_of_the_same_phone_has_to_show_that_it_is_better(
    stage: Stage,
) -> None:
    await phone_of(stage, "mia")
    await days_of_silence(stage)
    new = await phone_of(stage, "mia")
    assert await of(stage) is Health.STALE
    address = await Address.get(dropped_at__isnull=True)
    await stage.call("mia", "POST", f"/api/v1/push-subscriptions/{address.id}/test")
    await stage.ticker.worker.run_once()
    await give(stage, token(new))
    assert await of(stage) is Health.HEALTHY


async def test_a_device_that_the_service_gave_up_is_broken_until_it_comes_anew(
    stage: Stage,
) -> None:
    phone = await phone_of(stage, "mia")
    stage.push.expire(phone.endpoint)
    await send(stage)
    assert await of(stage) is Health.BROKEN
    assert (await stage.call("mia", "GET", "/api/v1/me"))["reminders"] == "broken"
    await phone_of(stage, "mia")
    assert (await stage.call("mia", "GET", "/api/v1/me"))["reminders"] == "unproven"


async def test_a_removed_address_is_nobodys_fault(stage: Stage) -> None:
    await phone_of(stage, "mia")
    address = await Address.get()
    await stage.call("mia", "DELETE", f"/api/v1/push-subscriptions/{address.id}")
    assert (await stage.call("mia", "GET", "/api/v1/me"))["reminders"] == "none"


async def test_the_phone_hears_of_it_at_its_next_start_and_adults_without_one_hear_nothing(
    stage: Stage,
) -> None:
    await phone_of(stage, "mia")
    await days_of_silence(stage)
    assert (await stage.call("mia", "GET", "/api/v1/me"))["reminders"] == "stale"
    listed = await stage.call("mia", "GET", "/api/v1/push-subscriptions")
    assert [one["health"] for one in listed["push_subscriptions"]] == ["stale"]
    assert (await stage.call("tom", "GET", "/api/v1/me"))["reminders"] is None


async def test_a_phone_says_later_that_it_gives_receipts_and_silence_counts_from_then(
    stage: Stage,
) -> None:
    await stage.subscribe("mia")
    await days_of_silence(stage)
    assert await of(stage) is Health.UNPROVEN
    body = {"id": str(uuid4()), **stage.phones["mia"].json, "receipts": True}
    await stage.call("mia", "POST", "/api/v1/push-subscriptions", body)
    since = stage.clock()
    stage.clock.advance(days=1)
    await stage.call("mia", "POST", "/api/v1/push-subscriptions", body)
    assert (await Address.get()).receipts_since == since
    await days_of_silence(stage, days=6)
    assert await of(stage) is Health.STALE


# --- trying one out


async def test_a_try_goes_to_one_device_alone_and_by_nothing_else(stage: Stage) -> None:
    first, second = await phone_of(stage, "mia"), await phone_of(stage, "mia", uuid4())
    await mail_of(stage, "mia")
    address = await Address.get(device_id=stage.cast.devices["mia"])
    path = f"/api/v1/push-subscriptions/{address.id}/test"
    await stage.call("mia", "POST", path)
    await stage.call("mia", "POST", path)
    await stage.ticker.worker.run_once()
    assert (len(first.received), len(second.received)) == (1, 0)
    stage.clock.advance(minutes=1)
    stage.push.expire(first.endpoint)
    await stage.call("mia", "POST", path)
    for _ in range(3):
        await stage.ticker.worker.run_once()
        stage.clock.advance(minutes=5)
    assert not stage.relay.mails
    # It is gone by now, and nobody else's was ever there.
    assert (await stage.send("mia", "POST", path)).status_code == 404
    assert (await stage.send("noor", "POST", path)).status_code == 404


async def test_nobody_tries_out_another_persons_device(stage: Stage) -> None:
    await phone_of(stage, "mia")
    actor = stage.cast.actor("noor")
    with pytest.raises(NotFound):
        await try_push(actor, stage.cast.noor.id, (await Address.get()).id, stage.clock())


# --- for operators


async def test_devices_are_counted_without_a_name(stage: Stage) -> None:
    await phone_of(stage, "mia")
    await days_of_silence(stage)
    await phone_of(stage, "noor")
    await mail_of(stage, "tom")
    assert await census(stage.clock()) == Census(devices=2, stale=1)


async def silent_devices(stage: Stage, stale: int, others: int) -> None:
    """Rows of so many devices, of which so many have shown nothing for ten days."""
    since = stage.clock() - 10 * DAY
    for number in range(stale + others):
        await Address.create(
            agency_id=stage.cast.agency.id,
            person_id=stage.cast.tom.id,
            channel="push",
            value=f"https://push.example.org/{number}",
            value_index=str(uuid4()),
            made_at=since,
            receipts_since=since,
            unseen=9 if number < stale else 0,
            unseen_since=since if number < stale else None,
        )


@pytest.mark.parametrize(("stale", "others", "told"), [(5, 10, 1), (4, 0, 0), (5, 11, 0)])
async def test_many_silent_devices_at_once_are_said_to_the_operators_once_a_day(
    stage: Stage, stale: int, others: int, told: int
) -> None:
    stage.clock.set(stage.clock().replace(hour=1))
    await silent_devices(stage, stale, others)
    await stage.beat()
    for _ in range(3):
        await stage.ticker.tidy()
        stage.clock.advance(hours=1)
    said = await Message.filter(kind="operators", subject_kind="fault")
    assert [message.data for message in said] == [{"fault": "push:unseen"}] * told
    stage.clock.advance(days=1)
    await stage.ticker.tidy()
    assert await Message.filter(kind="operators").count() == 2 * told


async def test_silent_devices_are_counted_for_operators_and_make_nobody_unwell(
    stage: Stage,
) -> None:
    await silent_devices(stage, 6, 1)
    await stage.beat()
    async with stage.cast.client() as client:
        assert (await client.get("/health")).status_code == 200
    transport = httpx2.ASGITransport(stage.cast.app, client=("127.0.0.1", 50000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        text = (await client.get("/metrics")).text
    assert "waymark_push_devices 7.0" in text
    assert "waymark_push_devices_stale 6.0" in text
