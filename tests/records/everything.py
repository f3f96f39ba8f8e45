"""A row of every table for each kind of value: for what has to carry all of a database.

Rows are made from the models themselves, so a model or a column that is added later is here at
once; a kind of column that is not known here is a KeyError that says so.

    await fill_every_table(clock())      the database is open, and nothing is in it
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from tortoise import fields
from tortoise.fields.data import CharEnumFieldInstance, IntEnumFieldInstance
from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.models import Model

from server.audit.actions import seal
from server.audit.models import Entry
from server.missing.search.models import TimelineEntry
from server.missing.search.timeline import FIRST, seal_of
from server.records.backup.verify import all_models
from server.security.encryption import EncryptedBytes, EncryptedJSON, EncryptedText
from server.storage.db import connection
from server.storage.engines import copying

KINDS = ("plain", "null", "empty", "big", "odd")
"""Each table has a row of each: what people write, nothing where nothing may be, what is empty, the
longest and highest, and what copies stumble over."""

_SPACE = UUID("5e5f7f0e-7d0d-4f57-9d5d-2d6f9b7e1c55")
ODD = '\\.\n",\'\r\n\t\\N {"a": [1]} wm1.short \u200f\u0627\u0644 \U0001f600 e\u0301 \u2028\x7f'
_JSON: dict[str, Any] = {
    "plain": {"at": ["18:00"], "n": 3},
    "null": [],
    "empty": {},
    "big": [{"words": "ف" * 200, "n": 2**53 + 1, "share": 0.1 + 0.2}] * 20,
    "odd": {"": None, ODD: [ODD, True, False, -1, 1e-9, {}, []]},
}
_BYTES = {
    "plain": b"\xff\xd8\xff\xe0 as a picture begins",
    "null": b"\x00",
    "empty": b"",
    "big": bytes(range(256)) * 1_000,
    "odd": b'\\.\n"\x00\xff\r\n',
}
_MOMENTS = {
    "plain": datetime(2026, 3, 2, 12, tzinfo=UTC),
    "null": datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC),
    "empty": datetime(1970, 1, 1, tzinfo=UTC),
    "big": datetime(9999, 12, 31, 23, 0, 0, 999_999, tzinfo=UTC),
    "odd": datetime(1931, 10, 4, 0, 59, 59, 500_000, tzinfo=UTC),
}
_DATES = {
    "plain": date(2026, 3, 2),
    "null": date(2028, 2, 29),
    "empty": date(1970, 1, 1),
    "big": date(9999, 12, 31),
    "odd": date(1, 1, 1),
}


def _text(kind: str, longest: int) -> str:
    text = {"plain": "Once a week", "null": "n", "empty": "", "big": "😀ش" * longest, "odd": ODD}
    return text[kind][:longest]


def _number(kind: str, bits: int) -> int:
    highest = 2 ** (bits - 1) - 1
    return {"plain": 7, "null": 1, "empty": 0, "big": highest, "odd": -highest - 1}[kind]


Value = Callable[[Any, str], Any]
_VALUES: dict[type[Any], Value] = {
    fields.CharField: lambda field, kind: _text(kind, field.max_length),
    fields.TextField: lambda _field, kind: _text(kind, 20_000),
    EncryptedText: lambda _field, kind: _text(kind, 20_000),
    EncryptedJSON: lambda _field, kind: _JSON[kind],
    EncryptedBytes: lambda _field, kind: _BYTES[kind],
    fields.JSONField: lambda _field, kind: _JSON[kind],
    fields.SmallIntField: lambda _field, kind: _number(kind, 16),
    fields.IntField: lambda _field, kind: _number(kind, 32),
    fields.BigIntField: lambda _field, kind: _number(kind, 64),
    fields.BooleanField: lambda _field, kind: kind in ("big", "odd"),
    fields.DateField: lambda _field, kind: _DATES[kind],
    CharEnumFieldInstance: lambda field, kind: _of_enum(field, kind),
    IntEnumFieldInstance: lambda field, kind: _of_enum(field, kind),
}


def _of_enum(field: Any, kind: str) -> Any:
    every = list(field.enum_type)
    return every[KINDS.index(kind) % len(every)]


# What a table itself asks for: its constraints, and chains that a restore looks at.
_ITS_OWN: dict[str, Callable[[str], dict[str, Any]]] = {
    "check_in": lambda kind: {} if kind == "null" else {"mood": KINDS.index(kind) + 1},
    "alert": lambda kind: {"next_action_at": None if kind == "empty" else _MOMENTS[kind]},
    "drill": lambda kind: {"next_action_at": _MOMENTS[kind] if kind == "null" else None},
    "task": lambda kind: {"state": "done" if kind == "null" else "open"},
    "transfer": lambda kind: {"state": "offered" if kind == "null" else "accepted"},
    # Its seal is over the names in their order: a list of texts, always.
    "entry": lambda kind: {"seal_id": None, "names": [_text(kind, 2_000)] * KINDS.index(kind)},
    "timeline_entry": lambda _kind: {"number": 1},
}


async def fill_every_table(now: datetime) -> None:
    """A row of each kind in every table, and the record sealed."""
    by_table = {model._meta.db_table: model for model in all_models()}
    order = await copying.in_order(connection())
    for table in order:
        # Seals are made over what is in the record.
        if table in by_table and table != "seal":
            for kind in KINDS:
                await _make(by_table[table], kind)
    await seal(now)
    # And one that came after the seal.
    await Entry.create(**row_of(Entry, "plain") | {"id": len(KINDS) + 1})


async def _make(model: type[Model], kind: str) -> None:
    row = model(**row_of(model, kind))
    if isinstance(row, TimelineEntry):
        row.seal = seal_of(FIRST, row)
    await row.save(force_create=True)


def row_of(model: type[Model], kind: str) -> dict[str, Any]:
    """The values of a row, by field."""
    meta = model._meta
    values = {
        name: _value(model, name, meta.fields_map[name], kind)
        for name in sorted(meta.db_fields, key=list(meta.fields_map).index)
    }
    return values | _ITS_OWN.get(meta.db_table, lambda _kind: {})(kind)


def _value(model: type[Model], name: str, field: Any, kind: str) -> Any:
    if field.null and kind == "null":
        return None
    reference = getattr(field, "reference", None)
    if isinstance(reference, ForeignKeyFieldInstance):
        return _key(reference.related_model, kind)
    if field.pk:
        return _key(model, kind)
    if isinstance(field, fields.DatetimeField):
        # Each a little after the column before, so that what ends does so after it began.
        return _MOMENTS[kind] + timedelta(seconds=list(model._meta.fields_map).index(name))
    if isinstance(field, fields.UUIDField):
        return uuid5(_SPACE, f"{model._meta.db_table}.{name}:{kind}")
    if type(field) not in _VALUES:
        raise KeyError(f"{model.__name__}.{name}: no example of a {type(field).__name__} here")
    return _VALUES[type(field)](field, kind)


def _key(model: type[Model], kind: str) -> Any:
    field: Any = model._meta.pk
    reference = getattr(field, "reference", None)
    if isinstance(reference, ForeignKeyFieldInstance):
        return _key(reference.related_model, kind)
    if isinstance(field, fields.UUIDField):
        return uuid5(_SPACE, f"{model._meta.db_table}:{kind}")
    if isinstance(field, fields.CharField):
        return f"{kind}-key"[: field.max_length]
    return KINDS.index(kind) + 1
