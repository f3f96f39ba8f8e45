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


@dataclass(frozen=True, slots=True)
class RollCall:
    """When homes are asked who is there, by the clock on their wall, and how many times as likely
    each word makes it that a child has gone, by day and by night."""

    at: tuple[time, ...] = ()
    day: Mapping[Word, float] = field(default_factory=dict)
    night: Mapping[Word, float] = field(default_factory=dict)
    holds_for: timedelta = timedelta(hours=12)

    def ratio(self, word: Word, at: time) -> float:
        """How many times as likely; one: it tells nothing."""
        is_night = at < time(6) or at >= time(21)
        return (self.night if is_night else self.day).get(word, 1.0)


NO_ROLL_CALL = RollCall()
