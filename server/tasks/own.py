"""The open tasks of one adult: those of the next month that are theirs, and those that they were
told of. Reads rows, and writes none."""

from datetime import datetime, timedelta

from server.people.access import Visitor
from server.storage.db import as_id, fetch
from server.tasks.models import Task
from server.tasks.rules import NEVER_RESTS

AT_ONCE = 50
# A person hears of an open task at least so often, so an older message says nothing more.
_LATELY = timedelta(days=31)
_AHEAD = timedelta(days=31)

# A task that goes to nobody by name is for those who hold its role for the child. A person who was
# told may have no tie: as a deputy, or on duty.
_OWN = f"""
WITH mine AS (
  SELECT t.id FROM tie i JOIN task t ON t.child_id = i.child_id AND t.state = 'open'
  WHERE i.person_id = $1 AND i.from_at <= $3 AND (i.until_at IS NULL OR i.until_at > $3)
  AND t.due_at <= $5 AND (t.owner_id = $1 OR (t.owner_id IS NULL AND (t.owner_role = i.role
       OR (t.owner_role = 'agency' AND i.role = 'caseworker'))))
  UNION
  SELECT t.id FROM message m JOIN task t ON t.id = m.subject_id AND t.state = 'open'
  WHERE m.person_id = $1 AND m.kind = 'due' AND m.queued_at > $4
)
SELECT t.id, COUNT(*) OVER () AS n FROM task t
JOIN mine ON mine.id = t.id JOIN child c ON c.id = t.child_id
WHERE t.agency_id = $2
AND (c.left_at IS NULL OR t.kind IN ({", ".join(f"'{kind}'" for kind in sorted(NEVER_RESTS))}))
ORDER BY t.due_at, t.id LIMIT {AT_ONCE}
"""  # noqa: S608 (codes of our own alone)


async def own_tasks(visitor: Visitor, number: int, now: datetime) -> tuple[list[Task], int]:
    """One part of them, counted from 1, by when they are due; and how many there are."""
    values = [visitor.person_id, visitor.agency_id, now, now - _LATELY, now + _AHEAD]
    rows = await fetch(f"{_OWN} OFFSET {AT_ONCE * (number - 1)}", values)
    tasks = Task.filter(id__in=[as_id(row["id"]) for row in rows]).order_by("due_at", "id")
    return await tasks if rows else [], int(rows[0]["n"]) if rows else 0
