"""The rota: who is on duty at a moment, from when until when, and when nobody is. Pure.

A duty repeats by the wall clock of a zone: on these days, between these hours, with people taking
turns week by week. Handovers change who has it for a while. Leave replaces a person by their cover.
Steps are in local time and comparisons in UTC: so a night in which the clocks change is an hour
longer or shorter, and shifts that meet on the clock still meet.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from server.clock import edge_utc

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_INSTANT = timedelta(microseconds=1)


class Duty(msgspec.Struct, frozen=True):
    """A weekly shift. It ends on the next day where it ends no later than it begins."""

    days: frozenset[int]  # On which it begins. Monday is 0.
    begins: time
    ends: time
    zone: ZoneInfo
    people: tuple[UUID, ...]  # They take a week each, in this order; the week begins on Monday.
    first: date  # The first person has the week of this day; nothing begins before it.
    until: date | None = None  # From this day on no new shift begins.


class Slot(msgspec.Struct, frozen=True):
    """One person has duty from a moment on, until another; without an end, for good."""

    who: UUID
    begin: datetime
    end: datetime | None


class Handover(msgspec.Struct, frozen=True):
    """In this time `to` has the duty of `who`; without `who`, it is in addition."""

    begin: datetime
    end: datetime
    who: UUID | None
    to: UUID


class Leave(msgspec.Struct, frozen=True):
    """A person is away, and `cover` stands in: without one, their deputy does."""

    who: UUID
    begin: datetime
    end: datetime
    cover: UUID | None


class Rota(msgspec.Struct, frozen=True):
    """Everything known about who has duty when. Later handovers and leaves are later in the
    lists."""

    duties: Sequence[Duty] = ()
    slots: Sequence[Slot] = ()
    handovers: Sequence[Handover] = ()
    leaves: Sequence[Leave] = ()
    deputies: Mapping[UUID, UUID] = msgspec.field(default_factory=dict)
    gone: frozenset[UUID] = frozenset()  # They have left: no one covers for them.
    is_always: bool = True  # A person must be on duty at any time; else in planned hours alone.


class Shift(msgspec.Struct, frozen=True):
    """One person has duty, for themselves or for another, without a break."""

    who: UUID
    begin: datetime
    end: datetime
    instead_of: UUID | None = None


class Gap(msgspec.Struct, frozen=True):
    """No person on duty is there. `away` would be, but are on leave without a cover."""

    begin: datetime
    end: datetime
    away: frozenset[UUID] = frozenset()


class _Stretch(msgspec.Struct, frozen=True):
    """A time in which nothing about the rota changes: who has duty, and which person they
    replace."""

    begin: datetime
    end: datetime
    there: Mapping[UUID, UUID | None]
    away: frozenset[UUID]
    is_gap: bool


def on_duty_at(rota: Rota, moment: datetime) -> frozenset[UUID]:
    """The people called as being on duty. Where all of them are on leave without a cover, we call
    them anyway: better a person on leave than nobody."""
    now = next(_stretches(rota, moment, moment + _INSTANT))
    return frozenset(now.there) or now.away


def shifts_between(rota: Rota, begin: datetime, end: datetime) -> list[Shift]:
    """Who has duty in that time, in order, cut at both ends. A person who continues directly has
    one shift, but a new one where they replace another person."""
    return _joined(rota, begin, end, lambda who, instead_of: (who, instead_of))


def duty_shifts_between(rota: Rota, begin: datetime, end: datetime) -> list[Shift]:
    """The same, no matter who is replaced: a person already on duty gets no second shift."""
    return _joined(rota, begin, end, lambda who, _: (who, None))


def gaps_between(rota: Rota, begin: datetime, end: datetime) -> list[Gap]:
    """When nobody has duty and a person should, in order, cut at both ends."""
    gaps = []
    for away, run in _runs(_stretches(rota, begin, end), lambda stretch: stretch.is_gap):
        gaps.append(Gap(run[0].begin, run[-1].end, away))
    return gaps


def gaps_from(gaps: Iterable[Gap], moment: datetime) -> list[Gap]:
    """What is left of gaps from that moment on: nobody can fill an hour that is over."""
    return [replace(gap, begin=max(gap.begin, moment)) for gap in gaps if gap.end > moment]


def stand_in(rota: Rota, who: UUID, moment: datetime) -> UUID | None:
    """The person there in their place at that moment: themselves, or their cover; None without
    one."""
    if who in rota.gone:
        return None
    return _stand_in(who, _away_at(rota, moment), rota, frozenset())


def covers_at(rota: Rota, who: UUID, moment: datetime) -> frozenset[UUID]:
    """The people that this person stands in for at that moment."""
    away = _away_at(rota, moment)
    return frozenset(
        person for person in away if person != who and stand_in(rota, person, moment) == who
    )


def _away_at(rota: Rota, moment: datetime) -> dict[UUID, UUID | None]:
    return {leave.who: leave.cover for leave in rota.leaves if leave.begin <= moment < leave.end}


def _stand_in(
    who: UUID, away: Mapping[UUID, UUID | None], rota: Rota, asked: frozenset[UUID]
) -> UUID | None:
    if who not in away:
        return who
    asked |= {who}
    for other in (away[who], rota.deputies.get(who)):
        if other is None or other in asked or other in rota.gone:
            continue
        cover = _stand_in(other, away, rota, asked)
        if cover is not None:
            return cover
    return None


# --- the rota over time


def _stretches(rota: Rota, begin: datetime, end: datetime) -> Iterator[_Stretch]:
    """The time, split at every change, in order."""
    slots = sorted(_slots(rota, begin, end), key=lambda slot: slot.begin)
    spans: list[Slot | Handover | Leave] = [*slots, *rota.handovers, *rota.leaves]
    changes = (at for span in spans for at in (span.begin, span.end))
    edges = {begin, end, *(at for at in changes if at is not None and begin < at < end)}
    waiting, running = iter(slots), list[Slot]()
    coming = next(waiting, None)
    for at, until in pairwise(sorted(edges)):
        while coming is not None and coming.begin <= at:
            running.append(coming)
            coming = next(waiting, None)
        running = [slot for slot in running if slot.end is None or slot.end > at]
        yield _stretch(rota, [slot.who for slot in running], at, until)


def _slots(rota: Rota, begin: datetime, end: datetime) -> Iterator[Slot]:
    for slot in rota.slots:
        if slot.begin < end and (slot.end is None or slot.end > begin):
            yield slot
    for duty in rota.duties:
        yield from _rounds(duty, begin, end)


def _rounds(duty: Duty, begin: datetime, end: datetime) -> Iterator[Slot]:
    """Each of its shifts that touches the time from `begin` to `end`."""
    # A day more at each side: a night begins on the day before, and zones differ.
    day = max(begin.astimezone(duty.zone).date() - 2 * _DAY, duty.first)
    last = end.astimezone(duty.zone).date() + _DAY
    until = last if duty.until is None else min(last, duty.until)
    over_night = _DAY if duty.ends <= duty.begins else timedelta(0)
    while day < until:
        if day.weekday() in duty.days and duty.people:
            first = edge_utc(day, duty.begins, duty.zone)
            over = edge_utc(day + over_night, duty.ends, duty.zone)
            if first < end and over > max(begin, first):
                yield Slot(_whose(duty, day), first, over)
        day += _DAY


def _whose(duty: Duty, day: date) -> UUID:
    weeks = (_monday(day) - _monday(duty.first)) // _WEEK
    return duty.people[weeks % len(duty.people)]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _stretch(rota: Rota, planned: Sequence[UUID], at: datetime, until: datetime) -> _Stretch:
    has = _handed_over(rota, planned, at)
    there: dict[UUID, UUID | None] = {}
    away = set()
    for who, instead_of in has.items():
        other = stand_in(rota, who, at)
        if other is not None:
            there.setdefault(other, instead_of if other == who else who)
        elif who not in rota.gone:
            away.add(who)
    is_wanted = rota.is_always or bool(has)
    return _Stretch(at, until, there, frozenset(away), is_wanted and not there)


def _handed_over(rota: Rota, planned: Sequence[UUID], at: datetime) -> dict[UUID, UUID | None]:
    """Who would have duty now if nobody were on leave, and which person they replace."""
    has: dict[UUID, UUID | None] = dict.fromkeys(planned)
    for handover in rota.handovers:
        if not handover.begin <= at < handover.end:
            continue
        whose = _handed_by(rota, handover, has, at)
        if whose is not None:
            has.setdefault(handover.to, has.pop(whose) or whose)
        elif handover.who is None:
            has.setdefault(handover.to)
    return has


def _handed_by(
    rota: Rota, handover: Handover, has: Mapping[UUID, UUID | None], at: datetime
) -> UUID | None:
    """The person whose duty is handed over: their own, or that of a person they stand in for."""
    if handover.who is None or handover.who in has:
        return handover.who
    return next((who for who in has if stand_in(rota, who, at) == handover.who), None)


def _runs(
    stretches: Iterator[_Stretch], is_one: Callable[[_Stretch], bool]
) -> Iterator[tuple[frozenset[UUID], list[_Stretch]]]:
    """Neighbouring stretches that pass `is_one` and lack the same people, joined."""
    for (wanted, away), run in groupby(stretches, lambda stretch: (is_one(stretch), stretch.away)):
        if wanted:
            yield away, list(run)


_Key = tuple[UUID, UUID | None]


def _joined(
    rota: Rota, begin: datetime, end: datetime, key_of: Callable[[UUID, UUID | None], _Key]
) -> list[Shift]:
    running: dict[_Key, datetime] = {}
    shifts: list[Shift] = []
    for stretch in _stretches(rota, begin, end):
        keys = [key_of(who, instead_of) for who, instead_of in stretch.there.items()]
        for key in [key for key in running if key not in keys]:
            shifts.append(Shift(key[0], running.pop(key), stretch.begin, key[1]))
        for key in keys:
            running.setdefault(key, stretch.begin)
    shifts += [Shift(who, since, end, instead_of) for (who, instead_of), since in running.items()]
    return sorted(shifts, key=lambda shift: (shift.begin, shift.end, shift.who))
