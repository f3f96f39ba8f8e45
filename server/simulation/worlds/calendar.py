"""Days that are not like others: holidays, Ramadan, pay days."""

from datetime import date, timedelta
from functools import lru_cache

from server.simulation.worlds import figures

# From and to, month and day, as in France's zone B in 2026; taken for every year and place.
_HOLIDAYS = (
    ((2, 14), (3, 1)),
    ((4, 4), (4, 19)),
    ((7, 4), (8, 31)),
    ((10, 17), (11, 1)),
    ((12, 19), (12, 31)),
    ((1, 1), (1, 3)),
)
_RAMADAN_2026, _RAMADAN_DAYS = date(2026, 2, 18), 30
_LUNAR_YEAR = 354.367


@lru_cache(maxsize=8192)
def is_holiday(day: date) -> bool:
    """Whether schools are closed for a holiday."""
    return any(begin <= (day.month, day.day) <= end for begin, end in _HOLIDAYS)


@lru_cache(maxsize=8192)
def holidays_begin(day: date) -> bool:
    """Whether the day is among the first of a holiday."""
    before = day - timedelta(days=figures.HOLIDAY_BEGINS_DAYS)
    return is_holiday(day) and not is_holiday(before)


@lru_cache(maxsize=8192)
def is_ramadan(day: date) -> bool:
    """Whether the day is in the month of fasting: counted in lunar years, right to a day or two."""
    into = (day - _RAMADAN_2026).days % _LUNAR_YEAR
    return into < _RAMADAN_DAYS


def is_pay_day(day: date) -> bool:
    """Whether allowances are paid on this day."""
    return day.day in figures.PAY_DAYS


def is_weekday(day: date) -> bool:
    """School days of a year without holidays."""
    return day.weekday() < 5


def is_term(day: date) -> bool:
    """School days of a year with holidays."""
    return day.weekday() < 5 and not is_holiday(day)
