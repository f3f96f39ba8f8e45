"""Days in a child's calendar around which they may leave, and for how long before and after each
day the watch is tighter: by the windows of the policy. Pure."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from server.clock import as_utc
from server.errors import Refused
from server.i18n import N_
from server.policy.model import Around, Tier
from server.watch.rhythm.rules import Span

DAY = timedelta(days=1)


class What(StrEnum):
    """What the day is; the codes of the events of a replay."""

    HEARING = "hearing"
    REFUSAL = "refusal"
    TRANSFER = "transfer"
    RETURN = "return"
    TURNING_18 = "turning_18"


WORDS: Mapping[What, str] = {
    What.HEARING: N_("A hearing or an official appointment"),
    What.REFUSAL: N_("A negative decision"),
    What.TRANSFER: N_("A move to another place"),
    What.RETURN: N_("Back after an absence"),
    What.TURNING_18: N_("18th birthday"),
}
# What a person writes into the calendar; the others follow from what happens, and from a birthday.
BY_HAND = (What.HEARING, What.REFUSAL, What.TRANSFER)


def what_of(text: str) -> What:
    """What the day is, from a form. Raises Refused."""
    if text not in set(What):
        raise Refused(N_("Choose one from the list."), field="what")
    return What(text)


def around(windows: Mapping[str, Around], what: What, day: date, zone: ZoneInfo) -> Span:
    """From when until when the watch is tighter, by the clock where the child is."""
    begin, end = as_utc(day, time(), zone), as_utc(day + DAY, time(), zone)
    return Span(begin - windows[what].before, end + windows[what].after)


def raised(
    now: tuple[Tier, datetime | None, Tier | None],
    wanted: Tier,
    until: datetime,
    allows: Callable[[Tier], bool],
) -> tuple[Tier, Tier] | None:
    """The tier around a day until its end, and what follows it; None if nothing changes.

    `now`: the current tier, until when, and what was to follow it. The new tier is as tight as the
    day wants and the rhythm allows (`allows`), and never looser than the current one.
    """
    current, ends, then = now
    tier = current
    if wanted.is_tighter_than(current):
        orders = tuple(Tier)
        # The current tier is at the end: today's agreements follow it already.
        some = orders[orders.index(wanted) : orders.index(current)]
        tier = next((candidate for candidate in some if allows(candidate)), current)
    if tier is current and (ends is None or ends >= until):
        return None
    # What a person had set for longer comes back after the day.
    return tier, current if ends is None or ends > until else then or current


def coming_of_age(born_on: date) -> date:
    """The eighteenth birthday; the first of March for a child born on a leap day."""
    try:
        return born_on.replace(year=born_on.year + 18)
    except ValueError:
        return date(born_on.year + 18, 3, 1)
