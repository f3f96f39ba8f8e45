"""How long an advocate is there, and when we ask how it goes on. Pure."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from server.clock import as_utc
from server.people.rules import LONGEST_ADVOCACY

USUAL = timedelta(days=182)
# How long before the end the caseworker is asked to talk with the child about it.
ASK_BEFORE = timedelta(days=14)
# How long a link to join can be used.
LINK_LASTS = timedelta(hours=72)
MOST = 3  # Advocates of one child at a time.
# A child who asked waits so long before the task is overdue.
WISH_WITHIN = timedelta(days=7)


def usual_day(now: datetime, zone: ZoneInfo) -> date:
    """The last day that the form proposes."""
    return (now + USUAL).astimezone(zone).date()


def latest_day(now: datetime, zone: ZoneInfo) -> date:
    """The last day that can be chosen: its end is within the longest time."""
    return (now + LONGEST_ADVOCACY - timedelta(days=1)).astimezone(zone).date()


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """When an advocate with this last day is over, on the clock of `zone`."""
    return as_utc(day + timedelta(days=1), time(0), zone)


def last_moment(until_at: datetime) -> datetime:
    """A moment of the last day."""
    return until_at - timedelta(microseconds=1)


def last_day(until_at: datetime, zone: ZoneInfo) -> date:
    """The last day of an advocate who is there until this moment."""
    return last_moment(until_at).astimezone(zone).date()


def ask_at(until_at: datetime, now: datetime) -> datetime:
    """When the caseworker is asked how it goes on: before the end, and at once if that is near."""
    return max(until_at - ASK_BEFORE, now)
