"""What counts against a budget of alarms: the same whatever is counted with it, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from server.policy import parser as policies
from server.policy.adapting import (
    AS_WRITTEN,
    LIMITS,
    Closed,
    Week,
    adapted,
    as_data,
    begin_of,
    carried,
    from_data,
    next_moment,
)
from server.policy.budget import Adapt, Budget
from server.policy.model import SHIPPED, Tier, over
from server.policy.tally import Alike, Call, Tally, alike, tallied
from tests.copies import replace

MONDAY = datetime(2026, 3, 9, 3, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
EDGES = [MONDAY, MONDAY + WEEK, MONDAY + 2 * WEEK]
MIA, NOOR = UUID(int=1), UUID(int=2)
TOM, INES = UUID(int=11), UUID(int=12)
PARIS = ZoneInfo("Europe/Paris")


def called(hours: float, child: UUID = MIA, **more: object) -> Call:
    return replace(Call(child, Tier.MID, MONDAY + hours * HOUR), **more)  # type: ignore[arg-type]


def count(*calls: Call) -> list[int]:
    return [sum(week.calls.values()) for week in tallied(calls, EDGES)]


def test_calls_about_one_child_within_a_day_are_one() -> None:
    assert count(called(1), called(20)) == [1, 0]
    assert count(called(1), called(26)) == [2, 0]
    # The day begins with the call that counted, so that a week of calls is not one call.
    assert count(called(1), called(20), called(30)) == [2, 0]
    assert count(called(1), called(2, NOOR)) == [2, 0]


def test_an_answer_in_between_makes_it_another_call() -> None:
    assert count(called(1), called(20, heard_at=MONDAY + 10 * HOUR)) == [2, 0]
    assert count(called(1), called(20, heard_at=MONDAY)) == [1, 0]


def test_the_end_of_a_week_is_in_it_and_its_beginning_is_in_the_one_before() -> None:
    assert count(called(0)) == [0, 0]
    assert count(called(7 * 24)) == [1, 0]
    # Counted on Sunday night: on Monday it is still the same call.
    assert count(called(7 * 24 - 1), called(7 * 24 + 1)) == [1, 0]
    assert count(called(-1), called(1)) == [0, 0]


def test_a_child_who_answers_soon_was_there_whoever_closes_it_later() -> None:
    soon = called(1, answered_at=MONDAY + 3 * HOUR, closed_at=MONDAY + 4 * HOUR, by=TOM)
    [week, _] = tallied([soon], EDGES)
    assert (week.children, week.persons) == ({MIA: 1}, {})
    late = replace(soon, answered_at=MONDAY + 9 * HOUR)
    [week, _] = tallied([late], EDGES)
    assert (week.children, week.persons) == ({}, {TOM: (1, 1)})
    nobody = replace(late, by=None)
    [week, _] = tallied([nobody], EDGES)
    assert week.closed() == []


def test_one_answer_that_settles_two_calls_is_one() -> None:
    at = MONDAY + 3 * HOUR
    [week, _] = tallied([called(1, answered_at=at), called(2, answered_at=at)], EDGES)
    assert week.children == {MIA: 1}


def test_what_a_person_found_counts_in_the_week_in_which_they_closed_it() -> None:
    gone = called(1, closed_at=EDGES[1] + HOUR, by=TOM, was_here=False)
    here = called(2, NOOR, closed_at=MONDAY + 5 * HOUR, by=TOM)
    first, second = tallied([gone, here], EDGES)
    assert (first.persons, second.persons) == ({TOM: (1, 1)}, {TOM: (0, 1)})
    assert second.closed() == [Closed(str(TOM), was_here=False, times=1)]


def test_a_person_who_closed_most_of_them_all_alike_is_noticed() -> None:
    assert alike([{TOM: (6, 6)}, {TOM: (6, 6), INES: (1, 2)}]) == Alike(12 / 14, 12)
    assert alike([{TOM: (0, 12), INES: (1, 2)}]) is not None
    assert alike([{TOM: (11, 12), INES: (1, 2)}]) is None, "not all alike"
    assert alike([{TOM: (9, 9)}]) is None, "too few"
    assert alike([{TOM: (12, 12), INES: (3, 13)}]) is None, "not most of them"


CALLS = st.lists(
    st.builds(
        called,
        st.floats(-24, 15 * 24),
        st.sampled_from([MIA, NOOR]),
        by=st.sampled_from([None, TOM, INES]),
        was_here=st.booleans(),
        closed_at=st.none() | st.integers(0, 400).map(lambda n: MONDAY + n * HOUR),
        answered_at=st.none() | st.integers(0, 400).map(lambda n: MONDAY + n * HOUR),
    )
).map(lambda calls: sorted(calls, key=lambda call: (call.child, call.at)))


@given(CALLS)
def test_a_week_counts_the_same_beside_others_and_alone(calls: list[Call]) -> None:
    """So it does not matter how late, or how often, one looks."""
    beside = tallied(calls, EDGES)
    assert beside == [tallied(calls, [begin, end])[0] for begin, end in pairwise(EDGES)]
    assert sum(sum(week.calls.values()) for week in beside) <= len(calls)
    assert sum(sum(week.children.values()) for week in beside) <= len(calls)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8))
def test_saying_a_thing_so_many_times_is_saying_it_each_time(said: list[tuple[int, int]]) -> None:
    budget, children = Budget(4, Adapt.WITHIN_LIMITS), {Tier.MID: 60}
    at_once = [Closed(str(n), True, here) for n, (here, _) in enumerate(said)]
    at_once += [Closed(str(n), False, gone) for n, (_, gone) in enumerate(said)]
    at_once = [one for one in at_once if one.times]
    each = [Closed(one.by, one.was_here) for one in at_once for _ in range(one.times)]
    calls = {Tier.MID: 20}
    first, second = (
        adapted(AS_WRITTEN, [Week(children, calls, closed)], budget) for closed in (at_once, each)
    )
    assert first == second


@given(CALLS, st.integers(1, 400), st.floats(0.1, 100))
def test_what_was_counted_never_leaves_the_limits(
    calls: list[Call], children: int, pages: float
) -> None:
    factors, budget = AS_WRITTEN, Budget(pages, Adapt.WITHIN_LIMITS)
    weeks: list[Week] = []
    for tally in tallied(calls, EDGES) * 6:
        weeks.append(Week({Tier.MID: children}, tally.calls, tally.closed()))
        factors = adapted(factors, weeks, budget).factors
        for tier in Tier:
            assert LIMITS[tier][0] <= factors[tier] <= LIMITS[tier][1]
    assert from_data(as_data(factors)) == factors


@given(st.integers(0, 400), st.sampled_from(["Europe/Paris", "Asia/Kathmandu", "America/St_Johns"]))
def test_weeks_meet_also_where_the_clocks_change(days: int, name: str) -> None:
    zone = ZoneInfo(name)
    end = next_moment(MONDAY + days * DAY, zone)
    assert next_moment(end, zone) > end
    assert begin_of(next_moment(end, zone), zone) == end


def test_a_line_that_a_person_wrote_holds_as_written_and_the_others_go_on() -> None:
    def policy(adapt: str, **habit: float) -> policies.Policy:
        own = {"budget": {"adapt": adapt}, "mid": {"habit": {**SHIPPED["mid"]["habit"], **habit}}}
        return policies.read(over(SHIPPED, own))

    moved = {Tier.HIGH: 1.0, Tier.MID: 1.5, Tier.LOW: 2.0}
    within = policy("within_limits")
    assert carried(within, policy("within_limits", page=0.5), moved) == {**moved, Tier.MID: 1.0}
    assert carried(within, policy("within_limits", ask=0.01), moved)[Tier.MID] == 1.5
    assert carried(within, within, moved)[Tier.HIGH] == 1.0, "it asks at each miss: nothing moves"
    for other in ("never", "propose"):
        assert carried(within, policy(other), moved) == AS_WRITTEN
        assert carried(policy(other), within, moved) == AS_WRITTEN


def test_a_tally_begins_with_nothing() -> None:
    assert tallied([], EDGES) == [Tally(), Tally()]
