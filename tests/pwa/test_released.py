"""A phone that still has the released app works with the server that is in work."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.fixtures_demo import DemoFolder
from tests.pwa.conftest import LOCALES, Phone
from tests.pwa.demo import demo_agency
from tests.pwa.double import Double
from tests.upgrades.trees import ROOT, linked

pytestmark = pytest.mark.browser
# So long a phone of an earlier release may lie in a drawer, and still hands in what it kept.
AWAY = timedelta(days=89)
DATABASE = Path("var") / "waymark.sqlite3"


@pytest.fixture(scope="module")
def folder(demo_folder: DemoFolder) -> Path:
    return demo_folder()


@pytest.fixture(scope="module")
def demo(
    folder: Path, released_app: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The demo agency by the code in work, which hands out the released app."""
    tree = linked(tmp_path_factory.mktemp("mixed") / "tree", ROOT, pwa=released_app)
    with demo_agency(folder, root=tree) as demo:
        yield demo


@pytest.fixture
def old_phone(browser: Browser, demo: dict[str, Any]) -> Iterator[Phone]:
    """A phone; afterwards nothing may have gone wrong on it, and nothing may have been refused."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        locale=LOCALES["en"],
        has_touch=True,
        permissions=["notifications", "background-sync"],
    )
    context.set_default_timeout(20_000)
    page, faults = context.new_page(), list[str]()
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on(
        "response",
        lambda answer: (
            faults.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        ),
    )
    yield Phone(page, context, Double(url=demo["url"], files={}))
    context.close()
    assert faults == []


def test_the_released_app_comes_in_checks_in_and_shows_the_project(
    old_phone: Phone, demo: dict[str, Any], released_app: Path
) -> None:
    page = old_phone.page
    page.goto(demo["children"]["mia"]["link"])
    page.wait_for_selector("h1")
    built = (released_app / "dist" / "index.html").read_text(encoding="utf-8")
    [script] = re.findall(r'<script[^>]+src="([^"]+)"', built)
    assert page.locator(f'script[src="{script}"]').count() == 1, "it is the app of the release"
    for _ in range(4):
        page.locator(".main").click()
    page.wait_for_selector(".faces")
    old_phone.is_controlled()
    old_phone.ok()
    old_phone.is_thanked()
    old_phone.network(is_there=False)
    page.locator(".face").nth(3).click()
    old_phone.tick()
    page.locator(".thanks").get_by_text("Not sent yet").wait_for()
    old_phone.network(is_there=True)
    page.reload()
    page.wait_for_selector(".faces")
    page.get_by_text("not sent yet").wait_for(state="detached")
    old_phone.project()
    assert page.locator(".land").count() == 1
    old_phone.go(1)
    page.locator(".entry").nth(5).wait_for()
    for row in range(13):
        old_phone.go(2, row)
        page.wait_for_load_state("networkidle")


def test_the_released_app_hands_in_what_it_kept_for_89_days_in_a_drawer(
    old_phone: Phone, demo: dict[str, Any], folder: Path
) -> None:
    page, then = old_phone.page, datetime.now(UTC) - AWAY
    page.goto(demo["children"]["noor"]["link"])
    for _ in range(4):
        page.locator(".main").click()
    page.wait_for_selector(".faces")
    old_phone.is_controlled()
    old_phone.network(is_there=False)
    page.clock.set_fixed_time(then)
    page.locator(".face").nth(3).click()
    old_phone.tick()
    page.locator(".thanks").get_by_text("Not sent yet").wait_for()
    _was_last_used(folder, then)
    page.clock.set_fixed_time(datetime.now(UTC))
    old_phone.network(is_there=True)
    page.reload()
    page.wait_for_selector(".faces")
    page.get_by_text("not sent yet").wait_for(state="detached")
    assert _many_said(folder, then) == 1
    old_phone.ok()
    old_phone.is_thanked()


def _was_last_used(folder: Path, then: datetime) -> None:
    """The server heard of no phone since that moment."""
    with closing(sqlite3.connect(folder / DATABASE, timeout=20)) as rows, rows:
        rows.execute("UPDATE session SET made_at = ?1, last_seen_at = ?1", [then.isoformat(" ")])
        rows.execute("UPDATE device SET paired_at = ?1, last_seen_at = ?1", [then.isoformat(" ")])


def _many_said(folder: Path, then: datetime) -> int:
    """How many answers the server has that were said in the minute around that moment."""
    begin, end = (then + timedelta(seconds=s) for s in (-30, 30))
    with closing(sqlite3.connect(folder / DATABASE, timeout=20)) as rows:
        [many] = rows.execute(
            "SELECT COUNT(*) FROM check_in WHERE said_at BETWEEN ? AND ?",
            [begin.isoformat(" "), end.isoformat(" ")],
        ).fetchone()
    return int(many)
