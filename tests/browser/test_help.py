"""The Help in a real Chromium: readable, reachable, never sideways, open at the right section."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from server.desk.help.guide import GUIDES
from tests.browser.keys import walked
from tests.browser.test_desk import AXE, ON_SQLITE, chromium, desk, in_english
from tests.cast import Cast
from tests.desk import scenes

pytestmark = pytest.mark.browser

# Of every guide each language, each scheme and each size once.
LOOKS = (
    ("en", "light", 360, 740),
    ("en", "dark", 1280, 800),
    ("fr", "dark", 360, 740),
    ("fr", "light", 1280, 800),
    ("ar", "light", 360, 740),
    ("ar", "dark", 1280, 800),
)


@ON_SQLITE
@pytest.mark.parametrize(("language", "scheme", "width", "height"), LOOKS)
async def test_axe_finds_nothing_in_any_guide_and_keys_reach_every_link(
    cast: Cast, language: str, scheme: Any, width: int, height: int
) -> None:
    found: dict[str, Any] = {}
    how: dict[str, Any] = {"language": language, "scheme": scheme, "width": width, "height": height}
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", **how)
        for name in GUIDES:
            await page.goto(f"{url}/desk/help/{name}", wait_until="load")
            violations = (await Axe().run(page, options=AXE)).response["violations"]
            if violations:
                found[name] = [(v["id"], v["nodes"][0]["html"]) for v in violations]
            if left := await in_english(page, language):
                found[f"{name}, in English"] = left
            # On a desk the list of sections has two columns, and a key goes up to the second.
            if width == 360 and (wrong := await walked(page)):
                found[f"{name}, by keys"] = wrong
    assert found == {}


@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
async def test_no_guide_scrolls_sideways_on_320_pixels_and_links_are_large_enough(
    cast: Cast, language: str
) -> None:
    wrong = []
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "sam", language=language, width=320, height=568)
        for name in GUIDES:
            await page.goto(f"{url}/desk/help/{name}", wait_until="load")
            if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(f"{name} scrolls sideways")
            small = await page.evaluate(
                """() => [...document.querySelectorAll('.top a, main nav a')]
                    .filter((one) => one.checkVisibility())
                    .filter((one) => one.getBoundingClientRect().height < 43.5)
                    .map((one) => one.outerHTML)"""
            )
            wrong += small
    assert wrong == []


@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "ar"])
async def test_help_opens_at_the_section_of_the_page_one_comes_from(
    cast: Cast, language: str
) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", language=language, width=360, height=740)
        await page.goto(f"{url}/desk/children/{cast.mia.id}/missing")
        await page.locator(".top .me").click()
        await page.locator("main a[rel=help]").click()
        await expect(page).to_have_url(f"{url}/desk/help#a-child-is-missing")
        heading = page.locator("h2#a-child-is-missing")
        await expect(heading).to_be_in_viewport()
        assert (await heading.bounding_box() or {"y": -1})["y"] < 200
        await page.locator(".contents a[href='#each-day']").click()
        await expect(page.locator("h2#each-day")).to_be_in_viewport()
