"""What kind of home it is. Verbs."""

from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor, note
from server.errors import Refused
from server.i18n import N_
from server.people.models import Home, HomeKind
from server.roll_calls.actions import home_of
from server.storage.db import write


async def set_kind(actor: Actor, home_id: UUID, kind: str, now: datetime) -> None:
    """Its form of a roll call from now on, and its times where it has none of its own. The same
    again changes nothing. Raises NotFound for a home of another agency, Refused, field `kind`."""
    if kind not in set(HomeKind):
        raise Refused(N_("Choose one of these."), field="kind")
    async with write():
        home = await home_of(actor, home_id)
        if home.kind == kind:
            return
        await Home.filter(id=home.id).update(kind=kind)
        await Home.filter(Home.to_plan_anew(now), id=home.id).update(next_roll_call_at=now)
        await note(
            actor,
            "home:change",
            about=("home", home.id),
            names=["kind"],
            agency_id=home.agency_id,
            now=now,
        )
