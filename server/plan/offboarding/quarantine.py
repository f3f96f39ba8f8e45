"""What was sent over a tie that had ended, as far as a person may see and decide about it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.people.rules import Role
from server.plan import shape
from server.plan.changes.stored import state_of
from server.plan.models import Quarantined
from server.plan.rules import PRIVATE, lane_of, may_decide_kept, may_read_kept
from server.plan.state import State


class Kept(msgspec.Struct, frozen=True):
    """One that waits; `said` is None where the reader decides without reading it."""

    row: Quarantined
    said: Mapping[str, Any] | None


async def waiting(child_id: UUID, roles: frozenset[Role]) -> tuple[list[Kept], State]:
    """What waits for a person with these roles, the oldest first; and the project."""
    undecided = Quarantined.filter(child_id=child_id, decided_at__isnull=True)
    rows = sorted(await undecided, key=_as_said)
    state = await state_of(child_id) if rows else State(str(child_id))
    own = _complaints(rows)
    kept_changes = []
    for row in rows:
        entity, to = row.said["entity"], _to(row.said, state, own)
        if may_decide_kept(entity, to, roles):
            kept_changes.append(Kept(row, row.said if may_read_kept(entity, to, roles) else None))
    return kept_changes, state


def _as_said(row: Quarantined) -> tuple[datetime, datetime, str]:
    """Changes sent together are in the order they were said: a thing before the words about it."""
    return row.received_at, datetime.fromisoformat(row.said["said_at"]), str(row.id)


async def count(child_id: UUID, roles: frozenset[Role]) -> int:
    """How many wait for a person with these roles."""
    if not await Quarantined.exists(child_id=child_id, decided_at__isnull=True):
        return 0
    return len((await waiting(child_id, roles))[0])


async def may_decide(child_id: UUID, change_id: UUID, roles: frozenset[Role]) -> bool:
    """Whether a person with these roles may decide about this one. True where there is none,
    which is no secret."""
    row = await Quarantined.get_or_none(id=change_id, child_id=child_id)
    if row is None or row.said["entity"] not in ("complaint", "message"):
        return True
    own = _complaints(await Quarantined.filter(child_id=child_id))
    to = _to(row.said, await state_of(child_id), own)
    return may_decide_kept(row.said["entity"], to, roles)


def _complaints(rows: Iterable[Quarantined]) -> dict[str, Any]:
    """The complaints that were themselves made over the ended tie, as they were said, by id."""
    return {
        row.said["entity_id"]: row.said["value"]
        for row in rows
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
