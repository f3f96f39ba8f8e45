"""What the adults around a child of a world would say if they were asked."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from random import Random

from server.clock import stamp
from server.simulation import figures as cohort
from server.simulation.life import DAY, MINUTE, as_utc, whole
from server.simulation.lives.check_ins import outside
from server.simulation.worlds import figures
from server.simulation.worlds.figures import Shares
from server.simulation.worlds.homes import Shift
from server.simulation.worlds.residents import Resident, Span
from server.simulation.worlds.whereabouts import (
    GONE,
    HAS_LEFT,
    IN,
    JUST_GONE,
    LEAVE,
    SCHOOL,
    Piece,
    Timeline,
    away,
    timeline,
)
from server.simulation.worlds.world import World

_SECOND = timedelta(seconds=1)
_AFTERNOONS = (time(13), time(18))  # In which a key worker comes by.
_ALERTS_EACH = 2 * DAY


def all_of(child: Resident, world: World, mute: Sequence[Span] = ()) -> None:
    """Everyone's answers become rows of the child's life. While they are `mute`, nobody can."""
    where = timeline(child)
    asking = _Asking(child, list(mute))
    asking.home(where, world)
    asking.carer(where, world)
    asking.school(where, world)
    asking.mentor(where)
    _closings(child, world)


class _Asking:
    """The rows of one child."""

    def __init__(self, child: Resident, mute: list[Span]) -> None:
        self._child, self._life, self._mute = child, child.life, mute

    def home(self, where: Timeline, world: World) -> None:
        """A roll call may be asked for at any time; who is on shift answers, or nobody does."""
        random, tells = self._child.stream("home"), world.tells
        for begin, end, base, shift in self._shifts(world):
            for piece in where.within(begin, end, base):
                draw = random.random()
                says = tells.hurried if shift.is_hurried else tells.looking
                if shift.is_done:
                    self._would_say(
                        piece, "home", _pick(says[_taken_for(piece, base)], draw), shift.after_s
                    )

    def _shifts(self, world: World) -> Iterator[tuple[datetime, datetime, str, Shift]]:
        child, zone = self._child, self._life.zone
        for _, day in self._life.each_day():
            home = (
                child.home_at(as_utc(day, figures.AFTERNOON, zone)) if child.moves else child.home
            )
            morning, afternoon, night = home.shifts(day)
            base = SCHOOL if child.is_pupil and world.school(day) else IN
            if home.place is figures.FLAT:
                if day.weekday() in home.visits_on:
                    yield *self._between(day, *_AFTERNOONS), IN, afternoon
                continue
            yield *self._between(day, figures.MORNING, figures.AFTERNOON), base, morning
            yield *self._between(day, figures.AFTERNOON, figures.NIGHT), IN, afternoon
            begin = as_utc(day, figures.NIGHT, zone)
            if not home.has_night_staff:
                begin = as_utc(day + DAY, figures.STAFF_COMES, zone)
            yield begin, as_utc(day + DAY, figures.MORNING, zone), IN, night

    def carer(self, where: Timeline, world: World) -> None:
        """The carer, by day and by night: seen or not seen."""
        if not self._life.has_carer:
            return
        random, tells = self._child.stream("carer"), world.tells
        for _, day in self._life.each_day():
            noon, night = time(7), time(22)
            parts = (
                (*self._between(day, noon, night), cohort.CARER_ANSWERS_DAY),
                (
                    as_utc(day, night, self._life.zone),
                    as_utc(day + DAY, noon, self._life.zone),
                    tells.carer_at_night,
                ),
            )
            for begin, end, answers in parts:
                for piece in where.within(begin, end, IN):
                    is_answered, draw = random.random() < answers, random.random()
                    after = _seconds(random, cohort.CARER_DELAY_MIN, cohort.CARER_SIGMA)
                    seen = draw < tells.carer_sees[piece.where]
                    if is_answered:
                        self._would_say(piece, "carer", "seen" if seen else "not_seen", after)

    def school(self, where: Timeline, world: World) -> None:
        """The morning list: what it said in the morning is all that it says."""
        if not self._child.has_school_list:
            return
        random = self._child.stream("school")
        for _, day in self._life.each_day():
            if world.school(day):
                self._once(day, figures.SCHOOL_LIST, where, "school", figures.SCHOOL_SAYS, random)

    def mentor(self, where: Timeline) -> None:
        """On the agreed day, whether the child has come."""
        on = self._child.mentor_on
        if on is None:
            return
        random = self._child.stream("meetings")
        for _, day in self._life.each_day():
            if day.weekday() == on:
                self._once(day, figures.MENTOR_DAY, where, "mentor", figures.MENTOR_SAYS, random)

    def _once(
        self,
        day: date,
        times: tuple[time, time],
        where: Timeline,
        by: str,
        says: dict[str, Shares],
        random: Random,
    ) -> None:
        begin, end = self._between(day, *times)
        draw, after = random.random(), _seconds(random, figures.WITNESS_MIN, figures.WITNESS_SIGMA)
        first = next(where.within(begin, end, IN))
        if first.where in HAS_LEFT:
            kind = GONE
        else:
            kind = LEAVE if first.where == LEAVE else IN
        self._would_say(first, by, _pick(says[kind], draw), after)

    def _between(self, day: date, begin: time, end: time) -> tuple[datetime, datetime]:
        return as_utc(day, begin, self._life.zone), as_utc(day, end, self._life.zone)

    def _would_say(self, piece: Piece, by: str, answer: str, after_s: int) -> None:
        begin = max(piece.at, self._life.begin)
        end = min(piece.until, self._life.end)
        for at, until in outside(self._mute, begin, end) if self._mute else ((begin, end),):
            if until - at > MINUTE:
                self._life.add(
                    whole(at),
                    "if_asked",
                    until=_last(until),
                    by=by,
                    answer=answer,
                    after_s=after_s,
                )


def _closings(child: Resident, world: World) -> None:
    """How an alert would be closed that calls adults then."""
    life, random, where = child.life, child.stream("closings"), away(child)
    at = life.begin
    while at < life.end:
        until = min(at + _ALERTS_EACH, life.end)
        for piece in where.within(at, until, IN):
            outcome, after = world.closes(piece.where == GONE, random)
            if piece.until - piece.at > MINUTE:
                text = _last(piece.until)
                life.add(whole(piece.at), "if_alerted", until=text, outcome=outcome, after_s=after)
        at = until


@lru_cache(maxsize=16_384)  # The shifts of a zone end at the same moments for all.
def _last(until: datetime) -> str:
    """The last second before a moment."""
    return stamp(until - _SECOND)


def _taken_for(piece: Piece, base: str) -> str:
    """In school hours the home takes a child who has just left for being at school."""
    return SCHOOL if piece.where == JUST_GONE and base == SCHOOL else piece.where


def _pick(shares: Shares, draw: float) -> str:
    for answer, share in shares:
        draw -= share
        if draw < 0:
            return answer
    return shares[0][0]


def _seconds(random: Random, minutes: float, sigma: float) -> int:
    return max(int(random.lognormvariate(0, sigma) * minutes * 60), 20)
