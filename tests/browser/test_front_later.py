"""A roll call that was tapped at a front desk without a network: it waits there, without names."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from server.inbound.models import FrontDesk
from server.watch.models import RollCallWord
from tests.browser.opened import ON_SQLITE, chromium, desk
from tests.browser.test_front_roll_call import TABLET, front_desk, open_it, works_for_mia
from tests.browser.test_roll_call import AMIRA, counted, twelve
from tests.cast import Cast
from tests.desk import scenes

pytestmark = pytest.mark.browser

KEPT = "localStorage.getItem('front-roll-call') ?? ''"
# Five minutes are over in the page.
LATER = """() => {
  const real = Date.now; Date.now = () => real() + 301000;
  window.dispatchEvent(new Event('focus'));
}"""


@ON_SQLITE
@pytest.mark.parametrize("is_turned_off", [False, True], ids=["stays on", "is turned off"])
async def test_what_was_tapped_offline_is_sent_after_the_names_have_gone(
    cast: Cast, is_turned_off: bool
) -> None:
    await twelve(cast, "sam")
    await works_for_mia(cast)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "nobody", **TABLET)
        await front_desk(cast, page, url)
        await open_it(page, url)
        await page.context.set_offline(True)
        await page.get_by_role("group", name=AMIRA).locator(".away").tap()
        await page.get_by_role("button", name="Send: 12 here, 1 not here").tap()
        says = page.locator("[data-unsent=away]")
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
            await page.goto(f"{url}/front/roll-call")
        await expect(page.get_by_text("Thank you. We have it.")).to_be_visible()
        assert await page.evaluate(KEPT) == ""
    assert await counted() == {"here": 12, "not_here": 1}
    assert {row.by_id for row in await RollCallWord.all()} == {cast.sam.id}
