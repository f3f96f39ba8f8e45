"""A colleague's child joins a list whose PIN or address another worker knows: both become new."""

from __future__ import annotations

import re
from uuid import UUID

import httpx2
import pytest

from server.audit.models import Entry
from server.errors import NotFound, Refused
from server.notify.models import Message
from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.storage.db import write
from server.watch.models import WitnessWord
from server.witnesses import actions, lists
from server.witnesses.models import Witness, WitnessChild
from tests.cast import Cast
from tests.races import together
from tests.witnesses.school import arrange, asked, latest
from tests.witnesses.test_pages import fields_of, open_list, seats


async def part(cast: Cast) -> None:
    """Tom answers for Mia alone, and Eve for Noor."""
    now = cast.clock()
    await Tie.filter(child_id=cast.noor.id, person_id=cast.tom.id).update(
        until_at=now, person_id=cast.eve.id
    )
    await Tie.filter(child_id=cast.noor.id, person_id=cast.eve.id).update(until_at=None)


async def join(cast: Cast, witness: Witness, *, by: str = "ines") -> actions.Joined:
    noor = await Child.get(id=cast.noor.id)
    return await actions.add_child(cast.actor(by), noor, witness.id, "Noor", cast.clock())


async def address(cast: Cast, witness: Witness, *, by: str = "tom") -> str:
    return await actions.new_register(cast.actor(by), witness, cast.clock())


async def opens(witness: Witness, pin: str, cast: Cast) -> bool:
    return actions.is_pin(await Witness.get(id=witness.id), pin)


async def hand_in(cast: Cast, token: str, name: str) -> int:
    body = {
        "id": f"{token} {name}",
        "day": f"{cast.clock():%Y-%m-%d}",
        "lines": [{"name": name, "word": "here"}],
    }
    async with cast.client() as school:
        return (await school.post(f"/inbound/register/{token}", json=body)).status_code


async def told(cast: Cast) -> set[tuple[str, str]]:
    names = {person.id: name for name, person in cast.persons.items()}
    rows = await Message.filter(kind="due", subject_kind="witness")
    return {(names[row.person_id], (row.data or {})["path"]) for row in rows if row.person_id}


async def test_a_pin_and_an_address_of_a_worker_end_when_a_colleagues_child_joins(
    cast: Cast,
) -> None:
    _, made = await asked(cast, "mia")
    old = await address(cast, made.witness)
    await part(cast)
    joined = await join(cast, made.witness)
    assert joined.pin is not None
    assert joined.register is not None
    assert not await opens(made.witness, made.pin, cast)
    assert await opens(made.witness, joined.pin, cast)
    assert await hand_in(cast, old, "Noor") == 404
    assert not await WitnessWord.all().exists()
    assert await hand_in(cast, joined.register, "Noor") == 200
    assert {entry.who_id for entry in await Entry.filter(what="witness:pin")} == {cast.ines.id}
    # The caseworkers of the list hear of it, and who has to pass the new ones on.
    paths = {name: f"/desk/children/{cast.persons[name].id}/witnesses" for name in ("mia", "noor")}
    assert await told(cast) == {
        ("tom", paths["mia"]),
        ("eve", paths["noor"]),
        ("ines", paths["noor"]),
    }


