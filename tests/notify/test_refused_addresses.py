"""What refusals do to addresses: a real mail relay and a real push service say no."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
import structlog

from server import logs
from server.notify.address_verification import enter_address
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Address, Delivery, Message
from server.notify.rules import Kind
from tests.cast import ORIGIN
from tests.desk.walking import at_desk
from tests.notify.test_worker import mail_of, phone_of, say, send, tries
from tests.walks.stage import LAST_RESORT, Stage

DAY = timedelta(days=1)
NO_MAILBOX = "550 5.1.1 <them>: Recipient address rejected: User unknown"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """Everything that is logged; the configuration from before is put back."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()


async def metrics(stage: Stage) -> str:
    transport = httpx2.ASGITransport(stage.cast.app, client=("127.0.0.1", 50000))
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        return (await client.get("/metrics")).text


async def call(stage: Stage, *names: str) -> None:
    """One alert, to each of these; and what follows from it."""
    subject = uuid4()
    for name in names:
        await say(stage, name, subject_id=subject)
    while await send(stage):
        pass


async def live(channel: str = "email") -> int:
    return await Address.filter(channel=channel, dropped_at__isnull=True).count()


async def faults() -> set[str]:
    told = await Message.filter(kind=Kind.OPERATORS.value).values_list("data", flat=True)
    return {data["fault"] for data in told}


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("RCPT", "550 5.1.0 Address rejected"),
        ("RCPT", "550 5.1.2 no such domain"),
        ("RCPT", "550 5.1.7 bad sender"),
        ("RCPT", "550 5.1.8 <planner@example.org>: Sender address rejected"),
        ("RCPT", "550 5.7.1 blocked"),
        ("RCPT", "550 no"),
        ("RCPT", "450 4.1.1 later"),
        ("MAIL", "550 5.1.1 unknown"),
        ("MAIL", "553 5.1.8 sender"),
        ("DATA", "550 5.1.1 unknown"),
        (".", "550 5.1.1 unknown"),
        (".", "550 5.2.1 shut"),
        ("CONNECT", "554 5.1.1 nobody here"),
    ],
)
async def test_what_is_not_about_the_address_never_costs_it(
    stage: Stage, command: str, answer: str
) -> None:
    await mail_of(stage, "ines")
    stage.relay.answers[command] = answer
    for _ in range(3):
        await call(stage, "ines")
        stage.clock.advance(days=1)
    address = await Address.get(channel="email")
    assert (address.dropped_at, address.refused_at) == (None, None)


@pytest.mark.parametrize("status", ["5.1.1", "5.1.3", "5.1.6", "5.1.10", "5.2.1"])
async def test_an_address_is_given_up_after_two_refusals_on_different_days(
    stage: Stage, status: str
) -> None:
    ines = await mail_of(stage, "ines")
    stage.relay.answers["RCPT"] = f"550 {status} no"
    await call(stage, "ines")
    await call(stage, "ines")
    assert await live() == 1, "two on one day are one"
    stage.clock.advance(days=1)
    await call(stage, "ines")
    assert await live() == 0
    address = await Address.get(channel="email")
    assert (address.value, address.dropped_why) == (ines, "no_mailbox")


async def test_two_refusals_of_one_night_are_one(stage: Stage) -> None:
    await mail_of(stage, "ines")
    stage.relay.answers["RCPT"] = NO_MAILBOX
    stage.clock.advance(hours=11, minutes=55)
    await call(stage, "ines")
    stage.clock.advance(minutes=10)
    await call(stage, "ines")
    assert await live() == 1


async def test_what_is_accepted_in_between_begins_the_count_anew(stage: Stage) -> None:
    await mail_of(stage, "ines")
    stage.relay.answers["RCPT"] = NO_MAILBOX
    await call(stage, "ines")
    stage.clock.advance(days=1)
    stage.relay.answers.clear()
    await call(stage, "ines")
    assert (await Address.get(channel="email")).refused_at is None
    stage.relay.answers["RCPT"] = NO_MAILBOX
    stage.clock.advance(days=1)
    await call(stage, "ines")
    assert await live() == 1


