"""Several children share one phone, at the real server: nobody's words are ever another's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from tests.axe import violations
from tests.fixtures_demo import DemoFolder
from tests.pwa.conftest import DUMP, LOCALES
from tests.pwa.demo import demo_agency

pytestmark = pytest.mark.browser

DIGITS = {"mia": "1111", "noor": "2222", "lia": "3333"}
PICTURES = {"mia": "Star", "noor": "Boat", "lia": "Kite"}


def call(url: str, path: str, body: object = None, token: str | None = None) -> Any:
    """What the server says to a child's other phone, which is nobody else's."""
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{url}/api/v1{path}", data, headers), timeout=20) as answer:  # noqa: S310
        return json.load(answer)


@pytest.fixture(scope="module")
def demo(demo_folder: DemoFolder) -> Iterator[dict[str, Any]]:
    """The demo agency; each child has a phone of its own, by which codes for more are made."""
    with demo_agency(demo_folder()) as demo:
        for child in demo["children"].values():
            body = {"code": child["code"], "device": {"id": str(uuid4())}}
            child["token"] = call(demo["url"], "/pair", body)["token"]
        yield demo


@dataclass
class SharedPhone:
    page: Page
    context: BrowserContext
    demo: dict[str, Any]

    def link(self, name: str) -> str:
        token = self.demo["children"][name]["token"]
        return str(call(self.demo["url"], "/me/codes", {}, token)["link"])

    def said_by(self, name: str) -> list[str]:
        """The notes that the server has of a child."""
        token = self.demo["children"][name]["token"]
        told = call(self.demo["url"], "/check-ins?limit=200", None, token)
        return [one["note"] for one in told["check_ins"] if one["note"]]

    def follow(self, link: str) -> None:
        self.page.goto("about:blank")
        self.page.goto(link)
        for _ in range(4):
            self.page.locator(".main").click()

    def choose(self, name: str) -> None:
        self.page.get_by_role("button", name=PICTURES[name]).click()
        self.page.get_by_label("Choose a 4-digit code").fill(DIGITS[name])
        self.page.get_by_role("button", name="This is me").click()

    def more(self, row: str) -> None:
        self.page.locator(".tabs button").nth(3).click()
        self.page.get_by_role("button", name=row).click()

    def is_today(self) -> None:
        self.page.wait_for_selector(".faces")

    def begin(self, name: str) -> None:
        """The first child comes in and says that others will use this phone too."""
        self.follow(self.link(name))
        self.is_today()
        self.page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        self.more("Share this phone")
        self.choose(name)
        self.page.get_by_text("This is you on this phone now").wait_for()

    def beside(self, name: str) -> None:
        self.follow(self.link(name))
        self.page.get_by_role("heading", name="You're in").wait_for()
        self.choose(name)
        self.is_today()

    def hand_on(self) -> None:
        self.more("Share this phone")
        self.page.get_by_role("button", name="Pass the phone on").click()
        self.asks()

    def asks(self) -> None:
        self.page.get_by_role("heading", name="Who are you?").wait_for()

    def take(self, name: str) -> None:
        self.page.get_by_role("button", name=PICTURES[name]).click()
        self.page.get_by_label("Your 4-digit code").fill(DIGITS[name])
        self.is_today()

    def say(self, words: str, *, is_received: bool = True) -> None:
        again = self.page.locator(".thanks button, .thanks .quiet")
        if self.page.locator(".act .main").count() == 0 and again.count():
            again.first.click()
        self.page.locator(".words").click()
        self.page.locator("textarea").fill(words)
        self.page.locator(".act .main").click()
        self.page.wait_for_selector(".thanks.received" if is_received else ".thanks")

    def network(self, *, is_there: bool) -> None:
        self.context.set_offline(not is_there)


def until(holds: Callable[[], bool], page: Page) -> None:
    """Waits for what the phone does by itself."""
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("It did not happen within ten seconds.")


@pytest.fixture
def phone(browser: Browser, demo: dict[str, Any]) -> Iterator[SharedPhone]:
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        locale=LOCALES["en"],
        has_touch=True,
        permissions=["notifications", "background-sync"],
    )
    context.set_default_timeout(15_000)
    yield SharedPhone(context.new_page(), context, demo)
    context.close()


@pytest.fixture
def shared(phone: SharedPhone) -> SharedPhone:
    """Mia and Noor share it; it is Noor's turn."""
    phone.begin("mia")
    phone.beside("noor")
    return phone


