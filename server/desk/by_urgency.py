"""The children of a visitor, the most urgent first: one statement orders and cuts them.

No index has this order: the database goes through the watch of each child of the visitor, who may
be on duty for an agency. What the server itself reads is one part.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request

from server.people.access import Visitor, visitor_of
from server.people.finding.scope import Scope, scope_of
from server.people.rules import Action, Role, may
from server.storage.db import as_id, fetch
from server.storage.parts import unknown
from server.storage.statement import Statement
from server.watch.machine.standing import State as Standing

FIRST = {
    state: place
    for place, state in enumerate(
        (
            Standing.MISSING,
            Standing.ALERTED,
            Standing.LATE,
            Standing.DUE,
            Standing.AWAY,
            Standing.WELL,
        )
    )
}
_NEVER = datetime.max.replace(tzinfo=UTC)
_SEEING = frozenset(role for role in Role if may(frozenset({role}), Action.CHILD_SEE))

_HERE = """
WITH {scope},
placed AS (
  SELECT c.id, CASE w.standing {ranks} ELSE {well} END AS rank,
         COALESCE(w.missed_due_at, {never}) AS missed
  FROM scope s JOIN child c ON c.id = s.child_id LEFT JOIN watch w ON w.child_id = c.id
  WHERE c.left_at IS NULL OR EXISTS (
    SELECT 1 FROM alert a
    WHERE a.child_id = c.id AND a.agency_id = {agency} AND a.closed_at IS NULL)
)
"""
_LEFT = """
WITH {scope}
SELECT c.id FROM scope s JOIN child c ON c.id = s.child_id
WHERE c.left_at IS NOT NULL ORDER BY c.left_at DESC, c.id LIMIT {most}
"""


async def part(request: Request, after: UUID | None, limit: int) -> tuple[list[UUID], UUID | None]:
    """The ids of one part, and the last of them where there are more. A child who left is among
    them while an alert about them is open.

    Raises Refused, naming `after`, for a child who is not among theirs.
    """
    visitor = await visitor_of(request)
    if visitor.agency_id is None:
        return [], None
    scope = await scope_of(request)
    if after is not None and not await _rows(scope, visitor, "id = {after}", after, 1):
        raise unknown()
    later = "(rank, missed, id) > (SELECT rank, missed, id FROM placed WHERE id = {after})"
    condition = "1 = 1" if after is None else later
    rows = await _rows(scope, visitor, condition, after, limit + 1)
    ids = [as_id(row["id"]) for row in rows[:limit]]
    return ids, ids[-1] if len(rows) > limit else None


async def _rows(
    scope: Scope, visitor: Visitor, condition: str, after: UUID | None, most: int
) -> list[dict[str, Any]]:
    statement = Statement()
    here = _HERE.format(
        scope=_scope(scope, visitor, statement),
        ranks=" ".join(f"WHEN '{state.value}' THEN {place}" for state, place in FIRST.items()),
        well=FIRST[Standing.WELL],
        never=statement.moment(_NEVER),
        agency=statement.of(scope.agency_id),
    )
    which = (
        condition.format(after=f"{statement.of(after)}::uuid") if after is not None else condition
    )
    sql = f"{here} SELECT id FROM placed WHERE {which} ORDER BY rank, missed, id"  # noqa: S608
    return await fetch(f"{sql} LIMIT {statement.of(most)}", statement.params)


async def left(request: Request, most: int) -> list[UUID]:
    """The latest of those who left."""
    visitor = await visitor_of(request)
    if visitor.agency_id is None:
        return []
    statement = Statement()
    scope = _scope(await scope_of(request), visitor, statement)
    sql = _LEFT.format(scope=scope, most=statement.of(most))
    return [as_id(row["id"]) for row in await fetch(sql, statement.params)]


def _scope(scope: Scope, visitor: Visitor, statement: Statement) -> str:
    """As `Scope.cte`; a child comes to themselves alone."""
    if visitor.is_child:
        own = statement.of(visitor.person_id)
        return f"scope AS (SELECT id AS child_id FROM child WHERE id = {own})"  # noqa: S608
    return scope.cte(statement, _SEEING)
