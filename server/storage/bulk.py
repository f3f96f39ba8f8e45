"""Many rows in one statement, on both databases.

The rows travel as one JSON parameter, which both databases can read as a table. So a tick that
finds two hundred late children writes them with a handful of statements and not with a thousand,
and values go through the fields of the models: moments become UTC, words are sealed.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from tortoise.fields import (
    BigIntField,
    BooleanField,
    CharField,
    DatetimeField,
    IntField,
    JSONField,
    SmallIntField,
    UUIDField,
)
from tortoise.models import Model

from server.errors import Conflict
from server.storage.db import dialect, fetch
from server.storage.engines.parameters import for_sqlite, moment_to_text
from server.storage.engines.partitions import ByMonth, key_sql, key_table

Row = Mapping[str, Any]


async def insert(
    model: type[Model], rows: Sequence[Row], *, skip_known: bool = False, returning: str = "id"
) -> list[Any]:
    """Insert rows that all name the same fields; returns the column `returning` of those written.

    With `skip_known`, a row that a unique constraint refuses is left out instead of raising.
    """
    if not rows:
        return []
    sql = _insert_sql(model, tuple(rows[0]), skip_known, returning, dialect())
    return [row[returning] for row in await fetch(sql, [_as_json(model, rows)])]


async def update(
    model: type[Model], rows: Sequence[Row], *, guard: str | None = None, same: str | None = None
) -> list[Any]:
    """Update rows by their key (the first field named); returns the keys that were written.

    `guard` names a whole-number column whose value in `rows` is the one that was read: only a row
    that still has it is written, and it is raised by one (compare-and-swap). `same` names a column
    that is not written, and must still be as in `rows`. Each caller decides what it means when a
    row is not among the returned ones.
    """
    if not rows:
        return []
    names = tuple(rows[0])
    sql = _update_sql(model, names, guard, same, dialect())
    key = _column(model, names[0])
    return [row[key] for row in await fetch(sql, [_as_json(model, rows)])]


async def update_all(model: type[Model], rows: Sequence[Row], *, guard: str) -> None:
    """As `update`, but raises Conflict unless every row was still as it was read."""
    if len(await update(model, rows, guard=guard)) != len(rows):
        raise Conflict("This has just changed. Refresh and try again.")


def _column(model: type[Model], name: str) -> str:
    return model._meta.fields_db_projection[name]


def _as_json(model: type[Model], rows: Sequence[Row]) -> str:
    kind = dialect()
    convert = [(name, _converter(model, name, kind)) for name in rows[0]]
    # Ten times as fast as `json`, and a tick spends most of its time here.
    return _encoder.encode(
        [{name: make(row[name]) if make else row[name] for name, make in convert} for row in rows]
    ).decode()


_encoder = msgspec.json.Encoder()
# These values go into the JSON as they are.
_AS_IT_IS = (UUIDField, BooleanField, IntField, SmallIntField, BigIntField)
# These too for PostgreSQL, since the database checks the length of a text itself. A JSON column is
# a document inside the document, and is taken out whole.
_ON_POSTGRES = (CharField, JSONField)


@lru_cache(maxsize=512)
def _converter(model: type[Model], name: str, kind: str) -> Callable[[Any], Any] | None:
    field = model._meta.fields_map[name]
    # Sealed fields refuse a model class, as filters pass one. This stands for a row.
    a_row: Any = object()

    def stored(value: Any) -> Any:
        return None if value is None else field.to_db_value(value, a_row)

    if type(field) in _AS_IT_IS:
        return None
    if kind == "sqlite":
        return _for_sqlite(field, stored)
    if type(field) in _ON_POSTGRES:
        return None
    return _in_utc if type(field) is DatetimeField else stored


def _for_sqlite(field: Any, stored: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What the model would make of these values; of the plain ones without asking it, since a batch
    of sixty answers has ten thousand of them."""
    if type(field) is DatetimeField:
        return _moment_to_text
    # Only of plain texts: one that is sealed is sealed where it is empty, too.
    longest = field.max_length if type(field) is CharField else -1

    def made(value: Any) -> Any:
        if value is None or (type(value) is str and len(value) <= longest):
            return value
        return for_sqlite(stored(value))

    return made


