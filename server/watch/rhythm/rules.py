"""When the next check-in is due. All thinking about zones and changing clocks is here. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from server.clock import as_utc
from server.errors import Refused
from server.i18n import N_
from server.watch.rhythm import recurrence
from server.watch.rhythm.recurrence import Every, Recurrence

OPENS_BEFORE = timedelta(hours=2)
_WIDE = 2 * OPENS_BEFORE
EVERY_DAY = frozenset(range(7))
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
# A rhythm may ask nothing for longer than this: we must not search for ever.
_SEARCH_DAYS = 400
# The longest time after which rules must come together again.
_LONGEST_PERIOD = 1500
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_NO_WINDOW = "A window goes from a time to one of the times of the rhythm."
OVERLAP = N_("A window must end later on the same day, with no other time inside it.")


class Rhythm(msgspec.Struct, frozen=True):
    """How often: local times on chosen days of the week, or by a rule such as every second
    Tuesday; or (for trainers) every so many seconds.

    If a time has a free window, an answer is due at its end, and any answer from its beginning on
    counts for it.
    """

    at: tuple[time, ...] = ()
    days: frozenset[int] = EVERY_DAY  # Monday is 0.
    every: timedelta | None = None
    windows: tuple[tuple[time, time], ...] = ()  # From when until when; the end is one of `at`.
    rules: tuple[tuple[time, Recurrence], ...] = ()  # Times of `at` that do not come on `days`.

    def on(self, day: date) -> tuple[time, ...]:
        """The times at which an answer is due on a day."""
        by_week = day.weekday() in self.days
        if not self.rules:
            return self.at if by_week else ()
        rules = dict(self.rules)
        return tuple(at for at in self.at if (rules[at].holds(day) if at in rules else by_week))


class Span(msgspec.Struct, frozen=True):
    """A time that ends: begin ≤ t < end. `returns`: an absence at whose end an answer is due."""

    begin: datetime
    end: datetime
    returns: bool = False

    def holds(self, moment: datetime) -> bool:
        """Whether a moment is inside."""
        return self.begin <= moment < self.end


class Season(msgspec.Struct, frozen=True):
    """Another rhythm for a time, on the clock of its own zone; then the previous one again."""

    span: Span
    rhythm: Rhythm
    zone: ZoneInfo


def season(first: date, last: date, rhythm: Rhythm, zone: ZoneInfo) -> Season:
    """A season from a first to a last day, both included, by the clock where the child is then."""
    begin, end = as_utc(first, time(0), zone), as_utc(last + _DAY, time(0), zone)
    return Season(Span(begin, end), rhythm, zone)


def read(data: Mapping[str, Any]) -> Rhythm:
    """A rhythm from its data: `{"at": ["18:00"], "days": [0, 1, 2]}` or `{"every_s": 60}`. With
    `"from": {"18:00": "15:00"}` the answer at 18:00 may come at any time from 15:00 on. With
    `"rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"` all times come by this rule and not by `days`;
    with `"rrule": {"12:00": "…"}` these times do.

    Raises Refused, naming the field, if a key is unknown or a value wrong.
    """
    unknown = set(data) - {"at", "days", "every_s", "from", "rrule"}
    if unknown:
        raise Refused("These check-in times have an unknown key.", field=f"rhythm.{min(unknown)}")
    if "every_s" in data:
        return Rhythm(every=_every(data))
    times, days = _times(data.get("at")), _days(data.get("days", list(EVERY_DAY)))
    windows = _windows(data.get("from", {}), times)
    if "rrule" not in data:
        return Rhythm(times, days, windows=windows)
    rules = _rules(data["rrule"], times)
    if "days" in data and len(rules) == len(times):
        raise Refused(N_("Days of the week are for times without a rule."), field="rhythm.days")
    return Rhythm(times, days, windows=windows, rules=rules)


def _every(data: Mapping[str, Any]) -> timedelta:
    every = data["every_s"]
    if len(data) > 1 or type(every) is not int or not 10 <= every <= 86_400:
        raise Refused(
            "Check-in times in seconds need 10 to 86,400 seconds and nothing else.",
            field="rhythm.every_s",
        )
    return timedelta(seconds=every)


def _times(values: Any) -> tuple[time, ...]:
    if not isinstance(values, list) or not 1 <= len(values) <= 12:
        raise Refused("There must be 1 to 12 check-in times a day.", field="rhythm.at")
    times = {_time(value) for value in values} - {None}
    if len(times) < len(values):
        raise Refused("Write each time once, as in 18:00.", field="rhythm.at")
    return tuple(sorted(at for at in times if at is not None))


def _time(value: Any) -> time | None:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else time(int(match[1]), int(match[2]))


def _windows(values: Any, times: tuple[time, ...]) -> tuple[tuple[time, time], ...]:
    """One after the other: what is said in one of them is for no other time."""
    if not isinstance(values, dict):
        raise Refused(_NO_WINDOW, field="rhythm.from")
    windows = []
    for value, begin in values.items():
        end, first = _time(value), _time(begin)
        if end is None or first is None or end not in times:
            raise Refused(_NO_WINDOW, field="rhythm.from")
        if first >= end or any(first <= other < end for other in times):
            raise Refused(OVERLAP, field="rhythm.from")
        windows.append((first, end))
    return tuple(sorted(windows))


def _rules(values: Any, times: tuple[time, ...]) -> tuple[tuple[time, Recurrence], ...]:
    """The rule of each time that has one. Rules that come together only after years are refused:
    the longest silence between them could not be found."""
    field = "rhythm.rrule"
    if isinstance(values, str):
        rule = recurrence.read(values, field)
        return tuple((at, rule) for at in times)
    if not isinstance(values, dict) or not values:
        raise Refused(N_("A rule belongs to one of the times, such as 18:00."), field=field)
    rules = {_time(at): recurrence.read(text, field) for at, text in values.items()}
    if not set(rules) <= set(times):
        raise Refused(N_("A rule belongs to one of the times, such as 18:00."), field=field)
    if recurrence.period(rules.values()) > _LONGEST_PERIOD:
        raise Refused(
            N_("Choose the same number of weeks or days for all times, or a multiple of it."),
            field=field,
        )
    return tuple(sorted((at, rule) for at, rule in rules.items() if at is not None))


def _days(values: Any) -> frozenset[int]:
    if not isinstance(values, list) or not values or any(type(day) is not int for day in values):
        raise Refused("Days are numbers from 0 (Monday) to 6 (Sunday).", field="rhythm.days")
    if not set(values) <= EVERY_DAY:
        raise Refused("Days are numbers from 0 (Monday) to 6 (Sunday).", field="rhythm.days")
    return frozenset(values)


def as_data(rhythm: Rhythm) -> dict[str, Any]:
    """A rhythm as JSON; `read` turns it back."""
    if rhythm.every is not None:
        return {"every_s": int(rhythm.every.total_seconds())}
    data: dict[str, Any] = {"at": [f"{at:%H:%M}" for at in rhythm.at]}
    texts = {f"{at:%H:%M}": recurrence.as_text(rule) for at, rule in rhythm.rules}
    if rhythm.days != EVERY_DAY and len(texts) < len(rhythm.at):
        data["days"] = sorted(rhythm.days)
    if rhythm.windows:
        data["from"] = {f"{end:%H:%M}": f"{begin:%H:%M}" for begin, end in rhythm.windows}
    if texts:
        is_one = len(texts) == len(rhythm.at) and len(set(texts.values())) == 1
        data["rrule"] = next(iter(texts.values())) if is_one else texts
    return data


def version(rhythm: Rhythm, zone: str) -> str:
    """A short name for exactly these terms: a person who agrees to a change says which terms they
    saw."""
    text = json.dumps([as_data(rhythm), zone], sort_keys=True)
    return sha256(text.encode()).hexdigest()[:16]


def read_zone(name: str) -> ZoneInfo:
    """A zone of the tz database. Raises Refused if there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused("This time zone is not in the tz database.", field="zone") from None


