"""The phone of the last release at the server of this code: nobody has updated it for weeks.

The app was served by the last release, with its code and its build; then the server was replaced.
What waits on the phone goes out, every screen opens, and the new version comes by a tap.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests import previous
from tests.pwa.conftest import LOCALES, Phone
from tests.pwa.demo import ROOT, demo_agency
from tests.pwa.double import Double
from tests.pwa.test_worker import new_version

pytestmark = pytest.mark.browser

ROWS = 13


class Replaced:
    """A server of the last release, and then one of this code at the same place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running = ExitStack()
        served = demo_agency(folder, root=previous.app())
        self.demo: dict[str, Any] = self.running.enter_context(served)

    def upgrade(self) -> None:
        """The code of today, with a build that differs in any case."""
        self.running.close()
        newer = self.folder / "newer"
        (newer / "pwa").mkdir(parents=True)
        for there in ROOT.iterdir():
            if there.name not in ("pwa", "var", "build"):
                (newer / there.name).symlink_to(there)
        new_version(newer / "pwa")
        port = urlsplit(self.demo["url"]).port or 0
        self.running.enter_context(demo_agency(self.folder, port=port, root=newer))

    def kept(self) -> list[str]:
        """The ids of the check-ins that the server has."""
        with sqlite3.connect(self.folder / "var" / "waymark.sqlite3") as database:
            return [row[0] for row in database.execute("SELECT id FROM check_in")]


@pytest.fixture
def replaced(tmp_path: Path) -> Iterator[Replaced]:
    made = Replaced(tmp_path)
    with made.running:
        yield made


def test_an_old_phone_hands_everything_to_the_new_server_and_updates_by_a_tap(
    replaced: Replaced, browser: Browser
) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, locale=LOCALES["en"], has_touch=True
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    phone = Phone(page, context, Double(url=replaced.demo["url"], files={}))
    page.goto(replaced.demo["children"]["mia"]["link"])
    page.wait_for_selector("h1")
    for _ in range(4):
        page.locator(".main").click()
    page.wait_for_selector(".faces")
    phone.is_controlled()
    phone.ok()
    phone.is_thanked()
    before = len(replaced.kept())
    phone.network(is_there=False)
    page.locator(".face").nth(3).click()
    phone.tick()
    page.locator(".thanks").get_by_text("Not sent yet").wait_for()

    replaced.upgrade()
    refused: list[str] = []
    page.on(
        "response",
        lambda answer: (
            refused.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        ),
    )
    page.on("pageerror", lambda fault: refused.append(str(fault)))
    page.reload()
    page.get_by_text("1 answer not sent yet").wait_for()
    phone.network(is_there=True)
    page.get_by_text("1 answer not sent yet").wait_for(state="detached")
    assert len(replaced.kept()) == before + 1
    # Still the old app: every screen of it is answered.
    phone.go(1)
    page.locator(".entry").nth(1).wait_for()
    for row in range(ROWS):
        phone.go(2, row)
        page.wait_for_load_state("networkidle")
    assert refused == []

    phone.go(0)
    page.evaluate("navigator.serviceWorker.ready.then((one) => one.update())")
    page.get_by_text("A new version is ready.").first.wait_for()
    with page.expect_navigation():
        page.get_by_role("button", name="Update", exact=True).click()
    page.wait_for_selector(".tabs")
    shells = page.evaluate(
        "caches.keys().then((names) => names.filter((one) => /^shell/.test(one)))"
    )
    assert [name.startswith("shell-next-") for name in shells] == [True]
    assert len(replaced.kept()) == before + 1, "what was confirmed is not sent again"
    context.close()
