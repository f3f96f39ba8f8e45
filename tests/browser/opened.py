"""The desk in a browser: who has signed in, their language and their look; and page after page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from server.people.actions import set_language
from tests.browser.further import Pages
from tests.cast import Cast
from tests.pwa.conftest import ARGUMENTS, LOCALES, SHELL

ON_SQLITE = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)


@asynccontextmanager
async def chromium(*, program: str = SHELL) -> AsyncIterator[Browser]:
    """A browser for the length of the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        await browser.close()


async def desk(
    cast: Cast,
    browser: Browser,
    url: str,
    name: str,
    *,
    language: str = "en",
    scheme: Any = "light",
    width: int = 1280,
    height: int = 800,
    **more: Any,
) -> Page:
    """A page in which a person has signed in, with a language, a scheme and a size. `nobody` has
    not."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        locale=LOCALES[language],
        reduced_motion="reduce",
        **more,
    )
    if name != "nobody":
        await set_language(cast.actor(name), cast.persons[name].id, language, cast.clock())
        token = await cast.new_token(name)
        await context.add_cookies([{"name": "s", "value": token, "url": url}])
    return await context.new_page()


async def each_page(
    cast: Cast, browser: Browser, url: str, pages: Pages, **how: Any
) -> AsyncIterator[tuple[str, Page]]:
    """Every page in turn; `how` as for `desk`."""
    tabs: dict[str, Page] = {}
    for name, (who, path) in pages.items():
        if who not in tabs:
            tabs[who] = await desk(cast, browser, url, who, **how)
        await tabs[who].goto(url + path, wait_until="load")
        if path.startswith("/desk/find#"):
            await tabs[who].locator("#q").fill(path.partition("#")[2])
            await tabs[who].locator("#q").press("Enter")
            await tabs[who].wait_for_url("**/desk/find?s=*", wait_until="load")
        if path.endswith("/project"):
            # Its screens come in the place of what the page shows while they load.
            await tabs[who].locator("#project h1").first.wait_for()
        yield name, tabs[who]
