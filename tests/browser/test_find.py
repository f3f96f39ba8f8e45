"""The search in a real Chromium: from the board to a child by the keyboard, and as one types."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.opened import ON_SQLITE, chromium, desk
from tests.cast import Cast
from tests.desk import scenes

pytestmark = pytest.mark.browser


@ON_SQLITE
async def test_a_key_and_a_name_lead_from_the_board_to_the_child_and_back(cast: Cast) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom")
        await page.goto(f"{url}/desk/")
        await page.keyboard.press("Control+k")
        await page.keyboard.type("noor")
        await page.keyboard.press("Enter")
        row = page.get_by_role("link", name="Noor")
        await expect(row).to_be_visible()
        assert "noor" not in page.url
        await row.click()
        await page.wait_for_url(f"**/desk/children/{cast.noor.id}")
        await page.go_back()
        await expect(row).to_be_visible()


@ON_SQLITE
async def test_results_follow_what_is_typed_and_the_focus_stays(cast: Cast) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=360, height=740)
        await page.goto(f"{url}/desk/")
        way = page.get_by_role("link", name="Find")
        box = await way.bounding_box()
        assert box is not None
        assert box["height"] < 56, "the word stands on its side"
        await way.click()
        await expect(page.locator("#q")).to_be_focused()
        await page.keyboard.type("mia")
        await expect(page.locator("#results .kids a")).to_have_count(1)
        await expect(page.locator("#q")).to_be_focused()
        await page.locator("#q").fill("qqqq")
        await expect(page.locator("#results .kids a")).to_have_count(0)
        assert "mia" not in page.url


@ON_SQLITE
async def test_the_search_works_without_a_script(cast: Cast) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", java_script_enabled=False)
        await page.goto(f"{url}/desk/find")
        await page.locator("#q").fill("noor")
        await page.locator("main form button").click()
        await expect(page.locator("#results .kids a")).to_have_count(1)
