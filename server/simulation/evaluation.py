"""How well a policy told adults of absences, against the truth of a simulated or recorded time.

An absence is told by the first row at `page_worker` or above between leaving and coming back. If
such a row was open already when the child left, it is told at once. An alert is a false page if its
first such row is in no absence, nor in the two hours after one. Pages of one child within a day,
without an answer between, count once, by the first of them. Child-months are the watched ones,
without pauses. report.py has the words.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

import msgspec

from server.alerts.ladder import Cause
from server.errors import Refused
from server.i18n import N_
from server.policy.model import Tier
from server.simulation.events import moment, on_line, rows_of
from server.simulation.outcomes import Alert, Result, Watched

TRUTH_HEADER = ["child", "left_at", "back_at", "coerced"]
AFTER_RETURN = timedelta(hours=2)
COUNT_ONCE = timedelta(days=1)
MONTH = timedelta(days=30.4375)
LONG = timedelta(hours=24)


class Gone(msgspec.Struct, frozen=True):
    """One absence of the truth; `back_at` None: not found in that time."""

    child: str
    left_at: datetime
    back_at: datetime | None
    is_coerced: bool

    def holds(self, at: datetime, *, after: timedelta = timedelta(0)) -> bool:
        """Whether a moment falls in it, or within `after` of its end."""
        return self.left_at <= at and (self.back_at is None or at <= self.back_at + after)


class Told(msgspec.Struct, frozen=True):
    """An absence, the tier at its beginning, and how long it took until a person was told."""

    gone: Gone
    tier: Tier
    delay: timedelta | None
    lasted: timedelta  # As far as the child was watched.
    watched: Watched

    def is_told_within(self, hours: int) -> bool:
        """Whether a person was told so soon."""
        return self.delay is not None and self.delay <= timedelta(hours=hours)

    def is_away_after(self, hours: int) -> bool:
        """Whether the child was still away so long after leaving."""
        return self.lasted >= timedelta(hours=hours)


class Page(msgspec.Struct, frozen=True):
    """One alert that called an adult, or several that count once."""

    child: str
    at: datetime
    is_false: bool
    was_said: bool  # The child called: help, or a wish to talk.
    tier: Tier


def read_truth(path: Path) -> list[Gone]:
    """The absences of TRUTH.csv. Raises Refused with the number of the line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return truth_of(file)


def truth_of(file: TextIO) -> list[Gone]:
    """The same from an open file."""
    absences = []
    for line, row in rows_of(file, TRUTH_HEADER):
        try:
            absences.append(_gone(row))
        except Refused as fault:
            raise on_line(line, fault) from None
    return absences


def _gone(row: Sequence[str]) -> Gone:
    child, left, back, coerced = row
    left_at = moment(left, "left_at")
    back_at = moment(back, "back_at") if back else None
    if back_at is not None and back_at <= left_at:
        raise Refused(N_("This absence ends before it begins."), field="back_at")
    if coerced not in ("true", "false"):
        raise Refused(N_("“coerced” must be true or false."), field="coerced")
    return Gone(child, left_at, back_at, coerced == "true")


# --- counting


def tell(result: Result, truth: Iterable[Gone]) -> list[Told]:
    """Each absence that began while its child was watched, and when a person was told."""
    alerts = _by_child(result.alerts)
    watched: dict[str, list[Watched]] = {}
    for watch in result.watched:
        watched.setdefault(watch.child, []).append(watch)
    detections = []
    for gone in truth:
        time = next((w for w in watched.get(gone.child, ()) if _watches(w, gone, result)), None)
        if time is not None:
            detections.append(_told(gone, time, alerts.get(gone.child, ()), result))
    return detections


def _told(gone: Gone, watched: Watched, alerts: Sequence[Alert], result: Result) -> Told:
    ends = [at for at in (gone.back_at, watched.end, result.until) if at is not None]
    lasted = min(ends) - gone.left_at
    tier = _tier_at(watched, gone.left_at)
    return Told(gone, tier, _delay(gone, alerts), lasted, watched)


def _by_child(alerts: Iterable[Alert]) -> dict[str, list[Alert]]:
    alerts_by_child: dict[str, list[Alert]] = {}
    for alert in alerts:
        alerts_by_child.setdefault(alert.child, []).append(alert)
    return alerts_by_child


