"""Days as the phones of these tests have them: around midnight, UTC is still on the day before."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = "Europe/Paris"


def days_from_now(days: int) -> datetime:
    """This time of day on that day, on the phones' clocks."""
    return datetime.now(ZoneInfo(ZONE)) + timedelta(days=days)


def day(days: int) -> str:
    """The date of that day on the phones' calendar, as it is sent."""
    return days_from_now(days).date().isoformat()
