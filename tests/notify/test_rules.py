"""The pure decisions about envelopes, retries and what is worth sending."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notify.child.hours import QUIET, why_held
from server.notify.rules import (
    CAN_WAIT,
    FIRST_RETRY,
    KEPT_QUIET,
    LONGEST_ATTEMPT,
    LONGEST_OBEYED,
    LONGEST_RETRY,
    NEXT_CHANNEL_AFTER,
    AddressSlice,
    Kind,
    MessageSlice,
    Outcome,
    Reason,
    Result,
    in_order,
    retry_at,
    what_next,
    worth_sending,
)
from tests.notify.envelopes import envelope

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
ZONES = ["UTC", "Europe/Paris", "Europe/Lisbon", "Asia/Kathmandu", "Pacific/Apia"]

attempts = st.integers(1, 10_000)
rands = st.floats(0, 1, exclude_max=True)
waits = st.none() | st.timedeltas(timedelta(0), timedelta(days=400))
moments = st.timedeltas(timedelta(0), timedelta(days=7300)).map(
    lambda age: datetime(2020, 1, 1, tzinfo=UTC) + age
)
outcomes = st.one_of(
    st.just(Outcome.accepted(201)),
    st.just(Outcome.gone("gone", 410)),
    st.just(Outcome.refused("bad_request", 400)),
    st.just(Outcome.fault("vapid", 403)),
    st.builds(lambda wait: Outcome.again("busy", 429, retry_after=wait), waits),
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"topic": ""},
        {"topic": "a" * 33},
        {"topic": "a b"},
        {"topic": "a\n"},
        {"topic": "é"},
        {"urgency": "urgent"},
        {"ttl": timedelta(seconds=-1)},
    ],
)
def test_an_envelope_that_no_push_service_would_take_cannot_be_made(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match=r"topic|urgency|time to live"):
        envelope(**wrong)


def test_an_envelope_may_carry_a_topic_of_32_url_safe_characters() -> None:
    assert envelope(topic="Az09-_" + "x" * 26).topic.endswith("x")


@given(attempts, moments, rands, waits)
def test_a_retry_lies_ahead_and_within_bounds(
    attempt: int, now: datetime, rand: float, wait: timedelta | None
) -> None:
    at = retry_at(attempt, now, rand=rand, retry_after=wait)
    assert at - now >= FIRST_RETRY / 2
    assert at - now <= max(LONGEST_RETRY, LONGEST_OBEYED * 1.1)


@given(attempts, rands, st.timedeltas(timedelta(0), LONGEST_OBEYED))
def test_a_retry_never_comes_before_the_wait_that_was_asked_for(
    attempt: int, rand: float, wait: timedelta
) -> None:
    assert retry_at(attempt, NOON, rand=rand, retry_after=wait) - NOON >= wait


@given(st.integers(1, 60), rands)
def test_the_back_off_never_shrinks(attempt: int, rand: float) -> None:
    assert retry_at(attempt + 1, NOON, rand=rand) >= retry_at(attempt, NOON, rand=rand)


@given(attempts)
def test_the_back_off_is_spread_over_half_of_its_length(attempt: int) -> None:
    earliest, latest = retry_at(attempt, NOON, rand=0), retry_at(attempt, NOON, rand=0.999999)
    assert latest - earliest >= (earliest - NOON) * 0.99


@given(outcomes, attempts, st.timedeltas(timedelta(0), timedelta(days=2)), rands)
def test_whatever_came_of_an_attempt_something_follows(
    outcome: Outcome, attempt: int, age: timedelta, rand: float
) -> None:
    then = what_next(outcome, attempt, NOON - age, NOON, rand=rand)
    assert then.done == (then.retry_at is None)
    assert then.tell_operators == (outcome.result in (Result.REFUSED, Result.FAULT))
    if outcome.result is Result.ACCEPTED:
        assert then.done
        assert not then.next_channel_now
    if then.done and outcome.result is not Result.ACCEPTED:
        assert then.next_channel_now
    if then.retry_at is not None:
        assert then.retry_at > NOON


@given(attempts, st.timedeltas(timedelta(0), timedelta(days=2)), rands, waits)
def test_the_next_channel_is_never_later_than_two_minutes_after_queueing(
    attempt: int, age: timedelta, rand: float, wait: timedelta | None
) -> None:
    """Either it is taken now, or this channel is asked again and has failed before then."""
    queued_at = NOON - age
    outcome = Outcome.again("service_failed", 503, retry_after=wait)
    then = what_next(outcome, attempt, queued_at, NOON, rand=rand)
    assert then.retry_at is not None
    if not then.next_channel_now:
        assert then.retry_at + LONGEST_ATTEMPT < queued_at + NEXT_CHANNEL_AFTER


def test_the_first_passing_fault_does_not_take_the_next_channel() -> None:
    then = what_next(Outcome.again("timeout"), 1, NOON, NOON, rand=0.5)
    assert not then.next_channel_now
    assert then.retry_at == NOON + timedelta(seconds=7.5)


def test_where_an_answer_is_about_the_address_the_next_channel_is_taken_at_once() -> None:
    then = what_next(Outcome.gone("gone", 410), 1, NOON, NOON, rand=0)
    assert (then.done, then.next_channel_now) == (True, True)
    assert not then.tell_operators


def test_a_message_that_is_refused_is_a_mistake_of_ours() -> None:
    then = what_next(Outcome.refused("too_large", 413), 1, NOON, NOON, rand=0)
    assert (then.done, then.next_channel_now) == (True, True)
    assert then.tell_operators


def test_a_channel_that_is_set_up_wrongly_is_tried_again_and_all_fall_back() -> None:
    then = what_next(Outcome.fault("vapid", 403), 1, NOON, NOON, rand=0)
    assert (then.done, then.next_channel_now) == (False, True)
    assert then.tell_operators


def child(**changes: object) -> AddressSlice:
    values: dict[str, object] = {
        "zone": "Europe/Paris",
        "quiet_from": time(21),
        "quiet_until": time(7),
    }
    return AddressSlice(**(values | changes))  # type: ignore[arg-type]


ALERT = MessageSlice(kind=Kind.ALERT)
REMINDER = MessageSlice(kind=Kind.REMIND_CHILD)
MIDNIGHT = datetime(2026, 11, 24, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("message", "address", "reason"),
    [
        (ALERT, child(), None),
        (REMINDER, child(quiet_from=None), None),
        (REMINDER, child(), Reason.QUIET_HOURS),
        (REMINDER, child(has_accepted=True), Reason.ALREADY_DONE),
        (MessageSlice(kind=Kind.ALERT, expires_at=MIDNIGHT), child(), Reason.EXPIRED),
        (ALERT, child(person_is_disabled=True), Reason.PERSON_DISABLED),
        (ALERT, child(channel_is_open=False), Reason.CHANNEL_CLOSED),
    ],
)
def test_what_must_not_be_sent_says_why(
    message: MessageSlice, address: AddressSlice, reason: Reason | None
) -> None:
    assert worth_sending(message, address, MIDNIGHT) is reason


@given(
    st.sampled_from(sorted(set(Kind) - KEPT_QUIET - CAN_WAIT)),
    moments,
    st.times(),
    st.times(),
)
def test_quiet_hours_never_hold_back_what_calls_an_adult(
    kind: Kind, now: datetime, begin: time, end: time
) -> None:
    address = AddressSlice(zone="Europe/Paris", quiet_from=begin, quiet_until=end)
    assert worth_sending(MessageSlice(kind=kind), address, now) is None


@given(moments, st.times(), st.times())
def test_quiet_hours_never_hold_back_what_is_due_in_a_search(
    now: datetime, begin: time, end: time
) -> None:
    address = AddressSlice(zone="Europe/Paris", quiet_from=begin, quiet_until=end)
    urgent = MessageSlice(kind=Kind.DUE, is_urgent=True)
    assert worth_sending(urgent, address, now) is None


def is_quiet(address: AddressSlice, now: datetime) -> bool:
    return why_held(address.hours, now) == QUIET


@given(moments, st.sampled_from(ZONES), st.times(), st.times())
def test_a_moment_is_quiet_in_one_of_two_opposite_spans(
    now: datetime, zone: str, begin: time, end: time
) -> None:
    one = AddressSlice(zone=zone, quiet_from=begin, quiet_until=end)
    other = AddressSlice(zone=zone, quiet_from=end, quiet_until=begin)
    assert is_quiet(one, now) + is_quiet(other, now) == (begin != end)


@given(moments, st.sampled_from(ZONES))
def test_quiet_hours_follow_the_wall_clock_where_the_person_is(now: datetime, zone: str) -> None:
    address = AddressSlice(zone=zone, quiet_from=time(21), quiet_until=time(7))
    hour = now.astimezone(ZoneInfo(zone)).hour
    assert is_quiet(address, now) == (hour >= 21 or hour < 7)


def test_quiet_hours_hold_through_the_hour_that_comes_twice() -> None:
    address = AddressSlice(zone="Europe/Paris", quiet_from=time(2, 30), quiet_until=time(3))
    first, second = (datetime(2026, 10, 25, h, 45, tzinfo=UTC) for h in (0, 1))
    assert is_quiet(address, first)
    assert is_quiet(address, second)
    assert not is_quiet(address, datetime(2026, 10, 25, 1, 15, tzinfo=UTC))


def test_channels_are_taken_the_fastest_first_and_each_once() -> None:
    found = in_order(["email", "chat", "sms", "push", "old", "sms"])
    assert found == ["push", "chat", "old", "sms", "email"]


def test_channels_of_the_persons_choice_come_before_all_others() -> None:
    found = in_order(["email", "chat", "sms", "push"], ["email", "gone", "sms"])
    assert found == ["email", "sms", "push", "chat"]
