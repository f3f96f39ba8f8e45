"""A phone for each test: a fresh Chromium context of a phone's size, at a double of the server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    FloatRect,
    Locator,
    Page,
    sync_playwright,
)

from server.web.static_files import BUILD
from tests.pwa.days import ZONE
from tests.pwa.double import CODE, Double, serving

CHROMIUM = "/usr/bin/chromium"
# The same engine without the desktop around it: a third less of processor time (46.5 against 29.6 s
# for two files), without notifications, background sync and a viewer of PDFs. A module that needs
# one of those says `SHOWN_BY = CHROMIUM`.
SHELL = shutil.which("chromium-headless-shell") or CHROMIUM
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOCALES = {"en": "en-GB", "fr": "fr-FR", "ar": "ar"}


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    program = getattr(request.module, "SHOWN_BY", SHELL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def double() -> Iterator[Double]:
    assert (BUILD / "index.html").exists(), "Build the app first: `make setup`."
    with serving(Double()) as double:
        yield double


PLAIN_WORK = """() => {
  const begin = performance.now();
  let sum = 0;
  for (let n = 0; n < 3_000_000; n++) sum = (sum + n * n) % 1_000_003;
  return performance.now() - begin + (sum < 0 ? 1 : 0);
}"""


@dataclass
class Phone:
    """A page with the app, and what a child does with it."""

    page: Page
    context: BrowserContext
    double: Double

    def open(self, fragment: str = "") -> None:
        """Opens the app and waits until it shows something."""
        self.page.goto(f"{self.double.url}/app/{fragment}")
        self.page.wait_for_selector("h1, .date")

    def pair(self) -> None:
        """Comes in with a link, through the three screens, and waits for the worker."""
        self.open(f"#pair={CODE}")
        for _ in range(4):
            self.page.locator(".main").click()
        self.page.wait_for_selector(".faces")
        self.page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        self.is_controlled()

    def is_controlled(self) -> None:
        """Waits until the worker answers for this page. (Playwright's own waiting needs eval.)"""
        self.page.evaluate(
            """() => new Promise((done) => navigator.serviceWorker.controller ? done()
                 : navigator.serviceWorker.addEventListener('controllerchange', () => done()))"""
        )

    def ok(self) -> None:
        """The big button."""
        self.page.locator(".act .main").click()

    def tick(self) -> None:
        """The button of the day's line, in the app as released the line itself: the other way to
        say the same."""
        self.page.locator("main > .line button, main > button.line").click()

    def write(self, words: str) -> None:
        """Opens the field for a few words, and types."""
        self.page.locator(".words").click()
        self.page.locator("textarea").fill(words)

    def go(self, tab: int, row: int | None = None) -> None:
        """0 is Today, 1 the days, 2 is "More", there a row below the days, the rhythm and being
        away."""
        self.page.locator(".tabs button").nth(0 if tab == 0 else 3).click()
        if tab == 1:
            self.page.locator(".row").first.click()
        elif row is not None:
            self.page.locator(".row").nth(row + 3).click()

    def project(self) -> None:
        """The path, once the phone has looked."""
        self.page.locator(".tabs button").nth(1).click()
        self.page.wait_for_selector(".land")

    def is_thanked(self) -> None:
        """Waits until the server's receipt is shown."""
        self.page.wait_for_selector(".thanks.received")

    def network(self, *, is_there: bool) -> None:
        """Cuts page and worker off, or connects them again, as flight mode does."""
        self.context.set_offline(not is_there)

    def devtools(self) -> CDPSession:
        """A session of the browser's own protocol, for what Playwright does not offer."""
        return self.context.new_cdp_session(self.page)

    def pace(self) -> float:
        """Milliseconds that this page takes now for a piece of work that is always the same. On a
        quiet machine the app opens in three times as long; a test is to fail for what we did, and
        the benchmarks hold it to the second."""
        took: float = self.page.evaluate(PLAIN_WORK)
        return took

    def stored_outbox(self) -> int:
        """How many messages wait."""
        return len([row for row in self.stored() if row["store"] == "outbox"])

    def stored(self) -> list[dict[str, Any]]:
        """Everything in IndexedDB, bytes as Latin-1 text, so that it can be searched."""
        found: list[dict[str, Any]] = self.page.evaluate(DUMP)
        return found


def box_of(what: Locator) -> FloatRect:
    """Where it is and how large. While a page is drawn anew it is nowhere for a moment."""
    for _ in range(40):
        found = what.bounding_box()
        if found is not None:
            return found
        what.page.wait_for_timeout(50)
    raise AssertionError("It is nowhere.")


DUMP = """async () => {
  const text = (bytes) => [...new Uint8Array(bytes)].map((b) => String.fromCharCode(b)).join('');
  const plain = (value) => {
    if (value instanceof CryptoKey) return `key, extractable: ${value.extractable}`;
    if (value instanceof ArrayBuffer) return text(value);
    if (ArrayBuffer.isView(value)) return text(value.buffer);
    if (Array.isArray(value)) return value.map(plain);
    if (value && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
    }
    return value;
  };
  const done = (request) => new Promise((yes, no) => {
    request.onsuccess = () => yes(request.result);
    request.onerror = () => no(request.error);
  });
  const all = [];
  for (const { name } of await indexedDB.databases()) {
    const db = await done(indexedDB.open(name));
    for (const store of db.objectStoreNames) {
      const shelf = db.transaction(store).objectStore(store);
      const keys = await done(shelf.getAllKeys());
      const values = await done(shelf.getAll());
      keys.forEach((key, n) => all.push({ store, key, value: plain(values[n]) }));
    }
    db.close();
  }
  return all;
}"""

Phones = Callable[..., Phone]


@pytest.fixture
def phones(browser: Browser, double: Double) -> Iterator[Phones]:
    """Makes phones; afterwards, nothing may have gone wrong on any of them."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def make(
        *,
        language: str = "en",
        scheme: str = "light",
        width: int = 360,
        height: int = 740,
        zone: str = ZONE,
    ) -> Phone:
        double.language = language
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale=LOCALES[language],
            timezone_id=zone,
            color_scheme=scheme,  # type: ignore[arg-type]
            has_touch=True,
            permissions=["notifications", "background-sync"],
        )
        context.set_default_timeout(8_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda said: faults.append(said.text) if is_fault(said.text) else None)
        return Phone(page, context, double)

    yield make
    for context in contexts:
        context.close()
    assert faults == []


def is_fault(text: str) -> bool:
    """A breach of the content security policy, above all."""
    return "Content Security Policy" in text or "Uncaught" in text


@pytest.fixture
def phone(phones: Phones) -> Phone:
    return phones()
