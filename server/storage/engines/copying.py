"""Every table of a database row by row, and back into another one: the parts of a backup.

Values travel in the form that SQLite stores (moments, ids and documents are text, booleans are 0
and 1), so that a copy of one kind of database fits into the other. PostgreSQL reads all of these
from text.
"""

import datetime as dt
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import msgspec
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import BaseORMException

from server.storage.engines import address
from server.storage.engines.parameters import moment_to_text
from server.storage.engines.postgres import is_lost
from server.storage.engines.safety import unavailable
from server.storage.servers.connecting import connect

AT_ONCE = 1000
# A row may contain photos, which are texts of a million letters: a batch ends at this many letters.
MOST_LETTERS = 4_000_000
# PostgreSQL sends this many rows at a time.
FETCHED = 100
# The backup lists the applied migrations by name, beside the rows; migrating makes them anew.
MIGRATIONS = "tortoise_migrations"

# Of a server that ends.
_CUT = (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError)

Row = Sequence[Any]


class CopyFault(ValueError):
    """Why nothing was copied: one sentence for the operator of the installation, in English like
    the rest of the command line."""


def in_batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The same rows, in batches that are small enough for memory."""
    batch: list[Row] = []
    letters = 0
    for row in rows:
        batch.append(row)
        letters += sum(len(value) for value in row if isinstance(value, str))
        if len(batch) == AT_ONCE or letters > MOST_LETTERS:
            yield batch
            batch, letters = [], 0
    if batch:
        yield batch


@contextmanager
def telling() -> Iterator[None]:
    """Turns any error of the database during a copy into one sentence; nothing was written."""
    try:
        yield
    except (sqlite3.Error, BaseORMException) as fault:
        raise CopyFault(f"The database says: {fault}.") from fault
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
        is_cut = isinstance(fault, asyncpg.InterfaceError) and is_lost(fault)
        if is_cut or isinstance(fault, _CUT):
            raise CopyFault("The connection to the database was cut. Try again.") from fault
        # Without the details, which may contain the content of a row.
        raise CopyFault(f"The database says: {type(fault).__name__}.") from fault


class Table(msgspec.Struct, frozen=True):
    """A table, and its columns in the order of its rows."""

    name: str
    columns: tuple[str, ...]


class Snapshot(Protocol):
    """A database as it was at one moment, however much is written meanwhile."""

    async def tables(self) -> list[Table]:
        """Every table but the list of migrations, by name."""

    async def migrations(self) -> list[str]:
        """The names of the migrations that are applied, oldest first."""

    def rows(self, table: Table) -> AsyncIterator[list[Row]]:
        """All rows by their key, some at a time, so that memory stays small."""


@asynccontextmanager
async def snapshot(url: str) -> AsyncIterator[Snapshot]:
    """The database in its present state. It may be in use; no writer waits for the reader.

    Raises CopyFault where there is no database, Unavailable where it cannot be reached.
    """
    place = address.parse(url)
    if place.dialect == "sqlite":
        with closing(_connect(place.file)) as connection:
            # One reading transaction over a write-ahead log is a snapshot. The online backup would
            # need room for a second file, and begins anew whenever another process writes.
            connection.execute("BEGIN")
            yield _OfSqlite(connection)
        return
    try:
        connection = await connect(place.credentials)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
        unavailable(fault, type(fault).__name__)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield _OfPostgres(connection)
    finally:
        await connection.close()


def _connect(file: Path) -> sqlite3.Connection:
    if not file.exists():
        raise CopyFault(f"There is no database at {file}.")
    return sqlite3.connect(file, isolation_level=None, timeout=10)


_SQLITE_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
_DONE = f"SELECT name FROM {MIGRATIONS} WHERE app = 'server' ORDER BY id"  # noqa: S608


class _OfSqlite:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def tables(self) -> list[Table]:
        names = [name for (name,) in self._connection.execute(_SQLITE_TABLES) if _is_ours(name)]
        return [Table(name, tuple(column for column, _ in self._columns(name))) for name in names]

    async def migrations(self) -> list[str]:
        if (MIGRATIONS,) not in self._connection.execute(_SQLITE_TABLES).fetchall():
            return []
        return [name for (name,) in self._connection.execute(_DONE)]

    async def rows(self, table: Table) -> AsyncIterator[list[Row]]:
        keys = [column for column, is_key in self._columns(table.name) if is_key]
        for batch in in_batches(self._connection.execute(_select(table, keys))):
            yield batch

    def _columns(self, name: str) -> list[tuple[str, int]]:
        rows = self._connection.execute("SELECT name, pk FROM pragma_table_info(?)", [name])
        return [(column, is_key) for column, is_key in rows]


# The keys of tables by month, which their triggers fill anew.
KEYS = (
    "SELECT relname || '_key' FROM pg_class WHERE relkind = 'p' AND relnamespace ="
    " current_schema()::regnamespace"
)
# A table by month is one table here.
_POSTGRES_TABLES = f"""
SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns,
       coalesce(array_agg(a.attname::text ORDER BY a.attnum)
                FILTER (WHERE a.attnum = ANY(i.indkey)), '{{}}') AS keys
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND c.relnamespace = current_schema()::regnamespace AND c.relname <> ALL ({KEYS})
 GROUP BY c.relname ORDER BY c.relname COLLATE "C"
