"""The schema editors: what turns a model into tables.

Against the stock editors (each has a test that fails there):

- a new table gets its CHECKs and its named and partial uniques, which were silently left out;
- rebuilding a table on SQLite keeps the rows that refer to it (they were deleted), its indexes, its
  uniques and its triggers (they were lost), and refuses to run where it cannot;
- a `;` inside a condition, a default or a trigger does not cut a statement in two, and a quotation
  mark in a default does not end it.
"""

# The SQL here contains names of tables (S608): they are those of our own models.

import datetime as dt
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.migrations.schema_editor import BasePostgresSchemaEditor, SqliteSchemaEditor
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_editor.data import ModelSqlData
from tortoise.models import Model

from server.storage.engines.parameters import moment_to_text

Constraint = UniqueConstraint | CheckConstraint
_INDEX_NAME = re.compile(r'CREATE (?:UNIQUE )?INDEX "([^"]+)"')


class MigrationFault(Exception):
    """A migration that must not run like this. Nothing was changed."""


def statements(script: str) -> Iterator[str]:
    """The single statements of a script."""
    begun = ""
    for piece in script.split(";"):
        begun += piece + ";"
        if sqlite3.complete_statement(begun):
            if begun.strip(" \n;"):
                yield begun.strip().rstrip(";")
            begun = ""
    if begun.strip(" \n;"):
        raise MigrationFault(f"this SQL does not end: {begun.strip()}")


class _Whole(BaseSchemaEditor):
    """Tables with everything that their model declares."""

    _checks: tuple[str, ...] = ()

    def _get_inner_statements(self) -> list[str]:
        return [*super()._get_inner_statements(), *self._checks]

    def _get_model_sql_data(self, model: type[Model]) -> ModelSqlData:
        declared: tuple[Constraint, ...] = tuple(getattr(model._meta, "constraints", None) or ())
        checks = (
            self._check(constraint)
            for constraint in declared
            if isinstance(constraint, CheckConstraint)
        )
        self._checks = tuple(checks)
        data = super()._get_model_sql_data(model)
        self._checks = ()
        uniques = [
            self._unique(model, constraint)
            for constraint in declared
            if isinstance(constraint, UniqueConstraint)
        ]
        data.table_sql = "\n".join([data.table_sql, *uniques])
        return data

    def _check(self, constraint: CheckConstraint) -> str:
        return f'CONSTRAINT "{constraint.name}" CHECK ({constraint.check})'

    def _unique(self, model: type[Model], constraint: UniqueConstraint) -> str:
        # An index and not a table constraint: only an index takes a condition, and so one way of
        # making, finding and dropping them is enough for all.
        if not constraint.name:
            raise MigrationFault(f"name the unique constraint of {model.__name__}")
        columns = ", ".join(
            self.quote(column)
            for column in self._resolve_fields_to_columns(model, constraint.fields)
        )
        where = f" WHERE {constraint.condition}" if constraint.condition else ""
        table = self._qualify_table_name(model._meta.db_table, model._meta.schema)
        return f'CREATE UNIQUE INDEX "{constraint.name}" ON {table} ({columns}){where};'

    def _escape_default_value(self, default: object) -> str:
        # Tortoise writes \' for a quotation mark, which neither database reads.
        if isinstance(default, dt.datetime):
            default = moment_to_text(default)
        if isinstance(default, str):
            return "'" + default.replace("'", "''") + "'"
        return super()._escape_default_value(default)

    # Comments of a model are for readers of the model; in a schema they only go stale.

    def _get_table_comment_sql(self, table: str, comment: str) -> str:
        return ""

    def _get_column_comment_sql(self, table: str, column: str, comment: str) -> str:
        return ""

    async def add_constraint(self, model: type[Model], constraint: Constraint) -> None:
        if isinstance(constraint, UniqueConstraint) and constraint.name:
            await self._run_sql(self._unique(model, constraint))
            return
        await super().add_constraint(model, constraint)

    async def remove_constraint(self, model: type[Model], constraint: Constraint) -> None:
        if isinstance(constraint, UniqueConstraint) and constraint.name:
            await self._run_sql(f'DROP INDEX "{constraint.name}"')
            return
        await super().remove_constraint(model, constraint)


