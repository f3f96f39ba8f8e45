"""The grab pack at the desk: sealed, read, changed group by group, looked through, its photos."""

from __future__ import annotations

import re
import tempfile
from typing import Any
from uuid import uuid4

import pytest

from server.audit.actions import SYSTEM
from server.missing.profile.actions import current
from server.missing.profile.fields import GROUPS, Part
from server.missing.profile.models import GrabPack, PackCheck, PackPhoto
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.watch.watch_alerts import open_missing
from tests.cast import Cast
from tests.missing.pictures import as_bytes, drawn, of_a_phone
from tests.missing.test_pack import OWN, prepared, put


def path_of(cast: Cast, rest: str = "") -> str:
    return f"/desk/children/{cast.mia.id}/pack{rest}"


async def opened(cast: Cast, who: str = "tom") -> Any:
    """A browser in which somebody has said why."""
    browser = cast.browser_as(who)
    said = {"why": "We are checking it together.", "id": str(uuid4())}
    answer = await browser.post(path_of(cast, "/open"), data=said)
    assert (answer.status_code, answer.headers["location"]) == (303, path_of(cast))
    return browser


async def test_it_is_two_taps_from_the_child_to_the_paper(cast: Cast) -> None:
    await put(cast, "tom", 0, {"hair": "black"})
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    tom = cast.browser_as("tom")
    child = await tom.get(f"/desk/children/{cast.mia.id}")
    assert f'href="{path_of(cast)}"' in child.text
    shown = await tom.get(path_of(cast))
    (paper,) = re.findall(r'class="button main" href="(/api/v1/[^"]*pack\.pdf[^"]*)"', shown.text)
    assert (await tom.get(paper)).headers["content-type"] == "application/pdf"
    alert = re.findall(r'href="(/desk/alerts/[^"]+)"', child.text)[0]
    assert paper in (await tom.get(alert)).text


async def test_the_pack_is_sealed_until_an_adult_says_why(cast: Cast) -> None:
    await put(cast, "tom", 0, {"hair": "black as coal"})
    tom = cast.browser_as("tom")
    for rest in ("", "/versions", "/group/looks"):
        sealed = await tom.get(path_of(cast, rest))
        assert "The grab pack is sealed" in sealed.text
        assert "black as coal" not in sealed.text
    refused = await tom.post(path_of(cast, "/open"), data={"why": " ", "id": str(uuid4())})
    assert refused.status_code == 422
    assert "Say in a few words why" in refused.text
    tom = await opened(cast)
    assert "black as coal" in (await tom.get(path_of(cast))).text
    cast.clock.advance(minutes=16)
    assert "black as coal" not in (await tom.get(path_of(cast), follow_redirects=True)).text


async def test_a_person_who_has_not_lately_confirmed_their_identity_does_so_first(
    cast: Cast,
) -> None:
    tom = cast.browser_as("tom")
    cast.clock.advance(minutes=20)
    led = await tom.get(path_of(cast))
    assert led.status_code == 303
    assert led.headers["location"].startswith("/desk/again?next=")


@pytest.mark.parametrize("group", [one.name for one in GROUPS])
async def test_each_group_is_a_screen_that_saves(cast: Cast, group: str) -> None:
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    tom = cast.browser_as("tom")
    form = await tom.get(path_of(cast, f"/group/{group}"))
    assert form.status_code == 200
    names = re.findall(r'<(?:input|textarea) id="(\w+)"', form.text)
    said = {name: f"Words of {name}" for name in names} | {"base": "0"}
    saved = await tom.post(path_of(cast, f"/group/{group}"), data=said)
    assert saved.status_code == 303, saved.text
    shown = (await tom.get(path_of(cast))).text
    for name in names:
        assert f"Words of {name}" in shown


