"""The life project inside the desk: two columns, addresses, offline, and after signing out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.axe import violations
from tests.browser.voices import Voice, child_at
from tests.fixtures_demo import DemoFolder
from tests.pwa.conftest import ARGUMENTS, DUMP, SHELL
from tests.pwa.demo import demo_agency

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def demo(demo_folder: DemoFolder) -> Iterator[dict[str, Any]]:
    with demo_agency(demo_folder()) as demo:
        yield demo


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=SHELL, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def noor(chromium: Browser, demo: dict[str, Any]) -> Iterator[Voice]:
    voice = child_at(chromium, demo)
    yield voice
    voice.phone.context.close()


@pytest.fixture
def desk(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=WIDE, locale="en-GB", timezone_id="Europe/Lisbon")
    context.set_default_timeout(10_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    yield page
    assert faults == []
    context.close()


def sign_in(page: Page, demo: dict[str, Any], who: str) -> None:
    page.goto(f"{demo['url']}/")
    page.fill("[name=name]", who)
    page.fill("[name=password]", demo["staff"][who]["password"])
    page.locator("form[action='/sign-in'] button").click()
    page.wait_for_url("**/desk/**")


def open_project(page: Page, demo: dict[str, Any], fragment: str = "") -> None:
    page.goto(f"{demo['url']}/desk/children/{demo['children']['noor']['id']}/project{fragment}")
    page.locator("#title").wait_for()
    expect(page.get_by_text("Loading the project…")).to_have_count(0)


def test_what_the_child_says_on_the_phone_appears_at_the_desk_and_eats_nothing(
    desk: Page, noor: Voice, demo: dict[str, Any]
) -> None:
    sign_in(desk, demo, "tom")
    open_project(desk, demo, "#talk")
    desk.locator("textarea").press_sequentially("How did the first")
    noor.wants("Language", "أن أقرأ رسالة وحدي")
    expect(desk.locator(".list .goal", has_text="أن أقرأ رسالة وحدي")).to_be_visible(timeout=8_000)
    desk.locator("textarea").press_sequentially(" lesson go?")
    expect(desk.locator("textarea")).to_have_value("How did the first lesson go?")
    desk.get_by_role("button", name="Send", exact=True).click()
    noor.talk()
    noor.sees("How did the first lesson go?", 8_000)

    # Both write about the same thing, and both versions stand side by side.
    goal = desk.locator(".list .goal", has_text="أن أقرأ رسالة وحدي")
    goal.click()
    desk.get_by_role("button", name="Add your own words").click()
    desk.locator("textarea").fill("Noor reads a letter alone.")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.locator(".voices.beside .voice")).to_have_count(2)
    expect(goal).to_have_attribute("aria-current", "true")


def test_each_place_has_an_address_of_ids_and_back_leads_back(
    desk: Page, demo: dict[str, Any]
) -> None:
    sign_in(desk, demo, "tom")
    open_project(desk, demo)
    assert desk.evaluate("document.activeElement === document.body")
    desk.locator(".list .goal").first.click()
    expect(desk.locator(".voices.beside")).to_be_visible()
    assert desk.evaluate("document.activeElement.shadowRoot.activeElement.id") == "title"
    place = desk.url
    assert "#goal=" in place
    words = desk.locator(".voices .own-words").first.inner_text()
    desk.locator(".list button.stone").first.click()
    desk.wait_for_url("**#step=*")
    desk.go_back()
    expect(desk.locator(".voices .own-words").first).to_have_text(words)
    desk.reload()
    expect(desk.locator(".voices .own-words").first).to_have_text(words)
    assert desk.url == place
    desk.go_back()
    expect(desk.locator("#title")).to_have_text("Overview")
    for fragment, title in (("#talk", "Messages"), ("#nonsense=<b>", "Overview")):
        open_project(desk, demo, fragment)
        expect(desk.locator("#title")).to_have_text(title)
    open_project(desk, demo, "#review")
    desk.wait_for_url("**#review=*")


def test_a_link_to_the_meeting_opens_it_where_the_project_was_never_opened(
    desk: Page, demo: dict[str, Any]
) -> None:
    """What has come first may lack it: the page waits for the rest."""
    sign_in(desk, demo, "tom")
    slow = {"latency": 150, "downloadThroughput": 100_000, "uploadThroughput": 50_000}
    line = desk.context.new_cdp_session(desk)
    line.send("Network.emulateNetworkConditions", {"offline": False, **slow})
    open_project(desk, demo, "#review")
    desk.wait_for_url("**#review=*")
    expect(desk.get_by_role("button", name="We met today")).to_be_visible()


def test_a_caseworker_asks_for_a_meeting_because_of_a_decision(
    desk: Page, demo: dict[str, Any]
) -> None:
    sign_in(desk, demo, "tom")
    open_project(desk, demo, "#new-review")
    cause = desk.get_by_role("button", name="Because of a decision", exact=True)
    # What they meet for by itself stays one tap.
    planned = desk.get_by_role("button", name="We look back together", exact=True)
    expect(planned).to_have_attribute("aria-pressed", "true")
    cause.click()
    desk.get_by_role("button", name="Next", exact=True).click()
    desk.locator("input[type=date]").fill("2099-01-02")
    desk.get_by_role("button", name="Save", exact=True).click()
    meeting = desk.locator("button, a", has_text="Because of a decision").first
    meeting.click()
    why = "The authorities have made a decision. What does it mean for this plan?"
    expect(desk.get_by_text(why)).to_be_visible()


def test_what_the_project_asks_for_uses_the_session_of_the_desk(
    desk: Page, demo: dict[str, Any]
) -> None:
    sign_in(desk, demo, "tom")
    open_project(desk, demo, "#talk")
    desk.wait_for_load_state("networkidle")
    desk.evaluate("localStorage.setItem('desk-used', '0')")
    with desk.expect_response(lambda answer: "/api/v1/" in answer.url and answer.ok):
        desk.locator("textarea").fill("Shall we look at the timetable?")
        desk.get_by_role("button", name="Send", exact=True).click()
    desk.wait_for_function("Number(localStorage.getItem('desk-used')) > 0")
    # A refusal may be of a session that has ended.
    for status, is_use in ((401, False), (200, True)):
        # In one breath: what the project asks for in between is a use as well.
        is_noted = desk.evaluate(
            """(status) => {
              localStorage.setItem("desk-used", "0");
              document.body.dispatchEvent(new CustomEvent("htmx:after:request", {
                bubbles: true,
                detail: { ctx: { response: { raw: new Response("", { status }) } } },
              }));
              return localStorage.getItem("desk-used") !== "0";
            }""",
            status,
        )
        assert is_noted == is_use


def test_without_a_network_words_wait_here_and_go_out_by_themselves(
    desk: Page, demo: dict[str, Any]
) -> None:
    sign_in(desk, demo, "tom")
    open_project(desk, demo, "#talk")
    desk.context.set_offline(True)
    desk.locator("textarea").fill("Written on the train")
    desk.get_by_role("button", name="Send", exact=True).click()
    expect(desk.get_by_text("No connection. What you wrote is saved")).to_be_visible()
    expect(desk.get_by_text("Saved on this device.", exact=True)).to_be_visible()
    assert violations(desk) == []
    desk.context.set_offline(False)
    expect(desk.get_by_text("No connection.")).to_have_count(0)
    expect(desk.get_by_text("Saved on this device.", exact=True)).to_have_count(0)


def test_signing_out_leaves_nothing_but_locked_words_which_ask_before_they_go(
    desk: Page, demo: dict[str, Any]
) -> None:
    sign_in(desk, demo, "tom")
    open_project(desk, demo, "#talk")
    # The server takes no words for a while; the desk itself still answers.
    desk.context.route("**/sync", lambda route: route.abort())
    desk.locator("textarea").fill("Not sent before I left")
    desk.get_by_role("button", name="Send", exact=True).click()
    expect(desk.get_by_text("Saved on this device.", exact=True)).to_be_visible()
    other = desk.context.new_page()
    other.goto(f"{demo['url']}/desk/settings")
    other.locator("form[action='/sign-out'] button").first.click()
    other.wait_for_url(f"{demo['url']}/")
    # The window that was open shows the front door as well.
    expect(desk.locator("form[action='/sign-in']")).to_be_visible()
    other.wait_for_function("localStorage.getItem('desk-left') === null")
    kept = other.evaluate(DUMP)
    assert "Not sent before I left" not in json.dumps(kept)
    assert [row["store"] for row in kept if row["store"] == "boxes"] == []

    sign_in(desk, demo, "ines")
    open_project(desk, demo, "#talk")
    expect(desk.get_by_text("Not sent before I left")).to_have_count(0)
    expect(desk.get_by_text("from before")).to_have_count(0)
    desk.goto(f"{demo['url']}/desk/settings")
    desk.locator("form[action='/sign-out'] button").first.click()
    desk.wait_for_url(f"{demo['url']}/")

    desk.context.unroute("**/sync")
    sign_in(desk, demo, "tom")
    open_project(desk, demo, "#talk")
    expect(desk.get_by_text("1 thing from before isn't sent yet. Send it now?")).to_be_visible()
    expect(desk.get_by_text("Send or delete it first. Then we load the project.")).to_be_visible()
    desk.get_by_role("button", name="Send", exact=True).first.click()
    expect(desk.get_by_text("from before")).to_have_count(0)
    expect(desk.locator(".voice", has_text="Not sent before I left")).to_contain_text("Received")


def test_a_supervisor_reads_and_sees_that_they_do_not_change_it(
    desk: Page, demo: dict[str, Any]
) -> None:
    sign_in(desk, demo, "ines")
    open_project(desk, demo)
    expect(desk.get_by_text("You can read this project.")).to_be_visible()
    expect(desk.get_by_role("button", name="Suggest a goal")).to_have_count(0)
    desk.locator(".list .goal").first.click()
    expect(desk.get_by_role("button", name="Change")).to_have_count(0)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_place_reads_well_beside_the_desks_own_heading(
    desk: Page, demo: dict[str, Any], size: Any
) -> None:
    sign_in(desk, demo, "tom")
    desk.set_viewport_size(size)
    open_project(desk, demo)
    expect(desk.locator(".list")).to_have_count(1 if size == WIDE else 0)
    desk.locator(".goal").first.wait_for()
    for fragment in ("", "#talk", "#agree", "#plan", "#houses", "#story", "#take", "#review"):
        open_project(desk, demo, fragment)
        desk.reload()
        desk.locator("#title").wait_for()
        assert violations(desk) == [], fragment
        # The headings of the screens are one level deeper than they say.
        expect(desk.locator("h1:not([aria-level])")).to_have_count(1)
        expect(desk.get_by_role("main")).to_have_count(1)
    desk.set_viewport_size({"width": 320, "height": 640})
    desk.wait_for_function("document.documentElement.scrollWidth <= 320")
