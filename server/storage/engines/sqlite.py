"""SQLite through Tortoise, made safe for several tasks and several processes.

Against the stock engine (each has a test that fails there):

- a transaction begins IMMEDIATE. A deferred one that reads and then writes gets "database is
  locked" at once, whatever the busy timeout, when another process wrote in between;
- cancelling a task inside the entry or the exit of a transaction leaks no lock and no transaction;
- moments are bound in UTC. They are compared as text, so one in another zone found wrong rows;
- a commit that fails is rolled back instead of being left open for the next one to trip over.

There is one connection with one thread in a process, and a transaction holds it: never wait for a
network inside one. A second one is for long reads alone. Writers of other processes wait up to
`busy_timeout`.
"""

import asyncio
import datetime as dt
import itertools
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import aiosqlite
from tortoise.backends.base.client import (
    ConnectionWrapper,
    TransactionalDBClient,
    TransactionContext,
)
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
    translate_exceptions,
)
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError

from server.clock import monotonic
from server.storage import private
from server.storage.engines.lists import SqliteLists
from server.storage.engines.parameters import moment_to_text
from server.storage.engines.safety import Begun, SafeNested, to_the_end, unavailable
from server.storage.engines.width import refuse_wide

# FULL: a check-in that the child was thanked for survives a power cut. The cache is 32 MiB, since
# the default of 2 MiB made late detection among a million rows four times slower. A WAL file that
# grew in a burst shrinks to 64 MiB again.
PRAGMAS: dict[str, str | int] = {
    "busy_timeout": 10_000,
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "cache_size": -32_768,
    "journal_size_limit": 67_108_864,
    "temp_store": "MEMORY",
}

# https://www.sqlite.org/rescode.html: busy, locked, read-only, I/O error, full, cannot open, not a
# database.
_LATER = {5, 6, 8, 10, 13, 14, 26}
# How often we ask again where SQLite says "busy" without waiting itself.
BUSY_S = 0.02
_savepoints = itertools.count(1)


# Every moment on its way to SQLite passes through here. It replaces Tortoise's own adapter, which
# its executor sets when it is imported: this module imports that one first.
sqlite3.register_adapter(dt.datetime, moment_to_text)


def prepare(connection: sqlite3.Connection, pragmas: Mapping[str, str | int]) -> None:
    """Set the PRAGMAs, in the connection's own thread.

    Of two connections that switch a fresh file to the write-ahead log at once, one gets "database
    is locked" without any waiting, whatever its busy timeout; so it waits here, just as long.
    """
    until = monotonic() + int(pragmas.get("busy_timeout", 0)) / 1000
    for pragma, value in pragmas.items():
        while True:
            try:
                connection.execute(f"PRAGMA {pragma}={value}").fetchall()
                break
            except sqlite3.OperationalError as fault:
                if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
                time.sleep(BUSY_S)


@contextmanager
def telling() -> Iterator[None]:
    """Say Unavailable for errors that may pass."""
    try:
        yield
    except (OperationalError, sqlite3.DatabaseError) as fault:
        cause = fault.args[0] if isinstance(fault, OperationalError) and fault.args else fault
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in _LATER:
            unavailable(fault, getattr(cause, "sqlite_errorname", "SQLITE"))
        raise


class _Connection(ConnectionWrapper[aiosqlite.Connection]):
    """The connection and its lock; given back also when connecting fails."""

    async def __aenter__(self) -> aiosqlite.Connection:
        await self._lock.acquire()
        try:
            await self.ensure_connection()
        except BaseException:
            self._lock.release()
            raise
        return self.connection


_Parts = Sequence[tuple[str, Sequence[Any]]]


def _run_parts(connection: sqlite3.Connection, parts: _Parts) -> list[Any]:
    return [row[0] for sql, values in parts for row in connection.execute(sql, values).fetchall()]


def _run_inside(connection: sqlite3.Connection, parts: _Parts) -> list[Any]:
    """All or none of them, in a transaction that goes on."""
    connection.execute("SAVEPOINT parts")
    try:
        values = _run_parts(connection, parts)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO parts")
            connection.execute("RELEASE parts")
        raise
    connection.execute("RELEASE parts")
    return values


