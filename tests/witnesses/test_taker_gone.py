"""Who took the PIN or the address of a list answers for its children no longer: both become new."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from server.audit.actions import SYSTEM
from server.people.actions import disable_person
from server.people.agencies.actions import ChangePerson, change_person
from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie
from server.placements.handing_over import HandOver, hand_over
from server.witnesses import lists
from server.witnesses.models import Witness
from tests.cast import Cast
from tests.witnesses.school import arrange, asked, latest, tick
from tests.witnesses.test_renewed import address, hand_in, opens, told


async def give(cast: Cast, *, to: str, of: str = "noor", until: timedelta | None = None) -> Tie:
    child = await Child.get(id=cast.persons[of].id)
    tie = AddTie(
        person_id=cast.persons[to].id,
        role=Role.CASEWORKER,
        until_at=None if until is None else cast.clock() + until,
    )
    return await add_tie(cast.actor("ines"), child, tie, cast.clock())


async def end(cast: Cast, name: str, of: str = "noor") -> None:
    child = await Child.get(id=cast.persons[of].id)
    whose = {"child_id": child.id, "person_id": cast.persons[name].id, "role": Role.CASEWORKER}
    await end_tie(cast.actor("ines"), child, (await Tie.get(**whose)).id, cast.clock())


@pytest.mark.parametrize("how", ["tie", "handover", "account"])
async def test_what_a_worker_took_ends_with_their_last_tie_and_colleagues_hear_of_it(
    cast: Cast, how: str
) -> None:
    _, made = await asked(cast)
    token = await address(cast, made.witness)
    await give(cast, to="eve")
    if how == "tie":
        await end(cast, "tom")
    elif how == "handover":
        noor = await Child.get(id=cast.noor.id)
        wanted = HandOver(id=uuid4(), from_id=cast.tom.id, to_id=cast.eve.id)
        await hand_over(cast.actor("ines"), noor, wanted, cast.clock())
    else:
        await give(cast, to="eve", of="mia")
        await disable_person(cast.actor("ines"), cast.agency.id, cast.tom.id, cast.clock())
    assert not await opens(made.witness, made.pin, cast)
    assert await hand_in(cast, token, "Mia") == 404
    assert {"eve", "ines"} <= {name for name, _ in await told(cast)}


async def test_the_pages_say_that_nobody_has_the_new_ones_until_one_is_made(cast: Cast) -> None:
    _, made = await asked(cast)
    await address(cast, made.witness)
    await give(cast, to="eve")
    await end(cast, "tom")
    page, child = f"/desk/witnesses/{made.witness.id}", f"/desk/children/{cast.noor.id}/witnesses"
    nobody = "Nobody has the new one yet"
    async with cast.browser_as("eve") as browser:
        for path in (page, child):
            text = (await browser.get(path)).text
            assert text.count(nobody) == 2, "of the PIN, and of the address"
            assert "A child joined" not in text
        assert "ask a supervisor to make" in (await browser.get(page)).text
    async with cast.browser_as("ines") as browser:
        assert "Make another one below" in (await browser.get(page)).text
        assert (await browser.post(f"{page}/pin")).status_code == 201
        assert (await browser.post(f"{page}/address")).status_code == 201
        text = (await browser.get(page)).text
        assert nobody not in text
        assert cast.ines.name in text, "who passes the new ones on"


async def test_the_school_reads_that_the_pin_has_changed(cast: Cast) -> None:
    sheet, made = await asked(cast)
    await give(cast, to="eve")
    await end(cast, "tom")
    async with cast.client() as school:
        path = f"/list/{lists.token_of(sheet)}"
        answer = await school.post(path, data={"pin": made.pin})
    assert "The PIN has changed: the old one no longer works." in answer.text


async def test_another_tie_or_the_post_of_a_supervisor_keeps_it(cast: Cast) -> None:
    _, made = await asked(cast)
    other = await arrange(cast, "noor", by="ines")
    await Tie.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        child_id=cast.noor.id,
        person_id=cast.tom.id,
        role=Role.SUPERVISOR,
        from_at=cast.clock() - timedelta(days=1),
    )
    await give(cast, to="eve")
    await end(cast, "tom")
    for name in ("mia", "noor"):
        child = await Child.get(id=cast.persons[name].id)
        tie = await Tie.get(child_id=child.id, person_id=cast.ines.id)
        await end_tie(SYSTEM, child, tie.id, cast.clock())
    assert await opens(made.witness, made.pin, cast)
    assert await opens(other.witness, other.pin, cast)
    assert await told(cast) == set()


async def test_the_end_of_a_colleagues_tie_changes_nothing(cast: Cast) -> None:
    """Tom took it on duty, without a tie to Noor."""
    await give(cast, to="eve")
    await end(cast, "tom")
    cast.clock.advance(minutes=1)
    made = await arrange(cast, "noor")
    await give(cast, to="ines")
    await end(cast, "eve")
    assert await opens(made.witness, made.pin, cast)


async def test_a_list_without_the_child_keeps_it(cast: Cast) -> None:
    _, made = await asked(cast, "mia")
    await give(cast, to="eve")
    await end(cast, "tom")
    assert await opens(made.witness, made.pin, cast)


async def test_a_supervisor_who_leaves_that_post_keeps_nothing(cast: Cast) -> None:
    _, made = await asked(cast, by="ines")
    await Tie.filter(person_id=cast.ines.id).update(until_at=cast.clock() - timedelta(seconds=1))
    change = ChangePerson(
        name=cast.ines.name,
        role=Role.CASEWORKER,
        language="en",
        zone="Europe/Lisbon",
        deputy_id=None,
    )
    await change_person(SYSTEM, cast.agency.id, cast.ines.id, change, cast.clock())
    assert (await Person.get(id=cast.ines.id)).role == Role.CASEWORKER
    assert not await opens(made.witness, made.pin, cast)
    assert {name for name, _ in await told(cast)} == {"tom"}


async def test_a_tie_that_ends_by_itself_ends_it_before_the_next_list_and_only_once(
    cast: Cast,
) -> None:
    await give(cast, to="eve", of="mia", until=timedelta(hours=20))
    _, made = await asked(cast, "mia", by="eve")
    await tick(cast.clock.advance(hours=24))
    assert not await opens(made.witness, made.pin, cast)
    witness = await Witness.get(id=made.witness.id)
    await tick(cast.clock.advance(hours=24))
    assert (await Witness.get(id=made.witness.id)).pin_hash == witness.pin_hash
    assert (await latest(made.witness)).state == "open"
    assert {name for name, _ in await told(cast)} == {"tom", "ines"}
