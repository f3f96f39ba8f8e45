"""Every screen, in both directions and schemes: readable, reachable, never sideways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.pwa import looks
from tests.pwa.conftest import Phone, Phones, box_of
from tests.pwa.double import CODE, Double
from tests.pwa.stories import stories
from tests.pwa.test_project import eventually

pytestmark = pytest.mark.browser

ROWS = (
    "reminders",
    "cover",
    "language",
    "unsent",
    "looks",
    "happened",
    "asked",
    "sharing",
    "phones",
    "around",
    "advocate",
    "hands",
    "if-missing",
    "leave",
)
# More begins with rows that lead to screens which are walked elsewhere.
ROWS_BEFORE = ("days", "rhythm", "away")
ROUTES = Path(__file__).resolve().parents[2] / "pwa" / "src" / "routes.tsx"


def here(phone: Phone) -> str | None:
    """The name of the screen in `pwa/src/routes.tsx`; None on the planner and before the first."""
    place: str | None = phone.page.evaluate("history.state?.place ?? null")
    return place


def walk(phone: Phone) -> Iterator[str]:
    """Every screen in turn, as a child might come to it, with something on it."""
    phone.double.stories = stories()
    phone.open(f"#pair={CODE}")
    for name in ("sharing-1", "acting-2", "phone-3"):
        yield name
        phone.page.locator(".main").click()
    yield "link"
    phone.page.locator(".main").click()
    phone.page.wait_for_selector(".faces")
    phone.page.locator(".face").nth(1).click()
    yield "today"
    phone.write("Some words")
    yield "words"
    phone.ok()
    phone.is_thanked()
    yield "thanks"
    phone.project()
    phone.go(0)
    phone.network(is_there=False)
    phone.page.locator(".second").click()
    phone.page.locator(".wish:not(.received)").wait_for()
    yield "wish"
    phone.go(0)
    phone.page.locator(".thanks:not(.received)").wait_for()
    yield "saved"
    phone.go(1)
    phone.page.locator("summary").click()
    yield "days"
    phone.page.locator(".quiet.help").click()
    yield "help"
    phone.page.locator(".alarm").click()
    phone.page.wait_for_selector(".thanks")
    yield "help-saved"
    phone.go(2, 3)
    phone.page.wait_for_selector(".entry")
    yield "unsent-full"
    phone.network(is_there=True)
    phone.page.locator(".entry").first.wait_for(state="detached")
    phone.go(2)
    yield "more"
    expect(phone.page.locator("main .row")).to_have_count(len(ROWS_BEFORE) + len(ROWS))
    for row, name in enumerate(ROWS):
        phone.go(2, row)
        assert here(phone) == name, "the list of the rows is not that of the screen"
        if name == "phones":
            phone.page.locator("main > .second").click()
            phone.page.wait_for_selector(".code")
            phone.page.locator(".entry .plain").click()
        if name in ("looks", "happened"):
            phone.page.wait_for_selector(".entry")
        yield name
        if name == "cover":
            yield from covered(phone)
        if name == "hands":
            phone.page.locator("#digits").fill("2580")
            phone.page.locator("form .main").click()
            phone.page.get_by_text("2580").wait_for(state="detached")
            yield "hands-shared"
        if name == "looks":
            phone.page.locator(".quiet.ask").first.click()
            phone.page.locator("#question").fill("Why did you look?")
            yield "ask"
            phone.page.locator("form .main").click()
            phone.page.locator(".asked").first.wait_for()
            yield "looks-asked"
    phone.page.locator(".top .quiet").first.click()
    phone.page.locator("#new").fill("Buy bread")
    phone.page.locator("#new").press("Enter")
    yield "planner"
    come_back(phone)
    phone.page.locator(".mate").first.wait_for()
    yield "who"
    phone.page.locator(".mate").first.click()
    phone.page.locator("#own").wait_for()
    yield "who-digits"


def come_back(phone: Phone) -> None:
    for _ in range(4):
        phone.page.locator(".date").click()


def covered(phone: Phone) -> Iterator[str]:
    """The digits of the cover, set, asked for, and wrong."""
    phone.page.locator("#pin").fill("2580")
    phone.page.locator("form .plain").first.click()
    phone.page.locator("form .plain").nth(1).wait_for()
    phone.page.locator("main > .second").click()
    come_back(phone)
    phone.page.locator("#digits").fill("1111")
    phone.page.locator("#digits-said:not(:empty)").wait_for()
    yield "digits"
    phone.page.locator("#digits").fill("2580")
    phone.page.locator("#title").wait_for()


def of_english(phone: Phone) -> list[str]:
    """Also by the keys, where 1280 x 1024 pixels at 400 % have so much room: the bars then scroll
    along, and cover nothing."""
    wrong = looks.by_axe(phone) + looks.narrow(phone) + looks.large(phone)
    looks.sized(phone, 320, 256)
    phone.page.evaluate("document.activeElement.blur()")
    return wrong + looks.by_keys(phone)


def of_arabic(phone: Phone) -> list[str]:
    return looks.by_axe(phone) + looks.narrow(phone) + looks.large(phone)


def of_french(phone: Phone) -> list[str]:
    return looks.narrow(phone) + looks.large(phone)


@pytest.mark.parametrize(
    ("language", "scheme", "faults_of"),
    [("en", "light", of_english), ("ar", "dark", of_arabic), ("fr", "light", of_french)],
    ids=["en", "ar", "fr"],
)
def test_nothing_is_wrong_with_any_screen_and_the_walk_reaches_each(
    phones: Phones, language: str, scheme: str, faults_of: looks.Look
) -> None:
    phone = phones(language=language, scheme=scheme)
    found: dict[str, list[str]] = {}
    reached: set[str | None] = set()
    for name in walk(phone):
        reached.add(here(phone))
        if wrong := faults_of(phone):
            found[name] = wrong
        looks.sized(phone, 360, 740)
    assert found == {}
    # The walk begins with pairing, which is no step that one can go back to.
    assert places() - {"pair"} <= reached


def places() -> set[str]:
    """The names of the phone's own screens."""
    (listed,) = re.findall(
        r"export type Place =(.*?)\| ProjectPlace", ROUTES.read_text("utf-8"), re.S
    )
    return set(re.findall(r'"([a-z-]+)"', listed))