def _run_alone(connection: sqlite3.Connection, parts: _Parts) -> list[Any]:
    """As one transaction, begun and ended in the same go to the thread."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        values = _run_parts(connection, parts)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return values


class _Telling(SqliteClient):
    """Every statement says Unavailable for errors that may pass, and limits its parameters."""

    executor_class = SqliteLists

    async def execute_insert(self, query: str, values: list[Any]) -> int:
        refuse_wide(values)
        with telling():
            key: int = await super().execute_insert(query, values)
            return key

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        with telling():
            await super().execute_many(query, values)

    async def execute_query(
        self, query: str, values: list[Any] | None = None
    ) -> tuple[int, Sequence[dict[str, Any]]]:
        refuse_wide(values)
        with telling():
            result: tuple[int, Sequence[dict[str, Any]]] = await super().execute_query(
                query, values
            )
            return result

    async def execute_query_dict(
        self, query: str, values: list[Any] | None = None
    ) -> list[dict[str, Any]]:
        refuse_wide(values)
        with telling():
            rows: list[dict[str, Any]] = await super().execute_query_dict(query, values)
            return rows

    async def execute_script(self, query: str) -> None:
        with telling():
            await super().execute_script(query)

    async def execute_parts(self, parts: _Parts) -> list[Any]:
        """Run these statements in one go to the thread, all or none; returns the first column of
        their rows."""
        for _, values in parts:
            refuse_wide(values)
        with telling():
            values_returned: list[Any] = await self._parts(parts)
            return values_returned

    @translate_exceptions
    async def _parts(self, parts: _Parts) -> list[Any]:
        run = _run_inside if isinstance(self, TransactionalDBClient) else _run_alone
        if len(parts) == 1:
            run = _run_parts
        async with self.acquire_connection() as connection:
            self.log.debug("%s", parts)
            thread = cast(Any, connection)
            values: list[Any] = await thread._execute(run, thread._conn, parts)
            return values


class SafeSqliteClient(_Telling):
    """The connection of this process."""

    def __init__(self, file_path: str, **kwargs: Any) -> None:
        super().__init__(file_path, **PRAGMAS | kwargs)
        self._aside: dict[bool, SafeSqliteClient] = {}

    async def read_aside(
        self, query: str, values: list[Any], *, is_long: bool
    ) -> list[dict[str, Any]]:
        """Read on a second connection, which cannot write: nobody on this one waits for it. It
        sees what has been committed. What `is_long` has a third one, so that no page waits for
        it."""
        if is_long not in self._aside:
            name = self.connection_name
            client = SafeSqliteClient(self.filename, connection_name=name, query_only="ON")
            self._aside[is_long] = client
        return await self._aside[is_long].execute_query_dict(query, values)

    async def close(self) -> None:
        """Close the connection, and those beside it."""
        asides, self._aside = self._aside, {}
        for aside in asides.values():
            await aside.close()
        await super().close()

    async def create_connection(self, with_db: bool) -> None:
        """Connect, or leave nothing behind.

        The stock engine keeps a connection whose PRAGMAs failed half-way: without foreign keys.
        """
        if self._connection:
            return
        # What other connections open is made here, or was there before this version was.
        with suppress(OSError):
            private.make_database(Path(self.filename))
        connection = aiosqlite.connect(self.filename, isolation_level=None)
        # Else a process that dies of an exception before it closes hangs for ever at its exit.
        connection._thread.daemon = True
        try:
            with telling():
                await connection
                connection.row_factory = cast(type, sqlite3.Row)
                await cast(Any, connection)._execute(prepare, connection._conn, self.pragmas)
        except BaseException:
            with suppress(Exception):
                await to_the_end(connection.close())
            # Its last words need this loop, which may be gone in a moment.
            await to_the_end(asyncio.to_thread(connection._thread.join, 5))
            raise
        self._connection = connection
        await self._post_connect()

    def acquire_connection(self) -> _Connection:
        return _Connection(self._lock, self)

    def _in_transaction(self) -> TransactionContext:
        return _Transaction(_TransactionClient(self), self._lock)

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        # The stock one begins deferred, and a cancelled one leaves its transaction open.
        async with self._in_transaction() as connection:
            await connection.execute_many(query, values)


class _TransactionClient(_Telling, SqliteTransactionWrapper):
    def __init__(self, connection: SqliteClient) -> None:
        super().__init__(connection)
        self.begun: Begun = getattr(connection, "begun", None) or Begun()

    def acquire_connection(self) -> ConnectionWrapper[aiosqlite.Connection]:
        self.begun.check()
        return ConnectionWrapper(self._lock, self)

    def _in_transaction(self) -> TransactionContext:
        return SafeNested(_TransactionClient(self))

    async def _run(self, statement: str) -> None:
        with telling():
            await self._connection.execute_fetchall(statement)

    async def begin(self) -> None:
        await self._run("BEGIN IMMEDIATE")

    async def commit(self) -> None:
        await self.begun.do_last()
        with telling():
            await super().commit()

    async def savepoint(self) -> None:
        self._savepoint = f"savepoint_{next(_savepoints)}"
        await self._run(f"SAVEPOINT {self._savepoint}")

    async def savepoint_rollback(self) -> None:
        # ROLLBACK TO alone keeps the savepoint on the stack.
        await self._run(f"ROLLBACK TO {self._savepoint}")
        await self._run(f"RELEASE {self._savepoint}")
        self._finalized = True

    async def release_savepoint(self) -> None:
        await self._run(f"RELEASE {self._savepoint}")
        self._finalized = True


class _Transaction(SqliteTransactionContext):
    connection: _TransactionClient

    async def __aenter__(self) -> TransactionalDBClient:
        await self._trxlock.acquire()
        try:
            await self.ensure_connection()
            try:
                await to_the_end(self.connection.begin())
            except BaseException:
                await self._roll_back()
                raise
            self.token = get_connections().set(self.connection_name, self.connection)
        except BaseException:
            self._trxlock.release()
            raise
        return self.connection

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        committed = False
        try:
            if exc_type is None:
                commit = asyncio.ensure_future(self.connection.commit())
                try:
                    await to_the_end(commit)
                finally:
                    committed = commit.done() and commit.exception() is None
            else:
                await self._roll_back()
        except BaseException:
            # A commit that failed (a full disk) leaves the transaction open.
            if not committed:
                await self._roll_back()
            raise
        finally:
            get_connections().reset(self.token)
            self._trxlock.release()
            self.connection.begun.end(committed=committed)

    async def _roll_back(self) -> None:
        # Nothing happens where no transaction is open, so this may be called twice.
        with suppress(sqlite3.Error, ValueError):
            await to_the_end(self.connection._connection.rollback())


client_class = SafeSqliteClient
