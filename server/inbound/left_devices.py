"""Front desks that a person set up who has left the home: it may be their own phone. Until a
supervisor keeps or ends such a device, no roll call opens on it, and it shows no names. It takes
cards: a child whose card is refused could not check in, and it may be the device in the hall.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from server.audit.actions import Actor, note
from server.inbound.cards import CARES, MAY_SET_UP, desks_of, home_for, supervisors_at
from server.inbound.models import FrontDesk
from server.notify.actions import Saying, queue
from server.notify.rules import Kind
from server.people.access import nothing_here
from server.people.events import Rights
from server.people.models import Child, Person, Tie
from server.roll_calls.reading import live
from server.storage.db import as_id, write


async def left_of(desks: Sequence[FrontDesk], now: datetime) -> set[UUID]:
    """Those of these devices that were set up by a person who neither works in that home any more,
    nor cares for a child there, nor is a supervisor of the agency."""
    if not desks:
        return set()
    people, homes = [desk.opened_by for desk in desks], [desk.home_id for desk in desks]
    here = Person.filter(id__in=people, disabled_at__isnull=True)
    adults = {person.id: person for person in await here}
    seats = live(now).filter(person_id__in=people, home_id__in=homes)
    ties = Tie.filter(
        Tie.standing_at(now),
        person_id__in=people,
        role__in=CARES,
        child__left_at__isnull=True,
        child__home_id__in=homes,
    )
    belong = [
        *await seats.values_list("person_id", "home_id"),
        *await ties.distinct().values_list("person_id", "child__home_id"),
    ]
    of_home = {(as_id(person), as_id(home)) for person, home in belong}
    return {desk.id for desk in desks if not _answers(desk, adults.get(desk.opened_by), of_home)}


def _answers(desk: FrontDesk, person: Person | None, of_home: set[tuple[UUID, UUID]]) -> bool:
    if person is None or person.agency_id != desk.agency_id:
        return False
    return person.role in MAY_SET_UP or (person.id, desk.home_id) in of_home


async def is_left(desk: FrontDesk, now: datetime) -> bool:
    """Whether this device is one of them."""
    return bool(await left_of([desk], now))


async def keep(actor: Actor, desk_id: UUID, now: datetime) -> None:
    """The device is in the home: the actor answers for it from now on. Twice is once. Raises
    NotFound for one of another agency, for who is no supervisor, and for one that has ended."""
    assert actor.id is not None
    desk = await FrontDesk.get_or_none(id=desk_id, ended_at__isnull=True, expires_at__gt=now)
    if desk is None or actor.role not in MAY_SET_UP:
        raise nothing_here()
    await home_for(actor, desk.home_id, now, of_agency=MAY_SET_UP)
    async with write():
        held = FrontDesk.filter(id=desk_id, ended_at__isnull=True).exclude(opened_by=actor.id)
        if await held.update(opened_by=actor.id):
            await note(actor, "front_desk:keep", about=("front_desk", desk_id), now=now)


async def hear(rights: Rights, now: datetime) -> None:
    """Rights have changed: supervisors hear of the devices that a person has left behind, once for
    each. In the caller's transaction, after the seats."""
    desks = await _concerned(rights, now)
    left = await left_of(desks, now)
    sayings = []
    for desk in desks:
        if desk.id in left:
            sayings += [
                _saying(desk, person)
                for person in await supervisors_at(desk.home_id, desk.agency_id, now)
            ]
    await queue(sayings, now)


async def _concerned(rights: Rights, now: datetime) -> Sequence[FrontDesk]:
    if rights.person_id is not None:
        held = FrontDesk.filter(
            opened_by=rights.person_id, ended_at__isnull=True, expires_at__gt=now
        )
        return await held.order_by("id")
    if rights.child_id is None:
        return []
    child = await Child.get_or_none(id=rights.child_id).only("id", "home_id")
    if child is None or child.home_id is None:
        return []
    return await desks_of([child.home_id], now)


def _saying(desk: FrontDesk, person_id: UUID) -> Saying:
    return Saying(
        kind=Kind.DUE,
        agency_id=desk.agency_id,
        subject_kind="front_desk",
        subject_id=uuid5(desk.id, f"left {desk.opened_by}"),
        person_id=person_id,
        data={"path": f"/desk/front?home={desk.home_id}"},
    )
