"""Whether a channel works: broken for many, or taken by a gateway that sends nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from server.notify.addresses import AddAddress, add_address
from server.notify.arrivals import arrived, send_test
from server.notify.channel_counts import broken_channels, counted, silent_channels
from server.notify.channel_health import (
    ADDRESSES,
    FEWEST,
    HEALED_BY,
    YOUNG,
    Asked,
    Tried,
    is_broken,
    silent,
)
from server.notify.channels.other import Other
from server.notify.models import Delivery, Message
from server.notify.rules import Kind
from server.storage.db import write
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.doubles.gateway import Gateway
from tests.notify.test_worker import say, send
from tests.walks.stage import LAST_RESORT, Stage

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def tries(*outcomes: bool, at: datetime = NOW, addresses: int = 99) -> list[Tried]:
    """The newest first: True for one that failed, each at another address."""
    return [Tried(at, UUID(int=n % addresses), failed) for n, failed in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("found", "broken"),
    [
        (tries(), False),
        (tries(*[True] * FEWEST), True),
        (tries(*[True] * (FEWEST - 1)), False),
        (tries(*[True] * FEWEST, *[False] * FEWEST), True),
        (tries(*[True] * FEWEST, *[False] * (FEWEST + 1)), False),
        (tries(*[False] * HEALED_BY, *[True] * 15), False),
        (tries(*[False] * (HEALED_BY - 1), *[True] * 15), True),
        (tries(*[True] * 20, addresses=ADDRESSES - 1), False),
        (tries(*[True] * 20, at=NOW - YOUNG - MINUTE), False),
    ],
)
def test_a_channel_is_broken_where_it_fails_for_many_of_late(
    found: list[Tried], broken: bool
) -> None:
    assert is_broken(found, NOW) is broken


def asked(answered: bool, n: int, *, people: int = 9, ago: float = 60) -> list[Asked]:
    at = NOW - timedelta(minutes=ago)
    return [Asked(at, UUID(int=number % people), answered) for number in range(n)]


@pytest.mark.parametrize(
    ("sms", "mail", "found"),
    [
        (asked(False, 5), asked(True, 1), {"sms"}),
        (asked(False, 5), asked(False, 9), set()),  # Nobody answers anything: no observation.
        (asked(False, 4), asked(True, 1), set()),
        (asked(False, 9, people=2), asked(True, 1), set()),
        (asked(False, 5, ago=10), asked(True, 1), set()),
        ([*asked(False, 5), *asked(True, 1, ago=40)], asked(True, 1), set()),
        ([*asked(True, 3, ago=900), *asked(False, 5)], asked(True, 1), {"sms"}),
    ],
)
def test_a_channel_is_silent_where_others_are_answered(
    sms: list[Asked], mail: list[Asked], found: set[str]
) -> None:
    assert silent({"sms": sms, "email": mail}, NOW) == found


# --- with a gateway, over a socket


@pytest_asyncio.fixture
async def texting(stage: Stage, gateway: Gateway) -> AsyncIterator[Stage]:
    """Everyone has a number and a mailbox; the gateway is real Apprise's."""
    channel = Other(gateway.template, timeout=timedelta(seconds=2))
    await channel.open()
    stage.channels["sms"] = channel
    for number, name in enumerate(("tom", "ines", "ada", "sam", "eve", "root")):
        actor, person = stage.cast.actor(name), stage.cast.persons[name]
        now = stage.clock()
        await add_address(
            actor, person.id, AddAddress(channel="sms", value=f"+3360000000{number}"), now
        )
        await add_address(
            actor, person.id, AddAddress(channel="email", value=f"{name}@example.org"), now
        )
    yield stage
    await channel.close()


async def break_it(stage: Stage, gateway: Gateway) -> None:
    """The gateway fails for everybody."""
    gateway.status = 503
    for name in ("tom", "ines", "ada", "sam", "eve"):
        await say(stage, name, subject_id=uuid4())
    await send(stage)


async def test_once_a_channel_is_broken_the_next_way_is_taken_at_once(
    texting: Stage, gateway: Gateway
) -> None:
    await break_it(texting, gateway)
    assert not texting.mails_to("root@example.org")
    assert await broken_channels(["sms", "email"], texting.clock()) == {"sms"}
    await say(texting, "root", subject_id=uuid4())
    before = len(gateway.taken)
    while await send(texting):
        pass
    assert len(texting.mails_to("root@example.org")) == 1
    assert len(gateway.taken) > before, "it is still tried, so that its healing is seen"


async def test_operators_hear_of_a_broken_channel_once_an_hour(
    texting: Stage, gateway: Gateway
) -> None:
    await break_it(texting, gateway)
    for _ in range(3):
        await say(texting, "root", subject_id=uuid4())
        while await send(texting):
            pass
    told = [mail for mail in texting.mails_to(LAST_RESORT) if "sms:broken" in str(mail.read())]
    assert len(told) == 1


async def test_a_channel_that_has_healed_is_used_alone_again(
    texting: Stage, gateway: Gateway
) -> None:
    await break_it(texting, gateway)
    gateway.status = 200
    for _ in range(HEALED_BY):
        await say(texting, "root", subject_id=uuid4())
        await send(texting)
    while await send(texting):
        pass
    assert await broken_channels(["sms"], texting.clock()) == set()
    before = len(texting.mails_to("root@example.org"))
    await say(texting, "root", subject_id=uuid4())
    while await send(texting):
        pass
    assert len(texting.mails_to("root@example.org")) == before


