"""Hours in which a child's reminders wait: quiet hours and school hours. Pure.

These hours put messages to a child off, and decide nothing else: whether a child is late, and when
adults are called, never depends on them.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from server.clock import as_utc, known_zone

QUIET, SCHOOL = "quiet_hours", "school_hours"
# Where hours meet, a message waits for the end of all of them; beyond this we look again.
LONGEST = timedelta(hours=24)
_DAY, _MINUTE, _INSTANT = timedelta(days=1), timedelta(minutes=1), timedelta(microseconds=1)

Times = tuple[time, time]
Days = tuple[date, date]


class School(msgspec.Struct, frozen=True):
    """From when until when on each weekday (Monday is 0), within a day; and the holidays, both days
    included, in which there is no school."""

    days: Mapping[int, Times]
    holidays: Days | None = None


class Hours(msgspec.Struct, frozen=True):
    """The hours of one child, on a wall clock in `zone`. Quiet hours may run over midnight."""

    zone: str = "UTC"
    quiet: Times | None = None
    school: School | None = None


class Held(msgspec.Struct, frozen=True):
    """Messages wait from `begin` until `end`; `why` is what held at the moment that was asked."""

    begin: datetime
    end: datetime
    why: str


def read_school(data: Mapping[str, Any] | None) -> School | None:
    """School hours as they are stored: `{"days": {"0": ["08:00", "15:30"]}, "holidays": ["2026-
    12-21", "2027-01-03"]}`. None where there are none."""
    if not data or not data.get("days"):
        return None
    days = {int(day): (_time(begin), _time(end)) for day, (begin, end) in data["days"].items()}
    off = data.get("holidays")
    return School(days, (date.fromisoformat(off[0]), date.fromisoformat(off[1])) if off else None)


def school_data(school: School | None) -> dict[str, Any] | None:
    """As it is stored; `read_school` turns it back."""
    if school is None or not school.days:
        return None
    days = {str(day): [f"{at:%H:%M}" for at in school.days[day]] for day in sorted(school.days)}
    if school.holidays is None:
        return {"days": days}
    return {"days": days, "holidays": [day.isoformat() for day in school.holidays]}


def _time(text: str) -> time:
    return time.fromisoformat(text)


def within(times: Times, at: time) -> bool:
    """Whether a local time lies in these hours, over midnight where they end earlier."""
    begin, end = times
    if begin < end:
        return begin <= at < end
    return begin != end and (at >= begin or at < end)


def why_held(hours: Hours, moment: datetime) -> str | None:
    """What a message to the child waits for at this moment; None where it need not wait.

    The moment is turned into local time, never the other way round: that is unambiguous on the two
    days a year when the clocks change.
    """
    local = moment.astimezone(known_zone(hours.zone))
    times = _lessons(hours, local.date())
    if times is not None and within(times, local.time()):
        return SCHOOL
    if hours.quiet is not None and within(hours.quiet, local.time()):
        return QUIET
    return None


def _lessons(hours: Hours, day: date) -> Times | None:
    school = hours.school
    if school is None or (school.holidays and school.holidays[0] <= day <= school.holidays[1]):
        return None
    return school.days.get(day.weekday())


def held(hours: Hours, moment: datetime) -> Held | None:
    """From when until when messages wait around this moment, where hours that meet count as one;
    None where they do not wait."""
    why = why_held(hours, moment)
    if why is None:
        return None
    begin = end = moment
    while end - moment < LONGEST and (now := why_held(hours, end)):
        end = _end(hours, now, end)
    while moment - begin < LONGEST and (then := why_held(hours, begin - _INSTANT)):
        begin = _begin(hours, then, begin - _INSTANT)
    return Held(begin, end, why)


def released(hours: Hours, moment: datetime) -> datetime:
    """When a message that is meant for this moment goes out."""
    waits = held(hours, moment)
    return moment if waits is None else waits.end


def _end(hours: Hours, why: str, moment: datetime) -> datetime:
    zone = known_zone(hours.zone)
    day = moment.astimezone(zone).date()
    return _next(_times(hours, why, day)[1], day, zone, moment, over_midnight=why == QUIET)


def _next(
    at: time, day: date, zone: ZoneInfo, moment: datetime, *, over_midnight: bool
) -> datetime:
    """The next moment at which a wall clock shows this time; never one that is past, also where
    clocks change in these very hours."""
    moments = [as_utc(day, at, zone), *([as_utc(day + _DAY, at, zone)] if over_midnight else [])]
    return next((each for each in moments if each > moment), moment + _MINUTE)


def _begin(hours: Hours, why: str, moment: datetime) -> datetime:
    zone = known_zone(hours.zone)
    day = moment.astimezone(zone).date()
    at = _times(hours, why, day)[0]
    moments = [as_utc(day, at, zone), *([as_utc(day - _DAY, at, zone)] if why == QUIET else [])]
    return next((each for each in moments if each <= moment), moment - _MINUTE)


def _times(hours: Hours, why: str, day: date) -> Times:
    times = _lessons(hours, day) if why == SCHOOL else hours.quiet
    assert times is not None, "asked within these hours alone"
    return times
