"""Days that come again: every second week, every third day, once a month. A part of RFC 5545. Pure.

A rule says on which days a time is asked, and nothing about the time. It never begins and never
ends, so that no child is left without check-ins by a date that passes: `DTSTART` only says from
which day weeks, days and months are counted, and other times for some days (`Season`) end by
themselves.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from math import lcm

import msgspec
from dateutil.rrule import DAILY, MO, MONTHLY, WEEKLY, rrule, weekday

from server.errors import Refused
from server.i18n import N_

# Longer is no rule that a person chose.
LONGEST_TEXT = 200
# From here on weeks, days and months are counted where the text does not say: a Monday, the first
# of a year.
COUNTED_FROM = date(2024, 1, 1)
LAST = -1
_DAY = timedelta(days=1)
_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_START = re.compile(r"DTSTART(?:;VALUE=DATE)?:(\d{8})")
_BY_DAY = re.compile(r"([1-4]|-1)?(MO|TU|WE|TH|FR|SA|SU)")
MOST_DAYS, MOST_WEEKS = 31, 12
# Months between two turns: so that they come in the same months each year.
_MONTHS = (1, 2, 3, 4, 6, 12)
# The days of the month that every month has; and the last one.
_EVERY_MONTH = frozenset({*range(1, 29), LAST})


class Every(StrEnum):
    """What is counted."""

    DAY = "DAILY"
    WEEK = "WEEKLY"
    MONTH = "MONTHLY"


_FREQUENCY = {Every.DAY: DAILY, Every.WEEK: WEEKLY, Every.MONTH: MONTHLY}


class Recurrence(msgspec.Struct, frozen=True):
    """Every `interval` days, weeks or months, counted from `start`. In a week on `days` (Monday is
    0); in a month on `places` (1 to 4 or LAST, and the day of the week) or on `dates` (1 to 28, or
    LAST)."""

    every: Every
    interval: int = 1
    days: frozenset[int] = frozenset()
    places: tuple[tuple[int, int], ...] = ()
    dates: frozenset[int] = frozenset()
    start: date = COUNTED_FROM

    def holds(self, day: date) -> bool:
        """Whether it comes on this day."""
        return day in _days_in(self, day.year)

    def next_from(self, day: date) -> date:
        """The first day on which it comes, from this one on."""
        while not self.holds(day):
            day += _DAY
        return day


# --- the text


def read(value: object, field: str) -> Recurrence:
    """A rule from its text: `FREQ=WEEKLY;INTERVAL=2;BYDAY=TU`, or the same as lines of RFC 5545,
    `DTSTART;VALUE=DATE:20260303` and `RRULE:…`. Raises Refused, naming the field."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise Refused(N_("A rule is a text of up to 200 characters."), field=field)
    start, rule = _lines(value, field)
    parts = _parts(rule, field)
    every = _every(parts, field)
    interval = _interval(parts, every, field)
    _check_keys(parts, every, field)
    if interval == 1:
        start = COUNTED_FROM
    if every is Every.DAY:
        return Recurrence(every, interval, start=start)
    by_day = _by_day(parts, every, field)
    if every is Every.WEEK:
        return Recurrence(every, interval, days=frozenset(day for _, day in by_day), start=start)
    dates = _dates(parts, field)
    if bool(by_day) == bool(dates):
        raise Refused(
            N_("A monthly rule needs either days such as 1MO, or dates such as 15."), field=field
        )
    return Recurrence(every, interval, places=tuple(by_day), dates=dates, start=start)


def as_text(rule: Recurrence) -> str:
    """The text of a rule; `read` turns it back."""
    parts = [f"FREQ={rule.every.value}"]
    if rule.interval > 1:
        parts.append(f"INTERVAL={rule.interval}")
    if rule.days:
        parts.append(f"BYDAY={','.join(_CODES[day] for day in sorted(rule.days))}")
    if rule.places:
        parts.append(f"BYDAY={','.join(f'{place}{_CODES[day]}' for place, day in rule.places)}")
    if rule.dates:
        parts.append(f"BYMONTHDAY={','.join(map(str, _in_order(rule.dates)))}")
    text = ";".join(parts)
    if rule.start == COUNTED_FROM:
        return text
    return f"DTSTART;VALUE=DATE:{rule.start:%Y%m%d}\nRRULE:{text}"


def _in_order(dates: frozenset[int]) -> list[int]:
    return sorted(dates, key=lambda day: 32 if day == LAST else day)


def _lines(text: str, field: str) -> tuple[date, str]:
    lines = text.strip().splitlines()
    if not lines or len(lines) > 2:
        raise Refused(_NO_RULE, field=field)
    start = COUNTED_FROM
    if len(lines) == 2:
        start = _start(lines[0].strip(), field)
    return start, lines[-1].strip().removeprefix("RRULE:")


_NO_RULE = N_("Write a rule like this: FREQ=WEEKLY;INTERVAL=2;BYDAY=TU.")


def _start(line: str, field: str) -> date:
    match = _START.fullmatch(line)
    try:
        day = date.fromisoformat(match[1]) if match else None
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2200:
        raise Refused(N_("A rule is counted from a day such as 20260303."), field=field)
    return day


