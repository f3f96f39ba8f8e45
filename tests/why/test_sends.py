"""What was sent, and what came back: each state of a message and each reason has its sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from server.alerts.sent import REASONS
from server.notify.models import Delivery, Message
from server.why.sends import of_message
from server.why.wording import Reader

AT = datetime(2026, 3, 2, 18, tzinfo=UTC)
TOM = UUID(int=1)
READER = Reader("en", ZoneInfo("UTC"), lambda _: "Tom", AT, UUID(int=2))


def message(**how: Any) -> Message:
    values: dict[str, Any] = {
        "id": uuid4(),
        "person_id": TOM,
        "channel": "push",
        "kind": "alert",
        "state": "done",
        "queued_at": AT,
        "ready_at": AT,
        "done_at": AT,
        "last_resort": None,
        "why": None,
        "seen_at": None,
    }
    return Message.construct(**{**values, **how})


def delivery(**how: Any) -> Delivery:
    values: dict[str, Any] = {
        "id": uuid4(),
        "channel": "push",
        "attempt": 1,
        "started_at": AT,
        "ended_at": AT,
        "result": "accepted",
        "why": None,
        "seen_at": None,
    }
    return Delivery.construct(**{**values, **how})


def told(row: Message, *tries: Delivery) -> list[str]:
    return [
        " ".join(filter(None, [READER.sentence(event), READER.because(event)]))
        for event in of_message(row, tries)
    ]


@pytest.mark.parametrize("code", REASONS)
def test_a_withheld_message_says_why_for_every_code(code: str) -> None:
    reason = REASONS[code]
    line = f"Alert for Tom, push notification: not sent. Why: {reason}."
    row = message(state="withheld", why=code)
    assert told(row) == [line]
    assert told(row, delivery(result="withheld", why=code)) == [line]


@pytest.mark.parametrize("code", REASONS)
def test_a_failed_attempt_says_why_for_every_code(code: str) -> None:
    failed = delivery(result="refused", why=code, attempt=2)
    assert told(message(state="failed", why=code), failed) == [
        f"Alert for Tom, push notification: refused. Why: {REASONS[code]}. Attempt 2."
    ]


def test_a_message_to_nobody_says_that_there_is_no_address() -> None:
    row = message(state="failed", channel="none", why="no_address")
    assert told(row) == ["Alert for Tom: not reached, there is no address of theirs."]


def test_a_reminder_in_quiet_hours_says_until_when_it_waits() -> None:
    until = AT + timedelta(hours=9)
    row = message(state="waiting", why="quiet_hours", ready_at=until, done_at=None)
    assert told(row) == ["Alert for Tom, push notification: waits until 03:00. Why: quiet hours."]


def test_what_is_on_its_way_and_what_was_cancelled_say_so() -> None:
    assert told(message(state="waiting", done_at=None)) == [
        "Alert for Tom, push notification: waiting to be sent."
    ]
    assert told(message(state="waiting", channel="none", done_at=None)) == [
        "Alert for Tom: not sent. We know no address of theirs."
    ]
    assert told(message(state="withdrawn", why="answered")) == [
        "Alert for Tom, push notification: cancelled. Why: an answer came first."
    ]


def test_a_receipt_is_told_once() -> None:
    seen = AT + timedelta(minutes=1)
    assert told(message(seen_at=seen), delivery(seen_at=seen)) == [
        "Alert for Tom, push notification: accepted.",
        "Alert for Tom, push notification: shown on the device.",
    ]


def test_the_last_resort_and_a_person_outside_have_no_name() -> None:
    last = message(person_id=None, last_resort=0, channel="last_resort")
    assert told(last, delivery(channel="email")) == ["Alert for the last resort, email: accepted."]
    outside = message(person_id=None, kind="ask_trusted", channel="sms")
    assert told(outside, delivery(channel="sms")) == [
        "Question to a person the child trusts for a person outside the agency, SMS: accepted."
    ]
