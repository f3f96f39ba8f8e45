"""Channels that fail and channels that hang: nobody is lost from sight, no page says of what did
not go out that it did, and what hangs holds up nobody else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from server.notify.addresses import AddAddress, add_address
from server.notify.channels.email import Email
from server.notify.models import Delivery, Message
from server.notify.rules import Kind
from tests.desk.walking import at_desk
from tests.walks.stage import Stage

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
CALLED = DUE + timedelta(minutes=105)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CALLS = [Kind.ALERT.value, Kind.ALERT_AGAIN.value]
ADULTS = ("tom", "ines", "eve")
# So long a mail server may say nothing; whoever has push is called long before, also on a machine
# that is busy.
HANGS_S, PATIENCE = 8, 6


@pytest_asyncio.fixture
async def reachable(stage: Stage) -> Stage:
    """Mia alone is watched. Every adult who is called has push and mail, and Eve is on duty."""
    await stage.only("mia")
    await stage.subscribe("mia", *ADULTS)
    await stage.cast.on_duty("eve", hours=48)
    for name in ADULTS:
        person, address = stage.cast.persons[name], f"{name}@example.org"
        await add_address(
            stage.cast.actor(name),
            person.id,
            AddAddress(channel="email", value=address),
            stage.clock(),
        )
    return stage


def nothing_gets_through(stage: Stage) -> None:
    stage.push.fault(503, times=None)
    stage.relay.answers["CONNECT"] = "421 busy"


async def push_works_again(stage: Stage) -> None:
    stage.push.reset()


async def mail_works_again(stage: Stage) -> None:
    stage.relay.answers.clear()


async def page_of(stage: Stage, path: str) -> str:
    async with at_desk(stage.cast, "tom") as browser:
        return (await browser.get(path)).text


async def accepted() -> Counter[tuple[str, int, int, str]]:
    """How often each call was taken: to whom, of which rung and turn, by which channel."""
    calls = Message.filter(kind__in=CALLS, person_id__isnull=False)
    about = {
        message.id: (str(message.person_id), message.rung, message.turn, message.channel)
        for message in await calls
    }
    taken = Delivery.filter(message_id__in=list(about), result="accepted")
    return Counter(about[one.message_id] for one in await taken)


@pytest.mark.slow
async def test_while_no_channel_works_the_ladder_goes_on_and_every_page_says_that_nothing_went_out(
    reachable: Stage,
) -> None:
    stage = reachable
    nothing_gets_through(stage)
    await stage.until(CALLED + 2 * HOUR + MINUTE)
    assert not stage.relay.mails
    assert not any(stage.shown(name) for name in ADULTS)

    alert = await stage.open_alert("mia")
    rungs = await Message.filter(kind__in=CALLS).values_list("rung", flat=True)
    assert set(rungs) == {0, 1, 2, 3, 4}, "each rung was called in its turn"
    assert alert.next_action_at is not None
    assert alert.next_action_at > stage.clock()

    page = await page_of(stage, f"/desk/alerts/{alert.id}")
    assert "We have not been able to call anyone since 19:45." in page
    assert "our server was not down" not in page.lower()
    assert "the push service failed" in page
    assert page.count("Nothing has gone out yet") >= 4
    assert "we have not been able to call anyone since 19:45" in await page_of(stage, "/desk/")

    # The operators are told by the last resort, which is down as well, and by what they watch.
    told = await Message.filter(kind=Kind.OPERATORS.value).values_list("data", flat=True)
    assert {one["fault"] for one in told} >= {"push:broken", "email:broken"}
    async with stage.cast.client() as client:
        health = await client.get("/health")
    assert health.status_code == 503
    assert health.json()["oldest_unsent_s"] >= 7_000


@pytest.mark.slow
@pytest.mark.parametrize("heal", [push_works_again, mail_works_again])
async def test_once_a_channel_works_again_everybody_is_reached_and_nobody_twice_for_one_call(
    reachable: Stage, heal: Callable[[Stage], Awaitable[None]]
) -> None:
    stage = reachable
    nothing_gets_through(stage)
    await stage.until(CALLED + 70 * MINUTE)
    assert not await accepted()
    await heal(stage)
    # A message waits for a quarter of an hour at the most.
    await stage.until(minutes=16)
    reached = await accepted()
    names = {str(stage.cast.persons[name].id) for name in ADULTS}
    assert {person for person, _, _, _ in reached} == names
    assert set(reached.values()) == {1}

    alert = await stage.open_alert("mia")
    page = await page_of(stage, f"/desk/alerts/{alert.id}")
    assert "not been able to call anyone" not in page
    await stage.acknowledge("tom", alert.id)
    before = await accepted()
    await stage.until(minutes=40)
    assert await accepted() == before
    assert not await Message.filter(kind__in=CALLS, state__in=["waiting", "sending"]).exists()


@pytest_asyncio.fixture
async def hanging(stage: Stage) -> AsyncIterator[Stage]:
    """The mail server takes connections and never says a word. Tom has push and mail, and wants
    mail first; Ines is on duty and has push."""
    await stage.only("mia")
    await stage.subscribe("mia", "tom", "ines")
    await stage.cast.on_duty("ines", hours=48)
    tom = stage.cast.actor("tom")
    await add_address(
        tom, stage.cast.tom.id, AddAddress(channel="email", value="tom@example.org"), stage.clock()
    )
    await stage.call("tom", "PUT", "/api/v1/me/reaching", {"order": ["email", "push"]})
    settings = stage.cast.app.state.settings
    stage.channels["email"] = Email(
        settings.smtp_url,
        mail_from=settings.mail_from,
        clock=stage.clock,
        timeout=timedelta(seconds=HANGS_S),
    )
    stage.ticker = stage.another_ticker()
    stage.relay.answers["CONNECT"] = "hang"
    yield stage
    stage.relay.answers.clear()


@pytest.mark.slow
async def test_a_mail_server_that_hangs_holds_up_no_push(hanging: Stage) -> None:
    """As the ticker runs in earnest: a pass is under way with a mail while Mia asks for help."""
    stage = hanging
    await stage.until(CALLED - MINUTE)
    await stage.jump(CALLED)
    await stage.ticker.start()
    assert await asyncio.to_thread(stage.relay.holds.wait, PATIENCE)
    await stage.check_in("mia", want="help")
    await asyncio.to_thread(stage.push.wait, lambda: stage.shown("ines"), PATIENCE)
    assert stage.ticker.worker.is_busy("email"), "the mail to Tom hangs still"
    await stage.ticker.stop()
    tried = await Delivery.filter(channel="email").order_by("started_at").first()
    assert tried is not None
    assert (tried.result, tried.why) == ("retry", "timeout")


async def test_who_has_mail_first_is_called_by_the_next_way_when_the_mail_server_hangs(
    hanging: Stage,
) -> None:
    stage = hanging
    stage.channels["email"]._timeout = 0.2  # type: ignore[attr-defined]
    await stage.until(CALLED + 2 * MINUTE)
    # Two minutes after the call at the latest, and before the next rung has its turn.
    assert len(stage.shown("tom")) == 1
    assert not stage.shown("ines")
    [call] = await Message.filter(kind=Kind.ALERT.value, channel="push")
    assert call.queued_at <= CALLED + 2 * MINUTE
    # Once the server answers, the mail comes too: twice told is better than not at all.
    stage.relay.answers.clear()
    await stage.until(CALLED + 20 * MINUTE)
    assert len(stage.mails_to("tom@example.org")) == 1
    assert len(stage.shown("tom")) == 1
