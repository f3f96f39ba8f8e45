"""The desk in a real Chromium: forms by keys, the board live and folded, and without a script."""

from __future__ import annotations

from time import perf_counter

import pytest
from playwright.async_api import expect

from server.alerts import actions as alerts
from server.alerts.models import Alert
from tests.browser import further
from tests.browser.opened import ON_SQLITE, chromium, desk
from tests.cast import Cast
from tests.desk import scenes
from tests.desk.walking import at, run_until

pytestmark = pytest.mark.browser


@ON_SQLITE
async def test_a_form_is_sent_by_the_key_enter_and_a_fault_is_where_one_is(cast: Cast) -> None:
    """Somebody enters into a search what they did, and forgets how."""
    pages = await further.of_the_missing(cast)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=320, height=568)
        await page.goto(url + pages["entry: attempt"][1])
        await page.get_by_label("Who or where (optional)").fill("The club at the harbour")
        await page.keyboard.press("Enter")
        fault = page.locator(".error").first
        await expect(fault).to_be_visible()
        await expect(page.locator("#whom")).to_have_value("The club at the harbour")
        await page.get_by_role("radio", name="Visited a place").press("Space")
        await page.get_by_role("radio", name="Not there").press("Space")
        await page.locator("#whom").press("Enter")
        await expect(page.locator(".entry").first).to_contain_text("The club at the harbour")


@pytest.mark.load
async def test_the_board_hears_of_what_others_do_within_two_seconds(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    alert = await Alert.get(child_id=cast.mia.id)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom")
        await page.goto(f"{url}/desk/")
        row = page.locator(".kid", has_text="Mia Castellane")
        await expect(row.get_by_role("button", name="I'll take it")).to_be_visible()
        # Until the stream has begun, and the look that it begins with is over.
        async with page.expect_response("**/desk/live"):
            await page.reload()
        await page.wait_for_timeout(1_000)
        begin = perf_counter()
        await alerts.acknowledge(cast.actor("ines"), alert.id, cast.clock())
        await expect(row).to_contain_text("Ines Quintanar", timeout=2_000)
        assert perf_counter() - begin <= 2
        await expect(row.get_by_role("button", name="I'll take it")).to_have_count(0)


@ON_SQLITE
async def test_a_home_opens_in_place_and_stays_open_while_others_act(cast: Cast) -> None:
    await scenes.crowd(cast, 60)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=360, height=740, has_touch=True)
        async with page.expect_response("**/desk/live"):
            await page.goto(f"{url}/desk/")
        fold = page.locator("a[data-open]").first
        await expect(fold).to_have_attribute("aria-expanded", "false")
        await fold.press("Enter")
        await expect(fold).to_have_attribute("aria-expanded", "true")
        await expect(fold).to_be_focused()
        shown = await page.locator(".kid.is-well").count()
        assert shown > 15
        assert "open=" in page.url
        await page.evaluate("window.here = 1")
        [alert] = (await Alert.filter(closed_at__isnull=True))[:1]
        await alerts.acknowledge(cast.actor("ines"), alert.id, cast.clock())
        await expect(page.locator(".kid.is-held")).to_have_count(1, timeout=8_000)
        assert await page.locator(".kid.is-well").count() == shown
        await expect(fold).to_be_focused()
        assert await page.evaluate("window.here") == 1
        await fold.press("Enter")
        await expect(page.locator(".kid.is-well")).to_have_count(0)
        assert "open=" not in page.url


@ON_SQLITE
async def test_the_whole_row_leads_to_the_child_and_its_links_still_work(cast: Cast) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=360, height=740, has_touch=True)
        await page.goto(f"{url}/desk/")
        row = page.locator(".kid", has_text="Mia Castellane")
        await row.locator("summary").tap()
        await expect(row.locator(".menu")).to_have_attribute("open", "")
        await row.locator("summary").tap()
        box = await row.bounding_box()
        assert box is not None
        await page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] - 6)
        await page.wait_for_url(f"**/desk/children/{cast.mia.id}")


@ON_SQLITE
async def test_an_alert_is_taken_and_closed_by_keys_and_without_script(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", java_script_enabled=False)
        await page.goto(f"{url}/desk/")
        row = page.locator(".kid", has_text="Mia Castellane")
        await row.get_by_role("button", name="I'll take it").press("Enter")
        await expect(page.locator("#has-it")).to_contain_text("With you until")
        await page.get_by_role("radio", name="Spoken to").press("Space")
        await page.get_by_label("How do you know?").fill("She called from the bus.")
        await page.get_by_role("button", name="Close the alert").press("Enter")
        await expect(page.locator(".lead")).to_contain_text("Spoken to. Closed by Tom Verhoeven")
        await page.get_by_role("link", name="Board").first.press("Enter")
        unheard = page.locator(".kid.is-unheard", has_text="Mia Castellane")
        await expect(unheard).to_contain_text("Has never answered")


@ON_SQLITE
async def test_missing_is_one_tap_from_the_menu_of_a_row_and_one_from_there(cast: Cast) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=360, height=740, has_touch=True)
        await page.goto(f"{url}/desk/")
        row = page.locator(".kid", has_text="Mia Castellane")
        await row.locator("summary").tap()
        await row.get_by_role("link", name="I think this child is missing").tap()
        await page.get_by_role("button", name="Yes, call everyone now").tap()
        await expect(page.locator(".lead")).to_contain_text("Reported missing")
