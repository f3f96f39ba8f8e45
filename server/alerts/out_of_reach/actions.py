"""Where nothing can be sent to anyone on a rung, the ladder goes to the next one at once; where
that is so on every rung, it begins anew as soon as an address appears.

A call that has gone out, or may still, reaches its rung. What came of each call is in the outbox:
an address that is there and dead is none.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import F

from server.alerts import ladder as rules
from server.alerts.climbing import climb_of
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.notify.rules import Kind
from server.policy.model import Rung, ladder_from_data
from server.storage import bulk
from server.storage.db import among, as_id, dialect, fetch

_CALLS = f"'{Kind.ALERT}', '{Kind.ALERT_AGAIN}'"
_OF_TURN = "m.subject_id = a.id AND m.turn = a.turn AND m.kind IN"
_MAY_ARRIVE = "m.state IN ('waiting', 'sending', 'done')"
# Alerts that nobody has, which ask for a person and not for a confirmation; and those whose holder,
# or who is called beside them, is told that the child called again.
_PASSED = f"""
SELECT a.id FROM alert a WHERE a.id {{any}} AND a.closed_at IS NULL AND (
  (a.acknowledged_by IS NULL AND a.state IN ('open', 'contacted'))
  OR (a.acknowledged_by IS NOT NULL AND a.react_at IS NOT NULL)) AND NOT EXISTS (
  SELECT 1 FROM message m WHERE {_OF_TURN} ({_CALLS}) AND m.rung = a.rung
  AND m.person_id IS NOT NULL AND {_MAY_ARRIVE}) {{lock}}
"""  # noqa: S608 (names of our own)
_TOLD = f"""
SELECT DISTINCT a.id FROM alert a JOIN message m ON {_OF_TURN} ({_CALLS})
AND m.person_id IS NOT NULL AND {_MAY_ARRIVE} WHERE a.id {{any}}
"""  # noqa: S608 (names of our own)


async def go_on(subjects: Collection[UUID], now: datetime) -> None:
    """Some people who were called about these have no way left. Where nobody on the rung has one,
    the next rung is called now.

    In the transaction of the worker, which waits for no other: an alert that a person takes in this
    moment stays as it is. A whole turn that told nobody is not begun anew before its time.
    """
    if not subjects:
        return
    lock = "FOR UPDATE SKIP LOCKED" if dialect() == "postgres" else ""
    passed = await fetch(_PASSED.format(any=among(), lock=lock), [list(subjects)])
    alerts = await bulk.select(Alert, f"id {among()}", [[as_id(row["id"]) for row in passed]])
    if not alerts:
        return
    told = await fetch(_TOLD.format(any=among()), [[alert.id for alert in alerts]])
    has_told = {as_id(row["id"]) for row in told}
    reach = await reach_of({alert.child_id: alert.agency_id for alert in alerts}, now)
    rows: list[dict[str, Any]] = []
    for alert in alerts:
        ladder = ladder_from_data(alert.ladder)
        if alert.rung < 0 or ladder.rungs[alert.rung] is Rung.LAST_RESORT:
            continue
        on = reach[alert.child_id].on(*ladder.rungs)
        is_alone = alert.acknowledged_by is not None and not alert.is_beside
        if is_alone or alert.id in has_told or not rules.ends_turn(climb_of(alert), ladder, on):
            rows.append(_due(alert, now))
    await bulk.update(Alert, rows, guard="version")


def _due(alert: Alert, now: datetime) -> dict[str, Any]:
    """What follows is due now: of an alert that a person has, others are called beside them."""
    is_free = alert.acknowledged_by is None
    return {
        "id": alert.id,
        "next_action_at": now if is_free else alert.next_action_at,
        "react_at": alert.react_at if is_free else now,
        "version": alert.version,
    }


_ASKS = f"{_OF_TURN} ({_CALLS}, '{Kind.CONFIRM_ANSWERED}')"
_UNHEARD = f"""
SELECT a.id FROM alert a WHERE a.closed_at IS NULL AND a.acknowledged_by IS NULL
AND a.next_action_at > $1 {{which}} AND EXISTS (SELECT 1 FROM message m WHERE {_ASKS})
AND NOT EXISTS (SELECT 1 FROM message m WHERE {_ASKS} AND {_MAY_ARRIVE})
"""  # noqa: S608 (names of our own)


async def unheard(now: datetime, agency_id: UUID | None = None) -> list[UUID]:
    """Open alerts that nobody has, and of whose turn nothing has gone out to anyone, nor to a last
    resort: of every agency, or of this one."""
    params = [now] if agency_id is None else [now, agency_id]
    which = "" if agency_id is None else "AND a.agency_id = $2"
    return [as_id(row["id"]) for row in await fetch(_UNHEARD.format(which=which), params)]


async def try_again(agency_id: UUID, now: datetime) -> None:
    """A way to a person of this agency has appeared, or to its last resort: alerts that reached
    nobody begin anew on their first rung. In the transaction of that change."""
    if ids := await unheard(now, agency_id):
        await Alert.filter(id__in=ids, acknowledged_by__isnull=True, closed_at__isnull=True).update(
            rung=-1, turn=F("turn") + 1, next_action_at=now, version=F("version") + 1
        )
