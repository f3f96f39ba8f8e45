"""The roll call at a front desk, and the short forms: what is tapped, and what stays there."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from server.inbound import cards, desk_pins
from server.people.models import Child
from server.roll_calls import kinds
from server.roll_calls.models import HomeWorker
from server.watch.models import RollCallWord
from tests.axe import violations_of
from tests.browser.opened import ON_SQLITE, chromium, desk
from tests.browser.test_roll_call import AMIRA, PHONE, counted, twelve
from tests.cast import Cast
from tests.desk import scenes
from tests.roll_calls.homes import asked

pytestmark = pytest.mark.browser

PIN = "4829"
TABLET: dict[str, Any] = {"width": 800, "height": 1280, "has_touch": True}


async def front_desk(cast: Cast, page: Page, url: str) -> None:
    """This browser is the shared device of the home, and Sam has a PIN for it."""
    now, home, sam = cast.clock(), cast.home.id, cast.actor("sam")
    token, _ = await cards.open_desk(sam, home, now)
    await desk_pins.set_pin(sam, home, PIN, now)
    cookie = {"name": "front", "value": token, "url": f"{url}/front", "httpOnly": True}
    await page.context.add_cookies([cookie])  # type: ignore[list-item]


async def open_it(page: Page, url: str) -> None:
    await page.goto(f"{url}/front")
    await page.get_by_role("link", name="Roll call").tap()
    await page.get_by_role("radio", name="Sam O.").check()
    await page.get_by_label("Your PIN").fill(PIN)
    await page.get_by_role("button", name="Open").tap()
    await expect(page.get_by_text("No name stays on this device.")).to_be_visible()


async def works_for_mia(cast: Cast) -> None:
    await Child.filter(id=cast.mia.id).update(home_id=cast.home.id)


@ON_SQLITE
@pytest.mark.parametrize("size", [PHONE, TABLET], ids=["phone", "tablet"])
async def test_at_the_shared_device_a_roll_call_is_done_and_nothing_of_it_stays(
    cast: Cast, size: dict[str, Any]
) -> None:
    await twelve(cast, "sam")
    await works_for_mia(cast)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "nobody", **size)
        await front_desk(cast, page, url)
        await open_it(page, url)
        if size is TABLET:  # On a phone the button that stays in reach covers a part of a row.
            assert await violations_of(page) == []
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        await page.get_by_role("group", name=AMIRA).locator(".away").tap()
        await page.get_by_role("button", name="Send: 12 here, 1 not here").tap()
        await expect(page.get_by_text("Thank you. We have it.")).to_be_visible()
        assert await violations_of(page) == []
        await page.go_back()
        await expect(page.get_by_role("heading", name="Roll call")).to_be_visible()
        assert AMIRA not in await page.content()
        stored = "JSON.stringify([{...localStorage}, {...sessionStorage}])"
        assert AMIRA not in await page.evaluate(stored)
    assert await counted() == {"here": 12, "not_here": 1}
    assert {row.by_id for row in await RollCallWord.all()} == {cast.sam.id}


@ON_SQLITE
async def test_offline_the_page_keeps_the_taps_and_sends_them_while_it_is_open(cast: Cast) -> None:
    await twelve(cast, "sam")
    await works_for_mia(cast)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "nobody", **PHONE)
        await front_desk(cast, page, url)
        await open_it(page, url)
        await page.context.set_offline(True)
        await page.get_by_role("button", name="All here").tap()
        await expect(page.locator("[data-unsent=away]")).to_be_visible()
        await page.context.set_offline(False)
        await expect(page.get_by_text("Thank you. We have it.")).to_be_visible()
        # A person who no longer works there is out, and the device is free for the children.
        await open_it(page, url)
        await HomeWorker.all().update(until_at=cast.clock())
        await page.get_by_role("button", name="Close now").tap()
        await expect(page.get_by_role("heading", name="Your card and your PIN")).to_be_visible()
    assert await counted() == {"here": 13}


@ON_SQLITE
async def test_a_foster_home_and_a_flat_answer_in_one_tap_also_offline(cast: Cast) -> None:
    await asked(cast)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "sam", **PHONE)
        path = f"{url}/desk/homes/{cast.home.id}/roll-call"
        await kinds.set_kind(cast.actor("root"), cast.home.id, "foster", cast.clock())
        await page.goto(path)
        assert await violations_of(page) == []
        await page.context.set_offline(True)
        await page.get_by_role("button", name="No, not here").first.tap()
        await expect(page.locator("[data-unsent=away]").first).to_be_visible()
        await page.context.set_offline(False)
        await expect(page.get_by_text("Thank you. We have it.")).to_be_visible()
        await page.get_by_role("button", name="Yes, here").tap()
        await expect(page.locator(".lead")).to_contain_text("1 here, 1 not here")
        await kinds.set_kind(cast.actor("root"), cast.home.id, "flat", cast.clock())
        cast.clock.advance(hours=1)
        await page.goto(path)
        assert await violations_of(page) == []
        await page.get_by_role("button", name="Nobody opened").first.tap()
        await expect(page.get_by_text("Thank you. We have it.")).to_be_visible()
    assert await counted() == {"not_here": 1, "here": 1, "unknown": 1}
