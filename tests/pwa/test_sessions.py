"""Who is in with this phone, and what the server says of sessions that are over."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pwa.conftest import Phone
from tests.pwa.double import CODE, Double

pytestmark = pytest.mark.browser
OVER = {"code": "unauthenticated"}
SHUT_OUT = "This phone isn't connected any more"


def a_window(phone: Phone, fragment: str = "") -> Page:
    """Another window of the same browser."""
    window = phone.context.new_page()
    window.goto(f"{phone.double.url}/app/{fragment}")
    return window


def is_told_that_its_session_is_over(phone: Phone, other: Page) -> None:
    """By an answer that comes to its window alone; the other one sends nothing."""
    other.route("**/api/v1/check-ins", lambda route: route.abort())
    phone.page.route("**/api/v1/check-ins", lambda route: route.fulfill(status=401, json=OVER))
    phone.ok()
    phone.page.get_by_text(SHUT_OUT).wait_for()
    phone.page.unroute_all()
    other.unroute_all()


def test_an_answer_to_an_earlier_session_does_not_shut_out_the_next(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    held: list[Route] = []

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    phone.page.goto("about:blank")
    phone.context.route("**/api/v1/me", hold_first)
    phone.open(f"#pair={CODE}")
    phone.page.locator(".main").click()
    phone.page.wait_for_selector(".faces")
    assert held, "the earlier session asks how things stand"
    held[0].fulfill(status=401, json=OVER)
    phone.page.wait_for_timeout(500)
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    expect(phone.page.get_by_text(SHUT_OUT)).to_have_count(0)


def test_a_window_whose_session_is_over_does_not_shut_out_who_came_in_by_another(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    other = a_window(phone, f"#pair={CODE}")
    other.locator(".main").click()
    other.wait_for_selector(".faces")
    is_told_that_its_session_is_over(phone, other)
    for window in (other, phone.page):
        window.reload()
        window.wait_for_selector(".faces")
        expect(window.get_by_text(SHUT_OUT)).to_have_count(0)
    # The next window that opens sends the words.
    phone.go(1)
    phone.page.get_by_text(", received").wait_for()
    assert len(double.check_ins) == 1


@pytest.mark.parametrize("hears", [True, False])
def test_a_window_left_open_does_not_bring_back_who_signed_out_in_another(
    phone: Phone, hears: bool
) -> None:
    if not hears:  # As a window that slept.
        phone.page.add_init_script("delete globalThis.BroadcastChannel")
    phone.pair()
    other = a_window(phone)
    other.locator(".tabs button").nth(3).click()
    other.get_by_role("button", name="Sign out").click()
    other.locator("main .main, main .second").first.click()
    other.wait_for_selector(".intro")
    if not hears:
        phone.page.route("**/api/v1/check-ins", lambda route: route.fulfill(status=401, json=OVER))
        phone.ok()
    phone.page.wait_for_selector(".intro")
    phone.page.reload()
    phone.page.wait_for_selector(".intro")
    expect(phone.page.get_by_text(SHUT_OUT)).to_have_count(0)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_answer_of_a_network_that_is_not_ours_shuts_nobody_out_and_refuses_no_words(
    phone: Phone, double: Double, status: int
) -> None:
    phone.pair()
    answer = {"error": "Pay for this network first."}
    phone.page.route("**/api/v1/**", lambda route: route.fulfill(status=status, json=answer))
    phone.ok()
    phone.page.locator(".thanks").get_by_text("Not sent yet").wait_for()
    phone.page.unroute_all()
    phone.page.reload()
    phone.go(1)
    phone.page.get_by_text(", received").wait_for()
    assert len(double.check_ins) == 1


def test_after_a_clock_was_set_back_the_phone_asks_and_the_button_comes_back(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.ok()
    phone.is_thanked()
    phone.page.evaluate("(now => (Date.now = () => now() - 86_400_000))(Date.now)")
    double.requests.clear()
    phone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    phone.page.locator(".act .main").wait_for()
    expect(phone.page.locator(".thanks")).to_have_count(0)
    assert [path for method, path, _ in double.requests if path == "/api/v1/me"]
