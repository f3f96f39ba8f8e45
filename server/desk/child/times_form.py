"""When a child is asked, as a form: groups of times, and how often each comes. No rule is typed.

The first group is nearly always the only one. The others are for times beside it that come less
often. A rule that the form has no words for stays as it is.
"""

from collections.abc import Iterator
from datetime import date, time
from enum import StrEnum
from typing import Any

import msgspec
from starlette.datastructures import FormData

from server.errors import Refused, WaymarkError
from server.i18n import N_, gettext
from server.people.desk_forms import (
    TIMES,
    WINDOWS,
    day_of,
    times_of,
    typed_windows,
    windows_of,
)
from server.people.words import entered
from server.watch.rhythm import recurrence, wording
from server.watch.rhythm.recurrence import LAST, Every, Recurrence
from server.watch.rhythm.rules import EVERY_DAY, Rhythm, as_data, read

# The fewest groups that a form has room for, and the most: one for each time that a day may have.
_GROUPS, _MOST_GROUPS = 2, 12
# Room for times in a group beside the first.
_MORE_TIMES = 2


class Often(StrEnum):
    """How often a group of times comes."""

    WEEK = "week"  # Each week on these days.
    WEEKS = "weeks"  # Every few weeks on these days.
    DAYS = "days"  # Every few days.
    PLACE = "place"  # Once a month on a day of the week.
    DATE = "date"  # Once a month on a date.
    KEPT = "kept"  # By a rule that the form has no words for.


class Group(msgspec.Struct, frozen=True):
    """One group of a form: what is in its fields, as text."""

    nth: int
    times: list[str]
    windows: list[tuple[str, str]]
    often: str = Often.WEEK
    days: frozenset[str] = frozenset("0123456")
    n: str = "2"
    start: str = ""
    place: str = "1"
    weekday: str = "0"
    date: str = "1"
    kept: str = ""

    @property
    def end(self) -> str:
        """What the names of its fields end with."""
        return _end(self.nth)

    @property
    def is_filled(self) -> bool:
        """Whether a time is in it."""
        return any(self.times) or any(begin or end for begin, end in self.windows)


def _end(nth: int) -> str:
    return f".{nth}" if nth else ""


# --- from the form


def rhythm_of(form: FormData) -> dict[str, Any]:
    """The rhythm that a form holds, as data. Raises Refused, naming the question."""
    at: list[time] = []
    windows: list[tuple[time, time]] = []
    rules: list[tuple[time, Recurrence]] = []
    days = EVERY_DAY
    for nth in _groups_in(form):
        end = _end(nth)
        free = windows_of(form, end)
        times = sorted({*times_of(form, f"at{end}"), *(last for _, last in free)})
        if nth == 0 and not times:
            raise Refused(N_("Enter at least one time."), field="at")
        if set(times) & set(at):
            raise Refused(N_("This time is in another group already."), field=f"at{end}")
        rule = _rule_of(form, nth) if times else None
        if times and rule is None:
            days = _days_of(form, end)
        rules += [(time, rule) for time in times if rule is not None]
        at, windows = [*at, *times], [*windows, *free]
    whole = Rhythm(tuple(sorted(at)), days, windows=tuple(sorted(windows)), rules=tuple(rules))
    return as_data(read(as_data(whole)))


def _groups_in(form: FormData) -> Iterator[int]:
    yield 0
    for nth in range(1, _MOST_GROUPS):
        if f"at{_end(nth)}" not in form and f"begin{_end(nth)}" not in form:
            return
        yield nth


def _rule_of(form: FormData, nth: int) -> Recurrence | None:
    """How often a group comes; None: each week on the days of the first group."""
    end, often = _end(nth), entered(form, f"often{_end(nth)}") or Often.WEEK.value
    if often == Often.WEEK:
        return Recurrence(Every.WEEK, days=_days_of(form, end)) if nth else None
    if often in (Often.WEEKS, Often.DAYS):
        return _counted(form, end, Often(often))
    if often == Often.PLACE:
        place, day = entered(form, f"place{end}"), entered(form, f"weekday{end}")
        if place not in map(str, wording.PLACES) or day not in set("0123456"):
            raise Refused(N_("Choose which day of the month."), field=f"place{end}")
        return Recurrence(Every.MONTH, places=((int(place), int(day)),))
    if often == Often.DATE:
        number = entered(form, f"date{end}")
        if number not in map(str, (*range(1, 29), LAST)):
            raise Refused(N_("Choose which day of the month."), field=f"date{end}")
        return Recurrence(Every.MONTH, dates=frozenset({int(number)}))
    return recurrence.read(entered(form, f"kept{end}"), f"often{end}")


def _counted(form: FormData, end: str, often: Often) -> Recurrence:
    text, every = entered(form, f"n{end}"), Every.WEEK if often is Often.WEEKS else Every.DAY
    most = recurrence.MOST_WEEKS if often is Often.WEEKS else recurrence.MOST_DAYS
    n = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0
    if not 2 <= n <= most:
        raise Refused(N_("Enter a number from 2 to {most}."), field=f"n{end}", most=most)
    start = day_of(entered(form, f"start{end}"), f"start{end}")
    if start is None:
        raise Refused(
            N_("Enter one of the days, so that we know where to count from."), field=f"start{end}"
        )
    days = _days_of(form, end) if often is Often.WEEKS else frozenset()
    return Recurrence(every, n, days=days, start=start)


