"""How far a long command is, on the terminal."""

import sys
from collections.abc import Callable

from server.clock import monotonic

# A command that takes longer than this says how far it is.
QUIET_S = 2.0


def progress() -> Callable[[int, str], None]:
    """Say `1,200 rows read …` each second, once the command has taken two."""
    began = last = monotonic()

    def say(number: int, what: str) -> None:
        nonlocal last
        now = monotonic()
        if number and now - began > QUIET_S and now - last > QUIET_S / 2:
            last = now
            sys.stderr.write(f"{number:,} {what} …\n")
            sys.stderr.flush()

    return say
