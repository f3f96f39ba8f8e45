"""Jobs that come again and must survive anything, and what the log has of an outage.

    guard = Guard(tell_operators, write_something, clock)
    await guard.run("tick", tick)

Every fault is a line, and operators are told. While the database is away that would be two lines
for each job each time: then there is one when the outage begins, one a minute while it lasts, and
one when it has ended, which says how long it took. It has ended when a write goes through: where
the disk is full, every read does.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from tortoise.exceptions import DBConnectionError, OperationalError

from server import logs
from server.clock import Clock
from server.errors import Unavailable

log = logs.get("ticker")

SAID_EVERY = timedelta(minutes=1)
# What a job meets where the database is away or refuses everything.
AWAY = (Unavailable, OperationalError, DBConnectionError)

Tell = Callable[[str, datetime], Awaitable[None]]
Write = Callable[[datetime], Awaitable[None]]


class Guard:
    """Runs jobs. `tell` writes to the operators, in the database as well. `write` writes anything:
    it is asked only in an outage."""

    def __init__(self, tell: Tell, write: Write, clock: Clock) -> None:
        self._tell, self._write, self._clock = tell, write, clock
        self._began_at: datetime | None = None
        self._said_at: datetime | None = None
        self._failed = 0

    async def run(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        """One run of the job. Raises nothing but a cancellation."""
        begins_at = self._clock()
        try:
            await job()
        except AWAY as fault:
            # The database is back, or it was this statement alone: then it is a fault as any other.
            if await self.tell(f"ticker:{name}"):
                log.error("ticker.failed", job=name, exc=fault)
        except Exception:
            log.exception("ticker.failed", job=name)
            await self.tell(f"ticker:{name}")
        else:
            await self._ran_well(begins_at)

    async def tell(self, fault: str) -> bool:
        """Tell the operators; whether the database is there."""
        try:
            await self._tell(fault, self._clock())
        except AWAY as away:
            # Health says so too, and the watchdog hears nothing.
            self._is_away(fault, away)
            return False
        except Exception:
            log.exception("ticker.operators_not_told", fault=fault)
        return True

    def _is_away(self, fault: str, away: BaseException) -> None:
        now = self._clock()
        self._failed += 1
        if self._began_at is None:
            self._began_at = self._said_at = now
            log.error("ticker.database_away", first=fault, exc=away)
        elif self._said_at is None or now - self._said_at >= SAID_EVERY:
            self._said_at = now
            log.error(
                "ticker.database_still_away", away_s=now - self._began_at, failed=self._failed
            )

    async def _ran_well(self, begins_at: datetime) -> None:
        began = self._began_at
        # What began before the outage may have had its last answer before it too.
        if began is None or begins_at <= began:
            return
        try:
            await self._write(self._clock())
        except AWAY as away:
            self._is_away("write", away)
            return
        if self._began_at != began:
            return  # Another job has said so.
        log.warning("ticker.database_back", away_s=self._clock() - began, failed=self._failed)
        self._began_at, self._failed = None, 0
