"""A child of a world: their life, their home, and what is theirs alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from random import Random

from server.simulation import figures as cohort
from server.simulation.life import DAY, HOUR, Life, as_utc
from server.simulation.worlds import figures
from server.simulation.worlds.homes import Home, stream

Span = tuple[datetime, datetime]


@dataclass
class Resident:
    """A child, `life` being what the events are made of. What is drawn for one thing depends on
    the seed, the child and that thing alone."""

    life: Life
    home: Home  # Where they are placed first.
    seed: int
    late: float  # How often out past the hour; times the figure.
    language: str = ""
    moves: list[tuple[datetime, Home]] = field(default_factory=list)
    outings: list[Span] = field(default_factory=list)  # Past the hour, and coming back.

    def stream(self, what: str) -> Random:
        """A generator for one thing of this child."""
        return stream(self.seed, self.life.name, what)

    def home_at(self, at: datetime) -> Home:
        """Where the child lives at a moment."""
        home = self.home
        for moved_at, other in self.moves:
            if moved_at <= at:
                home = other
        return home

    def homes(self) -> Iterator[tuple[Home, datetime, datetime]]:
        """Each home, and from when to when."""
        moments = [self.life.begin, *(at for at, _ in self.moves), self.life.end]
        homes = [self.home, *(home for _, home in self.moves)]
        yield from zip(homes, moments[:-1], moments[1:], strict=True)

    def day_number(self, at: datetime) -> int:
        """The day of the placement, from 0."""
        return max((at - self.life.begin) // DAY, 0)

    # --- what is theirs

    @cached_property
    def is_pupil(self) -> bool:
        """Whether they go to school."""
        return self.stream("pupil").random() < figures.PUPILS

    @cached_property
    def has_school_list(self) -> bool:
        """Whether their school sends its morning list."""
        return self.is_pupil and self.stream("list").random() < figures.SCHOOL_LISTS

    @cached_property
    def mentor_on(self) -> int | None:
        """The day of the week on which a mentor meets them."""
        random = self.stream("mentor")
        return random.randrange(7) if random.random() < figures.MENTORS else None

    @cached_property
    def fasts(self) -> bool:
        """Whether they fast in Ramadan; drawn, since a language is no faith."""
        return self.stream("fasts").random() < figures.RAMADAN_LANGUAGES.get(self.language, 0)

    @cached_property
    def own_minutes(self) -> float:
        """How long after a reminder they answer out of habit."""
        return self.stream("minutes").uniform(5, 90)

    @cached_property
    def _moods(self) -> list[float]:
        random, mood, keeps = self.stream("mood"), 0.0, figures.MOOD_KEEPS
        rest, moods = (1 - keeps**2) ** 0.5, []
        for _ in range((self.life.end - self.life.begin).days + 2):
            mood = keeps * mood + rest * random.gauss(0, 1)
            moods.append(mood)
        return moods

    def mood(self, at: datetime) -> float:
        """Their mood on a day: about normal, and turning slowly."""
        return self._moods[min(self.day_number(at), len(self._moods) - 1)]

    @cached_property
    def _habit(self) -> list[bool]:
        random, is_in, days = self.stream("habit"), True, []
        for _ in range((self.life.end - self.life.begin).days + 2):
            lasts = figures.HABIT_IN_DAYS if is_in else figures.HABIT_OUT_DAYS
            if random.random() < 1 / lasts:
                is_in = not is_in
            days.append(is_in)
        return days

    def is_in_habit(self, at: datetime) -> bool:
        """Whether answering is a habit of theirs at this time."""
        return self._habit[min(self.day_number(at), len(self._habit) - 1)]

    @cached_property
    def visits(self) -> list[Span]:
        """When a person from before comes to see them, or they go there."""
        random, at, visits = self.stream("visits"), self.life.begin, []
        while (at := at + random.randint(*figures.VISIT_EACH_DAYS) * DAY) < self.life.end:
            day = at.astimezone(self.life.zone).date()
            begin = as_utc(day, time(random.randint(11, 15), 30), self.life.zone)
            visits.append((begin, begin + random.randint(*figures.VISIT_H) * HOUR))
        return visits

    @cached_property
    def weekends(self) -> list[Span]:
        """Agreed leave from Friday to Sunday, every second weekend."""
        random = self.stream("weekends")
        if random.random() >= figures.WEEKEND_LEAVE:
            return []
        odd = random.randrange(2)
        fridays = [day for _, day in self.life.each_day() if day.weekday() == 4]
        return [
            (self._local(day, time(17)), self._local(day + 2 * DAY, time(18)))
            for day in fridays
            if day.toordinal() // 7 % 2 == odd
        ]

    def _local(self, day: date, at: time) -> datetime:
        return as_utc(day, at, self.life.zone)


def kind_in(home: Home, random: Random) -> cohort.Kind:
    """The kind of placement, as children of such a home have it."""
    return random.choices(cohort.KINDS, home.place.kinds)[0]
