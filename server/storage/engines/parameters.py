"""Statements and values between Python and the two databases."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec


def moment_to_text(moment: dt.datetime) -> str:
    """How a moment is stored and compared: UTC, with its offset, microseconds where there are any.

    Raises ValueError for one without a zone.
    """
    return _in_utc(moment).isoformat(" ")


def _in_utc(moment: dt.datetime) -> dt.datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a zone: {moment}")
    return moment.astimezone(dt.UTC)


# A text literal, a quoted name or a comment is passed by; a placeholder loses its cast.
_TOKENS = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*"
    r"|\$(\d+)(?:::[a-z_]+(?:\(\d+\))?(?:\[\])?)?",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)
def to_sqlite(sql: str) -> str:
    """The same statement with the placeholders of SQLite."""
    return _TOKENS.sub(lambda match: f"?{match[1]}" if match[1] else match[0], sql)


# Most values are of these types, and need nothing. Exactly of these: a StrEnum is text, too, and
# needs `_plain`, which asks for each kind in turn.
_AS_IT_IS = frozenset({str, int, float, bool, bytes, UUID, type(None)})


def _plain(value: object) -> object:
    if isinstance(value, UUID):  # First: the driver of PostgreSQL has a class of its own for them.
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dt.timedelta):
        return value // dt.timedelta(microseconds=1)
    if isinstance(value, dt.datetime):
        return _in_utc(value)
    if isinstance(value, Mapping):
        return to_json(value)
    return value


def for_sqlite(value: object) -> object:
    """A parameter as SQLite keeps it."""
    # These first, because a page has thousands of them.
    if isinstance(value, UUID):
        return str(value)
    if type(value) is str:  # Not a name out of an enumeration.
        return value
    value = _plain(value)
    if isinstance(value, list | tuple | set | frozenset):
        # Most lists are ids, and long: a call for each of them would take longer than the query.
        return to_json([str(item) if type(item) is UUID else for_sqlite(item) for item in value])
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return value


def for_postgres(value: object) -> object:
    """A parameter as the driver of PostgreSQL wants it."""
    if isinstance(value, list | tuple | set | frozenset):
        return [item if type(item) in _AS_IT_IS else _plain(item) for item in value]
    return value if type(value) in _AS_IT_IS else _plain(value)


def to_json(value: object) -> str:
    """JSON as it is stored: ids as text, moments in UTC; what JSON lacks is refused."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_to_json)


def _to_json(value: object) -> object:
    plain = _plain(value)
    if isinstance(plain, dt.datetime | dt.date):
        return plain.isoformat()
    if isinstance(plain, UUID):
        return str(plain)
    raise TypeError(f"{type(value).__name__} has no JSON")


def as_id(value: object) -> UUID:
    """An id from a row of `fetch`."""
    return value if isinstance(value, UUID) else _as_id(str(value))


# A page reads the ids of its children a dozen times; making one takes longer than finding it.
_as_id = lru_cache(maxsize=8192)(UUID)


def as_moment(value: object) -> dt.datetime:
    """A moment from a row of `fetch`: aware, UTC."""
    moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    assert moment.tzinfo is not None, "a stored moment has a zone"
    return moment.astimezone(dt.UTC)


def as_document(value: object) -> Any:
    """A JSON value from a row of `fetch`."""
    return msgspec.json.decode(value) if isinstance(value, str | bytes) else value
