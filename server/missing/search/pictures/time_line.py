"""A search as one line of time: what was done above, what is due below, and now in between. Pure.

Minutes count near now, and days far from it: each side is drawn on a logarithmic scale, from now
outwards. Places are units of the view box, from left to right; a page that is read from the right
mirrors them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import log1p

import msgspec

from server.web.letters import letters

WIDTH, HEIGHT = 400, 132
LINE_Y = 62
_EDGE = 16
# Below this distance two marks would touch.
_TOO_NEAR = 17
# This far from now the scale is still about even.
_EVEN_S = 1_800.0


class Event(msgspec.Struct, frozen=True):
    """Something that was done, or is due."""

    at: datetime
    title: str
    is_due: bool = False
    is_over: bool = False  # Due, and late.


class Mark(msgspec.Struct, frozen=True):
    """One mark on the line, for one event or for several that lie close together."""

    letter: str
    x: int
    is_due: bool
    is_over: bool
    events: tuple[Event, ...]


class TimeLine(msgspec.Struct, frozen=True):
    """The marks in the order of time, and where now is. `middle`: what is there instead of now, in
    words."""

    marks: tuple[Mark, ...]
    now_x: int
    middle: str = ""


def drawn(events: Iterable[Event], now: datetime, middle: str = "") -> TimeLine:
    """The line. Without anything that lies ahead, now is its right end."""
    in_order = sorted(events, key=lambda event: (event.at, event.is_due))
    reach = _reach([(event.at - now).total_seconds() for event in in_order])
    now_x = _now_x(reach)
    names = letters()
    marks = [
        Mark(
            next(names),
            round(sum(x for x, _ in group) / len(group)),
            group[0][1].is_due,
            any(event.is_over for _, event in group),
            tuple(event for _, event in group),
        )
        for group in _groups([(_place(event.at, now, now_x, reach), event) for event in in_order])
    ]
    return TimeLine(tuple(marks), now_x, middle)


def _reach(seconds: Sequence[float]) -> tuple[float, float]:
    """How far the line goes back from now and ahead of it, on the scale of the line."""
    return (
        max((_scaled(-each) for each in seconds if each < 0), default=0.0),
        max((_scaled(each) for each in seconds if each > 0), default=0.0),
    )


def _scaled(seconds: float) -> float:
    return log1p(seconds / _EVEN_S)


def _now_x(reach: tuple[float, float]) -> int:
    back, ahead = reach
    if not ahead:
        return WIDTH - _EDGE
    return round(WIDTH * 0.55) if back else _EDGE


def _place(at: datetime, now: datetime, now_x: int, reach: tuple[float, float]) -> float:
    seconds = (at - now).total_seconds()
    if seconds < 0:
        return now_x - (now_x - _EDGE) * _scaled(-seconds) / reach[0]
    if seconds > 0:
        return now_x + (WIDTH - _EDGE - now_x) * _scaled(seconds) / reach[1]
    return float(now_x)


def _groups(placed: Sequence[tuple[float, Event]]) -> list[list[tuple[float, Event]]]:
    """Events that lie too close for marks of their own, above and below apart."""
    groups: list[list[tuple[float, Event]]] = []
    for is_due in (False, True):
        last: list[tuple[float, Event]] | None = None
        for x, event in placed:
            if event.is_due != is_due:
                continue
            if last is None or x - last[0][0] >= _TOO_NEAR:
                last = []
                groups.append(last)
            last.append((x, event))
    return sorted(groups, key=lambda group: (group[0][0], group[0][1].is_due))
