"""What the words of schools, clubs and other witnesses weigh, as a policy has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from server.policy.roll_call import Word

MOST_TIMES = 6  # In a day.
# Weak on purpose. A witness meets the child once in a day, and a list is filled in by habit: one
# word makes a call a little sooner or later, and none calls adults by itself.
WORDS: Mapping[Word, float] = {Word.HERE: 0.5, Word.NOT_HERE: 4}


@dataclass(frozen=True, slots=True)
class Witness:
    """How many times as likely each word makes it that a child has gone, and for how long "here"
    may put a call off. `at`: when a replay asks them, by the child's clock; live, each witness has
    days and a time of its own."""

    at: tuple[time, ...] = ()
    words: Mapping[Word, float] = field(default_factory=lambda: WORDS)
    holds_for: timedelta = timedelta(hours=4)

    def ratio(self, word: Word, at: time) -> float:
        """How many times as likely; one: it tells nothing. By day and by night the same."""
        return self.words.get(word, 1.0)


NO_WITNESS = Witness()
