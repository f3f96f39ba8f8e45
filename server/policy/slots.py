"""The parts of a week in which people do what they usually do: of the day, and whether it is a
weekend. Pure."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

Slot = tuple[int, bool]
PARTS = 4  # Of a day, from midnight on.
_HOURS = 24 // PARTS


@lru_cache(maxsize=65_536)  # Children who live in one zone share their times.
def slot(at: datetime, zone: ZoneInfo) -> Slot:
    """The part of the day and the kind of day, by the clock of a zone."""
    return slot_of(at.astimezone(zone))


def slot_of(local: datetime) -> Slot:
    """The same, of a time that is local already."""
    return local.hour // _HOURS, local.weekday() >= 5


def every_slot() -> Iterator[Slot]:
    """All of them."""
    return ((part, weekend) for weekend in (False, True) for part in range(PARTS))
