"""What was sent over a tie that had ended, as far as a person may see and decide about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.people.rules import Role
from server.plan import shape
from server.plan.changes.stored import state_of
from server.plan.models import Quarantined
from server.plan.rules import PRIVATE, lane_of, may_decide_kept, may_read_kept
from server.plan.state import State

PART = 25  # Changes of a part.
# Letters of a part: a change alone may have more.
_LETTERS = 250_000


class Kept(msgspec.Struct, frozen=True):
    """One that waits; `said` is None where the reader decides without reading it."""

    row: Quarantined
    said: Mapping[str, Any] | None


class Part(msgspec.Struct, frozen=True):
    """Some of what waits, with the project. `further`: after which the next part begins; None:
    this is the last."""

    kept: list[Kept]
    state: State
    further: UUID | None


async def waiting(child_id: UUID, roles: frozenset[Role], after: UUID | None = None) -> Part:
    """What waits for a person with these roles, the oldest first."""
    rows = Quarantined.filter(child_id=child_id)
    last = await rows.get_or_none(id=after) if after is not None else None
    kept: list[Kept] = []
    if not await rows.filter(decided_at__isnull=True).exists():
        return Part(kept, State(str(child_id)), None)
    state = await state_of(child_id)
    # For a reader who may not decide about what follows, nothing follows.
    while len(kept) <= PART and (chunk := await _following(rows, last)):
        kept += await _for(chunk, roles, state)
        last = chunk[-1]
    shown = _as_many_as_fit(kept)
    further = shown[-1].row.id if len(shown) < len(kept) else None
    return Part(sorted(shown, key=_as_said), state, further)


async def _following(rows: QuerySet[Quarantined], last: Quarantined | None) -> list[Quarantined]:
    if last is not None:
        at = last.received_at
        rows = rows.filter(Q(received_at__gt=at) | Q(received_at=at, id__gt=last.id))
    return await rows.filter(decided_at__isnull=True).order_by("received_at", "id").limit(PART)


async def _for(rows: Sequence[Quarantined], roles: frozenset[Role], state: State) -> list[Kept]:
    own = await _complaints(rows, state)
    kept = []
    for row in rows:
        entity, to = row.said["entity"], _to(row.said, state, own)
        if may_decide_kept(entity, to, roles):
            kept.append(Kept(row, row.said if may_read_kept(entity, to, roles) else None))
    return kept


def _as_many_as_fit(kept: list[Kept]) -> list[Kept]:
    letters = 0
    for number, each in enumerate(kept[:PART]):
        letters += len(msgspec.json.encode(each.said))
        if number and letters > _LETTERS:
            return kept[:number]
    return kept[:PART]


def _as_said(kept: Kept) -> tuple[datetime, datetime, str]:
    """Changes sent together are in the order they were said: a thing before the words about it."""
    row = kept.row
    return row.received_at, datetime.fromisoformat(row.said["said_at"]), str(row.id)


async def may_decide(child_id: UUID, change_id: UUID, roles: frozenset[Role]) -> bool:
    """Whether a person with these roles may decide about this one. True where there is none,
    which is no secret."""
    row = await Quarantined.get_or_none(id=change_id, child_id=child_id)
    if row is None or row.said["entity"] not in ("complaint", "message"):
        return True
    state = await state_of(child_id)
    to = _to(row.said, state, await _complaints([row], state))
    return may_decide_kept(row.said["entity"], to, roles)


async def _complaints(rows: Sequence[Quarantined], state: State) -> dict[str, Any]:
    """The complaints of the authors of these changes that came over the ended tie themselves, as
    they were said, by id; those that the project has not got."""
    authors = {
        row.who_id
        for row in rows
        if row.said["entity"] == "complaint"
        and state.value("complaint", row.said["entity_id"], "to") is None
    }
    if not authors:
        return {}
    # Of each author as many as are kept.
    made = Quarantined.filter(child_id=rows[0].child_id, who_id__in=list(authors))
    return {
        row.said["entity_id"]: row.said["value"]
        for row in await made
        if (row.said["entity"], row.said["field"]) == ("complaint", shape.MAKING)
    }


def _to(change: Mapping[str, Any], state: State, own: Mapping[str, Any]) -> str | None:
    """The role that this change's complaint is addressed to: its current value, or that in the
    change. Of a message, whether it is for an advocate and the child alone."""
    if change["entity"] == "message":
        made = change["value"]
        return PRIVATE if isinstance(made, dict) and lane_of(made) is not None else None
    if change["entity"] != "complaint":
        return None
    stands = state.value("complaint", change["entity_id"], "to")
    made = own.get(change["entity_id"])
    given = made.get("to") if isinstance(made, dict) else None
    return stands or (given if isinstance(given, str) else None)