async def test_a_group_leaves_the_others_as_they_are(cast: Cast) -> None:
    await prepared(cast, {**OWN, "hair": "black"})
    tom = await opened(cast)
    ines = await opened(cast, "ines")
    # Both begin on the same version, and write into groups of their own.
    for browser, group, said in (
        (tom, "looks", {"hair": "red"}),
        (ines, "health", {"allergies": "nuts"}),
    ):
        answer = await browser.post(path_of(cast, f"/group/{group}"), data={**said, "base": "2"})
        assert answer.status_code == 303
    assert (await current(cast.mia.id)).fields == {**OWN, "hair": "red", "allergies": "nuts"}


async def test_two_who_write_into_one_group_are_shown_both_and_choose(cast: Cast) -> None:
    await put(cast, "tom", 0, {"hair": "black"})
    tom = await opened(cast)
    await put(cast, "ines", 1, {"hair": "shaved yesterday"})
    late = await tom.post(path_of(cast, "/group/looks"), data={"hair": "red", "base": "1"})
    assert late.status_code == 409
    assert "shaved yesterday" in late.text
    assert 'value="red"' in late.text
    (base,) = re.findall(r'name="base" value="(\d+)"', late.text)
    again = await tom.post(path_of(cast, "/group/looks"), data={"hair": "red", "base": base})
    assert again.status_code == 303
    assert [row.said["hair"] for row in await GrabPack.all().order_by("version")] == [
        "black",
        "shaved yesterday",
        "red",
    ]
    shown = (await tom.get(path_of(cast, "/versions"))).text
    assert "shaved yesterday" in shown


async def test_a_fault_stands_at_its_question_and_keeps_what_was_typed(cast: Cast) -> None:
    tom = await opened(cast)
    said = {"handles": "mia\npassword: 1234", "phone_model": "Blue one", "base": "0"}
    answer = await tom.post(path_of(cast, "/group/phones"), data=said)
    assert answer.status_code == 422
    assert 'id="handles-error"' in answer.text
    assert "Blue one" in answer.text
    assert not await GrabPack.all().exists()


async def test_nothing_has_changed_is_one_tap(cast: Cast) -> None:
    await put(cast, "tom", 0, {"hair": "black"})
    tom = await opened(cast)
    said = {"version": "1", "id": str(uuid4())}
    for _ in range(2):
        answer = await tom.post(path_of(cast, "/check"), data=said)
        assert answer.headers["location"].endswith("?done=checked")
    assert await PackCheck.all().count() == 2
    await put(cast, "ines", 1, {"hair": "red"})
    stale = await tom.post(path_of(cast, "/check"), data={"version": "1", "id": str(uuid4())})
    assert stale.status_code == 409
    assert await PackCheck.all().count() == 2


async def test_the_questions_at_the_time_have_no_screen_before(cast: Cast) -> None:
    tom = await opened(cast)
    assert (await tom.get(path_of(cast, "/group/now"))).status_code == 409
    assert (await tom.get(path_of(cast, "/group/nothing"))).status_code == 404


async def test_the_childs_words_are_read_at_the_desk_and_written_by_the_child_alone(
    cast: Cast,
) -> None:
    await prepared(cast, {**OWN, "hair": "black"})
    tom = await opened(cast)
    shown = (await tom.get(path_of(cast, "/group/own"))).text
    assert OWN["own_do_not_call"] in shown
    assert not re.search(r'name="own_(?!for_guardian)', shown), "no field that could not be saved"
    said = {"base": "2", "own_for_guardian": "yes"}
    saved = await tom.post(path_of(cast, "/group/own"), data=said)
    assert saved.status_code == 303
    assert (await current(cast.mia.id)).fields == {
        **OWN,
        "own_for_guardian": "yes",
        "hair": "black",
    }


async def test_words_from_an_old_page_are_refused_and_shown_to_the_person_who_wrote_them(
    cast: Cast,
) -> None:
    await prepared(cast, {**OWN, "hair": "black"})
    tom = await opened(cast)
    said = {"base": "2", **OWN, "own_calms": "What Tom heard", "own_for_guardian": "yes"}
    refused = await tom.post(path_of(cast, "/group/own"), data=said)
    assert refused.status_code == 403
    assert "Only the child writes this." in refused.text
    assert "What Tom heard" in refused.text
    assert "own_calms" not in (await current(cast.mia.id)).fields


