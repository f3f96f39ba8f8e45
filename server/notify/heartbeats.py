"""Which processes have died, by the numbers that they count up. Pure.

Each process reads only its own clock, to measure how long a number has not changed: so clocks of
two machines are never compared.
"""

from collections.abc import Mapping

import msgspec

# A process counts up each second. After this long without a change it counts as dead.
EVERY_S = 1.0
DEAD_AFTER_S = 3.0
# How often a process looks. One that has not looked for longer than this was busy, paused or
# without a database. The others may have had the same trouble, so it starts again.
LOOK_EVERY_S = 0.5
LONGEST_GAP_S = 1.5
# On SQLite beats wait for the writer. Where the lock was not free at once, a silence may mean only
# that.
AT_ONCE_S = 0.25


class Seen(msgspec.Struct, frozen=True):
    """A number, and since when (seconds of our own clock) it has not changed."""

    beats: int
    since: float


class Look(msgspec.Struct, frozen=True):
    """What was seen at one moment, of each other process."""

    at: float
    seen: Mapping[str, Seen]

    @property
    def silent(self) -> dict[str, int]:
        """The processes taken for dead, each with its last number."""
        return {
            name: seen.beats
            for name, seen in self.seen.items()
            if self.at - seen.since >= DEAD_AFTER_S
        }


def look(before: Look | None, beats: Mapping[str, int], at: float) -> Look:
    """What is known after these numbers were read at `at`."""
    seen_before = before.seen if before is not None and at - before.at <= LONGEST_GAP_S else {}
    return Look(at, {name: _seen(seen_before.get(name), n, at) for name, n in beats.items()})


def _seen(before: Seen | None, beats: int, at: float) -> Seen:
    # Another number, not a greater one: a process may have started to count again.
    return before if before is not None and before.beats == beats else Seen(beats, at)
