"""Grab packs on the phone of whoever is on duty: a real server, and then no network."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.axe import violations
from tests.browser.voices import Voice, phone_of
from tests.fixtures_demo import DemoFolder
from tests.pwa.conftest import ARGUMENTS, CHROMIUM
from tests.pwa.demo import demo_agency

pytestmark = pytest.mark.browser

WHY = "On duty tonight, and the road to the lake has no network"
HAIR = "Black, plaits to the shoulder"  # Mia's, in the demo.


@pytest.fixture(scope="module")
def demo(demo_folder: DemoFolder) -> Iterator[dict[str, Any]]:
    folder = demo_folder()
    with demo_agency(folder) as demo:
        yield {**demo, "database": folder / "var" / "waymark.sqlite3"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """What went wrong on the pages of a test: nothing may."""
    found: list[str] = []
    yield found
    assert found == []


SignedIn = Callable[..., Voice]


@pytest.fixture
def signed_in(chromium: Browser, demo: dict[str, Any], faults: list[str]) -> Iterator[SignedIn]:
    """Somebody at the desk with a fresh phone, whose packs nobody had before."""
    voices: list[Voice] = []

    def make(name: str = "ines", language: str = "en") -> Voice:
        voice, _ = phone_of(chromium, demo["url"], language)
        voices.append(voice)
        voice.page.on("pageerror", lambda fault: faults.append(str(fault)))
        voice.page.on(
            "console",
            lambda said: faults.append(said.text) if "Security Policy" in said.text else None,
        )
        comes_in(voice, demo, name)
        return voice

    yield make
    for voice in voices:
        voice.phone.context.close()
    with client_of(demo, "ines") as client:
        for child in demo["children"].values():
            client.delete(f"/api/v1/children/{child['id']}/pack/checkouts")


@contextmanager
def client_of(demo: dict[str, Any], name: str) -> Iterator[httpx2.Client]:
    """Somebody of the staff with a client of their own."""
    said = {"name": name, "password": demo["staff"][name]["password"]}
    with httpx2.Client(base_url=demo["url"]) as client:
        token = client.post("/api/v1/sessions", json=said).json()["token"]
        client.headers["authorization"] = f"Bearer {token}"
        yield client


def comes_in(voice: Voice, demo: dict[str, Any], name: str) -> None:
    """Signs in at the desk, and follows the link of the page about one's duty."""
    voice.page.goto(f"{demo['url']}/")
    voice.signs_in(name, demo["staff"][name]["password"])
    voice.page.wait_for_url("**/desk/**")
    voice.page.goto(f"{demo['url']}/desk/duty")
    voice.page.locator("a[href*='packs=yes']").click()
    voice.page.wait_for_selector("#title")
    voice.phone.is_controlled()


def takes(voice: Voice, name: str = "Mia") -> None:
    """Takes one along for a reason, until the copy is on the phone."""
    voice.page.locator("#why").fill(WHY)
    voice.page.locator("main .row", has_text=name).click()
    voice.page.locator("main .entry", has_text=name).locator("a.main").first.wait_for()


def goes_there(voice: Voice) -> None:
    """More, then the packs: the fourth place, where the first row has them."""
    voice.page.locator(".tabs button").nth(3).click()
    voice.page.locator("main .row").first.click()
    voice.page.wait_for_selector("#title")


def kept(voice: Voice) -> list[Any]:
    """The names of what the phone keeps of packs."""
    return [
        one["key"][1]
        for one in voice.phone.stored()
        if one["store"] == "boxes" and one["key"][1].startswith("packs")
    ]


def is_wiped(voice: Voice) -> None:
    """Waits until nothing of any pack is kept."""
    for _ in range(100):
        if kept(voice) == []:
            return
        voice.page.wait_for_timeout(50)
    raise AssertionError(kept(voice))


