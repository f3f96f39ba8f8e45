"""What the migrations made is what the models declare, on both, read from the database."""

from __future__ import annotations

import re

from tortoise.context import require_context
from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from server.storage.db import dialect
from tests.storage import schema
from tools.migrations import FOLDER
from tools.upgrades import left

LEAVING = left(FOLDER)


def _models() -> list[type[Model]]:
    apps = require_context().apps
    assert apps is not None
    return list(apps.apps["server"].values())


def _columns(model: type[Model], names: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(
        (model._meta.fields_map[name].source_field or name)
        if name in model._meta.fields_map
        else name
        for name in names
    )


def _same(condition: str) -> str:
    bare = re.sub(r"[\s()]", "", condition).lower()
    # PostgreSQL prints a list in its own way.
    return re.sub(r"=anyarray\[([^]]*)\](\[\])?", r"in\1", bare)


def _is_kept_by_keys(model: type[Model], unique: UniqueConstraint) -> bool:
    by = getattr(model, "by_month", None)
    return dialect() == "postgres" and by is not None and by.once == tuple(unique.fields)


async def test_every_table_and_every_column_is_there_and_no_other(db):
    found = await schema.columns()
    assert {model._meta.db_table for model in _models()} == set(found)
    for model in _models():
        declared = {
            column: model._meta.fields_map[name].null
            for name, column in model._meta.fields_db_projection.items()
        }
        # What no model has any longer stays until released code does without it as well.
        there = {
            column: null
            for column, null in found[model._meta.db_table].items()
            if f"{model.__name__}.{column}" not in LEAVING
        }
        assert there == declared, model.__name__


async def test_every_check_is_there_and_no_other(db):
    declared = {
        model._meta.db_table: {
            one.name
            for one in getattr(model._meta, "constraints", None) or ()
            if isinstance(one, CheckConstraint)
        }
        for model in _models()
    }
    assert await schema.checks() == {table: names for table, names in declared.items() if names}
    # The test would see it if the models declared none at all.
    assert sum(len(names) for names in declared.values()) > 2


async def test_every_index_and_every_unique_is_there_and_no_other(db):
    found = await schema.indexes()
    seen = 0
    for model in _models():
        there = dict(found[model._meta.db_table])
        for one in getattr(model._meta, "constraints", None) or ():
            if isinstance(one, UniqueConstraint) and _is_kept_by_keys(model, one):
                # Of its own table, and tests/storage/test_months.py tries it.
                seen += 1
            elif isinstance(one, UniqueConstraint):
                columns, unique, condition = there.pop(one.name)
                assert (columns, unique) == (_columns(model, one.fields), True), one
                assert _same(condition) == _same(one.condition or ""), one
                seen += 1
        for one in model._meta.indexes or ():
            assert isinstance(one, Index), f"name the index of {model.__name__}"
            columns, unique, condition = there.pop(one.name)
            assert (columns, unique) == (_columns(model, one.field_names), False), one
            assert _same(condition) == _same(one.extra.partition("WHERE")[2]), one
            seen += 1
        for name, column in model._meta.fields_db_projection.items():
            field = model._meta.fields_map[name]
            if field.pk or not (field.unique or field.index):
                continue
            (match,) = [
                known
                for known, (columns, unique, condition) in there.items()
                if columns == (column,) and unique == field.unique and not condition
            ]
            there.pop(match)
        assert there == {}, model.__name__
    assert seen > 20


async def test_every_reference_is_there_with_what_happens_when_its_row_goes(db):
    declared = {
        (
            model._meta.db_table,
            field.source_field,
            field.related_model._meta.db_table,
            str(field.on_delete.value),
        )
        for model in _models()
        for field in model._meta.fields_map.values()
        if isinstance(field, ForeignKeyFieldInstance)
    }
    assert await schema.references() == declared


async def test_every_reference_can_be_found_from_the_other_side_by_an_index(db):
    # Neither database makes one by itself, and without it each removed row reads a whole table.
    found = await schema.indexes()
    for table, column, _, _ in await schema.references():
        first = {columns[0] for columns, _, condition in found[table].values() if not condition}
        keys = {model._meta.db_pk_column for model in _models() if model._meta.db_table == table}
        assert column in first | keys, f"{table}.{column} has no index that begins with it"
