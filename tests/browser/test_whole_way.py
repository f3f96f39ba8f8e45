"""The whole way as a newcomer tries it: from a check-in on a phone to an alert that is closed.

A real server with the fast demo, a real Firefox for the caseworker, a phone-sized Chromium for the
child. Nothing is driven but the hands of people, so this waits as long as the fast rhythm does.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx2
import pytest
from playwright.sync_api import Page, sync_playwright

from server.clock import utcnow
from server.i18n import gettext
from tests.doubles.firefox import Firefox, until
from tests.doubles.push_service import PushService, Subscription
from tests.fixtures_demo import DemoFolder
from tests.ports import free_port
from tests.pwa.conftest import ARGUMENTS, LOCALES, SHELL, Phone
from tests.pwa.demo import demo_agency
from tests.pwa.double import Double

pytestmark = pytest.mark.browser

NAMES = ("Mia", "Castellane", "Tom", "Verhoeven", "Sam", "Oyelaran", "Waymark", "Harbour")
WORDS = "She called from the bus at half past."
# A check-in is due at each full minute; ten seconds after that the carer is asked, and ten later
# the caseworker called. An answer in the half minute before counts for the minute that comes.
BEGIN_BEFORE_S = 20
QUESTION_S = 110
ALERT_S = 30

T = TypeVar("T")


def soon(what: str, holds: Callable[[], T], seconds: float = 15) -> T:
    """What `holds()` gives as soon as it is true; else it says what has not happened."""
    try:
        return until(holds, seconds)
    except AssertionError as fault:
        raise AssertionError(f"{what}: {fault}") from None


@pytest.fixture
def demo(demo_folder: DemoFolder, browser_push: PushService) -> Iterator[dict[str, Any]]:
    """The fast demo, begun so that the first check-in is due when the phone has been paired."""
    port = free_port()
    how = {
        "WAYMARK_PUBLIC_URL": f"http://localhost:{port}",
        "WAYMARK_PUSH_ORIGINS": browser_push.origin,
    }
    # The four weeks of history are loaded before, because nobody knows how long that takes.
    folder = demo_folder()
    until(lambda: utcnow().second < BEGIN_BEFORE_S, 60)
    with demo_agency(folder, "--fast", port=port, **how) as demo:
        yield demo


@pytest.fixture
def mia(demo: dict[str, Any]) -> Iterator[Phone]:
    """A phone that has never been used."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=SHELL, args=ARGUMENTS)
        context = chromium.new_context(
            viewport={"width": 360, "height": 740},
            locale=LOCALES["en"],
            timezone_id="Europe/Paris",
            has_touch=True,
        )
        context.set_default_timeout(15_000)
        yield Phone(context.new_page(), context, Double(url=demo["url"], files={}))
        chromium.close()


class Tom:
    """The caseworker at his desk, in Firefox."""

    def __init__(self, firefox: Firefox, url: str, pictures: Path) -> None:
        self.firefox, self.url, self.pictures = firefox, url, pictures

    def tap(self, what: str, selector: str) -> None:
        click = "const one = document.querySelector(args[0]); one?.click(); return Boolean(one);"
        soon(f"Tom finds {what}", lambda: self.firefox.ask(click, selector))

    def fill(self, selector: str, words: str) -> None:
        self.firefox.run("document.querySelector(args[0]).value = args[1];", selector, words)

    def reads(self, words: str, seconds: float = 15) -> None:
        script = "return document.body?.innerText.includes(args[0]) ?? false;"
        soon(f"Tom reads {words!r}", lambda: self.firefox.ask(script, words), seconds)

    def has(self, selector: str) -> bool:
        return bool(self.firefox.ask("return !!document.querySelector(args[0]);", selector))

    def picture(self, name: str) -> None:
        shot = self.firefox.driver.screenshot(full=False)
        (self.pictures / f"{name}.png").write_bytes(base64.b64decode(shot))

    def signs_in(self, password: str) -> None:
        self.firefox.open(f"{self.url}/")
        self.fill("[name=name]", "tom")
        self.fill("[name=password]", password)
        self.tap("the button to sign in", "form[action='/sign-in'] button")
        soon("Tom comes to his desk", lambda: self.firefox.url.startswith(f"{self.url}/desk/"))

    def turns_alarms_on(self) -> None:
        self.firefox.open(f"{self.url}/desk/settings")
        self.tap("the button for alarms", "[data-alarms] [data-when=off]:not([hidden]) button")
        self.reads("Alarms are on in this browser.")

    def looks_at_the_board(self) -> None:
        """And leaves it open; the mark is gone if the page is ever loaded anew."""
        self.firefox.open(f"{self.url}/desk/")
        self.firefox.run("window.isStill = true;")

    def answers(self, child: str) -> set[str]:
        """The ids of all that the server has, each once."""
        found = self.firefox.run(
            """
            const answer = await fetch(`/api/v1/children/${args[0]}/check-ins?limit=200`);
            return (await answer.json()).check_ins.map(one => one.id);
            """,
            child,
        )
        assert len(found) == len(set(found))
        return set(found)


