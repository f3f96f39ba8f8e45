"""When a witness is asked, and what a list is. Pure."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec

from server.auth.rules import Limit
from server.clock import edge_utc
from server.errors import Refused
from server.i18n import N_

_LISTS = UUID("3b0a7a53-5b1d-4a6b-9f0e-3d1c8f6a2e47")
_DAY = timedelta(days=1)
# The board then says that nobody has filled the list in. Nobody is called about it.
UNDONE_AFTER = timedelta(hours=2)
# After a right PIN the page stays open for so long.
OPEN_FOR = timedelta(hours=1)
PIN_LENGTH = 6
WRONG_PINS = 10
PIN_TRIES = Limit(5, timedelta(minutes=15))
# A form has at most 500 fields.
MOST_CHILDREN = 200
# One child; more witnesses than this is no life.
MOST_WITNESSES = 12


# So long the child reads on the phone what was agreed before.
CHANGE_SHOWN = timedelta(days=30)
# Nobody agrees on more.
_LONGEST = timedelta(days=3 * 366)


class Agreed(msgspec.Struct, frozen=True):
    """On which weekdays a witness is asked, at which time of day, and up to which day."""

    days: tuple[int, ...]
    at: str
    until: date | None = None

    def as_data(self) -> dict[str, Any]:
        """As a row has it."""
        return {
            "days": list(self.days),
            "at": self.at,
            "until": self.until.isoformat() if self.until is not None else None,
        }

    def as_text(self) -> str:
        """As a form carries it, to see whether a colleague has changed it since."""
        days = ",".join(str(day) for day in self.days)
        return f"{days} {self.at} {self.until.isoformat() if self.until is not None else '-'}"


def agreed_of(data: Mapping[str, Any]) -> Agreed:
    """From a row."""
    until = data["until"]
    return Agreed(tuple(data["days"]), data["at"], date.fromisoformat(until) if until else None)


class Kind(StrEnum):
    """What a witness is."""

    SCHOOL = "school"
    CLUB = "club"
    MENTOR = "mentor"
    LAWYER = "lawyer"
    OTHER = "other"


# Others may hear that a child goes there; the rest are about one child, and stay with them.
SHARED = frozenset({Kind.SCHOOL, Kind.CLUB})


class Way(StrEnum):
    """How a word came."""

    LINK = "link"
    FILE = "file"
    REGISTER = "register"


def list_id(witness_id: UUID, due_at: datetime) -> UUID:
    """The id of the list of a witness that is due at a moment."""
    return uuid5(_LISTS, f"{witness_id}:{due_at.astimezone(UTC).isoformat()}")


def word_id(form_id: UUID, child_id: UUID) -> UUID:
    """The id of the word about one child in a form."""
    return uuid5(form_id, f"word:{child_id}")


def path_of(witness_id: UUID) -> str:
    """The page of a witness at the desk."""
    return f"/desk/witnesses/{witness_id}"


def due_moments(
    days: Collection[int], at: time, zone: ZoneInfo, after: datetime
) -> Iterator[datetime]:
    """The moments after this one at which a list is due, without an end if there is any day. A time
    that the clocks skip is the first moment that exists, one that comes twice the first of both."""
    day = after.astimezone(zone).date() - _DAY
    while days:
        if day.weekday() in days:
            moment = edge_utc(day, at, zone)
            if moment > after:
                yield moment
        day += _DAY


def next_due(days: Collection[int], at: time, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first of these moments; None if there is no day."""
    return next(due_moments(days, at, zone, after), None)


def next_list(agreed: Agreed, zone: ZoneInfo, after: datetime) -> datetime | None:
    """When the next list is due; after the last agreed day its end, at which the witness ends. None
    if there is no day."""
    due = next_due(agreed.days, time.fromisoformat(agreed.at), zone, after)
    if agreed.until is None or due is None or due.astimezone(zone).date() <= agreed.until:
        return due
    return max(edge_utc(agreed.until + _DAY, time(0), zone), after)


def due_on(days: Collection[int], at: time, zone: ZoneInfo, day: date) -> datetime | None:
    """When the list of this day is due; None if there is none on it."""
    return edge_utc(day, at, zone) if day.weekday() in days else None


def begins_at(now: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the local day of a moment."""
    return edge_utc(now.astimezone(zone).date(), time(0), zone)


def ends_at(due_at: datetime, zone: ZoneInfo) -> datetime:
    """The end of the local day in which a list is due."""
    return edge_utc(due_at.astimezone(zone).date() + _DAY, time(0), zone)


def read_days(texts: Collection[str]) -> list[int]:
    """Weekdays as ["0", "4"], each once and in order. Raises Refused, field `days`."""
    days = {int(text) for text in texts if text in {"0", "1", "2", "3", "4", "5", "6"}}
    if not days or len(days) != len(set(texts)):
        raise Refused(N_("Choose at least one day."), field="days")
    return sorted(days)


def read_time(text: str) -> str:
    """A time of day as "08:45". Raises Refused, field `at`."""
    try:
        at = time.fromisoformat(text.strip())
    except ValueError:
        raise Refused(N_("Write a time like 08:45."), field="at") from None
    if at.tzinfo is not None or at.second or at.microsecond:
        raise Refused(N_("Write a time like 08:45."), field="at")
    return f"{at:%H:%M}"


def check_until(until: date | None, today: date) -> None:
    """The last day is still to come. Raises Refused, field `until`."""
    if until is not None and until < today:
        raise Refused(N_("This day is over. Choose a later one."), field="until")
    if until is not None and until - today > _LONGEST:
        raise Refused(N_("Choose a day in the next three years."), field="until")


def check_day(given: date, today: date) -> None:
    """A register is of today. Raises Refused, field `day`."""
    if given == today - _DAY:
        raise Refused(N_("This is yesterday's register. Hand in today's."), field="day")
    if given != today:
        raise Refused(N_("This register is of another day. Hand in today's."), field="day")