def next_due(
    rhythm: Rhythm,
    zone: ZoneInfo,
    pauses: tuple[Span, ...],
    after: datetime,
    seasons: tuple[Season, ...] = (),
) -> datetime | None:
    """The first moment later than `after` and outside every pause at which an answer is due; in a
    season by its rhythm and its zone alone. The end of an absence with a return is one as well.

    UTC in and out. Steps in local time and compares in UTC. None if a pause covers everything
    within 400 days: the caller must not take that for "never".
    """
    if not seasons and not pauses:
        if rhythm.every is None:
            return _next_time(rhythm, zone, pauses, after)
        return _next_tick(rhythm.every, pauses, after)
    backs = [pause.end for pause in pauses if pause.returns and pause.end > after]
    if not seasons and not backs:
        return _next_of(rhythm, zone, pauses, after)
    outside = (*pauses, *(season.span for season in seasons))
    candidates = [_next_of(rhythm, zone, outside, after)]
    candidates += [_next_in(season, pauses, after) for season in seasons]
    candidates += [end for end in backs if not any(pause.holds(end) for pause in pauses)]
    return min((moment for moment in candidates if moment is not None), default=None)


def _next_in(season: Season, pauses: tuple[Span, ...], after: datetime) -> datetime | None:
    if after >= season.span.end:
        return None
    due = _next_of(season.rhythm, season.zone, pauses, max(after, season.span.begin - _INSTANT))
    return due if due is not None and season.span.holds(due) else None


