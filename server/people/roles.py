"""Another role in the agency for a person who has one: the verb, and what forbids it."""

from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor, note
from server.errors import Refused
from server.i18n import N_
from server.people.events import Rights, rights_changed
from server.people.models import Agency, Person, Tie
from server.people.rules import STAFF, Role, may_hold
from server.people.ties import lock_adults
from server.storage.db import write


async def set_role(
    actor: Actor, agency_id: UUID, person_id: UUID, role: Role, now: datetime
) -> Person:
    """Change a person's role in the agency. The same again changes nothing.

    Raises Refused: for a tie that the new role may not have (code `has_ties`), since a child would
    lose a person by it; and for the last administrator (`last_administrator`).
    """
    if role not in STAFF:
        raise Refused(N_("Add a child together with their placement."), field="role")
    async with write():
        # If the last two administrators change at once, one waits here for the other.
        await Agency.filter(id=agency_id).select_for_update().get()
        person = (await lock_adults(agency_id, [person_id]))[person_id]
        if person.role == role:
            return person
        await _keeps_ties(person.id, role, now)
        await keep_an_administrator(person)
        await Person.filter(id=person.id).update(role=role)
        await note(
            actor,
            "person:change",
            about=("person", person.id),
            names=["role", role],
            agency_id=agency_id,
            now=now,
        )
        await rights_changed(Rights(person_id=person.id), now)
        person.role = role
    return person


async def _keeps_ties(person_id: UUID, role: Role, now: datetime) -> None:
    held = await Tie.filter(Tie.ending_after(now), person_id=person_id).values_list(
        "role", flat=True
    )
    if not all(may_hold(role, Role(str(tie))) for tie in held):
        raise Refused(
            N_(
                "This person still has children assigned to them. Hand them over first, then"
                " change the role."
            ),
            code="has_ties",
            field="role",
        )


async def keep_an_administrator(person: Person) -> None:
    """Raises Refused (`last_administrator`) where nobody else is one. The caller's transaction has
    locked the agency, so that of two who change at once one waits for the other."""
    if person.role != Role.ADMINISTRATOR:
        return
    others = Person.filter(
        agency_id=person.agency_id, role=Role.ADMINISTRATOR, disabled_at__isnull=True
    ).exclude(id=person.id)
    if not await others.exists():
        raise Refused(
            N_("This would leave the agency without an administrator. Add another one first."),
            code="last_administrator",
            field="role",
        )
