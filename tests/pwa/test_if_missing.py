"""What a child says for when it is missing: kept at once, sent later, never written over unseen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.axe import violations
from tests.pwa.conftest import Phone, Phones
from tests.pwa.double import Double
from tests.pwa.test_project import eventually

pytestmark = pytest.mark.browser
ROW = 12


def go(phone: Phone) -> None:
    phone.go(2, ROW)
    phone.page.locator("#own_call_first").wait_for()


def keep(phone: Phone) -> None:
    phone.page.locator("form .main").click()


def status(phone: Phone, text: str) -> None:
    phone.page.locator("[role=status]", has_text=text).wait_for()


def test_a_child_says_it_and_finds_it_again(phone: Phone, double: Double) -> None:
    phone.pair()
    go(phone)
    phone.page.fill("#own_call_first", "Joy, from my class")
    phone.page.fill("#own_frightens", "  Shouting ")
    keep(phone)
    status(phone, "Received.")
    said = {"own_call_first": "Joy, from my class", "own_frightens": "Shouting"}
    assert double.own == {"version": 1, "fields": said}
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    go(phone)
    expect(phone.page.locator("#own_call_first")).to_have_value("Joy, from my class")
    phone.page.fill("#own_frightens", "")
    keep(phone)
    status(phone, "Received.")
    assert double.own["fields"] == {"own_call_first": "Joy, from my class"}


def test_without_a_network_it_is_kept_sealed_and_sent_later(phone: Phone, double: Double) -> None:
    phone.pair()
    go(phone)
    phone.network(is_there=False)
    phone.page.fill("#own_do_not_call", "My uncle in Lille")
    keep(phone)
    status(phone, "Saved on this phone. Not sent yet.")
    phone.page.fill("#own_do_not_call", "My uncle in Lille, nor his friend")
    keep(phone)
    # The page says already that the first one is saved: this one is, once there are two.
    eventually(phone, lambda: sum(row["store"] == "outbox" for row in phone.stored()) == 2)
    assert "Lille" not in str(phone.stored())
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    go(phone)
    expect(phone.page.locator("#own_do_not_call")).to_have_value(
        "My uncle in Lille, nor his friend"
    )
    assert double.own["version"] == 0
    phone.network(is_there=True)
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    # Both arrive, in their order: what was said first is a version too.
    both = {"version": 2, "fields": {"own_do_not_call": "My uncle in Lille, nor his friend"}}
    eventually(phone, lambda: double.own == both)
    phone.page.locator("[role=status]", has_text="Not sent yet").wait_for(state="detached")


def test_what_is_typed_and_not_kept_is_there_again(phone: Phone, double: Double) -> None:
    phone.pair()
    go(phone)
    phone.page.fill("#own_more", "I like trains")
    phone.page.wait_for_timeout(300)
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    go(phone)
    expect(phone.page.locator("#own_more")).to_have_value("I like trains")
    assert double.own["version"] == 0


def test_an_answer_that_was_lost_is_no_difference(phone: Phone, double: Double) -> None:
    phone.pair()
    go(phone)
    double.loses_own = True
    phone.page.fill("#own_calms", "Music")
    keep(phone)
    status(phone, "Not sent yet")
    phone.page.fill("#own_calms", "Music, and time")
    double.loses_own = False
    keep(phone)
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    both = {"version": 2, "fields": {"own_calms": "Music, and time"}}
    eventually(phone, lambda: double.own == both)
    phone.page.locator("[role=status]", has_text="Not sent yet").wait_for(state="detached")


@pytest.mark.parametrize("mine", [True, False])
def test_where_another_person_wrote_other_words_both_are_shown_and_the_child_decides(
    phone: Phone, double: Double, mine: bool
) -> None:
    double.own = {"version": 3, "fields": {"own_call_first": "Joy"}}
    phone.pair()
    go(phone)
    expect(phone.page.locator("#own_call_first")).to_have_value("Joy")
    double.own = {"version": 4, "fields": {"own_call_first": "Tom"}}
    phone.page.fill("#own_call_first", "Rosa")
    keep(phone)
    status(phone, "Both versions are here.")
    expect(phone.page.locator("#own_call_first")).to_have_value("Rosa")
    expect(phone.page.locator("#own_call_first-theirs")).to_contain_text("Tom")
    assert double.own["version"] == 4
    word = "Save what I wrote" if mine else "Keep what's there now"
    phone.page.get_by_role("button", name=word).click()
    phone.page.locator("#own_call_first-theirs").wait_for(state="detached")
    expect(phone.page.locator("#own_call_first")).to_have_value("Rosa" if mine else "Tom")
    phone.page.locator("[role=status]", has_text="Not sent").wait_for(state="detached")
    assert double.own["fields"] == {"own_call_first": "Rosa" if mine else "Tom"}


def test_the_child_sees_who_looked_at_it_and_why(phone: Phone, double: Double) -> None:
    double.glass = "She has not come home since noon."
    phone.pair()
    go(phone)
    entry = phone.page.locator("section .entry")
    expect(entry).to_have_count(1)
    expect(entry).to_contain_text("She has not come home since noon.")
    expect(entry).to_contain_text("Tom Verhoeven")


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark")])
def test_it_fits_a_small_phone_and_everyone_can_use_it(
    phones: Phones, double: Double, language: str, scheme: str
) -> None:
    double.own = {"version": 1, "fields": {"own_call_first": "Joy"}}
    phone = phones(language=language, scheme=scheme, width=320, height=640)
    phone.pair()
    go(phone)
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 320
    assert violations(phone.page) == []
    # By keyboard: from one field to the next, and the button by Enter.
    phone.page.focus("#own_more")
    phone.page.keyboard.type("Trains")
    phone.page.keyboard.press("Tab")
    phone.page.keyboard.press("Enter")
    phone.page.wait_for_timeout(500)
    assert double.own["fields"]["own_more"] == "Trains"
