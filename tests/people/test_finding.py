"""The blind index: which spellings find which child, and that it keeps up with every write."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from server.audit.actions import SYSTEM
from server.errors import Refused
from server.people import actions as people
from server.people.agencies.actions import HomeDetails, change_home
from server.people.finding import actions as index
from server.people.finding.models import SearchToken
from server.people.finding.rules import full_of, words_of
from server.people.finding.search import exact, is_prepared
from server.people.models import Child, Home, Person
from server.people.rules import Leaving
from server.security import encryption
from server.storage.db import fetch
from tests.cast import Cast
from tests.records.test_transfer import accepted

OLD, NEW = "a secret of the tests and of nothing else", "a newer secret, of the tests and no other"


async def child(cast: Cast, name: str, **more: object) -> UUID:
    """Another child of Tom's."""
    wanted = people.AddChild(
        name=name,
        language="en",
        zone="Europe/Paris",
        caseworker_id=cast.tom.id,
        **more,  # type: ignore[arg-type]
    )
    row = await people.add_child(cast.actor("tom"), cast.agency.id, wanted, cast.clock())
    return UUID(str(row.id))


async def names(cast: Cast, child_id: UUID, name: str, reference: str | None = None) -> None:
    await people.set_names(cast.actor("tom"), child_id, name, reference, cast.clock())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Zoë Müller", ["zoe", "muller"]),
        ("ZOE\u0308  MÜLLER", ["zoe", "muller"]),
        ("O'Neil-Łukasz", ["o", "neil", "lukasz"]),
        ("Ben\u2011Ali", ["ben", "ali"]),
        ("Strauß Ødegård", ["strauss", "odegard"]),
        ("\u0130pek I\u015f\u0131k", ["ipek", "isik"]),
        ("أحمد", ["احمد"]),
        ("آمنة", ["امنه"]),
        ("فاطمة عليّ", ["فاطمه", "علي"]),
        ("ليلى", ["ليلي"]),
        ("مـحـمّـد", ["محمد"]),
        ("علی رضا", ["علي", "رضا"]),
        ("Room ٤٢", ["room", "42"]),
        ("  ", []),
        ("%_'\"*", []),
        ("\uff21\uff44\uff41", ["ada"]),
    ],
)
def test_spellings_that_count_as_the_same(text: str, words: list[str]) -> None:
    assert words_of(text) == words
    assert full_of(text) == " ".join(words)


async def test_a_child_is_found_by_the_exact_name_in_any_spelling(cast: Cast) -> None:
    zoe = await child(cast, "Zoë O'Neil-Łukasz")
    for text in ("zoe o'neil-łukasz", "ZOE O NEIL LUKASZ", " Zoë  O\u2019Neil  Lukasz "):
        assert await exact(cast.agency.id, text) == [zoe]
    for text in ("Zoë", "Zoë O'Neil", "Lukasz Zoe O Neil", "Zoe O'Neil-Lukas", "", "%", "wm1."):
        assert await exact(cast.agency.id, text) == []


async def test_a_child_is_found_by_the_exact_reference(cast: Cast) -> None:
    zoe = await child(cast, "Zoë Ode", reference="ASE-2026/117")
    assert await exact(cast.agency.id, "ase 2026 117") == [zoe]
    assert await exact(cast.agency.id, "ASE-2026") == []
    assert await exact(cast.other_agency.id, "ASE-2026/117") == []


async def test_two_children_of_one_name_are_both_found(cast: Cast) -> None:
    first, second = await child(cast, "Zoë Ode"), await child(cast, "Zoe Ode")
    assert await exact(cast.agency.id, "zoe ode") == sorted([first, second])


async def test_equal_names_of_two_agencies_have_no_digest_in_common(cast: Cast) -> None:
    zoe = await child(cast, "Lia Marchetti")
    rows = await SearchToken.filter(about_id__in=[zoe, cast.lia.id]).values_list(
        "digest", flat=True
    )
    assert len(rows) == len(set(rows)) == 10
    assert await exact(cast.other_agency.id, "Lia Marchetti") == [cast.lia.id]


async def test_the_table_has_no_name_in_it(cast: Cast) -> None:
    stored = str(await fetch("SELECT * FROM search_token")).casefold()
    assert not [word for word in ("mia", "cas", "castellane", "house") if f"'{word}" in stored]