def test_two_children_share_a_phone_and_each_says_its_own(shared: SharedPhone) -> None:
    page = shared.page
    shared.say("said by Noor")
    assert "said by Noor" in shared.said_by("noor")
    shared.hand_on()
    text = page.locator("body").inner_text()
    assert not any(name in text for name in ("Mia", "Noor", "said by"))
    shared.take("mia")
    assert "said by Noor" not in page.content()
    shared.say("said by Mia")
    page.locator(".tabs button").nth(3).click()
    page.get_by_role("button", name="My days").click()
    page.get_by_text("said by Mia").wait_for(state="attached")
    assert "said by Noor" not in page.content()
    assert "said by Mia" not in shared.said_by("noor")
    assert "said by Noor" not in shared.said_by("mia")


def test_without_a_network_both_say_something_and_each_word_goes_out_as_its_own(
    shared: SharedPhone,
) -> None:
    page = shared.page
    shared.network(is_there=False)
    shared.say("Noor, in the tunnel", is_received=False)
    shared.hand_on()
    shared.take("mia")
    shared.say("Mia, in the tunnel", is_received=False)
    shared.hand_on()
    shared.network(is_there=True)
    # Nobody has to take the phone up for it.
    until(lambda: "Noor, in the tunnel" in shared.said_by("noor"), page)
    until(lambda: "Mia, in the tunnel" in shared.said_by("mia"), page)
    assert "Mia, in the tunnel" not in shared.said_by("noor")
    assert "Noor, in the tunnel" not in shared.said_by("mia")


def test_words_whose_session_is_gone_stay_where_they_are_and_go_out_for_nobody_else(
    shared: SharedPhone,
) -> None:
    page = shared.page
    shared.network(is_there=False)
    shared.say("kept for Noor", is_received=False)
    for cookie in shared.context.cookies():
        if cookie["name"].startswith("s-"):
            shared.context.clear_cookies(name=cookie["name"])
    shared.network(is_there=True)
    shared.hand_on()
    shared.take("mia")
    shared.say("and Mia speaks")
    assert "kept for Noor" not in shared.said_by("mia")
    shared.hand_on()
    # With a new code Noor is in again, is asked about the words of before, and they are Noor's.
    page.goto("about:blank")
    page.goto(shared.link("noor"))
    for _ in range(4):
        page.locator(".main").click()
    shared.choose("noor")
    page.get_by_role("button", name="Send", exact=True).click()
    until(lambda: "kept for Noor" in shared.said_by("noor"), page)
    assert "kept for Noor" not in shared.said_by("mia")


def tried_five_times(shared: SharedPhone) -> Locator:
    """The field for the digits of Mia after five wrong ones, the last those of Noor."""
    page = shared.page
    shared.hand_on()
    page.get_by_role("button", name="Star").click()
    field = page.get_by_label("Your 4-digit code")
    for _ in range(4):
        field.fill("9999")
        page.get_by_text("That code is wrong").wait_for()
        page.get_by_role("button", name="Back").click()
        page.get_by_role("button", name="Star").click()
    field.fill(DIGITS["noor"])
    page.get_by_text("Too many tries").wait_for()
    return field


def test_other_digits_open_nothing_and_after_five_one_has_to_wait(shared: SharedPhone) -> None:
    page, field = shared.page, tried_five_times(shared)
    # To begin anew, or the right ones, changes nothing before the time is over.
    page.reload()
    page.get_by_role("button", name="Star").click()
    field.fill(DIGITS["mia"])
    page.get_by_text("Too many tries").wait_for()
    assert page.locator(".faces").count() == 0
    # Nobody else has to wait for that.
    page.get_by_role("button", name="Back").click()
    shared.take("noor")


def test_a_clock_that_was_set_back_since_keeps_nobody_out(shared: SharedPhone) -> None:
    page, field = shared.page, tried_five_times(shared)
    page.evaluate("(now => (Date.now = () => now() - 30 * 86_400_000))(Date.now)")
    field.fill(DIGITS["mia"])
    shared.is_today()


