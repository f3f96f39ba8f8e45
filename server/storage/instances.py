"""Rows of the database as models, many at once.

Tortoise asks each field about each value. Of most types that we keep, the driver of PostgreSQL
gives a value as the model has it; of a batch of late children that is nearly all of them.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from tortoise.fields import (
    BigIntField,
    BooleanField,
    CharField,
    DatetimeField,
    IntField,
    SmallIntField,
    TextField,
    UUIDField,
)
from tortoise.models import Model

from server.storage.db import dialect

MODEL = TypeVar("MODEL", bound=Model)

# Exactly of these types: what is sealed has a type of its own.
_ON_BOTH = (BigIntField, CharField, IntField, SmallIntField, TextField)
_AS_IT_IS: dict[str, tuple[type, ...]] = {
    "sqlite": _ON_BOTH,
    "postgres": (*_ON_BOTH, BooleanField, DatetimeField, UUIDField),
}


def read(
    model: type[MODEL], rows: Iterable[Mapping[str, Any]], without: tuple[str, ...] = ()
) -> list[MODEL]:
    """What `fetch` found of these rows, as the model reads them; nobody may ask for the fields that
    were left out."""
    others = _others(model, dialect(), without)
    return [
        built(model, row, {name: convert(row[name]) for name, convert in others}) for row in rows
    ]


def built(model: type[MODEL], row: Mapping[str, Any], others: Mapping[str, Any]) -> MODEL:
    """A row that is in the database, from the values of all its fields as the model has them; those
    of `others` instead of the same ones of `row`."""
    instance = model.__new__(model)
    vars(instance).update(
        row,
        **others,
        _partial=False,
        _saved_in_db=True,
        _custom_generated_pk=_is_pk_ours(model),
        _await_when_save={},
    )
    return instance


@lru_cache(maxsize=256)
def _others(
    model: type[Model], kind: str, without: tuple[str, ...]
) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """The fields whose values the driver does not give as the model has them."""
    names = model._meta.fields_db_projection
    assert all(name == column for name, column in names.items()), "a column is named as its field"
    fields = ((name, model._meta.fields_map[name]) for name in names if name not in without)
    return tuple(
        (name, field.to_python_value)
        for name, field in fields
        if type(field) not in _AS_IT_IS[kind]
    )


@lru_cache(maxsize=256)
def _is_pk_ours(model: type[Model]) -> bool:
    meta = model._meta
    return meta.db_pk_column not in (meta.generated_db_fields or ())
