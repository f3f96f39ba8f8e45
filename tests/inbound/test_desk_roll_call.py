"""The roll call at a front desk: opened by a PIN, for five minutes, and said by that person."""

from __future__ import annotations

import re
from uuid import uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audit.models import Entry
from server.errors import NotFound, Refused
from server.inbound import desk_pins
from server.inbound.models import FrontDesk
from server.inbound.rules import short_names
from server.notify.models import Message
from server.people.actions import set_language
from server.people.models import Child, Person, Tie
from server.roll_calls import actions
from server.roll_calls.models import HomeWorker
from server.watch.models import RollCallWord
from tests.cast import SURNAMES, Cast
from tests.roll_calls.homes import asked, latest

PIN, PATH = "4829", "/front/roll-call"
NOTHING = {"nothing": ""}
CHILDREN = ("Mia", "Noor")


async def pin_of(cast: Cast, name: str = "sam", pin: str = PIN) -> None:
    await desk_pins.set_pin(cast.actor(name), cast.home.id, pin, cast.clock())


async def a_desk(cast: Cast) -> httpx2.AsyncClient:
    """Sam makes a device of the house its front desk, and the first roll call is asked."""
    await asked(cast, workers=("sam", "tom"))
    browser = cast.browser_as("sam")
    opened = await browser.post("/desk/front", data={"home_id": str(cast.home.id)})
    browser.cookies.clear()
    browser.cookies.set("front", opened.cookies["front"])
    browser.headers["accept-language"] = "en"
    return browser


async def seat(cast: Cast, name: str = "sam") -> HomeWorker:
    return await HomeWorker.get(person_id=cast.persons[name].id, until_at__isnull=True)


async def type_pin(
    cast: Cast, browser: httpx2.AsyncClient, pin: str = PIN, name: str = "sam"
) -> httpx2.Response:
    worker = str((await seat(cast, name)).id)
    answer = await browser.post(f"{PATH}/open", data={"worker": worker, "pin": pin})
    return answer


def fields_of(page: str) -> dict[str, object]:
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    fields: dict[str, object] = {name: value for name, value in hidden if name != "child"}
    return {**fields, "child": [value for name, value in hidden if name == "child"]}


async def test_a_child_before_the_device_sees_a_button_more_and_no_name_of_a_child(
    cast: Cast,
) -> None:
    browser = await a_desk(cast)
    await pin_of(cast)
    assert f'href="{PATH}"' in (await browser.get("/front")).text
    locked = await browser.get(PATH)
    assert locked.status_code == 200
    assert not any(name in locked.text for name in (*CHILDREN, "Waymark", *SURNAMES))
    assert "Sam O." in locked.text
    assert "Tom" not in locked.text, "who has no PIN cannot open it"
    # A person without such a device reads nothing.
    async with cast.client() as stranger:
        assert (await stranger.get(PATH)).status_code == 401


async def test_by_their_pin_a_worker_says_who_is_there_and_the_device_forgets_it(
    cast: Cast,
) -> None:
    browser = await a_desk(cast)
    await pin_of(cast)
    answer = await type_pin(cast, browser)
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    sheet = await browser.get(PATH)
    assert all(name in sheet.text for name in CHILDREN)
    assert sheet.headers["cache-control"] == "no-store"
    assert 'http-equiv="refresh" content="300;' in sheet.text
    assert "/desk/" not in sheet.text, "nothing leads to the desk"
    said = fields_of(sheet.text) | {f"word-{cast.noor.id}": "not_here"}
    answer = await browser.post(PATH, data=said)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?sent=0")
    words = {row.child_id: (row.word, row.by_id) for row in await RollCallWord.all()}
    assert words == {cast.mia.id: ("here", cast.sam.id), cast.noor.id: ("not_here", cast.sam.id)}
    assert (await latest(cast)).done_by == cast.sam.id
    # The button "back" and a second try of the same page: the device is locked.
    after = await browser.get(f"{PATH}?sent=0")
    assert "Thank you. We have it." in after.text
    assert not any(name in after.text for name in CHILDREN)
    again = await browser.post(PATH, data=said)
    assert again.headers["location"] == f"{PATH}?late=before"
    assert "already closed" in (await browser.get(again.headers["location"])).text
    assert await RollCallWord.all().count() == 2
    assert await Entry.filter(what="front_desk:unlock", who_id=cast.sam.id).count() == 1


