"""What needs a second person, where an agency wants one. Pure.

needs_second_person(wanted, Pass(from_at, until_at, others))
needs_second_person(wanted, Closing(is_high=True, was_seen=False))
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec


class What(StrEnum):
    """What a second person says yes or no to."""

    END = "end"  # Ending a placement.
    ABSENCE = "absence"  # A pass over 14 days.
    CLOSE = "close"  # Closing an alert of the high level, and nobody has seen the child.


class State(StrEnum):
    """Where a request is. `overtaken`: it does not fit any more, so nothing was done."""

    WAITING = "waiting"
    YES = "yes"
    NO = "no"
    WITHDRAWN = "withdrawn"
    OVERTAKEN = "overtaken"


LONG_PASS = timedelta(days=14)
# Two passes with less than this between them are one absence.
APART = timedelta(days=1)


class Times(msgspec.Struct, frozen=True):
    """From a moment to a later one."""

    begin: datetime
    end: datetime


class Ending(msgspec.Struct, frozen=True):
    """A placement is to end."""


class Pass(msgspec.Struct, frozen=True):
    """An absence is to be agreed, beside those that are agreed or past already."""

    times: Times
    others: Sequence[Times] = ()


class Closing(msgspec.Struct, frozen=True):
    """An alert is to be closed. `was_seen`: its outcome says that a person has seen the child;
    also where it makes the child missing, which nothing may hold up."""

    is_high: bool
    was_seen: bool


Question = Ending | Pass | Closing


def needs_second_person(wanted: frozenset[What], question: Question) -> bool:
    """Whether one person alone may not do this, in an agency that wants a second one for these."""
    match question:
        case Ending():
            return What.END in wanted
        case Pass(times, others):
            return What.ABSENCE in wanted and in_total(times, others) > LONG_PASS
        case Closing(is_high, was_seen):
            return What.CLOSE in wanted and is_high and not was_seen


def in_total(times: Times, others: Iterable[Times]) -> timedelta:
    """How long the absence is of which this is a part: with all that begin before it is a day
    over, or end less than a day before it begins, and so on."""
    begin, end, left = times.begin, times.end, list(others)
    while joined := [
        near for near in left if near.begin <= end + APART and begin - APART <= near.end
    ]:
        begin = min(begin, *(near.begin for near in joined))
        end = max(end, *(near.end for near in joined))
        left = [other for other in left if other not in joined]
    return end - begin
