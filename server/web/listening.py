"""How a process hears what other processes announce.

A pooler that gives out one connection for each transaction (PgBouncer) accepts LISTEN and loses it,
without an error. So the listener sends a test announcement, at the start and each minute, and must
hear it. WAYMARK_LISTEN_URL is an address past the pooler.
"""

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from server import logs
from server.clock import monotonic
from server.errors import WaymarkError
from server.storage.db import RawSqlite, dialect, fetch, opened_url, sqlite_file
from server.storage.engines import address
from server.storage.servers import connecting
from server.web.hub import Hub

CHANNEL = "waymark"
LOOK_S = 1.0
KEEP_ALIVE_S = 5.0
ECHO_EVERY_S = 60.0
ECHO_WITHIN_S = 5.0
LOOK_AGAIN_S = 30.0  # While nothing is heard: pages ask again, the listener retries.
CONNECT_AGAIN_S = 5.0
ECHO = "echo"

_log = logs.get("live")


async def look_at_sqlite(hub: Hub, ready: asyncio.Event) -> None:
    """Tell the hub what other processes have counted up, until cancelled. Sets `ready` once it has
    looked."""
    # Short calls, and so on the loop: a thread would cost more than they do.
    connection = RawSqlite(sqlite_file(), {"busy_timeout": 0})
    try:
        version, numbers = None, hub.remember
        while True:
            try:
                seen = connection.fetch("PRAGMA data_version")[0]["data_version"]
                if seen != version:
                    for row in connection.fetch("SELECT key, number FROM signal"):
                        numbers(row["key"], row["number"])
                    version, numbers = seen, hub.counted
            except sqlite3.OperationalError as fault:
                _log.warning("cannot_look", exc=fault)
            ready.set()
            await asyncio.sleep(LOOK_S)
    finally:
        connection.close()


async def listen_on_postgres(hub: Hub, ready: asyncio.Event, url: str) -> None:
    """Tell the hub what is announced in the database, until cancelled. Sets `ready` once we know
    whether it is heard."""
    pause = 0.5
    while True:
        try:
            async for is_live in _hearing(hub, url):
                # Pages may have missed announcements before this.
                hub.be_live(is_live=is_live)
                ready.set()
                pause = 0.5 if is_live else LOOK_AGAIN_S
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, WaymarkError) as fault:
            _log.warning("not_listening", exc=fault)
            hub.be_live(is_live=False)
        await asyncio.sleep(pause)
        pause = min(pause * 2, CONNECT_AGAIN_S)


async def _hearing(hub: Hub, url: str) -> AsyncIterator[bool]:
    """Listen until the connection is lost, or hears nothing: yields whether it hears, at the start
    and after each test."""
    lost, echo = asyncio.Event(), Echo()
    connection = await connect(url)
    try:
        connection.add_termination_listener(lambda _connection: lost.set())
        await connection.add_listener(CHANNEL, partial(_heard, hub, echo))
        if not await echo.comes_back():
            yield False
            return
        yield True
        until = monotonic() + ECHO_EVERY_S
        while not lost.is_set():
            try:
                async with asyncio.timeout(min(KEEP_ALIVE_S, ECHO_EVERY_S)):
                    await lost.wait()
            except TimeoutError:
                # A connection that a firewall forgot looks alive until we use it.
                await connection.execute("SELECT 1", timeout=5)
                if monotonic() >= until:
                    if not await echo.comes_back():
                        yield False
                        return
                    until = monotonic() + ECHO_EVERY_S
    finally:
        connection.terminate()


class Echo:
    """A test announcement: the process that sends it must hear it again."""

    def __init__(self) -> None:
        self._word = ""
        self._came = asyncio.Event()

    async def comes_back(self) -> bool:
        """Announce by the pool, and wait for it. By the listening connection it would prove
        nothing: a pooler may give the same connection twice."""
        self._word = secrets.token_hex(8)
        self._came.clear()
        await fetch("SELECT pg_notify($1, $2)", [CHANNEL, f"{ECHO} {self._word}"])
        try:
            async with asyncio.timeout(ECHO_WITHIN_S):
                await self._came.wait()
        except TimeoutError:
            return False
        return True

    def hear(self, word: str) -> None:
        """An echo came, of this process or of another one."""
        if word == self._word:
            self._came.set()


async def is_heard(listen_url: str | None = None) -> bool:
    """Whether announcements in the open database are heard there. Raises OSError and the errors of
    the driver where the connection fails."""
    if dialect() != "postgres":
        return True
    echo = Echo()
    connection = await connect(listen_url or opened_url())
    try:
        await connection.add_listener(CHANNEL, partial(_heard, Hub(), echo))
        return await echo.comes_back()
    finally:
        connection.terminate()


async def connect(url: str) -> Any:
    """A connection apart from the pool."""
    return await connecting.connect(address.parse(url).credentials)


def _heard(
    hub: Hub, echo: Echo, _connection: Any, _process: int, _channel: str, payload: str
) -> None:
    agency_id, _, topic = payload.partition(" ")
    if agency_id == ECHO:
        echo.hear(topic)
        return
    try:
        hub.tell(UUID(agency_id), topic)
    except ValueError:
        # Any program with access to the database may send anything on the channel.
        _log.warning("heard_something_else")
