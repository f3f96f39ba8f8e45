"""Adding people, adults and children, and what changes about them. Every verb leaves an entry."""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from server.audit.actions import Actor, note
from server.errors import Refused
from server.i18n import LANGUAGES, N_
from server.people.events import Happening, Rights, happened, rights_changed
from server.people.finding.actions import index_child
from server.people.finding.rules import checked_reference
from server.people.models import Agency, Child, Home, Person, Tie
from server.people.rules import STAFF, Leaving, Role, clean_name
from server.people.ties import (
    AddTie,
    add_tie,
    is_worker,
    keeps_a_caseworker,
    lock_adults,
    lock_children,
    this_adult,
)
from server.phone_numbers import plain, read_number
from server.storage.db import swapped, write
from server.storage.ids import uuid7

# A clock slightly ahead of ours does not mean the future.
AHEAD = timedelta(minutes=5)
OLDEST = timedelta(days=30 * 366)
NO_BIRTHDAY = N_("Enter a date of birth such as 2010-03-31.")


class AddPerson(msgspec.Struct, frozen=True, kw_only=True):
    """A new person. The deputy is called where this person does not answer."""

    role: Role
    name: str
    language: str
    zone: str
    deputy_id: UUID | None = None
    id: UUID = msgspec.field(default_factory=uuid7)


class AddChild(msgspec.Struct, frozen=True, kw_only=True):
    """A placed child; the placement begins now where `placed_at` says nothing else."""

    name: str
    language: str
    zone: str
    caseworker_id: UUID
    home_id: UUID | None = None
    placed_at: datetime | None = None
    born_on: date | None = None
    reference: str | None = None
    id: UUID = msgspec.field(default_factory=uuid7)


async def add_person(actor: Actor, agency_id: UUID, adult: AddPerson, now: datetime) -> Person:
    """Add a person to the agency. Use `add_child` for a child; auth sets passwords."""
    if adult.role not in STAFF | {Role.OVERSIGHT}:
        raise Refused(N_("Add a child together with their placement."), field="role")
    async with write():
        await _is_a_place_for(agency_id, adult.role)
        if adult.deputy_id is not None:
            await this_adult(agency_id, adult.deputy_id)
        return await _new_person(actor, agency_id, adult, now)


async def _is_a_place_for(agency_id: UUID, role: Role) -> None:
    """Areas have people of the role `oversight` alone, and agencies have none of them."""
    if await Agency.exists(id=agency_id, is_area=role is not Role.OVERSIGHT):
        raise Refused(
            N_("People with the role “oversight” belong to an area, all others to an agency."),
            field="role",
        )


async def add_child(actor: Actor, agency_id: UUID, child: AddChild, now: datetime) -> Child:
    """A placed child with their caseworker. The caller also starts the watch:
    `watch.actions.begin`."""
    async with write():
        await _is_a_place_for(agency_id, Role.CHILD)
        await _is_home_of(agency_id, child.home_id)
        person = AddPerson(
            role=Role.CHILD,
            name=child.name,
            language=child.language,
            zone=child.zone,
            id=child.id,
        )
        await _new_person(actor, agency_id, person, now)
        row = await Child.create(
            id=child.id,
            agency_id=agency_id,
            person_id=child.id,
            home_id=child.home_id,
            placed_at=child.placed_at or now,
            born_on=_day_of_birth(child.born_on, now),
            reference=checked_reference(child.reference),
        )
        await index_child(row.id)
        await note(actor, "child:add", child_id=row.id, agency_id=agency_id, now=now)
        tie = AddTie(person_id=child.caseworker_id, role=Role.CASEWORKER, from_at=now)
        await add_tie(actor, row, tie, now)
        if child.born_on is not None:
            await happened(actor, row.id, Happening.BIRTHDAY, now)
    return row


async def _is_home_of(agency_id: UUID, home_id: UUID | None) -> None:
    if home_id is not None and not await Home.exists(id=home_id, agency_id=agency_id):
        raise Refused(N_("This home does not belong to the agency."), field="home_id")


async def set_birthday(actor: Actor, child_id: UUID, born_on: date | None, now: datetime) -> Child:
    """On which day the child was born; None: unknown. The same again changes nothing.

    Raises Refused for a day on which no child of an agency was born.
    """
    async with write():
        await lock_children([child_id])
        child = await Child.get(id=child_id)
        day = _day_of_birth(born_on, now)
        if child.born_on != day:
            await Child.filter(id=child.id).update(born_on=day)
            await child.refresh_from_db(["born_on"])
            await _note_child(actor, child, "child:change", ["born_on"], now)
            await happened(actor, child.id, Happening.BIRTHDAY, now)
    return child


