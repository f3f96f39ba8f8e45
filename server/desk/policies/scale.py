"""The scale of the bar of silence: which place a moment has, from 0 to 100. Pure.

It is broken: two clocks beside each other, and on each of them the hours get narrower the later
they are. So it is the same for each level, and each duration that a policy may have is on it.
Between two points it is even. The script of the page gets the same points.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

MINUTE, HOUR, DAY = 60, 3600, 86400
Point = tuple[int, float]  # Seconds, and the place.


class Clock(StrEnum):
    """From when the seconds are counted."""

    DUE = "due"  # From the moment at which the check-in was due.
    SIGN = "sign"  # From the last answer, or whatever else counts against silence.


class Tick(NamedTuple):
    """A moment with a label. One that `is_fine` has room on a wide screen alone."""

    clock: Clock
    seconds: int
    is_fine: bool


# Seconds, and how wide the way is from the point before.
_DUE = (
    (-30 * DAY, 0.0),
    (-DAY, 0.3),
    (-4 * HOUR, 0.5),
    (-HOUR, 1.0),
    (0, 1.2),
    (15 * MINUTE, 1.0),
    (30 * MINUTE, 0.8),
    (HOUR, 0.9),
    (2 * HOUR, 0.9),
    (4 * HOUR, 0.8),
    (8 * HOUR, 0.6),
    (DAY, 0.5),
    (30 * DAY, 0.3),
)
_SIGN = ((0, 0.0), (12 * HOUR, 0.6), (DAY, 0.9), (2 * DAY, 1.0), (4 * DAY, 0.8), (30 * DAY, 0.6))
_GAP = 0.6
_WHOLE = sum(width for _, width in (*_DUE, *_SIGN)) + _GAP


def _placed(begin: float, points: Iterable[tuple[int, float]]) -> tuple[Point, ...]:
    placed, at = [], begin
    for seconds, width in points:
        at += width
        placed.append((seconds, round(at / _WHOLE * 100, 2)))
    return tuple(placed)


SCALE: Final = {
    Clock.DUE: _placed(0.0, _DUE),
    Clock.SIGN: _placed(sum(width for _, width in _DUE) + _GAP, _SIGN),
}
BREAK: Final = (SCALE[Clock.DUE][-1][1] + SCALE[Clock.SIGN][0][1]) / 2
TICKS: Final = (
    Tick(Clock.DUE, -4 * HOUR, is_fine=False),
    Tick(Clock.DUE, -HOUR, is_fine=True),
    Tick(Clock.DUE, 0, is_fine=False),
    Tick(Clock.DUE, 15 * MINUTE, is_fine=True),
    Tick(Clock.DUE, 30 * MINUTE, is_fine=True),
    Tick(Clock.DUE, HOUR, is_fine=False),
    Tick(Clock.DUE, 2 * HOUR, is_fine=True),
    Tick(Clock.DUE, 4 * HOUR, is_fine=False),
    Tick(Clock.DUE, 8 * HOUR, is_fine=True),
    Tick(Clock.SIGN, 12 * HOUR, is_fine=True),
    Tick(Clock.SIGN, DAY, is_fine=False),
    Tick(Clock.SIGN, 2 * DAY, is_fine=True),
    Tick(Clock.SIGN, 4 * DAY, is_fine=False),
)


def place(clock: Clock, seconds: float) -> float:
    """The place of a moment; what is outside of the scale is at its end."""
    return _between(SCALE[clock], seconds)


def _between(points: Sequence[Point], seconds: float) -> float:
    seconds = min(max(seconds, points[0][0]), points[-1][0])
    for (begin, first), (end, last) in pairwise(points):
        if seconds <= end:
            return first + (last - first) * (seconds - begin) / (end - begin)
    return points[-1][1]
