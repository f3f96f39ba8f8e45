"""When an answer was said, by our clock: a phone may send it days later. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from server.watch.machine.standing import Standing
from server.watch.rhythm.rules import Span

# An answer that is this old when it comes was on its way: nothing came between.
ON_THE_WAY = timedelta(minutes=1)
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def by_our_clock(said_at: datetime, sent_at: datetime | None, now: datetime) -> datetime | None:
    """When it was said. The phone's own clock at the sending tells how old its words are, however
    wrong it is. None: we cannot know, since the words would be from the future."""
    age = (now if sent_at is None else sent_at) - said_at
    return None if age < timedelta(0) else now - age


def unaged(at: datetime, now: datetime, blinds: Iterable[Span]) -> datetime:
    """As of when words of that moment count, that come now: the time in which our server was down
    does not make them older."""
    spans = [(max(at, blind.begin), min(now, blind.end)) for blind in blinds]
    down, covered = timedelta(0), at
    for begin, end in sorted(spans):
        down += max(end - max(begin, covered), timedelta(0))
        covered = max(covered, end)
    return at + down


class Heard(msgspec.Struct, frozen=True):
    """When what we hear now was said, by our clock. None: we do not know. `at`: as of when it
    counts. `is_doubted`: something that came after it counts for more."""

    said_at: datetime | None
    at: datetime | None
    is_doubted: bool = False

    def moment(self, standing: Standing, now: datetime) -> datetime:
        """The moment as of which it counts. Where we do not know when it was said, that is now, but
        it ends no silence: there it counts as old."""
        if self.at is not None:
            return min(self.at, now)
        is_silent = standing.missed_due_at is not None or standing.is_alerted
        return _LONG_AGO if is_silent else now

    def said_by(self, now: datetime, *, is_old: bool) -> datetime | None:
        """When it was said, for people who read that. None: we do not know."""
        if self.said_at is None:
            return None if is_old else now
        return min(self.said_at, now)


_AT_ONCE = datetime.max.replace(tzinfo=UTC)
JUST_NOW = Heard(_AT_ONCE, _AT_ONCE)