async def set_names(
    actor: Actor, child_id: UUID, name: str, reference: str | None, now: datetime
) -> None:
    """The child's name and file reference; None: no reference. The same again changes nothing.

    Raises Refused, naming the field: also for a reference that another child of the agency has.
    """
    new = {"name": checked_name(name), "reference": checked_reference(reference)}
    async with write():
        await lock_children([child_id])
        child, person = await Child.get(id=child_id), await Person.get(id=child_id)
        old = {"name": person.name, "reference": child.reference}
        if changed := sorted(field for field in new if new[field] != old[field]):
            await Person.filter(id=child_id).update(name=new["name"])
            await Child.filter(id=child_id).update(reference=new["reference"])
            await index_child(child_id)
            await _note_child(actor, child, "child:change", changed, now)


async def move(actor: Actor, child_id: UUID, home_id: UUID | None, now: datetime) -> Child:
    """The child lives in another home; None: in a home that is not recorded. The same again changes
    nothing. The placement goes on, and so does the watch.

    Raises Refused for a home of another agency.
    """
    async with write():
        await lock_children([child_id])
        child = await Child.get(id=child_id)
        await _is_home_of(child.agency_id, home_id)
        if child.home_id != home_id:
            child.home_id = home_id
            await child.save(update_fields=["home_id"])
            await _note_child(actor, child, "child:move", ["home_id"], now)
            await happened(actor, child.id, Happening.TRANSFER, now)
    return child


def _day_of_birth(born_on: date | None, now: datetime) -> str | None:
    if born_on is None:
        return None
    # A young person may stay with an agency for some years after 18, but not for decades.
    if not now.date() - OLDEST <= born_on <= now.date():
        raise Refused(NO_BIRTHDAY, field="born_on")
    return born_on.isoformat()


async def _note_child(
    actor: Actor,
    child: Child,
    what: str,
    names: list[str],
    now: datetime,
    *,
    why: Leaving | None = None,
) -> None:
    await note(
        actor,
        what,
        child_id=child.id,
        about=("child", child.id),
        names=names,
        agency_id=child.agency_id,
        why=why,
        now=now,
    )


async def end_placement(
    actor: Actor, child_id: UUID, why: Leaving, left_at: datetime, now: datetime
) -> Child:
    """The child has left. Their ties stay, and so does everything written. Call
    `placements.actions.end` instead, which ends the watch too. Twice: the first end stays.

    Raises Refused for a time in the future, or before the placement began.
    """
    async with write():
        await lock_children([child_id])
        child = await Child.get(id=child_id)
        if child.left_at is not None:
            return child
        check_left(child, left_at, now)
        child.left_at = min(left_at, now)
        await child.save(update_fields=["left_at"])
        await _note_child(actor, child, "placement:end", ["left_at"], now, why=why)
    return child


def check_left(child: Child, left_at: datetime, now: datetime) -> None:
    """Raises Refused for a time in the future, or before the placement began."""
    _has_come(left_at, now)
    if left_at < child.placed_at:
        raise Refused(N_("The placement began after that time."), field="at")


async def begin_placement(
    actor: Actor, child_id: UUID, placed_at: datetime, now: datetime
) -> Child:
    """The child is back: a new placement. Call `placements.actions.begin` instead, which starts the
    watch too. Twice: the first beginning stays.

    Raises Refused for a time in the future, or before the child left; and, code `last_caseworker`,
    where they have no caseworker any more.
    """
    async with write():
        await lock_children([child_id])
        child = await Child.get(id=child_id)
        if child.left_at is None:
            return child
        _has_come(placed_at, now)
        if placed_at < child.left_at:
            raise Refused(N_("The child left after that time."), field="at")
        child.placed_at, child.left_at = min(placed_at, now), None
        await child.save(update_fields=["placed_at", "left_at"])
        await keeps_a_caseworker(child.id, None, now)
        await _note_child(actor, child, "placement:begin", ["placed_at"], now)
    return child


def _has_come(at: datetime, now: datetime) -> None:
    if at > now + AHEAD:
        raise Refused(N_("This time is in the future."), field="at")


