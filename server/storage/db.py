"""The database: one transaction, one hand-made statement, and the opening and closing.

    async with write():                 leave normally and it is stored; raise and nothing happened
        swapped(await Watch.filter(child_id=id, version=7).update(version=8))
    rows = await fetch("UPDATE watch SET ... WHERE child_id = $1 RETURNING *", [id])

SQLite and PostgreSQL behave alike here, as far as they can be made to; engines/ has the guards.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from tortoise.backends.base.client import BaseDBAsyncClient, TransactionalDBClient
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext, get_current_context
from tortoise.transactions import in_transaction

from server.errors import Conflict
from server.storage import private
from server.storage.engines import address
from server.storage.engines.migrate import migrate, pending
from server.storage.engines.moments import read_quickly
from server.storage.engines.parameters import (
    as_document,
    as_id,
    as_moment,
    for_postgres,
    for_sqlite,
    to_json,
    to_sqlite,
)
from server.storage.engines.raw_sqlite import RawSqlite, SqliteAtOnce, SqliteBatch
from server.storage.engines.safety import AtEnd, Begun
from server.storage.engines.sqlite import SafeSqliteClient
from server.storage.engines.together import Together
from server.storage.replica import Question, Replica

__all__ = [
    "RawSqlite",
    "SqliteAtOnce",
    "SqliteBatch",
    "Together",
    "after_commit",
    "as_document",
    "as_id",
    "as_moment",
    "at_end",
    "close_database",
    "connection",
    "dialect",
    "durable_read",
    "fetch",
    "fetch_aside",
    "fetch_report",
    "is_writing",
    "migrate",
    "models",
    "open_database",
    "opened_url",
    "pending",
    "sqlite_file",
    "swapped",
    "to_json",
    "tortoise_config",
    "write",
    "write_once",
]

Dialect = Literal["sqlite", "postgres"]

SERVER = Path(__file__).parents[1]
DEFAULT_URL = "sqlite://var/waymark.sqlite3"


@cache
def models() -> tuple[str, ...]:
    """The modules with models."""
    files = [file.relative_to(SERVER).with_suffix("") for file in SERVER.rglob("models.py")]
    return (*sorted(".".join(("server", *file.parts)) for file in files), "server.web.live")


def tortoise_config(
    database_url: str,
    *,
    model_modules: Sequence[str] | None = None,
    migrations: str = "migrations",
) -> dict[str, Any]:
    """The configuration for Tortoise. Raises ValueError for a URL that is not one of ours."""
    place = address.parse(database_url)
    return {
        "connections": {"default": {"engine": place.engine, "credentials": place.credentials}},
        "apps": {
            "server": {
                "models": list(models() if model_modules is None else model_modules),
                "default_connection": "default",
                "migrations": migrations,
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


def __getattr__(name: str) -> Any:
    # For the migration tool's own command, which reads this name. Made on request, so that
    # importing this module reads no environment.
    if name == "TORTOISE_ORM":
        return tortoise_config(os.environ.get("WAYMARK_DATABASE_URL", DEFAULT_URL))
    raise AttributeError(name)


_opened: TortoiseContext | None = None
_url: str | None = None
_dialect: Dialect | None = None
_replica: Replica | None = None


async def open_database(
    url: str, *, replica_url: str | None = None, config: dict[str, Any] | None = None
) -> None:
    """Connect this process. Raises Unavailable where the database cannot be reached.

    `replica_url` is a copy for long reads, which may be away. `config` is for tests with models of
    their own, and for connections that must wait long.
    """
    global _opened, _url, _dialect, _replica
    assert _opened is None, "a database is open already"
    place = address.parse(url)
    if place.dialect == "sqlite":
        private.make_folder(place.file.parent)
    # Statements are cached per table over all databases, and differ between SQLite and PostgreSQL.
    EXECUTOR_CACHE.clear()
    read_quickly()
    context = TortoiseContext()
    # The fallback is global because requests run in other tasks than the one that opens.
    with context:
        await context.init(config=config or tortoise_config(url), _enable_global_fallback=True)
    _opened, _url, _dialect = context, url, cast(Dialect, place.dialect)
    _replica = Replica(replica_url) if replica_url is not None else None
    try:
        await fetch("SELECT 1 AS one")
    except BaseException:
        await close_database()
        raise


async def close_database() -> None:
    """Close all connections. Nothing happens where none is open."""
    global _opened, _url, _dialect, _replica
    context, _opened, _url, _dialect = _opened, None, None, None
    replica, _replica = _replica, None
    if replica is not None:
        await replica.close()
    if context is not None:
        await context.close_connections()
        EXECUTOR_CACHE.clear()


def opened_url() -> str:
    """The URL of the open database."""
    assert _url is not None, "no database is open"
    return _url


def sqlite_file() -> Path:
    """The file of the open SQLite database."""
    return address.parse(opened_url()).file


def connection() -> BaseDBAsyncClient:
    """The connection of this task: that of its transaction, if it is inside one."""
    assert get_current_context() is not None, "no database is open"
    return get_connection("default")


def dialect() -> Dialect:
    """Which kind of database is open."""
    # Finding the connection takes longer than most of what asks, and a batch asks thirty times.
    return _dialect or cast(Dialect, connection().capabilities.dialect)


def among(place: str = "$1") -> str:
    """How `fetch` compares a column with a list that is a parameter, the first unless said."""
    words = "= ANY({})" if dialect() == "postgres" else "IN (SELECT value FROM json_each({}))"
    return words.format(place)


def among_many(place: str = "$1") -> str:
    """The same for hundreds of ids: `= ANY` of a parameter may be compared one after the other."""
    if dialect() == "postgres":
        return f"IN (SELECT unnest({place}::uuid[]))"
    return among(place)


def write() -> AbstractAsyncContextManager[TransactionalDBClient]:
    """One transaction: leave it normally and it is stored, raise and nothing happened.

    Inside another one it is a savepoint: an error that is caught around it undoes this part alone.
    On PostgreSQL that is the only way to go on after a failed statement, for example after an
    IntegrityError. Code that catches one without it gets TransactionManagementError at the end.

    On SQLite all other tasks wait meanwhile: no network inside. A task that is cancelled while it
    commits may have committed, so every message from a phone has an id of its own.
    """
    return cast(AbstractAsyncContextManager[TransactionalDBClient], in_transaction("default"))


def write_once() -> AbstractAsyncContextManager[object]:
    """For one statement, or the rows of one `bulk.insert`, outside of a write(). On SQLite that is
    a transaction by itself, and to begin one takes as long again. On PostgreSQL a transaction
    brings our patience with the locks of others: 15 seconds, where a lease lasts a minute."""
    return write() if dialect() == "postgres" else nullcontext()


def is_writing() -> bool:
    """Whether this task is inside a write()."""
    return isinstance(connection(), TransactionalDBClient)


def after_commit(call: Callable[[], None]) -> None:
    """Call this when the transaction of this task is in; never, if it is rolled back.

    Only to wake another task: a process that dies in between never calls it.
    """
    _begun().after_commit(call)


def at_end(do: AtEnd, item: Any) -> None:
    """Call `do` once, just before the transaction of this task commits, with each item that was
    given to it: so many small statements are one. An item stays where its savepoint is undone."""
    _begun().at_end(do, item)


def _begun() -> Begun:
    begun: Begun | None = getattr(connection(), "begun", None)
    assert begun is not None, "this belongs into a write()"
    return begun


def swapped(changed: int) -> None:
    """Raise Conflict unless exactly one row changed: the end of every compare-and-swap."""
    if changed != 1:
        raise Conflict("This has just changed. Refresh and try again.")


async def fetch(sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
    """Run one statement and return its rows, those of `INSERT/UPDATE/DELETE … RETURNING` too.

    Placeholders are `$1`, `$2`, … on both; `$1::uuid` loses its cast on SQLite. Parameters may be
    UUIDs, aware moments, dates, enums, timedeltas (whole microseconds, as Tortoise stores them) and
    mappings (JSON). A list is an array on PostgreSQL (`= ANY($1)`) and JSON on SQLite
    (`IN (SELECT value FROM json_each($1))`).

    Rows come as each database keeps them: as_id, as_moment and as_document read them alike. Raises
    ValueError for a moment without a zone, and what the ORM raises otherwise.
    """
    client = connection()
    if client.capabilities.dialect == "sqlite":
        return await client.execute_query_dict(to_sqlite(sql), _for_sqlite(params))
    return await client.execute_query_dict(sql, [for_postgres(value) for value in params])


async def fetch_aside(
    sql: str, params: Sequence[object] = (), *, may_be_old: bool = False, is_long: bool = False
) -> list[dict[str, Any]]:
    """The same for a read that takes long, where no check-in is to wait for it. It sees what has
    been committed; inside a transaction it is `fetch`. `may_be_old`: what a copy of the database
    has may be half a minute old; the page says so. `is_long`: it may take seconds, and no board is
    to wait for it either."""
    client = connection()
    if isinstance(client, SafeSqliteClient):
        return await client.read_aside(to_sqlite(sql), _for_sqlite(params), is_long=is_long)
    if _replica is not None and not isinstance(client, TransactionalDBClient):
        question = Question(sql, [for_postgres(value) for value in params])
        rows = await _replica.read(client, question, may_be_old=may_be_old)
        if rows is not None:
            return rows
    return await fetch(sql, params)


async def fetch_report(sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
    """The same for reports: numbers over weeks, which may be half a minute old."""
    return await fetch_aside(sql, params, may_be_old=True, is_long=True)


async def durable_read() -> None:
    """Before we repeat an answer that we only read: return once it would survive the loss of the
    server, as what we store does.

    With a synchronous standby a commit waits for it. Where that wait was cut short, the row is
    there for all to see and is on one machine alone; what commits after it waits for both.
    """
    if dialect() == "postgres":
        await fetch("SELECT pg_logical_emit_message(true, 'waymark', '')")


def _for_sqlite(params: Sequence[object]) -> list[object]:
    return [for_sqlite(value) for value in params]