def test_a_fresh_start_the_cover_and_a_minute_away_ask_who_it_is(shared: SharedPhone) -> None:
    page = shared.page
    page.get_by_role("button", name="Hide").click()
    for _ in range(4):
        page.locator(".date").click()
    shared.asks()
    shared.take("noor")
    page.reload()
    shared.is_today()  # The same window goes on.
    page.evaluate(AWAY, 59_000)
    shared.is_today()
    page.evaluate(AWAY, 61_000)
    shared.asks()
    fresh = shared.context.new_page()
    fresh.goto(shared.demo["url"] + "/app/")
    fresh.get_by_role("heading", name="Who are you?").wait_for()


# The phone was laid aside for so long, by its clock.
AWAY = """(ms) => {
  const show = (state) => {
    Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  };
  show('hidden');
  const now = Date.now;
  Date.now = () => now() + ms;
  show('visible');
  Date.now = now;
}"""


def test_what_one_types_is_there_at_the_next_turn_and_for_nobody_else(shared: SharedPhone) -> None:
    page = shared.page
    page.locator(".words").click()
    page.locator("textarea").fill("half a sentence of Noor")
    page.wait_for_timeout(500)
    shared.hand_on()
    shared.take("mia")
    assert "half a sentence" not in page.content()
    shared.hand_on()
    shared.take("noor")
    assert page.locator("textarea").input_value() == "half a sentence of Noor"


def test_one_signs_out_and_the_others_stay(shared: SharedPhone) -> None:
    page = shared.page
    shared.more("Sign out")
    page.get_by_role("button", name="Yes, sign out").click()
    shared.asks()
    assert page.get_by_role("button", name="Boat").count() == 0
    shared.take("mia")
    shared.say("Mia is still in")
    shared.more("Share this phone")
    page.get_by_role("button", name="Only I use this phone now").click()
    page.get_by_role("button", name="Pass the phone on").wait_for(state="detached")
    page.reload()
    shared.is_today()
    names = [cookie["name"] for cookie in shared.context.cookies()]
    assert [name for name in names if name.startswith("s")] == ["s"]


def test_a_third_child_joins_by_code_and_each_child_takes_along_only_their_own_data(
    shared: SharedPhone,
) -> None:
    page = shared.page
    shared.beside("lia")
    page.locator(".tabs button").nth(1).click()
    page.wait_for_selector(".land")
    assert page.evaluate("document.cookie") == "", "no script reads a session"
    shared.hand_on()
    assert page.locator(".mate").count() == 3
    for name in ("mia", "noor", "lia"):
        shared.take(name)
        page.locator(".tabs button").nth(1).click()
        page.wait_for_selector(".land")
        page.get_by_role("button", name="Get a copy").click()
        address = page.get_by_role("link", name="Everything, as a data file").get_attribute("href")
        whole = page.evaluate("(url) => fetch(url).then((answer) => answer.text())", address)
        assert shared.demo["children"][name]["id"] in whole
        others = {"mia", "noor", "lia"} - {name}
        assert not any(shared.demo["children"][other]["id"] in whole for other in others)
        shared.hand_on()


def test_nothing_about_it_is_kept_in_plain_words(shared: SharedPhone) -> None:
    shared.hand_on()
    kept = json.dumps(shared.page.evaluate(DUMP)).lower()
    for word in ("star", "boat", "noor", "1111", "2222", "picture"):
        assert f'"{word}"' not in kept
        assert f"{word}\\" not in kept
    local = shared.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "star" not in local


def test_it_is_used_by_keyboard_and_by_ear_and_in_other_languages(shared: SharedPhone) -> None:
    page = shared.page
    shared.hand_on()

    def is_sound() -> None:
        assert violations(page) == []
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0

    for width in (320, 360):
        page.set_viewport_size({"width": width, "height": 740})
        is_sound()
    page.get_by_role("button", name="العربية").click()
    page.wait_for_selector("html[lang=ar]")
    is_sound()
    page.locator(".mate").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#own")
    is_sound()
    page.keyboard.type("\u0669" * 4)
    page.wait_for_selector("#own-said:not(:empty)")
    page.keyboard.type("\u0661" * 4)
    shared.is_today()
    # Mia's own language is back with Mia.
    page.wait_for_selector("html[lang=en]")
    shared.more("Share this phone")
    is_sound()
