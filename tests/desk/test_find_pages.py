"""The search and the list of children: what each role reads, and what a stranger cannot."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest

from server.audit.models import Entry
from server.people import actions as people
from server.people.agencies.actions import add_home
from server.people.finding import actions as index
from server.people.models import Child, Person
from server.people.rules import Leaving
from server.policy.model import Tier
from server.rota.models import Leave
from server.storage.db import fetch
from server.watch import actions as watch
from server.watch.rhythm.rules import Rhythm
from tests.alerts.test_called_access import eve_is_called
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.people.test_finding import child, names


async def read(cast: Cast, name: str, path: str, **params: Any) -> str:
    async with at_desk(cast, name) as browser:
        answer = await browser.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


async def look_for(cast: Cast, name: str, text: str, after: str = "") -> str:
    """As the form does it: a name is in no address."""
    async with at_desk(cast, name) as browser:
        sent = await browser.post("/desk/find", data={"q": text})
        assert sent.status_code == 303, sent.text
        answer = await browser.get(f"{sent.headers['location']}&after={after}")
    assert answer.status_code == 200
    return unescape(answer.text)


def shown(page: str) -> list[str]:
    """The names of the rows, in order."""
    return re.findall(r'<span class="who"><bdi>([^<]*)</bdi>', page)


async def test_a_row_says_name_standing_home_and_caseworker_and_leads_to_the_child(
    cast: Cast,
) -> None:
    page = await look_for(cast, "tom", "castel")
    assert shown(page) == ["Mia Castellane"]
    assert f'href="/desk/children/{cast.mia.id}"' in page
    for words in ("The house", "Tom Verhoeven", "Not heard from yet"):
        assert words in page


async def test_the_page_without_a_word_asks_for_three_letters(cast: Cast) -> None:
    assert "at least three letters" in await read(cast, "tom", "/desk/find")
    assert "at least three letters" in await look_for(cast, "tom", "ma")


@pytest.mark.parametrize("name", ["eve", "sam", "root", "ada"])
async def test_a_stranger_reads_the_same_for_a_child_and_for_nonsense(
    cast: Cast, name: str
) -> None:
    pages = [
        re.sub(r"\?s=[\w-]+", "", (await look_for(cast, name, text)).replace(text, ""))
        for text in ("castellane", "qqqqqqqqqq", "lia marche")
    ]
    if name == "sam":
        pages[0] = pages[1]  # Mia is theirs.
    assert len(set(pages)) == 1


async def test_the_empty_page_leads_to_the_emergency_those_who_may(cast: Cast) -> None:
    for name, leads in (("eve", True), ("ada", False), ("sam", False), ("root", False)):
        page = await look_for(cast, name, "qqqqqqqqqq")
        assert ("/desk/glass" in page) is leads


async def test_a_carer_finds_a_child_by_name_alone_and_reads_no_more(cast: Cast) -> None:
    page = await look_for(cast, "sam", "mia")
    assert shown(page) == ["Mia Castellane"]
    for words in ("The house", "Verhoeven", 'class="standing"', f"/desk/children/{cast.mia.id}"):
        assert words not in page
    assert f"/desk/#c{cast.mia.id.hex}" in page
    assert shown(await look_for(cast, "sam", "house")) == []


async def test_a_person_called_is_led_to_the_alert(cast: Cast) -> None:
    alert = await eve_is_called(cast)
    name = (await Person.get(id=alert.child_id)).name
    page = await look_for(cast, "eve", name[:4])
    assert shown(page) == [name]
    assert f'href="/desk/alerts/{alert.id}"' in page
    assert "Verhoeven" not in page
    assert await Entry.filter(who_id=cast.eve.id, child_id=alert.child_id, why="called").exists()


async def test_a_missing_child_is_marked_for_all_who_may_know(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.post(f"/desk/children/{cast.mia.id}/missing", data={"words": "gone"})
    for name in ("tom", "sam"):
        page = await look_for(cast, name, "mia")
        assert 'class="is-missing"' in page


async def test_on_duty_the_search_finds_all_and_the_child_can_read_the_look(cast: Cast) -> None:
    assert shown(await look_for(cast, "eve", "noor")) == []
    await cast.on_duty("eve")
    assert shown(await look_for(cast, "eve", "noor")) == ["Noor Haddadin"]
    looks = await Entry.filter(who_id=cast.eve.id, what="look:child:see")
    assert [(look.child_id, look.why) for look in looks] == [(cast.noor.id, "on_duty")]
    assert not await Entry.filter(who_id=cast.tom.id, what="look:child:see").exists()


async def test_a_cover_finds_the_children_of_the_colleague_on_leave(cast: Cast) -> None:
    now = cast.clock()
    await Leave.create(
        agency_id=cast.agency.id,
        person_id=cast.tom.id,
        cover_id=cast.eve.id,
        from_at=now - timedelta(hours=1),
        until_at=now + timedelta(days=1),
        made_at=now,
    )
    assert shown(await look_for(cast, "eve", "noor")) == ["Noor Haddadin"]
    assert await Entry.filter(who_id=cast.eve.id, child_id=cast.noor.id, why="cover").exists()
    assert len(shown(await read(cast, "eve", "/desk/children"))) == 2


async def test_the_page_says_while_the_search_is_prepared(cast: Cast) -> None:
    assert "still preparing" not in await look_for(cast, "tom", "mia")
    await Child.filter(id=cast.noor.id).update(indexed_by=None)
    assert "still preparing" in await look_for(cast, "tom", "mia")
    assert "still preparing" not in await look_for(cast, "uwe", "lia")
    while await index.prepare():
        pass
    assert "still preparing" not in await look_for(cast, "tom", "mia")


@pytest.mark.parametrize(
    "text",
    ["x" * 10_000, "   ", "wm1.", "%_%", "'; --", "\u202emia", "<script>", "\U0001f600" * 99],
)
async def test_nonsense_is_answered_with_a_page(cast: Cast, text: str) -> None:
    async with at_desk(cast, "tom") as browser:
        sent = await browser.post("/desk/find", data={"q": text})
        assert sent.status_code in (303, 400, 422)
        answer = await browser.get(sent.headers.get("location", "/desk/find"))
    assert answer.status_code in (200, 400, 422)
    assert "<script>" not in answer.text


async def test_a_name_in_an_address_looks_for_nothing_and_leads_to_the_field(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        typed = await browser.get("/desk/find", params={"q": "mia"})
        assert (typed.status_code, typed.headers["location"]) == (303, "/desk/find?typed=1")
        page = (await browser.get(typed.headers["location"])).text
    assert "We did not search." in page
    assert "astellane" not in page


async def test_a_search_is_sealed_for_one_session_and_opens_nothing_else(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        sent = await browser.post("/desk/find", data={"q": "castellane"})
        address = sent.headers["location"]
        assert "astellane" in (await browser.get(address)).text
    stolen = (await fetch("SELECT name FROM person WHERE id = $1", [cast.noor.id]))[0]["name"]
    async with at_desk(cast, "ines") as browser:
        assert "astellane" not in (await browser.get(address)).text
        other = await browser.get(f"/desk/find?s={stolen.removeprefix('wm1.')}")
        assert "Haddadin" not in other.text
        assert (await browser.get("/desk/find?s=x")).status_code == 200


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30, "٣", "100000"])
async def test_a_nonsense_place_is_answered_with_a_page(cast: Cast, after: str) -> None:
    await look_for(cast, "tom", "mia", after)
    await read(cast, "tom", "/desk/children", after=after, home="x", level="y", left=after)


# --- all children


async def many(cast: Cast, count: int, home_id: UUID | None) -> None:
    now = cast.clock()
    for number in range(count):
        id_ = await child(cast, f"Kid {number:03}", home_id=home_id)
        row = await Child.get(id=id_)
        times = Rhythm((now.replace(hour=18, minute=0).timetz().replace(tzinfo=None),))
        await watch.begin(
            cast.actor("tom"), row, watch.Beginning(Tier.LOW, times, "Europe/Paris"), now
        )


async def test_the_list_goes_by_home_then_name_in_parts(cast: Cast) -> None:
    birch = await add_home(
        cast.actor("root"), cast.agency.id, name="Birch", zone="Europe/Paris", now=cast.clock()
    )
    await many(cast, 50, birch.id)
    first = await read(cast, "tom", "/desk/children")
    assert shown(first) == [f"Kid {number:03}" for number in range(50)]
    assert "52 children" in first
    rest = await read(cast, "tom", "/desk/children", after="50")
    assert shown(rest) == ["Mia Castellane", "Noor Haddadin"]
    assert "Show more" not in rest


async def test_the_list_filters_by_home_and_level(cast: Cast) -> None:
    assert shown(await read(cast, "tom", "/desk/children", level="high")) == ["Noor Haddadin"]
    page = await read(cast, "tom", "/desk/children", home=str(cast.home.id))
    assert shown(page) == ["Mia Castellane"]
    page = await read(cast, "tom", "/desk/children", home=str(cast.home.id), level="high")
    assert shown(page) == []
    assert "No child fits this choice" in page
    assert shown(await read(cast, "sam", "/desk/children", level="mid")) == []
    assert shown(await read(cast, "sam", "/desk/children", home=str(cast.home.id))) == []


async def test_each_reads_their_own_list(cast: Cast) -> None:
    for name, wanted in (
        ("tom", ["Mia Castellane", "Noor Haddadin"]),
        ("ada", ["Noor Haddadin"]),
        ("sam", ["Mia Castellane"]),
        ("eve", []),
        ("root", []),
        ("uwe", ["Lia Marchetti"]),
    ):
        assert shown(await read(cast, name, "/desk/children")) == wanted


async def test_those_who_left_are_folded_away_and_not_shown_to_a_carer(cast: Cast) -> None:
    now = cast.clock()
    await people.end_placement(cast.actor("tom"), cast.mia.id, Leaving.HOME, now, now)
    page = await read(cast, "tom", "/desk/children")
    assert "<details" in page
    assert shown(page) == ["Noor Haddadin", "Mia Castellane"]
    page = await read(cast, "tom", "/desk/children", left="1")
    assert shown(page) == ["Mia Castellane"]
    assert "left " in page
    assert shown(await read(cast, "sam", "/desk/children", left="1")) == []


# --- the name and the reference


async def test_a_caseworker_changes_name_and_reference(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}"
    async with at_desk(cast, "tom") as browser:
        form = {"name": "Mía Ortega", "reference": "ASE-7"}
        answer = await browser.post(f"{path}/names", data=form)
        assert answer.headers["location"] == f"{path}/people?done=names"
        page = (await browser.get(answer.headers["location"])).text
    assert "Mía Ortega" in page
    assert "ASE-7" in page
    assert shown(await look_for(cast, "tom", "ase 7")) == ["Mía Ortega"]
    entry = await Entry.filter(child_id=cast.mia.id, what="child:change").first()
    assert entry is not None
    assert entry.names == ["name", "reference"]


async def test_a_taken_reference_is_said_at_its_question(cast: Cast) -> None:
    await names(cast, cast.noor.id, "Noor Haddadin", "ASE-7")
    async with at_desk(cast, "tom") as browser:
        form = {"name": "Mia Ortega", "reference": "ase 7"}
        answer = await browser.post(f"/desk/children/{cast.mia.id}/names", data=form)
    assert answer.status_code == 422
    assert 'id="reference-error"' in answer.text
    assert "Mia Ortega" in answer.text
    assert (await Person.get(id=cast.mia.id)).name == "Mia Castellane"
