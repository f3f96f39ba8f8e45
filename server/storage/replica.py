"""Reading from a copy of the database, so that long reads hold up no check-in.

A page must not be older than the wish to see it: a board is loaded because something has just
changed, and what a person has just stored they expect to see. So we first ask the primary how far
it has written, and read from the copy once it has come as far. A copy on the same network is some
milliseconds behind, so this costs next to nothing. Where it does not come as far in time, the
primary is read. Reports alone may be older, up to half a minute, and say as of when they are.
"""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import msgspec

from server import logs
from server.clock import monotonic
from server.errors import Unavailable
from server.storage.engines import address
from server.storage.engines.postgres import SafePostgresClient

log = logs.get("engines")

# So long we wait until the copy has come as far as the primary.
WAIT_S = 0.25
LOOK_EVERY_S = 0.01
# A copy that does not even say how far it is.
ANSWER_S = 1.0
# A copy that failed is asked again after this.
PAUSE_S = 5.0
# So old a report may be.
OLDEST_S = 30.0
_POSITION = "SELECT pg_current_wal_flush_lsn()::text AS at, s.system_identifier AS cluster"
_POSITION += " FROM pg_control_system() s"
_STATE = """
SELECT pg_is_in_recovery() AS follows, s.system_identifier AS cluster,
       coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false) AS is_there,
       pg_last_xact_replay_timestamp() AS as_of,
       extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS age_s
  FROM pg_control_system() s
"""


class Counts(msgspec.Struct):
    """Which database was read, since this process began, and how old the copy was at last."""

    copy: int = 0
    primary: int = 0
    age_s: float = 0.0


class Age(msgspec.Struct):
    """As of when what a request has read is. None: as of now."""

    as_of: datetime | None = None

    def add(self, as_of: datetime) -> None:
        """Something older was read: the oldest counts."""
        self.as_of = as_of if self.as_of is None else min(self.as_of, as_of)


class Question(msgspec.Struct, frozen=True):
    """A statement with its parameters, as the driver wants them."""

    sql: str
    values: Sequence[object] = msgspec.field(default_factory=list)


counts = Counts()
# Of the request that is being answered. Its tasks share it.
age: ContextVar[Age | None] = ContextVar("age", default=None)


class Replica:
    """A copy that follows the primary."""

    def __init__(self, url: str) -> None:
        credentials = address.parse(url).credentials
        if isinstance(credentials.get("host"), list):
            credentials["target_session_attrs"] = "standby"
        self._client = SafePostgresClient(
            connection_name="replica", **credentials | {"minsize": 0, "maxsize": 5}
        )
        self._not_before = 0.0
        self._opening = asyncio.Lock()

    async def read(
        self, primary: Any, question: Question, *, may_be_old: bool = False
    ) -> list[dict[str, Any]] | None:
        """The rows; None where the primary has to be read."""
        rows = None
        if monotonic() >= self._not_before:
            [position] = await primary.execute_query_dict(_POSITION)
            try:
                rows = await self._read(position, question, may_be_old=may_be_old)
            except (Unavailable, TimeoutError) as fault:
                log.warning("replica.away", exc=fault)
                self._not_before = monotonic() + PAUSE_S
        counts.copy += rows is not None
        counts.primary += rows is None
        return rows

    async def _read(
        self, position: dict[str, Any], question: Question, *, may_be_old: bool
    ) -> list[dict[str, Any]] | None:
        await self._open()
        # One connection for both: with several copies, another one may be elsewhere.
        async with self._client.alone() as connection:
            state = await self._catch_up(connection, position["at"])
            if state["cluster"] != position["cluster"] or not state["follows"]:
                # Another database, or a copy that has become the primary.
                log.error("replica.follows_nobody")
                self._client.finder.cut()
                self._not_before = monotonic() + PAUSE_S
                return None
            counts.age_s = 0.0 if state["is_there"] else float(state["age_s"] or 0)
            if not state["is_there"]:
                if not may_be_old or state["as_of"] is None or counts.age_s > OLDEST_S:
                    return None
                if (of_request := age.get()) is not None:
                    of_request.add(state["as_of"])
            return [dict(row) for row in await connection.fetch(question.sql, *question.values)]

    async def _catch_up(self, connection: Any, position: str) -> Any:
        until = monotonic() + WAIT_S
        while True:
            state = await connection.fetchrow(_STATE, position, timeout=ANSWER_S)
            if state["is_there"] or not state["follows"] or monotonic() >= until:
                return state
            await asyncio.sleep(LOOK_EVERY_S)

    async def _open(self) -> None:
        async with self._opening:
            if self._client._pool is None:
                async with asyncio.timeout(ANSWER_S):
                    await self._client.create_connection(with_db=True)

    async def close(self) -> None:
        """Close every connection to it."""
        await self._client.close()
