"""How a pool finds the server that takes writes, again and again, and leaves the others alone.

- All who wait for a connection share one failed search: a hundred requests do not ask a database
  that is away a hundred times, and the next search begins a moment later, at random, so that not
  every process asks at once.
- A server that was the primary and does not know yet that it no longer is takes writes which the
  others will never see. Each promotion counts up the timeline: once we have seen a newer one, we
  connect to no older one, and end the connections that we still have there.
"""

import asyncio
import random
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
import msgspec

from server import logs
from server.clock import monotonic
from server.storage.servers.connecting import NoServer, Place, connect_to_one, places_of

log = logs.get("engines")

# So many connections are made at once, in one process.
AT_ONCE = 3
# After a failed search, the next one begins so much later.
PAUSE_S = (0.1, 0.5)
# A search that took so long met a host that says nothing.
LONG_S = 1.0
# What looks for a server that takes writes.
WRITING = ("read-write", "primary")
# The timeline is the first eight digits of the file that is written now.
_TIMELINE = """
SELECT system_identifier AS cluster, pg_walfile_name(pg_current_wal_lsn()) AS file
FROM pg_control_system()
"""


class Counts(msgspec.Struct):
    """What happened to the connections of this process, since it began."""

    made: int = 0
    failed: int = 0
    cut: int = 0


# Of all pools of this process.
counts = Counts()


class Finder:
    """Makes the connections of one pool."""

    def __init__(self) -> None:
        # Where the connections of the pool lead, and which place we ask first for the next one.
        self.current: Place | None = None
        self.last: Place | None = None
        self.how: Mapping[str, Any] = {}
        self._made: WeakKeyDictionary[asyncpg.Connection, int] = WeakKeyDictionary()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._failures = 0
        self._not_before = 0.0
        self._was_long = False
        self._newest: dict[int, int] = {}
        self._rand = random.Random()  # noqa: S311 (when to try again, not a secret)

    async def connect(self, _dsn: None = None, **how: Any) -> asyncpg.Connection:
        """What the pool calls. Raises OSError and the errors of the driver."""
        self.how = how
        failures = self._failures
        async with self._gate:
            pause = max(0.0, self._not_before - monotonic())
            if self._failures != failures or (pause and self._was_long):
                raise NoServer("another search has just failed")
            await asyncio.sleep(pause)
            began = monotonic()
            try:
                connection = await self._search(how)
            except Exception:
                self._failed(began)
                raise
        counts.made += 1
        return connection

    def _failed(self, began: float) -> None:
        self._failures += 1
        counts.failed += 1
        now = monotonic()
        # Who waited for a connection of the pool all the time is not to wait as long once more.
        self._was_long = now - began > LONG_S
        self._not_before = now + self._rand.uniform(*PAUSE_S)
        self.last = None

    async def _search(self, how: Mapping[str, Any]) -> asyncpg.Connection:
        places = places_of(how)
        while places:
            connection, place = await connect_to_one(places, how, first=self.last)
            timeline = await self._timeline(connection)
            if timeline is not None:
                if self.current not in (None, place):
                    log.info("database.found", place=str(place), timeline=timeline)
                self.current = self.last = place
                self._made[connection] = timeline
                return connection
            log.warning("database.former_primary", place=str(place))
            places = [other for other in places if other != place]
        raise NoServer("it is a former primary")

    async def _timeline(self, connection: asyncpg.Connection) -> int | None:
        """The timeline of a server that takes writes; None where it is a former primary. 0 where
        nobody asked for one that takes writes: an address alone, or a pooler."""
        if self.how.get("target_session_attrs") not in WRITING:
            return 0
        try:
            row = await connection.fetchrow(_TIMELINE, timeout=self.how.get("timeout"))
        except asyncpg.ObjectNotInPrerequisiteStateError:
            connection.terminate()  # It became a standby in this moment.
            return None
        except BaseException:
            connection.terminate()
            raise
        timeline = int(row["file"][:8], 16)
        newest = self._newest.get(row["cluster"], 0)
        if timeline < newest:
            connection.terminate()
            return None
        if timeline > newest:
            self._newest[row["cluster"]] = timeline
            self._end(lambda older: older < timeline)
        return timeline

    def cut(self) -> None:
        """End every connection of the pool: each statement on them fails now, not in minutes."""
        self._end(lambda _: True)
        self.last = None

    def _end(self, is_over: Any) -> None:
        over = [connection for connection, timeline in self._made.items() if is_over(timeline)]
        for connection in over:
            if not connection.is_closed():
                counts.cut += 1
                connection.terminate()