def _watches(watched: Watched, gone: Gone, result: Result) -> bool:
    end = watched.end or result.until
    return end is not None and watched.begin <= gone.left_at <= end


def _tier_at(watched: Watched, at: datetime) -> Tier:
    return [tier for since, tier in watched.tiers if since <= at][-1]


def _delay(gone: Gone, alerts: Sequence[Alert]) -> timedelta | None:
    """How long after leaving the first row at `page_worker` or above came."""
    told = [at for alert in alerts for at in alert.told if gone.holds(at)]
    for alert in alerts:
        before = alert.told[0] <= gone.left_at
        if before and (alert.closed_at is None or alert.closed_at > gone.left_at):
            return timedelta(0)
    return min(told) - gone.left_at if told else None


def pages(result: Result, truth: Iterable[Gone]) -> list[Page]:
    """Every page, those within a day and without an answer between counted once."""
    absences: dict[str, list[Gone]] = {}
    for gone in truth:
        absences.setdefault(gone.child, []).append(gone)
    counted_pages: list[Page] = []
    for child, alerts in sorted(_by_child(result.alerts).items()):
        last: Page | None = None
        for alert in alerts:
            at = alert.told[0]
            if last is not None and _counts_once(last.at, at, result.answers.get(child, ())):
                continue
            is_false = not any(
                gone.holds(at, after=AFTER_RETURN) for gone in absences.get(child, ())
            )
            was_said = alert.cause is not Cause.SILENCE
            last = Page(child, at, is_false, was_said, alert.tier)
            counted_pages.append(last)
    return counted_pages


def _counts_once(first: datetime, at: datetime, answers: Sequence[datetime]) -> bool:
    return at - first <= COUNT_ONCE and not any(first < answer <= at for answer in answers)


def child_months(
    result: Result,
    which: Callable[[Watched], bool] = lambda _: True,
    *,
    since: datetime | None = None,
    tier: Tier | None = None,
) -> float:
    """How long children were watched, without their pauses; from a moment on, and in one tier."""
    total = timedelta(0)
    for watch in result.watched:
        end = watch.end or result.until
        if end is None or not which(watch):
            continue
        for begin, until in _in_tier(watch, end, tier):
            total += _without_pauses(watch, max(begin, since) if since else begin, until)
    return total / MONTH


def _in_tier(
    watch: Watched, end: datetime, tier: Tier | None
) -> Iterator[tuple[datetime, datetime]]:
    if tier is None:
        yield watch.begin, end
        return
    for (begin, own), until in zip(
        watch.tiers, [*(at for at, _ in watch.tiers[1:]), end], strict=True
    ):
        if own is tier:
            yield begin, until


def _without_pauses(watch: Watched, begin: datetime, end: datetime) -> timedelta:
    total, covered = max(end - begin, timedelta(0)), begin
    for pause in sorted(watch.pauses, key=lambda pause: pause.begin):
        first, until = max(pause.begin, covered), min(pause.end, end)
        if until > first:
            total -= until - first
            covered = until
    return total


class Counted(msgspec.Struct, frozen=True):
    """What a report is made of: all of it from one moment on, or from the beginning."""

    result: Result
    told: Sequence[Told]
    pages: Sequence[Page]
    since: datetime | None

    @property
    def false(self) -> list[Page]:
        """The false pages."""
        return [page for page in self.pages if page.is_false]

    def months(
        self, which: Callable[[Watched], bool] = lambda _: True, tier: Tier | None = None
    ) -> float:
        """The child-months."""
        return child_months(self.result, which, since=self.since, tier=tier)

    def rows(self, level: str) -> int:
        """How many rows of one level there are."""
        since = self.since
        return sum(r.level == level and (since is None or r.at >= since) for r in self.result.rows)


def counted(result: Result, truth: Sequence[Gone], from_day: int = 0) -> Counted:
    """What happened from so many days after the first child was placed."""
    first = min((watch.begin for watch in result.watched), default=None)
    since = first + timedelta(days=from_day) if first is not None and from_day else None
    told, paged = tell(result, truth), pages(result, truth)
    if since is not None:
        told = [detection for detection in told if detection.gone.left_at >= since]
        paged = [page for page in paged if page.at >= since]
    return Counted(result, told, paged, since)