async def disable_person(actor: Actor, agency_id: UUID, person_id: UUID, now: datetime) -> Person:
    """A person left the agency: all their ties end, and they cannot sign in again.

    Raises Refused, code `last_caseworker`, while a child has no other caseworker. Call
    `auth.actions.disable_person` instead, which ends the sessions too.
    """
    async with write():
        person = (await lock_adults(agency_id, [person_id]))[person_id]
        ties = await Tie.filter(Tie.ending_after(now), person_id=person.id).order_by("child_id")
        await lock_children(sorted({tie.child_id for tie in ties}))
        for tie in ties:
            if tie.role == Role.CASEWORKER:
                await keeps_a_caseworker(tie.child_id, person.id, now)
        for tie in ties:
            await Tie.filter(id=tie.id).update(until_at=max(now, tie.from_at))
        swapped(await Person.filter(id=person.id, disabled_at__isnull=True).update(disabled_at=now))
        await note(
            actor, "person:disable", about=("person", person.id), agency_id=agency_id, now=now
        )
        person.disabled_at = now
        for tie in ties:
            if is_worker(tie):
                await happened(actor, tie.child_id, Happening.NEW_WORKER, now, about=tie.id)
        await rights_changed(Rights(person_id=person.id), now)
    return person


async def set_language(actor: Actor, person_id: UUID, language: str, now: datetime) -> None:
    """The language in which a person reads and gets messages."""
    async with write():
        await Person.filter(id=person_id).update(language=checked_language(language))
        # A child's id is their person's id: their choice is in their own record.
        child = await Child.get_or_none(id=person_id)
        await note(
            actor,
            "person:change",
            child_id=child.id if child is not None else None,
            about=("person", person_id),
            names=["language"],
            now=now,
        )


async def set_phone(actor: Actor, person_id: UUID, phone: str, now: datetime) -> None:
    """The number at which colleagues call an adult about an alert. The same again changes nothing.
    Raises Refused."""
    number = checked_phone(phone, "phone")
    async with write():
        person = await Person.filter(id=person_id).select_for_update(no_key=True).get()
        if person.phone != number:
            await Person.filter(id=person_id).update(phone=number)
            about = ("person", person_id)
            await note(actor, "person:change", about=about, names=["phone"], now=now)


async def set_deputy(
    actor: Actor, agency_id: UUID, person_id: UUID, deputy_id: UUID | None, now: datetime
) -> None:
    """Who is called when this person does not answer; None: nobody."""
    async with write():
        person = await this_adult(agency_id, person_id)
        if deputy_id is not None:
            await this_adult(agency_id, deputy_id)
        if deputy_id == person.id:
            raise Refused(N_("A person cannot be their own deputy."), field="deputy_id")
        await Person.filter(id=person.id).update(deputy_id=deputy_id)
        await note(
            actor,
            "person:change",
            about=("person", person.id),
            names=["deputy_id"],
            agency_id=agency_id,
            now=now,
        )
        came = deputy_id if deputy_id != person.deputy_id else None
        await rights_changed(Rights(deputy_of=person.id, came=came), now)


async def _new_person(actor: Actor, agency_id: UUID, person: AddPerson, now: datetime) -> Person:
    row = await Person.create(
        id=person.id,
        agency_id=agency_id,
        role=person.role,
        name=checked_name(person.name),
        language=checked_language(person.language),
        zone=checked_zone(person.zone),
        deputy_id=person.deputy_id,
        made_at=now,
    )
    await note(
        actor,
        "person:add",
        about=("person", row.id),
        names=[person.role],
        agency_id=agency_id,
        now=now,
    )
    return row


def checked_name(text: str) -> str:
    """A name that can be stored. Raises Refused."""
    name = clean_name(text)
    if name is None:
        raise Refused(N_("Enter a name of 1 to 120 characters."), field="name")
    return name


def checked_language(language: str) -> str:
    """A language that has a catalog. Raises Refused."""
    if language not in LANGUAGES:
        raise Refused(N_("Choose a language from the list."), field="language")
    return language


def checked_zone(zone: str) -> str:
    """An existing time zone. Raises Refused."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused(N_("Choose a time zone such as Europe/Paris."), field="zone") from None
    return zone


def checked_phone(text: str, field: str) -> str | None:
    """A phone number as people write it, in our digits; None where there is none. Raises
    Refused."""
    number = read_number(text)
    if number is None and plain(text):
        raise Refused(N_("Enter a phone number such as +33 1 23 45 67 89."), field=field)
    return number
