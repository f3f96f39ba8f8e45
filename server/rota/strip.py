"""The rota as a strip: a bar of hours for each day, with a letter for each person. Pure.

Places are shares of a day between 0 and 100, so that a day of 23 or 25 hours is as wide as any.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.clock import as_utc
from server.rota.calendar import Gap, Shift
from server.web.letters import letters

_DAY = timedelta(days=1)


class Times(msgspec.Struct, frozen=True):
    """What is drawn: shifts and gaps, the names of the people, and the clock of the agency."""

    shifts: Sequence[Shift]
    gaps: Sequence[Gap]
    names: Mapping[UUID, str]
    zone: ZoneInfo


class Piece(msgspec.Struct, frozen=True):
    """A shift or a gap, as far as it is on one day. A gap has no letter. `lane`: where several
    people are on duty at once, which part of the height is theirs."""

    begin: float
    width: float
    letter: str
    is_mine: bool
    lane: int


class Bar(msgspec.Struct, frozen=True):
    """One day; `now`: where this moment is, on the day that it is on."""

    day: date
    pieces: tuple[Piece, ...]
    lanes: int
    now: float | None


class Strip(msgspec.Struct, frozen=True):
    """The days in their order, and the letters with the names behind them."""

    bars: tuple[Bar, ...]
    letters: tuple[tuple[str, str], ...]


def strip_of(times: Times, days: Iterable[date], *, me: UUID, now: datetime) -> Strip:
    """The strip of these days."""
    names = times.names
    people = sorted(
        {shift.who for shift in times.shifts}, key=lambda who: (names.get(who, ""), who)
    )
    by_person = dict(zip(people, letters(), strict=False))
    bars = tuple(_bar(times, day, by_person, me, now) for day in days)
    return Strip(bars, tuple((letter, names.get(who, "")) for who, letter in by_person.items()))


def _bar(times: Times, day: date, by_person: Mapping[UUID, str], me: UUID, now: datetime) -> Bar:
    begin, end = (as_utc(at, time(0), times.zone) for at in (day, day + _DAY))

    def share(at: datetime) -> float:
        return round((min(max(at, begin), end) - begin) / (end - begin) * 100, 2)

    pieces, until = [], list[datetime]()
    today = (shift for shift in times.shifts if shift.begin < end and shift.end > begin)
    for shift in sorted(today, key=lambda shift: (shift.begin, shift.end, shift.who)):
        lane = next((n for n, at in enumerate(until) if at <= shift.begin), len(until))
        until[lane : lane + 1] = [shift.end]
        width = round(share(shift.end) - share(shift.begin), 2)
        is_mine = shift.who == me
        pieces.append(Piece(share(shift.begin), width, by_person[shift.who], is_mine, lane))
    pieces += [
        Piece(share(gap.begin), round(share(gap.end) - share(gap.begin), 2), "", False, 0)
        for gap in times.gaps
        if gap.begin < end and gap.end > begin
    ]
    here = share(now) if begin <= now < end else None
    return Bar(day, tuple(pieces), max(len(until), 1), here)
