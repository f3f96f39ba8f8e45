"""The child's advocate: wished for, told, and ended, with a network and without."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.pwa.book import ADA
from tests.pwa.conftest import Phone
from tests.pwa.double import Double

pytestmark = pytest.mark.browser

AT = "2030-01-02T12:00:00.000Z"
NOT_SENT = "It will be sent when this app is open and online."


def with_ruth(double: Double) -> None:
    double.advocates = [
        {
            "id": ADA,
            "person_id": ADA,
            "name": "Ruth",
            "from_at": AT,
            "until_at": AT,
            "has_joined": True,
            "tells_alerts": True,
        }
    ]


def at_advocate(phone: Phone) -> Phone:
    phone.pair()
    phone.page.locator(".tabs button").nth(3).click()
    phone.page.locator(".row", has_text="My advocate").click()
    phone.page.get_by_role("heading", name="My advocate").wait_for()
    return phone


def test_a_wish_waits_for_a_network_and_goes_out(phone: Phone, double: Double) -> None:
    main = at_advocate(phone).page.locator("main")
    phone.network(is_there=False)
    phone.page.get_by_role("button", name="I want an advocate").click()
    expect(main).to_contain_text("You want an advocate. This isn't sent yet.")
    expect(main).to_contain_text(NOT_SENT)
    assert double.advocate_asked_at is None
    phone.network(is_there=True)
    expect(main).to_contain_text("Your caseworker and the supervisor can see that.")
    assert double.advocate_asked_at is not None
    phone.page.get_by_role("button", name="I don't need one any more").click()
    expect(phone.page.get_by_role("button", name="I want an advocate")).to_be_visible()
    for _ in range(160):
        if double.advocate_asked_at is None:
            break
        phone.page.wait_for_timeout(50)
    assert double.advocate_asked_at is None


def test_an_end_without_a_network_says_that_the_advocate_still_sees(
    phone: Phone, double: Double
) -> None:
    with_ruth(double)
    main = at_advocate(phone).page.locator("main")
    # The heading comes before the answer of the server, and without that nobody could be ended.
    phone.page.locator(".card", has_text="Ruth").wait_for()
    phone.network(is_there=False)
    for goes_through_with_it in (False, True):
        phone.page.get_by_role("button", name="I don't want this advocate any more").click()
        phone.page.get_by_role("button", name="End it now").click()
        expect(main).to_contain_text("Until it's sent, Ruth sees the same as before.")
        if not goes_through_with_it:
            phone.page.get_by_role("button", name="Keep Ruth after all").click()
    assert len(double.advocates) == 1
    phone.network(is_there=True)
    expect(phone.page.locator(".card", has_text="Ruth")).to_have_count(0)
    assert double.advocates == []


def test_what_an_advocate_may_know_changes_with_the_last_choice(
    phone: Phone, double: Double
) -> None:
    with_ruth(double)
    at_advocate(phone)
    switch = phone.page.get_by_role("button", name="Let Ruth know when adults are called")
    switch.wait_for()
    phone.network(is_there=False)
    for is_on in ("false", "true", "false"):
        switch.click()
        expect(switch).to_have_attribute("aria-pressed", is_on)
        expect(phone.page.locator(".card")).to_contain_text("Until then, nothing changes.")
    phone.network(is_there=True)
    expect(phone.page.locator(".card")).not_to_contain_text("Until then, nothing changes.")
    assert double.advocates[0]["tells_alerts"] is False
