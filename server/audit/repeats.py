"""Tells a repeated request from another one under the same id.

    async with write():
        existing = await first_made(Sighting, asked.id, asked, child_id=child.id, by_id=actor.id)
        if existing is not None:
            return existing

First of all in a transaction: what the first request was refused for later on (a time that is over
by now, an end that a person has moved) says nothing about its repeat. What is refused leaves
nothing here either, so it may be sent again, corrected, under the same id.
"""

import json
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

import msgspec
from tortoise.models import Model

from server.audit.models import FirstRequest
from server.errors import IdReused
from server.i18n import N_
from server.security import encryption
from server.storage import bulk

MODEL = TypeVar("MODEL", bound=Model)


def id_reused(field: str = "id") -> IdReused:
    """The fault for a known id with other content, in words that fit a form as well."""
    words = N_("Something else was already saved from this form. Open the page again to send this.")
    return IdReused(words, field=field)


async def is_repeat(kind: str, id: UUID, content: Any, **of: object) -> bool:
    """Whether this was asked before, under this id and with this content, by and about `of`. In the
    caller's transaction; two at once wait for each other here.

    Raises IdReused for other content, or another child.
    """
    row = {"id": uuid5(id, kind), "content_hash": _hash([content, of])}
    if await bulk.insert(FirstRequest, [row], skip_known=True):
        return False
    if (await FirstRequest.get(id=row["id"])).content_hash != row["content_hash"]:
        raise id_reused()
    return True


async def first_made(model: type[MODEL], id: UUID, content: Any, **of: object) -> MODEL | None:
    """What the same request made before; None: make it now. `of` names columns of it that say whose
    it is. Raises IdReused."""
    is_known = await is_repeat(model._meta.db_table, id, content, **of)
    row = await model.get_or_none(id=id)
    # A row of an earlier release has no content here: it is the same where it is of the same child.
    if row is not None and not is_known:
        if any(getattr(row, name) != value for name, value in of.items()):
            raise id_reused()
    return row


def _hash(content: Any) -> str:
    plain = msgspec.to_builtins(content, builtin_types=(datetime,), order="deterministic")
    return encryption.blind(json.dumps(_given(plain), sort_keys=True, default=_moment))


def _given(value: Any) -> Any:
    """Without what is not there: a field that a later release adds changes nothing of a request
    without it."""
    if isinstance(value, dict):
        fields = {name: _given(field) for name, field in value.items()}
        return {name: field for name, field in fields.items() if _is_given(field)}
    return [_given(part) for part in value] if isinstance(value, list) else value


def _is_given(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", [], {})


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
