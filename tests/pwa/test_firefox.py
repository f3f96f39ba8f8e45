"""The way of an alarm: from the child's tap to a notification in a real Firefox, and back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from server.notify.channels.push import Push
from server.notify.channels.vapid import read_key
from server.notify.rules import Outcome
from tests.copies import replace
from tests.doubles.firefox import Firefox, until
from tests.doubles.push_service import PushService
from tests.fixtures_demo import DemoFolder
from tests.notify.envelopes import envelope
from tests.pwa.demo import demo_agency

pytestmark = pytest.mark.browser

NAMES = ("Mia", "Castellane", "Tom", "Verhoeven", "Waymark")


@pytest.fixture(scope="module")
def folder(demo_folder: DemoFolder) -> Path:
    return demo_folder()


@pytest.fixture(scope="module")
def demo(folder: Path, browser_push: PushService) -> Iterator[dict[str, Any]]:
    with demo_agency(folder, WAYMARK_PUSH_ORIGINS=browser_push.origin) as demo:
        yield demo


def tap(firefox: Firefox, selector: str, number: int = 0) -> None:
    """Clicks as soon as it is there."""
    until(
        lambda: firefox.ask(
            """
            const found = document.querySelectorAll(args[0])[args[1]];
            found?.click();
            return Boolean(found);
            """,
            selector,
            number,
        )
    )


def choose(firefox: Firefox, words: str) -> None:
    """Clicks a row of a list, by what it says."""
    until(
        lambda: firefox.ask(
            """
            const rows = [...document.querySelectorAll('.row')];
            const found = rows.find((row) => row.innerText.includes(args[0]));
            found?.click();
            return Boolean(found);
            """,
            words,
        )
    )


def says(firefox: Firefox, words: str) -> None:
    shows = "return document.body?.innerText.includes(args[0]) ?? false"
    until(lambda: firefox.ask(shows, words), seconds=90)


def test_a_child_turns_reminders_on_and_a_neutral_one_is_shown_and_opens_the_app(
    firefox: Firefox, demo: dict[str, Any], folder: Path, browser_push: PushService
) -> None:
    firefox.open(demo["children"]["mia"]["link"])
    # Each screen is waited for: a tap that comes before it is drawn falls on the one before.
    for said in ("1 of 3", "2 of 3", "3 of 3", "Connect this phone"):
        says(firefox, said)
        tap(firefox, ".main")
    until(lambda: firefox.ask("return document.querySelectorAll('.faces').length"))
    tap(firefox, ".tabs button", 3)
    choose(firefox, "Reminders")
    tap(firefox, "main > .second")
    says(firefox, "Reminders are on.")
    made = until(
        lambda: firefox.ask(
            """
            const worker = await navigator.serviceWorker.ready;
            return (await worker.pushManager.getSubscription()).toJSON();
            """
        )
    )
    listed = until(
        lambda: firefox.ask(
            "return (await (await fetch('/api/v1/push-subscriptions')).json()).push_subscriptions"
        )
    )
    assert [one["current"] for one in listed] == [True]

    key = read_key((folder / "var" / "keys" / "vapid_private_key.pem").read_bytes())

    async def send() -> bool:
        async with Push(
            key,
            subject="mailto:ops@example.org",
            allowed_origins=(browser_push.origin,),
            clock=lambda: datetime.now(UTC),
        ) as push:
            message = replace(
                envelope(), address=made["endpoint"], keys=made["keys"], url=demo["url"] + "/app/"
            )
            return await push.send(message) == Outcome.accepted(201)

    firefox.open("about:blank")
    assert asyncio.run(send())
    [drawn] = until(firefox.drawn)
    assert not any(name in drawn["title"] + drawn["body"] for name in NAMES)
    firefox.click()
    until(lambda: any(tab.startswith(demo["url"] + "/app/") for tab in firefox.tabs()))


def test_a_phone_that_showed_nothing_for_a_week_is_mended_by_one_tap(
    firefox: Firefox, demo: dict[str, Any], folder: Path
) -> None:
    """What is on record says that three pushes were accepted and none was shown. The tap makes a
    real subscription anew, a real push arrives, and its receipt says so."""
    until(lambda: not firefox.drawn())
    with sqlite3.connect(folder / "var" / "waymark.sqlite3", timeout=20) as rows:
        # As the database keeps moments; what is a week old and more is stale.
        changed = rows.execute(
            "UPDATE address SET unseen = 3, last_seen_at = NULL,"
            " receipts_since = '2026-01-01 00:00:00.000000+00:00',"
            " unseen_since = '2026-01-01 00:00:00.000000+00:00'"
            " WHERE channel = 'push' AND dropped_at IS NULL"
        ).rowcount
    rows.close()
    assert changed == 1
    firefox.open(demo["url"] + "/app/")
    # The push before has opened a page in front of this one, and what is hidden is blank.
    firefox.to_front()
    says(firefox, "Reminders may not reach this phone.")
    tap(firefox, ".banner .plain")
    says(firefox, "It works. Reminders reach this phone again.")
    [drawn] = until(firefox.drawn)
    assert not any(name in drawn["title"] + drawn["body"] for name in NAMES)
    firefox.click()
    listed = firefox.ask(
        "return (await (await fetch('/api/v1/push-subscriptions')).json()).push_subscriptions"
    )
    assert [one["health"] for one in listed] == ["healthy"]


def test_help_now_on_a_phone_is_an_alarm_in_the_caseworkers_browser(
    firefox: Firefox, demo: dict[str, Any], browser: Browser
) -> None:
    until(lambda: not firefox.drawn())
    firefox.open(demo["url"] + "/health")
    firefox.driver.delete_all_cookies()
    firefox.open(demo["url"] + "/")
    until(
        lambda: firefox.ask(
            """
            const [name, password] = document.querySelectorAll("[name=name], [name=password]");
            if (!password) return false;
            [name.value, password.value] = ["tom", args[0]];
            return true;
            """,
            demo["staff"]["tom"]["password"],
        )
    )
    tap(firefox, "main form button[type=submit], main form button:not([type])")
    until(lambda: "/desk/" in firefox.url)
    firefox.open(demo["url"] + "/desk/settings")
    tap(firefox, "[data-when=off] [data-turn-on]")
    says(firefox, "Alarms are on in this browser.")

    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(demo["children"]["noor"]["link"])
    for _ in range(4):
        page.locator(".main").click()
    page.locator(".quiet.help").click()
    page.locator(".alarm").click()
    page.wait_for_selector(".thanks.received")
    context.close()

    [drawn] = until(firefox.drawn, 20)
    assert not any(name in drawn["title"] + drawn["body"] for name in (*NAMES, "Noor"))
    firefox.click()
    until(lambda: any("/desk/" in tab and "settings" not in tab for tab in firefox.tabs()))
