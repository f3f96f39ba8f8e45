"""Who may be the second person. Reads rows, writes none."""

from datetime import datetime
from uuid import UUID

from server.approvals.models import Approval
from server.people.access import of_caseworkers
from server.people.models import Person, Tie
from server.people.rules import PROFESSIONAL
from server.rota.duty import on_rota


async def may_decide(person_id: UUID, approval: Approval, now: datetime) -> bool:
    """Whether this person may say yes or no: a caseworker or a supervisor of the child, a person on
    duty, or the cover of a caseworker on leave. Never the person who asked, and nobody who is
    there only in their place."""
    if person_id == approval.asked_by:
        return False
    here = Person.filter(id=person_id, agency_id=approval.agency_id, disabled_at__isnull=True)
    if not await here.exists():
        return False
    tied = Tie.filter(
        Tie.standing_at(now),
        child_id=approval.child_id,
        person_id=person_id,
        role__in=[*PROFESSIONAL],
    )
    if await tied.exists():
        return True
    rota = await on_rota(person_id, now)
    covered = rota.covers - {approval.asked_by}
    return rota.is_on_duty or approval.child_id in await of_caseworkers(covered, now)