def _parts(rule: str, field: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in rule.split(";")]
    parts = {key: value for key, _, value in pairs}
    if len(parts) < len(pairs) or not all(parts.values()):
        raise Refused(_NO_RULE, field=field)
    return parts


def _every(parts: Mapping[str, str], field: str) -> Every:
    value = parts.get("FREQ")
    if value in ("SECONDLY", "MINUTELY", "HOURLY", "YEARLY"):
        raise Refused(N_("A rule can count days, weeks or months."), field=field)
    if value not in set(Every):
        raise Refused(_NO_RULE, field=field)
    return Every(value)


_KEYS = {
    Every.DAY: {"FREQ", "INTERVAL"},
    Every.WEEK: {"FREQ", "INTERVAL", "BYDAY"},
    Every.MONTH: {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY"},
}


def _check_keys(parts: Mapping[str, str], every: Every, field: str) -> None:
    if {"UNTIL", "COUNT"} & set(parts):
        raise Refused(
            N_("A rule has no end, so that check-ins never stop. Agree other times for some days."),
            field=field,
        )
    unknown = set(parts) - _KEYS[every]
    if unknown == {"WKST"} and parts["WKST"] == "MO":
        return
    if unknown:
        raise Refused(N_("This rule has an unknown part: {part}."), field=field, part=min(unknown))


def _interval(parts: Mapping[str, str], every: Every, field: str) -> int:
    text = parts.get("INTERVAL", "1")
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0
    if every is Every.DAY and not 1 <= value <= MOST_DAYS:
        raise Refused(N_("A rule can come every 1 to 31 days."), field=field)
    if every is Every.WEEK and not 1 <= value <= MOST_WEEKS:
        raise Refused(N_("A rule can come every 1 to 12 weeks."), field=field)
    if every is Every.MONTH and value not in _MONTHS:
        raise Refused(N_("A rule can come every 1, 2, 3, 4, 6 or 12 months."), field=field)
    return value


def _by_day(parts: Mapping[str, str], every: Every, field: str) -> list[tuple[int, int]]:
    """Places in the month (0 in a week) and days of the week, in order."""
    text = parts.get("BYDAY")
    if text is None and every is Every.MONTH:
        return []
    matches = [_BY_DAY.fullmatch(part) for part in (text or "").split(",")]
    days = {(int(m[1] or 0), _CODES.index(m[2])) for m in matches if m is not None}
    wants_place = every is Every.MONTH
    if len(days) < len(matches) or any(bool(place) != wants_place for place, _ in days):
        if wants_place:
            raise Refused(
                N_("In a month, write 1MO for the first Monday, -1FR for the last Friday."),
                field=field,
            )
        raise Refused(N_("In a week, write days like this: BYDAY=MO,TU."), field=field)
    return sorted(days, key=lambda each: (5 if each[0] == LAST else each[0], each[1]))


def _dates(parts: Mapping[str, str], field: str) -> frozenset[int]:
    if "BYMONTHDAY" not in parts:
        return frozenset()
    texts = parts["BYMONTHDAY"].split(",")
    dates = {int(text) for text in texts if re.fullmatch(r"-1|\d{1,2}", text)}
    if len(dates) < len(texts) or not dates <= _EVERY_MONTH:
        raise Refused(
            N_("Dates in a month go from 1 to 28. Write -1 for the last day."), field=field
        )
    return frozenset(dates)


# --- the days


@lru_cache(maxsize=8192)  # Many children share a rule, and each look asks for the same few years.
def _days_in(rule: Recurrence, year: int) -> frozenset[date]:
    """The days of one year. The library walks from its start to the day that is asked for, however
    long that takes: so it begins at the turn next to this year. It is asked for days alone, since
    its times go wrong where clocks change."""
    first, last = (datetime(year, *day, tzinfo=UTC) for day in ((1, 1), (12, 31)))
    days = rrule(
        _FREQUENCY[rule.every],
        dtstart=_turn_before(rule, first),
        interval=rule.interval,
        wkst=MO,
        byweekday=[*sorted(rule.days), *(weekday(day, place) for place, day in rule.places)]
        or None,
        bymonthday=sorted(rule.dates) or None,
        until=last,
    )
    return frozenset(day.date() for day in days if day >= first)


def _turn_before(rule: Recurrence, first: datetime) -> datetime:
    """The beginning of the turn that lies at the first of a year, or next before it."""
    start, day = rule.start, first.date()
    if rule.every is Every.MONTH:
        months = (day.year - start.year) * 12 + day.month - start.month
        months = day.year * 12 + day.month - 1 - months % rule.interval
        return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    if rule.every is Every.WEEK:
        start, day = (each - each.weekday() * _DAY for each in (start, day))
    length = rule.interval * (7 if rule.every is Every.WEEK else 1)
    return datetime.combine(day - (day - start).days % length * _DAY, time(), tzinfo=UTC)


def period(rules: Iterable[Recurrence]) -> int:
    """After so many days all rules that count days or weeks come on the same days again."""
    lengths = {Every.DAY: 1, Every.WEEK: 7}
    return lcm(7, *(rule.interval * lengths[rule.every] for rule in rules if rule.every in lengths))
