"""Each week of an agency is counted once, in order, and what it calls for is proposed or holds.

A week ends on Monday at four, by the clock of the agency. It is counted a second later, so that all
of that moment is in it, and before the watches are looked at. How late the ticker comes changes
nothing: the rows have their times.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from server.audit.actions import SYSTEM, note
from server.clock import known_zone
from server.people.models import UNPLANNED, Agency
from server.policy.adapting import (
    WEEKS,
    Adapted,
    Factors,
    Week,
    adapted,
    as_data,
    begin_of,
    next_moment,
    with_factors,
)
from server.policy.budget import Adapt
from server.policy.learned import WordCounts, after_week, from_data
from server.policy.learned import as_data as words_as_data
from server.policy.model import Policy, Tier
from server.policy.models import BudgetWeek, WeekState, week_id
from server.policy.tally import Tally
from server.policy.versions import as_written, factors_of
from server.storage import bulk
from server.storage.due_rows import DueRows
from server.watch.budgets.counting import children_of, weeks_between
from server.watch.budgets.truths import counts_of_week
from server.watch.policy_change import look_again, overtake
from server.web.live import announce

AFTER = timedelta(seconds=1)
_MIDWEEK = timedelta(days=3, hours=12)


async def _go_on(agencies: Sequence[Agency], now: datetime) -> None:
    for agency in agencies:
        due = Agency.filter(id=agency.id, next_budget_at__lte=now)
        # Several tickers may have seen it due. An adoption locks the same row.
        locked = await due.select_for_update(no_key=True).first()
        if locked is not None:
            await _week_is_over(locked, now)


async def _week_is_over(agency: Agency, now: datetime) -> None:
    zone = known_zone(agency.zone)
    end = await _next_end(agency, zone)
    if end is None:
        end = next_moment(now, zone)
    elif end + AFTER <= now:
        await _count(agency, end, now)
        end = next_moment(end + _MIDWEEK, zone)
    await Agency.filter(id=agency.id).update(next_budget_at=end + AFTER)


async def _next_end(agency: Agency, zone: ZoneInfo) -> datetime | None:
    """The end of the next week to count; None where counting begins now. A failure moves
    `next_budget_at`, so what has been counted decides."""
    last = await BudgetWeek.filter(agency_id=agency.id).order_by("-ends_at").first()
    if last is not None:
        # From the middle of the next week: the agency may have moved to another time zone.
        return next_moment(last.ends_at + _MIDWEEK, zone)
    is_planned = agency.next_budget_at != UNPLANNED
    return next_moment(agency.next_budget_at - _MIDWEEK, zone) if is_planned else None


BUDGETS = DueRows("budget", Agency, _go_on, at_once=50, columns=("next_budget_at",), locks=False)


class _Counted(msgspec.Struct, frozen=True):
    """A week that is over, and the numbers that held in it."""

    ends_at: datetime
    children: dict[Tier, int]
    tally: Tally
    policy: Policy  # As written.
    version: int
    before: Factors
    came_to: Adapted
    word_counts: WordCounts  # With those of earlier weeks.

    @property
    def after(self) -> Factors:
        """Where the policy never adapts, nothing follows."""
        is_on = self.policy.budget.adapt is not Adapt.NEVER
        return self.came_to.factors if is_on else self.before

    @property
    def state(self) -> WeekState:
        if self.policy.budget.adapt is Adapt.NEVER:
            return WeekState.COUNTED
        if self.policy.budget.adapts:
            return WeekState.ADAPTED
        is_same = with_factors(self.policy, self.after) == self.policy
        return WeekState.KEPT if is_same else WeekState.PROPOSED


async def _count(agency: Agency, end: datetime, now: datetime) -> None:
    policy, row = await as_written(agency.id)
    before = await factors_of(policy, row)
    earlier = (
        await BudgetWeek.filter(agency_id=agency.id, ends_at__lt=end)
        .order_by("-ends_at")
        .limit(WEEKS - 1)
    )
    earlier.reverse()
    edges = [*(week.ends_at for week in earlier), end]
    edges.insert(0, begin_of(edges[0], known_zone(agency.zone)))
    tallies = await weeks_between(agency.id, edges)
    children = await children_of(agency.id, end)
    weeks = [
        Week(_by_tier(week.children), _by_tier(week.calls), tally.closed())
        for week, tally in zip(earlier, tallies, strict=False)
    ]
    weeks.append(Week(children, tallies[-1].calls, tallies[-1].closed()))
    came_to = adapted(before, weeks, policy.budget)
    version = row.version if row is not None else 0
    by_cell = from_data(earlier[-1].told if earlier else None)
    by_cell = after_week(by_cell, await counts_of_week(agency.id, end))
    week = _Counted(end, children, tallies[-1], policy, version, before, came_to, by_cell)
    await _store(agency, week, now)


async def _store(agency: Agency, week: _Counted, now: datetime) -> None:
    id_ = week_id(agency.id, week.ends_at)
    await overtake(agency.id)
    await bulk.insert(BudgetWeek, [_as_row(agency, week, now)])
    adapts = week.state is WeekState.ADAPTED and week.after != week.before
    if adapts or week.policy.budget.learns:
        await look_again(agency.id, now)
    if adapts:
        about = ("budget_week", id_)
        await note(SYSTEM, "policy:adapt", about=about, agency_id=agency.id, now=now)
        await announce(agency.id, "watch")


def _as_row(agency: Agency, week: _Counted, now: datetime) -> dict[str, object]:
    tally = week.tally
    return {
        "id": week_id(agency.id, week.ends_at),
        "agency_id": agency.id,
        "ends_at": week.ends_at,
        "made_at": now,
        "version": week.version,
        "children": {tier.value: count for tier, count in week.children.items()},
        "calls": {tier.value: count for tier, count in tally.calls.items()},
        "closings": {str(person): list(counts) for person, counts in tally.persons.items()},
        "answered": sum(tally.children.values()),
        "figures": {"pages": week.policy.budget.pages, "rate": week.came_to.rate},
        "before": as_data(week.before),
        "after": as_data(week.after),
        "told": words_as_data(week.word_counts),
        "state": week.state.value,
    }


def _by_tier(counts: dict[str, int]) -> dict[Tier, int]:
    return {Tier(tier): count for tier, count in counts.items()}
