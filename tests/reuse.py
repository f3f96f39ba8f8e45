"""One database of PostgreSQL for test after test: emptied after each, not made anew.

    with Reused(server, template="migrated") as reused:
        url = reused.take()     # as the template is
        reused.give_back()      # whatever happened to it

To copy a database of 90 tables takes longer than most tests. Emptying it takes as long as there are
tables with rows, on a connection that is kept: a new one reads the whole catalog first, which takes
five times as long. Where a test changed more than rows (a table, an index, a trigger, a setting),
its copy is thrown away, and the next one begins with a new copy.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self

import asyncpg

from tests.postgres import Server

_numbers = itertools.count(1)

# What a test may not change without the next one getting a new copy. Statistics and sizes stay out.
FINGERPRINT = """
SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
    SELECT concat_ws('.', relname, relkind, relnatts, relchecks) AS line FROM pg_class
        WHERE relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
    UNION ALL SELECT concat_ws('.', tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws('.', conname, contype, convalidated) FROM pg_constraint
    UNION ALL SELECT concat_ws('.', attrelid, attname, atttypid, attnotnull) FROM pg_attribute
        WHERE attrelid >= 16384 AND NOT attisdropped
    UNION ALL SELECT concat_ws('.', setdatabase, setconfig) FROM pg_db_role_setting
) AS lines
"""
# A table that had rows has a size. DELETE of a few rows takes a fiftieth of the time of TRUNCATE,
# but leaves the size as it is: what has grown is cut. The list of migrations stays.
EMPTY = """
DO $$
DECLARE
    item record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR item IN SELECT relname, pg_relation_size(oid) AS bytes FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname <> 'tortoise_migrations' AND pg_relation_size(oid) > 0
    LOOP
        IF item.bytes > 65536 THEN EXECUTE format('TRUNCATE %I CASCADE', item.relname);
        ELSE EXECUTE format('DELETE FROM %I', item.relname);
        END IF;
    END LOOP;
    PERFORM setval(oid, 1, false) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'S';
END $$
"""
OTHERS = """
SELECT count(pg_terminate_backend(pid, 1000)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
"""


class Reused:
    """See above. One test at a time has it."""

    def __init__(self, server: Server, *, template: str) -> None:
        self._server = server
        self._template = template
        self._name = ""
        self._fingerprint = ""
        self._kept: asyncpg.Connection[Any] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._throw_away()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def take(self, *, alone: bool = False) -> str:
        """The URL of a database that is as the template is; `alone`: we are not connected to it."""
        if not self._name:
            self._name = f"reused{next(_numbers)}"
            self._server.create_database(self._name, template=self._template)
            self._fingerprint = self._run(self._ask(FINGERPRINT))
        if alone:
            self._run(self._hang_up())
        return self._server.url(self._name)

    def give_back(self) -> None:
        """The test is over: empty it, or throw it away where more than rows have changed."""
        try:
            is_same = self._run(self._tidy())
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            # The test stopped the server, or dropped the database.
            is_same = False
        if not is_same:
            self._throw_away()

    def _throw_away(self) -> None:
        if not self._name:
            return
        self._run(self._hang_up())
        self._server.drop_database(self._name)
        self._name = ""

    async def _tidy(self) -> bool:
        connection = await self._connected()
        await connection.execute(OTHERS)
        if await connection.fetchval(FINGERPRINT) != self._fingerprint:
            return False
        await connection.execute(EMPTY)
        return True

    async def _ask(self, sql: str) -> Any:
        return await (await self._connected()).fetchval(sql)

    async def _connected(self) -> asyncpg.Connection[Any]:
        # The test may have stopped the server, or ended every connection.
        if self._kept is None or not await _answers(self._kept):
            await self._hang_up()
            self._kept = await asyncpg.connect(self._server.url(self._name))
        return self._kept

    async def _hang_up(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await kept.close(timeout=5)

    def _run(self, call: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(60)


async def _answers(connection: asyncpg.Connection[Any]) -> bool:
    try:
        return bool(await connection.fetchval("SELECT true", timeout=10))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
