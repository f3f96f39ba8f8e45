"""Whom a child names to be asked first: kept at once, sent later, taken back in one tap."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.pwa.book import NOOR
from tests.pwa.conftest import Phone
from tests.pwa.double import CODE, Double

pytestmark = pytest.mark.browser
ROW = 9


def named(phone: Phone) -> None:
    """The list of the people the child named, below the people around them."""
    phone.go(2, ROW)
    phone.page.locator("main .row", has_text="People I trust").click()


def name_rosa(phone: Phone) -> None:
    phone.page.locator("#trusted-name").fill("Rosa")
    phone.page.locator("#trusted-reach").fill("+33 6 12 34 56 78")
    phone.page.get_by_role("button", name="Add this person").click()
    phone.page.locator(".entry", has_text="Rosa").wait_for()


def test_a_child_names_a_trusted_person_and_sees_the_caseworkers_answer_beside_the_name(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    named(phone)
    phone.page.get_by_role("button", name="Also when I ask for help").click()
    name_rosa(phone)
    entry = phone.page.locator(".entry")
    expect(entry).to_contain_text(
        "We don't ask them yet. Your caseworker talks to them first.", use_inner_text=True
    )
    [said] = double.trusted
    assert (said["name"], said["reach"], said["also_help"]) == ("Rosa", "+33 6 12 34 56 78", True)
    double.trusted[0] |= {"state": "no", "why": "I could not reach her."}
    phone.go(0)
    named(phone)
    expect(entry).to_contain_text("I could not reach her.", use_inner_text=True)
    phone.page.get_by_role("button", name="Remove: Rosa").click()
    entry.wait_for(state="detached")
    assert double.trusted == []


def test_a_name_without_a_network_is_kept_and_sent_later(phone: Phone, double: Double) -> None:
    phone.pair()
    named(phone)
    phone.page.locator("#trusted-name").wait_for()
    phone.network(is_there=False)
    name_rosa(phone)
    expect(phone.page.locator(".entry")).to_contain_text("Not sent yet", use_inner_text=True)
    assert double.trusted == []
    phone.network(is_there=True)
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    for _ in range(100):
        if double.trusted:
            break
        phone.page.wait_for_timeout(50)
    assert [one["name"] for one in double.trusted] == ["Rosa"]


def test_what_has_not_left_the_phone_is_taken_back_on_it(phone: Phone, double: Double) -> None:
    phone.pair()
    named(phone)
    phone.page.locator("#trusted-name").wait_for()
    phone.network(is_there=False)
    name_rosa(phone)
    phone.page.get_by_role("button", name="Remove: Rosa").click()
    phone.page.locator(".entry").wait_for(state="detached")
    phone.network(is_there=True)
    assert double.trusted == []


def test_whom_one_child_names_is_no_secret_for_the_next_on_this_phone(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    named(phone)
    name_rosa(phone)
    phone.page.locator("#trusted-name").fill("Half a name")
    double.person = NOOR
    phone.open(f"#pair={CODE}")
    phone.page.locator(".main").click()
    phone.page.wait_for_selector(".faces")
    phone.network(is_there=False)
    named(phone)
    phone.page.locator("#trusted-name").wait_for()
    assert phone.page.get_by_text("Rosa").count() == 0
    assert phone.page.locator("#trusted-name").input_value() == ""
