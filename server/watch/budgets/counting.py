"""Counts the weeks of an agency for its budget of alarms, by the rules of `policy/tally.py`.

Children and calls are read by agency and time, calls in parts: no child is looked at alone. Reads
rows, and writes none.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from server.alerts.ladder import Cause, Outcome
from server.people.models import UNPLANNED
from server.people.rules import Role
from server.policy.model import Tier
from server.policy.tally import Call, Tally, tallied
from server.storage.db import as_id, as_moment, fetch
from server.watch.machine.standing import Why

# Only what the silence of a child called for. What the child asked for is no false alarm, and a
# call because nobody met a child has no line that could move.
_CAUSE, _BUT = Cause.SILENCE.value, Why.NOT_MET.value
_GONE = (Outcome.MISSING.value, Outcome.DURESS.value)
# Calls that follow each other within a day are followed back so far.
_BEFORE = timedelta(days=7)
_AT_ONCE = 1_000

_CHILDREN = """
SELECT watch.tier AS tier, COUNT(*) AS children
FROM child JOIN watch ON watch.child_id = child.id
WHERE child.agency_id = $1 AND child.placed_at <= $2
AND (child.left_at IS NULL OR child.left_at > $2)
GROUP BY watch.tier
"""
_CALLS = """
SELECT id, child_id, tier, noticed_at, answered_at, closed_at, closed_by, outcome,
  (SELECT MAX(received_at) FROM check_in WHERE check_in.child_id = alert.child_id
   AND by_role = $3 AND received_at <= alert.noticed_at) AS heard_at
FROM alert WHERE agency_id = $1 AND cause = $2 AND reason <> $10
AND (closed_at IS NULL OR closed_at > $4) AND noticed_at <= $5
AND (child_id, noticed_at, id) > ($6, $7, $8)
ORDER BY child_id, noticed_at, id LIMIT $9
"""


async def children_of(agency_id: UUID, at: datetime) -> dict[Tier, int]:
    """How many children were watched over at a moment, by their level."""
    rows = await fetch(_CHILDREN, [agency_id, at])
    return {Tier(row["tier"]): row["children"] for row in rows}


async def weeks_between(agency_id: UUID, edges: Sequence[datetime]) -> list[Tally]:
    """What counts in each of the weeks between these moments, the first one first."""
    calls: list[Call] = []
    after: list[object] = [UUID(int=0), UNPLANNED, UUID(int=0)]
    wanted = [agency_id, _CAUSE, Role.CHILD.value, edges[0] - _BEFORE, edges[-1]]
    while True:
        rows = await fetch(_CALLS, [*wanted, *after, _AT_ONCE, _BUT])
        calls += map(_call, rows)
        if len(rows) < _AT_ONCE:
            return tallied(calls, edges)
        last = rows[-1]
        after = [as_id(last["child_id"]), as_moment(last["noticed_at"]), as_id(last["id"])]


def _call(row: dict[str, Any]) -> Call:
    closed_at, answered_at = (_moment(row[name]) for name in ("closed_at", "answered_at"))
    by = as_id(row["closed_by"]) if row["closed_by"] is not None else None
    # In the high level an answer waits for a person to confirm. In the others it ends the alert.
    if by is None and row["outcome"] == Outcome.LATE_ANSWER.value:
        answered_at = closed_at
    return Call(
        child=as_id(row["child_id"]),
        tier=Tier(row["tier"]),
        at=as_moment(row["noticed_at"]),
        heard_at=_moment(row["heard_at"]),
        answered_at=answered_at,
        closed_at=closed_at,
        by=by,
        was_here=row["outcome"] not in _GONE,
    )


def _moment(value: Any) -> datetime | None:
    return None if value is None else as_moment(value)