def test_a_code_for_another_phone_is_found_again_until_it_ends(phone: Phone) -> None:
    phone.page.clock.install(time=datetime.now(UTC))
    phone.pair()
    phone.go(2, ROWS.index("phones"))
    phone.page.locator("main > .second").click()
    expect(phone.page.locator(".code")).to_have_text("KLMN PQRS")
    phone.go(0)
    phone.go(2, ROWS.index("phones"))
    expect(phone.page.locator(".code")).to_have_text("KLMN PQRS")
    phone.page.clock.fast_forward("16:00")
    expect(phone.page.locator(".code")).to_have_count(0)


def test_a_code_that_comes_after_its_child_signed_out_is_shown_to_nobody(phone: Phone) -> None:
    page = phone.page
    held: list[Route] = []
    page.route("**/api/v1/me/codes", lambda route: held.append(route))
    phone.pair()
    phone.go(2, ROWS.index("phones"))
    page.locator("main > .second").click()
    eventually(phone, lambda: held)
    phone.go(2)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign out").click()
    page.get_by_role("button", name="Yes, sign out").wait_for(state="detached")
    page.evaluate(f"location.hash = 'pair={CODE}'")
    for _ in range(4):
        page.locator(".main").click()
    page.wait_for_selector(".faces")
    phone.go(2, ROWS.index("phones"))
    with page.expect_response("**/api/v1/me/codes"):
        held[0].continue_()
    page.wait_for_timeout(300)
    expect(page.locator(".code")).to_have_count(0)


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("fr", "ltr"), ("ar", "rtl")])
def test_the_page_runs_in_the_direction_of_its_language(
    phones: Phones, language: str, direction: str
) -> None:
    phone = phones(language=language)
    phone.pair()
    assert phone.page.locator("html").get_attribute("dir") == direction
    assert phone.page.locator("html").get_attribute("lang") == language
    hide = box_of(phone.page.locator(".top .quiet").first)
    help_now = box_of(phone.page.locator(".quiet.help"))
    assert (hide["x"] < help_now["x"]) == (direction == "ltr")
    first, last = (box_of(phone.page.locator(".face").nth(n)) for n in (0, 4))
    assert (first["x"] < last["x"]) == (direction == "ltr")


