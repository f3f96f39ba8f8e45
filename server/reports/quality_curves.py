"""Three small curves over the weeks: missed check-ins, alerts, and false alarms. Pure.

They are counts of the whole agency, and no rates: a curve tells whether it is getting better, and
the table beside it how many there were.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from server.reports.quality import REAL, Called

WIDTH, HEIGHT = 120, 40
_EDGE = 4
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """The seven days from `begin` on."""

    begin: date
    misses: int
    alerts: int
    false: int


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through one count a week, in units of the view box, and the place of its end."""

    points: str
    end: tuple[float, float]
    first: int
    last: int
    most: int


def weeks(
    calls: Iterable[Called], misses: Iterable[tuple[str, date]], since: date, until: date
) -> list[Week]:
    """The whole weeks that end with the day before `until`, the earliest first; days before the
    first of them are in none."""
    count = (until - since) // _WEEK
    first = until - count * _WEEK
    missed, called, false = ([0] * count for _ in range(3))
    for _, day in misses:
        if first <= day < until:
            missed[(day - first) // _WEEK] += 1
    for call in calls:
        if call.day is None or not first <= call.day < until:
            continue
        place = (call.day - first) // _WEEK
        called[place] += 1
        false[place] += call.outcome is not None and call.outcome not in REAL
    return [
        Week(first + place * _WEEK, missed[place], called[place], false[place])
        for place in range(count)
    ]


def curve(counts: Sequence[int]) -> Curve | None:
    """The line from left to right, zero at the bottom; None for fewer than two weeks."""
    if len(counts) < 2:
        return None
    most = max(*counts, 1)
    step = (WIDTH - 2 * _EDGE) / (len(counts) - 1)
    places = [
        (
            round(_EDGE + step * place, 1),
            round(HEIGHT - _EDGE - (HEIGHT - 2 * _EDGE) * count / most, 1),
        )
        for place, count in enumerate(counts)
    ]
    points = " ".join(f"{x:g},{y:g}" for x, y in places)
    return Curve(points, places[-1], counts[0], counts[-1], max(counts))
