"""One statement again and again, on a connection and in a thread of its own: a heartbeat.

It goes on while the event loop is busy, while a channel hangs and while the pool is empty; it stops
with the process, or with the machine. It does not detect a loop that is stuck for ever.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any, Protocol

from server import logs
from server.storage.engines import address
from server.storage.engines.raw_sqlite import RawSqlite
from server.storage.servers.connecting import connect

log = logs.get("engines")

# A single beat may take this long. The next one comes a second after it, so a slow one is only
# late.
WITHIN_S = 2
# NORMAL: a beat need not survive a power cut, and so no beat waits for the disk. Other writers
# still flush their data when they commit. Moving the log into the file is left to them as well.
_PRAGMAS = {
    "busy_timeout": WITHIN_S * 1000,
    "synchronous": "NORMAL",
    "cache_size": -64,
    "wal_autocheckpoint": 0,
}


class _Database(Protocol):
    def run(self, statement: str) -> None: ...

    def close(self) -> None:
        """Disconnect, so that the next beat connects again."""

    def end(self) -> None:
        """Disconnect for good."""


class Beating:
    """Runs `statement(n)` each `every_s` seconds, n = 1, 2, 3 …, from `start` to `stop`.

    Without parameters, so that it passes through any pooler. The first of several failed beats is
    logged, and the next one connects again.
    """

    def __init__(self, url: str, statement: Callable[[int], str], *, every_s: float) -> None:
        self._url = url
        self._statement = statement
        self._every_s = every_s
        self._stopped = Event()
        self.beaten = Event()  # Set by each beat that succeeded.
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin, with the first beat at once."""
        if self._thread is None:
            # A daemon: it must not keep a process alive whose loop has ended.
            self._thread = Thread(target=self._run, name="heartbeat", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End, and wait for a running beat. Twice counts once."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(WITHIN_S * 2)

    def _run(self) -> None:
        place = address.parse(self._url)
        database: _Database = _Sqlite(place) if place.dialect == "sqlite" else _Postgres(place)
        number, is_well = 0, True
        while not self._stopped.is_set():
            number += 1
            try:
                database.run(self._statement(number))
                is_well = True
                self.beaten.set()
            except Exception as fault:
                # Any exception: a living process must go on beating.
                if is_well:
                    log.warning("heartbeat.failed", exc=fault)
                is_well = False
                database.close()
            self._stopped.wait(self._every_s)
        database.end()


class _Sqlite:
    def __init__(self, place: address.Address) -> None:
        self._place = place
        self._connection: RawSqlite | None = None

    def run(self, statement: str) -> None:
        if self._connection is None:
            self._connection = RawSqlite(self._place.file, _PRAGMAS)
        self._connection.run(statement)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def end(self) -> None:
        self.close()


class _Postgres:
    """The loop of this thread runs only while a beat does."""

    def __init__(self, place: address.Address) -> None:
        self._to = place.credentials
        self._runner = asyncio.Runner()
        self._connection: Any = None

    def run(self, statement: str) -> None:
        self._runner.run(self._execute(statement))

    def close(self) -> None:
        self._runner.run(self._hang_up())

    def end(self) -> None:
        self.close()
        self._runner.close()

    async def _execute(self, statement: str) -> None:
        async with asyncio.timeout(WITHIN_S):
            if self._connection is None:
                self._connection = await connect(self._to, timeout=WITHIN_S)
            await self._connection.execute(statement)

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
