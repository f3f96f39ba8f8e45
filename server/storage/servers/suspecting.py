"""A statement that takes long is slow, or its server is gone: we ask.

A host that vanishes, or a machine that is frozen, ends no connection. Who waits on one waits
for the time limit of the statement, and the pool runs empty. So while a statement takes longer than
3 seconds, another connection asks the same server for a sign of life. Without one, twice, all
connections of the pool end, and the next statement looks for another server.
"""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

import asyncpg

from server import logs
from server.storage.servers.connecting import Place, connect_there
from server.storage.servers.finding import Finder

log = logs.get("engines")

SUSPECT_S = 3.0
# For each of the two questions: together less than ten seconds pass.
ANSWER_S = 2.0
TRIES = 2


class Suspicion:
    """Asks about the server of one pool. At most one question is under way."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._asking: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """A statement takes long."""
        place = self._finder.current
        if place is not None and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask(place))

    async def _ask(self, place: Place) -> None:
        for _ in range(TRIES):
            if await self._answers(place):
                return
        if self._finder.current == place:
            log.error("database.silent", place=str(place))
            self._finder.cut()

    async def _answers(self, place: Place) -> bool:
        try:
            async with asyncio.timeout(ANSWER_S):
                connection = await connect_there(place, {**self._finder.how, "timeout": ANSWER_S})
                try:
                    await connection.execute("SELECT 1")
                finally:
                    connection.terminate()
        except (asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError, OSError):
            # It stops, it starts, it has become a standby, or it says nothing.
            return False
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            return True  # It refuses us, for too many connections perhaps: so it lives.
        return True

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await self._asking


class Patience:
    """A block in which we wait for the server, and ask about it while that takes long."""

    __slots__ = ("_suspicion", "_timer")

    def __init__(self, suspicion: Suspicion) -> None:
        self._suspicion = suspicion
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._timer = asyncio.get_running_loop().call_later(SUSPECT_S, self._over)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _over(self) -> None:
        self._suspicion.ask()
        self._timer = asyncio.get_running_loop().call_later(SUSPECT_S, self._over)