async def test_a_provider_that_refuses_everybody_costs_nobody_an_address(stage: Stage) -> None:
    names = ("tom", "ines", "eve")
    for name in names:
        await mail_of(stage, name)
    stage.relay.answers["RCPT"] = NO_MAILBOX
    for _ in range(4):
        await call(stage, *names)
        stage.clock.advance(days=1)
    assert await live() == len(names)
    assert "email:no_mailbox" in await faults()


async def test_of_several_that_fail_within_the_hour_none_is_given_up(stage: Stage) -> None:
    """Each rung of a ladder is a pass of its own: a block is no less a block for it."""
    await mail_of(stage, "tom")
    await mail_of(stage, "ines")
    stage.relay.answers["RCPT"] = NO_MAILBOX
    for _ in range(3):
        await call(stage, "tom")
        stage.clock.advance(minutes=15)
        await call(stage, "ines")
        stage.clock.advance(days=1)
    assert await live() == 2


async def test_a_mailbox_that_no_longer_exists_is_given_up_while_others_take_mail(
    stage: Stage,
) -> None:
    tom = await mail_of(stage, "tom")
    await mail_of(stage, "ines")
    stage.relay.refused.add(tom)
    await call(stage, "tom", "ines")
    assert await live() == 2
    stage.clock.advance(days=1)
    await call(stage, "tom", "ines")
    assert await live() == 1
    assert not await Address.filter(person_id=stage.cast.tom.id, dropped_at__isnull=True)


async def test_a_refused_address_is_kept_operators_are_told_and_the_last_resort_called(
    stage: Stage,
) -> None:
    ines = await mail_of(stage, "ines")
    stage.relay.refused.add(ines)
    await call(stage, "ines")
    assert await live() == 1
    assert "email:no_mailbox" in await faults()
    about = [mail.message["subject"] for mail in stage.mails_to(LAST_RESORT)]
    assert len(about) == 2, "the alert, and what operators are told"


async def test_a_refused_address_leads_to_the_next_channel_at_once(stage: Stage) -> None:
    ines = await mail_of(stage, "ines")
    phone = await phone_of(stage, "ines")
    stage.relay.refused.add(ines)
    await say(stage, "ines", channel="email")
    while await send(stage):
        pass
    states = {m.channel: m.state for m in await Message.filter(person_id=stage.cast.ines.id)}
    assert states["email"] == "failed"
    assert await Delivery.filter(channel="email", result="gone").exists()
    assert phone.received == [] or states["push"] == "done"


async def test_a_mistyped_address_that_nobody_has_proven_wakes_no_operator(stage: Stage) -> None:
    ines = stage.cast.actor("ines")
    await enter_address(ines, stage.cast.ines.id, "email", "inse@example.org", stage.clock())
    stage.relay.refused.add("inse@example.org")
    await send(stage)
    assert await live() == 1
    assert not await faults()


# --- push


@pytest.mark.parametrize("status", [404, 410])
async def test_one_subscription_that_is_over_is_given_up_at_once(stage: Stage, status: int) -> None:
    phone = await phone_of(stage, "tom")
    stage.push.fault(status, endpoint=phone.endpoint, times=None)
    await call(stage, "tom")
    assert await live("push") == 0
    assert not await faults(), "an app that was removed is no fault"


@pytest.mark.parametrize("status", [404, 410])
async def test_a_push_service_that_ends_everybody_at_once_costs_nobody_a_phone(
    stage: Stage, status: int
) -> None:
    """As where our key was changed, or the service is broken."""
    names = ("tom", "ines", "eve")
    for name in names:
        await phone_of(stage, name)
    stage.push.fault(status, times=None)
    await call(stage, *names)
    assert await live("push") == 3
    assert "push:gone" in await faults()
    results = {result for channel, result, _, _ in await tries() if channel == "push"}
    assert results == {"refused"}
    stage.push.reset()
    stage.clock.advance(days=1)
    await call(stage, *names)
    assert all(len(stage.shown(name)) == 1 for name in names)
    assert not await Address.filter(refused_at__isnull=False).exists()


