"""The agreed days and the time of a witness change. Verbs."""

from datetime import datetime, timedelta

from server.audit.actions import Actor, note
from server.errors import Conflict
from server.i18n import N_
from server.storage.db import write
from server.web.live import announce
from server.witnesses import reading, rules
from server.witnesses.actions import live_one, tell
from server.witnesses.models import Witness
from server.witnesses.rules import Agreed


async def change(actor: Actor, witness: Witness, to: Agreed, seen: str, now: datetime) -> None:
    """From the next day or time on the witness is asked by these. The same again changes nothing.
    A list that was made today stays that of today.

    `seen`: what the form was opened with (`Agreed.as_text`). The children have agreed before.
    Raises NotFound where the witness has ended, Conflict if a colleague was faster, Refused, field
    `until`.
    """
    async with write():
        held = await live_one(witness.agency_id, witness.id)
        zone, before = reading.zone_of(held), reading.agreed_with(held)
        if before == to:
            return
        if before.as_text() != seen:
            raise Conflict(N_("A colleague has just changed this. Look at it again, then save."))
        rules.check_until(to.until, now.astimezone(zone).date())
        after = now
        if await reading.list_of_day(held, now) is not None:
            after = rules.ends_at(now, zone) - timedelta(microseconds=1)
        await Witness.filter(id=held.id).update(
            days=list(to.days),
            at=to.at,
            until_on=to.until,
            before=before.as_data(),
            changed_at=now,
            next_list_at=rules.next_list(to, zone, after),
        )
        children = sorted(await reading.children_of(held.id, now))
        about = ("witness", held.id)
        for child_id in children:
            await note(actor, "witness:change", child_id=child_id, about=about, now=now)
        await tell(held, children, "changed", now, but=actor.id)
        await announce(held.agency_id, "watch")
