"""One child of the synthetic cohort, and how their times are written."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from server import clock
from server.simulation.figures import Kind
from server.watch.rhythm.rules import Rhythm

BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)  # Of every cohort.
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


# Children in the same zone share its days.
as_utc = lru_cache(maxsize=65_536)(clock.as_utc)


class Absence(msgspec.Struct, frozen=True):
    """A child was gone from `left_at` to `back_at` (None: not found in this time)."""

    child: str
    left_at: datetime
    back_at: datetime | None
    is_coerced: bool
    stops_at: datetime  # Answers until then, although gone.
    uses_duress: bool = False
    drifts_from: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether the child is gone at a moment."""
        return self.left_at <= moment and (self.back_at is None or moment < self.back_at)


Row = tuple[datetime, str, str, dict[str, Any]]


class Life(msgspec.Struct):
    """One child of the cohort."""

    name: str
    random: Random
    kind: Kind
    zone: ZoneInfo
    rhythm: Rhythm
    has_carer: bool
    begin: datetime
    end: datetime
    settled_days: int  # How long the child had been placed before the watch began.
    answers: float
    rows: list[Row] = msgspec.field(default_factory=list)
    absences: list[Absence] = msgspec.field(default_factory=list)
    outages: list[tuple[datetime, datetime]] = msgspec.field(default_factory=list)
    pauses: list[tuple[datetime, datetime]] = msgspec.field(default_factory=list)
    milestones: list[tuple[datetime, str]] = msgspec.field(default_factory=list)

    def add(self, at: datetime, kind: str, **detail: Any) -> None:
        if at <= self.end:
            self.rows.append((at, self.name, kind, detail))

    def gone(self, at: datetime) -> Absence | None:
        return next((absence for absence in self.absences if absence.holds(at)), None)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def each_day(self) -> Iterator[tuple[int, date]]:
        first = self.begin.astimezone(self.zone).date()
        last = self.end.astimezone(self.zone).date()
        for number in range((last - first).days):
            yield number, first + number * DAY


def whole(at: datetime) -> datetime:
    return at.replace(microsecond=0) if at.microsecond else at