async def test_several_subscriptions_that_are_over_are_given_up_where_the_service_takes_others(
    stage: Stage,
) -> None:
    phones = [await phone_of(stage, name) for name in ("tom", "ines", "eve")]
    for phone in phones[:2]:
        stage.push.expire(phone.endpoint)
    await call(stage, "tom", "ines", "eve")
    assert await live("push") == 1


async def test_subscriptions_that_stay_refused_for_a_week_are_given_up_in_the_end(
    stage: Stage,
) -> None:
    for _ in range(2):
        stage.push.expire((await phone_of(stage, "tom")).endpoint)
    await call(stage, "tom")
    assert await live("push") == 2
    stage.clock.advance(days=7)
    await call(stage, "tom")
    assert await live("push") == 0


@pytest.mark.parametrize("status", [400, 401, 403, 413, 429, 500])
async def test_what_a_push_service_says_about_us_or_the_message_costs_no_phone(
    stage: Stage, status: int
) -> None:
    phone = await phone_of(stage, "tom")
    stage.push.fault(status, endpoint=phone.endpoint, times=None)
    await call(stage, "tom")
    address = await Address.get(channel="push")
    assert (address.dropped_at, address.refused_at) == (None, None)


# --- what its person reads


async def settings_of(stage: Stage, name: str) -> str:
    async with at_desk(stage.cast, name) as browser:
        return (await browser.get("/desk/settings")).text


async def test_who_mistyped_an_address_reads_that_mail_is_refused_there(stage: Stage) -> None:
    ines = stage.cast.actor("ines")
    await enter_address(ines, stage.cast.ines.id, "email", "inse@example.org", stage.clock())
    stage.relay.refused.add("inse@example.org")
    await send(stage)
    page = await settings_of(stage, "ines")
    assert "inse@example.org" in page
    assert "This address has refused our messages since today, 12:00." in page


async def test_whose_address_was_given_up_reads_which_one_and_what_to_do(stage: Stage) -> None:
    address = await mail_of(stage, "ines")
    stage.relay.refused.add(address)
    await call(stage, "ines")
    stage.clock.advance(days=1)
    await call(stage, "ines")
    page = await settings_of(stage, "ines")
    assert "ines@example.org" in page
    assert "We stopped sending to this address" in page
    assert "Add an address that works" in page
    # Another address that they add since is the answer.
    stage.clock.advance(minutes=1)
    actor = stage.cast.actor("ines")
    await add_address(
        actor, stage.cast.ines.id, AddAddress(channel="email", value="q@example.org"), stage.clock()
    )
    assert "We stopped sending" not in await settings_of(stage, "ines")


async def given_up_mail(stage: Stage, name: str) -> str:
    """An address of theirs that its mail server did not know on two days."""
    address = await mail_of(stage, name)
    stage.relay.refused.add(address)
    await call(stage, name)
    stage.clock.advance(days=1)
    await call(stage, name)
    stage.clock.advance(minutes=1)
    return address


async def test_another_address_that_nobody_has_answered_from_takes_no_place(stage: Stage) -> None:
    await given_up_mail(stage, "ines")
    actor, ines = stage.cast.actor("ines"), stage.cast.ines.id
    await enter_address(actor, ines, "email", "inse@example.org", stage.clock())
    page = await settings_of(stage, "ines")
    assert "ines@example.org" in page
    assert "We stopped sending to this address" in page