def is_return(pauses: tuple[Span, ...], due: datetime) -> bool:
    """Whether the answer due then is the one at the end of an absence."""
    return any(pause.returns and pause.end == due for pause in pauses)


def zone_at(zone: ZoneInfo, seasons: tuple[Season, ...], moment: datetime) -> ZoneInfo:
    """On whose clock the child lives at a moment."""
    return next((season.zone for season in seasons if season.span.holds(moment)), zone)


def window_begin(
    rhythm: Rhythm, zone: ZoneInfo, seasons: tuple[Season, ...], due: datetime
) -> datetime | None:
    """When the free window begins that ends at `due`; None if that is no end of one."""
    for season in seasons:
        if season.span.holds(due):
            return _begin_of(season.rhythm, season.zone, due)
    return _begin_of(rhythm, zone, due)


def _begin_of(rhythm: Rhythm, zone: ZoneInfo, due: datetime) -> datetime | None:
    return _window_of(rhythm, zone, due) if rhythm.windows else None


@lru_cache(maxsize=8192)  # Many children share a rhythm and a zone, and are due together.
def _window_of(rhythm: Rhythm, zone: ZoneInfo, due: datetime) -> datetime | None:
    today = due.astimezone(zone).date()
    # A time that the clocks skip may land on the next day.
    for day in (today, today - _DAY):
        asked = rhythm.on(day)
        ends = [
            as_utc(day, begin, zone)
            for begin, end in rhythm.windows
            if end in asked and as_utc(day, end, zone) == due
        ]
        if ends:
            return min(*ends, due)
    return None


def longest_gap_around(
    rhythm: Rhythm, zone: ZoneInfo, seasons: tuple[Season, ...], season: Season
) -> timedelta:
    """The longest time from an answer to the next one that is due, from a week before a season to a
    week after it (longer where the usual times come by a rule), at both of its edges too. `seasons`
    hold it."""
    around = max(7 * _DAY, longest_gap(rhythm) + _DAY) if rhythm.rules else 7 * _DAY
    moment = _known(next_due(rhythm, zone, (), season.span.begin - around, seasons))
    last, longest = season.span.end + around, timedelta()
    while moment < last:
        after = _known(next_due(rhythm, zone, (), moment, seasons))
        earliest = window_begin(rhythm, zone, seasons, moment) or moment
        longest, moment = max(longest, after - earliest), after
    return longest


def _known(moment: datetime | None) -> datetime:
    assert moment is not None, "without a pause, a rhythm has no end"
    return moment


def _next_of(
    rhythm: Rhythm, zone: ZoneInfo, pauses: tuple[Span, ...], after: datetime
) -> datetime | None:
    if rhythm.every is not None:
        return _next_tick(rhythm.every, pauses, after)
    return _next_time(rhythm, zone, pauses, after)


