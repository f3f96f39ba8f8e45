"""Each send, failure and withheld message is a line in our log: ids and codes, nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from server import logs
from server.notify import actions as notify
from server.notify.models import Delivery, Message
from server.people.models import Person
from server.storage.db import write
from tests.notify.test_worker import SUBJECT, mail_of, phone_of, say
from tests.walks.stage import Stage


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What was logged."""
    stream = io.StringIO()
    logs.configure(stream)
    yield stream
    logs.configure(io.StringIO())


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines about messages."""
    rows = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [row for row in rows if str(row["event"]).startswith("message.")]


async def test_a_message_that_was_accepted_is_a_line_with_its_ids(
    stage: Stage, log: io.StringIO
) -> None:
    await phone_of(stage, "tom")
    await say(stage, child_id=stage.cast.mia.id)
    await stage.ticker.send()
    [line] = events(log)
    message, delivery = await Message.get(), await Delivery.get()
    wanted = {
        "event": "message.accepted",
        "message_id": str(message.id),
        "delivery_id": str(delivery.id),
        "child_id": str(stage.cast.mia.id),
        "kind": "alert",
        "channel": "push",
        "attempt": 1,
    }
    assert {name: line[name] for name in wanted} == wanted


async def test_a_failure_says_its_code_and_no_address(stage: Stage, log: io.StringIO) -> None:
    address = await mail_of(stage, "tom")
    stage.relay.answers["RCPT"] = "550 5.7.1 no"
    await say(stage)
    await stage.ticker.send()
    lines = events(log)
    assert {(line["event"], line["code"]) for line in lines if line["channel"] == "email"} == {
        ("message.failed", "recipient_refused")
    }
    assert address not in log.getvalue()
    assert stage.cast.tom.name not in log.getvalue()


async def test_a_message_to_nobody_is_a_line_too(stage: Stage, log: io.StringIO) -> None:
    await say(stage)
    await stage.ticker.send()
    first = events(log)[0]
    assert (first["event"], first["code"], first["delivery_id"]) == (
        "message.failed",
        "no_address",
        None,
    )


async def test_a_withheld_message_says_why(stage: Stage, log: io.StringIO) -> None:
    await phone_of(stage, "tom")
    await say(stage)
    await Person.filter(id=stage.cast.tom.id).update(disabled_at=stage.clock())
    await stage.ticker.send()
    assert [(line["event"], line["code"]) for line in events(log)] == [
        ("message.withheld", "person_disabled")
    ]


async def test_a_withdrawn_message_is_a_line_once_it_is_in(stage: Stage, log: io.StringIO) -> None:
    await phone_of(stage, "tom")
    await say(stage, not_before=stage.clock() + timedelta(hours=1))
    async with write():
        await notify.withdraw([SUBJECT], "closed", stage.clock())
        assert events(log) == []
    assert [(line["event"], line["code"]) for line in events(log)] == [
        ("message.withdrawn", "closed")
    ]