class Sam:
    """The carer: a browser without a picture, and a phone that gets pushes."""

    def __init__(self, url: str, password: str, service: PushService) -> None:
        # The same-origin check lets in what says where it comes from.
        self.browser = httpx2.Client(base_url=url, headers={"origin": url}, follow_redirects=True)
        said = {"name": "sam", "password": password, "next": ""}
        assert self.browser.post("/sign-in", data=said).url.path == "/desk/"
        self.phone: Subscription = service.virtual()
        kept = self.browser.post(
            "/api/v1/push-subscriptions", json={"id": str(uuid4()), **self.phone.json}
        )
        assert kept.status_code in (200, 201), kept.text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.browser.close()

    def is_asked(self) -> bool:
        asked = gettext(
            "fr", "We have had no check-in. Have you seen {name}?", name="Mia Castellane"
        )
        return asked in self.desk()

    def desk(self) -> str:
        return self.browser.get("/desk/").text.replace("&#39;", "'")


@pytest.fixture
def sam(demo: dict[str, Any], browser_push: PushService) -> Iterator[Sam]:
    """Signed in, with a phone that push messages reach."""
    with Sam(demo["url"], demo["staff"]["sam"]["password"], browser_push) as sam:
        yield sam


def comes_in(mia: Phone, link: str, pictures: Path) -> None:
    """The link, the three screens, and in."""
    page = mia.page
    page.goto(link)
    titles = []
    for number in range(3):
        page.get_by_text(f"{number + 1} of 3", exact=True).wait_for(state="attached")
        titles.append(page.locator("h1").inner_text())
        assert len(page.locator(".intro-body").inner_text()) > 80
        picture(page, pictures / f"phone-{number + 1}.png")
        page.get_by_role("button", name="Next").click()
    assert len(set(titles)) == 3
    page.get_by_role("button", name="Connect this phone").click()
    page.wait_for_selector(".faces")
    mia.is_controlled()


def picture(page: Page, file: Path) -> None:
    page.screenshot(path=file)


def test_from_a_check_in_to_an_alert_that_is_closed(
    firefox: Firefox,
    browser_push: PushService,
    demo: dict[str, Any],
    mia: Phone,
    sam: Sam,
    tmp_path: Path,
) -> None:
    url, child = demo["url"], demo["children"]["mia"]

    tom = Tom(firefox, url, tmp_path)
    tom.signs_in(demo["staff"]["tom"]["password"])
    tom.turns_alarms_on()
    tom.picture("desk-1-alarms")

    # Mia is paired, checks in, and once more without a connection.
    comes_in(mia, child["link"], tmp_path)
    page = mia.page
    answers = tom.answers(child["id"])
    mia.ok()
    page.locator(".thanks.received").get_by_text("Received").wait_for()
    picture(page, tmp_path / "phone-4-received.png")
    mia.network(is_there=False)
    page.locator(".face").nth(3).click()
    mia.tick()
    page.locator(".thanks").get_by_text("Not sent yet").wait_for()
    picture(page, tmp_path / "phone-5-saved.png")
    assert len(tom.answers(child["id"]) - answers) == 1
    mia.network(is_there=True)
    mia.is_thanked()
    picture(page, tmp_path / "phone-6-arrived.png")
    # The phone is opened again, which looks for what waits: there is nothing left to send.
    page.reload()
    page.wait_for_selector(".faces")
    page.wait_for_load_state("networkidle")
    assert len(tom.answers(child["id"]) - answers) == 2

    # Nobody is called while all is well.
    assert not sam.is_asked()
    assert firefox.drawn() == []
    tom.looks_at_the_board()
    row = f"#c{child['id'].replace('-', '')}"
    assert not tom.has(f"{row} form.act")
    tom.picture("desk-2-calm")

    # Then Mia says nothing.
    mia.context.close()
    soon("Sam's phone is asked", lambda: sam.phone.received, QUESTION_S)
    soon("Sam's desk asks", sam.is_asked)
    (tmp_path / "sam.html").write_text(sam.desk(), encoding="utf-8")
    told = sam.phone.received[0].plain.decode()
    assert not any(name in told for name in NAMES)
    link = sam.phone.received[0].json["notification"]["navigate"]
    assert link.startswith(f"{url}/q/")
    asked = httpx2.get(link)
    assert asked.status_code == 200
    assert gettext("fr", "Have you seen the young person?") in asked.text
    assert not any(name in asked.text for name in NAMES)

    [drawn] = soon("Tom's browser shows the alarm", firefox.drawn, ALERT_S)
    assert not any(name in drawn["title"] + drawn["body"] for name in NAMES)
    soon("Tom's open board shows the alert", lambda: tom.has(f"{row} form.act button"))
    assert firefox.run("return window.isStill;") is True, "the board was loaded anew"
    assert "I'll take it" in firefox.run("return document.querySelector(args[0]).innerText;", row)
    tom.picture("desk-3-alert")

    tom.tap("the button to take it", f"{row} form.act button")
    tom.reads("With you until")
    tom.picture("desk-4-taken")
    tom.tap("how it ended", "#close [name=outcome][value=spoke_to]")
    tom.fill("#close [name=words]", WORDS)
    firefox.run("document.querySelector('#close').scrollIntoView();")
    tom.picture("desk-5-closing")
    tom.tap("the button to close", "#close form button")
    tom.reads("Spoken to. Closed by Tom Verhoeven")
    tom.reads(WORDS)
    tom.picture("desk-6-closed")

    tom.looks_at_the_board()
    tom.reads("No alert is waiting for an adult now.")
    assert not tom.has(f"{row} form.act")
    tom.picture("desk-7-calm-again")
