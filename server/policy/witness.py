"""What the words of schools, clubs and other witnesses weigh, as a policy has it."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta

import msgspec

from server.policy.roll_call import ErrorsBySlot, Place, Word
from server.policy.slots import slot_of

MOST_TIMES = 6  # In a day.
# Weak on purpose. A witness meets the child once in a day, and a list is filled in by habit: one
# word makes a call a little sooner or later, and none calls adults by itself.
WORDS: Mapping[Word, float] = {Word.HERE: 0.5, Word.NOT_HERE: 4}


class Witness(msgspec.Struct, frozen=True):
    """How many times as likely each word makes it that a child has gone, and for how long "here"
    may put a call off. `at`: when a replay asks them, by the child's clock; live, each witness has
    days and a time of its own."""

    at: tuple[time, ...] = ()
    words: Mapping[Word, float] = msgspec.field(default_factory=lambda: WORDS)
    holds_for: timedelta = timedelta(hours=4)
    errors: ErrorsBySlot | None = None  # What the weeks of the agency made of these words.

    def ratio(self, word: Word, local: datetime, tier: str) -> float:
        """How many times as likely; one: it tells nothing. As written, by day and by night the
        same."""
        errors = (self.errors or {}).get(Place(tier, slot_of(local), is_night=False))
        ratio = errors.ratio(word) if errors is not None else None
        return self.words.get(word, 1.0) if ratio is None else ratio


NO_WITNESS = Witness()
