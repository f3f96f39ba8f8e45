"""School hours, "remind me later" and the text on the lock screen, as a child meets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.axe import violations
from tests.pwa.conftest import CHROMIUM, Phone
from tests.pwa.double import Double

pytestmark = pytest.mark.browser

SHOWN_BY = CHROMIUM

ROUND = "00000000-0000-4000-8000-0000000000f0"


def at(minutes: float) -> str:
    """So many minutes from now."""
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def is_due(double: Double, left: float = 100) -> None:
    double.standing = "due"
    double.open_round = {"id": ROUND, "answer_by": at(left), "until": None}


def later(phone: Phone) -> None:
    phone.pair()
    phone.page.get_by_role("button", name="Remind me later").click()


def wait(phone: Phone, holds: Any) -> None:
    for _ in range(120):
        if holds():
            return
        phone.page.wait_for_timeout(50)
    assert holds()


def test_one_asks_to_be_reminded_later_and_reads_when(phone: Phone, double: Double) -> None:
    is_due(double)
    later(phone)
    phone.page.get_by_role("button", name="In 30 minutes").click()
    phone.page.get_by_text("Your next reminder is set for").wait_for()
    phone.page.get_by_text("Your answer counts until").wait_for()
    [said] = double.snoozes
    assert (said["round"], said["minutes"]) == (ROUND, 30)
    assert not double.check_ins
    assert phone.page.locator(".act .main").is_visible()
    assert violations(phone.page) == []


def test_only_what_leaves_time_to_answer_is_offered(phone: Phone, double: Double) -> None:
    is_due(double, left=37)
    later(phone)
    expect(phone.page.get_by_role("button", name="In 10 minutes")).to_be_visible()
    expect(phone.page.get_by_role("button", name="In 30 minutes")).to_be_visible()
    expect(phone.page.get_by_role("button", name="In 1 hour")).to_have_count(0)
    is_due(double, left=12)
    phone.page.reload()
    phone.page.get_by_text("Your answer counts until").wait_for()
    expect(phone.page.get_by_role("button", name="Remind me later")).to_have_count(0)


def test_without_a_network_it_waits_calmly_and_loses_nothing(phone: Phone, double: Double) -> None:
    is_due(double)
    later(phone)
    phone.network(is_there=False)
    phone.page.get_by_role("button", name="In 10 minutes").click()
    phone.page.get_by_text("To be reminded later you need internet.").wait_for()
    assert double.snoozes == []
    phone.network(is_there=True)
    wait(phone, lambda: double.snoozes)
    assert double.snoozes[0]["minutes"] in (9, 10)


def test_until_when_reminders_wait_is_said_on_the_first_screen(
    phone: Phone, double: Double
) -> None:
    double.waits = {"until": at(50), "why": "school_hours"}
    phone.pair()
    phone.page.get_by_text("School hours: reminders wait until").wait_for()


def test_school_hours_are_set_after_reading_what_they_come_to(phone: Phone, double: Double) -> None:
    due = (datetime.now(UTC) + timedelta(days=2)).replace(hour=12, minute=0)
    times = {"due_at": due, "remind_at": due + timedelta(hours=2), "then_at": due}
    double.in_school = [
        {name: moment.isoformat() for name, moment in times.items()}
        | {"is_silent": False, "asks": "Sam"}
    ]
    phone.pair()
    phone.go(2, 0)
    phone.page.get_by_role("button", name="School hours").click()
    for day in ("Monday", "Friday"):
        phone.page.get_by_role("button", name=day).click()
    phone.page.get_by_label("Friday, until").fill("13:00")
    phone.page.get_by_text("we ask Sam").wait_for()
    phone.page.get_by_role("button", name="Save").click()
    phone.page.get_by_text("Saved.").wait_for()
    assert double.school == {
        "days": [
            {"day": 0, "from": "08:00", "until": "15:30"},
            {"day": 4, "from": "08:00", "until": "13:00"},
        ],
        "holidays": None,
    }
    assert violations(phone.page) == []


def test_the_text_on_the_lock_screen_is_chosen_and_seen_as_it_will_look(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.go(2, 0)
    phone.page.get_by_role("button", name="Text on the lock screen").click()
    expect(phone.page.locator(".lock-screen")).to_contain_text("You have 1 new item")
    phone.page.get_by_role("button", name="Time for a short break").click()
    expect(phone.page.locator(".lock-screen")).to_contain_text("Time for a short break")
    assert double.lock_text == "break"
    phone.page.get_by_role("button", name="No text").click()
    wait(phone, lambda: double.lock_text == "none")
    assert violations(phone.page) == []
    phone.network(is_there=False)
    phone.page.get_by_role("button", name="Your tip of the day").click()
    phone.page.get_by_text("Try again when you're online.").wait_for()


TAPS = """
  async (put) => {
    const shown = { title: "Planner", body: "You have 1 new item", tag: "t1", icon: "" };
    await self.registration.showNotification(shown.title, { ...shown, data: put.data });
    const [notification] = await self.registration.getNotifications();
    const event = new NotificationEvent("notificationclick", { notification, action: put.action });
    self.dispatchEvent(event);
    await new Promise((done) => setTimeout(done, 800));
    return (await self.registration.getNotifications()).length;
  }
"""


def test_the_lock_screen_puts_it_off_and_keeps_it_where_that_fails(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    [worker] = phone.context.service_workers
    data = {"navigate": "/app/", "receipt": "a.token", "minutes": 30}
    assert worker.evaluate(TAPS, {"action": "later", "data": data}) == 0
    assert double.snoozes == [{"receipt": "a.token", "minutes": 30}]
    double.is_cafe = True
    assert worker.evaluate(TAPS, {"action": "later", "data": data}) == 1