def test_a_language_chosen_is_spoken_at_once_offline_and_after_a_restart(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.go(2, 2)
    phone.page.get_by_role("button", name="العربية").click()
    phone.page.get_by_role("heading", name="اللغة").wait_for()
    assert phone.page.locator("html").get_attribute("dir") == "rtl"
    for _ in range(50):
        if double.language == "ar":
            break
        phone.page.wait_for_timeout(50)
    assert double.language == "ar"
    phone.network(is_there=False)
    phone.page.reload()
    phone.page.get_by_role("button", name="أنا بخير").wait_for()


def test_everything_can_be_done_by_keyboard(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.page.keyboard.press("Tab")
    for _ in range(12):
        if phone.page.evaluate("document.activeElement.matches('.act .main')"):
            break
        phone.page.keyboard.press("Tab")
    outline = phone.page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    phone.page.keyboard.press("Enter")
    phone.is_thanked()
    # The focus went to what changed, not back to the top of the page.
    assert phone.page.evaluate("document.activeElement.matches('.thanks')")
    assert len(double.check_ins) == 1


def test_a_new_screen_gives_the_focus_to_its_heading(phone: Phone) -> None:
    phone.pair()
    phone.go(2)
    assert phone.page.evaluate("document.activeElement.textContent") == "More"


def test_where_a_button_goes_the_focus_goes_to_what_came_instead(phone: Phone) -> None:
    phone.pair()
    phone.go(2, ROWS.index("phones"))
    phone.page.locator(".entry .plain").first.press("Enter")
    expect(phone.page.locator(".entry .pair-of")).to_be_focused()
    phone.page.keyboard.press("Tab")
    expect(phone.page.get_by_role("button", name="Yes, block it")).to_be_focused()


def test_the_skip_link_leads_past_the_bar(phone: Phone) -> None:
    phone.pair()
    phone.page.locator(".skip").focus()
    phone.page.keyboard.press("Enter")
    assert phone.page.evaluate("document.activeElement.id") == "title"


def test_reading_aloud_is_offered_only_with_a_voice_of_the_phone_and_on_tap(
    phones: Phones,
) -> None:
    silent = phones()
    silent.open()
    silent.page.wait_for_selector("h1")
    expect(silent.page.get_by_role("button", name="Listen")).to_have_count(0)

    phone = phones()
    phone.page.add_init_script(
        """(() => {
          window.said = [];
          const voice = { lang: 'en-GB', localService: true, name: 'Test', default: true };
          speechSynthesis.getVoices = () => [voice];
          speechSynthesis.speak = (words) => window.said.push(words.text);
          Object.defineProperty(SpeechSynthesisUtterance.prototype, 'voice',
            { set() {}, get: () => voice });
        })()"""
    )
    phone.open()
    phone.page.get_by_role("button", name="Listen").wait_for()
    assert phone.page.evaluate("window.said") == []
    phone.page.get_by_role("button", name="Listen").click()
    said = phone.page.evaluate("window.said")
    assert len(said) == 1
    assert said[0].startswith("Who sees what you say")
    expect(phone.page.get_by_role("button", name="Stop")).to_be_visible()


def test_a_phone_another_person_had_pairs_as_a_new_phone(phone: Phone) -> None:
    phone.double.knows_phones = 1
    phone.pair()
    ids = [body["device"]["id"] for body in phone.double.posted("/api/v1/pair")]
    assert len(set(ids)) == len(ids) == 2


def test_a_code_may_be_typed_with_the_digits_of_an_arabic_keyboard(phone: Phone) -> None:
    phone.open()
    for _ in range(3):
        phone.page.locator(".main").click()
    phone.page.locator("#code").fill("\u0661\u06f2CD EFGH")
    phone.page.locator(".main").click()
    phone.page.get_by_text("This code doesn't work").wait_for()
    assert phone.double.posted("/api/v1/pair")[-1]["code"] == "12CDEFGH"


def test_a_wrong_code_is_explained_and_the_typed_letters_stay(phone: Phone) -> None:
    phone.open()
    for _ in range(3):
        phone.page.locator(".main").click()
    field = phone.page.locator("#code")
    field.fill("abc")
    phone.page.locator(".main").click()
    phone.page.get_by_text("A code has 8 letters and numbers").wait_for()
    field.fill("zzzz-zzzz")
    phone.page.locator(".main").click()
    phone.page.get_by_text("This code doesn't work").wait_for()
    expect(field).to_have_value("zzzz-zzzz")
    field.fill("abcd efgh")
    phone.page.locator(".main").click()
    phone.page.wait_for_selector(".faces")
