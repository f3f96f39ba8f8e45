"""What administrators arrange about their agency: its settings, its homes, and people's roles.

No child's content is here. Every change leaves an entry with the names of what changed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.errors import NotFound, Refused
from server.i18n import N_
from server.people.actions import checked_language, checked_name, checked_phone, checked_zone
from server.people.events import Rights, rights_changed
from server.people.finding.actions import index_home
from server.people.models import Agency, Home, Person, Tie
from server.people.roles import keep_an_administrator
from server.people.rules import STAFF, Role, clean_name, may_hold
from server.people.ties import lock_adults
from server.storage.db import write
from server.storage.ids import uuid7

LONGEST_DISPLAY_NAME = 40


class AddAgency(msgspec.Struct, frozen=True, kw_only=True):
    """A new agency. Without `display_name`, phones show the installation's."""

    name: str
    language: str
    zone: str
    display_name: str | None = None
    help_phone: str | None = None
    id: UUID = msgspec.field(default_factory=uuid7)


class ChangeAgency(msgspec.Struct, frozen=True, kw_only=True):
    """The agency's name, here and on the phones, and its defaults, as the form has them."""

    name: str
    display_name: str
    language: str
    zone: str
    help_phone: str


class ChangePerson(msgspec.Struct, frozen=True, kw_only=True):
    """An adult's details in the agency."""

    name: str
    role: Role
    language: str
    zone: str
    deputy_id: UUID | None
    phone: str = ""


class HomeDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A home as its form has it: `phone` is for calls about a child who lives there."""

    name: str
    zone: str
    phone: str = ""


async def add_agency(actor: Actor, agency: AddAgency, now: datetime) -> Agency:
    """Add an agency, which sees nothing of the others."""
    async with write():
        row = await Agency.create(
            id=agency.id,
            name=checked_name(agency.name),
            display_name=agency.display_name,
            language=checked_language(agency.language),
            zone=checked_zone(agency.zone),
            help_phone=agency.help_phone,
            made_at=now,
        )
        await note(actor, "agency:add", about=("agency", row.id), agency_id=row.id, now=now)
    return row


async def set_second_key_from(
    actor: Actor, agency_id: UUID, at: datetime | None, now: datetime
) -> None:
    """From when on every adult of the agency needs a second key to sign in; None: nobody has to.

    The same again changes nothing.
    """
    async with write():
        agency = await Agency.filter(id=agency_id).select_for_update().get()
        if agency.second_key_from != at:
            await Agency.filter(id=agency_id).update(second_key_from=at)
            await note(
                actor,
                "agency:change",
                about=("agency", agency_id),
                names=["second_key_from"],
                agency_id=agency_id,
                now=now,
            )


async def change_agency(actor: Actor, agency_id: UUID, change: ChangeAgency, now: datetime) -> None:
    """The same again changes nothing. Raises Refused, naming the field."""
    fields: dict[str, Any] = {
        "name": checked_name(change.name),
        "display_name": _display_name(change.display_name, change.name),
        "language": checked_language(change.language),
        "zone": checked_zone(change.zone),
        "help_phone": checked_phone(change.help_phone, "help_phone"),
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
    actor: Actor,
    agency_id: UUID,
    *,
    name: str,
    zone: str,
    id_: UUID | None = None,
    now: datetime,
) -> Home:
    """`make_home` without a number for calls."""
    return await make_home(actor, agency_id, HomeDetails(name=name, zone=zone), id_, now)


async def make_home(
    actor: Actor, agency_id: UUID, details: HomeDetails, id_: UUID | None, now: datetime
) -> Home:
    """A place where children of the agency live. The same id again gives the home that it made.

    Raises Refused, and IdReused where the id made a home of another agency.
    """
    async with write():
        existing = await first_made(Home, id_, details, agency_id=agency_id) if id_ else None
        if existing is not None:
            return existing
        home = await Home.create(
            id=id_ or uuid7(),
            agency_id=agency_id,
            made_at=now,
            next_roll_call_at=now,  # The ticker plans them.
            **_of_home(details),
        )
        await index_home(home)
        await note(actor, "home:add", about=("home", home.id), agency_id=agency_id, now=now)
    return home


def _of_home(details: HomeDetails) -> dict[str, Any]:
    return {
        "name": checked_name(details.name),
        "zone": checked_zone(details.zone),
        "phone": checked_phone(details.phone, "phone"),
    }


async def change_home(
    actor: Actor, agency_id: UUID, home_id: UUID, details: HomeDetails, now: datetime
) -> None:
    """Another name, number or zone. The zone is for children who move in from now on: those who
    live there keep the clock that their rounds go by. Raises NotFound, Refused."""
    fields = _of_home(details)
    async with write():
        held = Home.filter(id=home_id, agency_id=agency_id).select_for_update(no_key=True)
        home = await held.first()
        if home is None:
            raise NotFound(N_("This home does not exist."))
        changed = _changed(home, fields)
        if changed:
            await Home.filter(id=home.id).update(**changed)
            if "zone" in changed:
                await Home.filter(Home.to_plan_anew(now), id=home.id).update(next_roll_call_at=now)
            await index_home(await Home.get(id=home.id))
            await note(
                actor,
                "home:change",
                about=("home", home.id),
                names=sorted(changed),
                agency_id=agency_id,
                now=now,
            )


async def change_person(
    actor: Actor, agency_id: UUID, person_id: UUID, change: ChangePerson, now: datetime
) -> None:
    """The same again changes nothing.

    Raises Refused, naming the field: for a role that does not allow their current ties, for the
    visitor's own role, for a person who cannot be a deputy, for the last administrator.
    """
    fields = _checked_fields(person_id, change)
    async with write():
        await Agency.filter(id=agency_id).select_for_update().get()
        # Locked, so that nobody gives them a tie for the role that they had.
        wanted = [id_ for id_ in (person_id, change.deputy_id) if id_ is not None]
        person = (await lock_adults(agency_id, wanted))[person_id]
        changed = _changed(person, fields)
        if "role" in changed:
            await _check_role(actor, person, change.role, now)
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
            await rights_changed(Rights(deputy_of=person.id, came=change.deputy_id), now)
        if "role" in changed:
            await rights_changed(Rights(person_id=person.id), now)


def _checked_fields(person_id: UUID, change: ChangePerson) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": checked_name(change.name),
        "role": change.role,
        "language": checked_language(change.language),
        "zone": checked_zone(change.zone),
        "deputy_id": change.deputy_id,
        "phone": checked_phone(change.phone, "phone"),
    }
    if change.role not in STAFF:
        raise Refused(N_("Choose a role for this person."), field="role")
    if change.deputy_id == person_id:
        raise Refused(N_("A person cannot be their own deputy."), field="deputy_id")
    return fields


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
    await keep_an_administrator(person)


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
