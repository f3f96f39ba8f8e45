"""Filters over lists: one parameter, however long the list is.

Tortoise writes a placeholder for each value of an `__in`. A statement may have 32,767 of them on
PostgreSQL, and 32,766 on a usual SQLite, so that from one child to the next every query over the
children of a large agency failed, for ever. Here

- no value is a comparison that is never true, one value is `=`;
- a few values are `= ANY($1)` on PostgreSQL, and placeholders on SQLite, whose planner looks into
  them where an index is partial;
- more are a subquery over one parameter. On PostgreSQL not `= ANY($1)`: a prepared statement may be
  planned without its values, and then compares each row with each value one after the other.

NULLs mean what they mean in SQL: `x IN (1, NULL)` finds 1, `x NOT IN (1, NULL)` finds nothing.

`bulk_update` and many-to-many relations build lists of their own, past the filters; nothing here
uses them. What does is refused by width.py.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, cast

from pypika_tortoise.context import SqlContext
from pypika_tortoise.enums import Equality
from pypika_tortoise.terms import (
    BasicCriterion,
    ContainsCriterion,
    Criterion,
    Term,
    ValueWrapper,
)
from tortoise.backends.asyncpg.executor import AsyncpgExecutor
from tortoise.backends.base.executor import BaseExecutor
from tortoise.backends.sqlite.executor import SqliteExecutor
from tortoise.fields.base import Field
from tortoise.filters import FilterInfoDict, is_in, not_in
from tortoise.queryset import QuerySet

from server.storage.engines.parameters import for_sqlite, to_json

# Up to here a plan may be better for knowing the values; beyond, a subquery costs nothing more.
FEW = 32


class Listed(list[Any]):
    """The encoded values of a list, and the field that they are compared with."""

    def __init__(self, values: Iterable[Any], field: Field[Any]) -> None:
        super().__init__(values)
        self.field = field


class _Listing:
    """Another encoder's values, with their field."""

    def __init__(self, encode: Callable[..., list[Any]]) -> None:
        self._encode = encode
        # A filter of a relation knows its field; any other is told.
        self._field: Field[Any] | None = getattr(encode, "keywords", {}).get("field")

    def __call__(self, values: Any, instance: Any, field: Field[Any] | None = None) -> Listed:
        its = self._field if self._field is not None else field
        assert its is not None, "a filter over a list compares with a field"
        return Listed(self._encode(values, instance, field=its), its)


class _OneParameter(Term):
    """A list as one parameter. Where a statement takes none, as to be explained, it is written."""

    def __init__(self, value: Any, written: Callable[[SqlContext], str], around: str) -> None:
        super().__init__()
        self._value = value
        self._written = written
        self._around = around

    def get_sql(self, ctx: SqlContext) -> str:
        if ctx.parameterizer is None:
            return self._around.format(self._written(ctx))
        return self._around.format(ctx.parameterizer.create_param(self._value).get_sql(ctx))


def _few(term: Term, values: list[Any], negated: bool) -> Criterion | None:
    """What both databases write alike; None where there are more values than one."""
    if len(values) > 1:
        return None
    if not values:
        truth = ValueWrapper(1, allow_parametrize=False)
        other = ValueWrapper(1 if negated else 0, allow_parametrize=False)
        return BasicCriterion(Equality.eq, truth, other)
    return cast(Criterion, term.ne(values[0]) if negated else term.eq(values[0]))


def _among_sqlite(term: Term, values: list[Any], negated: bool) -> Criterion:
    if (few := _few(term, values, negated)) is not None:
        return few
    if len(values) <= FEW:
        return term.notin(values) if negated else term.isin(values)
    text = to_json([for_sqlite(value) for value in values])

    def written(ctx: SqlContext) -> str:
        return ValueWrapper.get_formatted_value(text, ctx)

    container = _OneParameter(text, written, "(SELECT value FROM json_each({}))")
    criterion = ContainsCriterion(term, container)
    return criterion.negate() if negated else criterion


