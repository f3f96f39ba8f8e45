"""Points on two axes as numbers for a drawing: the place of each, and the labels at the edges.
Pure.

The template draws; colours and type are in the style sheet, so that it reads in light and dark.
"""

from collections.abc import Sequence

import msgspec

WIDTH, HEIGHT = 400, 260
LEFT, RIGHT, TOP, BOTTOM = 46, 30, 14, 30
# Dots nearer than this share one label, or the letters would overlap.
TOO_NEAR = 20
_STEPS = (1, 2, 5, 10)
# So many lines across are enough to read a value by.
_LINES = 5


class Point(msgspec.Struct, frozen=True):
    """One thing to draw, with its letter in the table."""

    letter: str
    x: float
    y: float


class Label(msgspec.Struct, frozen=True):
    """Letters, and their place."""

    text: str
    x: int
    y: int


class Tick(msgspec.Struct, frozen=True):
    """A value at an edge, and where its line is."""

    value: float
    at: int


class Picture(msgspec.Struct, frozen=True):
    """Everything that is drawn, in units of the view box."""

    dots: list[tuple[int, int]]
    labels: list[Label]
    across: list[Tick]  # Along the lower edge.
    up: list[Tick]  # Along the left edge.


def drawn(points: Sequence[Point]) -> Picture:
    """The points between zero and the largest; zero is at the left and at the bottom."""
    most_x = _most([point.x for point in points])
    most_y = _most([point.y for point in points])
    places = [
        (
            point.letter,
            round(LEFT + (WIDTH - LEFT - RIGHT) * point.x / most_x),
            round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * point.y / most_y),
        )
        for point in points
    ]
    return Picture(
        dots=[(x, y) for _, x, y in places],
        labels=_labels(places),
        across=[
            Tick(value, round(LEFT + (WIDTH - LEFT - RIGHT) * value / most_x))
            for value in ticks(most_x)
        ],
        up=[
            Tick(value, round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / most_y))
            for value in ticks(most_y)
        ],
    )


def _most(values: Sequence[float]) -> float:
    """The end of an axis: the next round value."""
    most = max(values, default=0.0)
    if most <= 0:
        return 1.0
    step = _step(most)
    return step * -(-most // step)


def _step(most: float) -> float:
    """1, 2 or 5 times a power of ten, so that few of them reach so far."""
    power = 1.0
    while power * 10 <= most / _LINES:
        power *= 10
    while power > most / _LINES:
        power /= 10
    return next(power * step for step in _STEPS if power * step * _LINES >= most)


def ticks(most: float) -> list[float]:
    """The round values from zero to the end of an axis."""
    step = _step(most)
    return [round(step * number, 9) for number in range(int(most / step + 1e-6) + 1)]


def _labels(places: Sequence[tuple[str, int, int]]) -> list[Label]:
    labels: list[Label] = []
    for letter, x, y in places:
        near = next(
            (
                place
                for place, label in enumerate(labels)
                if abs(label.x - x) < TOO_NEAR and abs(label.y - y) < TOO_NEAR
            ),
            None,
        )
        if near is None:
            labels.append(Label(letter, x, y))
        else:
            label = labels[near]
            labels[near] = Label(f"{label.text}{letter}", label.x, label.y)
    return labels
