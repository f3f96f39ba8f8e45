"""States that no link leads to: the second key, and a session that ends while one writes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Locator, expect

from server.auth.rules import STAFF_IDLE
from server.i18n import gettext
from tests.auth.test_second_key import code_of, with_app
from tests.axe import violations_of
from tests.browser.opened import ON_SQLITE, chromium, desk
from tests.cast import Cast, password_of
from tests.desk import scenes

pytestmark = pytest.mark.browser


async def is_in_sight(thing: Locator) -> None:
    """Without waiting for a frame: time stands still on the page."""
    await expect(thing).to_be_visible()
    box = await thing.bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= 740 - box["height"]


@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "ar"])
async def test_a_session_that_ends_warns_before_and_keeps_what_was_typed(
    cast: Cast, language: str
) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", language=language, width=360, height=740)
        await page.clock.install()
        await page.goto(f"{url}/desk/children/{cast.mia.id}/sighting")
        await page.locator("#words").fill("Seen at the harbour.")
        idle = page.locator("#idle")
        await expect(idle).to_be_hidden()
        await page.clock.run_for((STAFF_IDLE - timedelta(minutes=1)).total_seconds() * 1000)
        await is_in_sight(idle.locator("button"))
        assert await violations_of(page) == []
        no_answer = idle.locator("[data-no-answer]")
        await expect(no_answer).to_be_hidden()
        await page.context.set_offline(True)
        await idle.locator("button").press("Enter")
        await is_in_sight(no_answer)
        assert await violations_of(page) == []
        await page.context.set_offline(False)
        await idle.locator("button").press("Enter")
        await expect(idle).to_be_hidden()
        await page.clock.run_for((STAFF_IDLE + timedelta(minutes=1)).total_seconds() * 1000)
        await is_in_sight(idle.locator("[data-idle=over] a"))
        assert await violations_of(page) == []
        cast.clock.advance(seconds=STAFF_IDLE.total_seconds())
        await page.locator("button[name=answer]").first.click()
        await expect(page.locator("[data-unsent=out]")).to_be_visible()
        await expect(page.locator("#words")).to_have_value("Seen at the harbour.")
        # The heading is another one: that of before has the child's name.
        heading = gettext(language, "Not sent yet")
        await expect(page.locator("h1")).to_have_text(heading)
        await expect(page).to_have_title(heading)
        assert await violations_of(page) == []
        await cast.new_token("tom")
        await page.context.add_cookies([{"name": "s", "value": cast.tokens["tom"], "url": url}])
        await page.locator("button[name=answer]").first.click()
        await expect(page.locator(".saved")).to_be_visible()


@ON_SQLITE
async def test_who_writes_near_the_end_of_a_session_signs_in_again_and_keeps_the_words(
    cast: Cast,
) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=360, height=740)
        await page.clock.install()
        words = "Seen at the harbour, then at the bus station."
        await page.goto(f"{url}/desk/children/{cast.mia.id}/sighting")
        await page.locator("#words").fill(words)
        near = page.locator("[data-idle=near]")
        cast.clock.advance(minutes=100)
        for _ in range(7):
            await page.clock.run_for(100 * 60 * 1000)
            await page.evaluate("localStorage.setItem('desk-used', String(Date.now()))")
        await is_in_sight(near.locator("a"))
        assert await violations_of(page) == []
        async with page.expect_popup() as opened:
            await near.locator("a").press("Enter")
        door = await opened.value
        await expect(door.locator("#name")).to_have_value("tom")
        assert await violations_of(door) == []
        await door.locator("#password").fill(password_of("tom"))
        await door.keyboard.press("Enter")
        await door.wait_for_url("**/desk/")
        await expect(near).to_be_hidden()
        await page.locator("button[name=answer]").first.click()
        await expect(page.locator(".saved")).to_be_visible()


@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "ar"])
async def test_tom_signs_in_by_keys_alone_and_hears_what_is_wrong(
    cast: Cast, language: str
) -> None:
    secret, _ = await with_app(cast, "tom")
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "nobody", language=language, width=360, height=740)
        await page.goto(url)
        await page.locator("[name=name]").focus()
        await page.keyboard.type("tom")
        await page.keyboard.press("Tab")
        await page.keyboard.type(password_of("tom"))
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/sign-in/second*")
        assert await violations_of(page) == []
        await page.locator("#code").focus()
        await page.keyboard.type("000000")
        await page.keyboard.press("Enter")
        await expect(page.locator("#code")).to_be_focused()
        await expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
        assert "code-error" in (await page.locator("#code").get_attribute("aria-describedby") or "")
        assert await violations_of(page) == []
        await page.locator("#code").fill(code_of(cast, secret))
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/desk/")