def test_the_page_opens_without_a_network_and_is_read_as_text_too(
    signed_in: SignedIn, demo: dict[str, Any]
) -> None:
    ines = signed_in()
    takes(ines)
    ines.phone.network(is_there=False)
    ines.page.reload()
    ines.page.wait_for_selector(".tabs")
    goes_there(ines)
    mia = ines.page.locator("main .entry", has_text="Mia")
    with ines.phone.context.expect_page() as opened:
        mia.locator("a.main").first.click()
    page = opened.value
    assert page.url.startswith("blob:")
    page.wait_for_load_state()
    assert page.evaluate("document.contentType") == "application/pdf"
    page.close()
    mia.locator("summary").first.click()
    expect(mia.locator("pre")).to_contain_text(HAIR)
    expect(mia).to_contain_text("Copy from today")
    expect(mia).to_contain_text("Photo taken")
    ines.sees("You are offline now")


def test_opened_anew_without_a_network_the_packs_are_one_tap_away(signed_in: SignedIn) -> None:
    ines = signed_in()
    takes(ines)
    ines.phone.network(is_there=False)
    ines.page.reload()
    ines.page.wait_for_selector(".tabs")
    ines.tap("Grab packs on my phone")
    ines.sees("You are offline now")
    ines.page.locator("main .entry", has_text="Mia").locator("a.main").first.wait_for()


def test_the_child_reads_who_took_it_along_and_why(
    signed_in: SignedIn, demo: dict[str, Any]
) -> None:
    takes(signed_in())
    with client_of(demo, "tom") as tom:
        told = tom.get(f"/api/v1/children/{demo['children']['mia']['id']}/looks").json()["looks"]
    taken = [one for one in told if one["why"] == WHY]
    assert {one["who"]["name"] for one in taken} == {"Ines Quintanar"}
    assert "saved on their phone" in taken[0]["what"]


def test_on_the_phone_everything_of_it_is_sealed_with_a_key_that_no_script_reads(
    signed_in: SignedIn,
) -> None:
    ines = signed_in()
    takes(ines)
    assert sorted(name.split()[0] for name in kept(ines)) == ["packs", "packs"]
    stored = ines.phone.stored()
    text = str(stored)
    assert HAIR not in text
    assert "Castellane" not in text
    assert "%PDF" not in text
    assert "JVBERi" not in text  # The same in base64.
    keys = [one["value"] for one in stored if one["store"] == "keys"]
    assert keys
    assert all(key == "key, extractable: false" for key in keys)


def test_at_the_end_of_the_duty_the_phones_own_clock_takes_it_away_without_a_network(
    signed_in: SignedIn,
) -> None:
    ines = signed_in()
    takes(ines)
    ines.phone.network(is_there=False)
    # A session of the staff lasts twelve hours, and nothing is here for longer.
    ines.page.clock.install(time=datetime.now(UTC) + timedelta(hours=12, minutes=1))
    ines.page.reload()
    ines.page.wait_for_selector(".tabs")
    is_wiped(ines)
    goes_there(ines)
    ines.sees("No packs on this phone")
    assert HAIR not in ines.page.content()


def test_a_clock_that_was_turned_back_keeps_nothing_longer(signed_in: SignedIn) -> None:
    ines = signed_in()
    takes(ines)
    ines.phone.network(is_there=False)
    ines.page.clock.install(time=datetime.now(UTC) - timedelta(hours=2))
    ines.page.reload()
    ines.page.wait_for_selector(".tabs")
    is_wiped(ines)


