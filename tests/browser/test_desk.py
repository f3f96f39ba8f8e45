"""The desk in a real Chromium: every page readable, reachable, never sideways, and live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from server import i18n
from server.alerts import actions as alerts
from server.alerts.attempt_rules import Result, Target, Tried, Way
from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.checkin import actions as checkin
from server.checkin.rules import Answer, Want
from server.inbound import cards, links
from server.missing.profile import actions
from server.missing.profile.photos import actions as photos
from server.missing.profile.photos.actions import NewPhoto
from server.missing.profile.rules import Shows
from server.notify.addresses import AddAddress, add_address
from server.people.actions import set_language
from server.people.models import Child
from server.people.rules import Role
from server.plan.goal_templates import actions as template_actions
from server.plan.goal_templates.rules import Offer, Step
from server.security import encryption
from server.storage.db import write
from server.watch import watch_alerts
from server.watch.carer.models import Question
from server.watch.models import Watch
from server.watch.signals import observations
from server.watch.ticking import beat
from tests.browser import further, rest
from tests.browser.keys import walked
from tests.cast import Cast
from tests.desk import scenes
from tests.desk.walking import at, run_until
from tests.missing.pictures import as_bytes, drawn
from tests.pwa.conftest import ARGUMENTS, AXE, CHROMIUM, LOCALES

pytestmark = pytest.mark.browser

ON_SQLITE = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)


TWICE = "--blink-settings=defaultFontSize=32"


@asynccontextmanager
async def chromium(*settings: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, *settings]
        )
        yield browser
        await browser.close()


async def desk(
    cast: Cast,
    browser: Browser,
    url: str,
    name: str,
    *,
    language: str = "en",
    scheme: Any = "light",
    width: int = 1280,
    height: int = 800,
    **more: Any,
) -> Page:
    """A page in which a person has signed in, with a language, a scheme and a size. `nobody` has
    not."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        locale=LOCALES[language],
        reduced_motion="reduce",
        **more,
    )
    if name != "nobody":
        await set_language(cast.actor(name), cast.persons[name].id, language, cast.clock())
        token = await cast.new_token(name)
        await context.add_cookies([{"name": "s", "value": token, "url": url}])
    return await context.new_page()


async def tried_often(cast: Cast, alert: Alert) -> None:
    """More attempts than the page shows at once, the last of which reached the child."""
    for _ in range(8):
        nothing = Tried(
            uuid4(), Way.CALL, Target.HOME, Result.NO_ANSWER, "They do not answer. " * 9
        )
        await watch_alerts.log_attempt(cast.actor("tom"), alert.id, nothing, cast.clock())
    voice = Tried(uuid4(), Way.CALL, Target.CHILD, Result.REACHED, "With a friend.")
    await watch_alerts.log_attempt(cast.actor("ines"), alert.id, voice, cast.clock())