async def test_a_guardian_reads_the_childs_words_alone(cast: Cast) -> None:
    now, mia = cast.clock(), cast.children["mia"]
    await add_tie(SYSTEM, mia, AddTie(person_id=cast.ada.id, role=Role.GUARDIAN), now)
    await prepared(cast, {**OWN, "hair": "black", "own_for_guardian": "yes"})
    ada = cast.browser_as("ada")
    shown = await ada.get(path_of(cast))
    assert OWN["own_do_not_call"] in shown.text
    assert "black" not in shown.text
    assert (await ada.get(path_of(cast, "/versions"))).status_code == 403
    carers = (await cast.browser_as("sam").get(path_of(cast))).text
    assert OWN["own_do_not_call"] not in carers
    assert "black" not in carers


# --- photos


async def send(browser: Any, cast: Cast, raw: bytes, **said: str) -> Any:
    fields = {"id": str(uuid4()), "shows": "face", "taken_on": ""} | said
    files = {"photo": ("IMG_1.jpg", raw, "image/jpeg")}
    return await browser.post(path_of(cast, "/photos"), data=fields, files=files)


async def test_a_photo_goes_in_is_seen_and_taken_out(cast: Cast) -> None:
    tom = await opened(cast)
    assert (await send(tom, cast, of_a_phone())).headers["location"].endswith("done=photo")
    row = await PackPhoto.get()
    page = (await tom.get(path_of(cast, "/photos"))).text
    assert "Taken on 15 January 2026" in page
    (src,) = re.findall(r'<img src="([^"]+)"', page)
    assert (await tom.get(src)).content == row.thumb
    out = await tom.post(path_of(cast, f"/photos/{row.id}/remove"))
    assert out.status_code == 303
    assert (await tom.get(src)).status_code == 404


async def test_a_large_photo_of_a_phone_is_taken_and_a_larger_one_is_not(cast: Cast) -> None:
    tom = await opened(cast)
    heavy = as_bytes(drawn()) + b"\0" * 14_000_000
    assert (await send(tom, cast, heavy)).status_code == 303
    answer = await send(tom, cast, as_bytes(drawn()) + b"\0" * 16_000_000)
    assert answer.status_code == 413
    # And nowhere else.
    other = await tom.post(path_of(cast, "/check"), data={"version": "1" * 1_100_000})
    assert other.status_code == 413


async def test_what_is_no_photo_says_so_at_its_question(cast: Cast) -> None:
    tom = await opened(cast)
    for raw, says in ((b"", "Choose a photo"), (b"\0\0\0\x18ftypheic" + b"\0" * 99, "HEIC")):
        answer = await send(tom, cast, raw)
        assert answer.status_code == 422
        assert says in answer.text
        assert 'id="photo-error"' in answer.text
    answer = await send(tom, cast, as_bytes(drawn()), taken_on="2031-01-01")
    assert 'id="taken_on-error"' in answer.text
    assert (await send(tom, cast, as_bytes(drawn()), shows="her home")).status_code == 422
    without = await tom.post(path_of(cast, "/photos"), data={"shows": "face"})
    assert without.status_code == 422
    assert not await PackPhoto.all().exists()


async def test_a_photo_never_touches_a_disk_on_its_way(cast: Cast, tmp_path: Any) -> None:
    """Nothing can be written where temporary files go, and it goes in all the same."""
    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path / "there is no such folder")
    try:
        tom = await opened(cast)
        answer = await send(tom, cast, as_bytes(drawn()) + b"\0" * 3_000_000)
    finally:
        tempfile.tempdir = before
    assert answer.status_code == 303


def test_every_group_of_before_is_on_the_page() -> None:
    assert {one.part for one in GROUPS} == {*Part}
