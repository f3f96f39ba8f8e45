"""Roll calls of a home, as a policy has them, and what their words weigh."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum


class Word(StrEnum):
    """What a home says of one child."""

    HERE = "here"
    NOT_HERE = "not_here"
    EXCUSED = "excused"  # Away with permission.
    UNKNOWN = "unknown"


MOST_ROLL_CALLS = 6  # In a day.
NIGHT_BEGINS, NIGHT_ENDS = time(21), time(6)
# A first setting by hand, tried on a few simulated worlds. At night a home guesses more, and a bed
# that is empty says more.
DAY: Mapping[Word, float] = {Word.HERE: 0.05, Word.NOT_HERE: 200}
NIGHT: Mapping[Word, float] = {Word.HERE: 0.1, Word.NOT_HERE: 500}


@dataclass(frozen=True, slots=True)
class RollCall:
    """When homes are asked who is there, by the clock on their wall, and how many times as likely
    each word makes it that a child has gone, by day and by night."""

    at: tuple[time, ...] = ()
    day: Mapping[Word, float] = field(default_factory=lambda: DAY)
    night: Mapping[Word, float] = field(default_factory=lambda: NIGHT)
    holds_for: timedelta = timedelta(hours=14)
    # Where a child has no carer, the people who work in the home are asked about them instead.
    instead_of_carer: bool = False

    def ratio(self, word: Word, at: time) -> float:
        """How many times as likely; one: it tells nothing."""
        is_night = at < NIGHT_ENDS or at >= NIGHT_BEGINS
        return (self.night if is_night else self.day).get(word, 1.0)


NO_ROLL_CALL = RollCall()
