"""Who was called by the ladder. Reads rows, and writes none.

A call is a row of the outbox about an alert that names this person, whatever became of it. From the
moment it was queued they may act on that alert, until it is closed.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from server.alerts.climbing import CALLING
from server.alerts.models import Alert
from server.notify.models import Message
from server.storage.db import among as in_list
from server.storage.db import as_id, fetch

# Start from the open alerts, which are few: over the years a person has been told of many.
_CALLED = """
SELECT a.id, a.child_id FROM alert a
WHERE a.agency_id = $2 AND a.closed_at IS NULL AND EXISTS (
    SELECT 1 FROM message m
    WHERE m.subject_id = a.id AND m.person_id = $1 AND m.agency_id = $2
    AND m.kind IN ({kinds}){one}
)
"""
_KINDS = ", ".join(f"'{kind.value}'" for kind in CALLING)
# OFFSET: of few alerts each is looked up, and not all that the person was ever told.
_ONE = " LIMIT 1 OFFSET 0"


async def was_called(person_id: UUID, alert_id: UUID) -> bool:
    """Whether the ladder has called this person to this alert, open or closed."""
    kinds = [kind.value for kind in CALLING]
    return await Message.exists(subject_id=alert_id, person_id=person_id, kind__in=kinds)


async def is_alerted(child_id: UUID) -> bool:
    """Whether an alert about this child is open."""
    return await Alert.exists(child_id=child_id, closed_at__isnull=True)


async def called_about(
    person_id: UUID, agency_id: UUID, among: Collection[UUID] | None = None
) -> Mapping[UUID, UUID]:
    """The child of each open alert of this agency to which the person was called; `among`: of these
    children alone. Calls by another agency end when the child is transferred."""
    if among is None:
        sql = _CALLED.format(kinds=_KINDS, one="")
        rows = await fetch(sql, [person_id, agency_id])
    else:
        sql = _CALLED.format(kinds=_KINDS, one=_ONE) + f" AND a.child_id {in_list('$3')}"
        rows = await fetch(sql, [person_id, agency_id, list(among)])
    return {as_id(row["id"]): as_id(row["child_id"]) for row in rows}