def _among_postgres(term: Term, values: list[Any], negated: bool) -> Criterion:
    if (few := _few(term, values, negated)) is not None:
        return few
    cast_to = _cast(values.field) if isinstance(values, Listed) else ""
    values = [*values]

    def written(ctx: SqlContext) -> str:
        inside = ",".join(ValueWrapper.get_formatted_value(value, ctx) for value in values)
        return f"ARRAY[{inside}]{cast_to}"

    if len(values) <= FEW or not cast_to:
        how = "ALL({})" if negated else "ANY({})"
        comparison = Equality.ne if negated else Equality.eq
        return BasicCriterion(comparison, term, _OneParameter(values, written, how))
    container = _OneParameter(values, written, f"(SELECT unnest({{}}{cast_to}))")
    criterion = ContainsCriterion(term, container)
    return criterion.negate() if negated else criterion


@lru_cache(maxsize=1024)
def _cast(field: Field[Any]) -> str:
    return f"::{array_type(str(field.get_for_dialect('postgres', 'SQL_TYPE')))}"


def array_type(sql_type: str) -> str:
    """`VARCHAR(40)` as `text[]`: a cast to a length would cut the values, and find others."""
    plain = re.sub(r"\(.*\)", "", sql_type).strip().lower()
    kinds = {"varchar": "text", "char": "text", "serial": "int", "bigserial": "bigint"}
    return f"{kinds.get(plain, plain)}[]"


_Among = Callable[[Term, list[Any], bool], Criterion]


def _is_in(among: _Among, term: Term, value: Any) -> Criterion:
    if isinstance(value, Term):
        return is_in(term, value)
    return among(term, _as_list(value), False)


def _is_not_in(among: _Among, term: Term, value: Any) -> Criterion:
    if isinstance(value, Term):
        return not_in(term, value)
    values = _as_list(value)
    criterion = among(term, values, True)
    return criterion | term.isnull() if values else criterion


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [*value]


def _both(among: _Among) -> Mapping[Any, Any]:
    return MappingProxyType({is_in: partial(_is_in, among), not_in: partial(_is_not_in, among)})


class _Lists(BaseExecutor):
    """Filters and prefetches whose statements do not grow with a list."""

    OF_LISTS: Mapping[Any, Any]

    @classmethod
    def get_overridden_filter_func(
        cls, filter_func: Callable[..., Any], filter_info: FilterInfoDict | None = None
    ) -> Callable[..., Any] | None:
        """Ours for lists. The encoder of such a filter comes to keep the field with the values."""
        override = cls.OF_LISTS.get(filter_func)
        if override is None:
            return super().get_overridden_filter_func(filter_func, filter_info)
        encode = filter_info.get("value_encoder") if filter_info else None
        if filter_info and encode and not isinstance(encode, _Listing):
            filter_info["value_encoder"] = _Listing(encode)
        return cast(Callable[..., Any], override)

    async def _prefetch_direct_relation(
        self,
        instance_list: Iterable[Any],
        field: str,
        related_query: tuple[str | None, QuerySet[Any]],
    ) -> Iterable[Any]:
        # The stock one looks for each key in a list of all keys: minutes for forty thousand rows.
        to_attr, rows = related_query
        attribute, key = f"{field}_id", ""
        wanted: dict[Any, None] = {}
        for instance in instance_list:
            key = instance._meta.fields_map[field].to_field
            if (value := getattr(instance, attribute)) is not None:
                wanted[value] = None
        related_rows = await rows.filter(**{f"{key}__in": list(wanted)}) if wanted else []
        by_key = {getattr(row, key): row for row in related_rows}
        for instance in instance_list:
            related = by_key.get(getattr(instance, attribute))
            setattr(instance, field, related)
            if to_attr:
                setattr(instance, to_attr, related)
        return instance_list


class SqliteLists(_Lists, SqliteExecutor):
    """The executor of SQLite."""

    OF_LISTS = _both(_among_sqlite)


class PostgresLists(_Lists, AsyncpgExecutor):
    """The executor of PostgreSQL."""

    OF_LISTS = _both(_among_postgres)