def test_by_the_servers_word_it_goes_when_the_duty_is_handed_over(
    signed_in: SignedIn, demo: dict[str, Any]
) -> None:
    ines = signed_in()
    takes(ines)
    now = datetime.now(UTC)
    with client_of(demo, "ines") as client, client_of(demo, "tom") as other:
        said = {
            "id": "6b1f3c1e-7f6e-4f4a-9b7e-0f3f3d1b2c11",
            "who_id": client.get("/api/v1/me").json()["person"]["id"],
            "to_id": other.get("/api/v1/me").json()["person"]["id"],
            "from_at": now.isoformat(),
            "until_at": (now + timedelta(hours=4)).isoformat(),
        }
        answer = client.post("/api/v1/rota/handovers", json=said)
        assert answer.status_code in (200, 201), answer.text
        ines.tap("Refresh")
        ines.sees("You are not on duty now")
        is_wiped(ines)
        assert client.delete(f"/api/v1/rota/handovers/{said['id']}").status_code in (200, 204)


def test_signing_out_in_the_app_leaves_nothing_of_it(signed_in: SignedIn) -> None:
    ines = signed_in()
    takes(ines)
    ines.phone.network(is_there=False)
    ines.page.locator(".tabs button").nth(3).click()
    ines.page.locator("main .row").last.click()
    ines.tap("Yes, sign out")
    is_wiped(ines)


def test_signing_out_at_the_desk_leaves_nothing_of_it_in_another_window_too(
    signed_in: SignedIn, demo: dict[str, Any]
) -> None:
    ines = signed_in()
    takes(ines)
    desk = ines.phone.context.new_page()
    desk.goto(f"{demo['url']}/desk/settings")
    desk.locator("main form[action='/sign-out'] button").click()
    desk.wait_for_selector("form[action='/sign-in']")
    is_wiped(ines)
    ines.sees("No packs on this phone")
    assert ines.page.locator("main .entry").count() == 0


def test_a_session_that_was_ended_elsewhere_leaves_nothing_of_it(signed_in: SignedIn) -> None:
    ines = signed_in()
    takes(ines)
    ines.phone.context.clear_cookies()
    ines.page.reload()
    ines.page.wait_for_selector(".tabs")
    is_wiped(ines)


def test_two_people_on_one_browser_never_see_each_others(
    signed_in: SignedIn, demo: dict[str, Any]
) -> None:
    ines = signed_in()
    takes(ines)
    # Without signing out: the session is gone, and the next one signs in.
    ines.phone.context.clear_cookies()
    comes_in(ines, demo, "tom")
    # Whether Tom is on duty hangs on the hour: of Ines's packs he has none either way.
    ines.page.locator("[role=status]").get_by_text(re.compile("on duty now|shift ends")).wait_for()
    assert ines.page.locator("main .entry").count() == 0
    with client_of(demo, "ines") as client:
        person = client.get("/api/v1/me").json()["person"]["id"]
    boxes = [one["key"] for one in ines.phone.stored() if one["store"] == "boxes"]
    assert [key for key in boxes if key[0] == person and key[1].startswith("packs")] == []
    assert [name for name in kept(ines) if name != "packs"] == []


def test_what_is_put_down_without_a_network_is_gone_at_once_and_the_server_hears_of_it(
    signed_in: SignedIn, demo: dict[str, Any]
) -> None:
    ines = signed_in()
    takes(ines)
    ines.phone.network(is_there=False)
    ines.page.get_by_role("button", name="Remove from my phone").click()
    ines.page.locator("main .entry").wait_for(state="detached")
    assert kept(ines) == ["packs"]
    ines.phone.network(is_there=True)
    ines.page.locator("main .row", has_text="Mia").wait_for()
    assert ines.page.locator("main .entry").count() == 0


def test_taking_one_along_needs_a_network_and_a_reason_and_says_so(signed_in: SignedIn) -> None:
    ines = signed_in()
    ines.page.locator("main .row", has_text="Mia").click()
    ines.sees("Say in a few words why you keep it on your phone.")
    ines.phone.network(is_there=False)
    ines.page.locator("#why").fill(WHY)
    ines.page.locator("main .row", has_text="Mia").click()
    ines.sees("You need internet for this. Try again later.")
    assert ines.page.locator("main .entry").count() == 0


