"""Silent child or broken pipe? What receipts, and their lack, say of a device."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notify.push_health import (
    FEWEST,
    STALE_AFTER,
    Device,
    Health,
    Pushed,
    Reached,
    health,
    is_the_channel,
    reached,
    stale_spells,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_AGO = NOW - 30 * DAY


def silent(**known: Any) -> Device:
    """It gives receipts, and has shown nothing for eight days."""
    values: dict[str, Any] = {
        "receipts_since": LONG_AGO,
        "last_accepted_at": NOW - HOUR,
        "last_seen_at": NOW - 9 * DAY,
        "unseen": FEWEST,
        "unseen_since": NOW - 8 * DAY,
    }
    return Device(**(values | known))


WORKS = Device(receipts_since=LONG_AGO, last_accepted_at=NOW - HOUR, last_seen_at=NOW - HOUR)


def test_a_device_that_shows_what_is_sent_is_healthy() -> None:
    assert health(WORKS, NOW) is Health.HEALTHY


def test_a_device_that_has_shown_nothing_so_far_is_unproven() -> None:
    assert health(Device(), NOW) is Health.UNPROVEN
    early = Device(receipts_since=NOW - DAY, unseen=20, unseen_since=NOW - DAY)
    assert health(early, NOW) is Health.UNPROVEN


def test_after_a_week_in_which_nothing_was_shown_a_device_is_stale() -> None:
    device = silent(unseen_since=NOW - STALE_AFTER)
    assert health(device, NOW) is Health.STALE
    assert health(device, NOW - timedelta(microseconds=1)) is Health.HEALTHY


def test_too_few_pushes_say_nothing_however_long_ago_they_were() -> None:
    device = silent(unseen=FEWEST - 1, unseen_since=LONG_AGO)
    assert health(device, NOW) is Health.HEALTHY


def test_who_never_said_that_it_gives_receipts_is_not_doubted_by_their_lack() -> None:
    assert health(silent(receipts_since=None, last_seen_at=None), NOW) is Health.UNPROVEN
    # One that has given a receipt gives receipts.
    assert health(silent(receipts_since=None), NOW) is Health.STALE


def test_silence_counts_from_when_the_device_said_that_it_gives_receipts() -> None:
    lately = silent(receipts_since=NOW - 6 * DAY, unseen_since=LONG_AGO, last_seen_at=None)
    assert health(lately, NOW) is Health.UNPROVEN
    assert health(lately, NOW + DAY) is Health.STALE


def test_what_the_service_gave_up_or_takes_nothing_for_is_broken() -> None:
    assert health(silent(given_up_at=NOW - DAY), NOW) is Health.BROKEN
    assert health(Device(last_failed_at=NOW), NOW) is Health.BROKEN
    assert health(Device(last_failed_at=NOW, last_accepted_at=NOW - HOUR), NOW) is Health.BROKEN


@pytest.mark.parametrize("worked", ["last_accepted_at", "last_seen_at"])
def test_a_fault_that_is_over_is_none(worked: str) -> None:
    device = Device(last_failed_at=NOW - HOUR, **{worked: NOW - HOUR})
    assert health(device, NOW) is not Health.BROKEN


def test_a_person_without_a_device_is_reached_by_none() -> None:
    assert reached([], NOW) == Reached()


def test_one_device_that_works_is_enough() -> None:
    found = reached([silent(), WORKS, Device(last_failed_at=NOW)], NOW)
    assert found == Reached(health=Health.HEALTHY, seen_at=NOW - HOUR)


def test_of_a_stale_one_is_said_since_when_nothing_was_shown_and_when_that_was_known() -> None:
    assert reached([silent()], NOW) == Reached(
        health=Health.STALE,
        seen_at=NOW - 9 * DAY,
        silent_since=NOW - 9 * DAY,
        unreached_since=NOW - 8 * DAY + STALE_AFTER,
    )
    never = reached([silent(last_seen_at=None)], NOW)
    assert (never.seen_at, never.silent_since) == (None, NOW - 8 * DAY)


def test_several_that_are_all_out_of_reach_are_so_since_the_last_of_them_is() -> None:
    found = reached([silent(), Device(last_failed_at=NOW - HOUR)], NOW)
    assert (found.health, found.unreached_since) == (Health.STALE, NOW - HOUR)


def test_what_was_given_up_counts_only_where_there_is_no_other() -> None:
    gone = Device(given_up_at=NOW - DAY, last_seen_at=NOW - 2 * DAY)
    assert reached([gone], NOW) == Reached(
        health=Health.BROKEN, seen_at=NOW - 2 * DAY, unreached_since=NOW - DAY
    )
    # A new one has to show that it works, and what the old one has shown is still known.
    assert reached([gone, Device()], NOW) == Reached(health=Health.UNPROVEN, seen_at=NOW - 2 * DAY)


@pytest.mark.parametrize(
    ("stale", "devices", "is_so"),
    [(4, 4, False), (5, 15, True), (5, 16, False), (40, 100, True), (0, 0, False)],
)
def test_many_at_once_are_no_matter_of_the_devices(stale: int, devices: int, is_so: bool) -> None:
    assert is_the_channel(stale, devices) is is_so


def daily(*shown: bool) -> list[Pushed]:
    """One push a day, and whether it was shown a minute later."""
    return [
        Pushed(NOW + n * DAY, NOW + n * DAY + HOUR / 60 if is_shown else None)
        for n, is_shown in enumerate(shown)
    ]


def test_spells_begin_after_a_week_without_a_receipt_and_end_with_one() -> None:
    never = daily(*[False] * 9)
    assert stale_spells(never, NOW + 20 * DAY) == [(NOW + 7 * DAY, None)]
    assert stale_spells(never, NOW + 7 * DAY - HOUR) == []
    assert stale_spells([], NOW) == []
    then_shown = daily(True, *[False] * 9, True, False)
    [(begin, end)] = stale_spells(then_shown, NOW + 12 * DAY)
    assert (begin, end) == (NOW + 8 * DAY, NOW + 10 * DAY + HOUR / 60)
    assert stale_spells(daily(*[True] * 20), NOW + 30 * DAY) == []
    # Two a fortnight apart say too little; the third one makes it known.
    rare = [Pushed(NOW + n * DAY, None) for n in (0, 14, 28)]
    assert stale_spells(rare, NOW + 27 * DAY) == []
    assert stale_spells(rare, NOW + 40 * DAY) == [(NOW + 28 * DAY, None)]


@given(st.lists(st.tuples(st.integers(0, 400), st.none() | st.integers(0, 300)), max_size=30))
def test_spells_say_what_the_row_of_a_device_says_at_that_moment(
    sent: list[tuple[int, int | None]],
) -> None:
    pushes = [Pushed(NOW + n * HOUR, None if d is None else NOW + (n + d) * HOUR) for n, d in sent]
    until = NOW + 700 * HOUR
    seen = [one.seen_at for one in pushes if one.seen_at is not None and one.seen_at <= until]
    last = max(seen, default=None)
    counted = sorted(one.sent_at for one in pushes if last is None or one.sent_at > last)
    row = Device(
        receipts_since=NOW,
        last_seen_at=last,
        unseen=len(counted),
        unseen_since=counted[0] if counted else None,
    )
    spells = stale_spells(pushes, until)
    assert (bool(spells) and spells[-1][1] is None) is (health(row, until) is Health.STALE)
    for begin, end in spells:
        assert end is None or begin <= end


moments = st.none() | st.integers(-1000, 0).map(lambda n: NOW + n * HOUR)
devices = st.builds(
    Device,
    receipts_since=moments,
    last_accepted_at=moments,
    last_seen_at=moments,
    last_failed_at=moments,
    unseen=st.integers(0, 6),
    unseen_since=moments,
    given_up_at=moments,
)


@given(st.lists(devices, max_size=4))
def test_a_person_out_of_reach_has_been_so_since_a_past_moment(
    held: list[Device],
) -> None:
    found = reached(held, NOW)
    is_out = found.health in (Health.STALE, Health.BROKEN)
    assert (found.unreached_since is not None) is is_out
    assert (found.silent_since is not None) is (found.health is Health.STALE)
    for moment in (found.unreached_since, found.silent_since, found.seen_at):
        assert moment is None or moment <= NOW


@given(st.lists(devices, min_size=1, max_size=4))
def test_a_device_more_never_makes_it_worse(held: list[Device]) -> None:
    rank = list(Health).index
    before, after = reached(held[1:], NOW), reached(held, NOW)
    if any(one.given_up_at is None for one in held[1:]):
        assert rank(after.health) <= rank(before.health)