async def test_twice_is_once_and_the_page_says_who_passes_the_new_ones_on(cast: Cast) -> None:
    """The answer with the new ones may be lost on its way: they are shown to nobody twice."""
    _, made = await asked(cast, "mia")
    await part(cast)
    path = f"/desk/children/{cast.noor.id}/witnesses"
    form = {"known_as": "Noor", "wants": "yes", "witness": str(made.witness.id)}
    async with cast.browser_as("ines") as browser:
        first = await browser.post(path, data=form)
        assert first.status_code == 201
        [pin] = re.findall(r'dir="ltr">(\d{6})</bdi>', first.text)
        assert "may know the old one" in first.text
        again = await browser.post(path, data=form)
        assert again.status_code == 303
        assert await opens(made.witness, pin, cast), "the second form changes nothing"
        page = (await browser.get(again.headers["location"])).text
        assert "so the PIN changed" in page
        assert cast.ines.name in page
        page = (await browser.get(f"/desk/witnesses/{made.witness.id}")).text
        assert "Make another one below, and pass it on." in page
    async with cast.browser_as("tom") as browser:
        page = (await browser.get(f"/desk/witnesses/{made.witness.id}")).text
        assert "so the PIN changed" in page
        assert cast.ines.name in page
        assert "ask a supervisor to make another one." in page
        assert "Noor" not in page
    assert len(await Message.filter(kind="due", subject_kind="witness")) == len(
        {(row.person_id, row.channel) for row in await Message.filter(subject_kind="witness")}
    )


async def test_once_the_witness_has_used_the_new_ones_nothing_is_open(cast: Cast) -> None:
    sheet, made = await asked(cast, "mia")
    await address(cast, made.witness)
    await part(cast)
    joined = await join(cast, made.witness)
    assert joined.pin is not None
    assert joined.register is not None
    page = f"/desk/witnesses/{made.witness.id}"
    async with cast.browser_as("ines") as browser:
        before = (await browser.get(page)).text
        assert "so the PIN changed" in before
        assert "so the address for the register changed" in before
        sheet = await latest(made.witness)
        await lists.open_with(sheet, joined.pin, cast.clock())
        assert "so the PIN changed" not in (await browser.get(page)).text
        assert await hand_in(cast, joined.register, "Mia") == 200
        assert "changed" not in (await browser.get(page)).text.partition("<h2>")[0]


@pytest.mark.parametrize("who", ["tie", "supervisor"])
async def test_what_a_person_knows_who_answers_for_the_child_stays(cast: Cast, who: str) -> None:
    by = "tom" if who == "tie" else "ines"
    _, made = await asked(cast, "mia", by=by)
    token = await address(cast, made.witness, by=by)
    if who == "supervisor":
        await Tie.filter(child_id=cast.noor.id, person_id=cast.ines.id).delete()
    joined = await join(cast, made.witness)
    assert (joined.pin, joined.register) == (None, None)
    assert await opens(made.witness, made.pin, cast)
    assert await hand_in(cast, token, "Noor") == 200
    assert await told(cast) == set()


async def test_only_what_the_worker_knows_becomes_new(cast: Cast) -> None:
    _, made = await asked(cast, "mia")
    token = await address(cast, made.witness, by="ines")
    await part(cast)
    joined = await join(cast, made.witness)
    assert (joined.pin is None, joined.register is None) == (False, True)
    assert await hand_in(cast, token, "Noor") == 200


@pytest.mark.parametrize("why", ["left", "unknown"])
async def test_of_a_person_who_left_or_is_not_known_it_becomes_new(cast: Cast, why: str) -> None:
    _, made = await asked(cast, "mia")
    if why == "left":
        await Person.filter(id=cast.tom.id).update(disabled_at=cast.clock())
    else:
        await Witness.filter(id=made.witness.id).update(pin_by=None)
    joined = await join(cast, made.witness)
    assert joined.pin is not None
    assert joined.register is None, "there was none"
    assert (await Witness.get(id=made.witness.id)).register_hash is None


async def test_an_arranged_list_keeps_the_pin_that_is_shown_at_once(cast: Cast) -> None:
    """Also of a person on duty, who has no tie."""
    await part(cast)
    made = await arrange(cast, "noor", by="tom")
    assert await opens(made.witness, made.pin, cast)


async def test_a_join_that_breaks_off_changes_nothing(cast: Cast) -> None:
    _, made = await asked(cast, "mia")
    token = await address(cast, made.witness)
    await part(cast)

    async def broken_off() -> None:
        async with write():
            await join(cast, made.witness)
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        await broken_off()
    assert await opens(made.witness, made.pin, cast)
    assert await hand_in(cast, token, "Mia") == 200
    assert await told(cast) == set()
    assert not await WitnessChild.filter(child_id=cast.noor.id).exists()


