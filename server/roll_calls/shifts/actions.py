"""A person who works in a home says that they are on shift there, and until when. Verbs."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from server.audit.actions import Actor, note
from server.errors import Refused
from server.i18n import N_
from server.people.access import nothing_here
from server.roll_calls.models import HomeWorker
from server.roll_calls.reading import seat_of
from server.storage.db import write
from server.web.live import announce

# Nobody works longer: a shift that was set to next week by mistake would ask nobody else.
LONGEST = timedelta(hours=24)


async def begin(actor: Actor, home_id: UUID, until_at: datetime, now: datetime) -> None:
    """The actor is on shift in this home until then. Another end changes it.

    Raises NotFound if they do not work there, Refused for an end that is over or too far away.
    """
    if not now < until_at <= now + LONGEST:
        raise Refused(N_("A shift ends within the next 24 hours. Choose another time."), field="at")
    async with write():
        seat = await _locked(actor, home_id, actor.id, now)
        if seat.on_until != until_at:
            await HomeWorker.filter(id=seat.id).update(on_until=until_at)
            await note(actor, "home_worker:on_shift", **_about(seat), now=now)
            await announce(seat.agency_id, "watch")


async def end(actor: Actor, home_id: UUID, person_id: UUID, now: datetime) -> None:
    """The shift of this person is over: their own, or one that a colleague in the same home forgot
    to end. Twice is once. Raises NotFound if one of the two does not work there."""
    async with write():
        await _locked(actor, home_id, actor.id, now)
        seat = await _locked(actor, home_id, person_id, now)
        if seat.on_shift_until(now) is not None:
            await HomeWorker.filter(id=seat.id).update(on_until=None)
            await note(actor, "home_worker:off_shift", **_about(seat), now=now)
            await announce(seat.agency_id, "watch")


async def _locked(actor: Actor, home_id: UUID, person_id: UUID | None, now: datetime) -> HomeWorker:
    seat = await seat_of(person_id, home_id, now) if person_id is not None else None
    if seat is None or seat.agency_id != actor.agency_id:
        raise nothing_here()
    return await HomeWorker.filter(id=seat.id).select_for_update(no_key=True).get()


def _about(seat: HomeWorker) -> dict[str, Any]:
    return {"about": ("home_worker", seat.id), "agency_id": seat.agency_id}
