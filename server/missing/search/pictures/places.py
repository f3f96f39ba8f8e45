"""The places of a search as linked dots, in the order of time, without a map. Pure.

A place that people name twice is one dot with two times. The path links the places where the child
was seen, as they followed each other in one search; a link that does not lead to the next dot is
an arc beside the path. Lengths are sixteenths of the reader's letter size, so that the drawing fits
the lines of text beside it. Everything is drawn for reading from the left; the page mirrors it.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from itertools import pairwise
from uuid import UUID

import msgspec

# So many dots are seen at one look; the table has the others.
MOST_DRAWN = 8
SHORT_ROW, LONG_ROW = 56, 80
DOT_Y, RADIUS = 18, 7
_LANE, _MOST_LANES = 16, 3
_BEND, _ARROW, _GAP = 10, 6, 13
# An arc leaves a dot above its middle and arrives below it, so that two of them stay apart.
_ASIDE = 5
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class Known(IntEnum):
    """How much is known of the child at a place. The highest is what its dot shows."""

    LIKELY = 0
    LOOKED = 1  # People looked there, and the child was not seen.
    SEEN = 2


class Report(msgspec.Struct, frozen=True):
    """What a person said of one place. `level`: how much is known of the child there; `word`: what
    it was, for the reader; `at` None: at no certain time; `search`: the id of its search."""

    place: str
    level: Known
    word: str
    at: datetime | None = None
    search: UUID | None = None


class Place(msgspec.Struct, frozen=True):
    """One place, and what was said of it: first without a time, then in the order of time."""

    name: str
    reports: tuple[Report, ...]

    @property
    def known(self) -> Known:
        """The most that is known."""
        return max(report.level for report in self.reports)

    @property
    def times_seen(self) -> int:
        """How often the child was seen here."""
        return sum(report.level is Known.SEEN for report in self.reports)

    @property
    def latest(self) -> tuple[Report, ...]:
        """The reports that have room beside the dot."""
        return self.reports[-2:] if self.before == 0 else self.reports[-1:]

    @property
    def before(self) -> int:
        """How many reports have no room there."""
        return len(self.reports) - 1 if len(self.reports) > 2 else 0


class Dot(msgspec.Struct, frozen=True):
    """A place in the drawing. The text beside it is `height` high and begins `DOT_Y` above `y`."""

    place: Place
    x: int
    y: int
    height: int


class Link(msgspec.Struct, frozen=True):
    """From one dot to the next in time, and the arrow at its end, in the words of SVG."""

    line: str
    arrow: str
    is_return: bool


class Drawing(msgspec.Struct, frozen=True):
    """`dots` from the earliest to the latest; `places`: all of them, for the table."""

    dots: tuple[Dot, ...]
    links: tuple[Link, ...]
    width: int
    height: int
    places: tuple[Place, ...]

    @property
    def hidden(self) -> int:
        """How many places stand in the table alone."""
        return len(self.places) - len(self.dots)

    @property
    def returns(self) -> tuple[str, ...]:
        """The places where the child was seen more than once."""
        return tuple(place.name for place in self.places if place.times_seen > 1)


def drawn(reports: Iterable[Report]) -> Drawing:
    """The drawing of everything that is known of places."""
    places = _places(reports)
    shown = _most_telling(places)
    moves = [move for move in _moves(places) if set(move) <= set(shown)]
    lanes = _lanes([(shown.index(start), shown.index(end)) for start, end in moves], places, shown)
    count = max(lanes.values(), default=-1) + 1
    spine = _LANE + (_LANE * count + _BEND if count else 0)
    dots = _dots([places[number] for number in shown], spine)
    links = tuple(
        _link(dots[start], dots[end], spine - _LANE * (lane + 2) if lane >= 0 else spine)
        for (start, end), lane in lanes.items()
    )
    height = sum(dot.height for dot in dots)
    return Drawing(dots, links, spine + _LANE + 10, height, places)


# --- what belongs to one place


_LENGTHENING = "\N{ARABIC TATWEEL}"


def key_of(name: str) -> str:
    """The same for two spellings of one name: capitals, accents, signs and spaces do not count."""
    bare = (char for char in unicodedata.normalize("NFKD", name.casefold()) if not _is_mark(char))
    letters = "".join(char if char.isalnum() else " " for char in bare)
    return " ".join(letters.split()) or name.strip()


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) == "Mn" or char == _LENGTHENING


def _places(reports: Iterable[Report]) -> tuple[Place, ...]:
    """Each place once, by when it was first named; those without a time last."""
    in_order = sorted(reports, key=lambda report: (report.at is None, report.at or _EARLIEST))
    by_key: dict[str, list[Report]] = {}
    for report in in_order:
        if report.place.strip():
            by_key.setdefault(key_of(report.place), []).append(report)
    ordered = map(_timed_last, by_key.values())
    return tuple(Place(_name(same), same) for same in ordered)


def _timed_last(same: Sequence[Report]) -> tuple[Report, ...]:
    """What has room beside the dot is what happened last."""
    timed = [report for report in same if report.at is not None]
    return (*(report for report in same if report.at is None), *timed)


def _name(same: Sequence[Report]) -> str:
    """As it was written last."""
    return " ".join(same[-1].place.split())


def _most_telling(places: Sequence[Place]) -> list[int]:
    """The numbers of the places to draw, in their order: first where the child was seen, then
    what was said last."""
    ranks = sorted(range(len(places)), key=lambda number: _rank(places[number]), reverse=True)
    return sorted(ranks[:MOST_DRAWN])


def _rank(place: Place) -> tuple[bool, datetime]:
    times = [report.at for report in place.reports if report.at is not None]
    return place.known is Known.SEEN, max(times, default=_EARLIEST)


# --- the path


def _moves(places: Sequence[Place]) -> list[tuple[int, int]]:
    """From which place to which, each once. What lies between two searches is no move: the child
    was at home."""
    seen = [
        (report.at, number, report.search)
        for number, place in enumerate(places)
        for report in place.reports
        if report.level is Known.SEEN and report.at is not None
    ]
    by_search: dict[UUID | None, list[int]] = {}
    for _, number, search in sorted(seen, key=lambda sighting: sighting[:2]):
        by_search.setdefault(search, []).append(number)
    moves = [move for numbers in by_search.values() for move in pairwise(numbers)]
    return list(dict.fromkeys((start, end) for start, end in moves if start != end))


def _lanes(
    moves: Sequence[tuple[int, int]], places: Sequence[Place], shown: Sequence[int]
) -> Mapping[tuple[int, int], int]:
    """How far from the path each move is drawn; -1: on the path itself."""
    on_path = [row for row, number in enumerate(shown) if places[number].known is Known.SEEN]
    neighbours = set(pairwise(on_path))
    lanes = {move: -1 for move in moves if move in neighbours}
    taken: list[list[tuple[int, int]]] = [[] for _ in range(_MOST_LANES)]
    arcs = [move for move in moves if move not in neighbours]
    for move in sorted(arcs, key=lambda move: (abs(move[1] - move[0]), move[1] > move[0])):
        low, high = sorted(move)
        free = (
            lane
            for lane, spans in enumerate(taken)
            if all(high <= begin or end <= low for begin, end in spans)
        )
        lanes[move] = next(free, _MOST_LANES - 1)
        taken[lanes[move]].append((low, high))
    return lanes


def _dots(places: Sequence[Place], spine: int) -> tuple[Dot, ...]:
    dots, top = [], 0
    for place in places:
        height = LONG_ROW if len(place.reports) > 1 else SHORT_ROW
        # Beside the path, where the child was not seen.
        x = spine if place.known is Known.SEEN else spine + _LANE
        dots.append(Dot(place, x, top + DOT_Y, height))
        top += height
    return tuple(dots)


def _link(start: Dot, end: Dot, lane: int) -> Link:
    if lane == start.x:
        tip = end.y - _GAP
        arrow = f"{end.x},{tip} {end.x - 5},{tip - _ARROW} {end.x + 5},{tip - _ARROW}"
        return Link(f"M{start.x} {start.y}V{tip - _ARROW}", arrow, is_return=False)
    down = 1 if end.y > start.y else -1
    begin, stop, tip = start.y - _ASIDE, end.y + _ASIDE, end.x - _GAP
    line = (
        f"M{start.x} {begin}H{lane + _BEND}Q{lane} {begin} {lane} {begin + _BEND * down}"
        f"V{stop - _BEND * down}Q{lane} {stop} {lane + _BEND} {stop}H{tip - _ARROW}"
    )
    arrow = f"{tip},{stop} {tip - _ARROW},{stop - 5} {tip - _ARROW},{stop + 5}"
    return Link(line, arrow, is_return=down < 0)
