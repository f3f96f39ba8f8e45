"""The homes of a world. What happens in one depends on its number and the seed alone, so that a
child more changes nothing for the others."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from server.simulation import figures as cohort
from server.simulation.life import DAY, as_utc
from server.simulation.worlds import figures
from server.simulation.worlds.figures import Place


def stream(seed: int, *names: object) -> Random:
    """A generator of its own for each thing, so that none disturbs another."""
    return Random(f"waymark world {seed} {' '.join(map(str, names))}")  # noqa: S311 (a simulation, and repeatable)


class Shift(NamedTuple):
    """What one shift of a home does when it is asked for a roll call."""

    is_done: bool
    is_hurried: bool
    after_s: int


class Staffing(msgspec.Struct, frozen=True):
    """How a world's homes are staffed."""

    done: float = figures.ROLL_CALL_DONE
    hurried: float = figures.HURRIED
    night_staff: float = 1.0  # Times the share of the kind of home.


USUAL = Staffing()


@dataclass
class Home:
    """A home, a foster family or a flat, from `first` for so many days."""

    number: int
    place: Place
    size: int
    zone: ZoneInfo
    seed: int
    first: date
    days: int
    staffing: Staffing

    @cached_property
    def name(self) -> str:
        """The kind of home and its number."""
        return f"{self.place.name}{self.number:04}"

    def stream(self, what: str) -> Random:
        """A generator for one thing of this home."""
        return stream(self.seed, "home", self.number, what)

    @cached_property
    def has_night_staff(self) -> bool:
        """Whether anybody is awake at night."""
        share = self.place.night_staff * self.staffing.night_staff
        return self.stream("night").random() < share

    @cached_property
    def visits_on(self) -> tuple[int, ...]:
        """The days of the week on which a key worker comes to a flat."""
        return tuple(sorted(self.stream("visits").sample(range(5), figures.VISITS_A_WEEK)))

    @cached_property
    def _shifts(self) -> list[tuple[Shift, Shift, Shift]]:
        random, staffing = self.stream("shifts"), self.staffing
        done = staffing.done * (1.0 if self.place.is_group else figures.FOSTER_DONE)
        spread = figures.DONE_SPREAD
        done = random.betavariate(max(done * spread, 0.1), max((1 - done) * spread, 0.1))
        return [
            (
                _shift(random, done, staffing.hurried),
                _shift(random, done, staffing.hurried),
                _shift(random, done, staffing.hurried, figures.NIGHT_SLOWER),
            )
            for _ in range(self.days + 2)
        ]

    def shifts(self, day: date) -> tuple[Shift, Shift, Shift]:
        """Those of the morning, the afternoon and the night of a day."""
        return self._shifts[min(max((day - self.first).days, 0), self.days + 1)]

    @cached_property
    def _forgets(self) -> list[bool]:
        random = self.stream("spirit")
        return [random.random() < figures.GROUP_FORGETS for _ in range(self.days + 2)]

    def forgets(self, day: date) -> bool:
        """Whether this is a day on which hardly anybody in the home thinks of answering."""
        return self._forgets[min(max((day - self.first).days, 0), self.days + 1)]

    @cached_property
    def bunches(self) -> list[datetime]:
        """The moments at which children of this home leave together."""
        random, moments = self.stream("bunches"), []
        for number in range(self.days):
            if random.random() < figures.BUNCHES_MONTH / cohort.MONTH_DAYS:
                at = time(random.choice((19, 20, 21, 22, 23)), random.randint(0, 59))
                moments.append(as_utc(self.first + number * DAY, at, self.zone))
        return moments if self.place.is_group else []


def _shift(random: Random, done: float, hurried: float, slower: float = 1.0) -> Shift:
    minutes = random.lognormvariate(0, figures.ROLL_CALL_SIGMA) * figures.ROLL_CALL_MIN * slower
    return Shift(random.random() < done, random.random() < hurried, max(int(minutes * 60), 20))


class Homes:
    """The homes of a world in their order: as many as there are children for."""

    def __init__(
        self,
        seed: int,
        first: date,
        days: int,
        places: Sequence[tuple[Place, float]],
        staffing: Staffing,
    ) -> None:
        self._seed, self._first, self._days = seed, first, days
        self._shares = dict(places)
        self._children = dict.fromkeys(self._shares, 0)  # Who live in each kind so far.
        self._staffing = staffing
        self._homes: list[Home] = []
        self._full: list[int] = []  # The children in all homes up to this one.

    def home(self, number: int) -> Home:
        """The home with this number."""
        while len(self._homes) <= number:
            self._build()
        return self._homes[number]

    def of_child(self, number: int) -> Home:
        """Where the child with this number is placed: homes fill up one after the other."""
        while not self._full or self._full[-1] <= number:
            self._build()
        return self._homes[bisect_right(self._full, number)]

    def another(self, home: Home) -> Home | None:
        """A group home in the same zone to which a child of this home may move, if one is near."""
        near = [*range(home.number - 1, home.number - 9, -1), home.number + 1, home.number + 2]
        for number in near:
            other = self.home(number) if number >= 0 else None
            if other is not None and other.place.is_group and other.zone.key == home.zone.key:
                return other
        return None

    def _build(self) -> None:
        number = len(self._homes)
        random = stream(self._seed, "home", number)
        place = max(self._shares, key=self._lacks)
        size = random.randint(*place.size)
        self._children[place] += size
        zone = ZoneInfo(random.choice(cohort.ZONES))
        days, staffing = self._days, self._staffing
        self._homes.append(Home(number, place, size, zone, self._seed, self._first, days, staffing))
        self._full.append(size + (self._full[-1] if self._full else 0))

    def _lacks(self, place: Place) -> float:
        """How far a kind of home is behind its share, so that each is there among few children."""
        whole = sum(self._children.values()) + sum(place.size) / 2
        return self._shares[place] * whole - self._children[place]
