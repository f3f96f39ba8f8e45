"""Taking locks without keeping anyone waiting.

An ALTER that waits for a table blocks everyone who comes after it: one long read, a
backup, and no check-in gets through. So the upgrade waits half a second for a lock and no longer.
Then it undoes all that it did, lets the others pass, and tries again, for minutes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from server.clock import monotonic
from server.errors import Unavailable
from server.storage.engines.editors import MigrationFault

T = TypeVar("T")

# Less than PostgreSQL's `deadlock_timeout` (one second): of two that wait for each other it is the
# upgrade that gives way, and never a check-in.
LOCK_S = 0.5
# As long as others pass between two attempts.
PAUSE_S = 1.0
PATIENCE_S = 600.0
_GIVES_WAY = ("LockNotAvailableError", "DeadlockDetectedError")


class InUse(MigrationFault):
    """The tables were in use all the time; nothing was changed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"Nothing was changed: for {seconds:.0f} s a table was in use whenever we tried. A"
            " transaction stays open for long (a backup, a forgotten psql): `waymark migrate"
            " --plan` names it. Try again after it."
        )


async def patiently(work: Callable[[], Awaitable[T]], *, patience_s: float = PATIENCE_S) -> T:
    """Do `work`, which gives way to others, until it goes through. Raises InUse where it never
    does."""
    begun = monotonic()
    while True:
        try:
            return await work()
        except Unavailable as fault:
            if fault.extra.get("why") not in _GIVES_WAY:
                raise
            if monotonic() - begun > patience_s:
                raise InUse(patience_s) from fault
        await asyncio.sleep(PAUSE_S)
