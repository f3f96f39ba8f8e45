"""Calls of the ladder as tests make them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from server.alerts.models import Alert
from server.notify.actions import Saying, queue
from server.notify.rules import Kind


async def queue_call(alert: Alert, person_id: UUID, now: datetime) -> None:
    """This person is called to the alert, whoever they are. In the caller's transaction."""
    saying = Saying(
        kind=Kind.ALERT,
        agency_id=alert.agency_id,
        subject_kind="alert",
        subject_id=alert.id,
        person_id=person_id,
        child_id=alert.child_id,
        urgency="high",
    )
    await queue([saying], now)
