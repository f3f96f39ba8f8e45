"""The stages and clocks of an episode, whatever an agency sets and whatever happens."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.missing.search import rules
from server.missing.search.clocks.actions import as_clocks, as_data
from server.missing.search.entry_kinds import ENTRIES, Act, raises_flag, read
from server.missing.search.rules import DEFAULT, Decision, Facts, Flag, Stage
from server.tasks.rules import OF_A_RETURN, OF_A_SEARCH, OF_AN_EPISODE, Kind

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=5000)).map(lambda after: BEGIN + after)
TIERS = st.sampled_from(["high", "mid", "low", "nonsense"])
ZONES = st.sampled_from(sorted(available_timezones())[::7]).map(ZoneInfo)


@given(TIERS, MOMENTS, st.booleans(), st.booleans())
def test_every_search_has_a_decision_a_report_and_an_adult_who_keeps_trying(
    tier: str, now: datetime, has_flags: bool, is_third: bool
) -> None:
    found = rules.opened(DEFAULT, tier, now, has_flags=has_flags, is_third=is_third)
    kinds = [one.what for one in found]
    assert {Kind.DECISION, Kind.REPORT, Kind.KEEP_TRYING, Kind.STRATEGY_3M} <= set(kinds)
    assert len(kinds) == len(set(kinds))
    assert (Kind.STRATEGY_3IN30 in kinds) == is_third
    assert all(one.what in OF_A_SEARCH and one.due_at >= now for one in found)


@given(TIERS, MOMENTS, st.booleans())
def test_nobody_waits_longer_than_a_day_to_report(
    tier: str, now: datetime, has_flags: bool
) -> None:
    found = {
        one.what: one.due_at
        for one in rules.opened(DEFAULT, tier, now, has_flags=has_flags, is_third=False)
    }
    assert found[Kind.REPORT] <= now + timedelta(hours=24)
    assert found[Kind.DECISION] <= found[Kind.REPORT]
    if has_flags:
        assert found[Kind.DECISION] == now


@given(MOMENTS)
def test_a_tighter_tier_is_never_later(now: datetime) -> None:
    by_tier = [
        {
            one.what: one.due_at
            for one in rules.opened(DEFAULT, one_tier, now, has_flags=False, is_third=False)
        }
        for one_tier in ("high", "mid", "low")
    ]
    for tight, loose in pairwise(by_tier):
        assert all(tight[kind] <= loose[kind] for kind in tight)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=60)), ZONES, st.sampled_from(Decision))
def test_a_decision_never_puts_the_report_off_beyond_its_last_moment(
    opened_at: datetime, after: timedelta, zone: ZoneInfo, what: Decision
) -> None:
    now = opened_at + after
    found = {one.what: one.due_at for one in rules.decided(what, DEFAULT, opened_at, now, zone)}
    last = max(opened_at + rules.REPORT_AT_LAST, now + DEFAULT.report)
    assert now <= found[Kind.REPORT] <= last
    assert (Kind.BRING_BACK in found) == (what is Decision.KNOWN_PLACE)


@given(MOMENTS, ZONES)
def test_the_same_day_is_over_within_a_day_and_some_hours(now: datetime, zone: ZoneInfo) -> None:
    day = rules.same_day(DEFAULT, now, zone)
    assert now + DEFAULT.safe_and_well <= day <= now + timedelta(hours=26)


@given(MOMENTS, ZONES, st.booleans())
def test_a_return_asks_for_everything_that_guidance_asks(
    found_at: datetime, zone: ZoneInfo, is_reported: bool
) -> None:
    found = rules.returned(DEFAULT, found_at, zone, is_reported=is_reported)
    kinds = {one.what for one in found}
    assert kinds == OF_A_RETURN - (set() if is_reported else {Kind.TELL_FOUND})
    by = {one.what: one.due_at for one in found}
    assert by[Kind.RETURN_INTERVIEW] == found_at + timedelta(hours=72)
    assert by[Kind.PLAN_REVIEW] == found_at + timedelta(days=7)


@given(
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.frozensets(st.sampled_from(sorted(OF_AN_EPISODE))),
)
def test_no_stage_hides_a_child_that_nobody_has_seen(
    is_reported: bool, is_searched: bool, is_found: bool, running: frozenset[Kind]
) -> None:
    stage = rules.stage(Facts(is_reported, is_searched, is_found, running))
    assert (stage in (Stage.FOUND, Stage.FOLLOWED_UP)) == is_found
    assert (stage is Stage.FOLLOWED_UP) == (is_found and not running & OF_A_RETURN)
    if not is_found:
        assert (stage is Stage.DECIDING) == (not is_reported)


@pytest.mark.parametrize(
    ("born", "flagged"),
    [(date(2012, 3, 3), True), (date(2012, 3, 2), False), (None, False)],
)
def test_younger_than_fourteen_is_a_reason_to_hurry(born: date | None, flagged: bool) -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    placed_at = now - timedelta(days=100)
    found = rules.flags_of((), born_on=born, placed_at=placed_at, has_concern=False, now=now)
    assert (Flag.UNDER_14 in found) == flagged


def test_every_clock_has_an_owner_and_words() -> None:
    assert set(rules.OWNERS) == OF_AN_EPISODE


def test_clocks_are_stored_and_read_back_the_same() -> None:
    assert as_clocks(as_data(DEFAULT)) == DEFAULT


@pytest.mark.parametrize("act", list(Act))
def test_what_an_entry_needs_is_enough_for_it(act: Act) -> None:
    entry = ENTRIES[act]
    details = {
        one.name: next(iter(one.choices)) if one.choices else "Something"
        for one in entry.details
        if one.is_needed
    }
    assert read(act, details, "Words.") == details
    raises_flag(act, details)