class PostgresEditor(_Whole, BasePostgresSchemaEditor):
    """Whole tables on PostgreSQL."""


class SqliteEditor(_Whole, SqliteSchemaEditor):
    """Whole tables on SQLite, and rebuilding them without loss."""

    async def _run_sql(self, sql: str) -> None:
        if self.collect_sql:
            await super()._run_sql(sql)
            return
        for statement in statements(sql):
            await self.client.execute_query(statement)

    async def _remake_table(self, model: Any, *_args: Any, **_kwargs: Any) -> None:
        raise MigrationFault(
            f"{model.__name__}: take the operations of server.storage.engines.operations;"
            " Tortoise's own would delete rows that refer to this table, and its indexes"
        )

    async def rebuild(
        self, old: type[Model], model: type[Model], sources: dict[str, str] | None = None
    ) -> None:
        """Make the table of `old` anew as `model` defines it, with all its rows.

        `sources` gives the SQL, over the old table, that fills columns which are new or changed.
        Other new columns take their default; columns that `model` lacks are dropped.

        The way of https://www.sqlite.org/lang_altertable.html#otheralter. With foreign keys ON, the
        DROP would delete or empty the rows that refer to the table: then it refuses.
        """
        table = model._meta.db_table
        if (await self._value("PRAGMA foreign_keys")) != 0:
            raise MigrationFault(f"foreign keys must be OFF while {table} is rebuilt")
        kept = await self._rows(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL"
            " AND type IN ('index', 'trigger')",
            table,
        )
        before = await self._value(f'SELECT count(*) FROM "{table}"')  # noqa: S608
        create, *indexes = statements(self._get_model_sql_data(model).table_sql)
        new = f"new__{table}"
        await self._run_sql(create.replace(f'CREATE TABLE "{table}"', f'CREATE TABLE "{new}"', 1))
        await self._copy(table, new, sources or {})
        after = await self._value(f'SELECT count(*) FROM "{new}"')  # noqa: S608
        if before != after:
            raise MigrationFault(f"{table} had {before} rows and would have {after}")
        await self.client.execute_query(f'DROP TABLE "{table}"')
        await self.client.execute_query(f'ALTER TABLE "{new}" RENAME TO "{table}"')
        for statement in indexes:
            await self.client.execute_query(statement)
        declared = set(_INDEX_NAME.findall(self._get_model_sql_data(old).table_sql))
        await self._restore(table, [row for row in kept if row["name"] not in declared])

    async def _copy(self, table: str, new: str, sources: dict[str, str]) -> None:
        old_columns = {row["name"] for row in await self._rows(f'PRAGMA table_info("{table}")')}
        new_columns = [row["name"] for row in await self._rows(f'PRAGMA table_info("{new}")')]
        taken = {
            column: sources.get(column, f'"{column}"')
            for column in new_columns
            if column in old_columns or column in sources
        }
        names = ", ".join(f'"{column}"' for column in taken)
        await self.client.execute_query(
            f'INSERT INTO "{new}" ({names}) SELECT {", ".join(taken.values())} FROM "{table}"'  # noqa: S608
        )

    async def _restore(self, table: str, kept: list[dict[str, Any]]) -> None:
        """Indexes and triggers that a migration made by hand, which the model does not know."""
        there = {
            row["name"]
            for row in await self._rows("SELECT name FROM sqlite_master WHERE tbl_name = ?", table)
        }
        for row in kept:
            if row["name"] not in there:
                await self.client.execute_query(row["sql"])

    async def _rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        return await self.client.execute_query_dict(sql, list(values))

    async def _value(self, sql: str) -> object:
        (row,) = await self._rows(sql)
        return next(iter(row.values()))
