"""The worst moments between two phones and the real server: a new version, a sign-out, a session
that ran out, a phone that was shut out; each while words wait. None of them is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.voices import Voice, child_at, worker_at
from tests.doubles.firefox import until
from tests.fixtures_demo import DemoFolder
from tests.pwa.conftest import ARGUMENTS, CHROMIUM
from tests.pwa.demo import ROOT, demo_agency
from tests.pwa.test_worker import new_version

pytestmark = pytest.mark.browser


class Agency:
    """The demo agency, whose server can be stopped and come back as a newer one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running = ExitStack()
        self.demo: dict[str, Any] = self._running.enter_context(demo_agency(folder))

    def upgrade(self) -> None:
        """Stops, and goes on at the same place with a newer build of the app."""
        self._running.close()
        newer = self.folder / "newer"
        (newer / "pwa").mkdir(parents=True)
        for there in ROOT.iterdir():
            if there.name not in ("pwa", "var"):
                (newer / there.name).symlink_to(there)
        new_version(newer / "pwa")
        port = urlsplit(self.demo["url"]).port or 0
        again = demo_agency(self.folder, port=port, root=newer)
        # The codes of a second start are new; those who came in before are in.
        self.demo = self._running.enter_context(again)

    def stop(self) -> None:
        """The end of it."""
        self._running.close()


@pytest.fixture(scope="module")
def agency(demo_folder: DemoFolder) -> Iterator[Agency]:
    made = Agency(demo_folder())
    yield made
    made.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def noor(chromium: Browser, agency: Agency) -> Voice:
    return child_at(chromium, agency.demo)


@pytest.fixture(scope="module")
def tom(chromium: Browser, agency: Agency) -> Voice:
    return worker_at(chromium, agency.demo)


def asks(tom: Voice, method: str, path: str, form: str = "") -> str:
    """What the server answers to Tom's browser."""
    answer: dict[str, Any] = tom.page.evaluate(
        """async ([method, path, body]) => {
          const headers = { 'content-type': 'application/x-www-form-urlencoded' };
          const answer = await fetch(path, body ? { method, headers, body } : { method });
          return { status: answer.status, text: await answer.text() };
        }""",
        [method, path, form],
    )
    assert answer["status"] < 400, answer
    return str(answer["text"])


def new_code(tom: Voice, child: str) -> str:
    """A code for the child's phone, as Tom makes one at the desk."""
    page = asks(tom, "POST", f"/desk/children/{child}/invite", "replace=")
    code: str = tom.page.evaluate(
        """(page) => new DOMParser().parseFromString(page, 'text/html')
             .querySelector('.code').lastChild.textContent""",
        page,
    )
    return code.strip()


def hands_in(voice: Voice) -> None:
    """Words from before wait for a yes, and it is given."""
    banner = voice.page.locator(".banner", has=voice.page.locator(".pair-of"))
    banner.get_by_role("button", name=voice.says("Send"), exact=True).click()


def test_a_new_version_comes_while_both_are_apart_and_both_voices_are_there_afterwards(
    agency: Agency, noor: Voice, tom: Voice
) -> None:
    words = "أن أصبح ممرضة"
    noor.wants("Work", words)
    tom.sees(words, 4_000)
    agency.upgrade()
    for voice in (noor, tom):
        voice.page.evaluate("navigator.serviceWorker.ready.then((one) => one.update())")
        voice.page.get_by_text(voice.says("A new version is ready.")).first.wait_for()
    # Apart: each writes on a phone of the old version, then lets the new one take over.
    for voice, said in ((noor, "كي أساعد"), (tom, "Nurses are looked for.")):
        voice.phone.network(is_there=False)
        voice.opens_goal(words)
        voice.writes("Why it matters", said)
        voice.project()
        with voice.page.expect_navigation():
            voice.tap("Update")
        voice.page.wait_for_selector(".tabs")
        shells = voice.page.evaluate(
            "caches.keys().then((names) => names.filter((one) => /^shell/.test(one)))"
        )
        assert [name.startswith("shell-next-") for name in shells] == [True]
        voice.opens_goal(words)
        voice.sees(said)
    for voice in (noor, tom):
        voice.phone.network(is_there=True)
        voice.project()
    for voice in (noor, tom):
        voice.tap("See both")
        voice.sees("كي أساعد")
        voice.sees("Nurses are looked for.")
    tom.tap("Use what {name} wrote", name="Noor Haddadin")
    noor.sees(noor.says("This is decided."), 4_000)
    noor.opens_goal(words)
    noor.sees("كي أساعد")