async def stage(cast: Cast) -> dict[str, tuple[str, str]]:
    """Something in every standing; each page by its name, and who looks at it."""
    mia = f"/desk/children/{cast.mia.id}"
    await run_until(cast, at(19, 50))
    said = Answer(uuid4(), cast.clock(), mood=2, note="Tired.", want=Want.TALK)
    await checkin.record(cast.actor("noor"), Role.CHILD, cast.noor.id, said, cast.clock())
    await scenes.crowd(cast, 24)
    await add_address(
        cast.actor("tom"),
        cast.tom.id,
        AddAddress(channel="email", value="tom@example.org"),
        cast.clock(),
    )
    alert = await Alert.get(child_id=cast.mia.id)
    closed = await Alert.get(child_id=cast.noor.id, cause="silence")
    await watch_alerts.close_alert(
        cast.actor("ines"), closed.id, alerts.Outcome.SEEN, "At school.", cast.clock()
    )
    watch = await Watch.get(child_id=cast.noor.id)
    async with write():
        reached = await watch_alerts.call_adults(
            cast.actor("noor"), watch, Cause.HELP, uuid4(), cast.clock()
        )
    await tried_often(cast, reached)
    await beat("tick", at(19, 30))
    tom, kid = cast.actor("tom"), cast.children["mia"]
    link = await links.make(tom, kid, 7, uuid4(), cast.clock())
    await cards.make(tom, kid, "4829", cast.clock())
    steps = (Step("Find a place " * 9, "agency", 30),)
    offer = Offer("education", "en", 12, 17, "I want to learn. " * 9, None, None, steps)
    ours, now = cast.agency.id, cast.clock()
    for template_id in (template := uuid4(), retired := uuid4()):
        await template_actions.add(cast.actor("ines"), ours, template_id, offer, now)
    await template_actions.retire(cast.actor("ines"), ours, retired, now)
    for sign in ("packed_bag", "unexplained_things"):
        await observations.note(
            cast.actor("tom"),
            cast.children["noor"],
            Role.CASEWORKER,
            observations.ObservationRequest(uuid4(), sign, words="Under the bed. " * 9),
            now,
        )
    question = await Question.get(child_id=cast.mia.id)
    token = encryption.sign(str(question.id), "question", until=question.expires_at)
    alerted = f"/desk/children/{alert.child_id}"
    called = await Child.get(id=alert.child_id)
    long = {
        "handles": "a_name_that_does_not_break_" * 9,
        "frightens": "حتى الصباح",
        "hair": "red",
    }
    await actions.put(
        cast.actor("tom"), called, [Role.CASEWORKER], base=0, given=long, now=cast.clock()
    )
    await photos.add(
        cast.actor("tom"), called, as_bytes(drawn()), NewPhoto(uuid4(), Shows.FACE), cast.clock()
    )
    return {
        "board": ("tom", "/desk/"),
        "filtered": ("tom", "/desk/?level=high&whose=mine"),
        "opened": ("tom", "/desk/?open=none&more=well:100"),
        "filter": ("ines", "/desk/filter"),
        "load": ("ines", "/desk/load"),
        "load of one": ("ines", f"/desk/load/{cast.tom.id}"),
        "rounds": ("tom", "/desk/rounds"),
        "away": ("tom", "/desk/away"),
        "alert": ("tom", f"/desk/alerts/{alert.id}"),
        "numbers": ("tom", f"/desk/alerts/{alert.id}/numbers"),
        "contacted": ("tom", f"/desk/alerts/{reached.id}/numbers?done=contacted"),
        "together": ("tom", f"/desk/alerts/{alert.id}/together"),
        "closed": ("tom", f"/desk/alerts/{closed.id}"),
        "child": ("tom", f"/desk/children/{cast.noor.id}"),
        "rhythm": ("tom", f"{mia}/rhythm"),
        "tier": ("tom", f"{mia}/tier"),
        "pauses": ("tom", f"{mia}/pauses"),
        "sighting": ("tom", f"{mia}/sighting"),
        "observation": ("tom", f"/desk/children/{cast.noor.id}/observation"),
        "missing": ("tom", f"{mia}/missing"),
        "check-in": ("tom", f"{mia}/check-in"),
        "new": ("tom", "/desk/children/new"),
        "test": ("tom", "/desk/test"),
        "settings": ("tom", "/desk/settings"),
        "second key": ("tom", "/desk/settings/second-key"),
        "again": ("tom", "/desk/again"),
        "sessions": ("tom", "/desk/settings/sessions"),
        "second keys": ("root", "/desk/people/second-keys"),
        "ties": ("tom", f"{mia}/ties"),
        "devices": ("tom", f"{mia}/devices"),
        "invite": ("tom", f"{mia}/invite"),
        "carer": ("sam", "/desk/"),
        "without app": ("tom", f"{mia}/without-app"),
        "link": ("tom", f"{mia}/without-app/links/{link.id}"),
        "card": ("tom", f"{mia}/without-app/card"),
        "front desks": ("sam", "/desk/front"),
        "any phone": ("tom", f"/c/{links.token_of(link)}"),
        "any phone, after a tap": ("tom", f"/c/{links.token_of(link)}?done=1"),
        "no front desk": ("tom", "/front"),
        "question": ("sam", f"/q/{token}"),
        "empty": ("eve", "/desk/"),
        "people": ("root", "/desk/people"),
        "templates": ("root", "/desk/templates"),
        "template": ("ines", f"/desk/templates/{template}"),
        "new template": ("root", "/desk/templates/new"),
        "policies": ("ines", "/desk/policies"),
        "policy": ("ines", "/desk/policies/new"),
        "replay": ("ines", "/desk/policies/replay"),
        "quality": ("ines", "/desk/quality"),
        "pack": ("tom", f"{alerted}/pack"),
        "group of the pack": ("tom", f"{alerted}/pack/group/own"),
        "at the time": ("tom", f"{alerted}/pack/group/now"),
        "photos of the pack": ("tom", f"{alerted}/pack/photos"),
        "versions of the pack": ("tom", f"{alerted}/pack/versions"),
        "last resort": ("root", "/desk/people/last-resort"),
        "last resort, to read": ("ines", "/desk/people/last-resort"),
        "own tasks": ("tom", "/desk/tasks"),
        "fault": ("tom", "/desk/nowhere"),
    }