"""  # noqa: S608
_POSTGRES_HAS = "SELECT to_regclass($1) IS NOT NULL"


class _OfPostgres:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._keys: dict[str, list[str]] = {}

    async def tables(self) -> list[Table]:
        rows = [row for row in await self._connection.fetch(_POSTGRES_TABLES)]
        self._keys = {row["name"]: row["keys"] for row in rows}
        return [Table(row["name"], tuple(row["columns"])) for row in rows if _is_ours(row["name"])]

    async def migrations(self) -> list[str]:
        if not await self._connection.fetchval(_POSTGRES_HAS, MIGRATIONS):
            return []
        return [row["name"] for row in await self._connection.fetch(_DONE)]

    async def rows(self, table: Table) -> AsyncIterator[list[Row]]:
        sql = _select(table, self._keys[table.name])
        cursor = await self._connection.cursor(sql)
        while batch := await cursor.fetch(FETCHED):
            yield [[_plain(value) for value in row] for row in batch]


def _is_ours(name: str) -> bool:
    return name != MIGRATIONS and not name.startswith("sqlite_")


def _select(table: Table, keys: Sequence[str]) -> str:
    columns = ", ".join(map(_quoted, table.columns))
    order = f" ORDER BY {', '.join(map(_quoted, keys))}" if keys else ""
    return f"SELECT {columns} FROM {_quoted(table.name)}{order}"  # noqa: S608 (names of the schema)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(value: Any) -> Any:
    """A value of PostgreSQL in the form that SQLite stores."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dt.datetime):
        return moment_to_text(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


# --- and back


async def tables_of(client: BaseDBAsyncClient) -> dict[str, Table]:
    """The tables of an open database; the list of migrations too."""
    if client.capabilities.dialect == "sqlite":
        sql = (
            "SELECT m.name AS name, c.name AS column FROM sqlite_master AS m,"
            " pragma_table_info(m.name) AS c WHERE m.type = 'table'"
            " AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.cid"
        )
        columns_by_table: dict[str, list[str]] = {}
        for row in await client.execute_query_dict(sql):
            columns_by_table.setdefault(row["name"], []).append(row["column"])
        return {name: Table(name, tuple(columns)) for name, columns in columns_by_table.items()}
    rows = await client.execute_query_dict(_POSTGRES_TABLES)
    return {row["name"]: Table(row["name"], tuple(row["columns"])) for row in rows}


async def migrations_of(client: BaseDBAsyncClient) -> list[str]:
    """The names of the migrations that are applied to an open database, oldest first."""
    if MIGRATIONS not in await tables_of(client):
        return []
    return [row["name"] for row in await client.execute_query_dict(_DONE)]


_KEY_TABLES = (
    "SELECT relname AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace"  # noqa: S608
    f" AND relkind = 'r' AND relname = ANY ({KEYS})"
)


async def drop_tables(client: BaseDBAsyncClient) -> None:
    """Drop every table, whatever is in it. In the caller's transaction; on SQLite with references
    off."""
    if client.capabilities.dialect == "sqlite":
        for name in await tables_of(client):
            await client.execute_query(f"DROP TABLE {_quoted(name)}")
        return
    keys = [row["name"] for row in await client.execute_query_dict(_KEY_TABLES)]
    for name in (*await tables_of(client), *keys):
        await client.execute_query(f"DROP TABLE {_quoted(name)} CASCADE")


async def in_order(client: BaseDBAsyncClient) -> list[str]:
    """The names of the tables, each after those that its rows refer to.

    So no check has to be switched off while they are filled, which on PostgreSQL only a superuser
    may. Raises CopyFault where tables refer to each other in a circle.
    """
    needs = {name: set[str]() for name in await tables_of(client)}
    for row in await client.execute_query_dict(_REFERENCES[client.capabilities.dialect]):
        if row["of"] != row["to"]:
            needs[row["of"]].add(row["to"])
    done: list[str] = []
    while ready := sorted(name for name in needs if name not in done and needs[name] <= {*done}):
        done += ready
    if len(done) != len(needs):
        raise CopyFault("The tables refer to each other in a circle.")
    return done


_REFERENCES = {
    "sqlite": (
        'SELECT m.name AS "of", f."table" AS "to" FROM sqlite_master AS m,'
        " pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'"
    ),
    "postgres": (
        'SELECT a.relname AS "of", b.relname AS "to" FROM pg_constraint AS c'
        " JOIN pg_class AS a ON a.oid = c.conrelid JOIN pg_class AS b ON b.oid = c.confrelid"
        " WHERE c.contype = 'f' AND NOT a.relispartition AND NOT b.relispartition"
        " AND a.relnamespace = current_schema()::regnamespace"
    ),
}


async def fill(client: BaseDBAsyncClient, table: Table, batches: Iterable[list[Row]]) -> None:
    """Put rows into a table, in the caller's transaction."""
    if client.capabilities.dialect == "sqlite":
        columns = ", ".join(map(_quoted, table.columns))
        places = ", ".join("?" for _ in table.columns)
        sql = f"INSERT INTO {_quoted(table.name)} ({columns}) VALUES ({places})"  # noqa: S608
        for batch in batches:
            await client.execute_many(sql, [list(row) for row in batch])
        return
    connection: Any = client._connection
    await connection.copy_to_table(
        table.name, source=_lines(batches), columns=table.columns, format="csv"
    )


async def _lines(batches: Iterable[list[Row]]) -> AsyncIterator[bytes]:
    for batch in batches:
        yield "".join(map(_line, batch)).encode()


def _line(row: Row) -> str:
    # NULL is written as nothing, and an empty text as quotes.
    values = ("" if value is None else _in_quotes(str(value)) for value in row)
    return ",".join(values) + "\n"


def _in_quotes(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


async def count_on(client: BaseDBAsyncClient) -> None:
    """Let every auto-increment key go on after the highest one in use."""
    if client.capabilities.dialect == "sqlite":
        return  # SQLite sees to that itself.
    for row in await client.execute_query_dict(_COUNTED):
        table, column = _quoted(row["name"]), _quoted(row["column"])
        await client.execute_query(
            f"SELECT setval($1::regclass, coalesce(max({column}), 1), max({column}) IS NOT NULL)"  # noqa: S608
            f" FROM {table}",
            [row["sequence"]],
        )


_COUNTED = """
SELECT * FROM (
  SELECT c.relname AS name, a.attname AS column,
         pg_get_serial_sequence(quote_ident(c.relname), a.attname) AS sequence
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
     AND c.relnamespace = current_schema()::regnamespace
) AS counted WHERE sequence IS NOT NULL
"""


async def broken_references(client: BaseDBAsyncClient) -> list[str]:
    """Which rows refer to missing rows: only SQLite accepts such rows, while its references are
    off."""
    if client.capabilities.dialect == "postgres":
        return []
    broken = await client.execute_query_dict("PRAGMA foreign_key_check")
    return sorted({f"{row['table']} → {row['parent']}" for row in broken})


# --- exclusive use


def is_open_elsewhere(file: Path) -> bool:
    """Whether any other program has this SQLite file open.

    A program that has a file with a write-ahead log open has a lock on it, even when idle; leaving
    that log needs exclusive use of the file.
    """
    if not file.exists():
        return False
    with closing(sqlite3.connect(file, isolation_level=None, timeout=1)) as connection:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return True
            raise
    return bool(mode != "delete")


async def others_connected(client: BaseDBAsyncClient) -> int:
    """How many other programs are connected to this PostgreSQL database."""
    (row,) = await client.execute_query_dict(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    return int(row["n"])
