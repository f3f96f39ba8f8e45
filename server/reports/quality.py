"""How well the watch did, in figures that an agency can publish. Pure.

A small number is no rate: one more alert would change it completely, and it could identify a single
child. Where there are too few cases, the figure is None, and the page says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

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


class Called(msgspec.Struct, frozen=True):
    """One alert about a silence: its outcome, and how long that took."""

    tier: str
    outcome: Outcome | None  # None: it is open.
    to_take: timedelta | None
    to_end: timedelta | None
    silence: timedelta | None  # From the last answer until adults were called.
    day: date  # When adults were called.


class Figures(msgspec.Struct, frozen=True):
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


class Tally(msgspec.Struct):
    """A group of children and the alerts about them, added up child by child."""

    children: int = 0
    watched: timedelta = timedelta(0)
    alerts: int = 0
    ended: int = 0
    real: int = 0
    to_take: list[timedelta] = msgspec.field(default_factory=list)
    to_contact: list[timedelta] = msgspec.field(default_factory=list)
    delay: list[timedelta] = msgspec.field(default_factory=list)

    def add_child(self, watched: timedelta) -> None:
        """One child more, who was watched for so long."""
        self.children += 1
        self.watched += watched

    def add(self, call: Called) -> None:
        """One alert more."""
        self.alerts += 1
        self.ended += call.outcome is not None
        self.real += call.outcome in REAL
        if call.to_take is not None:
            self.to_take.append(call.to_take)
        if call.outcome in REACHED and call.to_end is not None:
            self.to_contact.append(call.to_end)
        if call.outcome in REAL and call.silence is not None:
            self.delay.append(call.silence)

    def figures(self) -> Figures:
        """The figures; a rate of too few is none."""
        months, false = self.watched / MONTH, self.ended - self.real
        is_rate = self.children >= FEWEST and months >= FEWEST
        return Figures(
            children=self.children,
            months=months,
            alerts=self.alerts,
            open=self.alerts - self.ended,
            real=self.real,
            false=false,
            false_per_month=false / months if is_rate else None,
            precision=self.real / self.ended if self.ended >= FEWEST else None,
            to_take=_middle(self.to_take),
            to_contact=_middle(self.to_contact),
            delay=_middle(self.delay),
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


# --- is it the place, or the hour?

# Early, late and night, by the child's clock: from the first hour until before the second.
SHIFTS = ((6, 14), (14, 22), (22, 6))
Hours = tuple[int, int]


class Rounds(msgspec.Struct):
    """The check-ins that were due in a home at certain hours. `children`: two of those who missed
    one, or the only one; more are not needed to know that it was not one child alone."""

    asked: int = 0
    misses: int = 0
    children: set[str] = msgspec.field(default_factory=set)

    def add(self, asked: int, misses: int, children: Iterable[str]) -> None:
        """More of them."""
        self.asked += asked
        self.misses += misses
        self.children |= set(children)


class Living(msgspec.Struct):
    """A home: who lives there, and the check-ins that were due there by shift."""

    children: int = 0
    watched: timedelta = timedelta(0)
    together: int = 0  # Days on which two children or more missed one.
    shifts: dict[Hours, Rounds] = msgspec.field(default_factory=dict)

    @property
    def misses(self) -> int:
        """How many were missed at any hour."""
        return sum(rounds.misses for rounds in self.shifts.values())


class Place(msgspec.Struct, frozen=True):
    """The check-ins that were missed in one home, beside those of all others."""

    home: UUID
    children: int
    misses: int
    per_month: float | None
    elsewhere: float | None  # Per child-month, in all other homes.
    together: int
    stands_out: bool
    shifts: Sequence["Shift"]


class Shift(msgspec.Struct, frozen=True):
    """The check-ins that were due in one home at certain hours, beside its other hours."""

    begin: int
    end: int
    asked: int
    misses: int
    share: float | None  # Of those asked; None: too few.
    at_other_hours: float | None
    stands_out: bool


def places(homes: Mapping[UUID | None, Living]) -> list[Place]:
    """Each home where at least two children live: those that stand out first, then the one with
    the most misses for its size.

    Perhaps it is the place, and not the child: no network, a shift in which no one reminds them.
    `None` are the children who live in no home.
    """
    watched = sum((home.watched for home in homes.values()), timedelta(0))
    misses = sum(home.misses for home in homes.values())
    rows = [
        _place(id_, home, _rate(misses - home.misses, watched - home.watched))
        for id_, home in homes.items()
        if id_ is not None and home.children > 1
    ]
    return sorted(rows, key=_order)


def _order(place: Place) -> tuple[bool, float, str]:
    stands_out = place.stands_out or any(shift.stands_out for shift in place.shifts)
    return not stands_out, -(place.per_month or 0), str(place.home)


def _place(id_: UUID, home: Living, elsewhere: float | None) -> Place:
    here = _rate(home.misses, home.watched)
    return Place(
        home=id_,
        children=home.children,
        misses=home.misses,
        per_month=here,
        elsewhere=elsewhere,
        together=home.together,
        stands_out=(
            here is not None
            and elsewhere is not None
            and home.misses >= FEWEST
            and here >= STANDS_OUT * elsewhere
        ),
        shifts=_shifts(home.shifts),
    )


def _rate(count: int, time: timedelta) -> float | None:
    return count / (time / MONTH) if time >= MONTH else None


def shift_of(hour: int) -> Hours:
    """The shift into which an hour of the day falls."""
    early, late, night = SHIFTS
    if early[0] <= hour < early[1]:
        return early
    return late if late[0] <= hour < late[1] else night


def _shifts(rounds: Mapping[Hours, Rounds]) -> list[Shift]:
    """The shifts of a home in the order of the day.

    The effect of a shift shows in several children: where one alone misses, it is the child.
    """
    asked = sum(there.asked for there in rounds.values())
    misses = sum(there.misses for there in rounds.values())
    rows = []
    for hours in SHIFTS:
        if (there := rounds.get(hours)) is None or not there.asked:
            continue
        share = _of(there.misses, there.asked)
        beside = _of(misses - there.misses, asked - there.asked)
        stands_out = (
            share is not None
            and beside is not None
            and there.misses >= FEWEST
            and len(there.children) > 1
            and share >= STANDS_OUT * beside
        )
        rows.append(Shift(*hours, there.asked, there.misses, share, beside, stands_out))
    return rows


def _of(count: int, of: int) -> float | None:
    return count / of if of >= FEWEST else None
