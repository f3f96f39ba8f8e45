"""The budget of alarms in a replay: counts each week as production would, and says what follows."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from server.alerts.ladder import Cause
from server.policy import tally
from server.policy.adapting import (
    AS_WRITTEN,
    WEEKS,
    Adapted,
    Closed,
    Factors,
    Week,
    adapted,
    next_moment,
    with_factors,
)
from server.policy.budget import Adapt
from server.policy.learned import with_learned
from server.policy.model import Policy, Tier
from server.simulation.outcomes import Adapting, Alert, Child, Result
from server.simulation.weeks.truths import Truths
from server.watch.machine.standing import Why


class _Tally(msgspec.Struct):
    """The week that is not over yet."""

    calls: dict[Tier, int] = msgspec.field(default_factory=dict)
    closed: list[Closed] = msgspec.field(default_factory=list)


class Budgeting:
    """Counts calls and their outcomes. `ends_at`: when this week ends; None before a child is
    placed, or where the policy never adapts."""

    def __init__(self, policy: Policy, result: Result) -> None:
        self._written, self._result = policy, result
        self._is_on = policy.budget.adapt is not Adapt.NEVER
        self.truths = Truths(is_on=policy.budget.learns)
        self._factors: Factors = AS_WRITTEN
        self._weeks: list[Week] = []
        self._week = _Tally()
        self._called: dict[str, datetime] = {}
        self._zone: ZoneInfo | None = None
        self.ends_at: datetime | None = None

    def begin(self, at: datetime, zone: ZoneInfo) -> None:
        """The first child is placed: the weeks go by the clock there."""
        if (self._is_on or self.truths.is_on) and self._zone is None:
            self._zone, self.ends_at = zone, next_moment(at, zone)

    def called(self, child: Child, alert: Alert) -> None:
        """Adults are called."""
        answers, at = self._result.answers[child.name], alert.told[0]
        if alert.cause is Cause.SILENCE:
            self.truths.called(child, at)
        heard_at = answers[-1] if answers else None
        if self._counts(alert) and tally.counts(at, self._called.get(child.name), heard_at):
            self._called[child.name] = at
            self._week.calls[alert.tier] = self._week.calls.get(alert.tier, 0) + 1

    def closed(self, child: Child, alert: Alert, at: datetime, *, was_here: bool) -> None:
        """A person closes an alert. Events name no person: the home stands for them."""
        self.truths.closed(alert, at, was_here=was_here)
        if self._counts(alert):
            self._week.closed.append(Closed(child.home or child.name, was_here))

    def answered(self, child: Child, at: datetime) -> None:
        """A sign of the child closes what is open, and nobody has to say what they found."""
        open_now = [alert for alert in child.alerts.values() if self._counts(alert)]
        if any(tally.is_soon(alert.told[0], at) for alert in open_now):
            self._week.closed.append(Closed(f"{child.name} answered", was_here=True))

    def _counts(self, alert: Alert) -> bool:
        """What the child asked for is no false alarm, and a call because nobody met a child has no
        line that could move."""
        is_silence = alert.cause is Cause.SILENCE and alert.why is not Why.NOT_MET
        return self._is_on and is_silence

    def end_week(self, tiers: Mapping[str, Tier]) -> Policy | None:
        """The week is over, with the tier that each child has: the policy from now on; None: it
        stays."""
        assert self.ends_at is not None
        assert self._zone is not None
        end, self.ends_at = self.ends_at, next_moment(self.ends_at, self._zone)
        moves = self._is_on and self._moved(Counter(tiers.values()), end)
        if not (moves or self.truths.is_on):
            return None
        by_cell = self._result.word_counts = self.truths.end_week(end, tiers)
        return with_factors(with_learned(self._written, by_cell), self._factors)

    def _moved(self, tiers: dict[Tier, int], end: datetime) -> bool:
        """Whether the outcomes of the week move a line by themselves."""
        week, self._week = self._week, _Tally()
        self._weeks = [*self._weeks, Week(tiers, week.calls, week.closed)][-WEEKS:]
        came_to: Adapted = adapted(self._factors, self._weeks, self._written.budget)
        self._result.adapting.append(Adapting(end, came_to.rate, came_to.factors))
        before = self._factors
        if self._written.budget.adapt is Adapt.WITHIN_LIMITS:
            self._factors = came_to.factors
        return self._factors != before