def _days_of(form: FormData, end: str) -> frozenset[int]:
    chosen = [value for value in form.getlist(f"day{end}") if value in set("0123456")]
    if not chosen:
        raise Refused(N_("Choose at least one day."), field=f"day{end}")
    return frozenset(int(str(value)) for value in chosen)


# --- to the form


def asked_when(
    form: FormData | None, rhythm: Rhythm | None, language: str, today: date
) -> dict[str, Any]:
    """What the rhythm part of a form shows: what was typed, or else the current values."""
    if form is not None:
        groups = [_typed(form, nth) for nth in _groups_in(form)]
    else:
        parts = wording.parts_of(rhythm) if rhythm is not None and rhythm.at else [Rhythm()]
        groups = [_current(part, nth, today) for nth, part in enumerate(parts)]
    while len(groups) < _GROUPS or (groups[-1].is_filled and len(groups) < _MOST_GROUPS):
        groups.append(Group(len(groups), [], [], days=frozenset(), start=today.isoformat()))
    return {
        "groups": [_with_room(group) for group in groups],
        "weekdays": [
            (str(number), gettext(language, word)) for number, word in enumerate(wording.DAYS)
        ],
        "places": [(str(place), gettext(language, _PLACES[place])) for place in wording.PLACES],
        "dates": [
            *((str(day), str(day)) for day in range(1, 29)),
            (str(LAST), gettext(language, N_("the last day"))),
        ],
        "oftens": [(often.value, gettext(language, word)) for often, word in _OFTENS.items()],
        "rule_words": {
            group.kept: wording.rule_in_words(recurrence.read(group.kept, "at"), language)
            for group in groups
            if _is_rule(group.kept)
        },
        "rhythm_fields": [f"{name}{group.end}" for group in groups for name in _FIELDS],
    }


_FIELDS = ("at", "window", "often", "day", "n", "start", "place", "date")
_OFTENS = {
    Often.WEEK: N_("Every week"),
    Often.WEEKS: N_("Every second week, or less often"),
    Often.DAYS: N_("Every few days"),
    Often.PLACE: N_("Monthly, by day of the week"),
    Often.DATE: N_("Monthly, on a date"),
}
_PLACES = {
    1: N_("first"),
    2: N_("second"),
    3: N_("third"),
    4: N_("fourth"),
    LAST: N_("last"),
}


def _is_rule(text: str) -> bool:
    try:
        recurrence.read(text, "at")
    except Refused:
        return False
    return True


def _with_room(group: Group) -> dict[str, Any]:
    room = len(TIMES) if group.nth == 0 else _MORE_TIMES
    return {
        "group": group,
        "end": group.end,
        "times": [*group.times, *[""] * (room - len(group.times))],
        "windows": [*group.windows, *[("", "")] * (WINDOWS - len(group.windows))],
    }


def _typed(form: FormData, nth: int) -> Group:
    end = _end(nth)
    fields = {
        name: entered(form, f"{name}{end}")
        for name in ("often", "n", "start", "place", "weekday", "date", "kept")
    }
    return Group(
        nth,
        [str(value) for value in form.getlist(f"at{end}")],
        typed_windows(form, end),
        days=frozenset(map(str, form.getlist(f"day{end}"))),
        **{name: text for name, text in fields.items() if text},
    )


def _current(part: Rhythm, nth: int, today: date) -> Group:
    ends = {end for _, end in part.windows}
    times = [f"{at:%H:%M}" for at in part.at if at not in ends]
    windows = [(f"{begin:%H:%M}", f"{end:%H:%M}") for begin, end in part.windows]
    if not part.rules:
        days = frozenset(map(str, part.days))
        return Group(nth, times, windows, days=days, start=today.isoformat())
    return Group(nth, times, windows, **_how_often(part.rules[0][1], today))


def _how_often(rule: Recurrence, today: date) -> dict[str, Any]:
    """The fields that say a rule in the words of the form."""
    start = {"start": rule.next_from(today).isoformat()}
    days = {"days": frozenset(map(str, rule.days))}
    if rule.every is Every.WEEK and rule.interval == 1:
        return {"often": Often.WEEK, **days, **start}
    if rule.every is Every.WEEK:
        return {"often": Often.WEEKS, "n": str(rule.interval), **days, **start}
    if rule.every is Every.DAY and rule.interval > 1:
        return {"often": Often.DAYS, "n": str(rule.interval), **start}
    if rule.interval == 1 and len(rule.places) == 1:
        place, day = rule.places[0]
        return {"often": Often.PLACE, "place": str(place), "weekday": str(day), **start}
    if rule.interval == 1 and len(rule.dates) == 1:
        return {"often": Often.DATE, "date": str(min(rule.dates)), **start}
    return {"often": Often.KEPT, "kept": recurrence.as_text(rule), **start}


def named_as_typed(fault: WaymarkError | None) -> WaymarkError | None:
    """The rules name a rhythm, or a part of it: the form calls them its times and its windows."""
    if not isinstance(fault, Refused) or not (fault.field or "").startswith("rhythm"):
        return fault
    fields = {"rhythm.from": "window", "rhythm.rrule": "often"}
    return Refused(
        fault.detail, code=fault.code, field=fields.get(fault.field or "", "at"), **fault.extra
    )
