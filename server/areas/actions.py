"""What operators arrange above agencies: areas, and what is within them."""

from datetime import datetime
from uuid import UUID

from server.areas.tree import DEEPEST, MOST_MEMBERS
from server.audit.actions import Actor, note
from server.errors import NotFound, Refused
from server.i18n import N_
from server.people.agencies.actions import AddAgency, add_agency
from server.people.models import Agency, Person
from server.people.rules import Role
from server.storage.db import write


async def add_area(actor: Actor, area: AddAgency, within_id: UUID | None, now: datetime) -> Agency:
    """Add an area, within a larger one or not. Raises NotFound, Refused."""
    async with write():
        row = await add_agency(actor, area, now)
        await Agency.filter(id=row.id).update(is_area=True)
        if within_id is not None:
            await put(actor, row.id, within_id, now)
    return await Agency.get(id=row.id)


async def put(actor: Actor, member_id: UUID, area_id: UUID | None, now: datetime) -> None:
    """Put an agency or an area into an area; None: into none. The same again changes nothing.

    Raises NotFound for an agency or area that does not exist, and Refused where an area would lie
    within itself, lie too deep or hold too much.
    """
    async with write():
        # Two operators at once: the second one waits, and sees what the first has done.
        areas = {
            row.id: row
            for row in await Agency.filter(is_area=True).select_for_update().order_by("id")
        }
        member = await Agency.filter(id=member_id).select_for_update().get_or_none()
        if member is None or (area_id is not None and area_id not in areas):
            raise NotFound(N_("There is no agency or area with this name or id."))
        if member.within_id == area_id:
            return
        if area_id is not None:
            _check_depth(member, area_id, areas)
            if await Agency.filter(within_id=area_id).count() >= MOST_MEMBERS:
                raise Refused(
                    N_("An area holds up to {n} agencies and areas. Make areas within it."),
                    n=MOST_MEMBERS,
                )
        await Agency.filter(id=member_id).update(within_id=area_id)
        await note(
            actor,
            "agency:change",
            about=("agency", member_id),
            names=["within"],
            agency_id=member_id,
            now=now,
        )
        await _enter_change(actor, {member.within_id, area_id}, now)


async def _enter_change(actor: Actor, places: set[UUID | None], now: datetime) -> None:
    """Enter into the record of these areas that their members changed: `hiding.py` says why. Until
    there is a person who works for an area, no reader knows an earlier sum, and nothing is entered:
    operators can set areas up."""
    if not await Person.filter(role=Role.OVERSIGHT.value).exists():
        return
    for area_id in places - {None}:
        assert area_id is not None
        about = ("agency", area_id)
        await note(actor, "area:members", about=about, agency_id=area_id, now=now)


def _check_depth(member: Agency, area_id: UUID, areas: dict[UUID, Agency]) -> None:
    above = _chain(area_id, areas)
    if member.id in above:
        raise Refused(N_("An area cannot lie within itself."))
    below = max(
        (
            chain.index(member.id) + 1
            for chain in (_chain(id_, areas) for id_ in areas)
            if member.id in chain
        ),
        default=0,
    )
    if len(above) + below > DEEPEST:
        raise Refused(N_("Areas lie up to {n} deep within each other."), n=DEEPEST)


def _chain(area_id: UUID, areas: dict[UUID, Agency]) -> list[UUID]:
    """An area and those above it."""
    chain: list[UUID] = []
    next_id: UUID | None = area_id
    while next_id is not None and next_id not in chain:
        chain.append(next_id)
        next_id = areas[next_id].within_id
    return chain
