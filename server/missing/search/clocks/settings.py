"""An agency sets the clocks of its searches: a new version each time, with a reason. Running
searches keep the clocks that they began with."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor, note
from server.errors import Conflict, Refused
from server.i18n import N_
from server.missing.search.clocks import terms
from server.missing.search.clocks.actions import as_data, clocks_of
from server.missing.search.models import ClocksVersion
from server.people.models import Agency
from server.storage.db import write

LONGEST_WHY = 2_000


async def set_clocks(
    actor: Actor,
    agency_id: UUID,
    base: int | None,
    given: Mapping[str, str],
    why: str,
    now: datetime,
) -> ClocksVersion | None:
    """Set the clocks for searches that begin from now on; None where these numbers apply already. A
    running search keeps the clocks it began with.

    Raises Refused (naming the field), Conflict `moved` where another person set them since `base`.
    """
    reason = _reason(why)
    async with write():
        await Agency.filter(id=agency_id).select_for_update().first()
        clocks, version = await clocks_of(agency_id)
        after = terms.changed(clocks, given)
        if after == clocks:
            return None
        if version != base:
            raise Conflict(
                N_(
                    "Someone else has just changed these numbers. Check them, then set yours again."
                ),
                code="moved",
            )
        row = await ClocksVersion.create(
            agency_id=agency_id,
            version=version + 1,
            made_at=now,
            made_by=actor.id,
            why=reason,
            clocks=as_data(after),
        )
        before = terms.shown(clocks)
        names = [name for name, value in terms.shown(after).items() if value != before[name]]
        await note(actor, "episode:clocks", about=("clocks", row.id), names=names, now=now)
    return row


def _reason(why: str) -> str:
    if not why.strip():
        raise Refused(N_("Say in a few words why."), field="why")
    if len(why) > LONGEST_WHY:
        raise Refused(N_("Write up to 2,000 characters."), field="why")
    return why.strip()
