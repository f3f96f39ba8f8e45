"""The desk's script on a page of its own: live, and still where somebody is about to tap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from server.web.static_files import StaticFiles, app_files, built
from tests.pwa.conftest import CHROMIUM
from tests.pwa.double import POLICY, listening

pytestmark = pytest.mark.browser

# The other one has no notifications.
SHOWN_BY = CHROMIUM

PAGE = """<!doctype html><html lang="en"><head><title>({n}) Board</title>
<link rel="stylesheet" href="/desk/{release}.css">
<script type="module" src="{script}"></script></head><body>{head}
<div id="board" data-live>
  <p id="count">{n} need action</p>
  <ul>{rows}</ul>
  <details><summary>More</summary>menu</details>
</div>
<p id="news" hidden>The connection is lost.</p>
<div id="live" data-hx-sse:connect="/desk/live" hidden></div>
<section data-alarms data-key="BAAA">
  <p data-when="off">Off <button type="button" data-turn-on>Turn on</button></p>
  <p data-when="on" hidden>On</p>
  <p data-when="blocked" hidden>Blocked</p>
  <p data-when="impossible" hidden>Impossible</p>
  <p data-when="failed" hidden>Failed</p>
</section>
</body></html>"""


@dataclass
class Desk:
    """What the page shows next, and the news that is sent."""

    url: str = ""
    number: int = 1
    asked: int = 0
    news: list[str] = field(default_factory=list)
    is_away: bool = False
    head: str = ""
    release: int = 1
    is_out: bool = False  # The session has ended.

    def tell(self, number: int) -> None:
        self.number = number
        self.news.append("alert")


def application(desk: Desk) -> Starlette:
    async def board(request: Request) -> Response:
        desk.asked += 1
        if desk.is_out:
            return RedirectResponse("/", status_code=303)
        if desk.is_away:
            return Response(status_code=503)
        rows = "".join(
            f'<li id="r{n}"><button type="button">Take {n}</button></li>'
            for n in reversed(range(desk.number))
        )
        page = PAGE.format(
            n=desk.number,
            rows=rows,
            head=desk.head,
            script=built("src/desk.ts").script,
            release=desk.release,
        )
        return HTMLResponse(page, headers={"content-security-policy": POLICY})

    async def sign_in(request: Request) -> Response:
        return HTMLResponse("<title>Sign in</title>")

    async def style(request: Request) -> Response:
        return Response("", media_type="text/css")

    async def live(request: Request) -> Response:
        if desk.is_away:
            return Response(status_code=503)

        async def lines() -> AsyncIterator[str]:
            told = len(desk.news)
            yield ": here\n\n"
            while not desk.is_away:
                while told < len(desk.news):
                    yield f"event: {desk.news[told]}\ndata: {{}}\n\n"
                    told += 1
                await asyncio.sleep(0.02)

        return StreamingResponse(lines(), media_type="text/event-stream")

    class Whole:
        def __init__(self, app: StaticFiles) -> None:
            self.app = app

        async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
            await self.app(scope, receive, send)

    return Starlette(
        routes=[
            Route("/desk/", board),
            Route("/desk/live", live),
            Route("/desk/{release:int}.css", style),
            Route("/", sign_in),
            Mount("/app", Whole(StaticFiles(app_files()))),
        ]
    )


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    with listening(application(desk)) as url:
        desk.url = url
        yield desk
        desk.is_away = True


@pytest.fixture
def page(browser: Browser, desk: Desk) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(8_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on(
        "console",
        lambda said: faults.append(said.text) if "Security Policy" in said.text else None,
    )
    with page.expect_response("**/desk/live"):
        page.goto(desk.url + "/desk/")
    yield page
    context.close()
    assert faults == []


def test_news_change_the_board_in_place(desk: Desk, page: Page) -> None:
    page.evaluate("window.here = 1")
    desk.tell(3)
    page.get_by_text("3 need action").wait_for()
    expect(page.locator("li")).to_have_count(3)
    assert page.title() == "(3) Board"
    assert page.evaluate("window.here") == 1


def test_a_storm_of_news_asks_a_few_times_only(desk: Desk, page: Page) -> None:
    asked = desk.asked
    for number in range(2, 60):
        desk.tell(number)
    page.get_by_text("59 need action").wait_for()
    assert desk.asked - asked <= 3


def test_the_board_keeps_still_under_a_pointer_for_some_seconds_only(
    desk: Desk, page: Page
) -> None:
    page.locator("#r0").hover()
    desk.tell(3)
    page.wait_for_timeout(1_200)
    expect(page.get_by_text("1 need action")).to_be_visible()
    # The pointer still lies there, but nobody moves it.
    page.get_by_text("3 need action").wait_for()


def test_an_open_menu_is_not_closed_by_news(desk: Desk, page: Page) -> None:
    page.locator("summary").click()
    desk.tell(3)
    page.wait_for_timeout(3_500)
    assert page.locator("details").get_attribute("open") is not None


def test_a_focus_stays_where_it_is(desk: Desk, page: Page) -> None:
    page.locator("#r0 button").focus()
    desk.tell(3)
    page.get_by_text("3 need action").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Take 0"


def test_a_lost_connection_is_said_and_taken_back(desk: Desk, page: Page) -> None:
    assert page.locator("#news").is_hidden()
    desk.is_away = True
    page.locator("#news").wait_for(state="visible")
    desk.is_away = False
    page.locator("#news").wait_for(state="hidden", timeout=20_000)


def test_what_changed_meanwhile_is_there_before_the_page_looks_new_again(
    desk: Desk, page: Page
) -> None:
    desk.is_away = True
    page.locator("#news").wait_for(state="visible")
    desk.number = 3
    desk.is_away = False
    page.locator("#news").wait_for(state="hidden", timeout=20_000)
    assert page.locator("#count").inner_text() == "3 need action"


def test_without_network_the_page_says_so_at_once_and_comes_back(desk: Desk, page: Page) -> None:
    page.context.set_offline(True)
    page.locator("#news").wait_for(state="visible", timeout=1_000)
    desk.number = 4
    page.context.set_offline(False)
    page.get_by_text("4 need action").wait_for()
    page.locator("#news").wait_for(state="hidden")


def test_after_a_night_the_page_is_old_until_the_server_has_answered(
    desk: Desk, browser: Browser
) -> None:
    page = browser.new_page()
    page.clock.install()
    with page.expect_response("**/desk/live"):
        page.goto(desk.url + "/desk/")
    desk.is_away = True
    page.clock.fast_forward("09:00:00")
    page.locator("#news").wait_for(state="visible", timeout=3_000)
    desk.is_away, desk.number = False, 5
    page.clock.fast_forward("00:01:00")
    page.clock.fast_forward("00:00:20")
    page.get_by_text("5 need action").wait_for()
    page.locator("#news").wait_for(state="hidden")
    page.context.close()


def test_a_page_of_an_earlier_release_is_loaded_anew(desk: Desk, page: Page) -> None:
    page.evaluate("window.here = 1")
    desk.release = 2
    with page.expect_event("load"):
        desk.tell(2)
    page.get_by_text("2 need action").wait_for()
    assert page.evaluate("window.here") is None


LIST = "<select><option disabled>Choose</option><option>One</option><option>Two</option></select>"
MARKED = LIST.replace("<option>One", "<option selected>One")
WRITTEN: dict[str, tuple[str, bool, bool]] = {
    # What a form has, whether the second of a list is chosen in it, whether it is loaded anew.
    "a list as it came": (LIST, False, True),
    "a marked list as it came": (MARKED, False, True),
    "a list, chosen": (LIST, True, False),
    "a marked list, chosen": (MARKED, True, False),
    "words that came back refused": (
        '<textarea aria-invalid="true">Words</textarea>',
        False,
        False,
    ),
    "words that came back as they are": ("<textarea>Words</textarea>", False, True),
}


def test_a_page_of_an_earlier_release_stays_while_a_form_has_what_is_not_sent(
    desk: Desk, page: Page
) -> None:
    for name, (fields, is_chosen, is_anew) in WRITTEN.items():
        desk.head = f'<form action="/" data-keeps>{fields}</form>'
        with page.expect_response("**/desk/live"):
            page.goto(desk.url + "/desk/")
        if is_chosen:
            page.locator("form select").select_option("Two")
        page.evaluate("window.here = 1")
        asked, desk.release = desk.asked, desk.release + 1
        desk.tell(2)
        for _ in range(100):
            if desk.asked > asked + is_anew:
                break
            page.wait_for_timeout(50)
        if is_anew:
            page.wait_for_function("window.here !== 1")
        else:
            page.wait_for_timeout(100)
            assert page.evaluate("window.here") == 1, name


def test_a_page_whose_session_has_ended_leads_to_the_sign_in(desk: Desk, page: Page) -> None:
    desk.is_out = True
    desk.tell(2)
    page.wait_for_url(desk.url + "/")


def test_the_app_is_told_whether_a_person_is_signed_in_at_the_desk(desk: Desk, page: Page) -> None:
    here = "localStorage.getItem('desk-here')"
    page.evaluate("localStorage.setItem('desk-here', 'yes')")
    page.reload()  # A page without the places of the desk: nobody is signed in.
    page.wait_for_function(f"{here} === null")
    desk.head = '<header class="top"><nav></nav></header>'
    page.reload()
    page.wait_for_function(f"{here} === 'yes'")


def test_the_page_says_whether_alarms_are_on(page: Page) -> None:
    expect(page.locator("[data-when=off]")).to_be_visible()
    assert page.locator("[data-when=on]").is_hidden()
    # This browser cannot subscribe at all: what happened is said, the button stays away.
    page.get_by_role("button", name="Turn on").click()
    page.locator("[data-when=failed], [data-when=blocked]").locator("visible=true").wait_for()
