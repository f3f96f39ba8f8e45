"""What a child may read of a silence, and when. Pure.

The person who holds the phone reads it too. So nothing here depends on a sign, on what adults
noticed, or on any alert but one for silence: a night in which the child was forced reads like any
other.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid5

import msgspec

# So far back the phone can read.
READS_BACK = timedelta(weeks=4)
_STEPS = UUID("9a4f1f0b-6d0d-4d3c-8a63-1f6f2a7b5c44")


class RoundRow(Protocol):
    """The slice of a round that these rules need."""

    late_at: datetime
    settled_at: datetime | None


class Call(msgspec.Struct, frozen=True):
    """An alert for silence: from when to when it was open."""

    opened_at: datetime
    closed_at: datetime | None


class Search(msgspec.Struct, frozen=True):
    """A time of being missing. `found_at` None: the child is looked for."""

    opened_at: datetime
    found_at: datetime | None


class Step(msgspec.Struct, frozen=True):
    """One thing that happened: when, its code, and the names that go into its sentence."""

    at: datetime
    code: str
    about: UUID  # The row that it comes from.
    who: UUID | None = None

    @property
    def id(self) -> UUID:
        """The same each time it is told: a question about it names it."""
        return uuid5(_STEPS, f"{self.code}:{self.about}:{self.who}")


# What the child's own phone has seen anyway: also while we still try to reach them.
ALWAYS = frozenset({"reminded", "late", "you_answered"})


def is_over(row: RoundRow, calls: Sequence[Call], searches: Sequence[Search]) -> bool:
    """Whether what adults did about this silence can be read.

    It can once the check-in is settled, no call to adults for silence that was open then is still
    open, and no search is on that had begun by the end of it. A search that begins later takes
    nothing away: that the list became shorter would tell that we look for the child.
    """
    if row.settled_at is None:
        return False
    end = row.settled_at
    for call in calls:
        if call.opened_at <= row.settled_at and (
            call.closed_at is None or call.closed_at > row.late_at
        ):
            if call.closed_at is None:
                return False
            end = max(end, call.closed_at)
    return not any(search.found_at is None and search.opened_at <= end for search in searches)


def readable(
    row: RoundRow, steps: Sequence[Step], calls: Sequence[Call], searches: Sequence[Search]
) -> list[Step]:
    """The steps that the child may read now, oldest first."""
    everything = is_over(row, calls, searches)
    shown = [step for step in steps if everything or step.code in ALWAYS]
    return sorted(shown, key=lambda step: (step.at, _RANK.get(step.code, len(_RANK))))


# At one moment, the cause before what follows from it.
_RANK = {
    code: rank
    for rank, code in enumerate(
        (
            "reminded",
            "late",
            "asked",
            "home_here",
            "home_not_here",
            "home_excused",
            "home_unknown",
            "witness_here",
            "witness_not_here",
            "witness_excused",
            "told",
            "told_too",
            "you_answered",
            "answered_for",
            "seen",
            "settled",
            "over",
        )
    )
}
