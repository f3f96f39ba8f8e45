"""Receipts of what a phone has shown, and a phone that is told that it shows nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.pwa.conftest import CHROMIUM, Phone, Phones
from tests.pwa.double import Double

pytestmark = pytest.mark.browser

SHOWN_BY = CHROMIUM

# Chromium subscribes at Google alone, and here nobody can: what a browser would have given.
SUBSCRIBES = """
  let made = 0;
  const subscription = () => {
    const endpoint = `https://push.example/${++made}`;
    return {
      endpoint,
      options: {},
      toJSON: () => ({ endpoint, keys: { p256dh: 'x', auth: 'y' } }),
      unsubscribe: () => Promise.resolve(true),
    };
  };
  PushManager.prototype.getSubscription = () => Promise.resolve(null);
  PushManager.prototype.subscribe = () => Promise.resolve(subscription());
"""
ALLOWS = "Notification.requestPermission = () => Promise.resolve('granted');"
FORBIDS = "Notification.requestPermission = () => Promise.resolve('denied');"


def push(phone: Phone, double: Double, *tokens: str) -> None:
    """Pushes reach the worker, one after the other."""
    devtools = phone.devtools()
    versions: list[dict[str, Any]] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated", lambda e: versions.extend(e["registrations"])
    )
    devtools.send("ServiceWorker.enable")
    wait(phone, lambda: versions)
    for number, token in enumerate(tokens):
        message = {
            "web_push": 8030,
            "notification": {
                "title": "Planner",
                "body": "You have 1 new item",
                "tag": f"t{number}",
            },
            "mutable": True,
            "m": "00000000-0000-4000-8000-00000000abcd",
            "r": token,
        }
        devtools.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": double.url,
                "registrationId": versions[0]["registrationId"],
                "data": json.dumps(message),
            },
        )


def wait(phone: Phone, holds: Any) -> None:
    for _ in range(120):
        if holds():
            return
        phone.page.wait_for_timeout(50)
    assert holds()


def is_kept(phone: Phone) -> bool:
    """Whether receipts wait on the phone."""
    return any("receipts" in str(box["key"]) for box in phone.stored())


def shown(phone: Phone) -> int:
    count: int = phone.page.evaluate(
        "async () => (await (await navigator.serviceWorker.ready).getNotifications()).length"
    )
    return count


def test_a_receipt_says_a_token_and_a_time_and_nothing_else(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.context.clear_cookies()  # The session may be gone by then: a receipt needs none.
    push(phone, double, "a-token")
    wait(phone, lambda: double.shown)
    [said] = double.shown
    assert sorted(said) == ["receipt", "shown_at"]
    assert said["receipt"] == "a-token"
    at = datetime.fromisoformat(said["shown_at"].replace("Z", "+00:00"))
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
    # A server of before hears of it in its own way; one that gave a token hears of it once.
    assert double.receipts == []


def test_a_receipt_that_finds_no_server_waits_for_the_next_start(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    double.is_cafe = True
    push(phone, double, "one", "two")
    wait(phone, lambda: shown(phone) == 2)
    wait(phone, lambda: is_kept(phone))
    phone.page.wait_for_timeout(300)
    assert double.shown == []
    double.is_cafe = False
    phone.page.reload()
    wait(phone, lambda: len(double.shown) == 2)
    assert sorted(one["receipt"] for one in double.shown) == ["one", "two"]
    wait(phone, lambda: not is_kept(phone))
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    phone.page.wait_for_timeout(300)
    assert len(double.shown) == 2


def silent(phone: Phone, double: Double, answer: str = ALLOWS, health: str = "stale") -> None:
    """A phone that the server takes to show nothing."""
    double.reminders = health
    phone.context.add_init_script(SUBSCRIBES + answer)
    phone.pair()
    phone.page.get_by_text("Reminders may not reach this phone.").wait_for()


@pytest.mark.parametrize("health", ["stale", "broken"])
def test_one_tap_makes_a_new_address_and_says_that_it_works(
    phone: Phone, double: Double, health: str
) -> None:
    silent(phone, double, health=health)
    phone.page.get_by_role("button", name="Try again").click()
    phone.page.get_by_text("It works. Reminders reach this phone again.").wait_for()
    [made] = double.subscriptions
    assert made["receipts"] is True
    assert double.tried == [made["id"]]
    phone.page.get_by_role("button", name="Got it").click()
    phone.page.locator(".banner").wait_for(state="detached")
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    phone.page.wait_for_timeout(300)
    assert phone.page.locator(".banner").count() == 0


def test_where_nothing_comes_it_says_so_and_what_works_all_the_same(
    phone: Phone, double: Double
) -> None:
    double.is_reached = False
    silent(phone, double)
    phone.page.get_by_role("button", name="Try again").click()
    phone.page.get_by_text("One moment.").wait_for()
    phone.ok()  # Nothing has to be waited for.
    phone.is_thanked()
    said = phone.page.get_by_text("No reminder has come yet.")
    said.wait_for(timeout=25_000)
    assert phone.page.get_by_role("button", name="Try again").count() == 1


def test_a_phone_that_blocks_them_says_where_to_allow_them(phone: Phone, double: Double) -> None:
    silent(phone, double, FORBIDS)
    phone.page.get_by_role("button", name="Try again").click()
    phone.page.get_by_text("This phone blocks reminders.").wait_for()
    assert double.subscriptions == []


def test_without_a_network_it_says_that_it_did_not_work(phone: Phone, double: Double) -> None:
    silent(phone, double)
    phone.network(is_there=False)
    phone.page.get_by_role("button", name="Try again").click()
    phone.page.get_by_text("That didn't work.").wait_for()
    phone.network(is_there=True)
    phone.page.get_by_role("button", name="Try again").click()
    phone.page.get_by_text("It works.").wait_for()


def test_not_now_is_not_asked_again_for_a_week(phone: Phone, double: Double) -> None:
    silent(phone, double)
    phone.page.get_by_role("button", name="Not now").click()
    phone.page.locator(".banner").wait_for(state="detached")
    phone.page.clock.install(time=datetime.now(UTC) + timedelta(days=6))
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    phone.page.wait_for_timeout(500)
    assert phone.page.locator(".banner").count() == 0
    phone.page.clock.set_system_time(datetime.now(UTC) + timedelta(days=8))
    phone.page.reload()
    phone.page.get_by_text("Reminders may not reach this phone.").wait_for()


@pytest.mark.parametrize("health", ["healthy", "unproven", "none", None])
def test_nothing_is_said_on_a_phone_of_which_nothing_is_known(
    phone: Phone, double: Double, health: str | None
) -> None:
    double.reminders = health
    phone.pair()
    phone.page.wait_for_timeout(300)
    assert phone.page.locator(".banner").count() == 0


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_it_fits_on_320_pixels(phones: Phones, double: Double, language: str) -> None:
    double.reminders = "stale"
    phone = phones(language=language, width=320, height=568)
    phone.pair()
    phone.page.wait_for_selector(".banner")
    assert phone.page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
