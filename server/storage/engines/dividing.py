"""From one table of PostgreSQL to one for each month, and back; and the months to come.

Dividing happens in the transaction of the upgrade: until it ends, nobody reads or writes the table.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.operations import TortoiseOperation
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

from server.storage.engines.editors import PostgresEditor
from server.storage.engines.partitions import (
    ByMonth,
    ahead,
    bound,
    key_sql,
    key_table,
    month_after,
)


class PartitionByMonth(TortoiseOperation):
    """On PostgreSQL the table of a model becomes one for each month; nothing on SQLite.

    `once` are the columns of what must stay unique over all months without `column`, and `unique`
    is the name of the index that said so until now; the primary key has none.
    """

    def __init__(
        self,
        model_name: str,
        column: str,
        *,
        is_id: bool = False,
        once: Sequence[str] = (),
        unique: str | None = None,
    ) -> None:
        self.model_name = model_name
        self.by = ByMonth(column, is_id=is_id, once=tuple(once))
        self.unique = unique

    def state_forward(self, app_label: str, state: State) -> None:
        """The model stays as it is."""

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        if isinstance(state_editor, PostgresEditor):
            table = new_state.apps.get_model(f"{app_label}.{self.model_name}")._meta.db_table
            await divide(state_editor.client, table, self.by)

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        if isinstance(state_editor, PostgresEditor):
            table = new_state.apps.get_model(f"{app_label}.{self.model_name}")._meta.db_table
            columns = ", ".join(f'"{name}"' for name in self.by.once)
            unique = f'CREATE UNIQUE INDEX "{self.unique}" ON "{table}" ({columns})'
            await unite(state_editor.client, table, self.by, [unique] if self.unique else [])


async def make_month(client: BaseDBAsyncClient, table: str, by: ByMonth, month: datetime) -> bool:
    """Make the partition of this month, in the caller's transaction; whether it was made.

    Not where it is there already, or in the partition of all months before the first one, nor where
    rows of this month are in the default partition. It attaches a table that is made apart, since
    that lets readers and writers of the others go on.
    """
    name = f"{table}_{month:%Y_%m}"
    low, high = bound(month, is_id=by.is_id), bound(month_after(month), is_id=by.is_id)
    within = f'"{by.column}" >= {low} AND "{by.column}" < {high}'
    if await _is_there(client, name):
        return False
    if name < (await _first_month(client, table) or "") and await _is_there(
        client, f"{table}_before"
    ):
        return False
    if await value(client, f'SELECT EXISTS (SELECT FROM "{table}_default" WHERE {within})'):
        return False
    await client.execute_query(f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING ALL)')
    await client.execute_query(
        f'ALTER TABLE "{table}" ATTACH PARTITION "{name}" FOR VALUES FROM ({low}) TO ({high})'
    )
    return True


async def make_past(client: BaseDBAsyncClient, table: str, by: ByMonth) -> None:
    """Make the partition of all months before the first one, in the caller's transaction. Not where
    there is one, nor where the table is not divided."""
    before, first = f"{table}_before", await _first_month(client, table)
    if first is None or await _is_there(client, before):
        return
    month = datetime.strptime(first[-len("2026_01") :], "%Y_%m").replace(tzinfo=UTC)
    end = bound(month, is_id=by.is_id)
    await client.execute_query(f'CREATE TABLE "{before}" (LIKE "{table}" INCLUDING ALL)')
    await client.execute_query(
        f'ALTER TABLE "{table}" ATTACH PARTITION "{before}" FOR VALUES FROM (MINVALUE) TO ({end})'
    )


async def _first_month(client: BaseDBAsyncClient, table: str) -> str | None:
    """The name of the first partition that is of one month."""
    name = await value(
        client,
        "SELECT min(c.relname::text) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid"
        f" WHERE inhparent = to_regclass('{table}') AND c.relname ~ '_[0-9]{{4}}_[0-9]{{2}}$'",
    )
    return None if name is None else str(name)


async def _is_there(client: BaseDBAsyncClient, table: str) -> bool:
    return bool(await value(client, f"SELECT to_regclass('{table}') IS NOT NULL"))


async def value(client: BaseDBAsyncClient, sql: str) -> object:
    """The only value of a statement."""
    (row,) = await client.execute_query_dict(sql)
    return next(iter(row.values()))


_NOW = "SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"


async def divide(client: BaseDBAsyncClient, table: str, by: ByMonth) -> None:
    """Make months of a table. Its rows stay where they are, as the partition of all months up to
    this one; only rows of later months are copied."""
    before = f"{table}_before"
    this_month = await value(client, _NOW)
    assert isinstance(this_month, datetime)
    referring = await _references_to(client, table)
    await _drop_references(client, referring)
    indexes = await _step_aside(client, table, before)
    await client.execute_query(
        f'CREATE TABLE "{table}" (LIKE "{before}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)'
        f' PARTITION BY RANGE ("{by.column}")'
    )
    await _let_count(client, before, table)
    key = '"id"' if by.is_id else f'"id", "{by.column}"'
    await client.execute_query(f'ALTER TABLE "{table}" ADD PRIMARY KEY ({key})')
    for sql in indexes:
        if "UNIQUE" not in sql or by.column in re.findall(r"\w+", sql):
            await client.execute_query(sql)
    for row in await _references_of(client, before):
        await _add_reference(client, {**row, "of": table})
    await client.execute_query(f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT')
    await _take_in(client, table, before, by, this_month)
    if by.once:
        await _keep_keys(client, table, by)
    for row in referring:
        await _add_reference(client, row)


async def _take_in(
    client: BaseDBAsyncClient, table: str, before: str, by: ByMonth, this_month: datetime
) -> None:
    """The rows that were there, and partitions for those to come."""
    first, *later = ahead(this_month)
    for month in later:
        await make_month(client, table, by, month)
    if not await value(client, f'SELECT EXISTS (SELECT FROM "{before}")'):
        await client.execute_query(f'DROP TABLE "{before}"')
        await make_month(client, table, by, first)
        return
    end = bound(month_after(first), is_id=by.is_id)
    await client.execute_query(
        f'INSERT INTO "{table}" SELECT * FROM "{before}" WHERE "{by.column}" >= {end}'
    )
    await client.execute_query(f'DELETE FROM "{before}" WHERE "{by.column}" >= {end}')
    if not by.is_id:
        await client.execute_query(f'ALTER TABLE "{before}" DROP CONSTRAINT "{before}_pkey"')
    await client.execute_query(
        f'ALTER TABLE "{table}" ATTACH PARTITION "{before}" FOR VALUES FROM (MINVALUE) TO ({end})'
    )


async def _keep_keys(client: BaseDBAsyncClient, table: str, by: ByMonth) -> None:
    """The narrow table of keys, and what keeps it."""
    keys, key = key_table(table), key_sql(by.once, "n")
    kind = "uuid" if by.is_id else "timestamptz"
    at = f'n."{by.column}"'
    is_same = f"k.key = {key} AND k.at = {at}"
    for sql in (
        f'CREATE TABLE "{keys}" (key uuid PRIMARY KEY, at {kind} NOT NULL)',
        f'INSERT INTO "{keys}" (key, at) SELECT {key}, {at} FROM "{table}" AS n',
        f"CREATE OR REPLACE FUNCTION {keys}_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f' INSERT INTO "{keys}" (key, at) SELECT {key}, {at} FROM rows_of_statement AS n'
        f' WHERE NOT EXISTS (SELECT FROM "{keys}" AS k WHERE {is_same}); RETURN NULL; END $$',
        f"CREATE OR REPLACE FUNCTION {keys}_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f' DELETE FROM "{keys}" AS k USING rows_of_statement AS n'
        f" WHERE {is_same}; RETURN NULL; END $$",
        f'CREATE TRIGGER {keys}_kept AFTER INSERT ON "{table}"'
        f" REFERENCING NEW TABLE AS rows_of_statement FOR EACH STATEMENT"
        f" EXECUTE FUNCTION {keys}_kept()",
        f'CREATE TRIGGER {keys}_gone AFTER DELETE ON "{table}"'
        f" REFERENCING OLD TABLE AS rows_of_statement FOR EACH STATEMENT"
        f" EXECUTE FUNCTION {keys}_gone()",
        *_follow(table, by),
    ):
        await client.execute_query(sql)


def _follow(table: str, by: ByMonth) -> list[str]:
    """The key changes with its row: what was said once makes room to be said again. For each row,
    but only where it changes, which is seldom."""
    if len(by.once) == 1:
        return []
    keys, old, new = key_table(table), key_sql(by.once, "OLD"), key_sql(by.once, "NEW")
    changes = " OR ".join(f'OLD."{name}" IS DISTINCT FROM NEW."{name}"' for name in by.once)
    return [
        f"CREATE OR REPLACE FUNCTION {keys}_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f' UPDATE "{keys}" SET key = {new} WHERE key = {old} AND at = OLD."{by.column}";'
        f" RETURN NULL; END $$",
        f'CREATE TRIGGER {keys}_moved AFTER UPDATE ON "{table}" FOR EACH ROW'
        f" WHEN ({changes}) EXECUTE FUNCTION {keys}_moved()",
    ]


async def unite(
    client: BaseDBAsyncClient, table: str, by: ByMonth, uniques: Sequence[str] = ()
) -> None:
    """One table again: every row is copied. `uniques` is the SQL of indexes that months cannot
    have."""
    before = f"{table}_by_month"
    referring = await _references_to(client, table)
    await _drop_references(client, referring)
    indexes = await _step_aside(client, table, before)
    await client.execute_query(
        f'CREATE TABLE "{table}" (LIKE "{before}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)'
    )
    await _let_count(client, before, table)
    await client.execute_query(f'INSERT INTO "{table}" SELECT * FROM "{before}"')
    await client.execute_query(f'ALTER TABLE "{table}" ADD PRIMARY KEY ("id")')
    for sql in (*indexes, *uniques):
        await client.execute_query(sql)
    for row in (
        *[{**row, "of": table} for row in await _references_of(client, before)],
        *referring,
    ):
        await _add_reference(client, row)
    await client.execute_query(f'DROP TABLE "{before}"')
    if by.once:
        keys = key_table(table)
        await client.execute_query(f'DROP TABLE "{keys}"')
        for what in ("kept", "gone", "moved"):
            await client.execute_query(f"DROP FUNCTION IF EXISTS {keys}_{what}()")


async def _step_aside(client: BaseDBAsyncClient, table: str, name: str) -> list[str]:
    """Give a table and its indexes other names; returns the SQL that made its indexes, but that of
    its primary key."""
    rows = await client.execute_query_dict(
        "SELECT i.relname AS name, x.indisprimary AS is_key, pg_get_indexdef(i.oid) AS sql"
        " FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
        " WHERE x.indrelid = $1::regclass ORDER BY i.relname",
        [table],
    )
    await client.execute_query(f'ALTER TABLE "{table}" RENAME TO "{name}"')
    for row in rows:
        new = f"{name}_pkey" if row["is_key"] else f"{row['name']}_of_{name}"
        await client.execute_query(f'ALTER INDEX "{row["name"]}" RENAME TO "{new}"')
    # An index of all months says ON ONLY, which would leave the months without it.
    return [row["sql"].replace(" ON ONLY ", " ON ") for row in rows if not row["is_key"]]


async def _let_count(client: BaseDBAsyncClient, before: str, table: str) -> None:
    """A key that counts goes on where it was."""
    sequence = await value(client, f"SELECT pg_get_serial_sequence('{before}', 'id')")
    if sequence is not None:
        await client.execute_query(f'ALTER SEQUENCE {sequence} OWNED BY "{table}"."id"')


_REFERENCES = (
    'SELECT c.conname AS name, c.conrelid::regclass::text AS "of",'
    " pg_get_constraintdef(c.oid) AS sql"
    " FROM pg_constraint c WHERE c.contype = 'f' AND c.conparentid = 0 AND {column} = $1::regclass"
    " ORDER BY c.conname"
)


async def _references_to(client: BaseDBAsyncClient, table: str) -> list[dict[str, Any]]:
    return await client.execute_query_dict(_REFERENCES.format(column="c.confrelid"), [table])


async def _references_of(client: BaseDBAsyncClient, table: str) -> list[dict[str, Any]]:
    return await client.execute_query_dict(_REFERENCES.format(column="c.conrelid"), [table])


async def _drop_references(client: BaseDBAsyncClient, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        await client.execute_query(f'ALTER TABLE {row["of"]} DROP CONSTRAINT "{row["name"]}"')


async def _add_reference(client: BaseDBAsyncClient, row: dict[str, Any]) -> None:
    await client.execute_query(
        f'ALTER TABLE "{row["of"]}" ADD CONSTRAINT "{row["name"]}" {row["sql"]}'
    )
