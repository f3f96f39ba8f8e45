"""Calling adults about a child whose sign was heard; the reason is sealed."""

from datetime import datetime
from uuid import UUID

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.alerts.opening import Opening, open_alerts
from server.alerts.recipients import policy_of
from server.audit.actions import Actor
from server.policy.model import Tier


async def call(
    actor: Actor, child_id: UUID, agency_id: UUID, *, said_at: datetime, now: datetime
) -> Alert:
    """In the caller's transaction. If such an alert is open already, this joins it."""
    policy, _ = await policy_of(agency_id)
    opening = Opening(
        child_id=child_id,
        agency_id=agency_id,
        cause=Cause.CONCERN,
        # As urgent in a settled placement as in the first night.
        tier=Tier.HIGH,
        reason="sealed",
        opened_at=said_at,
        actor=actor,
    )
    return (await open_alerts([opening], {agency_id: policy}, now))[0]
