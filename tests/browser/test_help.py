"""The Help in a real Chromium: readable, reachable, never sideways, open at the right section."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from server.desk.help.guide import GUIDES
from tests.browser import looks
from tests.browser.keys import walked
from tests.browser.opened import ON_SQLITE, chromium, desk
from tests.cast import Cast
from tests.desk import scenes

pytestmark = pytest.mark.browser

# Of every guide each language, each scheme and each size once: the scheme at this width, the other
# one at the other width.
LOOKS = (("en", "light"), ("fr", "dark"), ("ar", "light"))
PHONE, DESK, NARROW = (360, 740), (1280, 800), (320, 568)
OTHER: dict[str, Any] = {"light": "dark", "dark": "light"}
SMALL = """() => [...document.querySelectorAll('.top a, main nav a')]
    .filter((one) => one.checkVisibility())
    .filter((one) => one.getBoundingClientRect().height < 43.5)
    .map((one) => one.outerHTML)"""


@ON_SQLITE
@pytest.mark.parametrize(("language", "scheme"), LOOKS)
async def test_nothing_is_wrong_with_any_guide(cast: Cast, language: str, scheme: Any) -> None:
    """Opened once on a phone, and then looked at in each size and scheme."""
    found: dict[str, Any] = {}
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", language=language)
        for name in GUIDES:
            await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
            await page.emulate_media(color_scheme=scheme)
            await page.goto(f"{url}/desk/help/{name}", wait_until="load")
            wrong = await looks.by_axe(page) + await looks.in_english(page, language)
            # On a desk the list of sections has two columns, and a key goes up to the second.
            wrong += await walked(page)
            await looks.sized(page, *NARROW)
            if await page.evaluate(looks.IS_SIDEWAYS):
                wrong.append("sideways")
            wrong += await page.evaluate(SMALL)
            await looks.sized(page, *DESK)
            await page.emulate_media(color_scheme=OTHER[scheme])
            wrong += await looks.by_axe(page)
            if wrong:
                found[name] = wrong
    assert found == {}


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
