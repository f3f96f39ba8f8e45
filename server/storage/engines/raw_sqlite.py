"""A connection to SQLite past the ORM, with a thread of its own: for batches.

Tortoise has one connection behind one lock; a batch on it would wait behind every page that reads,
and would pay two thread switches for each statement. Here a whole batch is one call to one thread.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, TypeVar

from server.storage.engines.parameters import for_sqlite, to_sqlite
from server.storage.engines.sqlite import PRAGMAS, prepare, telling
from server.storage.engines.width import refuse_wide

Item = TypeVar("Item")
Result = TypeVar("Result")


class RawSqlite:
    """The connection of a batch: `fetch` as in storage/db.py, without waiting."""

    def __init__(self, file: Path, pragmas: dict[str, Any] | None = None) -> None:
        with telling():
            self._connection = sqlite3.connect(file, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            prepare(self._connection, PRAGMAS | (pragmas or {}))

    def fetch(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Run one statement and return its rows; placeholders and parameters as in db.fetch."""
        refuse_wide(params)
        values = [for_sqlite(value) for value in params]
        return [dict(row) for row in self._connection.execute(to_sqlite(sql), values).fetchall()]

    def fill(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each of these rows, as they are: with values that SQLite knows."""
        self._connection.executemany(sql, rows)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open. SQLite ends one itself where the disk fails."""
        return self._connection.in_transaction

    def run(self, statement: str) -> None:
        """Run one statement without rows, such as BEGIN."""
        self._connection.execute(statement)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class SqliteBatch(Generic[Item, Result]):
    """`run` for Together: each item by `handle(connection, item)`, all of them in one transaction.

    An item that raises is undone alone, by its savepoint, and its exception takes the place of its
    result. Where the database itself fails, everything is undone and Unavailable is raised.
    """

    def __init__(
        self, file: Path, handle: Callable[[RawSqlite, Item], Result], **pragmas: Any
    ) -> None:
        self._file = file
        self._one = handle
        self._pragmas = pragmas
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="waymark-batch")
        self._connection: RawSqlite | None = None

    async def __call__(self, items: list[Item]) -> list[Result | Exception]:
        """Store them; as many results, in order."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._all, items)

    async def close(self) -> None:
        """Close the connection and end the thread. Nothing may be running any longer."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._hang_up)
        self._thread.shutdown()

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _all(self, items: list[Item]) -> list[Result | Exception]:
        with telling():
            if self._connection is None:
                self._connection = RawSqlite(self._file, self._pragmas)
            connection = self._connection
            connection.run("BEGIN IMMEDIATE")
            try:
                results = self._write(connection, items)
                connection.run("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.run("ROLLBACK")
                raise
            return results

    def _write(self, connection: RawSqlite, items: list[Item]) -> list[Result | Exception]:
        return [self._each(connection, item) for item in items]

    def _each(self, connection: RawSqlite, item: Item) -> Result | Exception:
        connection.run("SAVEPOINT item")
        try:
            result = self._one(connection, item)
        except Exception as fault:
            # Broad, because a fault of this item must not affect the others; unless the database
            # ended the whole transaction, or cannot go on.
            if not connection.in_transaction or is_database_trouble(fault):
                raise
            connection.run("ROLLBACK TO item")
            connection.run("RELEASE item")
            return fault
        connection.run("RELEASE item")
        return result


class SqliteAtOnce(SqliteBatch[Item, Result]):
    """`run` for Together: all items by one `many(connection, items)`, in one transaction.

    For statements that write every item at once, in which the interpreter waits and the rest of the
    process goes on. Where it raises, all of it is undone; Together then halves the batch until the
    items that cannot be stored are alone.
    """

    def __init__(
        self, file: Path, many: Callable[[RawSqlite, list[Item]], list[Result]], **pragmas: Any
    ) -> None:
        super().__init__(file, lambda connection, item: many(connection, [item])[0], **pragmas)
        self._many = many

    def _write(self, connection: RawSqlite, items: list[Item]) -> list[Result | Exception]:
        return [*self._many(connection, items)]


def is_database_trouble(fault: Exception) -> bool:
    """Whether this is about the disk or the file, and not about the item."""
    return isinstance(fault, sqlite3.OperationalError) and _primary(fault) in {7, 10, 11, 13, 26}


def _primary(fault: sqlite3.Error) -> int:
    # https://www.sqlite.org/rescode.html: out of memory, I/O error, corrupt, full, not a database.
    return getattr(fault, "sqlite_errorcode", 0) & 0xFF
