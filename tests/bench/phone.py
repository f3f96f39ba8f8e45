"""What the benchmarks of the phone share: Chromium at the demo agency, with a meter on the wire."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.bench.wire import Meter
from tests.pwa.conftest import ARGUMENTS, CHROMIUM
from tests.pwa.demo import demo_agency

SIZE: Any = {"width": 360, "height": 740}
WAIT_MS = 20_000
# What a worker does after the page is there is over by then.
CALM_MS = 2000


@dataclass
class Phone:
    """A phone at the demo agency, as far as possible as a child has it."""

    demo: dict[str, Any]
    wire: Meter
    context: BrowserContext
    page: Page

    @property
    def app(self) -> str:
        return f"{self.wire.url}/app/"

    def settle(self) -> None:
        """Wait until the worker is there and nothing more is fetched."""
        self.page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        before = -1
        while before != len(self.wire.fetched):
            before = len(self.wire.fetched)
            self.page.wait_for_timeout(CALM_MS)

    def open(self) -> None:
        """The app, until a check-in can be tapped."""
        self.page.goto(self.app)
        self.page.wait_for_selector(".act .main")

    def pair(self, name: str = "mia") -> None:
        """Come in by the link, through the three screens, until a check-in can be tapped."""
        self.page.goto(f"{self.app}#{urlsplit(self.demo['children'][name]['link']).fragment}")
        self.page.wait_for_selector("h1")
        for _ in range(4):
            self.page.locator(".main").click()
        self.page.wait_for_selector(".act .main")
        self.settle()

    def check_in(self) -> None:
        """The big button, until the server's receipt is shown."""
        self.page.locator(".act .main").click()
        self.page.wait_for_selector(".thanks.received")

    def close_page(self) -> None:
        """Put the app away; what comes next is opened as by its icon."""
        self.page.close()
        self.page = self.context.new_page()


@contextmanager
def phone(*, locale: str = "en-GB") -> Iterator[Phone]:
    """A fresh phone, and the demo agency served by a process of its own."""
    with phones() as make:
        yield make(locale)


@contextmanager
def phones() -> Iterator[Callable[[str], Phone]]:
    """As many fresh phones as are asked for, one after the other, by the language they speak."""
    with (
        tempfile.TemporaryDirectory() as folder,
        demo_agency(Path(folder)) as demo,
        Meter(urlsplit(demo["url"]).port or 0) as wire,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)

        def make(locale: str) -> Phone:
            context = browser.new_context(
                viewport=SIZE,
                locale=locale,
                timezone_id="Europe/Paris",
                has_touch=True,
                permissions=["notifications", "background-sync"],
            )
            context.set_default_timeout(WAIT_MS)
            return Phone(demo, wire, context, context.new_page())

        yield make
        browser.close()
