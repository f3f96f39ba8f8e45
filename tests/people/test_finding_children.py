"""Searching: who finds which child, by which words, and in which order."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.alerts.models import Alert
from server.people import actions as people
from server.people.agencies.actions import HomeDetails, add_home, change_home
from server.people.finding import actions, search
from server.people.finding.scope import Scope
from server.people.models import Child, Person, Tie
from server.people.rules import Leaving, Role
from server.people.ties import AddTie, add_tie, end_tie
from server.storage import bulk
from server.storage.db import write
from tests.cast import Cast
from tests.people.test_finding import child, names


def scope(cast: Cast, name: str, *, duty: bool = False, **ways: tuple[UUID, ...]) -> Scope:
    person = cast.persons[name]
    return Scope(
        person.id,
        person.agency_id,
        cast.clock(),
        duty,
        frozenset(ways.get("covers", ())),
        {child_id: child_id for child_id in ways.get("called", ())},
    )


async def found(cast: Cast, text: str, name: str = "tom", **ways: object) -> list[UUID]:
    hits = await search.find(scope(cast, name, **ways), text)  # type: ignore[arg-type]
    return [hit.child.id for hit in hits.hits]


@pytest.mark.parametrize(
    "text",
    [
        "mia",
        "MIA",
        "Castellane",
        "cas",
        "castel",
        "Mia Castellane",
        "castellane mia",
        "cas mia",
        "the house",
        "house mia",
        "hou",
        "ase 2026 7",
    ],
)
async def test_words_that_find_mia(cast: Cast, text: str) -> None:
    await names(cast, cast.mia.id, "Mia Castellane", "ASE-2026/7")
    assert await found(cast, text) == [cast.mia.id]


@pytest.mark.parametrize(
    "text",
    [
        "ma",
        "m",
        "mia haddadin",
        "noor house",
        "ase",
        "ase 2026",
        "ste",
        "lia",
        "",
        "   ",
        "%",
        "_ia",
        "mi%",
        "wm1.AAAA",
        "\x00\ufffe",
        "' OR 1=1 --",
        "x" * 10_000,
        "\u0301" * 10_000,
        "\ufdfa" * 10_000,
    ],
)
async def test_words_that_find_no_one(cast: Cast, text: str) -> None:
    await names(cast, cast.mia.id, "Mia Castellane", "ASE-2026/7")
    assert await found(cast, text) == []


async def test_a_short_word_finds_a_short_name_and_else_says_so(cast: Cast) -> None:
    li = await child(cast, "Li Bo")
    assert await found(cast, "bo") == [li]
    assert (await search.find(scope(cast, "tom"), "ma")).is_short
    assert not (await search.find(scope(cast, "tom"), "max")).is_short


async def test_each_sees_their_own_children_alone(cast: Cast) -> None:
    assert await found(cast, "noor", "ines") == [cast.noor.id]
    assert await found(cast, "noor", "ada") == [cast.noor.id]
    assert await found(cast, "mia", "sam") == [cast.mia.id]
    for name in ("eve", "root", "uwe", "sam"):
        assert await found(cast, "noor", name) == []
    assert await found(cast, "lia", "uwe") == [cast.lia.id]


async def test_those_who_do_not_know_the_home_do_not_find_by_it(cast: Cast) -> None:
    await names(cast, cast.noor.id, "Noor Haddadin", "ASE-9")
    await names(cast, cast.mia.id, "Mia Castellane", "ASE-7")
    assert await found(cast, "house", "sam") == []
    assert await found(cast, "mia house", "sam") == []
    assert await found(cast, "ase-7", "sam") == await found(cast, "ase-9", "ada") == []
    assert await found(cast, "ase-9", "ines") == [cast.noor.id]


async def test_a_tie_that_has_ended_or_is_to_begin_finds_nothing(cast: Cast) -> None:
    kid, now = await Child.get(id=cast.noor.id), cast.clock()
    later = AddTie(person_id=cast.eve.id, role=Role.CASEWORKER, from_at=now + timedelta(days=1))
    await add_tie(cast.actor("ines"), kid, later, now)
    assert await found(cast, "noor", "eve") == []
    await end_tie(cast.actor("ines"), kid, cast.ties["noor", "ada"], now)
    assert await found(cast, "noor", "ada") == []


async def test_on_duty_every_placed_child_of_the_agency_is_found(cast: Cast) -> None:
    assert await found(cast, "noor", "eve", duty=True) == [cast.noor.id]
    assert await found(cast, "house", "eve", duty=True) == [cast.mia.id]
    assert await found(cast, "lia", "eve", duty=True) == []
    now = cast.clock()
    await people.end_placement(cast.actor("tom"), cast.noor.id, Leaving.HOME, now, now)
    assert await found(cast, "noor", "eve", duty=True) == []


async def test_on_duty_a_child_who_left_is_found_while_an_alert_is_open(cast: Cast) -> None:
    now = cast.clock()
    alert = await Alert.create(
        agency_id=cast.agency.id,
        child_id=cast.noor.id,
        cause="silence",
        tier="high",
        opened_at=now,
        noticed_at=now,
        next_action_at=now,
        reason="grace_over",
        ladder={},
    )
    await Child.filter(id=cast.noor.id).update(left_at=now)
    assert await found(cast, "noor", "eve", duty=True) == [cast.noor.id]
    assert await found(cast, "noor", "uwe", duty=True) == []
    await Alert.filter(id=alert.id).update(closed_at=now, outcome="seen")
    assert await found(cast, "noor", "eve", duty=True) == []


async def test_a_cover_finds_the_children_of_those_on_leave(cast: Cast) -> None:
    assert await found(cast, "noor", "eve", covers=(cast.tom.id,)) == [cast.noor.id]
    assert await found(cast, "house", "eve", covers=(cast.tom.id,)) == [cast.mia.id]


async def test_a_person_called_finds_the_child_by_name_alone(cast: Cast) -> None:
    assert await found(cast, "mia", "eve", called=(cast.mia.id,)) == [cast.mia.id]
    assert await found(cast, "house", "eve", called=(cast.mia.id,)) == []
    assert await found(cast, "noor", "eve", called=(cast.mia.id,)) == []


async def test_those_who_left_come_last_and_say_so(cast: Cast) -> None:
    other = await child(cast, "Mia Marsh")
    now = cast.clock()
    await people.end_placement(cast.actor("tom"), cast.mia.id, Leaving.HOME, now, now)
    hits = (await search.find(scope(cast, "tom"), "mia")).hits
    assert [(hit.child.id, hit.has_left) for hit in hits] == [(other, False), (cast.mia.id, True)]
    # A carer has nothing to do with a child any longer who left.
    assert await found(cast, "mia", "sam") == []
    assert await found(cast, "mia", "eve", called=(cast.mia.id,)) == [cast.mia.id]


async def test_whole_words_come_before_beginnings_and_then_by_name(cast: Cast) -> None:
    marisol, mari, marion = [
        await child(cast, name) for name in ("Marisol Ay", "Mari Zed", "Marion Bo")
    ]
    await child(cast, "Martin Cey")
    assert await found(cast, "mari") == [mari, marion, marisol]
    assert await found(cast, "mari zed") == [mari]


async def test_a_word_that_no_name_has_finds_those_that_begin_alike(cast: Cast) -> None:
    hits = await search.find(scope(cast, "tom"), "Castelane")
    assert [hit.name for hit in hits.hits] == ["Mia Castellane"]
    assert hits.is_near
    assert not (await search.find(scope(cast, "tom"), "Castell")).is_near


async def test_a_long_list_comes_in_parts_and_then_asks_for_more_of_the_name(cast: Cast) -> None:
    for number in range(23):
        await child(cast, f"Marta {chr(97 + number)}")
    first = await search.find(scope(cast, "tom"), "marta")
    assert (len(first.hits), first.next_after, first.is_too_many) == (20, 20, False)
    rest = await search.find(scope(cast, "tom"), "marta", 20)
    assert (len(rest.hits), rest.next_after) == (3, None)
    all_names = [hit.name for hit in (*first.hits, *rest.hits)]
    assert all_names == sorted(all_names)
    # A visitor who sees two of them cannot tell that there are others.
    assert not (await search.find(scope(cast, "eve"), "marta")).hits


async def test_a_reader_of_few_of_the_many_who_fit_finds_each_of_these(cast: Cast) -> None:
    """Hundreds of others come before them, and the reader sees none of those."""
    now, agency = cast.clock(), cast.agency.id
    ids = sorted(uuid4() for _ in range(search.BEST_OF_MANY + 230))
    own = ids[:210]
    async with write():
        await bulk.insert(Person, [_marta(cast, id_) for id_ in ids])
        person = {"agency_id": agency, "placed_at": now}
        await bulk.insert(Child, [{"id": id_, "person_id": id_, **person} for id_ in ids])
        tie = {"agency_id": agency, "person_id": cast.eve.id, "role": Role.CASEWORKER}
        ties = [{"id": uuid4(), "child_id": id_, "from_at": now, **tie} for id_ in own]
        await bulk.insert(Tie, ties)
        await Child.filter(id__in=own[:5]).update(left_at=now)
    while await actions.prepare():
        pass
    hits = await search.find(scope(cast, "eve"), "marta", 0, search.MOST)
    assert [hit.child.id for hit in hits.hits] == own[: -search.MOST - 1 : -1]
    assert hits.is_too_many
    last = await search.find(scope(cast, "eve"), "marta", 20, 20)
    assert [hit.child.id for hit in last.hits] == own[-21:-41:-1]
    on_duty = await search.find(scope(cast, "eve", duty=True), "marta", 0, search.MOST)
    assert [hit.child.id for hit in on_duty.hits] == ids[: -search.MOST - 1 : -1]


def _marta(cast: Cast, id_: UUID) -> dict[str, object]:
    person = {"role": Role.CHILD, "name": "Marta", "language": "en", "zone": "UTC"}
    return {"id": id_, "agency_id": cast.agency.id, "made_at": cast.clock(), **person}


async def test_a_renamed_home_finds_its_children_by_the_new_name(cast: Cast) -> None:
    who, now = cast.actor("root"), cast.clock()
    zone = "Europe/Paris"
    villa = HomeDetails(name="Villa Été", zone=zone)
    await change_home(who, cast.agency.id, cast.home.id, villa, now)
    assert await found(cast, "ete") == [cast.mia.id]
    assert await found(cast, "house") == []
    other = await add_home(who, cast.agency.id, name="Birch", zone=zone, now=now)
    await people.move(cast.actor("tom"), cast.noor.id, other.id, now)
    assert await found(cast, "birch") == [cast.noor.id]
    await people.move(cast.actor("tom"), cast.noor.id, None, now)
    assert await found(cast, "birch") == []


async def test_a_name_that_is_word_and_home_counts_as_a_name(cast: Cast) -> None:
    await names(cast, cast.mia.id, "Mia House")
    assert await found(cast, "house", "sam") == [cast.mia.id]
