"""Many rows in one look at the database.

To PostgreSQL the rows travel as JSON, which it can read as a table. So a tick that finds hundreds
of late children writes them with a handful of statements and not with a thousand, and values go
through the fields of the models: moments become UTC, words are sealed. What all rows have in common
is there once, in a parameter of its own: to read a value out of JSON takes PostgreSQL ten times as
long as to copy it.

SQLite takes four times as long to read them out of JSON as to write them. They travel there as
parameters, some rows a statement, all of them in one go to its thread.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, TypeVar, cast
from uuid import UUID

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
from server.storage import instances
from server.storage.db import among, connection, dialect, fetch
from server.storage.engines.parameters import for_sqlite, moment_to_text
from server.storage.engines.partitions import ByMonth, key_sql, key_table
from server.storage.engines.sqlite import SafeSqliteClient
from server.storage.engines.width import MOST

Row = Mapping[str, Any]
MODEL = TypeVar("MODEL", bound=Model)


async def insert(
    model: type[Model], rows: Sequence[Row], *, skip_known: bool = False, returning: str = "id"
) -> list[Any]:
    """Insert rows that all name the same fields; returns the column `returning` of those written.

    With `skip_known`, a row that a unique constraint refuses is left out instead of raising.
    """
    if not rows:
        return []
    if dialect() == "sqlite":
        make = partial(_insert_values, model, tuple(rows[0]), skip_known, returning)
        return await _sqlite().execute_parts(_parts(model, rows, make))
    sql = _insert_sql(model, tuple(rows[0]), skip_known, returning)
    return [row[returning] for row in await fetch(sql, _as_json(model, rows))]


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
    if dialect() == "sqlite":
        make = partial(_update_values, model, names, guard, same)
        return await _sqlite().execute_parts(_parts(model, rows, make))
    is_few = len(rows) <= FEW
    sql = _update_sql(model, names, guard, same, is_few=is_few)
    params: list[Any] = [*_as_json(model, rows)]
    if is_few:
        params.append([row[names[0]] for row in rows])
    return [row[_column(model, names[0])] for row in await fetch(sql, params)]


async def update_all(model: type[Model], rows: Sequence[Row], *, guard: str) -> None:
    """As `update`, but raises Conflict unless every row was still as it was read."""
    if len(await update(model, rows, guard=guard)) != len(rows):
        raise Conflict("This has just changed. Refresh and try again.")


async def select(
    model: type[MODEL],
    which: str,
    params: Sequence[object] = (),
    *,
    without: tuple[str, ...] = (),
) -> list[MODEL]:
    """The rows that a condition by hand selects, as the model reads them. For what is read all the
    time: the ORM takes longer to put a statement together than to read what it finds. `without`:
    fields that nobody will ask for, such as sealed ones, which take their time to open."""
    columns = _columns(model, without)
    sql = f'SELECT {columns} FROM "{model._meta.db_table}" WHERE {which}'  # noqa: S608
    return instances.read(model, await fetch(sql, params), without)


async def follow(
    rows: Sequence[Model], relation: str, *, without: tuple[str, ...] = ()
) -> list[Model]:
    """Read what this relation of the rows leads to into them, as `prefetch_related` does; returns
    each row that was read. `without` as in `select`."""
    if not rows:
        return []
    field: Any = rows[0]._meta.fields_map[relation]
    model, key = field.related_model, field.to_field
    ids = {getattr(row, f"{relation}_id") for row in rows} - {None}
    which = f'"{key}" {among()}'
    related = await select(model, which, [list(ids)], without=without) if ids else []
    by_id = {getattr(row, key): row for row in related}
    for row in rows:
        # As the ORM does it where it reads both at once.
        object.__setattr__(row, f"_{relation}", by_id.get(getattr(row, f"{relation}_id")))
    return related


@lru_cache(maxsize=64)
def _columns(model: type[Model], without: tuple[str, ...]) -> str:
    columns = model._meta.fields_db_projection
    return ", ".join(f'"{column}"' for name, column in columns.items() if name not in without)


def _column(model: type[Model], name: str) -> str:
    return model._meta.fields_db_projection[name]


def _sqlite() -> SafeSqliteClient:
    return cast(SafeSqliteClient, connection())


# As many rows a statement as are worth it: for each, the thread takes its turn with ours.
AT_ONCE = 8


def _parts(
    model: type[Model], rows: Sequence[Row], make: Callable[[int], str]
) -> list[tuple[str, list[Any]]]:
    """The statements that write these rows, with their values: each for so many rows, and one for
    each of the rest. So SQLite need not read a new statement for every number of rows."""
    convert = [(name, _bound(model, name)) for name in rows[0]]
    at_once = min(AT_ONCE, MOST // len(convert)) or 1
    whole = len(rows) // at_once * at_once
    cuts = [*range(0, whole, at_once), *range(whole, len(rows) + 1)]
    return [
        (
            make(end - begin),
            [change(row[name]) for row in rows[begin:end] for name, change in convert],
        )
        for begin, end in pairwise(cuts)
    ]


def _as_json(model: type[Model], rows: Sequence[Row]) -> list[str]:
    """What differs from row to row, and what all of them have in common."""
    common: dict[str, Any] = {}
    differing: dict[str, Sequence[Any]] = {}
    for name in rows[0]:
        column = _column(model, name)
        values, is_common = _values_of(model, name, [row[name] for row in rows])
        if is_common:
            common[column] = values[0]
        else:
            differing[column] = values
    names = tuple(differing)
    each: Any = zip(*differing.values(), strict=True) if names else [()] * len(rows)
    own = [dict(zip(names, values, strict=True)) for values in each]
    # Ten times as fast as `json`, and a tick spends most of its time here.
    return [_encoder.encode(own).decode(), _encoder.encode(common).decode()]


def _values_of(model: type[Model], name: str, values: Sequence[Any]) -> tuple[Sequence[Any], bool]:
    """The values of one column as JSON has them, and whether they are all the same."""
    field, is_several = model._meta.fields_map[name], len(values) > 1
    if is_several and type(field) is JSONField:
        if len(set(map(id, values))) == 1:
            return values, True
        # Compared as written: 1 is True for Python, and not for a document.
        values = [_encoder.encode(value) for value in values]
        return list(map(msgspec.Raw, values)), values.count(values[0]) == len(values)
    may_be_common = is_several and (values[0] is None or type(field) in _COMPARED)
    convert = _converter(model, name, "postgres")
    # Compared as stored: in the hour that comes twice, two moments of one zone are equal.
    made = list(map(convert, values)) if convert else values
    return made, may_be_common and made.count(made[0]) == len(made)


# Of so few rows PostgreSQL is also told the keys. It expects a hundred rows in any JSON, and would
# go through the whole of a table that has some thousands.
FEW = 64
_encoder = msgspec.json.Encoder()
# These values go into the JSON as they are.
_AS_IT_IS = (UUIDField, BooleanField, IntField, SmallIntField, BigIntField)
# These too for PostgreSQL, since the database checks the length of a text itself. A JSON column is
# a document inside the document, and is taken out whole.
_ON_POSTGRES = (CharField, JSONField)
# Values that are equal are stored alike. What is sealed is sealed for each row: nobody is to see
# who has the same.
_COMPARED = (*_AS_IT_IS, CharField, DatetimeField)


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


@lru_cache(maxsize=512)
def _bound(model: type[Model], name: str) -> Callable[[Any], Any]:
    """What makes a value of this field a parameter of SQLite."""
    convert = _converter(model, name, "sqlite")
    if convert is None:
        return _as_text
    made = convert
    is_plain = type(model._meta.fields_map[name]) in (DatetimeField, CharField)
    return made if is_plain else lambda value: _as_text(made(value))


def _as_text(value: Any) -> Any:
    if type(value) is UUID:
        return str(value)
    return value.isoformat() if type(value) is date else value


def _moment_to_text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    # In the hour that comes twice, two moments of one zone are equal: those are not remembered.
    return _utc_to_text(moment) if moment.tzinfo is UTC else moment_to_text(moment)


_utc_to_text = lru_cache(maxsize=1024)(moment_to_text)  # Most of a batch are the same few.


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is UTC:  # As our clock and our reader make them.
        return moment
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a zone: {moment}")
    # PostgreSQL reads no text that is 16 hours from UTC or more, which a client may send.
    return moment.astimezone(UTC)


def _source(table: str) -> str:
    """The rows of `_as_json` as `x`, with the columns of this table."""
    common = f'jsonb_populate_record(NULL::"{table}", $2::text::jsonb)'
    return f"jsonb_populate_recordset({common}, $1::text::jsonb) AS x"


@lru_cache(maxsize=256)
def _insert_sql(
    model: type[Model], names: tuple[str, ...], skip_known: bool, returning: str
) -> str:
    columns = ", ".join(f'"{_column(model, name)}"' for name in names)
    values = ", ".join(f'x."{_column(model, name)}"' for name in names)
    by: ByMonth | None = getattr(model, "by_month", None)
    table, source = model._meta.db_table, _source(model._meta.db_table)
    if skip_known and by is not None and by.once:
        return _insert_new_sql(table, by, columns, values, source) + f'RETURNING "{returning}"'
    return (
        f'INSERT INTO "{table}" ({columns}) SELECT {values} FROM {source} '  # noqa: S608 (names from the models)
        f'{"ON CONFLICT DO NOTHING " if skip_known else ""}RETURNING "{returning}"'
    )


def _insert_new_sql(table: str, by: ByMonth, columns: str, values: str, source: str) -> str:
    """Only rows whose key no month has. The key comes first, so that of two who insert the same at
    the same time the second waits for the first and then leaves it out."""
    return (
        f"WITH new AS MATERIALIZED (SELECT {values}, {key_sql(by.once, 'x')} AS key_of_row"  # noqa: S608
        f" FROM {source}), kept AS ("
        f'INSERT INTO "{key_table(table)}" (key, at)'
        f' SELECT DISTINCT ON (key_of_row) key_of_row, "{by.column}" FROM new'
        " ORDER BY key_of_row ON CONFLICT DO NOTHING RETURNING key, at) "
        f'INSERT INTO "{table}" ({columns}) SELECT {values} FROM new AS x JOIN kept'
        f' ON kept.key = x.key_of_row AND kept.at = x."{by.column}" ON CONFLICT DO NOTHING '
    )


@lru_cache(maxsize=256)
def _update_sql(
    model: type[Model], names: tuple[str, ...], guard: str | None, same: str | None, *, is_few: bool
) -> str:
    source = f"FROM {_source(model._meta.db_table)} WHERE "
    if is_few:
        source += f'"{model._meta.db_table}"."{_column(model, names[0])}" = ANY($3) AND '
    values = [(name, f'x."{_column(model, name)}"') for name in names]
    return _update_from(model, values, guard, same, source)


def _update_from(
    model: type[Model],
    values: Sequence[tuple[str, str]],
    guard: str | None,
    same: str | None,
    source: str,
) -> str:
    """`values`: each name with the place of its value in the source, which ends in its WHERE."""
    table, key, value_of = model._meta.db_table, values[0][0], dict(values)
    written = [(name, value) for name, value in values[1:] if name not in (guard, same)]
    sets = [f'"{_column(model, name)}" = {value}' for name, value in written]
    where = f'"{table}"."{_column(model, key)}" = {value_of[key]}'
    if guard is not None:
        sets.append(f'"{guard}" = "{table}"."{guard}" + 1')
        where += f' AND "{table}"."{guard}" = {value_of[guard]}'
    if same is not None:
        where += f' AND "{table}"."{same}" = {value_of[same]}'
    return (
        f'UPDATE "{table}" SET {", ".join(sets)} {source}'  # noqa: S608 (names from the models)
        f'{where} RETURNING "{table}"."{_column(model, key)}"'
    )


@lru_cache(maxsize=512)
def _insert_values(
    model: type[Model], names: tuple[str, ...], skip_known: bool, returning: str, many: int
) -> str:
    columns = ", ".join(f'"{_column(model, name)}"' for name in names)
    return (
        f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES {_values(many, len(names))} '  # noqa: S608 (names from the models)
        f'{"ON CONFLICT DO NOTHING " if skip_known else ""}RETURNING "{returning}"'
    )


@lru_cache(maxsize=512)
def _update_values(
    model: type[Model], names: tuple[str, ...], guard: str | None, same: str | None, many: int
) -> str:
    # Of a table of one row SQLite would make a copy first.
    value, source = "?{}", "WHERE "
    if many > 1:
        value, source = "x.column{}", f"FROM (VALUES {_values(many, len(names))}) AS x WHERE "
    values = [(name, value.format(n)) for n, name in enumerate(names, start=1)]
    return _update_from(model, values, guard, same, source)


def _values(many: int, width: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * many)
