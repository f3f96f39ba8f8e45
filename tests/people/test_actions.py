"""Adding agencies, people and children: what is refused, and that nothing half is left."""

from __future__ import annotations

import pytest

from server.audit.actions import SYSTEM
from server.errors import Refused
from server.people import actions as people
from server.people.models import Child, Person
from server.people.rules import Role
from tests.cast import Cast


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "a\u0007b"}, "name"),
        ({"language": "xx"}, "language"),
        ({"zone": "Nowhere/Town"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"role": Role.CHILD}, "role"),
    ],
)
async def test_a_person_that_cannot_be(cast: Cast, wrong: dict[str, str], field: str) -> None:
    before = await Person.all().count()
    good = {"role": Role.CARER, "name": "Joy", "language": "en", "zone": "Europe/Paris"}
    with pytest.raises(Refused) as refused:
        await people.add_person(
            SYSTEM, cast.agency.id, people.AddPerson(**good | wrong), cast.clock()
        )
    assert refused.value.field == field
    assert await Person.all().count() == before


async def test_a_child_comes_with_a_caseworker_or_not_at_all(cast: Cast) -> None:
    before = await Person.all().count(), await Child.all().count()
    for caseworker in (cast.sam.id, cast.uwe.id, cast.root.id, cast.mia.id):
        with pytest.raises(Refused):
            await people.add_child(
                SYSTEM,
                cast.agency.id,
                people.AddChild(
                    name="Kim", language="en", zone="Europe/Paris", caseworker_id=caseworker
                ),
                cast.clock(),
            )
    assert (await Person.all().count(), await Child.all().count()) == before


async def test_a_home_of_another_agency_is_refused(cast: Cast) -> None:
    with pytest.raises(Refused) as refused:
        await people.add_child(
            SYSTEM,
            cast.other_agency.id,
            people.AddChild(
                name="Kim",
                language="en",
                zone="Europe/Rome",
                caseworker_id=cast.uwe.id,
                home_id=cast.home.id,
            ),
            cast.clock(),
        )
    assert refused.value.field == "home_id"


async def test_a_deputy_is_another_adult_of_the_agency(cast: Cast) -> None:
    for deputy in (cast.tom.id, cast.uwe.id, cast.mia.id):
        with pytest.raises(Refused):
            await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, deputy, cast.clock())
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, None, cast.clock())
    assert (await Person.get(id=cast.tom.id)).deputy_id is None


async def test_names_are_sealed_in_the_database(cast: Cast) -> None:
    from server.storage.db import fetch

    rows = await fetch('SELECT name FROM "person"')
    assert rows
    assert all(str(row["name"]).startswith("wm1.") for row in rows)
