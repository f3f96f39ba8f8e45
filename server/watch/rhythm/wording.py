"""Check-in times in words: "Every day at 18:00. Every second Tuesday at 12:00, next on 3 March"."""

from datetime import UTC, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from server.i18n import N_, format_list, format_short_date, format_time, gettext, ngettext
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.recurrence import LAST, Every, Recurrence
from server.watch.rhythm.rules import EVERY_DAY, Rhythm

DAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
PLACES = {
    1: N_("the first {day}"),
    2: N_("the second {day}"),
    3: N_("the third {day}"),
    4: N_("the fourth {day}"),
    LAST: N_("the last {day}"),
}
_UTC = ZoneInfo("UTC")


class From(NamedTuple):
    """From when on the next day of a rule is told, and by which clock."""

    moment: datetime
    zone: ZoneInfo


def rhythm_in_words(rhythm: Rhythm, language: str, since: From | None = None) -> str:
    """ "Every day at 09:00 and 18:00"; "Every day, 09:00 and some time from 16:00 to 20:00". With
    `since`, times that come by a rule are told with the next day on which they come."""
    if rhythm.every is not None:
        seconds = int(rhythm.every.total_seconds())
        return gettext(language, N_("Every {n} seconds"), n=seconds)
    if not rhythm.rules:
        return _by_week(rhythm, language)
    parts = [_part(part, language, since) for part in parts_of(rhythm)]
    return ". ".join(parts)


def parts_of(rhythm: Rhythm) -> list[Rhythm]:
    """A rhythm as one for each rule, the times without a rule first."""
    rules = dict(rhythm.rules)
    together: dict[Recurrence | None, list[time]] = {None: []}
    for at in rhythm.at:
        together.setdefault(rules.get(at), []).append(at)
    return [
        Rhythm(
            at=tuple(times),
            days=rhythm.days if rule is None else EVERY_DAY,
            windows=tuple(window for window in rhythm.windows if window[1] in times),
            rules=() if rule is None else tuple((at, rule) for at in times),
        )
        for rule, times in together.items()
        if times
    ]


def _part(part: Rhythm, language: str, since: From | None) -> str:
    if not part.rules:
        return _by_week(part, language)
    rule = part.rules[0][1]
    says = _with_times(part, rule_in_words(rule, language), language)
    if since is None or (rule.every is not Every.MONTH and rule.interval == 1):
        return says
    due = rhythms.next_due(part, since.zone, (), since.moment)
    if due is None:
        return says
    day = format_short_date(language, due.astimezone(since.zone).date())
    return gettext(language, N_("{rhythm}, next on {day}"), rhythm=says, day=day)


def _by_week(rhythm: Rhythm, language: str) -> str:
    times = format_list(language, _times_in_words(rhythm, language))
    if rhythm.days != EVERY_DAY:
        return _with_times(rhythm, _days_in_words(rhythm.days, language), language)
    if rhythm.windows:
        return gettext(language, N_("Every day, {times}"), times=times)
    return gettext(language, N_("Every day at {times}"), times=times)


def _with_times(rhythm: Rhythm, days: str, language: str) -> str:
    times = format_list(language, _times_in_words(rhythm, language))
    if rhythm.windows:
        return gettext(language, N_("{days}, {times}"), days=days, times=times)
    return gettext(language, N_("{days} at {times}"), days=days, times=times)


def rule_in_words(rule: Recurrence, language: str) -> str:
    """ "Every second Tuesday", "Each month on the first Monday"."""
    n = rule.interval
    if rule.every is Every.MONTH:
        on = format_list(language, _days_of_the_month(rule, language))
        if n == 1:
            return gettext(language, N_("Each month on {days}"), days=on)
        return ngettext(
            language, "Every {n} month on {days}", "Every {n} months on {days}", n, days=on
        )
    if rule.every is Every.DAY and n == 1:
        return gettext(language, N_("Every day"))
    if rule.every is Every.DAY:
        return ngettext(language, "Every {n} day", "Every {n} days", n)
    days = _days_in_words(rule.days, language)
    if n == 1:
        return days
    if n == 2 and len(rule.days) == 1:
        return gettext(language, N_("Every second {day}"), day=days)
    if n == 2:
        return gettext(language, N_("Every second week on {days}"), days=days)
    return ngettext(language, "Every {n} week on {days}", "Every {n} weeks on {days}", n, days=days)


def _days_of_the_month(rule: Recurrence, language: str) -> list[str]:
    if rule.places:
        return [
            gettext(language, PLACES[place], day=gettext(language, DAYS[day]))
            for place, day in rule.places
        ]
    numbers = sorted(day for day in rule.dates if day != LAST)
    days = [gettext(language, N_("day {n}"), n=number) for number in numbers]
    return [*days, gettext(language, N_("the last day"))] if LAST in rule.dates else days


def _days_in_words(days: frozenset[int], language: str) -> str:
    return format_list(language, [gettext(language, DAYS[day]) for day in sorted(days)])


def _times_in_words(rhythm: Rhythm, language: str) -> list[str]:
    begins = {end: begin for begin, end in rhythm.windows}
    return [
        gettext(
            language,
            N_("any time from {begin} to {end}"),
            begin=clock(begins[at], language),
            end=clock(at, language),
        )
        if at in begins
        else clock(at, language)
        for at in rhythm.at
    ]


def clock(at: time, language: str) -> str:
    """A time of day as it is written."""
    return format_time(language, datetime(2026, 1, 1, at.hour, at.minute, tzinfo=UTC), _UTC)