async def test_a_child_who_left_is_not_found_by_exact_name(cast: Cast) -> None:
    now = cast.clock()
    await people.end_placement(cast.actor("tom"), cast.mia.id, Leaving.HOME, now, now)
    assert await exact(cast.agency.id, "Mia Castellane") == []
    await people.begin_placement(cast.actor("tom"), cast.mia.id, now, now)
    assert await exact(cast.agency.id, "Mia Castellane") == [cast.mia.id]


async def test_a_new_name_replaces_the_old_one_in_the_index(cast: Cast) -> None:
    await names(cast, cast.mia.id, "Mia Ortega", "A-1")
    assert await exact(cast.agency.id, "Mia Castellane") == []
    assert await exact(cast.agency.id, "mia ortega") == [cast.mia.id]
    assert await exact(cast.agency.id, "a 1") == [cast.mia.id]
    await names(cast, cast.mia.id, "Mia Ortega", None)
    assert await exact(cast.agency.id, "a 1") == []


async def test_the_same_names_again_change_nothing(cast: Cast) -> None:
    await names(cast, cast.mia.id, "Mia Ortega", "A-1")
    before = await fetch("SELECT * FROM search_token ORDER BY id"), await _entries()
    await names(cast, cast.mia.id, " Mia  Ortega ", "A-1 ")
    assert (await fetch("SELECT * FROM search_token ORDER BY id"), await _entries()) == before


async def _entries() -> object:
    return await fetch("SELECT count(*) AS n FROM entry")


@pytest.mark.parametrize("reference", ["---", "x" * 65, "a\u0007b"])
async def test_a_reference_that_cannot_be(cast: Cast, reference: str) -> None:
    with pytest.raises(Refused) as refused:
        await names(cast, cast.mia.id, "Mia Castellane", reference)
    assert refused.value.field == "reference"


async def test_a_reference_belongs_to_one_child_of_an_agency(cast: Cast) -> None:
    await names(cast, cast.mia.id, "Mia Castellane", "A-1")
    with pytest.raises(Refused) as refused:
        await names(cast, cast.noor.id, "Noor Ortega", "a 1")
    assert refused.value.field == "reference"
    assert (await Person.get(id=cast.noor.id)).name == "Noor Haddadin"
    with pytest.raises(Refused):
        await child(cast, "Zoë Ode", reference="A-1")
    assert await exact(cast.agency.id, "Zoë Ode") == []
    lia = people.set_names(cast.actor("uwe"), cast.lia.id, "Lia Marchetti", "A-1", cast.clock())
    await lia
    assert await exact(cast.other_agency.id, "A-1") == [cast.lia.id]


async def test_two_writers_at_once_leave_one_name_and_one_index(cast: Cast) -> None:
    texts = [f"Mia Name{number}" for number in range(6)]
    await asyncio.gather(*(names(cast, cast.mia.id, text) for text in texts))
    name = (await Person.get(id=cast.mia.id)).name
    for text in texts:
        assert await exact(cast.agency.id, text) == ([cast.mia.id] if text == name else [])


async def test_two_writers_of_one_reference_leave_it_to_one_child(cast: Cast) -> None:
    results = await asyncio.gather(
        names(cast, cast.mia.id, "Mia Castellane", "A-1"),
        names(cast, cast.noor.id, "Noor Haddadin", "A-1"),
        return_exceptions=True,
    )
    assert [type(each) for each in results if each is not None] == [Refused]
    assert len(await exact(cast.agency.id, "A-1")) == 1


async def test_a_home_that_is_renamed_is_one_write(cast: Cast) -> None:
    of_home = SearchToken.filter(about_id=cast.home.id)
    of_children = SearchToken.filter(about_id__in=[cast.mia.id, cast.noor.id])
    before, children = set(await of_home.values_list("id", flat=True)), await of_children
    await change_home(
        cast.actor("root"),
        cast.agency.id,
        cast.home.id,
        HomeDetails(name="Birch Villa", zone="Europe/Paris"),
        cast.clock(),
    )
    assert before.isdisjoint(await of_home.values_list("id", flat=True))
    assert await of_children == children


async def test_a_child_who_is_transferred_is_found_by_the_new_agency_alone(cast: Cast) -> None:
    await names(cast, cast.mia.id, "Mia Castellane", "A-1")
    await accepted(cast)
    assert await exact(cast.agency.id, "Mia Castellane") == []
    assert await exact(cast.agency.id, "A-1") == []
    assert await exact(cast.other_agency.id, "Mia Castellane") == [cast.mia.id]
    # The number was the former agency's, which may give it to another child.
    await names(cast, cast.noor.id, "Noor Haddadin", "A-1")


