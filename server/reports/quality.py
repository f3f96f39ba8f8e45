"""How well the watch did, in figures that an agency can publish. Pure.

A small number is no rate: one more alert would change it completely, and it could identify a single
child. Where there are too few cases, the figure is None, and the page says so.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from server.alerts.ladder import Outcome

# A figure becomes a rate with at least this many ended alerts, children and child-months.
FEWEST = 5
MONTH = timedelta(days=30.4375)
# The outcomes of an alert about a child who had really gone.
REAL = frozenset({Outcome.MISSING, Outcome.DURESS})
# The outcomes where an adult reached the child.
REACHED = frozenset({Outcome.SEEN, Outcome.SPOKE})
# States of a round: it was missed, even if answered later, or answered in time.
MISSED, KEPT = ("late", "answered_late", "seen", "ended_late"), ("answered",)
# A place stands out with this many times the misses of all others.
STANDS_OUT = 2.0


@dataclass(frozen=True, slots=True)
class Called:
    """One alert about a silence: its outcome, and how long that took."""

    child: str
    tier: str
    outcome: Outcome | None  # None: it is open.
    to_take: timedelta | None
    to_end: timedelta | None
    silence: timedelta | None  # From the last answer until adults were called.
    day: date | None = None  # When adults were called; the figures of a group need no day.


@dataclass(frozen=True, slots=True)
class Kept:
    """One child of the time: how long we watched them, and which groups they are in."""

    child: str
    watched: timedelta
    language: str
    phone: str
    home: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a group of children."""

    children: int
    months: float
    alerts: int
    open: int
    real: int
    false: int
    false_per_month: float | None
    precision: float | None
    to_take: timedelta | None  # The median.
    to_contact: timedelta | None
    delay: timedelta | None  # The silence before the call, of the real ones.


def figures(calls: Iterable[Called], kept: Sequence[Kept]) -> Figures:
    """The figures of these children, and of the alerts about them."""
    ids = {record.child for record in kept}
    ours = [call for call in calls if call.child in ids]
    months = sum((record.watched for record in kept), timedelta(0)) / MONTH
    ended = [call for call in ours if call.outcome is not None]
    real = [call for call in ended if call.outcome in REAL]
    false = len(ended) - len(real)
    is_rate = len(ids) >= FEWEST and months >= FEWEST
    return Figures(
        children=len(ids),
        months=months,
        alerts=len(ours),
        open=len(ours) - len(ended),
        real=len(real),
        false=false,
        false_per_month=false / months if is_rate else None,
        precision=len(real) / len(ended) if len(ended) >= FEWEST else None,
        to_take=_middle([call.to_take for call in ours if call.to_take is not None]),
        to_contact=_middle(
            [call.to_end for call in ended if call.outcome in REACHED and call.to_end is not None]
        ),
        delay=_middle([call.silence for call in real if call.silence is not None]),
    )


