"""What one person answers stops every other channel within one tick.

Push, SMS and chat (two gateways behind a real Apprise), and mail, over sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from server.alerts.climbing import CALLING
from server.alerts.models import Alert
from server.notify.actions import Saying
from server.notify.actions import queue as queue_messages
from server.notify.addresses import AddAddress, add_address
from server.notify.channels.other import Other
from server.notify.models import Delivery, Message
from server.notify.rules import Kind
from server.storage.db import write
from server.watch.carer.models import Question
from server.watch.carer.questions import answer_question
from tests.doubles.gateway import Gateway
from tests.walks.stage import Stage

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
CALLS = [kind.value for kind in (*CALLING, Kind.ASK_CARER)]
CLEAR = "The last call is over."
WAYS = {"tom": "sms", "ines": "chat", "eve": "email", "sam": "sms"}

Answer = Callable[[Stage], Awaitable[None]]


@pytest_asyncio.fixture
async def everywhere(stage: Stage, gateway: Gateway) -> AsyncIterator[Stage]:
    """Everyone has a phone that takes push, and one further way."""
    with Gateway() as chat:
        stage.gateways = {"sms": gateway, "chat": chat}  # type: ignore[attr-defined]
        for name, double in (("sms", gateway), ("chat", chat)):
            channel = Other(double.template, timeout=timedelta(seconds=1))
            await channel.open()
            stage.channels[name] = channel
        await stage.only("mia")
        await stage.subscribe("mia")
        await stage.cast.on_duty("eve", hours=48)
        await stage.subscribe("tom", "ines", "eve", "sam")
        for number, (name, channel_name) in enumerate(WAYS.items()):
            value = f"{name}@example.org" if channel_name == "email" else f"+3360000000{number}"
            person = stage.cast.persons[name]
            actor = stage.cast.actor(name)
            await add_address(
                actor, person.id, AddAddress(channel=channel_name, value=value), stage.clock()
            )
        yield stage
        for name in ("sms", "chat"):
            await stage.channels[name].close()


async def called_everywhere(stage: Stage) -> Alert:
    """Mia is silent, adults are called and do not answer; more is about to go out by every way."""
    await stage.until(DUE + timedelta(hours=3))
    alert = await stage.open_alert("mia")
    people = [stage.cast.persons[name].id for name in ("tom", "ines", "eve")]
    async with write():
        sayings = [
            Saying(
                kind=Kind.ALERT_AGAIN,
                agency_id=alert.agency_id,
                subject_kind="alert",
                subject_id=alert.id,
                person_id=person,
                turn=999,
                urgency="high",
                channel=channel,
            )
            for person in people
            for channel in ("push", "sms", "chat", "email")
        ]
        await queue_messages(sayings, stage.clock())
    return alert


async def acknowledges(stage: Stage) -> None:
    await stage.acknowledge("tom", (await stage.open_alert("mia")).id)


async def closes(stage: Stage) -> None:
    await stage.close("ines", (await stage.open_alert("mia")).id)


async def answers(stage: Stage) -> None:
    await stage.check_in("mia")


async def carer_answers(stage: Stage) -> None:
    question = await Question.filter(child_id=stage.cast.mia.id).order_by("-asked_at").first()
    assert question is not None
    await answer_question(question.id, "seen", stage.clock())


def calls_at_gateways(stage: Stage) -> int:
    """What arrived there, but for the all-clear."""
    gateways: dict[str, Gateway] = stage.gateways  # type: ignore[attr-defined]
    texts = [one.text["message"] for double in gateways.values() for one in double.taken]
    texts += ["\n".join(mail.read()) for mail in stage.relay.mails]
    return sum(CLEAR not in text for text in texts)


async def deliveries() -> int:
    ids = await Message.filter(kind__in=CALLS).values_list("id", flat=True)
    return await Delivery.filter(message_id__in=list(ids)).exclude(result="withheld").count()


@pytest.mark.parametrize("answer", [acknowledges, closes, answers, carer_answers])
async def test_one_answer_stops_every_channel_before_the_next_tick(
    everywhere: Stage, answer: Answer
) -> None:
    await called_everywhere(everywhere)
    before = (calls_at_gateways(everywhere), await deliveries())
    await answer(everywhere)
    await everywhere.until(minutes=20)
    assert (calls_at_gateways(everywhere), await deliveries()) == before
    assert not await Message.filter(kind__in=CALLS, state__in=["waiting", "sending"]).exists()


@pytest.mark.slow
@pytest.mark.parametrize("answer", [acknowledges, closes, answers])
async def test_what_a_worker_had_in_its_hands_at_that_moment_is_the_last(
    everywhere: Stage, answer: Answer
) -> None:
    """One SMS is on its way while somebody answers, and the gateway then fails it: it is not tried
    again, and does not come back by another way."""
    gateway: Gateway = everywhere.gateways["sms"]  # type: ignore[attr-defined]
    await called_everywhere(everywhere)
    gateway.hangs = True
    sending = asyncio.ensure_future(everywhere.ticker.send())
    assert await asyncio.to_thread(gateway.holds.wait, 20)
    await answer(everywhere)
    await sending
    before = (calls_at_gateways(everywhere), await deliveries())
    gateway.hangs = False
    await everywhere.until(minutes=20)
    assert (calls_at_gateways(everywhere), await deliveries()) == before
    assert not await Message.filter(kind__in=CALLS, state__in=["waiting", "sending"]).exists()
