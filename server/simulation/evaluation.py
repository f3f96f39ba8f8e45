"""How well a policy told adults of absences, against the truth of a simulated or recorded time.

An absence is told by the first row at `page_worker` or above between leaving and coming back. If
such a row was open already when the child left, it is told at once. An alert is a false page if its
first such row is in no absence, nor in the two hours after one. Pages of one child within a day,
without an answer between, count once, by the first of them. Child-months are the watched ones,
without pauses.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

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
WITHIN = (6, 24, 48)
LONG = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Gone:
    """One absence of the truth; `back_at` None: not found in that time."""

    child: str
    left_at: datetime
    back_at: datetime | None
    is_coerced: bool

    def holds(self, at: datetime, *, after: timedelta = timedelta(0)) -> bool:
        """Whether a moment falls in it, or within `after` of its end."""
        return self.left_at <= at and (self.back_at is None or at <= self.back_at + after)


@dataclass(frozen=True, slots=True)
class Told:
    """An absence, the tier at its beginning, and how long it took until a person was told."""

    gone: Gone
    tier: Tier
    delay: timedelta | None


@dataclass(frozen=True, slots=True)
class Page:
    """One alert that called an adult, or several that count once."""

    child: str
    at: datetime
    is_false: bool
    was_said: bool  # The child called: help, or a wish to talk.


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
            delay = _delay(gone, alerts.get(gone.child, ()))
            detections.append(Told(gone, _tier_at(time, gone.left_at), delay))
    return detections


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
            last = Page(child, at, is_false, was_said=alert.cause is not Cause.SILENCE)
            counted_pages.append(last)
    return counted_pages


def _counts_once(first: datetime, at: datetime, answers: Sequence[datetime]) -> bool:
    return at - first <= COUNT_ONCE and not any(first < answer <= at for answer in answers)


def child_months(result: Result, which: Callable[[Watched], bool] = lambda _: True) -> float:
    """How long children were watched, without their pauses."""
    total = timedelta(0)
    for watch in result.watched:
        end = watch.end or result.until
        if end is None or not which(watch):
            continue
        total += max(end - watch.begin, timedelta(0))
        covered = watch.begin
        for pause in sorted(watch.pauses, key=lambda pause: pause.begin):
            begin, until = max(pause.begin, covered), min(pause.end, end)
            if until > begin:
                total -= until - begin
                covered = until
    return total / MONTH


# --- in words


def report(result: Result, truth: Sequence[Gone]) -> str:
    """The report as text: the same input, the same bytes."""
    told, paged = tell(result, truth), pages(result, truth)
    months = child_months(result)
    false = [page for page in paged if page.is_false]
    lines = [
        f"{len(told)} absences of {len({t.gone.child for t in told})} children"
        f" in {months:.1f} child-months; {len(paged)} pages.",
        "",
        *_delays(told),
        "",
        *_within(told),
        "",
        f"False pages per child-month: {_ratio(len(false), months)}"
        f" ({len(false)} pages, {sum(page.was_said for page in false)} of them"
        " because the child itself called)",
        f"Precision of a page: {_share(len(paged) - len(false), len(paged))}",
    ]
    for name, of in (("phone", lambda w: w.phone), ("language", lambda w: w.language)):
        lines += _equity(result, false, name, of)
    return "\n".join(lines) + "\n"


def _delays(told: Sequence[Told]) -> list[str]:
    lines = ["Detection delay (of those told)     median       90 %    told"]
    for name, some in _tiers(told):
        delays = sorted(detection.delay for detection in some if detection.delay is not None)
        middle, most = _quantile(delays, 0.5), _quantile(delays, 0.9)
        share = f"{len(delays)} of {len(some)}"
        lines.append(f"  {name:<30}{middle:>10} {most:>10}    {share}")
    return lines


def _within(told: Sequence[Told]) -> list[str]:
    lines = ["Share told within" + "".join(f"{hours:>10} h" for hours in WITHIN)]
    long = [t for t in told if t.gone.back_at is None or t.gone.back_at - t.gone.left_at >= LONG]
    coerced = [detection for detection in told if detection.gone.is_coerced]
    for name, some in [
        *_tiers(told),
        ("of 24 h and longer", long),
        ("that go on answering", coerced),
    ]:
        shares = [_share(_told_within(some, hours), len(some)) for hours in WITHIN]
        lines.append(f"  {name:<15}" + "".join(f"{share:>12}" for share in shares))
    return lines


def _told_within(told: Iterable[Told], hours: int) -> int:
    limit = timedelta(hours=hours)
    return sum(detection.delay is not None and detection.delay <= limit for detection in told)


def _tiers(told: Sequence[Told]) -> list[tuple[str, Sequence[Told]]]:
    return [("all", told), *((tier.value, [t for t in told if t.tier is tier]) for tier in Tier)]


def _equity(
    result: Result, false: Sequence[Page], name: str, of: Callable[[Watched], str | None]
) -> list[str]:
    """False pages per child-month of each class: does it fail some children more than others?"""
    classes = {watch.child: of(watch) for watch in result.watched}
    values = sorted({value for value in classes.values() if value is not None})
    lines = ["", f"False pages per child-month, by {name}"] if values else []
    for value in values:
        months = child_months(result, lambda watch, value=value: of(watch) == value)  # type: ignore[misc]
        count = sum(classes[page.child] == value for page in false)
        lines.append(f"  {value:<15}{_ratio(count, months):>12}")
    return lines


def _quantile(values: Sequence[timedelta], share: float) -> str:
    if not values:
        return "-"
    # The smallest value that at least this share does not exceed.
    at = max(-(-len(values) * round(share * 100) // 100) - 1, 0)
    hours = values[at].total_seconds() / 3600
    return f"{hours:.1f} h"


def _ratio(count: int, months: float) -> str:
    return f"{count / months:.3f}" if months > 0 else "-"


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %" if of else "-"
