""" "I forgot": a child may say so afterwards; we ask kindly and never require it. The miss
stays."""

from datetime import datetime, timedelta
from uuid import UUID

from server.audit.actions import Actor
from server.errors import NotFound
from server.i18n import N_
from server.storage.db import write
from server.watch.models import Round
from server.watch.writing import note_about

# For this long after a late answer the phone offers "I forgot", and the child can say it.
OFFERED_FOR = timedelta(hours=24)
SAID_WITHIN = timedelta(days=14)


async def offered(child_id: UUID, now: datetime) -> Round | None:
    """The last check-in that was answered late, if the child has not said why."""
    late = Round.filter(
        child_id=child_id,
        state="answered_late",
        settled_at__gt=now - OFFERED_FOR,
        forgot_at__isnull=True,
    )
    return await late.order_by("-due_at").first()


async def forgot(actor: Actor, child_id: UUID, round_id: UUID, now: datetime) -> Round:
    """The child says that they forgot this check-in. It changes only what adults can read. Twice is
    once: the first time counts. Raises NotFound if there is no such late answer."""
    async with write():
        late_round = await Round.filter(
            id=round_id,
            child_id=child_id,
            state="answered_late",
            settled_at__gt=now - SAID_WITHIN,
        ).first()
        if late_round is None:
            raise NotFound(N_("There is no late check-in that this fits."))
        if late_round.forgot_at is not None:
            return late_round
        updated = await Round.filter(id=round_id, forgot_at__isnull=True).update(forgot_at=now)
        if updated:
            await note_about(actor, child_id, "round:forgot", [], now, about=round_id)
    return await Round.get(id=round_id)
