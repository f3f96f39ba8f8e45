"""What a world is: data and behaviours, each of which another world may replace."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from random import Random

import msgspec

from server.simulation import figures as cohort
from server.simulation.lives.check_ins import Answering
from server.simulation.worlds import answering, calendar, closing, figures, leaving, network, phones
from server.simulation.worlds import out as outings
from server.simulation.worlds.figures import Place, Shares
from server.simulation.worlds.homes import USUAL, Staffing
from server.simulation.worlds.network import Network
from server.simulation.worlds.residents import Resident


class Numbers(msgspec.Struct, frozen=True):
    """Numbers of the cohort that a world may have otherwise."""

    answers: tuple[float, float] = cohort.ANSWERS  # Beta.
    coerced: float = cohort.COERCED  # Of those who go, go on answering.
    late: float = 1.0  # Evenings out past the hour; times the figure.


class Tells(msgspec.Struct, frozen=True):
    """What adults say of a child, by where the child is."""

    looking: Mapping[str, Shares] = msgspec.field(default_factory=lambda: figures.SAYS)
    hurried: Mapping[str, Shares] = msgspec.field(default_factory=lambda: figures.GUESSES)
    carer_sees: Mapping[str, float] = msgspec.field(default_factory=lambda: figures.CARER_SEES)
    carer_at_night: float = cohort.CARER_ANSWERS_NIGHT  # Of the questions at night, are answered.


class World(msgspec.Struct, frozen=True):
    """A world, with what is special about it in one sentence. The rest is as in `ordinary`."""

    name: str
    says: str
    numbers: Numbers = Numbers()
    places: tuple[tuple[Place, float], ...] = tuple((p, p.share) for p in figures.PLACES)
    staffing: Staffing = USUAL
    tells: Tells = Tells()
    # On which days there is school.
    school: Callable[[date], bool] = calendar.is_weekday
    # Agreed absences, written into the life of the child.
    leave: Callable[[Resident], None] = outings.usual_leave
    # The evenings out past the hour.
    outings: Callable[[Resident], None] = outings.usual
    # When the child might leave, in order.
    going: Callable[[Resident], Iterator[datetime]] = leaving.usual
    # How the child would answer what is due at a moment.
    answers: Callable[[Resident, datetime], Answering] = answering.usual
    # What becomes of the phone.
    phones: Callable[[Resident], None] = phones.usual
    # What is down for many at once: by seed and days.
    network: Callable[[int, int], Network] = network.usual
    # How an adult closes an alert: whether the child was away, the outcome, and after how long.
    closes: Callable[[bool, Random], tuple[str, int]] = closing.usual
