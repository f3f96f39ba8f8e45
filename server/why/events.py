"""One line of a night, before it is put in words: a code, a moment, and values. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.alerts.weighed import Fact
from server.clock import as_utc

Value = (
    datetime
    | timedelta
    | UUID
    | int
    | str
    | Fact
    | tuple[UUID, ...]
    | tuple[str, ...]
    | tuple[Fact, ...]
)
"""A moment, how long, a person (or several), a number, a code that `wording` has words for, what
weighed."""


class Event(msgspec.Struct, frozen=True):
    """What happened, or became true. `code` is a key of `wording.SENTENCES`."""

    at: datetime
    code: str
    values: Mapping[str, Value] = msgspec.field(default_factory=dict)
    because: tuple[str, ...] = ()  # Keys of `wording.BECAUSE`; their values are among the others.


class Chosen(StrEnum):
    """How a time was chosen."""

    LAST_DAY = "last_day"
    NIGHT = "night"
    AROUND = "around"


class Period(msgspec.Struct, frozen=True):
    """The time that is told: from `begin` until before `end`."""

    begin: datetime
    end: datetime
    chosen: Chosen

    def has(self, at: datetime | None) -> bool:
        """Whether a moment is inside."""
        return at is not None and self.begin <= at < self.end

    def meets(self, begin: datetime, end: datetime | None) -> bool:
        """Whether a time overlaps it; without an end it lasts still."""
        return begin < self.end and (end is None or end > self.begin)


LAST_DAY = timedelta(hours=24)
AROUND = timedelta(hours=3)
EVENING, MORNING = time(18), time(8)
_DAY = timedelta(days=1)
YEARS = range(1970, 3000)


def last_day(now: datetime) -> Period:
    """The last 24 hours, and the present moment."""
    return Period(now - LAST_DAY, now + timedelta(seconds=1), Chosen.LAST_DAY)


def night_of(day: date, zone: ZoneInfo) -> Period:
    """From 18:00 of that day to 08:00 of the next, by the clock of the child."""
    begin = as_utc(day, EVENING, zone)
    return Period(begin, as_utc(day + _DAY, MORNING, zone), Chosen.NIGHT)


def around(at: datetime) -> Period:
    """Three hours before, and three hours after."""
    return Period(at - AROUND, at + AROUND, Chosen.AROUND)


def moment(text: str) -> datetime:
    """A time as people write it, or a link of ours. Raises ValueError, also for a year in which no
    child is watched over."""
    at = datetime.fromisoformat(text)
    if at.year not in YEARS:
        raise ValueError(text)
    return at


def day(text: str) -> date:
    """A day, as 2026-03-02. Raises as `moment` does."""
    on_day = date.fromisoformat(text)
    if on_day.year not in YEARS:
        raise ValueError(text)
    return on_day


def night_with(at: datetime, zone: ZoneInfo) -> date:
    """The day on which the night began that a moment belongs to: until 08:00, the day before."""
    local = at.astimezone(zone)
    return local.date() if local.time() >= MORNING else local.date() - _DAY


# The steps of a ladder stay in its order.
_STEPS = ("alert.rung", "alert.rung_empty", "alert.last_resort")


def in_order(events: Iterable[Event], period: Period, codes: Iterable[str]) -> list[Event]:
    """What lies in the period, oldest first. At one moment, in the order of `codes`, in which a
    cause comes before what follows from it."""
    rank = {code: place for place, code in enumerate(codes)}
    rank |= dict.fromkeys(_STEPS, rank[_STEPS[0]])
    inside = [event for event in events if period.has(event.at)]
    return sorted(inside, key=lambda event: (event.at, rank[event.code]))
