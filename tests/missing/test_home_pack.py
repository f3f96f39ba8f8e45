"""The home's part of the grab pack: the carer writes it, hands it over, and reads nothing else."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.missing.profile.fields import HOME_SAYS
from server.missing.profile.models import GrabPack
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.tasks.models import Task
from server.tasks.rules import Kind, State
from server.watch.watch_alerts import open_missing
from tests.cast import Cast
from tests.missing.test_pack import LOOKS, OWN, WHY, get, path_of, prepared, put

HOME = {
    "home_habits": "Football on Tuesdays, back at 19:00",
    "home_places": "The skate park behind the station\nJoy's flat, rue Neuve 4",
    "home_clothes": "Red coat, white trainers",
    "home_phones": "An old Nokia of Joy's",
    "home_contacts": "Joy, +33 6 12 34 56 78",
}
EMPTY_BUT_VERSION = {"verified_at", "verified_by", "due_at", "record", "now"}


def test_the_fields_of_the_home_are_those_that_outsiders_rely_on() -> None:
    assert set(HOME_SAYS) == set(HOME)


async def test_the_carer_fills_what_the_home_knows_and_keeps_it_current(cast: Cast) -> None:
    first = await put(cast, "sam", 0, HOME)
    assert first.status_code == 200, first.text
    assert (first.json()["version"], first.json()["fields"]) == (1, HOME)
    cast.clock.advance(days=2)
    await cast.new_token("sam")
    second = await put(cast, "sam", 1, {"home_clothes": "Blue coat"})
    # What is left out stays as it is.
    assert second.json()["fields"] == {**HOME, "home_clothes": "Blue coat"}
    emptied = await put(cast, "sam", 2, {"home_phones": "", "home_contacts": None})
    assert set(emptied.json()["fields"]) == {"home_habits", "home_places", "home_clothes"}
    assert (await get(cast, "sam")).json()["fields"] == emptied.json()["fields"]


async def test_a_carer_reads_nothing_else_of_the_pack(cast: Cast) -> None:
    await prepared(cast, {**LOOKS, **OWN, "controllers": "Rashid", "own_for_guardian": "yes"})
    await put(cast, "sam", 2, HOME)
    await put(cast, "tom", 3, {"controllers": "Rashid of the car wash"})
    answer = await get(cast, "sam")
    shown = answer.json()
    assert (answer.status_code, shown["version"], shown["fields"]) == (200, 4, HOME)
    assert {shown[name] for name in EMPTY_BUT_VERSION} == {None}
    assert (shown["photos"], shown["lacking"]) == ([], [])
    # Only the versions in which the home's part changed, and who changed it.
    assert [each["version"] for each in shown["versions"]] == [3]
    for text in ("Rashid", "black", "uncle", "Tom"):
        assert text not in answer.text
    for rest in ("/photos", "/photos/00000000-0000-4000-8000-000000000000", ".pdf?for=police"):
        assert (await get(cast, "sam", rest, **WHY)).status_code == 403, rest
    assert (await get(cast, "sam", ".txt?for=partner", **WHY)).status_code == 403


@pytest.mark.parametrize("fields", [{"hair": "red"}, {"own_calms": "music"}, {"home_door": "x"}])
async def test_a_carer_writes_nothing_else_in_it(cast: Cast, fields: dict[str, str]) -> None:
    answer = await put(cast, "sam", 0, {**HOME, **fields})
    assert (answer.status_code, answer.json()["field"]) == (422, f"fields.{next(iter(fields))}")
    assert not await GrabPack.filter(child_id=cast.mia.id).exists()
    async with cast.client_as("sam") as sam:
        body = {"id": "0192aaaa-0000-7000-8000-000000000001", "version": 1}
        assert (await sam.post(path_of(cast, "/check"), json=body)).status_code == 403


async def test_staff_write_what_the_home_knows_too_and_read_who_said_it_and_when(
    cast: Cast,
) -> None:
    await put(cast, "sam", 0, HOME)
    said_at = cast.clock()
    cast.clock.advance(hours=1)
    # Nothing of the rest was written yet: what staff leave out of the home's part stays.
    assert (await put(cast, "tom", 1, {**LOOKS, "home_phones": "None"})).status_code == 200
    shown = (await get(cast, "ines", **WHY)).json()
    assert shown["fields"] == {**LOOKS, **HOME, "home_phones": "None"}
    by_name = {each["name"]: (each["by"]["name"], each["by"]["role"]) for each in shown["home"]}
    assert by_name["home_habits"] == ("Sam Oyelaran", "carer")
    assert by_name["home_phones"] == ("Tom Verhoeven", "caseworker")
    at = {each["name"]: each["at"] for each in shown["home"]}
    assert at["home_habits"] == said_at.isoformat().replace("+00:00", "Z")
    assert at["home_phones"] > at["home_habits"]
    # The child reads their own words alone, as before.
    assert (await get(cast, "mia")).json()["fields"] == {}
    assert (await get(cast, "mia")).json()["home"] == []


async def test_a_field_that_staff_leave_out_stays_as_it_is(cast: Cast) -> None:
    await put(cast, "tom", 0, {**LOOKS, **{"home_habits": "Chess on Mondays"}})
    given = {"eyes": "green", "own_script": ""}
    stands = (await put(cast, "ines", 1, given, **WHY)).json()["fields"]
    assert stands == {"hair": LOOKS["hair"], "eyes": "green", "home_habits": "Chess on Mondays"}


async def test_a_carer_who_did_not_see_the_last_words_of_the_home_is_shown_these_alone(
    cast: Cast,
) -> None:
    await prepared(cast, {**LOOKS, **OWN})
    await put(cast, "sam", 2, HOME)
    # What others wrote into the rest is no conflict for the home.
    await put(cast, "tom", 3, {"hair": "red"})
    assert (await put(cast, "sam", 3, {"home_habits": "Chess"})).status_code == 200
    await put(cast, "tom", 5, {"home_clothes": "Green coat"})
    late = await put(cast, "sam", 5, {"home_clothes": "Blue coat"})
    assert (late.status_code, late.json()["code"]) == (409, "changed")
    assert late.json()["current"]["fields"]["home_clothes"] == "Green coat"
    assert set(late.json()["current"]["fields"]) == set(HOME)
    for text in ("black", "red", "uncle"):
        assert text not in late.text
    assert (await put(cast, "sam", 6, {"home_clothes": "Blue coat"})).status_code == 200


async def test_the_home_and_the_caseworker_at_once_lose_neither(cast: Cast) -> None:
    await put(cast, "tom", 0, LOOKS)
    both = await asyncio.gather(
        put(cast, "tom", 1, {"hair": "red"}), put(cast, "sam", 1, {"home_habits": "Chess"})
    )
    if both[0].status_code == 409:
        assert (await put(cast, "tom", 2, {"hair": "red"})).status_code == 200
    assert both[1].status_code == 200
    stands = (await get(cast, "tom", **WHY)).json()["fields"]
    assert stands == {**LOOKS, "hair": "red", "home_habits": "Chess"}


async def test_the_same_words_of_the_home_again_are_the_same_version(cast: Cast) -> None:
    for base in (0, 0, 1):
        assert (await put(cast, "sam", base, HOME)).json()["version"] == 1
    first = (await get(cast, "tom", **WHY)).json()["home"]
    cast.clock.advance(hours=1)
    await put(cast, "sam", 1, HOME)
    assert (await get(cast, "tom", **WHY)).json()["home"] == first


async def test_every_look_and_write_of_the_home_leaves_its_entry(cast: Cast) -> None:
    await put(cast, "sam", 0, HOME)
    await get(cast, "sam")
    entries = await Entry.filter(child_id=cast.mia.id, who_id=cast.sam.id).order_by("id")
    about_pack = [entry for entry in entries if not entry.what.startswith("due:")]
    assert [entry.what for entry in about_pack] == ["pack:write", "look:glass:home"]
    assert set(about_pack[0].names or []) == set(HOME)
    async with cast.client_as("mia") as phone:
        looks = (await phone.get("/api/v1/looks")).json()["looks"]
    assert looks[0]["what"] == "What your home knows, in case you go missing"


async def test_while_adults_are_alerted_the_childs_phone_says_no_more_than_their_page(
    cast: Cast,
) -> None:
    await put(cast, "sam", 0, HOME)
    cast.clock.advance(minutes=5)
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    await get(cast, "sam")
    assert await Entry.filter(child_id=cast.mia.id, what="look:pack:home").count() == 1
    async with cast.client_as("mia") as phone:
        looks = (await phone.get("/api/v1/looks")).json()["looks"]
    # They read of what Sam wrote before, and nothing that began with the alert.
    sams = [each["what"] for each in looks if "Sam" in each["who"]["name"]]
    assert sams == ["Your page", "What your home knows, in case you go missing"]


async def test_a_pack_that_the_home_began_was_checked_by_nobody_and_is_due_today(
    cast: Cast,
) -> None:
    made = (await put(cast, "sam", 0, HOME)).json()
    assert made["verified_at"] is None
    assert (await get(cast, "tom", **WHY)).json()["verified_at"] is None
    task = await Task.get(kind=Kind.PACK, subject_id=cast.mia.id, state=State.OPEN)
    assert task.due_at > cast.clock()
    assert (task.due_at - cast.clock()).days == 0


async def test_a_carer_whose_tie_has_ended_finds_no_pack(cast: Cast) -> None:
    await put(cast, "sam", 0, HOME)
    async with cast.client_as("ines") as ines:
        tie = cast.ties["mia", "sam"]
        ended = await ines.delete(f"/api/v1/children/{cast.mia.id}/ties/{tie}")
        assert ended.status_code in (200, 204), ended.text
    assert (await get(cast, "sam")).status_code == 404
    assert (await put(cast, "sam", 1, HOME)).status_code == 404
    # What they said stays, with their name.
    home = (await get(cast, "tom", **WHY)).json()["home"]
    assert {each["by"]["name"] for each in home} == {"Sam Oyelaran"}


async def test_a_guardian_who_is_the_carer_too_reads_both_parts_and_no_more(cast: Cast) -> None:
    mia, now = cast.children["mia"], cast.clock()
    await add_tie(SYSTEM, mia, AddTie(person_id=cast.ada.id, role=Role.GUARDIAN), now)
    await add_tie(SYSTEM, mia, AddTie(person_id=cast.ada.id, role=Role.CARER), now)
    await prepared(cast, {**LOOKS, **OWN})
    await put(cast, "ada", 2, HOME)
    assert (await get(cast, "ada")).json()["fields"] == HOME
    await put(cast, "tom", 3, {"own_for_guardian": "yes"})
    assert (await get(cast, "ada")).json()["fields"] == {**OWN, **HOME}


async def test_nothing_of_it_can_be_read_in_the_database(cast: Cast) -> None:
    await put(cast, "sam", 0, HOME)
    from server.storage.db import fetch

    assert "skate park" not in str(await fetch("SELECT said FROM grab_pack"))


# --- handing it over


async def test_the_carer_hands_over_what_the_home_knows_and_nothing_else(cast: Cast) -> None:
    await prepared(cast, {**LOOKS, **OWN})
    await put(cast, "sam", 2, HOME)
    text = await get(cast, "sam", ".txt?language=en")
    assert text.status_code == 200
    for line in (*HOME["home_places"].split("\n"), HOME["home_clothes"], "Mia Castellane"):
        assert line in text.text
    assert "Sam Oyelaran" in text.text
    for other in ("black", "uncle", "Tom", "Born", "Lives at", "No photo"):
        assert other not in text.text
    paper = await get(cast, "sam", ".pdf?language=ar")
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF")


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
async def test_the_page_for_the_police_says_who_said_it_at_the_home_and_when(
    cast: Cast, language: str
) -> None:
    await put(cast, "sam", 0, HOME)
    await put(cast, "tom", 1, LOOKS)
    text = (await get(cast, "tom", f".txt?language={language}", **WHY)).text
    [line] = [line for line in text.splitlines() if HOME["home_habits"] in line]
    assert "Sam Oyelaran" in line
    partners = (await get(cast, "tom", f".txt?language={language}&for=partner", **WHY)).text
    assert "Sam" not in partners


# --- at the desk


def desk(cast: Cast, rest: str = "") -> str:
    return f"/desk/children/{cast.mia.id}/pack{rest}"


async def test_the_carer_finds_the_form_on_their_board_fills_it_in_and_hands_it_over(
    cast: Cast,
) -> None:
    sam = cast.browser_as("sam")
    sam.headers["accept-language"] = "en"
    board = await sam.get("/desk/")
    assert f'href="{desk(cast)}"' in board.text
    assert f'href="/desk/children/{cast.mia.id}/project"' in board.text
    empty = await sam.get(desk(cast))
    assert f'href="{desk(cast, "/group/home")}"' in empty.text
    form = await sam.get(desk(cast, "/group/home"))
    assert form.text.count("<textarea") == len(HOME)
    saved = await sam.post(desk(cast, "/group/home"), data={"base": "0", **HOME})
    assert (saved.status_code, saved.headers["location"].partition("?")[0]) == (303, desk(cast))
    shown = await sam.get(desk(cast))
    assert "Red coat, white trainers" in shown.text
    assert "Sam Oyelaran" in shown.text
    assert f'href="/api/v1/children/{cast.mia.id}/pack.pdf' in shown.text
    for rest in ("/group/looks", "/versions", "/photos", "/group/now"):
        assert (await sam.get(desk(cast, rest))).status_code == 403, rest


async def test_two_who_write_what_the_home_knows_are_shown_both(cast: Cast) -> None:
    await prepared(cast, {**LOOKS, **OWN})
    await put(cast, "sam", 2, HOME)
    await put(cast, "tom", 3, {"home_clothes": "Green coat"})
    sam = cast.browser_as("sam")
    late = await sam.post(
        desk(cast, "/group/home"), data={"base": "3", **HOME, "home_clothes": "Blue coat"}
    )
    assert late.status_code == 409
    assert "Green coat" in late.text
    assert "Blue coat" in late.text
    assert "uncle" not in late.text
    again = await sam.post(desk(cast, "/group/home"), data={"base": "4", "home_clothes": "Blue"})
    assert again.status_code == 303


async def test_staff_change_the_homes_part_behind_the_seal(cast: Cast) -> None:
    await put(cast, "sam", 0, HOME)
    tom = cast.browser_as("tom")
    assert "The grab pack is sealed" in (await tom.get(desk(cast, "/group/home"))).text
    await tom.post(desk(cast, "/open"), data={"why": quote("We are checking it")})
    assert "Red coat" in (await tom.get(desk(cast, "/group/home"))).text
    whole = (await tom.get(desk(cast))).text
    assert "Red coat" in whole
    assert "Sam Oyelaran" in whole
    versions = (await tom.get(desk(cast, "/versions"))).text
    assert "Red coat" in versions


async def test_the_page_of_a_search_shows_what_the_home_knows_who_said_it_and_when(
    cast: Cast,
) -> None:
    await put(cast, "sam", 0, HOME)
    async with cast.client_as("tom") as tom:
        body: dict[str, Any] = {"id": "0192aaaa-0000-7000-8000-000000000002"}
        body["said_at"] = cast.clock().isoformat()
        episode = (await tom.post(path_of(cast).replace("pack", "episodes"), json=body)).json()
    page = await cast.browser_as("ines").get(f"/desk/episodes/{episode['id']}")
    assert "The skate park behind the station" in page.text
    assert "Red coat, white trainers" in page.text
    assert "Sam Oyelaran" in page.text
    # A guardian sees the search, and not the pack.
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.ada.id, role=Role.GUARDIAN),
        cast.clock(),
    )
    ada = await cast.browser_as("ada").get(f"/desk/episodes/{episode['id']}")
    assert ada.status_code == 200
    assert "Red coat" not in ada.text


async def test_a_carer_with_no_task_opens_the_life_project_and_reads_their_own_part(
    cast: Cast,
) -> None:
    sam = cast.browser_as("sam")
    assert (await sam.get(f"/desk/children/{cast.mia.id}/project")).status_code == 200
