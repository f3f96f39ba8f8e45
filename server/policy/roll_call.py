"""Roll calls of a home, as a policy has them, and what their words weigh."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from server.policy.slots import Slot, slot_of


class Word(StrEnum):
    """What a home says of one child."""

    HERE = "here"
    NOT_HERE = "not_here"
    EXCUSED = "excused"  # Away with permission.
    UNKNOWN = "unknown"


class Errors(NamedTuple):
    """How often a witness does not find a child who is there, and how often they find one who has
    gone."""

    absent: float
    present: float

    def ratio(self, word: Word) -> float | None:
        """How many times as likely a word makes it that the child has gone; None where these
        numbers do not tell."""
        if word is Word.HERE:
            return self.present / (1 - self.absent)
        return (1 - self.present) / self.absent if word is Word.NOT_HERE else None


class Place(NamedTuple):
    """Where a word counts in what was learned: the level, the slot of the week, and whether it is
    night by the policy."""

    tier: str
    slot: Slot
    is_night: bool


# What was learned of a witness (learned.py).
ErrorsBySlot = Mapping[Place, Errors]

MOST_ROLL_CALLS = 6  # In a day.
NIGHT_BEGINS, NIGHT_ENDS = time(21), time(6)
# A first setting by hand, tried on a few simulated worlds. At night a home guesses more, and a bed
# that is empty says more.
DAY: Mapping[Word, float] = {Word.HERE: 0.05, Word.NOT_HERE: 200}
NIGHT: Mapping[Word, float] = {Word.HERE: 0.1, Word.NOT_HERE: 500}


class RollCall(msgspec.Struct, frozen=True):
    """When homes are asked who is there, by the clock on their wall, and how many times as likely
    each word makes it that a child has gone, by day and by night."""

    at: tuple[time, ...] = ()
    day: Mapping[Word, float] = msgspec.field(default_factory=lambda: DAY)
    night: Mapping[Word, float] = msgspec.field(default_factory=lambda: NIGHT)
    holds_for: timedelta = timedelta(hours=14)
    # Where a child has no carer, the people who work in the home are asked about them instead.
    instead_of_carer: bool = False
    errors: ErrorsBySlot | None = None  # What the weeks of the agency made of these words.

    def ratio(self, word: Word, local: datetime, tier: str) -> float:
        """How many times as likely; one: it tells nothing."""
        is_night = not NIGHT_ENDS <= local.time() < NIGHT_BEGINS
        errors = (self.errors or {}).get(Place(tier, slot_of(local), is_night))
        ratio = errors.ratio(word) if errors is not None else None
        return (self.night if is_night else self.day).get(word, 1.0) if ratio is None else ratio


NO_ROLL_CALL = RollCall()
