"""Where a child of a world is, as the adults around them would find or take it.

An agreed leave hides that a child has gone: the adults take them for being on it until it ends.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from server.simulation.life import HOUR, Absence, as_utc
from server.simulation.lives.check_ins import outside
from server.simulation.worlds import figures
from server.simulation.worlds.residents import Resident, Span

IN, SCHOOL, FREE, LEAVE, OUT = "in", "school", "free", "leave", "out"
JUST_GONE, GONE, LONG_GONE = "just_gone", "gone", "long_gone"
HAS_LEFT = frozenset({JUST_GONE, GONE, LONG_GONE})


class Piece(NamedTuple):
    """A time in which the child is in one place."""

    at: datetime
    until: datetime
    where: str


class Timeline:
    """Pieces that do not overlap; in between the child is where they ought to be."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = sorted(pieces)
        self._ends = [piece.until for piece in self._pieces]

    def within(self, begin: datetime, end: datetime, base: str) -> Iterator[Piece]:
        """The pieces of a time; in between `base`."""
        number, at = bisect_right(self._ends, begin), begin
        while at < end:
            if number >= len(self._pieces) or self._pieces[number].at >= end:
                yield Piece(at, end, base)
                return
            piece = self._pieces[number]
            if at < piece.at:
                yield Piece(at, piece.at, base)
            at = min(piece.until, end)
            yield Piece(max(begin, piece.at), at, piece.where)
            number += 1


def timeline(child: Resident) -> Timeline:
    """Where a child is from the beginning to the end of their watch."""
    life = child.life
    pieces = [Piece(begin, until, LEAVE) for begin, until in _apart(life.pauses)]
    _add(pieces, [stage for gone in life.absences for stage in _stages(gone, life.end)])
    _add(pieces, [Piece(begin, until, OUT) for begin, until in _apart(child.outings)])
    _add(pieces, list(_free(child)))
    return Timeline(pieces)


def away(child: Resident) -> Timeline:
    """When an alert would rightly be closed with "was away": a while longer than they are gone."""
    longer = figures.CLOSED_AFTER_RETURN_H * HOUR
    spans = [
        (gone.left_at, gone.back_at + longer if gone.back_at else child.life.end)
        for gone in child.life.absences
    ]
    return Timeline([Piece(begin, until, GONE) for begin, until in spans])


def _stages(gone: Absence, end: datetime) -> Iterator[Piece]:
    back = gone.back_at or end
    edges = [
        gone.left_at,
        min(gone.left_at + figures.JUST_GONE_H * HOUR, back),
        min(gone.left_at + figures.LONG_GONE_H * HOUR, back),
        back,
    ]
    for number, where in enumerate((JUST_GONE, GONE, LONG_GONE)):
        if edges[number] < edges[number + 1]:
            yield Piece(edges[number], edges[number + 1], where)


def _free(child: Resident) -> Iterator[Piece]:
    random, zone = child.stream("free"), child.life.zone
    for _, day in child.life.each_day():
        if random.random() < figures.FREE_EVENING:
            begin = as_utc(day, figures.AFTERNOON, zone)
            yield Piece(begin, as_utc(day, figures.SUPPER, zone), FREE)


def _add(pieces: list[Piece], more: list[Piece]) -> None:
    """Where they leave room."""
    taken = sorted((piece.at, piece.until) for piece in pieces)
    pieces += [
        Piece(at, until, piece.where)
        for piece in more
        for at, until in outside(taken, piece.at, piece.until)
    ]


def _apart(spans: list[Span]) -> list[Span]:
    """Spans that overlap, as one."""
    joined: list[Span] = []
    for begin, until in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        else:
            joined.append((begin, until))
    return joined
