"""A pass over 14 days needs a second person, where the agency wants one."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from server.approvals import actions as approvals
from server.approvals.actions import Asked
from server.approvals.rules import Pass, Times, What
from server.audit.actions import Actor
from server.errors import SecondPersonNeeded
from server.watch.models import Pause
from server.watch.writing import watch_of

# Passes that lie further back or ahead are no part of one absence, which lasts up to 92 days.
NEAR = timedelta(days=200)


async def ask_first(
    actor: Actor,
    child_id: UUID,
    pass_id: UUID,
    times: Times,
    content: Mapping[str, Any],
    now: datetime,
) -> SecondPersonNeeded | None:
    """Ask a second person about this pass, if it needs one: together with the passes that it
    prolongs. `content` is what `pause_approved` reads. In the caller's transaction."""
    watch = await watch_of(child_id)
    if watch.is_over or await Pause.exists(id=pass_id):
        return None
    others = await _others(child_id, times)
    asked = Asked(What.ABSENCE, child_id, watch.agency_id, pass_id, content)
    return await approvals.first_ask(actor, asked, Pass(times, others), now)


async def _others(child_id: UUID, times: Times) -> list[Times]:
    """The other passes of this child, each until it ended."""
    near = Pause.filter(
        child_id=child_id, until_at__gt=times.begin - NEAR, from_at__lt=times.end + NEAR
    )
    rows = await near.values_list("from_at", "until_at", "ended_at")
    return [
        Times(begin, min(end, ended) if ended is not None else end)
        for begin, end, ended in rows
        if ended is None or ended > begin
    ]
