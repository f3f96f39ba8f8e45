"""The table of refusals, and when an address is given up: values in, values out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notify.refusals import (
    GATEWAY,
    LONGEST,
    About,
    Stage,
    Tried,
    gives_up,
    is_of_many,
    read,
    rule_for,
)
from server.notify.rules import EMAIL, PUSH, Result

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TOM, INES, SAM = UUID(int=1), UUID(int=2), UUID(int=3)
ABOUT_THE_RECIPIENT = ["5.1.1", "5.1.3", "5.1.6", "5.1.10", "5.2.1"]


@pytest.mark.parametrize("status", ABOUT_THE_RECIPIENT)
@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.POST])
def test_a_mail_server_speaks_of_the_address_at_rcpt_alone(stage: Stage, status: str) -> None:
    outcome = read(EMAIL, stage, 550, text=f"{status} <tom@example.org>: no")
    assert (outcome.result is Result.GONE) == (stage is Stage.RCPT)


@pytest.mark.parametrize(
    ("text", "about", "reason"),
    [
        ("5.1.0 sender rejected", About.MESSAGE, "recipient_refused"),
        ("5.1.2 no such domain", About.MESSAGE, "recipient_refused"),
        ("5.1.7 bad sender", About.US, "sender_refused"),
        ("5.1.8 <planner@example.org>: Sender address rejected", About.US, "sender_refused"),
        ("5.1.11 not known yet", About.MESSAGE, "recipient_refused"),
        ("5.1.100 not known yet", About.MESSAGE, "recipient_refused"),
        ("5.2.2 mailbox full", About.MESSAGE, "recipient_refused"),
        ("5.2.10 not known yet", About.MESSAGE, "recipient_refused"),
        ("5.7.1 blocked", About.MESSAGE, "recipient_refused"),
        ("5.1.1.1 nonsense", About.MESSAGE, "recipient_refused"),
        ("no such user 5.1.1", About.MESSAGE, "recipient_refused"),
        ("", About.MESSAGE, "recipient_refused"),
        ("5.1.1\nmore lines", About.ADDRESS, "no_mailbox"),
    ],
)
def test_what_rcpt_refuses_is_the_address_only_where_the_status_says_so(
    text: str, about: About, reason: str
) -> None:
    outcome = read(EMAIL, Stage.RCPT, 550, text=text)
    assert outcome.reason == reason
    assert (outcome.result is Result.GONE) == (about is About.ADDRESS)
    assert (outcome.result is Result.FAULT) == (about is About.US)


@pytest.mark.parametrize(
    ("status", "about"),
    [
        (404, About.ADDRESS),
        (410, About.ADDRESS),
        (400, About.MESSAGE),
        (413, About.MESSAGE),
        (301, About.MESSAGE),
        (401, About.US),
        (403, About.US),
        (408, About.PASSING),
        (429, About.PASSING),
        (500, About.PASSING),
        (599, About.PASSING),
    ],
)
def test_each_answer_of_a_push_service_is_about_one_thing(status: int, about: About) -> None:
    assert rule_for(PUSH, Stage.POST, str(status)).about is about


@given(st.none() | st.integers(0, 999))
def test_no_answer_of_a_gateway_is_about_the_address(status: int | None) -> None:
    assert read(GATEWAY, Stage.POST, status).result is not Result.GONE


@given(st.sampled_from(Stage), st.integers(0, 9999), st.text(max_size=30))
def test_whatever_a_mail_server_answers_it_means_something(
    stage: Stage, code: int, text: str
) -> None:
    outcome = read(EMAIL, stage, code, text=text)
    assert outcome.reason
    if not 500 <= code <= 599:
        assert outcome.result is Result.RETRY


# --- at once


def tried(address: UUID, result: Result, service: str = "") -> Tried:
    return Tried(address, service, result)


GONE = Result.GONE
PUSHES = "push.example.org"


@pytest.mark.parametrize(
    ("others", "of_many"),
    [
        ([], False),
        ([tried(TOM, GONE)], False),
        ([tried(INES, Result.ACCEPTED)], False),
        ([tried(INES, GONE)], True),
        ([tried(INES, Result.REFUSED)], True),
        ([tried(INES, Result.RETRY)], True),
        ([tried(INES, GONE), tried(SAM, Result.ACCEPTED)], True),
    ],
)
def test_mail_fails_for_many_where_another_address_failed(
    others: list[Tried], of_many: bool
) -> None:
    assert is_of_many(tried(TOM, GONE), others) == of_many


@pytest.mark.parametrize(
    ("others", "of_many"),
    [
        ([], False),
        ([tried(INES, GONE, PUSHES)], True),
        ([tried(INES, GONE, "other.example")], False),
        ([tried(INES, GONE, PUSHES), tried(SAM, Result.ACCEPTED, PUSHES)], False),
        ([tried(INES, GONE, PUSHES), tried(SAM, Result.ACCEPTED, "other.example")], True),
        ([tried(INES, Result.RETRY, PUSHES)], False),
    ],
)
def test_a_push_service_is_doubted_where_it_ends_several_and_takes_none(
    others: list[Tried], of_many: bool
) -> None:
    assert is_of_many(tried(TOM, GONE, PUSHES), others) == of_many


# --- given up


@pytest.mark.parametrize(
    ("reason", "first_at", "of_many", "given_up"),
    [
        ("no_mailbox", None, False, False),
        ("no_mailbox", NOON - 6 * HOUR, False, False),
        ("no_mailbox", NOON - 11 * HOUR, False, False),
        ("no_mailbox", NOON - 13 * HOUR, False, True),
        ("no_mailbox", NOON - DAY, False, True),
        ("no_mailbox", NOON - DAY, True, False),
        ("no_mailbox", NOON - 99 * DAY, True, False),
        ("gone", None, False, True),
        ("gone", None, True, False),
        ("gone", NOON - DAY, True, False),
        ("gone", NOON - LONGEST, True, True),
        ("bad_keys", None, False, False),
        ("bad_keys", NOON - DAY, False, True),
        ("bad_address", NOON - 99 * DAY, False, False),
        ("recipient_refused", NOON - 99 * DAY, False, False),
    ],
)
def test_an_address_is_given_up(
    reason: str, first_at: datetime | None, of_many: bool, given_up: bool
) -> None:
    is_push = reason in ("gone", "bad_keys")
    assert gives_up(reason, first_at, NOON, is_push=is_push, of_many=of_many) == given_up


def test_two_refusals_of_one_day_are_one_however_far_apart() -> None:
    late = NOON.replace(hour=23)
    first = NOON.replace(hour=1)
    assert not gives_up("no_mailbox", first, late, is_push=False, of_many=False)