@pytest.mark.parametrize("verb", ["pin", "address"])
async def test_a_worker_who_takes_one_in_that_moment_does_not_keep_it(
    cast: Cast, verb: str
) -> None:
    _, made = await asked(cast, "mia")
    await part(cast)
    tom, now, mine = cast.actor("tom"), cast.clock(), {cast.mia.id}
    verbs = {"pin": actions.new_pin, "address": actions.new_register}
    joined, taken = await together(
        join(cast, made.witness), verbs[verb](tom, made.witness, now, mine=mine)
    )
    assert isinstance(joined, actions.Joined)
    if isinstance(taken, Refused):
        return  # Noor was there first.
    if verb == "pin":
        assert not await opens(made.witness, taken, cast)
    else:
        assert await hand_in(cast, taken, "Noor") == 404


async def test_two_who_join_at_once_leave_one_pin_that_was_shown(cast: Cast) -> None:
    _, made = await asked(cast, "mia")
    await part(cast)
    came = await together(join(cast, made.witness), join(cast, made.witness))
    pins = [each.pin for each in came if each.pin is not None]
    assert len(pins) == 1
    assert await opens(made.witness, pins[0], cast)


async def test_a_register_by_the_old_address_in_that_moment_says_nothing_of_the_child(
    cast: Cast,
) -> None:
    _, made = await asked(cast, "mia")
    await address(cast, made.witness)
    await part(cast)
    held = await Witness.get(id=made.witness.id)  # As the request found it.
    await join(cast, made.witness)
    actor = actions.Actor(None, "witness", held.agency_id)
    with pytest.raises(NotFound):
        await lists.hand_in(actor, held, [lists.Line("Noor", "here")], id_="a", now=cast.clock())
    assert not await WitnessWord.all().exists()


async def tap(
    cast: Cast, browser: httpx2.AsyncClient, made: actions.Made
) -> tuple[str, dict[str, str]]:
    """The list is open, Mia's answer is tapped, and Noor joins."""
    path, form = await open_list(cast, browser, await latest(made.witness), made.pin)
    return path, {**form, f"word-{(await seats(cast))['mia']}": "not_here"}


async def test_who_has_the_list_open_reads_that_the_pin_changed_and_loses_nothing(
    cast: Cast,
) -> None:
    _, made = await asked(cast, "mia")
    await part(cast)
    says = "The PIN has changed: the old one no longer works."
    async with cast.client() as browser:
        path, form = await tap(cast, browser, made)
        joined = await join(cast, made.witness)
        assert joined.pin is not None
        for typed in ({}, {"pin": made.pin}):
            asks = await browser.post(path, data={**form, **typed})
            assert asks.status_code == 422
            assert says in asks.text
            assert "What you tapped is kept." in asks.text
            assert "Noor" not in asks.text
            form = fields_of(asks.text)
        assert not await WitnessWord.all().exists()
        opened = await browser.post(path, data={**form, "pin": joined.pin})
        assert 'value="not_here" checked' in opened.text
        mia = {f"word-{UUID((await seats(cast))['mia'])}": "not_here"}
        await browser.post(path, data={**fields_of(opened.text), **mia})
    assert [row.word for row in await WitnessWord.all()] == ["not_here"]


async def test_a_supervisor_who_left_that_post_answers_for_their_own_children_alone(
    cast: Cast,
) -> None:
    _, made = await asked(cast, "mia", by="ines")
    await Person.filter(id=cast.ines.id).update(role=Role.CASEWORKER)
    await Tie.filter(child_id=cast.noor.id, person_id=cast.ines.id).delete()
    assert (await join(cast, made.witness, by="tom")).pin is not None