async def test_browsers_that_were_given_up_and_replaced_hide_no_address(stage: Stage) -> None:
    await given_up_mail(stage, "ines")
    actor, ines = stage.cast.actor("ines"), stage.cast.ines.id
    for n in range(6):
        made, _ = await add_address(
            actor, ines, AddAddress(channel="push", value=f"https://push.test/{n}"), stage.clock()
        )
        await Address.filter(id=made.id).update(dropped_at=stage.clock(), dropped_why="gone")
        stage.clock.advance(minutes=1)
    await add_address(
        actor, ines, AddAddress(channel="push", value="https://push.test/new"), stage.clock()
    )
    page = await settings_of(stage, "ines")
    assert "ines@example.org" in page
    assert "One of your browsers stopped" not in page


async def test_who_comes_back_after_months_still_reads_that_their_address_was_given_up(
    stage: Stage,
) -> None:
    await given_up_mail(stage, "ines")
    stage.clock.advance(days=200)
    assert "We stopped sending to this address" in await settings_of(stage, "ines")


async def test_whose_address_was_given_up_reads_when_and_why_and_can_correct_it(
    stage: Stage,
) -> None:
    address = await given_up_mail(stage, "ines")
    async with at_desk(stage.cast, "ines") as browser:
        page = (await browser.get("/desk/settings")).text
        row = await Address.get(channel="email")
        assert "We stopped sending to this address, today, 12:00." in page
        assert (
            "told us twice or more, at least 12 hours apart, that this mailbox does not exist"
            in page
        )
        assert f"/desk/settings?correct={row.id}#address" in page
        again = (await browser.get(f"/desk/settings?correct={row.id}")).text
        assert re.search(rf'id="address" name="address"[^>]* value="{address}"', again)
        dropped = await browser.post(f"/desk/settings/addresses/{row.id}/drop")
        assert dropped.status_code == 303
        assert "We stopped sending" not in (await browser.get("/desk/settings")).text


async def test_nobody_corrects_another_persons_address(stage: Stage) -> None:
    address = await given_up_mail(stage, "ines")
    row = await Address.get(channel="email")
    async with at_desk(stage.cast, "tom") as browser:
        shown = await browser.get(f"/desk/settings?correct={row.id}")
        assert shown.status_code == 200
        assert address not in shown.text
        assert (await browser.get("/desk/settings?correct=nonsense")).status_code == 200


async def test_a_native_client_reads_why_an_address_was_given_up(stage: Stage) -> None:
    address = await given_up_mail(stage, "ines")
    async with at_desk(stage.cast, "ines") as browser:
        answer = await browser.get("/api/v1/me/reaching")
    [told] = answer.json()["given_up"]
    assert (told["address"], told["why"]) == (address, "no_mailbox")


async def test_what_one_removed_oneself_is_no_news(stage: Stage) -> None:
    await mail_of(stage, "ines")
    await Address.filter(channel="email").update(dropped_at=stage.clock(), dropped_why="by_person")
    assert "We stopped sending" not in await settings_of(stage, "ines")


async def test_whose_phone_was_given_up_reads_so(stage: Stage) -> None:
    phone = await phone_of(stage, "ines")
    stage.push.expire(phone.endpoint)
    await call(stage, "ines")
    page = await settings_of(stage, "ines")
    assert "One of your browsers stopped receiving alarms" in page


async def test_operators_see_counts_in_the_log_and_in_the_metrics(
    stage: Stage, out: io.StringIO
) -> None:
    address = await mail_of(stage, "ines")
    stage.relay.refused.add(address)
    await call(stage, "ines")
    text = await metrics(stage)
    assert 'waymark_addresses_refused{channel="email"} 1.0' in text
    stage.clock.advance(days=1)
    await call(stage, "ines")
    text = await metrics(stage)
    assert 'waymark_addresses_given_up_last_day{channel="email"} 1.0' in text
    lines = [json.loads(line) for line in out.getvalue().splitlines() if "refused" in line]
    assert [(line["refused"], line["given_up"], line["of_many"]) for line in lines] == [
        (1, 0, 0),
        (1, 1, 0),
    ]
    assert "ines@" not in out.getvalue()