@lru_cache(maxsize=1024)  # Most moments of a batch are the same few.
def _moment_to_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment_to_text(moment)


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a zone: {moment}")
    # PostgreSQL reads no text that is 16 hours from UTC or more, which a client may send.
    return moment.astimezone(UTC)


@lru_cache(maxsize=256)
def _source(model: type[Model], names: tuple[str, ...], kind: str) -> str:
    if kind == "sqlite":
        columns = ", ".join(f"json_extract(value, '$.{name}') AS \"{name}\"" for name in names)
        return f"(SELECT {columns} FROM json_each($1)) AS x"  # noqa: S608 (names from the models)
    types = ", ".join(f'"{name}" {_type(model, name)}' for name in names)
    return f"jsonb_to_recordset($1::text::jsonb) AS x({types})"


def _type(model: type[Model], name: str) -> str:
    field = model._meta.fields_map[name]
    sql_type = str(field.get_for_dialect("postgres", "SQL_TYPE"))
    # An auto-increment key is declared as SERIAL, which is not a type of a value.
    return {"BIGSERIAL": "BIGINT", "SERIAL": "INT"}.get(sql_type, sql_type)


@lru_cache(maxsize=256)
def _insert_sql(
    model: type[Model], names: tuple[str, ...], skip_known: bool, returning: str, kind: str
) -> str:
    columns = ", ".join(f'"{_column(model, name)}"' for name in names)
    values = ", ".join(f'x."{name}"' for name in names)
    by: ByMonth | None = getattr(model, "by_month", None)
    if skip_known and kind == "postgres" and by is not None and by.once:
        table, source = model._meta.db_table, _source(model, names, kind)
        return _insert_new_sql(table, by, columns, values, source) + f'RETURNING "{returning}"'
    # Without a WHERE, SQLite takes ON CONFLICT for the ON of a join.
    return (
        f'INSERT INTO "{model._meta.db_table}" ({columns}) '  # noqa: S608 (names from the models)
        f"SELECT {values} FROM {_source(model, names, kind)} WHERE true "
        f'{"ON CONFLICT DO NOTHING " if skip_known else ""}RETURNING "{returning}"'
    )


def _insert_new_sql(table: str, by: ByMonth, columns: str, values: str, source: str) -> str:
    """Only rows whose key no month has. The key comes first, so that of two who insert the same at
    the same time the second waits for the first and then leaves it out."""
    return (
        f"WITH new AS MATERIALIZED (SELECT x.*, {key_sql(by.once, 'x')} AS key_of_row"  # noqa: S608
        f" FROM {source}), kept AS ("
        f'INSERT INTO "{key_table(table)}" (key, at)'
        f' SELECT DISTINCT ON (key_of_row) key_of_row, "{by.column}" FROM new'
        " ORDER BY key_of_row ON CONFLICT DO NOTHING RETURNING key, at) "
        f'INSERT INTO "{table}" ({columns}) SELECT {values} FROM new AS x JOIN kept'
        f' ON kept.key = x.key_of_row AND kept.at = x."{by.column}" ON CONFLICT DO NOTHING '
    )


@lru_cache(maxsize=256)
def _update_sql(
    model: type[Model], names: tuple[str, ...], guard: str | None, same: str | None, kind: str
) -> str:
    table, key = model._meta.db_table, names[0]
    sets = [f'"{_column(model, n)}" = x."{n}"' for n in names[1:] if n not in (guard, same)]
    where = f'"{table}"."{_column(model, key)}" = x."{key}"'
    if guard is not None:
        sets.append(f'"{guard}" = "{table}"."{guard}" + 1')
        where += f' AND "{table}"."{guard}" = x."{guard}"'
    if same is not None:
        where += f' AND "{table}"."{same}" = x."{same}"'
    return (
        f'UPDATE "{table}" SET {", ".join(sets)} FROM {_source(model, names, kind)} '  # noqa: S608
        f'WHERE {where} RETURNING "{table}"."{_column(model, key)}"'
    )
