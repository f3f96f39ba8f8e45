"""From the push to the deed: taps counted on a phone, and what bad weather leaves in the form."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from server.alerts.ladder import Outcome
from server.alerts.models import Alert, Attempt
from server.audit.actions import SYSTEM
from server.auth.models import Session
from server.missing.search.models import Episode
from server.people import actions as people
from server.people.models import Home
from server.watch import watch_alerts
from tests.browser.opened import ON_SQLITE, chromium, desk
from tests.cast import Cast
from tests.desk import scenes
from tests.desk.walking import at, run_until

pytestmark = pytest.mark.browser

# What a thumb meets at the middle of the element, where the page stands now.
ON_TOP = """element => {
  const box = element.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return element.contains(top);
}"""


class Thumb:
    """A thumb on a phone: it counts its taps, and taps only what is there without opening more."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.taps = 0

    async def tap(self, what: Locator) -> None:
        self.taps += 1
        await what.tap()


async def pushed(cast: Cast) -> Alert:
    """Mia's silence, called to Tom; the home has a number."""
    home_id = cast.children["mia"].home_id
    await Home.filter(id=home_id).update(phone="+33 1 40 00 00 01")
    await run_until(cast, at(19, 50))
    return await Alert.get(child_id=cast.mia.id, closed_at__isnull=True)


@ON_SQLITE
async def test_from_the_push_every_deed_is_one_or_two_taps(cast: Cast) -> None:
    alert = await pushed(cast)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=360, height=740, has_touch=True)

        async def opened() -> Thumb:
            await page.goto(f"{url}/desk/alerts/{alert.id}")  # Where the push leads.
            return Thumb(page)

        # To call the home: the numbers, the number.
        thumb = await opened()
        await thumb.tap(page.get_by_role("link", name="Show the numbers"))
        number = page.get_by_role("link", name=re.compile("Call The house"))
        await expect(number).to_have_attribute("href", "tel:+33140000001")
        assert thumb.taps + 1 == 2

        # To log it: what was tried, what came of it.
        thumb = await opened()
        await thumb.tap(page.locator("[name=tried][value='call:home']"))
        await thumb.tap(page.get_by_role("button", name="No answer"))
        await expect(page.locator(".saved")).to_contain_text("Saved.")
        assert (thumb.taps, await Attempt.all().count()) == (2, 1)

        # The page for the police: it is a link of this page, and prints from there.
        thumb = await opened()
        paper = page.get_by_role("link", name="One page for the police (PDF)")
        answer = await page.request.get(f"{url}{await paper.get_attribute('href')}")
        assert answer.headers["content-type"] == "application/pdf"
        assert thumb.taps + 1 <= 2

        # To take it: the button is in sight, without moving the page.
        thumb = await opened()
        take = page.get_by_role("button", name="I'll take it")
        await expect(take).to_be_in_viewport(ratio=1)
        assert await take.evaluate(ON_TOP), "the bar of the phone covers the button"
        await thumb.tap(take)
        await expect(page.locator("#has-it")).to_contain_text("With you until")
        assert thumb.taps == 1

        # To report missing: everyone is called.
        thumb = await opened()
        await thumb.tap(page.get_by_role("link", name="Report missing"))
        await thumb.tap(page.get_by_role("button", name="Yes, call everyone now"))
        await expect(page.locator(".lead")).to_contain_text("Reported missing")
        assert (thumb.taps, await Episode.all().count()) == (2, 1)


@ON_SQLITE
async def test_without_a_connection_the_form_stays_and_says_so_and_then_it_is_sent_once(
    cast: Cast,
) -> None:
    alert = await pushed(cast)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=360, height=740, has_touch=True)
        await page.goto(f"{url}/desk/alerts/{alert.id}")
        await page.locator("[name=tried][value='visit:school']").check()
        await page.get_by_text("Add a line, or another time").click()
        await page.get_by_label("One line (optional)").fill("The gate was shut.")
        await page.context.set_offline(True)
        await page.get_by_role("button", name="No answer").click()
        await expect(page.get_by_role("alert")).to_contain_text("Not sent")
        await expect(page.get_by_label("One line (optional)")).to_have_value("The gate was shut.")
        await page.context.set_offline(False)
        await page.get_by_role("button", name="No answer").click()
        await expect(page.locator(".saved")).to_contain_text("Saved.")
        await expect(page.locator("#tried")).to_contain_text("The gate was shut.")
    assert await Attempt.all().count() == 1


