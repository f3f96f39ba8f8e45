"""Indexes of tables in use, on PostgreSQL: built after the upgrade, while everyone works.

CREATE INDEX in the upgrade's transaction would keep every check-in waiting until it is built.
CONCURRENTLY does not, and works in no transaction. So the upgrade stores the statements in the rows
of its migrations, and after the commit, or at the next start, they are run from there. A process
that dies in the middle leaves an index that is there and does not count; it is built anew.
"""

import re

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.operations import AddIndex, Operation, RemoveIndex
from tortoise.migrations.schema_generator.state import State

from server.storage.engines.editors import PostgresEditor
from server.storage.upgrades import notes

_NAME = re.compile(r'INDEX CONCURRENTLY IF (?:NOT )?EXISTS "([^"]+)"')
# Whether a row is there, whether the index counts, and whether another process is building it.
_TABLE = re.compile(r' ON "([^"]+)"')
_DIVIDED = "SELECT 1 FROM pg_class WHERE oid = to_regclass($1) AND relkind IN ('p', 'I')"
_STATE = """
SELECT x.indisvalid AS counts,
       EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = x.indexrelid)
       AS is_built_now
FROM pg_index x WHERE x.indexrelid = to_regclass($1)
"""


async def statement(
    operation: Operation, states: tuple[State, State], client: BaseDBAsyncClient
) -> str | None:
    """The statement that does this operation beside everyone; None where it is not about an index.
    `states`: before and after it."""
    if not isinstance(operation, AddIndex | RemoveIndex):
        return None
    table = states[1].apps.get_model(f"server.{operation.model_name}")._meta.db_table
    if await client.execute_query_dict(_DIVIDED, [f'"{table}"']):
        # PostgreSQL refuses CONCURRENTLY for a table that is divided by month.
        return None
    editor = PostgresEditor(client, collect_sql=True)
    await operation.database_forward("server", *states, editor)
    (sql,) = editor.collected_sql
    if isinstance(operation, AddIndex):
        return sql.replace("INDEX", "INDEX CONCURRENTLY IF NOT EXISTS", 1)
    return sql.replace("INDEX", "INDEX CONCURRENTLY IF EXISTS", 1)


def in_order(statements: list[str]) -> list[str]:
    """What builds first, so that the old index serves until the new one does. As they came where a
    name comes twice: an index that is made anew."""
    names = [_name(sql) for sql in statements]
    if len({*names}) < len(names):
        return statements
    return sorted(statements, key=lambda sql: sql.startswith("DROP"))


async def build(client: BaseDBAsyncClient) -> None:
    """Build and drop what the applied migrations left, outside of any transaction. What another
    process is building is left to that one: nobody's start waits for it."""
    for migration, statements in (await notes.still_to_build(client)).items():
        for sql in in_order(statements):
            if not await _run(client, sql):
                return
        await notes.nothing_left(client, migration)


async def _run(client: BaseDBAsyncClient, sql: str) -> bool:
    name = _name(sql)
    if sql.startswith("CREATE"):
        rows = await client.execute_query_dict(_STATE, [f'"{name}"'])
        if rows and rows[0]["is_built_now"]:
            return False
        if rows and rows[0]["counts"]:
            return True
        if rows:
            await client.execute_query(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')
    # The table may have been divided by a later migration of the same upgrade.
    place = _TABLE.search(sql)
    kinds = [name, place[1]] if place else [name]
    if any([await client.execute_query_dict(_DIVIDED, [f'"{each}"']) for each in kinds]):
        sql = sql.replace(" CONCURRENTLY", "", 1)
    await client.execute_query(sql)
    return True


def _name(sql: str) -> str:
    match = _NAME.search(sql)
    assert match is not None, sql
    return match[1]
