"""The budget of alarms: it moves one line a little, once a week, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Refused
from server.policy import parser as policies
from server.policy.adapting import (
    AS_WRITTEN,
    LIMITS,
    STEP,
    Closed,
    Factors,
    Week,
    adapted,
    false_shares,
    next_moment,
    with_factors,
)
from server.policy.budget import NO_BUDGET, Adapt, Budget
from server.policy.model import EACH_MISS, SHIPPED, Tier
from tests.copies import replace

FOUR = Budget(4.0, Adapt.WITHIN_LIMITS)
PARIS = ZoneInfo("Europe/Paris")
EVERY_WORKER = {Tier.HIGH: 2, Tier.MID: 18, Tier.LOW: 40}  # Three workers.


def week(calls: int, closed: list[Closed] | None = None, *, high: int = 0) -> Week:
    said = [Closed(f"worker {n % 5}", was_here=True) for n in range(calls + high)]
    of = {Tier.MID: calls, Tier.HIGH: high}
    return Week(EVERY_WORKER, of, said if closed is None else closed)


def after(weeks: list[Week], before: Factors = AS_WRITTEN) -> Factors:
    return adapted(before, weeks, FOUR).factors


# --- the table


def test_without_a_table_a_policy_bears_four_and_never_adapts() -> None:
    assert policies.read(SHIPPED).budget == NO_BUDGET == Budget(4.0, Adapt.NEVER)


def test_a_table_says_how_many_and_what_becomes_of_them() -> None:
    read = policies.read({**SHIPPED, "budget": {"pages": 2, "adapt": "propose"}})
    assert read.budget == Budget(2.0, Adapt.PROPOSE)


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ({"pages": 0}, "budget.pages"),
        ({"pages": -4}, "budget.pages"),
        ({"pages": 0.01}, "budget.pages"),
        ({"pages": 1000}, "budget.pages"),
        ({"pages": True}, "budget.pages"),
        ({"pages": float("nan")}, "budget.pages"),
        ({"pages": "four"}, "budget.pages"),
        ({"adapt": "always"}, "budget.adapt"),
        ({"adapt": ["never"]}, "budget.adapt"),
        ({"alarms": 4}, "budget.alarms"),
    ],
)
def test_a_budget_that_is_wrong_is_refused_by_its_field(table: Any, field: str) -> None:
    with pytest.raises(Refused) as refused:
        policies.read({**SHIPPED, "budget": table})
    assert refused.value.field == field


def test_a_budget_of_zero_is_refused_with_a_reason() -> None:
    with pytest.raises(Refused, match="without false alarms"):
        policies.read({**SHIPPED, "budget": {"pages": 0}})


def test_a_policy_without_a_habit_has_nothing_to_adapt() -> None:
    with pytest.raises(Refused) as refused:
        policies.read({**EACH_MISS, "budget": {"adapt": "propose"}})
    assert refused.value.field == "budget.adapt"
    assert policies.read({**EACH_MISS, "budget": {"pages": 3}}).budget.pages == 3


# --- which way


def test_too_many_false_calls_raise_the_line_and_too_few_lower_it() -> None:
    assert after([week(40)])[Tier.MID] == STEP
    assert after([week(0)])[Tier.MID] < 1
    assert after([week(0), week(0)])[Tier.MID] == 1 / STEP


def test_as_many_as_the_budget_leave_it_where_it_is() -> None:
    assert after([week(12)] * 4)[Tier.MID] == pytest.approx(1, abs=0.06)


def test_calls_that_were_real_cost_nothing() -> None:
    real = [Closed(f"worker {n % 9}", was_here=False) for n in range(27)]
    assert after([week(27, real)])[Tier.MID] < after([week(27)])[Tier.MID]


def test_the_high_level_goes_by_its_own_calls() -> None:
    moved = after([week(30)] * 3)
    assert moved[Tier.MID] == moved[Tier.LOW] == STEP
    assert moved[Tier.HIGH] < 1, "nobody was called about a child of it"
    assert after([week(0, high=20)] * 3)[Tier.HIGH] == STEP


def test_an_agency_that_begins_reaches_its_limit_within_six_weeks() -> None:
    factors, weeks = AS_WRITTEN, []
    for _ in range(6):
        weeks.append(week(60))
        factors = after(weeks, factors)
    assert factors[Tier.MID] == LIMITS[Tier.MID][1]


# --- its limits

names = st.sampled_from(["ines", "tom", "lena", "omar"])
closings = st.lists(st.builds(Closed, names, st.booleans()), max_size=30)
counts = st.dictionaries(st.sampled_from(Tier), st.integers(0, 300))
weeks = st.lists(st.builds(Week, counts, counts, closings), min_size=1, max_size=8)
budgets = st.builds(Budget, st.floats(0.1, 100), st.just(Adapt.WITHIN_LIMITS))


@given(weeks, budgets)
def test_it_stays_inside_its_limits_and_moves_a_step_at_most(
    happened: list[Week], budget: Budget
) -> None:
    factors: Factors = AS_WRITTEN
    for end in range(1, len(happened) + 1):
        before, factors = factors, adapted(factors, happened[:end], budget).factors
        for tier in Tier:
            least, most = LIMITS[tier]
            assert least <= factors[tier] <= most
            assert 1 / STEP - 1e-9 <= factors[tier] / before[tier] <= STEP + 1e-9


@given(weeks, names, st.booleans(), budgets)
def test_one_person_alone_can_slow_it_down_and_never_drive_it(
    happened: list[Week], one: str, says: bool, budget: Budget
) -> None:
    alike = [
        replace(
            week,
            closed=[
                replace(said, was_here=says) if said.by == one else said for said in week.closed
            ],
        )
        for week in happened
    ]
    shares = {by: share for by, share in _without(happened).items() if by == one}
    assert shares == {by: share for by, share in _without(alike).items() if by == one}
    factors = adapted(AS_WRITTEN, alike, budget).factors
    for opposite in (True, False):
        other = [
            replace(
                week,
                closed=[
                    replace(said, was_here=opposite) if said.by == one else said
                    for said in week.closed
                ],
            )
            for week in happened
        ]
        against = adapted(AS_WRITTEN, other, budget).factors
        # Whatever that person says, the line never goes up by it and down by the contrary.
        for tier in Tier:
            assert (factors[tier] - 1) * (against[tier] - 1) >= 0


def _without(happened: list[Week]) -> Mapping[str, float]:
    """The share of false calls by what all but one person said."""
    recent = [(week, 0.5**age) for age, week in enumerate(reversed(happened[-4:]))]
    shares = false_shares(recent)[1:]
    sizes: dict[str, float] = {}
    for week, weight in recent:
        for said in week.closed:
            sizes[said.by] = sizes.get(said.by, 0.0) + weight
    people = sorted(sizes, key=lambda by: (-sizes[by], by))
    return {by: round(share, 9) for by, share in zip(people, shares, strict=True)}


@given(st.integers(0, 200), st.integers(0, 40), st.booleans())
def test_what_one_person_enters_moves_the_share_by_a_third_at_most(
    many: int, others: int, says: bool
) -> None:
    rest = [Closed(f"worker {n % 7}", was_here=n % 4 > 0) for n in range(others)]
    shares = [
        false_shares([(Week({}, {}, [*rest, *[Closed("ines", was_here=here)] * many]), 1.0)])[0]
        for here in (says, not says)
    ]
    assert abs(shares[0] - shares[1]) <= 1 / 3 + 1e-9


@given(st.floats(0.25, 4), st.sampled_from(Tier))
def test_it_moves_the_line_of_the_odds_and_nothing_else(factor: float, tier: Tier) -> None:
    policy = policies.read(SHIPPED)
    moved = with_factors(policy, {**AS_WRITTEN, tier: factor})
    for level in Tier:
        was, now = policy.tiers[level], moved.tiers[level]
        if was.steps.doubt is None or level is not tier:
            assert now == was
            continue
        assert now.steps.doubt is not None
        assert now.steps.doubt.page == pytest.approx(was.steps.doubt.page * factor)
        assert now.steps.doubt.ask <= now.steps.doubt.page
        assert replace(now.steps, doubt=was.steps.doubt) == was.steps
        assert now.ladder == was.ladder


# --- when


@given(st.integers(0, 2 * 365 * 24 * 60))
def test_a_week_ends_on_monday_at_four_by_the_clock_of_the_agency(minutes: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    end = next_moment(now, PARIS)
    assert timedelta(0) < end - now <= timedelta(days=7, hours=1)
    assert f"{end.astimezone(PARIS):%A %H:%M}" == "Monday 04:00"
    assert next_moment(end - timedelta(seconds=1), PARIS) == end
    assert next_moment(now + (end - now) / 2, PARIS) == end
