"""Which messages about tasks may wait for one message a day, and when that is. Pure."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from server.clock import as_utc
from server.tasks.rules import Kind, Terms, To

# Their days are days, not hours, and no child waits for an answer. A transfer may be due within
# hours, while the child is missing. A kind that is not here comes at once, so a new kind does too.
LOW = frozenset({Kind.STEP, Kind.END, Kind.REVIEW, Kind.PACK})
_FIRST_ASKED = frozenset({To.OWNER, To.CHILD})


def may_wait(kind: Kind, terms: Terms, number: int) -> bool:
    """Whether the speech with this number may wait. The one in which the next person hears that
    nobody has done it may not: it is late, and more people answer for it from now on."""
    return kind in LOW and number != _passed_on(terms)


def _passed_on(terms: Terms) -> int | None:
    """The first speech that also goes to another person than the one whose task it is."""
    speeches = enumerate(terms.speeches)
    return next((n for n, speech in speeches if not set(speech.to) <= _FIRST_ASKED), None)


def next_digest(at: time, zone: ZoneInfo, after: datetime) -> datetime:
    """The next moment later than `after` at which a wall clock in `zone` shows `at`: one on each
    day, also where the clocks change."""
    day = after.astimezone(zone).date()
    while (moment := as_utc(day, at, zone)) <= after:
        day += timedelta(days=1)
    return moment
