"""Which processes have died, by the numbers that they count up. Pure.

Only one's own clock is read, and it measures only how long a number stood still: so clocks of two
machines are never compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# A process counts up each second. One whose number stood still for so long is taken for dead.
EVERY_S = 1.0
DEAD_AFTER_S = 3.0
# How often one looks. Who has not looked for longer than this was busy, paused or without a
# database, and cannot say of the others that they were not in the same trouble: it begins anew.
LOOK_EVERY_S = 0.5
LONGEST_GAP_S = 1.5
# On SQLite beats wait for whoever writes. Where the lock was not to be had at once, silence may be
# nothing but that.
AT_ONCE_S = 0.25


@dataclass(frozen=True, slots=True)
class Seen:
    """A number, and since when (seconds of one's own clock) it was seen to stand there."""

    beats: int
    since: float


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment, of each process but one's own."""

    at: float
    seen: Mapping[str, Seen]

    @property
    def silent(self) -> dict[str, int]:
        """Those taken for dead, each with the number that it stopped at."""
        return {
            name: seen.beats
            for name, seen in self.seen.items()
            if self.at - seen.since >= DEAD_AFTER_S
        }


def look(before: Look | None, beats: Mapping[str, int], at: float) -> Look:
    """What is known after these numbers were read at `at`."""
    known = before.seen if before is not None and at - before.at <= LONGEST_GAP_S else {}
    return Look(at, {name: _seen(known.get(name), n, at) for name, n in beats.items()})


def _seen(before: Seen | None, beats: int, at: float) -> Seen:
    # Another number, not a greater one: a process may have begun to count anew.
    return before if before is not None and before.beats == beats else Seen(beats, at)