async def test_old_rows_are_indexed_in_batches_and_a_second_run_does_nothing(cast: Cast) -> None:
    ids = await _forget(cast)
    assert not await is_prepared(cast.agency.id)
    assert await exact(cast.agency.id, "Mia Castellane") == []
    while await index.prepare():
        pass
    assert await is_prepared(cast.agency.id)
    assert await exact(cast.agency.id, "Mia Castellane") == [cast.mia.id]
    assert {child.id for child in await Child.filter(indexed_by=index.mark())} == ids
    assert await Home.filter(indexed_by=index.mark()).count() == 1
    rows = await fetch("SELECT * FROM search_token ORDER BY id")
    assert await index.prepare() == 0
    assert await fetch("SELECT * FROM search_token ORDER BY id") == rows


async def test_a_preparation_that_was_killed_goes_on(cast: Cast) -> None:
    await _forget(cast)
    assert await index.prepare(1) == 1  # The home.
    assert await index.prepare(1) == 1
    # Another process, after this one was killed, while a child is added in the new way.
    zoe = await child(cast, "Zoë Ode")
    assert [await index.prepare(1) for _ in range(3)] == [1, 1, 0]
    for name, id_ in (("Mia Castellane", cast.mia.id), ("Zoe Ode", zoe)):
        assert await exact(cast.agency.id, name) == [id_]


async def test_two_processes_prepare_at_once(cast: Cast) -> None:
    await _forget(cast)
    await asyncio.gather(*(index.prepare() for _ in range(4)))
    while await index.prepare():
        pass
    assert await SearchToken.filter(about_id=cast.mia.id).count() == 5
    assert await exact(cast.agency.id, "Mia Castellane") == [cast.mia.id]


async def _forget(cast: Cast) -> set[UUID]:
    """As the rows were before there was an index."""
    await SearchToken.all().delete()
    await Child.all().update(indexed_by=None, reference_index=None)
    await Home.all().update(indexed_by=None)
    return {child.id for child in cast.children.values()}


async def test_a_new_key_in_front_changes_nothing_and_dropping_the_old_one_prepares_anew(
    cast: Cast,
) -> None:
    await names(cast, cast.mia.id, "Mia Castellane", "A-1")
    encryption.use(encryption.Keyring([NEW, OLD]))
    assert await is_prepared(cast.agency.id)
    assert await exact(cast.agency.id, "Mia Castellane") == [cast.mia.id]
    # Written anew with the key that stays, as an operator does before the old one goes.
    encryption.use(encryption.Keyring([NEW]))
    assert not await is_prepared(cast.agency.id)
    await Person.filter(id__in=[each.id for each in cast.children.values()]).update(name="Mia Ode")
    await Child.filter(id=cast.mia.id).update(reference="A-1")
    await Home.all().update(name="The house")
    while await index.prepare():
        pass
    assert await is_prepared(cast.agency.id)
    assert cast.mia.id in await exact(cast.agency.id, "mia ode")
    assert await exact(cast.agency.id, "A-1") == [cast.mia.id]
    with pytest.raises(Refused):
        await child(cast, "Zoë Ode", reference="a-1")


async def test_a_reference_given_twice_while_keys_change_stops_no_preparation(cast: Cast) -> None:
    await names(cast, cast.mia.id, "Mia Castellane", "A-1")
    await Child.filter(id=cast.mia.id).update(indexed_by=None, reference_index=None)
    await names(cast, cast.noor.id, "Noor Haddadin", "A-1")
    while await index.prepare():
        pass
    assert await exact(cast.agency.id, "Mia Castellane") == [cast.mia.id]
    assert await exact(cast.agency.id, "A-1") == [cast.noor.id]
    assert (await Child.get(id=cast.mia.id)).reference == "A-1"


async def test_system_can_add_a_child_who_is_found_at_once(cast: Cast) -> None:
    wanted = people.AddChild(
        name="Ömer Ay", language="en", zone="Europe/Paris", caseworker_id=cast.tom.id
    )
    row = await people.add_child(SYSTEM, cast.agency.id, wanted, cast.clock())
    assert await exact(cast.agency.id, "omer ay") == [row.id]
