"""A person who leaves the agency, or gets a role that cannot work in a home, works in none."""

from datetime import datetime

from server.audit.actions import SYSTEM, note
from server.notify.actions import withdraw
from server.people.events import Rights
from server.people.models import Person
from server.people.offboarding import LEAVING
from server.people.rules import MAY_WORK
from server.roll_calls.models import HomeWorker, RollCall
from server.storage.db import as_id


async def hear(rights: Rights, now: datetime) -> None:
    """Rights have changed: the seats of a person who may not work in a home any more end, so that
    they do not come back with the account. In the caller's transaction."""
    if rights.person_id is None:
        return
    person = await Person.get_or_none(id=rights.person_id)
    if person is None or (person.disabled_at is None and person.role in MAY_WORK):
        return
    seats = HomeWorker.filter(person_id=person.id, until_at__isnull=True)
    ended = await seats.order_by("id").select_for_update()
    if not ended:
        return
    await HomeWorker.filter(id__in=[seat.id for seat in ended]).update(until_at=now)
    asked = RollCall.filter(home_id__in=[seat.home_id for seat in ended], state="open")
    ids = [as_id(id_) for id_ in await asked.values_list("id", flat=True)]
    await withdraw(ids, "settled", now, person_id=person.id)
    for seat in ended:
        await note(
            SYSTEM,
            "home_worker:end",
            about=("home_worker", seat.id),
            agency_id=person.agency_id,
            why=LEAVING,
            now=now,
        )
