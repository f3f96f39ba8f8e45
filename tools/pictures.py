"""The pictures of README, from the running demo: `python -m tools.pictures [FOLDER]`.

A server with the demo agency runs in this process on a database that is thrown away, with a clock
that is moved by hand: so the pictures show the same evening whenever they are made. Chromium takes
them. At a quarter to nine in Paris, Mia's answer is late and Noor's silence has become an alert.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from starlette.applications import Starlette

from server.app import Companion, create_app
from server.auth.passwords import Passwords
from server.demo import loader
from server.notify.channels.configured import configured
from server.settings import load
from server.storage.db import close_database, open_database
from server.storage.engines.migrate import migrate
from server.ticker import Ticker

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
AFTERNOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
EVENING = datetime(2026, 3, 10, 19, 58, tzinfo=UTC)
STEP = timedelta(minutes=1)
HEAVIEST = 150_000
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Stage:
    """The demo, its ways in, and time."""

    def __init__(self, url: str, ways_in: dict[str, Any], clock: Hands, ticker: Ticker) -> None:
        self.url = url
        self.ways_in = ways_in
        self.clock = clock
        self.ticker = ticker

    async def wait_until(self, moment: datetime) -> None:
        """Let time pass as it does, looking all the while: nothing of it was unseen."""
        while self.clock.now < moment:
            self.clock.now = min(self.clock.now + STEP, moment)
            await self.ticker.tick()
            await self.ticker.send()


@contextlib.asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """The demo agency, served on a free port for as long as the block lasts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        settings = load({"WAYMARK_VAR": str(folder), "PORT": str(port)}, folder)
        clock = Hands(AFTERNOON)
        passwords = Passwords(time_cost=1, memory_cost=8, parallelism=1)
        started = asyncio.Event()
        app = create_app(settings, clock=clock, passwords=passwords, companions=[_telling(started)])
        await migrate(settings.database_url)
        await open_database(settings.database_url)
        ways_in = await loader.prepare(settings, passwords, print, clock())
        await close_database()
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await started.wait()
        channels = configured(settings, clock)
        for channel in channels.values():
            await channel.open()
        try:
            yield Stage(settings.public_url, ways_in, clock, Ticker(settings, channels, clock))
        finally:
            for channel in channels.values():
                await channel.close()
            server.should_exit = True
            await serving


def _telling(started: asyncio.Event) -> Companion:
    @contextlib.asynccontextmanager
    async def companion(_app: Starlette) -> AsyncIterator[None]:
        started.set()
        yield

    return companion


# --- what is in the pictures


async def phone(on: Stage, browser: Browser, child: str, **how: str) -> Page:
    """The phone of that child, paired by its link, after the three screens."""
    shape = {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
    context = await _context(on, browser, **shape, **how)
    page = await context.new_page()
    await page.goto(on.ways_in["children"][child]["link"])
    await page.wait_for_selector("h1")
    while await page.locator(".faces").count() == 0:
        await page.locator(".main").first.click()
        await page.wait_for_timeout(150)
    return page


async def desk(on: Stage, browser: Browser, name: str) -> Page:
    """That person's desk, after signing in."""
    context = await _context(on, browser, viewport=DESK, locale="en-GB", timezone_id="Europe/Paris")
    page = await context.new_page()
    await page.goto(on.url)
    await page.locator("input[name=name]").fill(name)
    await page.locator("input[name=password]").fill(on.ways_in["staff"][name]["password"])
    await page.locator("form button[type=submit], form button").first.click()
    await page.wait_for_url("**/desk/")
    return page


async def _context(on: Stage, browser: Browser, **how: Any) -> BrowserContext:
    context = await browser.new_context(**how)
    # The browser's clock shows the evening of the pictures too.
    await context.clock.install(time=on.clock.now)
    return context


async def take(page: Page, file: Path) -> None:
    """The picture, at the screen's own resolution where that is light enough."""
    await page.wait_for_timeout(400)
    picture = await page.screenshot(animations="disabled")
    if len(picture) > HEAVIEST:
        picture = await page.screenshot(animations="disabled", scale="css")
    await asyncio.to_thread(file.write_bytes, picture)
    print(f"{file.name}: {len(picture) / 1000:.0f} kB")


async def take_all(folder: Path) -> None:
    """Every picture of README."""
    program = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    with tempfile.TemporaryDirectory() as var:
        async with stage(Path(var)) as on, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
            try:
                await _phones(on, browser, folder)
                await on.wait_until(EVENING)
                await _desk(on, browser, folder)
            finally:
                await browser.close()


async def _phones(on: Stage, browser: Browser, folder: Path) -> None:
    phones = (
        ("en", "lia", {"locale": "en-GB", "timezone_id": "Europe/Rome", "color_scheme": "light"}),
        ("ar", "noor", {"locale": "ar", "timezone_id": "Europe/Lisbon", "color_scheme": "light"}),
        ("dark", "mia", {"locale": "fr-FR", "timezone_id": "Europe/Paris", "color_scheme": "dark"}),
    )
    for name, child, how in phones:
        page = await phone(on, browser, child, **how)
        await page.locator(".face").nth(3).click()
        await take(page, folder / f"phone-{name}.png")


async def _desk(on: Stage, browser: Browser, folder: Path) -> None:
    page = await desk(on, browser, "tom")
    await take(page, folder / "desk.png")
    await page.locator(".kid.is-now .act button").click()
    await page.wait_for_url("**/desk/alerts/*")
    await take(page, folder / "alert.png")


def main(arguments: Sequence[str]) -> int:
    """The command."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
