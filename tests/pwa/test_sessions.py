"""Who is in with this phone, and what the server says of sessions that are over."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.pwa.conftest import Phone
from tests.pwa.double import CODE, Double

pytestmark = pytest.mark.browser


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
    held[0].fulfill(status=401, json={"code": "unauthenticated"})
    phone.page.wait_for_timeout(500)
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    expect(phone.page.get_by_text("This phone isn't connected any more.")).to_have_count(0)
