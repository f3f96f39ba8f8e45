"""What a child said when they called: the words of the calls that an alert is about."""

from collections.abc import Sequence
from uuid import UUID

from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.storage.db import among, as_id, fetch

# Of each alert the last so many. All of them are in the history of the child.
MOST = 20

# A cause that a child calls for has the same word as the wish. Why a concern opened is sealed.
_CALLS = """
SELECT id, alert_id FROM (
  SELECT c.id, a.id AS alert_id,
    ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY c.received_at DESC, c.id DESC) AS place
  FROM alert a JOIN check_in c ON c.child_id = a.child_id AND c.want = a.cause
    AND c.received_at >= a.opened_at AND (a.closed_at IS NULL OR c.received_at < a.closed_at)
  WHERE a.id {any} AND c.received_at >= $2
) AS calls WHERE place <= {most}
"""


async def calls_of(alerts: Sequence[Alert]) -> dict[UUID, list[CheckIn]]:
    """The calls for help, and the wishes to talk, that opened these alerts or came while they were
    open: of each alert the last ones, the oldest first."""
    if not alerts:
        return {}
    since = min(alert.opened_at for alert in alerts)
    sql = _CALLS.format(any=among(), most=MOST)
    rows = await fetch(sql, [[alert.id for alert in alerts], since])
    alert_of = {as_id(row["id"]): as_id(row["alert_id"]) for row in rows}
    # One that a restored database had lost is older than the alert that it opened.
    opened = {UUID(first): a.id for a in alerts if (first := a.facts.get("check_in"))}
    alert_of = opened | alert_of
    calls: dict[UUID, list[CheckIn]] = {}
    for call in await CheckIn.filter(id__in=list(alert_of)).order_by("received_at", "id"):
        calls.setdefault(alert_of[call.id], []).append(call)
    return calls
