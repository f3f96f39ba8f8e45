"""Adding agencies, homes, persons, children and ties, and ending them. Every one leaves an entry.

A child always has a caseworker: one is added with the child, and the last tie of a caseworker
without an end date cannot be ended. So the ladder of an alert always begins with a person.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from server.audit.actions import Actor, note
from server.errors import IdReused, NotFound, Refused
from server.i18n import LANGUAGES, N_
from server.people.events import Happening, Rights, happened, rights_changed
from server.people.models import Agency, Child, Home, Person, Tie
from server.people.rules import STAFF, Leaving, Role, clean_name, may_hold
from server.storage.db import swapped, write
from server.storage.ids import uuid7

# A clock slightly ahead of ours does not mean the future.
AHEAD = timedelta(minutes=5)
OLDEST = timedelta(days=30 * 366)
NO_BIRTHDAY = N_("Enter a date of birth such as 2010-03-31.")


async def add_agency(
    actor: Actor,
    *,
    name: str,
    language: str,
    zone: str,
    display_name: str | None = None,
    help_phone: str | None = None,
    id_: UUID | None = None,
    now: datetime,
) -> Agency:
    """Add an agency, which sees nothing of the others."""
    async with write():
        agency = await Agency.create(
            id=id_ or uuid7(),
            name=checked_name(name),
            display_name=display_name,
            language=checked_language(language),
            zone=checked_zone(zone),
            help_phone=help_phone,
            made_at=now,
        )
        await note(actor, "agency:add", about=("agency", agency.id), agency_id=agency.id, now=now)
    return agency


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


async def add_home(
    actor: Actor,
    agency_id: UUID,
    *,
    name: str,
    zone: str,
    id_: UUID | None = None,
    now: datetime,
) -> Home:
    """A place where children of the agency live."""
    async with write():
        home = await Home.create(
            id=id_ or uuid7(),
            agency_id=agency_id,
            name=checked_name(name),
            zone=checked_zone(zone),
            made_at=now,
        )
        await note(actor, "home:add", about=("home", home.id), agency_id=agency_id, now=now)
    return home


async def add_person(
    actor: Actor,
    agency_id: UUID,
    *,
    role: Role,
    name: str,
    language: str,
    zone: str,
    deputy_id: UUID | None = None,
    id_: UUID | None = None,
    now: datetime,
) -> Person:
    """Add a person to the agency. Use `add_child` for a child; auth sets passwords."""
    if role not in STAFF:
        raise Refused(N_("Add a child together with their placement."), field="role")
    async with write():
        if deputy_id is not None:
            await _adult(agency_id, deputy_id)
        person = await _new_person(actor, agency_id, role, name, language, zone, id_, now)
        if deputy_id is not None:
            await Person.filter(id=person.id).update(deputy_id=deputy_id)
            person.deputy_id = deputy_id
    return person


async def add_child(
    actor: Actor,
    agency_id: UUID,
    *,
    name: str,
    language: str,
    zone: str,
    caseworker_id: UUID,
    home_id: UUID | None = None,
    placed_at: datetime | None = None,
    born_on: date | None = None,
    id_: UUID | None = None,
    now: datetime,
) -> Child:
    """A placed child with their caseworker. The caller also starts the watch:
    `watch.actions.begin`."""
    async with write():
        if home_id is not None and not await Home.exists(id=home_id, agency_id=agency_id):
            raise Refused(N_("This home does not belong to the agency."), field="home_id")
        person = await _new_person(actor, agency_id, Role.CHILD, name, language, zone, id_, now)
        child = await Child.create(
            id=person.id,
            agency_id=agency_id,
            person_id=person.id,
            home_id=home_id,
            placed_at=placed_at or now,
            born_on=_day_of_birth(born_on, now),
        )
        await note(actor, "child:add", child_id=child.id, agency_id=agency_id, now=now)
        await add_tie(
            actor, child, person_id=caseworker_id, role=Role.CASEWORKER, from_at=now, now=now
        )
        if born_on is not None:
            await happened(actor, child.id, Happening.BIRTHDAY, now)
    return child


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
            await _note_child(actor, child, "child:change", "born_on", now)
            await happened(actor, child.id, Happening.BIRTHDAY, now)
    return child


async def move(actor: Actor, child_id: UUID, home_id: UUID | None, now: datetime) -> Child:
    """The child lives in another home; None: in a home that is not recorded. The same again changes
    nothing. The placement goes on, and so does the watch.

    Raises Refused for a home of another agency.
    """
    async with write():
        await lock_children([child_id])
        child = await Child.get(id=child_id)
        if home_id is not None and not await Home.exists(id=home_id, agency_id=child.agency_id):
            raise Refused(N_("This home does not belong to the agency."), field="home_id")
        if child.home_id != home_id:
            child.home_id = home_id
            await child.save(update_fields=["home_id"])
            await _note_child(actor, child, "child:move", "home_id", now)
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
    actor: Actor, child: Child, what: str, name: str, now: datetime, *, why: Leaving | None = None
) -> None:
    await note(
        actor,
        what,
        child_id=child.id,
        about=("child", child.id),
        names=[name],
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
        _has_come(left_at, now)
        if left_at < child.placed_at:
            raise Refused(N_("The placement began after that time."), field="at")
        child.left_at = min(left_at, now)
        await child.save(update_fields=["left_at"])
        await _note_child(actor, child, "placement:end", "left_at", now, why=why)
    return child


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
        await _note_child(actor, child, "placement:begin", "placed_at", now)
    return child


def _has_come(at: datetime, now: datetime) -> None:
    if at > now + AHEAD:
        raise Refused(N_("This time is in the future."), field="at")


async def add_tie(
    actor: Actor,
    child: Child,
    *,
    person_id: UUID,
    role: Role,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
    id_: UUID | None = None,
    now: datetime,
) -> Tie:
    """A tie from a moment on, until another where it has an end.

    The same id again gives the tie that it made. Raises Refused where this person may not have such
    a tie or has it already, IdReused where the id made another one.
    """
    from_at = from_at or now
    if until_at is not None and until_at <= from_at:
        raise Refused(N_("The end must be after the start."), field="until_at")
    async with write():
        existing = await Tie.get_or_none(id=id_) if id_ else None
        if existing is not None:
            if (existing.child_id, existing.person_id, existing.role) == (
                child.id,
                person_id,
                role,
            ):
                return existing
            raise IdReused(N_("This id belongs to something else."), field="id")
        person = (await lock_adults(child.agency_id, [person_id]))[person_id]
        if not may_hold(Role(person.role), role):
            raise Refused(N_("This person cannot have this role for a child."), field="role")
        held = Tie.filter(Tie.standing_at(now), child_id=child.id, person_id=person.id, role=role)
        if await held.exists():
            raise Refused(N_("This person already has this role."), field="person_id")
        tie = await Tie.create(
            id=id_ or uuid7(),
            agency_id=child.agency_id,
            child_id=child.id,
            person_id=person.id,
            role=role,
            from_at=from_at,
            until_at=until_at,
        )
        await note(
            actor,
            "tie:add",
            child_id=child.id,
            about=("tie", tie.id),
            names=[role],
            agency_id=child.agency_id,
            now=now,
        )
        others = Tie.filter(child_id=child.id, role=Role.CASEWORKER).exclude(id=tie.id)
        if is_worker(tie) and await others.exists():
            await happened(
                actor, child.id, Happening.NEW_WORKER, now, about=tie.id, at=max(from_at, now)
            )
        comes = role == Role.CASEWORKER and from_at <= now
        came = person.id if comes else None
        await rights_changed(Rights(child_id=child.id, came=came), now)
    return tie


def is_worker(tie: Tie) -> bool:
    """Whether this is a caseworker for good. One with an end date covers for another who is away:
    that is no change of worker, neither at its beginning nor at its end."""
    return tie.role == Role.CASEWORKER and tie.until_at is None


async def end_tie(actor: Actor, child: Child, tie_id: UUID, now: datetime) -> Tie:
    """End the tie now. Ended twice: the first end stays.

    Raises Refused, code `last_caseworker`, where the child would be left without one.
    """
    async with write():
        await lock_children([child.id])
        tie = await Tie.get_or_none(id=tie_id, child_id=child.id)
        if tie is None:
            raise NotFound(N_("This does not exist, or you do not have access to it."))
        if tie.until_at is not None and tie.until_at <= now:
            return tie
        if tie.role == Role.CASEWORKER:
            await keeps_a_caseworker(child.id, tie.person_id, now)
        # A tie that was to begin later is never valid: it ends at its own beginning.
        end, was_worker = max(now, tie.from_at), is_worker(tie)
        swapped(await Tie.filter(id=tie.id, until_at=tie.until_at).update(until_at=end))
        await note(
            actor,
            "tie:end",
            child_id=child.id,
            about=("tie", tie.id),
            names=[tie.role],
            agency_id=child.agency_id,
            now=now,
        )
        tie.until_at = end
        if was_worker:
            await happened(actor, child.id, Happening.NEW_WORKER, now, about=tie.id)
        await rights_changed(Rights(child_id=child.id), now)
    return tie


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


async def set_deputy(
    actor: Actor, agency_id: UUID, person_id: UUID, deputy_id: UUID | None, now: datetime
) -> None:
    """Who is called when this person does not answer; None: nobody."""
    async with write():
        person = await _adult(agency_id, person_id)
        if deputy_id is not None:
            await _adult(agency_id, deputy_id)
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


async def _new_person(
    actor: Actor,
    agency_id: UUID,
    role: Role,
    name: str,
    language: str,
    zone: str,
    id_: UUID | None,
    now: datetime,
) -> Person:
    person = await Person.create(
        id=id_ or uuid7(),
        agency_id=agency_id,
        role=role,
        name=checked_name(name),
        language=checked_language(language),
        zone=checked_zone(zone),
        made_at=now,
    )
    await note(
        actor,
        "person:add",
        about=("person", person.id),
        names=[role],
        agency_id=agency_id,
        now=now,
    )
    return person


async def _adult(agency_id: UUID, person_id: UUID) -> Person:
    """An adult of this agency, who has not left."""
    adults = Person.filter(id=person_id, agency_id=agency_id, disabled_at__isnull=True)
    return _checked(await adults.first())


def _checked(person: Person | None) -> Person:
    if person is None or person.role == Role.CHILD:
        raise Refused(N_("Choose an adult from the agency."), field="person_id")
    return person


async def lock_adults(agency_id: UUID, ids: Collection[UUID]) -> dict[UUID, Person]:
    """The same, locked until the end of this write: nobody is given a child while they leave.

    Before the children, and in one order.
    """
    held = await (
        Person.filter(id__in=list(ids), agency_id=agency_id, disabled_at__isnull=True)
        .order_by("id")
        .select_for_update(no_key=True)
    )
    by_id = {person.id: person for person in held}
    return {id_: _checked(by_id.get(id_)) for id_ in ids}


async def lock_children(child_ids: list[UUID]) -> None:
    """Lock these children until the end of this write."""
    # Two requests that end the last two ties at once would each see the other's. They lock in one
    # order, so that they wait for each other without a deadlock; SQLite has one writer anyway. The
    # lock is no stronger than an update: a transaction that locks the life project and adds a row
    # to it locks the child as its parent, and we may want that project next.
    await Child.filter(id__in=child_ids).order_by("id").select_for_update(no_key=True)


async def keeps_a_caseworker(child_id: UUID, without: UUID | None, now: datetime) -> None:
    """Raises Refused, code `last_caseworker`, where a placed child has no other caseworker without
    an end date: one with an end would leave the gap for later."""
    child = await Child.get(id=child_id)
    others = Tie.filter(
        child_id=child_id,
        role=Role.CASEWORKER,
        from_at__lte=now,
        until_at__isnull=True,
        person__disabled_at__isnull=True,
    )
    if without is not None:
        others = others.exclude(person_id=without)
    if child.left_at is None and not await others.exists():
        raise Refused(
            N_("This would leave the child without a caseworker. Add another one first."),
            code="last_caseworker",
        )


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
