"""A stored life project: its lock, its rows, and the state that they fold to."""

import json
from collections import OrderedDict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from server.clock import known_zone
from server.people.models import Child, Person
from server.plan.models import LifeProject
from server.plan.state import Row, State, fold
from server.security import encryption
from server.storage import bulk
from server.storage.db import as_id, as_moment, dialect, fetch

# Projects that were open lately stay folded in memory; the stored rows decide whether they are
# valid.
_MOST_FOLDED = 64


async def today_of(child_id: UUID, now: datetime) -> date:
    """Which day it is where the child is."""
    return now.astimezone(known_zone((await Person.get(id=child_id)).zone)).date()


async def state_of(child_id: UUID, *, until_revision: int | None = None) -> State:
    """The project folded from its rows: now, or at a revision."""
    return fold(str(child_id), await rows_of(child_id, until_revision=until_revision))


async def rows_of(child_id: UUID, *, until_revision: int | None = None) -> list[Row]:
    """The changes of a project in the order of their numbers."""
    return [_row_of(record) for record in await _fetched(child_id, 0, until_revision)]


async def _fetched(
    child_id: UUID, since: int, until_revision: int | None = None
) -> list[dict[str, Any]]:
    return await fetch(
        "SELECT id, number, entity, entity_id, field, base, value, said_at, received_at, who_id,"
        " who_role, owner_role FROM change WHERE child_id = $1 AND number > $2 AND revision <= $3"
        " ORDER BY number",
        [child_id, since, 2**31 - 1 if until_revision is None else until_revision],
    )


def _row_of(record: dict[str, Any]) -> Row:
    value = record["value"]
    return Row(
        str(record["id"]),
        record["entity"],
        str(record["entity_id"]),
        record["field"],
        None if record["base"] is None else str(record["base"]),
        None if value is None else json.loads(encryption.current().open(value)),
        as_moment(record["said_at"]),
        as_moment(record["received_at"]),
        str(record["who_id"]),
        record["who_role"],
        record["owner_role"],
    )


_folds: OrderedDict[UUID, tuple[int, UUID, State]] = OrderedDict()


def remember(child_id: UUID, number: int, last_id: UUID, state: State) -> None:
    """Keep the state of a project that was just stored, for the next change."""
    _folds[child_id] = (number, last_id, state)
    _folds.move_to_end(child_id)
    while len(_folds) > _MOST_FOLDED:
        _folds.popitem(last=False)


async def folded(project: LifeProject) -> State:
    """The state of a locked project. It is taken out of memory meanwhile: so a transaction that is
    rolled back leaves nothing half-folded behind."""
    number, last_id, state = _folds.pop(project.child_id, (0, None, State(str(project.child_id))))
    rows = await _fetched(project.child_id, max(number - 1, 0))
    if number:
        # Another process may have gone on; a restored backup may have gone back.
        if not rows or (rows[0]["number"], as_id(rows[0]["id"])) != (number, last_id):
            state, rows = State(str(project.child_id)), await _fetched(project.child_id, 0)
        else:
            rows = rows[1:]
    for row in rows:
        state.take(_row_of(row))
    return state


async def locked(child: Child, now: datetime) -> LifeProject:
    """The project of the child, made where there is none, and locked until the end of this
    write."""
    made = {"child_id": child.id, "agency_id": child.agency_id, "made_at": now}
    values = {**made, "number": 0, "revision": 0}
    await bulk.insert(LifeProject, [values], skip_known=True, returning="child_id")
    held = LifeProject.filter(child_id=child.id)
    return await (held.select_for_update() if dialect() == "postgres" else held).get()