def test_signing_out_with_words_that_wait_warns_and_they_go_out_after_coming_back(
    agency: Agency, noor: Voice, tom: Voice
) -> None:
    child = agency.demo["children"]["noor"]["id"]
    noor.project()
    noor.phone.network(is_there=False)
    noor.wants("Health", "أن أنام جيدًا")
    noor.page.locator(".tabs button").last.click()
    noor.page.get_by_role("button", name=noor.says("Sign out")).click()
    noor.page.locator("p.strong").wait_for()
    noor.tap("Sign out and keep them locked on this phone")
    noor.page.wait_for_selector(".intro")
    assert "أن أنام" not in noor.page.content()
    noor.phone.network(is_there=True)
    noor.pairs(f"{agency.demo['url']}/app/#pair={new_code(tom, child).replace(' ', '')}")
    tom.project()
    expect(tom.page.get_by_text("أن أنام جيدًا")).to_have_count(0)
    hands_in(noor)
    tom.sees("أن أنام جيدًا", 6_000)


def test_a_phone_that_was_shut_out_hands_its_words_in_after_it_was_paired_anew(
    agency: Agency, noor: Voice, tom: Voice
) -> None:
    child = agency.demo["children"]["noor"]["id"]
    noor.project()
    found = tom.page.evaluate(f"fetch('/api/v1/children/{child}/devices').then((a) => a.json())")
    for device in found["devices"]:
        asks(tom, "DELETE", f"/api/v1/children/{child}/devices/{device['id']}")
    noor.wants("Friends and free time", "أن أجد صديقة")
    noor.tap("Reconnect")
    noor.page.locator("#code").fill(new_code(tom, child))
    noor.page.locator(".main").last.click()
    noor.page.locator(".banner").first.wait_for()
    tom.project()
    expect(tom.page.get_by_text("أن أجد صديقة")).to_have_count(0)
    hands_in(noor)
    tom.sees("أن أجد صديقة", 6_000)


def test_a_session_that_ran_out_keeps_what_was_said_until_its_owner_signs_in_anew(
    agency: Agency, noor: Voice, tom: Voice
) -> None:
    # Over at the server, as after a night; neither the page nor its cookie knows.
    (cookie,) = [one for one in tom.phone.context.cookies() if one["name"] == "s"]
    ended = httpx2.delete(
        f"{agency.demo['url']}/api/v1/sessions",
        headers={"authorization": f"Bearer {cookie['value']}"},
    )
    assert ended.status_code == 204
    tom.talk()
    noor.talk()
    tom.page.locator("textarea").fill("I said this after the night.")
    tom.tap("Send")
    tom.page.get_by_role("link", name="Sign in again").click()
    tom.page.wait_for_selector("[name=password]")
    tom.signs_in("tom", agency.demo["staff"]["tom"]["password"])
    tom.page.wait_for_url("**/app/**")
    tom.sees("1 thing from before isn't sent yet. Send it now?")
    expect(noor.page.get_by_text("I said this after the night.")).to_have_count(0)
    hands_in(tom)
    noor.sees("I said this after the night.", 6_000)


def test_an_open_app_says_at_once_who_is_there_now(agency: Agency, chromium: Browser) -> None:
    child = agency.demo["children"]["mia"]["id"]
    mia = child_at(chromium, agency.demo, "mia")
    mia.project()
    ines = worker_at(chromium, agency.demo, "ines")
    ties = f"/desk/children/{child}/ties"
    page = asks(ines, "GET", ties)
    [eve] = re.findall(r'<option value="([^"]+)">Eve Thackeray', page)
    [toms] = re.findall(r'action="([^"]+/end)"(?:(?!action=).)*End Tom', page, re.S | re.I)
    asks(ines, "POST", ties, f"person_id={eve}&role=caseworker&until=")
    mia.sees("Your caseworker now: Tom Verhoeven and Eve Thackeray", 6_000)
    asks(ines, "POST", toms, "sure=yes")
    mia.page.get_by_text("Your caseworker now: Eve Thackeray", exact=True).wait_for(timeout=6_000)


def test_who_signed_out_of_the_app_without_a_network_signs_in_anew_and_stays_in(
    agency: Agency, chromium: Browser
) -> None:
    ines = worker_at(chromium, agency.demo, "ines")
    ines.phone.network(is_there=False)
    ines.page.locator(".tabs button").last.click()
    ines.page.get_by_role("button", name="Sign out").click()
    ines.tap("Yes, sign out")
    ines.page.wait_for_selector(".intro")
    ines.page.goto("about:blank")
    ines.phone.network(is_there=True)
    ines.page.goto(f"{agency.demo['url']}/")
    until(lambda: ines.page.reload() and ines.page.locator("form[action='/sign-in']").count())
    ines.signs_in("ines", agency.demo["staff"]["ines"]["password"])
    ines.page.wait_for_url("**/desk/**")
    ines.page.goto(f"{agency.demo['url']}/app/")
    ines.page.get_by_text("Mia Castellane").wait_for()
    ines.page.goto(f"{agency.demo['url']}/desk/")
    ines.page.locator("header.top .brand").wait_for()
