"""Child and caseworker make a project together: a real server, two phones, two languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.axe import violations
from tests.browser.voices import Voice, child_at, phone_of, worker_at
from tests.fixtures_demo import DemoFolder
from tests.plan.pdfs import text_of
from tests.pwa.conftest import ARGUMENTS, SHELL
from tests.pwa.demo import demo_agency

pytestmark = pytest.mark.browser


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
def faults() -> Iterator[list[str]]:
    found: list[str] = []
    yield found
    assert found == []


def _listen(page: Page, faults: list[str]) -> None:
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on(
        "console",
        lambda said: faults.append(said.text) if "Security Policy" in said.text else None,
    )


@pytest.fixture(scope="module")
def noor(chromium: Browser, demo: dict[str, Any], faults: list[str]) -> Iterator[Voice]:
    """Sixteen, reads Arabic."""
    voice = child_at(chromium, demo)
    _listen(voice.page, faults)
    yield voice
    voice.phone.context.close()


@pytest.fixture(scope="module")
def tom(chromium: Browser, demo: dict[str, Any], faults: list[str]) -> Iterator[Voice]:
    """Her caseworker."""
    voice = worker_at(chromium, demo)
    _listen(voice.page, faults)
    yield voice
    voice.phone.context.close()


def test_two_voices_make_one_plan_live_then_apart_and_then_decide_and_agree(
    noor: Voice, tom: Voice, demo: dict[str, Any], tmp_path: Path
) -> None:
    # Live: Noor says what she wants, and Tom sees it without doing anything.
    noor.wants("Language", "أريد أن أقرأ البرتغالية بلا مساعدة")
    tom.sees("أريد أن أقرأ البرتغالية بلا مساعدة", 3_000)
    assert tom.page.locator("html").get_attribute("dir") == "ltr"
    assert noor.page.locator("html").get_attribute("dir") == "rtl"

    # Tom puts his words beside hers, and promises something.
    tom.opens_goal("أريد أن أقرأ")
    tom.tap("Add your own words")
    tom.page.locator("textarea").fill("Noor reads a letter of the office by herself.")
    tom.tap("Save")
    tom.page.wait_for_selector(".voices")
    tom.tap("Add a step or a promise")
    tom.tap("You")
    tom.tap("Next")
    tom.page.locator("textarea").fill("Find an evening course near the flat")
    tom.tap("Next")
    tom.page.locator("main > .second").click()
    noor.sees("Find an evening course near the flat", 4_000)
    noor.page.screenshot(path=tmp_path / "live.png")

    # Apart: both write why it matters, neither sees the other.
    noor.phone.network(is_there=False)
    tom.phone.network(is_there=False)
    noor.opens_goal("أريد أن أقرأ")
    noor.writes("Why it matters", "كي لا أسأل أخي دائمًا")
    tom.opens_goal("أريد أن أقرأ")
    tom.writes("Why it matters", "She can go to school in spring.")
    noor.phone.network(is_there=True)
    tom.phone.network(is_there=True)
    noor.project()
    tom.project()
    for voice in (noor, tom):
        voice.page.locator(".banner", has_text=voice.says("See both")).wait_for()
        voice.tap("See both")
        voice.sees("كي لا أسأل أخي دائمًا")
        voice.sees("She can go to school in spring.")
        assert violations(voice.page) == []
        voice.page.screenshot(path=tmp_path / f"both-{voice.language}.png")

    # Noor decides, with both before her eyes; Tom sees it at once.
    noor.tap("Use mine")
    tom.sees("This is decided.", 4_000)
    tom.opens_goal("أريد أن أقرأ")
    tom.sees("كي لا أسأل أخي دائمًا")
    assert tom.page.get_by_text("She can go to school in spring.").count() <= 1

    # Both sign the same words, and they count.
    for voice in (noor, tom):
        voice.project()
        voice.page.locator(".row", has_text=voice.says("Read it and say yes or no")).click()
        voice.tap("I agree")
        voice.tap("Send my answer")
        voice.page.wait_for_selector(".pictures, .voice")
    for voice in (noor, tom):
        voice.project()
        voice.sees(voice.says("You have both agreed."), 6_000)
        voice.sees(voice.says("We agreed on this path"))
        assert violations(voice.page) == []
        voice.page.screenshot(path=tmp_path / f"agreed-{voice.language}.png")

    # And take it along, each in a language of their own.
    for voice, path in (
        (noor, "/api/v1"),
        (tom, f"/api/v1/children/{demo['children']['noor']['id']}"),
    ):
        paper = voice.phone.context.request.get(f"{demo['url']}{path}/project.pdf")
        assert paper.headers["content-type"] == "application/pdf"
        # On a line that runs from the right, the words of ours come out the other way round.
        words = set(re.split(r"[\s.:,]+", text_of(paper.body())))
        for said in ("Find an evening course near the flat", "Noor Haddadin", "Tom Verhoeven"):
            assert {*said.split()} <= words


def test_a_message_of_the_child_reaches_the_caseworker_and_the_answer_comes_back(
    noor: Voice, tom: Voice
) -> None:
    for voice in (noor, tom):
        voice.talk()
    noor.phone.network(is_there=False)
    noor.page.locator("textarea").fill("هل يمكنك أن تتصل بي؟")
    noor.tap("Send")
    noor.page.locator(".thread .waits").wait_for()
    noor.phone.network(is_there=True)
    tom.sees("هل يمكنك أن تتصل بي؟", 6_000)
    tom.page.locator("textarea").fill("In ten minutes.")
    tom.tap("Send")
    noor.sees("In ten minutes.", 4_000)


def test_a_caseworker_without_an_assignment_gets_no_project_by_the_link(
    chromium: Browser, demo: dict[str, Any]
) -> None:
    voice, context = phone_of(chromium, demo["url"], "en")
    page = voice.page
    page.goto(f"{demo['url']}/")
    voice.signs_in("eve", demo["staff"]["eve"]["password"])
    page.wait_for_url("**/desk/**")
    page.goto(f"{demo['url']}/app/#with={demo['children']['noor']['id']}")
    page.get_by_text("No children are assigned to you.").wait_for()
    assert "Noor" not in page.content()
    context.close()
