"""Three small curves over the weeks: missed check-ins, alerts, and false alarms. Pure.

They are counts of the whole agency, and no rates: a curve tells whether it is getting better, and
the table beside it how many there were.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from server.reports.quality import REAL, Called

WIDTH, HEIGHT = 120, 40
_EDGE = 4
_WEEK = timedelta(days=7)


class Week(msgspec.Struct):
    """The seven days from `begin` on."""

    begin: date
    misses: int = 0
    alerts: int = 0
    false: int = 0

    @property
    def end(self) -> date:
        """The first day of the next one."""
        return self.begin + _WEEK


def weeks(since: date, until: date) -> list[Week]:
    """The whole weeks that end with the day before `until`, the earliest first, with nothing in
    them; days before the first of them are in none."""
    count = (until - since) // _WEEK
    return [Week(until - place * _WEEK) for place in range(count, 0, -1)]


def add(weeks: Sequence[Week], call: Called) -> None:
    """Count an alert in its week."""
    place = (call.day - weeks[0].begin) // _WEEK if weeks else -1
    if 0 <= place < len(weeks):
        weeks[place].alerts += 1
        weeks[place].false += call.outcome is not None and call.outcome not in REAL


class Curve(msgspec.Struct, frozen=True):
    """A line through one number a week, in units of the view box, and the place of its end.
    `level`: how high a number lies that all of them are held against."""

    points: str
    end: tuple[float, float]
    first: float
    last: float
    most: float
    level: float | None = None


def curve(counts: Sequence[float], beside: float | None = None) -> Curve | None:
    """The line from left to right, zero at the bottom; None for fewer than two weeks. `beside`: a
    number to hold them against, as a level line."""
    if len(counts) < 2:
        return None
    most = max(*counts, beside or 1)
    step = (WIDTH - 2 * _EDGE) / (len(counts) - 1)

    def height(count: float) -> float:
        return round(HEIGHT - _EDGE - (HEIGHT - 2 * _EDGE) * count / most, 1)

    places = [(round(_EDGE + step * place, 1), height(n)) for place, n in enumerate(counts)]
    points = " ".join(f"{x:g},{y:g}" for x, y in places)
    level = None if beside is None else height(beside)
    return Curve(points, places[-1], counts[0], counts[-1], max(counts), level)