@lru_cache(maxsize=8192)  # Many children share a rhythm and a zone, and are due together.
def _next_time(
    rhythm: Rhythm, zone: ZoneInfo, pauses: tuple[Span, ...], after: datetime
) -> datetime | None:
    day = after.astimezone(zone).date() - _DAY
    for _ in range(_SEARCH_DAYS):
        due = _first(_moments(rhythm, zone, day), pauses, after)
        day += _DAY
        if due is not None:
            # Where clocks jump over midnight (Nuuk does), a late round of this day comes after an
            # early one of the next.
            other = _first(_moments(rhythm, zone, day), pauses, after)
            return due if other is None or due < other else other
    return None


def _first(
    moments: tuple[datetime, ...], pauses: tuple[Span, ...], after: datetime
) -> datetime | None:
    for moment in moments:
        if moment > after and not (pauses and any(pause.holds(moment) for pause in pauses)):
            return moment
    return None


@lru_cache(maxsize=8192)  # Many children share a rhythm and a zone.
def _moments(rhythm: Rhythm, zone: ZoneInfo, day: date) -> tuple[datetime, ...]:
    # A time that the clocks skip moves to after the jump, perhaps onto another time: each counts
    # once.
    return tuple(sorted({as_utc(day, at, zone) for at in rhythm.on(day)}))


def _next_tick(every: timedelta, pauses: tuple[Span, ...], after: datetime) -> datetime:
    step = every.total_seconds()
    moment = datetime.fromtimestamp((after.timestamp() // step + 1) * step, tz=after.tzinfo)
    for pause in sorted(pauses, key=lambda pause: pause.begin):
        if pause.holds(moment):
            moment = datetime.fromtimestamp(-(-pause.end.timestamp() // step) * step, after.tzinfo)
    return moment


def opens_at(due_at: datetime, before: datetime | None, window: datetime | None = None) -> datetime:
    """When a round opens: with the free window that it has (it begins at `window`), else two hours
    before it is due, or half the gap to the round `before` it where that is shorter."""
    if window is not None:
        return window
    if before is None:
        return due_at - OPENS_BEFORE
    gap = due_at - before
    return due_at - (OPENS_BEFORE if gap >= _WIDE else min(OPENS_BEFORE, gap / 2))


@lru_cache(maxsize=8192)  # A page that counts children asks for each of them.
def longest_gap(rhythm: Rhythm) -> timedelta:
    """The longest time between two rounds of a rhythm, by the wall clock. The earliest answer for a
    round comes at the beginning of its window, and the silence lasts from there.

    Times that come once a month count only where there are no others: they shorten no gap.
    """
    if rhythm.every is not None:
        return rhythm.every
    begins = {end: begin for begin, end in rhythm.windows}
    length, asked = _turn(rhythm)
    rounds = sorted((_minute(day, at), _minute(day, begins.get(at, at))) for day, at in asked)
    gaps = [due - earliest for (_, earliest), (due, _) in pairwise(rounds)]
    gaps.append(rounds[0][0] + length * 1440 - rounds[-1][1])
    return timedelta(minutes=max(gaps))


def _turn(rhythm: Rhythm) -> tuple[int, Iterable[tuple[int, time]]]:
    """After how many days a rhythm comes again alike, and its rounds in that time: the number of
    the day, and the time."""
    if not rhythm.rules:
        return 7, ((day, at) for day in rhythm.days for at in rhythm.at)
    monthly = {at for at, rule in rhythm.rules if rule.every is Every.MONTH}
    first, length = recurrence.COUNTED_FROM, recurrence.period(rule for _, rule in rhythm.rules)
    if len(monthly) == len(rhythm.at):
        # In this century days of the week and leap years come again after 28 years.
        length, monthly = 28 * 365 + 7, set()
    days = (rhythm.on(first + number * _DAY) for number in range(length))
    rounds = ((number, at) for number, day in enumerate(days) for at in day if at not in monthly)
    return length, rounds


def _minute(day: int, at: time) -> int:
    return day * 1440 + at.hour * 60 + at.minute
