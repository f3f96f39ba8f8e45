"""Several windows of one browser, at the real server: what is done in one holds in the others."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from tests.pwa.test_hands import PICTURES, SharedPhone, demo, phone, shared

pytestmark = pytest.mark.browser
__all__ = ["demo", "phone", "shared"]  # The fixtures.

SHUT_OUT = "This phone isn't connected any more"


def a_window(phone: SharedPhone, link: str) -> Page:
    """Another window of the same browser; a link with a code is followed to its end."""
    window = phone.context.new_page()
    window.goto(link)
    if "#pair" in link:
        window.get_by_role("button", name="Connect this phone").click()
    return window


@pytest.fixture
def asleep(phone: SharedPhone) -> SharedPhone:
    """Mia is in, in a window that hears of nothing, as one that sleeps: neither what the others do
    nor what the server says, until she says something herself."""
    phone.page.add_init_script("delete globalThis.BroadcastChannel")
    phone.follow(phone.link("mia"))
    phone.is_today()
    phone.page.route(re.compile("/api/v1/(?!check-ins|sessions)"), lambda route: route.abort())
    return phone


def test_words_of_one_child_never_go_out_as_those_of_the_next_who_came_in_by_another_window(
    asleep: SharedPhone,
) -> None:
    a_window(asleep, asleep.link("noor")).wait_for_selector(".faces")
    asleep.page.locator(".words").click()
    asleep.page.locator("textarea").fill("words of Mia")
    with asleep.page.expect_navigation():
        asleep.page.locator(".act .main").click()
    asleep.is_today()
    assert "words of Mia" not in asleep.said_by("noor")
    asleep.page.locator(".tabs button").nth(3).click()
    asleep.page.get_by_role("button", name="Not sent yet").click()
    asleep.page.get_by_text("1 thing from another person is waiting here too").wait_for()


def test_a_window_left_open_does_not_sign_out_the_next_child(asleep: SharedPhone) -> None:
    asleep.more("Sign out")
    other = a_window(asleep, asleep.link("noor"))
    other.wait_for_selector(".faces")
    with asleep.page.expect_request("**/api/v1/sessions"):
        asleep.page.get_by_role("button", name="Yes, sign out").click()
    asleep.page.wait_for_selector(".intro")
    other.locator(".act .main").click()
    other.wait_for_selector(".thanks.received")
    asleep.page.reload()
    asleep.is_today()


def test_who_signed_out_in_one_window_is_out_of_sight_in_the_others(phone: SharedPhone) -> None:
    phone.follow(phone.link("mia"))
    phone.is_today()
    other = a_window(phone, f"{phone.demo['url']}/app/")
    other.wait_for_selector(".faces")
    phone.more("Sign out")
    phone.page.get_by_role("button", name="Yes, sign out").click()
    phone.page.wait_for_selector(".intro")
    other.wait_for_selector(".intro")
    assert "Mia" not in other.content()


def test_a_child_let_in_anew_by_another_window_of_a_shared_phone_stays_in(
    shared: SharedPhone,
) -> None:
    """Noor forgot the digits: the new link opens in another window."""
    page = shared.page
    other = shared.context.new_page()
    other.goto(shared.link("noor"))
    for _ in range(4):
        other.locator(".main").click()
    other.get_by_role("heading", name="You're in").wait_for()
    # The window of before asks how things stand, as a phone that is no longer listed.
    page.evaluate("(now => (Date.now = () => now() + 120_000))(Date.now)")
    with page.expect_response("**/api/v1/me"):
        page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_timeout(1_000)
    third = a_window(shared, f"{shared.demo['url']}/app/")
    third.get_by_role("button", name=PICTURES["noor"]).click()
    third.get_by_role("heading", name="You're in").wait_for()
    third.get_by_role("button", name="Not now").click()
    third.wait_for_selector(".faces")
    assert third.get_by_text(SHUT_OUT).count() == 0