@ON_SQLITE
async def test_news_of_others_changes_the_page_and_leaves_the_form_alone(cast: Cast) -> None:
    alert = await pushed(cast)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=360, height=740, has_touch=True)
        await page.goto(f"{url}/desk/alerts/{alert.id}")
        await page.locator("[name=tried][value='call:child']").check()
        await page.get_by_text("Add a line, or another time").click()
        await page.get_by_label("One line (optional)").fill("It rings and")
        async with cast.client_as("ines") as ines:
            await cast.new_token("ines")
            ines.headers["authorization"] = f"Bearer {cast.tokens['ines']}"
            body = {
                "id": str(alert.id),
                "way": "call",
                "target": "school",
                "result": "no_answer",
                "words": "Closed until eight.",
            }
            await ines.post(f"/api/v1/alerts/{alert.id}/attempts", json=body)
            await ines.post(f"/api/v1/alerts/{alert.id}/acknowledge", json={})
        await expect(page.locator("#has-it")).to_contain_text("With Ines Quintanar")
        await expect(page.locator("#tried")).to_contain_text("Closed until eight.")
        await expect(page.get_by_role("button", name="I'll take it")).to_have_count(0)
        await expect(page.get_by_label("One line (optional)")).to_have_value("It rings and")
        await expect(page.locator("[name=tried][value='call:child']")).to_be_checked()


async def write_a_line(page: Page, words: str) -> Locator:
    """The line of the form that logs an attempt, filled and not sent."""
    await page.locator("[name=tried][value='visit:school']").check()
    await page.get_by_text("Add a line, or another time").click()
    line = page.get_by_label("One line (optional)")
    await line.fill(words)
    return line


@ON_SQLITE
async def test_a_session_that_ends_while_one_writes_costs_no_word(cast: Cast) -> None:
    alert = await pushed(cast)
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=360, height=740, has_touch=True)
        await page.goto(f"{url}/desk/alerts/{alert.id}")
        line = await write_a_line(page, "The gate was shut.")
        await Session.filter(person_id=cast.tom.id).delete()
        await page.evaluate("dispatchEvent(new Event('online'))")  # The page asks for news.
        # What may no longer be seen goes; what was written stays.
        await expect(page.get_by_role("heading", name="What we know")).to_have_count(0)
        await expect(line).to_have_value("The gate was shut.")
        await page.get_by_role("button", name="No answer").click()
        await expect(page.get_by_role("alert")).to_contain_text("you are no longer signed in")
        token = await cast.new_token("tom")
        await page.context.add_cookies([{"name": "s", "value": token, "url": url}])
        await page.get_by_role("button", name="No answer").click()
        await page.wait_for_url("**?done=logged")
        await expect(page.locator("#tried")).to_contain_text("The gate was shut.")
    assert await Attempt.all().count() == 1


@ON_SQLITE
async def test_an_alert_that_is_closed_while_a_called_deputy_writes_keeps_their_line(
    cast: Cast,
) -> None:
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.eve.id, cast.clock())
    alert = await pushed(cast)
    await run_until(cast, at(20, 20))
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "eve", width=360, height=740, has_touch=True)
        await page.goto(f"{url}/desk/alerts/{alert.id}")
        line = await write_a_line(page, "Nobody at the school.")
        await watch_alerts.close_alert(
            cast.actor("tom"), alert.id, Outcome.SEEN, "At home.", cast.clock()
        )
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.get_by_role("heading", name="Who we call")).to_have_count(0)
        await expect(line).to_have_value("Nobody at the school.")
        await page.get_by_role("button", name="No answer").click()
        await expect(page.locator(".saved")).to_contain_text("What you tried is logged")
    assert await Attempt.all().count() == 1


@ON_SQLITE
async def test_a_search_a_seen_child_and_a_flag_wait_for_the_connection(cast: Cast) -> None:
    await pushed(cast)
    mia = f"/desk/children/{cast.mia.id}"
    async with scenes.serving(cast) as url, chromium() as browser:
        page = await desk(cast, browser, url, "tom", width=360, height=740, has_touch=True)
        for path, label, button, words in (
            (f"{mia}/flags", "What has to be done?", "Add the flag", "Ask about the letter."),
            (
                f"{mia}/missing",
                "What makes you think",
                "Yes, call everyone now",
                "The bed is cold.",
            ),
            (f"{mia}/found", "How is the child?", "Confirm the child was seen", "Tired, well."),
        ):
            await page.goto(url + path)
            field = page.get_by_label(label)
            await field.fill(words)
            if path.endswith("/found"):
                await page.get_by_label("Where?").fill("At the station.")
            await page.context.set_offline(True)
            await page.get_by_role("button", name=button).click()
            await expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("Not sent")
            await expect(field).to_have_value(words)
            await page.context.set_offline(False)
            if "flags" not in path:
                await page.get_by_role("button", name=button).click()
                await page.wait_for_url("**/desk/episodes/*")
    assert await Episode.filter(found_at__isnull=True).count() == 0
    assert await Episode.all().count() == 1
