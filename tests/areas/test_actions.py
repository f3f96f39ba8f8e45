"""Areas: what may be within them, how deep, and who works for them."""

from __future__ import annotations

from datetime import datetime

import pytest

from server.areas import actions, tree
from server.areas.tree import DEEPEST, MOST_MEMBERS
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.errors import NotFound, Refused
from server.people import actions as people
from server.people.models import Agency
from server.people.rules import Role
from tests.areas.made import an_area, put
from tests.cast import Cast


async def names_in(area: Agency) -> list[str]:
    node = await tree.read(area.id, area.made_at)
    assert node is not None
    return [member.name for member in node.members]


async def test_an_agency_is_within_one_area_at_most(cast: Cast) -> None:
    north, south = await an_area(cast, "North"), await an_area(cast, "South")
    await put(cast, cast.agency, north)
    assert await names_in(north) == [cast.agency.name]
    await put(cast, cast.agency, south)
    assert await names_in(north) == []
    assert await names_in(south) == [cast.agency.name]
    await put(cast, cast.agency, None)
    assert await names_in(south) == []


async def test_an_area_within_an_area_is_reached_from_above(cast: Cast) -> None:
    land = await an_area(cast, "Land")
    north = await an_area(cast, "North", within=land)
    await put(cast, cast.agency, north)
    node = await tree.read(land.id, cast.clock())
    assert node is not None
    assert node.agencies() == [cast.agency.id]
    assert [step.name for step in node.way_to(north.id)] == ["Land", "North"]
    assert node.way_to(cast.agency.id) == []
    assert await tree.read(cast.agency.id, cast.clock()) is None


async def test_an_area_cannot_lie_within_itself(cast: Cast) -> None:
    land = await an_area(cast, "Land")
    north = await an_area(cast, "North", within=land)
    for area in (north, land):
        with pytest.raises(Refused):
            await put(cast, land, area)


async def test_areas_lie_only_so_deep(cast: Cast) -> None:
    area = await an_area(cast, "1")
    for number in range(2, DEEPEST + 1):
        area = await an_area(cast, str(number), within=area)
    with pytest.raises(Refused):
        await an_area(cast, "too deep", within=area)
    top = await an_area(cast, "top")
    with pytest.raises(Refused):
        await put(cast, await Agency.get(id=await _first(cast)), top)
    # An agency counts for no depth.
    await put(cast, cast.agency, area)
    assert await names_in(area) == [cast.agency.name]


async def _first(cast: Cast) -> object:
    for row in await Agency.filter(is_area=True):
        if row.name == "1":
            return row.id
    raise AssertionError


async def test_an_area_holds_only_so_much(cast: Cast) -> None:
    area = await an_area(cast, "Full")
    now: datetime = cast.clock()
    rows = [Agency(name=f"A {n}", within_id=area.id, made_at=now) for n in range(MOST_MEMBERS)]
    for row in rows:
        await row.save(force_create=True)
    with pytest.raises(Refused):
        await put(cast, cast.agency, area)


async def test_only_areas_hold_anything(cast: Cast) -> None:
    with pytest.raises(NotFound):
        await put(cast, cast.other_agency, cast.agency)


async def test_the_same_again_leaves_no_second_entry(cast: Cast) -> None:
    north = await an_area(cast, "North")
    for _ in range(2):
        await put(cast, cast.agency, north)
    held = Entry.filter(what="agency:change", about_id=cast.agency.id)
    assert await held.count() == 1


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.CASEWORKER, Role.GUARDIAN])
async def test_an_area_has_people_of_no_other_role(cast: Cast, role: Role) -> None:
    north = await an_area(cast, "North")
    adult = people.AddPerson(role=role, name="A B", language="en", zone="UTC")
    with pytest.raises(Refused):
        await people.add_person(SYSTEM, north.id, adult, cast.clock())


async def test_an_agency_has_no_person_of_oversight(cast: Cast) -> None:
    adult = people.AddPerson(role=Role.OVERSIGHT, name="A B", language="en", zone="UTC")
    with pytest.raises(Refused):
        await people.add_person(SYSTEM, cast.agency.id, adult, cast.clock())


async def test_no_child_is_placed_in_an_area(cast: Cast) -> None:
    north = await an_area(cast, "North")
    child = people.AddChild(name="A", language="en", zone="UTC", caseworker_id=cast.tom.id)
    with pytest.raises(Refused):
        await people.add_child(SYSTEM, north.id, child, cast.clock())


async def test_nobody_takes_the_role_by_a_change(cast: Cast) -> None:
    async with cast.client_as("root") as root:
        answer = await root.post(
            f"/desk/people/{cast.eve.id}",
            data={"name": "Eve", "role": "oversight", "language": "en", "zone": "UTC"},
        )
    assert answer.status_code == 422
    assert (await actions.Agency.get(id=cast.agency.id)).is_area is False
    person = await people.Person.get(id=cast.eve.id)
    assert person.role is Role.CASEWORKER
