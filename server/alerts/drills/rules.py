"""A drill of the ladder: when the next one is, and what became of each rung. Pure."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.alerts.ladder import Reach, people_on
from server.clock import as_utc
from server.errors import Refused
from server.i18n import N_
from server.policy.model import Rung

EACH = timedelta(minutes=3)
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(minutes=15)
# A real call at the hour of a drill: the drill waits.
LATER = timedelta(hours=1)


class Every(StrEnum):
    """How often a drill starts by itself."""

    WEEK = "week"
    MONTH = "month"  # On the first such weekday of the month.


class Why(StrEnum):
    """How a drill ended."""

    DONE = "done"
    STOPPED = "stopped"
    REAL_ALERT = "real_alert"


class Place(msgspec.Struct, frozen=True):
    """One rung of a drill: the people on it when it began. The last resort is no person."""

    rung: Rung
    people: tuple[UUID, ...]

    @property
    def is_somebody(self) -> bool:
        """Whether there is anyone to call."""
        return bool(self.people) or self.rung is Rung.LAST_RESORT


def places(rungs: Sequence[Rung], reach: Reach) -> tuple[Place, ...]:
    """The rungs of a drill in their order. A rung without a person stays, so that the hole is seen.
    A last resort is left out where the installation has none."""
    return tuple(
        Place(rung, people_on(rung, reach))
        for rung in rungs
        if rung is not Rung.LAST_RESORT or rung in reach
    )


def next_place(stood: Sequence[Place], place: int) -> int | None:
    """The next rung after this one that has a person on it; None where there is none."""
    return next((n for n in range(place + 1, len(stood)) if stood[n].is_somebody), None)


def needs(stood: Sequence[Place], people: Collection[UUID], *, calls_last_resort: bool) -> bool:
    """Whether a real alert that calls these people needs a person of this drill."""
    return any(
        set(place.people) & set(people) or (calls_last_resort and place.rung is Rung.LAST_RESORT)
        for place in stood
    )


def check_each(each: timedelta) -> None:
    """Raises Refused for a time to answer that is too short, or too long to be a drill."""
    if not SHORTEST <= each <= LONGEST:
        raise Refused(N_("Choose between 1 and 15 minutes for each step."), field="each")


def next_drill(every: Every, weekday: int, at: time, zone: ZoneInfo, after: datetime) -> datetime:
    """The next moment later than `after`, on a wall clock in `zone`; Monday is 0."""
    day = after.astimezone(zone).date()
    while True:
        is_day = day.weekday() == weekday and (every is Every.WEEK or day.day <= 7)
        moment = as_utc(day, at, zone)
        if is_day and moment > after:
            return moment
        day = date.fromordinal(day.toordinal() + 1)
