"""Rows by the million, past the ORM: COPY on PostgreSQL, one prepared statement on SQLite.

For rows that we make ourselves. Values are as the database keeps them: words are sealed already,
and JSON is text.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from tortoise.models import Model

from server.storage.db import connection, dialect
from server.storage.engines.parameters import for_sqlite

# Rows of one statement: enough to be quick, and few enough to say how far it is.
AT_ONCE = 20_000


class Table(msgspec.Struct, frozen=True):
    """Rows for a table: the columns, and a value for each of them in each row."""

    model: type[Model]
    columns: tuple[str, ...]
    rows: Iterable[tuple[Any, ...]]


async def copy(table: Table, written: Callable[[int], None]) -> None:
    """Write the rows, in the caller's transaction; says after each part how many more there are.

    A column that is left out has the value that the model would have put in. Raises what the
    database raises; then nothing of the transaction stays.
    """
    name = table.model._meta.db_table
    given = _defaults(table)
    columns, values = (*table.columns, *given), tuple(given.values())
    rows = ((*row, *values) for row in table.rows)
    if dialect() == "postgres":
        # What we compute between two parts may take long on a busy machine.
        await connection().execute_query("SET LOCAL idle_in_transaction_session_timeout = 0")
    while part := [*islice(rows, AT_ONCE)]:
        if dialect() == "postgres":
            postgres: Any = connection()
            async with postgres.alone() as raw:
                await raw.copy_records_to_table(name, columns=columns, records=part)
        else:
            await connection().execute_many(_insert(name, columns), [*_for_sqlite(part)])
        written(len(part))


def _defaults(table: Table) -> dict[str, Any]:
    """By column, what the model would have put in."""
    fields = table.model._meta.fields_map.values()
    return {
        field.model_field_name: field.default
        for field in fields
        if isinstance(field.default, bool | int | str | datetime)
        and not field.pk
        and (field.source_field or field.model_field_name) not in table.columns
    }


def _insert(name: str, columns: tuple[str, ...]) -> str:
    places = ", ".join("?" * len(columns))
    return f'INSERT INTO "{name}" ({", ".join(columns)}) VALUES ({places})'  # noqa: S608 (our names)


def _for_sqlite(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[Any]]:
    for row in rows:
        yield [for_sqlite(value) for value in row]