def test_on_a_phone_left_open_the_person_shows_first_who_they_are_and_comes_back(
    signed_in: SignedIn, demo: dict[str, Any]
) -> None:
    ines = signed_in()
    long_ago = (datetime.now(UTC) - timedelta(minutes=11)).isoformat(sep=" ")
    with closing(sqlite3.connect(demo["database"])) as database, database:
        database.execute("UPDATE session SET made_at = ?, proved_at = NULL", [long_ago])
    ines.page.locator("#why").fill(WHY)
    ines.page.locator("main .row", has_text="Mia").click()
    ines.sees("Confirm that it is you, then try again.")
    assert ines.page.locator("main .entry").count() == 0
    ines.page.get_by_role("link", name="Confirm it is you").click()
    ines.page.locator("input[type=password]").fill(demo["staff"]["ines"]["password"])
    ines.page.locator("main form button").last.click()
    ines.page.wait_for_selector("#why")
    takes(ines)


def test_a_pack_that_has_changed_comes_anew_by_itself(
    signed_in: SignedIn, demo: dict[str, Any]
) -> None:
    ines = signed_in()
    takes(ines)
    path = f"/api/v1/children/{demo['children']['mia']['id']}/pack"
    with client_of(demo, "tom") as tom:
        stands = tom.get(path, headers={"x-waymark-reason": "To%20change%20it"}).json()
        fields = {**stands["fields"], "hair": "Short and red since today"}
        assert tom.put(path, json={"base": stands["version"], "fields": fields}).status_code == 200
    ines.tap("Refresh")
    mia = ines.page.locator("main .entry", has_text="Mia")
    mia.locator("summary").first.click()
    expect(mia.locator("pre")).to_contain_text("Short and red since today")
    with client_of(demo, "tom") as tom:
        stands = tom.get(path, headers={"x-waymark-reason": "To%20change%20it"}).json()
        fields = {**stands["fields"], "hair": HAIR}
        assert tom.put(path, json={"base": stands["version"], "fields": fields}).status_code == 200


def test_the_pack_of_a_child_with_an_open_alert_loads_by_itself(
    signed_in: SignedIn, demo: dict[str, Any]
) -> None:
    noor = demo["children"]["noor"]["id"]
    ines = signed_in()
    ines.page.locator("main .row", has_text="Noor").wait_for()
    with client_of(demo, "tom") as tom:
        said = {"id": str(uuid4()), "said_at": datetime.now(UTC).isoformat()}
        opened = tom.post(f"/api/v1/children/{noor}/episodes", json=said)
        assert opened.status_code == 201
        ines.page.goto(f"{demo['url']}/app/")
        ines.page.wait_for_selector(".tabs")
        goes_there(ines)
        entry = ines.page.locator("main .entry", has_text="Noor")
        entry.locator("a.main").first.wait_for()
        expect(entry).to_contain_text("An alert or a search is open for this child.")
        # It goes along with the alert, and is put down with it.
        assert entry.get_by_role("button", name="Remove from my phone").count() == 0
        seen = {
            "id": str(uuid4()),
            "at": datetime.now(UTC).isoformat(),
            "where": "At the door",
            "by": "Sam",
            "condition": "Well",
        }
        path = f"/api/v1/children/{noor}/episodes/{opened.json()['id']}/found"
        assert tom.post(path, json=seen).status_code == 200
    ines.tap("Refresh")
    entry.wait_for(state="detached")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_it_can_be_read_by_everyone_and_fits_a_small_phone(
    signed_in: SignedIn, language: str
) -> None:
    ines = signed_in(language=language)
    ines.page.set_viewport_size({"width": 320, "height": 640})
    ines.page.locator("#why").fill(WHY)
    ines.page.locator("main .row").first.click()
    ines.page.locator("a.main").first.wait_for()
    ines.page.locator("summary").first.click()
    wide = ines.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 320
    assert violations(ines.page) == []
    assert ines.page.evaluate("document.documentElement.dir") == (
        "rtl" if language == "ar" else "ltr"
    )