async def test_a_gateway_that_takes_and_sends_nothing_is_told_by_what_nobody_answers(
    texting: Stage, gateway: Gateway
) -> None:
    now = texting.clock()
    for name in ("tom", "ines", "ada", "sam", "eve"):
        await send_test(texting.cast.actor("root"), texting.cast.persons[name].id, now)
    await send(texting)
    for mail in [m for m in texting.relay.mails if "/arrived/" in str(m.read())]:
        link = "\n".join(mail.read()).split("/arrived/")[1].split()[0]
        await arrived(link, now)
        await arrived(link, now)
    assert await silent_channels(now) == set(), "they have had no time to answer"
    texting.clock.advance(minutes=31)
    assert await silent_channels(texting.clock()) == {"sms"}
    await texting.ticker.tidy()
    await texting.ticker.tidy()
    await texting.ticker.send()
    told = [m for m in texting.mails_to(LAST_RESORT) if "sms:unanswered" in str(m.read())]
    assert len(told) == 1
    assert await Message.filter(kind=Kind.TEST, seen_at__isnull=False).count() == 5


async def test_one_message_is_one_request_and_another_only_where_it_failed(
    texting: Stage, gateway: Gateway
) -> None:
    """What a gateway makes of one request is its own: nothing here can make two SMS one."""
    gateway.status = 200
    await say(texting)
    for _ in range(3):
        await send(texting)
    assert len(gateway.taken) == 1
    gateway.status = 503
    await say(texting, subject_id=uuid4())
    await send(texting)
    gateway.status = 200
    texting.clock.advance(minutes=5)
    await send(texting)
    await send(texting)
    assert len(gateway.taken) == 3
    assert await Delivery.filter(channel="sms").count() == 3


async def test_counts_are_of_ones_own_agency_and_name_nobody(cast: Cast) -> None:
    now = cast.clock()
    for agency, n in ((cast.agency, 2), (cast.other_agency, 5)):
        for number in range(n):
            async with write():
                message = await Message.create(
                    agency_id=agency.id,
                    to_key=str(uuid4()),
                    channel="push",
                    kind="alert",
                    subject_kind="alert",
                    subject_id=uuid4(),
                    queued_at=now,
                )
                result = "accepted" if number else "retry"
                await Delivery.create(
                    message=message,
                    channel="push",
                    attempt=1,
                    started_at=now,
                    result=result,
                    why="timeout",
                )
    found = (await counted(cast.agency.id, ["push", "email"], now - MINUTE))["push"]
    assert (found.attempts, found.accepted, found.codes) == (2, 1, (("timeout", 1),))
    async with at_desk(cast, "root") as browser:
        page = (await browser.get("/desk/people/channels")).text
    assert "2 attempts" in page
    assert "no answer in time: 1" in page


@pytest.mark.parametrize(
    ("channel", "state", "why", "word"),
    [
        ("none", "failed", "no_address", "there is no address or phone to send to: 17"),
        ("email", "withheld", "channel_closed", "this channel is not set up: 17"),
    ],
)
async def test_what_no_channel_could_try_is_counted(
    cast: Cast, channel: str, state: str, why: str, word: str
) -> None:
    for number in range(18):
        await Message.create(
            agency_id=cast.agency.id if number else cast.other_agency.id,
            person=cast.tom,
            to_key=str(cast.tom.id),
            channel=channel,
            state=state,
            why=why,
            kind=Kind.ALERT,
            subject_kind="alert",
            subject_id=uuid4(),
            queued_at=cast.clock(),
        )
    async with at_desk(cast, "root") as browser:
        page = (await browser.get("/desk/people/channels")).text
    assert word in page
    assert "Nothing was sent" not in page
    cast.clock.advance(days=2)
    async with at_desk(cast, "root") as browser:
        later = (await browser.get("/desk/people/channels")).text
    assert later.count(word) == 1, "in the last seven days alone"
    cast.clock.advance(days=6)
    async with at_desk(cast, "root") as browser:
        assert word not in (await browser.get("/desk/people/channels")).text


async def test_everybody_reads_what_was_sent_to_them_and_nothing_else(texting: Stage) -> None:
    await say(texting)
    await send(texting)
    async with at_desk(texting.cast, "tom") as browser:
        mine = (await browser.get("/desk/settings/messages")).text
    async with at_desk(texting.cast, "ines") as browser:
        none = (await browser.get("/desk/settings/messages")).text
    assert "to Tom Verhoeven, by SMS" in mine
    assert "We have not sent you any messages yet." in none


async def test_a_supervisor_sees_on_the_board_that_a_channel_is_broken(
    texting: Stage, gateway: Gateway
) -> None:
    cast = texting.cast
    cast.app.state.channels = ["push", "sms", "email"]
    await break_it(texting, gateway)
    async with at_desk(cast, "ines") as browser:
        assert "Messages are not getting through by: SMS." in (await browser.get("/desk/")).text
    async with at_desk(cast, "tom") as browser:
        assert "Messages are not getting through" not in (await browser.get("/desk/")).text
    async with at_desk(cast, "root") as browser:
        page = (await browser.get("/desk/people/channels")).text
    assert "This channel is failing: five or more attempts failed in half an hour" in page
