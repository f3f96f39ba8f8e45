"""What administrators arrange about their agency: its settings, its homes, and people's roles.

No child's content is here. Every change leaves an entry with the names of what changed.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from server.audit.actions import Actor, note
from server.errors import IdReused, NotFound, Refused
from server.i18n import N_
from server.people.actions import add_home as add_a_home
from server.people.actions import checked_language, checked_name, checked_zone, lock_adults
from server.people.events import Rights, rights_changed
from server.people.models import Agency, Home, Person, Tie
from server.people.rules import STAFF, Role, clean_name, may_hold
from server.storage.db import write

LONGEST_DISPLAY_NAME = 40
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{2,30}")


async def change_agency(
    actor: Actor,
    agency_id: UUID,
    *,
    name: str,
    display_name: str,
    language: str,
    zone: str,
    help_phone: str,
    now: datetime,
) -> None:
    """The agency's name, here and on the phones, and its defaults. The same again changes nothing.
    Raises Refused, naming the field."""
    fields: dict[str, Any] = {
        "name": checked_name(name),
        "display_name": _display_name(display_name, name),
        "language": checked_language(language),
        "zone": checked_zone(zone),
        "help_phone": _phone(help_phone),
    }
    async with write():
        agency = await Agency.filter(id=agency_id).select_for_update(no_key=True).get()
        changed = _changed(agency, fields)
        if changed:
            await Agency.filter(id=agency.id).update(**changed)
            await note(
                actor,
                "agency:change",
                about=("agency", agency.id),
                names=sorted(changed),
                agency_id=agency.id,
                now=now,
            )


async def add_home(
    actor: Actor, agency_id: UUID, id_: str, *, name: str, zone: str, now: datetime
) -> None:
    """Add a home. The same form sent twice makes one. Raises Refused."""
    try:
        existing = await Home.get_or_none(id=UUID(id_))
    except ValueError:
        raise Refused(
            N_("Something went wrong with this page. Open it again."), field="id"
        ) from None
    if existing is not None and existing.agency_id != agency_id:
        raise IdReused(N_("This id belongs to something else."), field="id")
    if existing is None:
        await add_a_home(actor, agency_id, name=name, zone=zone, id_=UUID(id_), now=now)


async def change_home(
    actor: Actor, agency_id: UUID, home_id: UUID, *, name: str, zone: str, now: datetime
) -> None:
    """Another name or zone, for children who move in from now on. Children who live there keep the
    clock that their rounds go by. Raises NotFound, Refused."""
    fields = {"name": checked_name(name), "zone": checked_zone(zone)}
    async with write():
        held = Home.filter(id=home_id, agency_id=agency_id).select_for_update(no_key=True)
        home = await held.first()
        if home is None:
            raise NotFound(N_("This home does not exist."))
        changed = _changed(home, fields)
        if changed:
            await Home.filter(id=home.id).update(**changed)
            await note(
                actor,
                "home:change",
                about=("home", home.id),
                names=sorted(changed),
                agency_id=agency_id,
                now=now,
            )


async def change_person(
    actor: Actor,
    agency_id: UUID,
    person_id: UUID,
    *,
    name: str,
    role: Role,
    language: str,
    zone: str,
    deputy_id: UUID | None,
    now: datetime,
) -> None:
    """An adult's details in the agency. The same again changes nothing.

    Raises Refused, naming the field: for a role that does not allow their current ties, for the
    visitor's own role, for a person who cannot be a deputy.
    """
    fields: dict[str, Any] = {
        "name": checked_name(name),
        "role": role,
        "language": checked_language(language),
        "zone": checked_zone(zone),
        "deputy_id": deputy_id,
    }
    if role not in STAFF:
        raise Refused(N_("Choose a role for this person."), field="role")
    if deputy_id == person_id:
        raise Refused(N_("A person cannot be their own deputy."), field="deputy_id")
    async with write():
        # Locked, so that nobody gives them a tie for the role that they had.
        wanted = [person_id] if deputy_id is None else [person_id, deputy_id]
        person = (await lock_adults(agency_id, wanted))[person_id]
        changed = _changed(person, fields)
        if "role" in changed:
            await _check_role(actor, person, role, now)
        if changed:
            await Person.filter(id=person.id).update(**changed)
            await note(
                actor,
                "person:change",
                about=("person", person.id),
                names=sorted(changed),
                agency_id=agency_id,
                now=now,
            )
        if "deputy_id" in changed:
            await rights_changed(Rights(deputy_of=person.id, came=deputy_id), now)
        if "role" in changed:
            await rights_changed(Rights(person_id=person.id), now)


async def _check_role(actor: Actor, person: Person, role: Role, now: datetime) -> None:
    if person.id == actor.id:
        raise Refused(
            N_("You cannot change your own role. Another administrator can."), field="role"
        )
    held = await Tie.filter(Tie.ending_after(now), person_id=person.id)
    if not all(may_hold(role, tie.role) for tie in held):
        raise Refused(
            N_(
                "This role does not fit how they are assigned to children. End those"
                " assignments first."
            ),
            field="role",
        )


def _changed(row: Agency | Home | Person, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if getattr(row, name) != value}


def _display_name(text: str, agency: str) -> str | None:
    """The name under the icon on a child's phone; empty: the installation's choice."""
    if not text:
        return None
    name = clean_name(text)
    if name is None or len(name) > LONGEST_DISPLAY_NAME:
        raise Refused(
            N_("Enter a name of up to {n} characters."),
            field="display_name",
            n=LONGEST_DISPLAY_NAME,
        )
    if any(word.strip().casefold() in name.casefold() for word in ("waymark", agency)):
        # A stranger with a child's phone can read it.
        raise Refused(
            N_("Choose a name that gives nothing away: not Waymark, not the agency."),
            field="display_name",
        )
    return name


def _phone(text: str) -> str | None:
    if text and not _PHONE.fullmatch(text):
        raise Refused(N_("Enter a phone number such as +33 1 23 45 67 89."), field="help_phone")
    return text or None
