"""A roll call of twelve children: on a phone, by two people at once, offline, without a script."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest
from playwright.async_api import expect

from server.people.actions import set_language
from server.people.models import Child
from server.roll_calls import actions
from server.roll_calls.models import RollCall
from server.watch.models import RollCallWord
from tests.browser.opened import ON_SQLITE, chromium, desk
from tests.cast import Cast
from tests.desk import scenes
from tests.roll_calls.homes import latest, tick

pytestmark = pytest.mark.browser

AMIRA, BILAL, CHIARA = "Amira A.", "Bilal A.", "Chiara A."
PHONE: dict[str, Any] = {"width": 360, "height": 740, "has_touch": True}


async def twelve(cast: Cast, *workers: str) -> str:
    """A home of twelve whose roll call is open; the path of its page."""
    await Child.filter(home_id=cast.home.id).update(home_id=None)
    await scenes.crowd(cast, 12)
    root, home = cast.actor("root"), cast.home.id
    for name in workers:
        await set_language(cast.actor(name), cast.persons[name].id, "en", cast.clock())
        await actions.add_worker(root, home, cast.persons[name].id, cast.clock())
    await actions.set_times(root, home, ("13:30",), cast.clock())
    await tick(cast.clock())
    await tick(cast.clock.advance(minutes=30))
    return f"/desk/homes/{home}/roll-call"


async def counted() -> dict[str, int]:
    """How many rows there are of each word."""
    words = await RollCallWord.all().values_list("word", flat=True)
    return {str(word): words.count(word) for word in words}


@ON_SQLITE
async def test_twelve_children_with_two_away_take_three_taps_and_ten_seconds(cast: Cast) -> None:
    path = await twelve(cast, "sam")
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "sam", **PHONE)
        begin = perf_counter()
        await page.goto(url + path)
        await expect(page.get_by_role("button", name="All here")).to_be_in_viewport()
        for name in (AMIRA, BILAL):
            await page.get_by_role("group", name=name).locator(".away").tap()
        await page.get_by_role("button", name="Send: 10 here, 2 not here").tap()
        await expect(page.locator(".lead")).to_contain_text("10 here, 2 not here.")
        took = perf_counter() - begin
    assert took <= 10
    assert await counted() == {"here": 10, "not_here": 2}
    assert (await latest(cast)).state == "done"


@ON_SQLITE
async def test_a_tap_is_taken_back_by_a_second_one_and_a_reason_has_an_end(cast: Cast) -> None:
    path = await twelve(cast, "sam")
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "sam", **PHONE)
        await page.goto(url + path)
        away = page.get_by_role("group", name=AMIRA).locator(".away")
        await away.tap()
        await expect(page.get_by_role("button", name="Send: 11 here, 1 not here")).to_be_visible()
        await away.tap()
        await expect(page.get_by_role("button", name="All here")).to_be_visible()
        chiara = page.get_by_role("group", name=CHIARA)
        await chiara.locator("summary").tap()
        await chiara.get_by_role("radio", name="With permission").tap()
        await chiara.get_by_role("radio", name="22:00").tap()
        bilal = page.get_by_role("group", name=BILAL)
        await bilal.locator("summary").press("Enter")
        await bilal.get_by_role("radio", name="Don't know").press("Space")
        await page.get_by_role("button", name="Send: 10 here, 1 with permission, 1 unknown").tap()
        await expect(page.locator(".lead")).to_contain_text("10 here, 1 with permission, 1 unknown")
        shown = page.locator(".said-row", has_text=CHIARA)
        await expect(shown).to_contain_text("Away with permission until 22:00")


@ON_SQLITE
async def test_two_people_at_once_are_both_heard_and_both_read_it(cast: Cast) -> None:
    path = await twelve(cast, "sam", "tom")
    async with scenes.serving(cast) as url, chromium() as browser:
        sam = await desk(cast, browser, url, "sam", **PHONE)
        tom = await desk(cast, browser, url, "tom", **PHONE)
        for page in (sam, tom):
            await page.goto(url + path)
        await sam.get_by_role("group", name=AMIRA).locator(".away").tap()
        await sam.get_by_role("button", name="Send: 11 here, 1 not here").tap()
        await expect(sam.locator(".lead")).to_contain_text("11 here, 1 not here")
        await tom.get_by_role("button", name="All here").tap()
        await expect(tom.locator(".lead")).to_contain_text("11 here, 1 not here")
        await sam.reload()
        for page in (sam, tom):
            amira = page.locator(".said-row", has_text=AMIRA)
            for words in ("Sam Oyelaran", "Tom Verhoeven", "These answers differ"):
                await expect(amira).to_contain_text(words)


@ON_SQLITE
async def test_offline_it_keeps_the_answer_says_so_and_sends_it_by_itself_later(
    cast: Cast,
) -> None:
    path = await twelve(cast, "sam")
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "sam", **PHONE)
        await page.goto(url + path)
        await page.context.set_offline(True)
        await page.get_by_role("group", name=AMIRA).locator(".away").tap()
        await page.get_by_role("button", name="Send: 11 here, 1 not here").tap()
        await expect(page.locator("[data-unsent=away]")).to_be_visible()
        await expect(page.get_by_role("button", name="Send: 11 here, 1 not here")).to_be_visible()
        said_at = cast.clock()
        cast.clock.advance(minutes=50)
        await page.context.set_offline(False)
        await expect(page.locator(".lead")).to_contain_text("11 here, 1 not here")
    assert await counted() == {"here": 11, "not_here": 1}
    call = await RollCall.get(id=(await latest(cast)).id)
    assert call.done_at == cast.clock()
    [away] = await RollCallWord.filter(word="not_here")
    assert (away.said_at - said_at).total_seconds() < 30


@ON_SQLITE
async def test_without_a_script_the_same_form_does_the_same(cast: Cast) -> None:
    path = await twelve(cast, "sam")
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "sam", java_script_enabled=False)
        await page.goto(url + path)
        await page.get_by_role("group", name=AMIRA).locator(".away").click()
        bilal = page.get_by_role("group", name=BILAL)
        await bilal.locator("summary").click()
        await bilal.get_by_role("radio", name="At school").click()
        await page.get_by_role("button", name="Send: everyone else is here").click()
        await expect(page.locator(".lead")).to_contain_text(
            "10 here, 1 not here, 1 with permission"
        )
    assert await counted() == {"here": 10, "not_here": 1, "excused": 1}