async def each_page(
    cast: Cast, browser: Browser, url: str, pages: dict[str, tuple[str, str]], **how: Any
) -> AsyncIterator[tuple[str, Page]]:
    """Every page in turn."""
    tabs: dict[str, Page] = {}
    for name, (who, path) in pages.items():
        if who not in tabs:
            tabs[who] = await desk(cast, browser, url, who, **how)
        await tabs[who].goto(url + path, wait_until="load")
        if path.startswith("/desk/find#"):
            await tabs[who].locator("#q").fill(path.partition("#")[2])
            await tabs[who].locator("#q").press("Enter")
            await tabs[who].wait_for_url("**/desk/find?s=*", wait_until="load")
        if path.endswith("/project"):
            # Its screens come in the place of what the page shows while they load.
            await tabs[who].locator("#project h1").first.wait_for()
        yield name, tabs[who]


async def whole_stage(cast: Cast) -> dict[str, tuple[str, str]]:
    """Every page that there is."""
    return await stage(cast) | await further.pages(cast) | await rest.pages(cast)


@ON_SQLITE
@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark")])
async def test_axe_finds_nothing_on_any_page(cast: Cast, language: str, scheme: str) -> None:
    pages, found = await whole_stage(cast), {}
    async with scenes.serving(cast) as url, chromium() as browser:
        async for name, page in each_page(
            cast, browser, url, pages, language=language, scheme=scheme
        ):
            violations = (await Axe().run(page, options=AXE)).response["violations"]
            if violations:
                found[name] = [(v["id"], v["nodes"][0]["html"]) for v in violations]
            if left := await in_english(page, language):
                found[f"{name}, in English"] = left
    assert found == {}


async def in_english(page: Page, language: str) -> list[Any]:
    """What a page says in English that the catalog has in the reader's language. Some pages speak
    that of a child instead, and say so."""
    if await page.evaluate("document.documentElement.lang") != language:
        return []
    said = await page.evaluate(
        """() => [...document.querySelectorAll('main, header, title')].flatMap((one) => {
            const all = document.createTreeWalker(one, NodeFilter.SHOW_TEXT)
            const found = []
            while (all.nextNode())
                if (!all.currentNode.parentElement.closest('.said'))
                    found.push(all.currentNode.data.trim())
            return found
        })"""
    )
    return [text for text in said if " " in text and i18n.gettext(language, text) != text]


@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
async def test_no_page_scrolls_sideways_on_320_pixels(cast: Cast, language: str) -> None:
    """Nor where a reader has set the letters further apart (WCAG 1.4.12)."""
    pages, wrong = await whole_stage(cast), []
    async with scenes.serving(cast) as url, chromium() as browser:
        how = {"language": language, "width": 320, "height": 568}
        async for name, page in each_page(cast, browser, url, pages, **how):
            if await page.evaluate(IS_SIDEWAYS):
                wrong.append(name)
            await page.evaluate(SPACED)
            if await page.evaluate(IS_SIDEWAYS):
                wrong.append(f"{name}, spaced")
            wrong += [f"{name}: {html}" for html in await page.evaluate(CUT_OFF)]
    assert wrong == []