async def test_after_five_minutes_a_tap_or_elsewhere_nothing_is_shown(cast: Cast) -> None:
    browser = await a_desk(cast)
    await pin_of(cast)
    await type_pin(cast, browser)
    token = browser.cookies["front_open"]
    # The cookie of the device alone, copied to another browser, opens nothing.
    async with cast.client() as copied:
        copied.cookies.set("front", browser.cookies["front"])
        assert "Mia" not in (await copied.get(PATH)).text
        await copied.post(f"{PATH}/lock", data=NOTHING)
    assert "Mia" in (await browser.get(PATH)).text, "and locks nobody out"
    cast.clock.advance(minutes=4, seconds=59)
    assert "Mia" in (await browser.get(PATH)).text
    cast.clock.advance(seconds=1)
    assert "Mia" not in (await browser.get(PATH)).text
    await type_pin(cast, browser)
    assert (await browser.post(f"{PATH}/lock", data=NOTHING)).headers["location"] == "/front"
    assert "front_open" not in browser.cookies
    browser.cookies.set("front_open", token)
    assert "Mia" not in (await browser.get(PATH)).text


@pytest.mark.parametrize("how", ["ended", "disabled", "a new PIN", "the desk ended"])
async def test_a_person_who_may_no_longer_is_out_at_once(cast: Cast, how: str) -> None:
    browser = await a_desk(cast)
    await pin_of(cast)
    await type_pin(cast, browser)
    now, open_seat = cast.clock(), await seat(cast)
    if how == "ended":
        await actions.end_worker(cast.actor("root"), cast.home.id, cast.sam.id, now)
    elif how == "disabled":
        await Person.filter(id=cast.sam.id).update(disabled_at=now)
    elif how == "a new PIN":
        await pin_of(cast, pin="739105")
    else:
        await FrontDesk.all().update(ended_at=now)
    shown = await browser.get(PATH)
    assert "Mia" not in shown.text
    assert shown.status_code == (401 if how == "the desk ended" else 200)
    worker = {"worker": str(open_seat.id), "pin": PIN}
    again = await browser.post(f"{PATH}/open", data=worker)
    assert again.status_code == (401 if how == "the desk ended" else 422)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("time", "because five minutes were over"),
        ("ended", "because the person who opened it no longer works in this home"),
        ("disabled", "because the person who opened it no longer works in this home"),
        ("a new PIN", "was already closed, so we took nothing just now"),
        ("a colleague", "was already closed, so we took nothing just now"),
        ("left", "because the person who set it up has left the home"),
    ],
)
async def test_what_comes_too_late_is_told_why_it_was_closed(
    cast: Cast, how: str, words: str
) -> None:
    browser = await a_desk(cast)
    await pin_of(cast)
    await pin_of(cast, "tom", "739105")
    await type_pin(cast, browser, "739105", "tom")
    said, now = fields_of((await browser.get(PATH)).text), cast.clock.advance(minutes=2)
    match how:
        case "time":
            cast.clock.advance(minutes=3)
        case "ended":
            await actions.end_worker(cast.actor("root"), cast.home.id, cast.tom.id, now)
        case "disabled":
            await Person.filter(id=cast.tom.id).update(disabled_at=now)
        case "a new PIN":
            await pin_of(cast, "tom", "284651")
        case "a colleague":
            async with cast.client() as other:
                other.cookies.set("front", browser.cookies["front"])
                await type_pin(cast, other)
        case "left":
            await actions.end_worker(cast.actor("root"), cast.home.id, cast.sam.id, now)
            await Tie.filter(person_id=cast.sam.id).update(until_at=now)
    answer = await browser.post(PATH, data=said)
    assert answer.status_code == 303
    shown = (await browser.get(answer.headers["location"])).text
    assert words in shown
    assert ("five minutes" in shown) is (how == "time")
    assert not await RollCallWord.exists()


