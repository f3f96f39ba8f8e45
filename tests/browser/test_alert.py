"""From the push to the deed: taps counted on a phone, and what bad weather leaves in the form."""

from __future__ import annotations

import re

from playwright.async_api import Locator, Page, expect

from server.alerts.models import Alert, Attempt
from server.missing.search.models import Episode
from server.people.models import Home
from tests.browser.test_desk import ON_SQLITE, chromium, desk, pytestmark  # noqa: F401
from tests.cast import Cast
from tests.desk import scenes
from tests.desk.walking import at, run_until

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
        await expect(page.locator(".lead")).to_contain_text("Missing since")
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
