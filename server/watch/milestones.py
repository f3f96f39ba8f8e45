"""Days in a child's calendar around which it may leave, and for how long before and after them the
watch is tighter. Pure.

Source: the domain study that ships with the design, §5.2: high for 72 hours after a transfer, a
return, a refusal or a decision, and for 14 days before the eighteenth birthday. The days before a
hearing and a planned move are our own default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from server.clock import as_utc
from server.i18n import N_
from server.watch.rhythm import Span

DAY = timedelta(days=1)


class What(StrEnum):
    """What the day is; the codes of the events of a replay."""

    HEARING = "hearing"
    REFUSAL = "refusal"
    TRANSFER = "transfer"
    RETURN = "return"
    TURNING_18 = "turning_18"


@dataclass(frozen=True, slots=True)
class Around:
    """How long before the day begins, and after it ends."""

    before: timedelta
    after: timedelta


AROUND: Mapping[What, Around] = {
    What.HEARING: Around(DAY, 3 * DAY),
    What.REFUSAL: Around(0 * DAY, 3 * DAY),
    What.TRANSFER: Around(2 * DAY, 3 * DAY),
    What.RETURN: Around(0 * DAY, 3 * DAY),
    What.TURNING_18: Around(14 * DAY, 1 * DAY),
}
WORDS: Mapping[What, str] = {
    What.HEARING: N_("A hearing, or a date with an office"),
    What.REFUSAL: N_("A negative decision"),
    What.TRANSFER: N_("A move to another place"),
    What.RETURN: N_("Back after an absence"),
    What.TURNING_18: N_("The eighteenth birthday"),
}
# What a person writes into the calendar; the others follow from what happens, and from a birthday.
BY_HAND = (What.HEARING, What.REFUSAL, What.TRANSFER)


def around(what: What, day: date, zone: ZoneInfo) -> Span:
    """From when until when the watch is tighter, by the clock where the child is."""
    begin, end = as_utc(day, time(), zone), as_utc(day + DAY, time(), zone)
    return Span(begin - AROUND[what].before, end + AROUND[what].after)


def coming_of_age(born_on: date) -> date:
    """The eighteenth birthday; of whoever is born on a leap day, the first of March."""
    try:
        return born_on.replace(year=born_on.year + 18)
    except ValueError:
        return date(born_on.year + 18, 3, 1)
