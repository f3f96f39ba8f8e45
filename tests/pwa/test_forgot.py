""" "I forgot": offered once after a late answer, never asked for, and nothing is made of it."""

from __future__ import annotations

import pytest

from tests.pwa.conftest import Phone
from tests.pwa.double import Double

pytestmark = pytest.mark.browser

LATE = {"id": "00000000-0000-4000-8000-0000000000f0", "due_at": "2026-01-02T17:00:00Z"}


def offered(phone: Phone, double: Double) -> None:
    double.answered_late = dict(LATE)
    phone.pair()
    phone.page.wait_for_selector(".forgot")


def test_one_tap_says_it_and_it_is_not_offered_again(phone: Phone, double: Double) -> None:
    offered(phone, double)
    phone.page.get_by_role("button", name="I forgot").click()
    phone.page.get_by_text("Thank you for telling us.").wait_for()
    for _ in range(50):
        if double.forgotten:
            break
        phone.page.wait_for_timeout(50)
    assert double.forgotten == [LATE["id"]]
    double.answered_late = dict(LATE)  # The server has not heard of it yet, say.
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    assert phone.page.locator(".forgot").count() == 0


def test_a_child_who_says_nothing_is_no_longer_asked_about_it(phone: Phone, double: Double) -> None:
    offered(phone, double)
    phone.page.get_by_role("button", name="Skip").click()
    phone.page.locator(".forgot").wait_for(state="detached")
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    assert phone.page.locator(".forgot").count() == 0
    assert double.forgotten == []


def test_without_a_network_it_is_kept_and_goes_out_later(phone: Phone, double: Double) -> None:
    offered(phone, double)
    phone.network(is_there=False)
    phone.page.get_by_role("button", name="I forgot").click()
    phone.page.get_by_text("Thank you for telling us.").wait_for()
    assert double.forgotten == []
    phone.network(is_there=True)
    for _ in range(100):
        if double.forgotten:
            break
        phone.page.wait_for_timeout(50)
    assert double.forgotten == [LATE["id"]]


def test_it_is_offered_as_soon_as_a_late_answer_was_received(phone: Phone, double: Double) -> None:
    double.standing = "late"
    phone.pair()
    assert phone.page.locator(".forgot").count() == 0
    double.standing, double.answered_late = "well", dict(LATE)
    phone.ok()
    phone.page.wait_for_selector(".forgot")


def test_a_child_adults_look_for_is_not_asked_whether_they_forgot(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    double.answered_late, double.door = dict(LATE), True
    phone.page.reload()
    phone.page.locator(".door").wait_for()
    assert phone.page.locator(".forgot").count() == 0
    # Once nobody looks any more it is offered, as after any late answer.
    double.door = False
    phone.page.reload()
    phone.page.wait_for_selector(".forgot")


def test_nothing_is_offered_where_nothing_was_late(phone: Phone) -> None:
    phone.pair()
    phone.ok()
    phone.is_thanked()
    assert phone.page.locator(".forgot").count() == 0
