"""The pure rules of the doors, by example and by property."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.auth.rules import (
    NIGHT_AT_MOST,
    STAFF_AT_MOST,
    STAFF_IDLE,
    Limit,
    expires_at,
    fold,
    is_good_password,
    is_over,
    is_sign_in_name,
    network_of,
    spaced,
    split_code,
    warned_at,
)
from server.security.encryption import normalise_code

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ago = st.integers(-7200, 7200).map(lambda s: NOW - timedelta(seconds=s))


@given(tries=st.lists(ago, max_size=30), limit=st.integers(1, 10), minutes=st.integers(1, 60))
def test_after_the_wait_one_more_try_is_heard_and_not_before(
    tries: list[datetime], limit: int, minutes: int
) -> None:
    rule = Limit(limit, timedelta(minutes=minutes))
    tries = [at for at in tries if at <= NOW]
    wait = rule.wait(tries, NOW)
    assert 0 <= wait <= minutes * 60
    assert rule.wait(tries, NOW + timedelta(seconds=wait)) == 0
    if wait > 1:
        assert rule.wait(tries, NOW + timedelta(seconds=wait - 1)) > 0


@given(st.lists(ago, max_size=30))
def test_more_tries_never_shorten_the_wait(tries: list[datetime]) -> None:
    rule = Limit(5, timedelta(minutes=15))
    assert rule.wait([*tries, NOW], NOW) >= rule.wait(tries, NOW)


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_one_household_is_one_guesser(host: str, network: str) -> None:
    assert network_of(host) == network


@pytest.mark.parametrize("typed", ["Tom", " tom ", "TOM", "\uff34om"])
def test_a_name_is_the_same_however_it_is_typed(typed: str) -> None:
    assert fold(typed) == "tom"


@pytest.mark.parametrize(
    ("name", "is_name"), [("", False), (" ", False), ("a" * 65, False), ("a\tb", True), ("é", True)]
)
def test_what_can_be_a_sign_in_name(name: str, is_name: bool) -> None:
    assert is_sign_in_name(name) is is_name


@pytest.mark.parametrize(
    ("password", "is_good"),
    [
        ("correct horse battery", True),
        ("elevenchars", False),
        ("ababababababab", False),
        ("verhoeven-ver", False),
        ("123456789012", False),
        ("qwertyuiop123", False),
        ("1q2w3e4r5t6y", False),
        ("1qaz2wsx3edc", False),
        ("azertyuiop987654", False),
        ("passwordpassword", False),
        ("Waymark-2026!", False),
        ("motdepasse1234", False),
        ("plumber-hijack", True),
        ("k3vd-9p2m-x7", True),
        ("\u0645\u0646 \u064a\u0642\u0631\u0623 \u0627\u0644\u0643\u062a\u0628", True),
        ("x7" * 200, False),
    ],
)
def test_what_can_be_a_password(password: str, is_good: bool) -> None:
    assert is_good_password(password, "Verhoeven") is is_good


@given(st.text(max_size=20))
def test_any_text_is_a_code_or_is_not(text: str) -> None:
    parts = split_code(normalise_code(text))
    assert parts is None or (len(parts[0]), len(parts[1])) == (3, 5)


def test_a_code_is_shown_in_two_groups() -> None:
    assert spaced("ABCD2345") == "ABCD 2345"
    assert normalise_code(spaced("ABCD2345")) == "ABCD2345"


@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_a_session_of_staff_is_over_at_its_end_or_unused(age: int, idle: int) -> None:
    end = expires_at(NOW, is_child=False)
    now = NOW + timedelta(seconds=age)
    seen = now - timedelta(seconds=min(idle, age))
    expected = age >= STAFF_AT_MOST.total_seconds() or now - seen >= STAFF_IDLE
    assert is_over(end, seen, now) is expected


def test_the_session_of_a_childs_phone_never_ends_by_itself() -> None:
    assert expires_at(NOW, is_child=True) is None
    assert is_over(None, NOW, NOW + timedelta(days=4000)) is False


@given(st.timedeltas(timedelta(minutes=1), timedelta(days=2)))
def test_we_warn_within_a_session_and_never_for_more_than_half_an_hour(lasts: timedelta) -> None:
    left = NOW + lasts - warned_at(NOW, NOW + lasts)
    assert timedelta(0) < left <= min(timedelta(minutes=30), lasts / 6)
    assert NOW + STAFF_AT_MOST - warned_at(NOW, NOW + STAFF_AT_MOST) == timedelta(minutes=30)
    assert NOW + NIGHT_AT_MOST - warned_at(NOW, NOW + NIGHT_AT_MOST) == timedelta(minutes=10)
