"""The budget of alarms: what the outcomes of the last weeks make of the odds at which adults are
called. Pure.

Once a week the false calls to adults are counted. If there were more than the budget, adults are
called from higher odds on; if there were fewer, from lower ones. What moves is a factor on the line
`page` of each level that goes by habit. It stays inside LIMITS, and moves by STEP at most.

Nothing else moves: no ceiling, no grace, no evidence. So a budget never makes the longest silence
longer.

Calls are counted by us, and nobody can enter them. Only what share of them was false depends on
what people say. There one person weighs a third at most, and the line moves only as far as it would
without any one of them: a person alone can slow it down, and never drive it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from server.clock import as_utc
from server.policy.budget import CHILDREN_A_WORKER, Budget
from server.policy.model import Policy, Tier

STEP = 1.5  # A week.
# Of the policy's own line. A child of the high level may be in danger now: there less may change.
LIMITS: Mapping[Tier, tuple[float, float]] = {
    Tier.HIGH: (0.5, 2.0),
    Tier.MID: (0.25, 4.0),
    Tier.LOW: (0.25, 4.0),
}
# A child of the high level may call adults in vain so many times as often as others: what four
# false calls a child-month are to the budget that ships.
HIGH_TIMES = 4.5
WEEKS = 4  # So many are looked at; each earlier one weighs half as much as the next.
# Before anybody has said anything: as many calls are false as with the policy that ships
# (docs/frontier.md), as if ten had been closed.
_USUAL, _CLOSED = 0.95, 10.0
# As if the budget had been kept exactly for so many calls: a small agency moves slowly.
_KEPT = 2.0
DAY, AT = 0, time(4)  # Monday; a time at which nobody is called because of it.

Factors = Mapping[Tier, float]
AS_WRITTEN: Factors = dict.fromkeys(Tier, 1.0)


class Closed(msgspec.Struct, frozen=True):
    """What a person said who was called. `by`: that person, or who stands for them. `times`: they
    said it of so many calls."""

    by: str
    was_here: bool
    times: int = 1


class Week(msgspec.Struct, frozen=True):
    """One week: how many children of each level were watched, the calls to adults about each level,
    and what people said of those that are over."""

    children: Mapping[Tier, int] = msgspec.field(default_factory=dict)
    calls: Mapping[Tier, int] = msgspec.field(default_factory=dict)
    closed: Sequence[Closed] = ()


def next_moment(after: datetime, zone: ZoneInfo) -> datetime:
    """When the week after this moment ends: Monday at four, by the clock of the agency."""
    local = after.astimezone(zone)
    day: date = local.date() + timedelta(days=(DAY - local.weekday()) % 7)
    moment = as_utc(day, AT, zone)
    return moment if moment > after else as_utc(day + timedelta(days=7), AT, zone)


def begin_of(end: datetime, zone: ZoneInfo) -> datetime:
    """When the week that ends at this moment began."""
    local = end.astimezone(zone)
    return as_utc(local.date() - timedelta(days=7), local.time(), zone)


class Adapted(msgspec.Struct, frozen=True):
    """What a week came to. `rate`: false calls in a worker-week, by the last weeks; None: there was
    no child."""

    rate: float | None
    factors: Factors


def adapted(before: Factors, weeks: Sequence[Week], budget: Budget) -> Adapted:
    """The factors after the last of these weeks, the newest last."""
    recent = [(week, 0.5**age) for age, week in enumerate(reversed(weeks[-WEEKS:]))]
    shares = false_shares(recent)
    every, high = _Sum.of(recent, tuple(Tier)), _Sum.of(recent, (Tier.HIGH,))
    step = _step(every, shares, budget.pages)
    steps = {tier: step for tier in Tier} | {
        Tier.HIGH: _step(high, shares, budget.pages * HIGH_TIMES)
    }
    rate = every.calls * shares[0] / every.workers if every.workers > 0 else None
    return Adapted(rate, {tier: _moved(before[tier], steps[tier], LIMITS[tier]) for tier in Tier})


def _moved(factor: float, step: float, limits: tuple[float, float]) -> float:
    least, most = limits
    return min(max(factor * step, least), most)


class _Sum(msgspec.Struct, frozen=True):
    """The calls and the worker-weeks of some levels."""

    calls: float
    workers: float

    @classmethod
    def of(cls, weeks: Iterable[tuple[Week, float]], tiers: tuple[Tier, ...]) -> "_Sum":
        calls = children = 0.0
        for week, weight in weeks:
            calls += weight * sum(week.calls.get(tier, 0) for tier in tiers)
            children += weight * sum(week.children.get(tier, 0) for tier in tiers)
        return cls(calls, children / CHILDREN_A_WORKER)


def _step(of: _Sum, shares: Sequence[float], pages: float) -> float:
    """How far the line moves: as far as what everyone says calls for, and also what they say
    without any one of them. Where these do not agree on the direction, it stays."""
    bears = pages * of.workers + _KEPT
    times = [(of.calls * share + _KEPT) / bears for share in shares]
    if min(times) > 1:
        return min(*times, STEP)
    return max(*times, 1 / STEP) if max(times) < 1 else 1.0


def false_shares(weeks: Iterable[tuple[Week, float]]) -> list[float]:
    """Which share of the calls was false, by what people said of those that are over: by what all
    of them said first, then without one of them at a time. Who closed many counts for a third at
    most."""
    closings: dict[str, tuple[float, float]] = {}
    for week, weight in weeks:
        for closed in week.closed:
            here, of = closings.get(closed.by, (0.0, 0.0))
            weighs = weight * closed.times
            closings[closed.by] = (here + weighs * closed.was_here, of + weighs)
    # By size alone: what a person said must not change what any of them weighs.
    people = [closings[by] for by in sorted(closings, key=lambda by: (-closings[by][1], by))]
    weights = _capped([of for _, of in people])
    parts = [weight * own / of for weight, (own, of) in zip(weights, people, strict=True)]
    all_here, every = _USUAL * _CLOSED + sum(parts), _CLOSED + sum(weights)
    without = zip(parts, weights, strict=True)
    return [all_here / every, *((all_here - own) / (every - weight) for own, weight in without)]


def _capped(sizes: Sequence[float]) -> list[float]:
    """These weights, the largest first, so that none is more than a third of all with what we
    assume."""
    rest = _CLOSED + sum(sizes[2:])
    first, second = [*sizes[:2], 0.0, 0.0][:2]
    # Where the second is too large as well, all three parts are alike.
    second = min(second, rest)
    first = min(first, (rest + second) / 2)
    return [first, second, *sizes[2:]][: len(sizes)]


def carried(before: Policy, after: Policy, factors: Factors) -> Factors:
    """The factors with which a version begins that a person adopts. They go on in the levels whose
    line this person left as it was; a line that they wrote holds as they wrote it."""
    if not before.budget.adapts or not after.budget.adapts:
        return AS_WRITTEN
    old, new = ({tier: of.steps.doubt for tier, of in p.tiers.items()} for p in (before, after))

    def is_left(tier: Tier) -> bool:
        doubt, then = old[tier], new[tier]
        return doubt is not None and then is not None and doubt.page == then.page

    return {tier: factors[tier] if is_left(tier) else 1.0 for tier in Tier}


def as_data(factors: Factors) -> dict[str, float]:
    """Factors as JSON."""
    return {tier.value: factors[tier] for tier in Tier}


def from_data(data: Mapping[str, float] | None) -> Factors:
    """The factors that were stored; as written where none were."""
    return {**AS_WRITTEN, **{Tier(tier): float(times) for tier, times in (data or {}).items()}}


def with_factors(policy: Policy, factors: Factors) -> Policy:
    """The policy by these factors. Adults are never called before the carer is asked."""
    tiers = dict(policy.tiers)
    for tier, of in policy.tiers.items():
        doubt = of.steps.doubt
        if doubt is None or factors[tier] == 1:
            continue
        page = doubt.page * factors[tier]
        moved = replace(doubt, page=page, ask=min(doubt.ask, page))
        tiers[tier] = replace(of, steps=replace(of.steps, doubt=moved))
    return replace(policy, tiers=tiers)