IS_SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"
SPACED = """() => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
        word-spacing: 0.16em !important } p { margin-block-end: 2em !important }`)
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
}"""
# Words that their box does not show; those for readers alone have a box of one pixel. What a
# picture shortens, the table beside it has whole.
CUT_OFF = """() => [...document.querySelectorAll('body *')]
    .filter((one) => one.checkVisibility() && !one.closest('svg, [aria-hidden="true"]'))
    .filter((one) => one.innerText?.trim())
    .filter((one) => {
        const style = getComputedStyle(one)
        const hides = (how) => how === 'hidden' || how === 'clip'
        const isCut = (hides(style.overflowX) && one.scrollWidth > one.clientWidth + 1)
            || (hides(style.overflowY) && one.scrollHeight > one.clientHeight + 1)
        return style.clipPath === 'none' && isCut
    })
    .map((one) => one.outerHTML.slice(0, 90))"""


@ON_SQLITE
async def test_no_page_scrolls_sideways_or_hides_a_word_at_twice_the_size_of_letters(
    cast: Cast,
) -> None:
    """As the settings of a browser make them: what goes by the width of a letter follows."""
    pages, wrong = await whole_stage(cast), []
    async with scenes.serving(cast) as url, chromium(TWICE) as browser:
        how = {"language": "fr", "width": 360, "height": 740}
        async for name, page in each_page(cast, browser, url, pages, **how):
            if await page.evaluate(IS_SIDEWAYS):
                wrong.append(name)
            wrong += [f"{name}: {html}" for html in await page.evaluate(CUT_OFF)]
    assert wrong == []


@ON_SQLITE
async def test_targets_are_large_enough_and_a_key_goes_past_the_head(cast: Cast) -> None:
    pages, small, unskipped = await whole_stage(cast), [], []
    async with scenes.serving(cast) as url, chromium() as browser:
        async for name, page in each_page(cast, browser, url, pages, width=360, height=740):
            # Links inside a sentence or a table are as high as its line; those that stand alone
            # are as high as a finger. So are the labels of what is chosen.
            boxes = await page.evaluate(
                """() => [...document.querySelectorAll(
                    'button, .button, summary, select, input:not([type=hidden], [type=radio],'
                    + '[type=checkbox]), .choice, .faces label, .top a, .low a, .tabs a,'
                    + '.crumbs a, .back a, .foot a, .name a')]
                    .filter((one) => one.checkVisibility())
                    .filter((one) => !one.closest('details:not([open]) ul'))
                    .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
                    .filter(([, box]) => Math.min(box.width, box.height) < 43.5)
                    .map(([html]) => html)"""
            )
            small += [(name, html) for html in boxes]
            await page.keyboard.press("Tab")
            if not await page.evaluate("document.activeElement.matches('.skip')"):
                unskipped.append(name)
    assert small == []
    assert unskipped == []


@ON_SQLITE
async def test_keys_reach_every_control_in_its_order_and_one_sees_where_one_is(cast: Cast) -> None:
    """Half of the pages on a phone, with the bar; the others at 400 %, where 1280 x 1024 pixels
    are 320 x 256."""
    first, more, found = await stage(cast), await further.pages(cast), {}
    sizes = ((more, 360, 740), (first | await rest.pages(cast), 320, 256))
    async with scenes.serving(cast) as url, chromium() as browser:
        for pages, width, height in sizes:
            async for name, page in each_page(
                cast, browser, url, pages, width=width, height=height
            ):
                if wrong := await walked(page):
                    found[name] = wrong
    assert found == {}


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
        await expect(page.locator(".kid.is-well", has_text="Mia Castellane")).to_be_visible()


@ON_SQLITE
async def test_missing_is_one_tap_from_the_menu_of_a_row_and_one_from_there(cast: Cast) -> None:
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=360, height=740, has_touch=True)
        await page.goto(f"{url}/desk/")
        row = page.locator(".kid", has_text="Mia Castellane")
        await row.locator("summary").tap()
        await row.get_by_role("link", name="I think this child is missing").tap()
        await page.get_by_role("button", name="Yes, call everyone now").tap()
        await expect(page.locator(".lead")).to_contain_text("Missing since")