def _middle(spans: Sequence[timedelta]) -> timedelta | None:
    return sorted(spans)[len(spans) // 2] if len(spans) >= FEWEST else None


def watched(
    begin: datetime, end: datetime, pauses: Iterable[tuple[datetime, datetime]]
) -> timedelta:
    """How long a child was watched between two moments, without their pauses."""
    edges = sorted((max(since, begin), min(until, end)) for since, until in pauses)
    total, covered = max(end - begin, timedelta(0)), begin
    for since, until in edges:
        since = max(since, covered)
        if until > since:
            total -= until - since
            covered = until
    return total


# --- is it the place?


@dataclass(frozen=True, slots=True)
class Place:
    """The check-ins that were missed in one home, beside those of all others."""

    home: str
    children: int
    misses: int
    per_month: float | None
    elsewhere: float | None  # Per child-month, in all other homes.
    together: int  # Days on which two children or more missed one.
    stands_out: bool


@dataclass(slots=True)
class _Sum:
    children: set[str] = field(default_factory=set)
    watched: timedelta = timedelta(0)
    misses: int = 0
    days: dict[date, set[str]] = field(default_factory=dict)


def places(kept: Iterable[Kept], misses: Iterable[tuple[str, date]]) -> list[Place]:
    """Each home where at least two children live, the one with the most misses for its size first.

    Perhaps it is the place, and not the child: no network, a shift in which no one reminds them.
    """
    sums: dict[str, _Sum] = {}
    home_of: dict[str, str] = {}
    for record in kept:
        total = sums.setdefault(record.home, _Sum())
        total.children.add(record.child)
        total.watched += record.watched
        home_of[record.child] = record.home
    for child, day in misses:
        if child in home_of:
            total = sums[home_of[child]]
            total.misses += 1
            total.days.setdefault(day, set()).add(child)
    rows = [
        _place(home, total, [other for name, other in sums.items() if name != home])
        for home, total in sums.items()
        if home and len(total.children) > 1
    ]
    return sorted(rows, key=lambda place: (-(place.per_month or 0), place.home))


def _place(home: str, total: _Sum, others: Sequence[_Sum]) -> Place:
    here = _rate(total.misses, total.watched)
    away = sum((other.watched for other in others), timedelta(0))
    there = _rate(sum(other.misses for other in others), away)
    return Place(
        home=home,
        children=len(total.children),
        misses=total.misses,
        per_month=here,
        elsewhere=there,
        together=sum(len(children) > 1 for children in total.days.values()),
        stands_out=(
            here is not None
            and there is not None
            and total.misses >= FEWEST
            and here >= STANDS_OUT * there
        ),
    )


def _rate(count: int, time: timedelta) -> float | None:
    return count / (time / MONTH) if time >= MONTH else None


# --- is it the hour?

# Early, late and night, by the child's clock: from the first hour until before the second.
SHIFTS = ((6, 14), (14, 22), (22, 6))


@dataclass(frozen=True, slots=True)
class Shift:
    """The check-ins that were due in one home at certain hours, beside its other hours."""

    home: str
    begin: int
    end: int
    asked: int
    misses: int
    share: float | None  # Of those asked; None: too few.
    at_other_hours: float | None
    stands_out: bool


def shift_of(hour: int) -> tuple[int, int]:
    """The shift into which an hour of the day falls."""
    early, late, night = SHIFTS
    if early[0] <= hour < early[1]:
        return early
    return late if late[0] <= hour < late[1] else night


def shifts(kept: Iterable[Kept], rounds: Iterable[tuple[str, int, bool]]) -> list[Shift]:
    """The shifts of each home where at least two children live. A round is the child, the hour at
    which it was due, and whether it was missed. Homes by name, shifts in the order of the day.

    The effect of a shift shows in several children: where one alone misses, it is the child.
    """
    home_of = {record.child: record.home for record in kept if record.home}
    children = Counter(home_of.values())
    asked: Counter[tuple[str, tuple[int, int]]] = Counter()
    missed: Counter[tuple[str, tuple[int, int]]] = Counter()
    who: dict[tuple[str, tuple[int, int]], set[str]] = {}
    for child, hour, is_missed in rounds:
        if children[home_of.get(child, "")] > 1:
            key = (home_of[child], shift_of(hour))
            asked[key] += 1
            missed[key] += is_missed
            if is_missed:
                who.setdefault(key, set()).add(child)
    rows = []
    for home in sorted({home for home, _ in asked}):
        for shift in SHIFTS:
            key = (home, shift)
            others = [(home, other) for other in SHIFTS if other != shift]
            share = _of(missed[key], asked[key])
            away = _of(sum(missed[o] for o in others), sum(asked[o] for o in others))
            stands_out = (
                share is not None
                and away is not None
                and missed[key] >= FEWEST
                and len(who[key]) > 1
                and share >= STANDS_OUT * away
            )
            if asked[key]:
                row = Shift(home, *shift, asked[key], missed[key], share, away, stands_out)
                rows.append(row)
    return rows


def _of(count: int, of: int) -> float | None:
    return count / of if of >= FEWEST else None