async def test_wrong_pins_wait_lock_and_are_told_to_the_supervisor(cast: Cast) -> None:
    browser = await a_desk(cast)
    await pin_of(cast)
    await pin_of(cast, "tom", "739105")
    told = Message.filter(subject_kind="home_worker", person_id=cast.ines.id)
    for tries, expected in enumerate([422, 422, 422, 422, 422, 429], start=1):
        answer = await type_pin(cast, browser, "0000")
        assert answer.status_code == expected
        assert await told.count() == (1 if tries >= 3 else 0)
    # The PIN of a colleague is no PIN of Sam, and the right one waits as well.
    assert (await type_pin(cast, browser, "739105")).status_code == 429
    cast.clock.advance(minutes=16)
    for _ in range(5):
        assert (await type_pin(cast, browser, "739105")).status_code == 422
    assert await told.count() == 2
    cast.clock.advance(minutes=16)
    locked = await type_pin(cast, browser)
    assert (locked.status_code, "Set a new one" in locked.text) == (422, True)
    assert (await told.first()).data == {"path": f"/desk/homes/{cast.home.id}/roll-call"}
    await set_language(cast.actor("ines"), cast.ines.id, "en", cast.clock())
    async with cast.browser_as("ines") as desk:
        page = (await desk.get(f"/desk/homes/{cast.home.id}/roll-call")).text
        assert "Ten wrong PINs were typed for Sam Oyelaran at the front desk." in page
    await pin_of(cast, pin="5063")
    assert (await type_pin(cast, browser, "5063")).status_code == 303
    assert (await seat(cast)).pin_wrong == 0


async def test_a_pin_is_their_own_of_this_home_and_not_one_that_anyone_tries(cast: Cast) -> None:
    await asked(cast)
    for weak in ("123", "1234", "0000", "12a4", "123456789"):
        with pytest.raises(Refused):
            await pin_of(cast, pin=weak)
    for stranger in ("tom", "ines", "root"):
        with pytest.raises(NotFound):
            await pin_of(cast, stranger)
    async with cast.browser_as("sam") as browser:
        path = f"/desk/homes/{cast.home.id}/pin"
        answer = await browser.post(path, data={"pin": "٤٨٢٩"})
        assert answer.headers["location"] == f"{path}?saved=yes"
        assert (await browser.post(path, data={"pin": "1111"})).status_code == 422
    row = await seat(cast)
    assert row.pin_hash is not None
    assert PIN not in row.pin_hash


async def test_nonsense_at_the_desk_is_a_sentence_and_never_a_fault(cast: Cast) -> None:
    browser = await a_desk(cast)
    assert "Set a PIN first" in (await browser.get(PATH)).text
    await pin_of(cast)
    for worker in ("", "x", str(uuid4())):
        answer = await browser.post(f"{PATH}/open", data={"worker": worker, "pin": PIN})
        assert answer.status_code == 422
    await type_pin(cast, browser)
    for said in (NOTHING, {"roll_call_id": "x"}, {"roll_call_id": str(uuid4()), "id": "x"}):
        assert (await browser.post(PATH, data=said)).status_code == 422
    await Child.all().update(home_id=None)
    assert "No child lives here at the moment." in (await browser.get(PATH)).text


@given(st.lists(st.text(max_size=12), max_size=6))
def test_two_people_are_never_shown_under_one_name_unless_they_have_it(names: list[str]) -> None:
    shown = short_names(names)
    assert len(shown) == len(names)
    for at, name in enumerate(names):
        for other in range(at):
            if " ".join(name.split()) != " ".join(names[other].split()):
                assert shown[at] != shown[other]


async def test_made_up_names_close_the_device_for_nobody_who_works_there(cast: Cast) -> None:
    browser = await a_desk(cast)
    await pin_of(cast)
    await pin_of(cast, "tom", "739105")
    for _ in range(30):
        made_up = await browser.post(f"{PATH}/open", data={"worker": str(uuid4()), "pin": "1"})
        assert made_up.status_code == 422
    made_up = await browser.post(f"{PATH}/open", data={"worker": str(uuid4()), "pin": "1"})
    assert made_up.status_code == 429
    for _ in range(5):
        assert (await type_pin(cast, browser, "7391", "tom")).status_code == 422
    assert (await type_pin(cast, browser, "739105", "tom")).status_code == 429, "it is guarded"
    assert (await type_pin(cast, browser)).status_code == 303
