"""The child's door while adults look for it: open in one tap, closable, and never the lock screen's
or a search's end."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.axe import violations
from tests.pwa.conftest import Phone, Phones
from tests.pwa.double import Double
from tests.pwa.looks import sized

pytestmark = pytest.mark.browser

SAFE = "I'm safe. I'm not ready to come back yet"


def looked_for(phone: Phone, double: Double) -> None:
    phone.pair()
    double.door = True
    phone.page.reload()
    phone.page.wait_for_selector(".door")


def arrived(phone: Phone, double: Double) -> list[str]:
    for _ in range(100):
        if double.check_ins:
            break
        phone.page.wait_for_timeout(50)
    return [one["want"] for one in double.check_ins]


def test_the_door_has_help_words_and_numbers_and_never_says_missing_or_police(
    phone: Phone, double: Double
) -> None:
    looked_for(phone, double)
    door = phone.page.locator(".door")
    expect(phone.page.locator("h1")).to_have_text("You're not in trouble")
    words = door.inner_text()
    assert "We're looking for you because we care." in words
    assert "missing" not in words.lower()
    assert "police" not in words.lower()
    calls = door.locator("a").evaluate_all("(all) => all.map((one) => one.getAttribute('href'))")
    assert calls == ["tel:116111", "tel:116000"]
    door.get_by_role("button", name="I need help").click()
    phone.page.get_by_role("button", name="Yes, I need help now").wait_for()


def test_the_numbers_are_those_of_the_agency_also_without_a_network(
    phone: Phone, double: Double
) -> None:
    double.lines = {"talk": "+44 (0) 800-11 11", "away": ""}
    looked_for(phone, double)
    for is_there in (True, False):
        phone.network(is_there=is_there)
        phone.page.reload()
        phone.page.wait_for_selector(".door")
        [line] = phone.page.locator(".door a").all()
        assert line.get_attribute("href") == "tel:+448001111"
        assert "+44 (0) 800-11 11" in line.inner_text()


def test_where_nobody_can_be_called_nothing_is_said_of_calling(
    phone: Phone, double: Double
) -> None:
    double.lines = {"talk": "", "away": ""}
    looked_for(phone, double)
    assert phone.page.locator(".door a").count() == 0
    assert "Free to call" not in phone.page.locator(".door").inner_text()


def test_without_a_search_there_is_no_door(phone: Phone) -> None:
    phone.pair()
    assert phone.page.locator(".door").count() == 0
    assert SAFE not in phone.page.locator("main").inner_text()


def test_i_am_safe_is_said_in_one_tap_with_the_words_beside_it(
    phone: Phone, double: Double
) -> None:
    looked_for(phone, double)
    phone.write("With a friend.")
    phone.page.get_by_role("button", name=SAFE).click()
    phone.page.locator(".door .thanks.received").wait_for()
    assert [(one["want"], one["note"]) for one in double.check_ins] == [("safe", "With a friend.")]
    assert phone.page.locator(".act .main").is_visible()


def test_without_a_network_it_is_kept_and_goes_out_once(phone: Phone, double: Double) -> None:
    looked_for(phone, double)
    phone.network(is_there=False)
    phone.page.reload()
    # Offline the phone goes by what it was told last.
    phone.page.wait_for_selector(".door")
    phone.page.get_by_role("button", name=SAFE).click()
    phone.page.locator(".door .thanks").get_by_text("Not sent yet").wait_for()
    assert double.check_ins == []
    assert "safe" not in str(phone.stored())
    phone.network(is_there=True)
    assert arrived(phone, double) == ["safe"]


def test_put_away_it_is_gone_until_the_app_is_opened_anew(phone: Phone, double: Double) -> None:
    looked_for(phone, double)
    phone.page.get_by_role("button", name="Close").click()
    phone.page.locator(".door").wait_for(state="detached")
    phone.page.reload()
    phone.page.wait_for_selector(".door")


def test_the_door_closes_once_nobody_looks_any_more(phone: Phone, double: Double) -> None:
    looked_for(phone, double)
    double.door = False
    phone.page.reload()
    phone.page.locator(".door").wait_for(state="detached")


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_the_door_fits_a_narrow_phone_in_every_language(
    phones: Phones, double: Double, language: str
) -> None:
    phone = phones(language=language)
    looked_for(phone, double)
    for width in (320, 360):
        sized(phone, width, 740)
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= width
        buttons = phone.page.locator(".door button, .door a")
        for height in buttons.evaluate_all("(all) => all.map((one) => one.offsetHeight)"):
            assert height >= 44, width
        assert violations(phone.page) == [], width
