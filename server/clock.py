"""The only module that knows the time.

Everything else is handed `now`: aware, UTC, the last parameter. Local times become UTC here, before
anything is added or compared, because adding a duration to a local time goes wrong twice a year.
"""

import time as _time
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Clock = Callable[[], datetime]


def utcnow() -> datetime:
    """The moment, aware, UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never jumps: for measuring how long something took."""
    return _time.monotonic()


def stamp(at: datetime) -> str:
    """A moment in RFC 3339, UTC, whole seconds."""
    return at.isoformat()[:19] + "Z"


def known_zone(name: str) -> ZoneInfo:
    """The zone that a row names. A zone that a later tz database no longer has is UTC: what we show
    and ask shifts by some hours, but nobody is locked out or forgotten."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def as_utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC moment at which a wall clock in `zone` shows `at` on `day`.

    A time that the clocks skip in spring becomes the same distance after the jump (02:30 → 03:30
    summer time); of a time that comes twice in autumn it is the first. So there is exactly one
    moment for each day and time, and it never lies before what was asked.
    """
    # fold=0 takes the earlier offset: the first of two, and for a skipped time the offset from
    # before the jump, which lands as far behind the jump as the time lay behind its start.
    first = at.replace(fold=0) if at.fold else at
    return datetime.combine(day, first, tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=8192)  # The same few times of day, over and over.
def edge_utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC moment at which a span that ends and a span that begins at `at` on `day` meet.

    As `as_utc`, but a time that the clocks skip is the jump itself. So a later wall clock is never
    an earlier moment, and spans that touch by the wall clock touch in UTC: the night in which the
    clocks change makes neither a gap nor an overlap.
    """
    after = as_utc(day, at, zone)
    before = datetime.combine(day, at.replace(fold=1), tzinfo=zone).astimezone(UTC)
    if before >= after:
        return after
    offset, second = before.astimezone(zone).utcoffset(), timedelta(seconds=1)
    while after - before > second:
        middle = before + (after - before) // second // 2 * second
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def offsets(
    zone: ZoneInfo, begin: datetime, end: datetime
) -> list[tuple[datetime, datetime, timedelta]]:
    """The spans of this time in which the wall clock of a zone keeps its distance from UTC: where
    rows are counted by local hours in the database, which knows no zones."""
    spans, since = [], begin
    while since < end:
        offset = _offset(since, zone)
        until = min(since + _DAY, end)
        while until < end and _offset(until, zone) == offset:
            until = min(until + _DAY, end)
        if _offset(until, zone) != offset:
            until = _change(max(since, until - _DAY), until, zone)
        spans.append((since, until, offset))
        since = until
    return spans


_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second in which the offset becomes another one than it is at `before`."""
    offset = _offset(before, zone)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        before, after = (middle, after) if _offset(middle, zone) == offset else (before, middle)
    return after
