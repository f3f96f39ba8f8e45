"""The bar of silence in a real browser: moved by the keys and by a pointer, in both directions."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from server.policy.models import Policy
from tests.axe import violations_of
from tests.browser.opened import ON_SQLITE, chromium, desk
from tests.cast import Cast
from tests.desk import scenes

pytestmark = pytest.mark.browser

MEDIUM = "/desk/policies/new?level=mid#mid"


async def form(page: Page, url: str) -> Locator:
    """The medium level of the form."""
    await page.goto(url + MEDIUM, wait_until="load")
    level = page.locator("#mid")
    await expect(level.locator("[role=slider]").first).to_be_attached()
    return level


def handle(level: Locator, field: str) -> Locator:
    return level.locator(f"[role=slider][data-field='{field}']")


async def typed(level: Locator, field: str) -> str:
    """The number and the unit as they are in the form."""
    number = level.locator(f"[id='mid.{field}']")
    unit = level.locator(f"select[name='mid.{field}.unit']")
    return f"{await number.input_value()}{await unit.input_value()}"


async def middle(node: Locator) -> tuple[float, float]:
    box = await node.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@ON_SQLITE
async def test_the_grace_of_the_medium_level_is_changed_by_the_keys_and_looked_at(
    cast: Cast,
) -> None:
    content = None
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "ines", width=360, height=740)
        level = await form(page, url)
        late = handle(level, "grace")
        await expect(late).to_have_attribute("aria-label", "Late, after it was due")
        before = await typed(level, "grace")
        await late.focus()
        for key in ("ArrowRight", "ArrowUp"):
            await page.keyboard.press(key)
        assert (before, await typed(level, "grace")) == ("1h", "90m")
        said = await late.get_attribute("aria-valuetext")
        assert said is not None
        assert said.startswith("Late after 1 hour 30 minutes")
        assert await late.get_attribute("aria-valuenow") == "90"
        await page.keyboard.press("Home")
        again = await typed(level, "remind_again")
        assert await typed(level, "grace") == again
        await page.keyboard.press("ArrowLeft")
        assert await typed(level, "grace") == again, "it stops, and pushes no other number"
        await expect(level.locator("[data-stop]")).to_have_text(
            "The second reminder cannot come after the check-in is late."
        )
        await page.keyboard.press("PageUp")
        wanted = await typed(level, "grace")
        await level.get_by_role("button", name="See what would have happened").click()
        await expect(page.locator("h1")).to_have_text("What would have happened")
        kept = page.locator("form[action='/desk/policies/look'] input[name='mid.grace']")
        number = await kept.input_value()
        assert wanted.startswith(number)
    content = await Policy.filter(agency_id=cast.agency.id, version__gt=0).exists()
    assert not content, "nothing is adopted by looking"


@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "ar"])
async def test_a_pointer_moves_a_handle_and_a_number_moves_it_back(
    cast: Cast, language: str
) -> None:
    way = -1 if language == "ar" else 1
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "ines", language=language)
        level = await form(page, url)
        late = handle(level, "grace")
        x, y = await middle(late)
        await page.mouse.move(x + 5, y)
        await page.mouse.down()
        for step in range(1, 6):
            await page.mouse.move(x + 5 + way * 12 * step, y)
        assert await typed(level, "grace") != "1h"
        await page.keyboard.press("Escape")
        assert await typed(level, "grace") == "1h", "as it was"
        await page.mouse.up()
        await page.mouse.move(x, y)
        await page.mouse.down()
        await page.mouse.move(x + way * 60, y, steps=5)
        await page.mouse.up()
        later, _ = await middle(late)
        assert (later - x) * way > 30
        assert await typed(level, "grace") in {"105m", "2h", "150m", "3h"}
        await late.press("ArrowLeft" if language == "ar" else "ArrowRight")
        further, _ = await middle(late)
        assert (further - later) * way > 0
        await level.locator("[id='mid.grace']").fill("60")
        await level.locator("select[name='mid.grace.unit']").select_option("m")
        back, _ = await middle(late)
        assert back == pytest.approx(x, abs=1)
        await level.locator("[id='mid.grace']").fill("10")
        said = await level.locator("[data-stop]").inner_text()
        assert said, "what the server would refuse is said at once"
        await level.locator("[id='mid.grace']").fill("")
        assert (await middle(late))[0] != pytest.approx(x, abs=1)


@ON_SQLITE
async def test_a_tap_beside_a_handle_moves_nothing_and_near_two_the_nearer_one_is_meant(
    cast: Cast,
) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "ines", width=320, height=640, has_touch=True)
        level = await form(page, url)
        before = [await typed(level, field) for field in ("remind_before", "grace", "ceiling")]
        box = await level.locator("[data-handles]").bounding_box()
        assert box is not None
        await page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + 22)
        after = [await typed(level, field) for field in ("remind_before", "grace", "ceiling")]
        assert after == before
        first, again = handle(level, "remind_before"), handle(level, "grace")
        await first.press("End")
        x, y = await middle(first)
        await page.mouse.click(x, y)
        await expect(first).to_be_focused()
        await again.press("Home")
        x, y = await middle(again)
        await page.mouse.click(x, y)
        await expect(again).to_be_focused()


@ON_SQLITE
@pytest.mark.parametrize(("language", "scheme"), [("en", "dark"), ("ar", "light"), ("fr", "dark")])
async def test_the_bar_fits_a_small_phone_and_axe_finds_nothing(
    cast: Cast, language: str, scheme: str
) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(
            cast, browser, url, "ines", language=language, scheme=scheme, width=320, height=640
        )
        for path in ("/desk/policies", MEDIUM):
            await page.goto(url + path, wait_until="load")
            assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert await violations_of(page) == []


@ON_SQLITE
async def test_without_a_script_the_numbers_are_enough(cast: Cast) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "ines", java_script_enabled=False)
        await page.goto(url + MEDIUM, wait_until="load")
        assert await page.locator("[role=slider]").count() == 0
        await expect(page.locator("#mid .silence-drawn")).to_be_visible()
        await page.locator("[id='mid.grace']").fill("2")
        await page.locator("#mid").get_by_role("button", name="See what would").click()
        await expect(page.locator("h1")).to_have_text("What would have happened")
