"""A roll call that was tapped at a front desk without a network: it waits there, without names."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, Route, expect

from server.inbound.models import FrontDesk
from server.watch.models import RollCallWord
from tests.browser.opened import ON_SQLITE, chromium, desk
from tests.browser.test_front_roll_call import TABLET, front_desk, open_it, works_for_mia
from tests.browser.test_roll_call import AMIRA, counted, twelve
from tests.cast import Cast
from tests.desk import scenes

pytestmark = pytest.mark.browser

KEPT = "localStorage.getItem('front-roll-call') ?? ''"
SENT = "**/front/roll-call"
# Five minutes are over in the page.
LATER = """() => {
  const real = Date.now; Date.now = () => real() + 301000;
  window.dispatchEvent(new Event('focus'));
}"""
# A browser whose storage is full, or that keeps nothing.
STORES_NOTHING = """Storage.prototype.setItem = () => {
  throw new DOMException('', 'QuotaExceededError');
};"""


@asynccontextmanager
async def opened_offline(cast: Cast, script: str = "") -> AsyncIterator[Page]:
    """The sheet of a home with thirteen children, open to Sam at its front desk, and then without a
    network. `script`: what makes the browser another one."""
    await twelve(cast, "sam")
    await works_for_mia(cast)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "nobody", **TABLET)
        await front_desk(cast, page, url)
        await page.add_init_script(script)
        await open_it(page, url)
        await page.context.set_offline(True)
        yield page


async def _away(route: Route) -> None:
    """What a proxy answers while the server is restarted."""
    if route.request.method == "POST":
        await route.fulfill(status=503)
    else:
        await route.continue_()


@ON_SQLITE
@pytest.mark.parametrize("is_turned_off", [False, True], ids=["stays on", "is turned off"])
async def test_what_was_tapped_offline_is_sent_after_the_names_have_gone(
    cast: Cast, is_turned_off: bool
) -> None:
    async with opened_offline(cast) as page:
        await page.get_by_role("group", name=AMIRA).locator(".away").tap()
        await page.get_by_role("button", name="Send: 12 here, 1 not here").tap()
        says = page.locator("[data-unsent=away]")
        await expect(says).to_be_visible()
        await expect(says).to_contain_text("Your answers are kept on this device")
        kept = await page.evaluate(KEPT)
        assert "not_here" in kept
        assert not any(name in kept for name in (AMIRA, AMIRA.split()[0], "Castellane"))
        await page.evaluate(LATER)
        await expect(page.get_by_text("Your answers are kept on this device")).to_be_visible()
        assert AMIRA not in await page.content()
        await FrontDesk.all().update(unlocked_by=None, unlocked_until=None, unlock_hash=None)
        await page.context.set_offline(False)
        if is_turned_off:
            await page.goto(page.url)
        await expect(page.get_by_text("Thank you. We have it.")).to_be_visible()
        assert await page.evaluate(KEPT) == ""
    assert await counted() == {"here": 12, "not_here": 1}
    assert {row.by_id for row in await RollCallWord.all()} == {cast.sam.id}


@ON_SQLITE
async def test_what_was_kept_leaves_the_store_when_the_server_leads_on_and_not_before(
    cast: Cast,
) -> None:
    async with opened_offline(cast) as page:
        await page.get_by_role("button", name="All here").tap()
        await expect(page.locator("[data-unsent=away]")).to_be_visible()
        kept = await page.evaluate(KEPT)
        assert kept.count("ticket=") == 1
        # Of another roll call at this device: it has a ticket of its own, and waits for its turn.
        other = "ticket=another&word-1=here"
        await page.evaluate(
            """(other) => localStorage.setItem('front-roll-call',
            JSON.stringify([other, ...JSON.parse(localStorage.getItem('front-roll-call'))]))""",
            other,
        )
        await page.route(SENT, _away)
        async with page.expect_response(SENT) as answered:
            await page.context.set_offline(False)
        assert (await answered.value).status == 503
        await expect(page.locator("[data-unsent=away]")).to_be_visible()
        assert json.loads(await page.evaluate(KEPT)) == [other, *json.loads(kept)]
        await page.unroute(SENT)
        await page.route(f"{SENT}/late", _away)
        await page.get_by_role("button", name="All here").tap()
        await expect(page.get_by_text("Thank you. We have it.")).to_be_visible()
        assert json.loads(await page.evaluate(KEPT)) == [other]
    assert await counted() == {"here": 13}


@ON_SQLITE
async def test_where_the_server_leads_on_because_it_is_late_what_was_kept_stays_until_it_is_taken(
    cast: Cast,
) -> None:
    async with opened_offline(cast) as page:
        await page.get_by_role("button", name="All here").tap()
        await expect(page.locator("[data-unsent=away]")).to_be_visible()
        kept = await page.evaluate(KEPT)
        await page.add_init_script(f"window.found = {KEPT}")
        await FrontDesk.all().update(unlocked_by=None, unlocked_until=None, unlock_hash=None)
        async with page.expect_request(f"{SENT}/late") as sent:
            await page.context.set_offline(False)
        assert (await sent.value).post_data == json.loads(kept)[0]
        await expect(page.get_by_text("Thank you. We have it.")).to_be_visible()
        assert await page.evaluate("window.found") == ""
    assert await counted() == {"here": 13}


@ON_SQLITE
async def test_where_the_browser_stores_nothing_it_is_said_and_the_page_itself_sends(
    cast: Cast,
) -> None:
    async with opened_offline(cast, STORES_NOTHING) as page:
        await page.get_by_role("group", name=AMIRA).locator(".away").tap()
        await page.get_by_role("button", name="Send: 12 here, 1 not here").tap()
        says = page.get_by_text("this device can't store your answers")
        await expect(says).to_be_visible()
        await expect(page.get_by_text("kept on this device")).to_be_hidden()
        await page.evaluate(LATER)
        await expect(says).to_be_visible()
        await expect(page.get_by_text("kept on this device")).to_be_hidden()
        assert AMIRA not in await page.content()
        await FrontDesk.all().update(unlocked_by=None, unlocked_until=None, unlock_hash=None)
        await page.context.set_offline(False)
        await expect(page.get_by_text("Thank you. We have it.")).to_be_visible()
        assert await page.evaluate(KEPT) == ""
    assert await counted() == {"here": 12, "not_here": 1}
