"""What one writes until the other sees it: two phones, both online, at the demo agency.

Noor, in Arabic, and Tom, in English, each in a browser context of their own, write to each other:
messages in the thread, and why it matters in a goal that both have open. From the tap on the button
to the frame in which the other's page shows the words. The reader's page is not touched meanwhile:
while a finger is on it, what arrives waits on purpose.
"""

import itertools
import json
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser.voices import Voice, child_at, worker_at
from tests.postgres import running
from tests.pwa.conftest import ARGUMENTS, CHROMIUM
from tests.pwa.demo import demo_agency

EACH = 16  # Of each kind, in each direction: 64 on each database.
TO_REACH_S = 1.0
# A little more than the phone waits after the last touch.
CALM_MS = 2_000
KINDS = {"sqlite": "SQLite", "postgres": "PostgreSQL"}

TAPPED = (
    """() => addEventListener('click', () => (window.tappedAt = Date.now()), { capture: true })"""
)
# The frame after the one in which the words came is there to be seen.
SEEN = """(words) => {
  window.seen = new Promise((done) => {
    const look = () => {
      if (!document.body.textContent.includes(words)) return;
      watcher.disconnect();
      requestAnimationFrame(() => setTimeout(() => done(Date.now())));
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document.body, { childList: true, subtree: true, characterData: true });
  });
}"""


def _timed(writer: Page, reader: Page, words: str, say: Callable[[], None]) -> float:
    """Milliseconds from the tap to the words at the other's."""
    reader.evaluate(SEEN, words)
    say()
    seen: float = reader.evaluate("window.seen")
    tapped: float = writer.evaluate("window.tappedAt")
    return seen - tapped


def _messages(writer: Voice, reader: Voice, numbers: Any, times: int) -> list[float]:
    for voice in (writer, reader):
        voice.talk()
    reader.page.wait_for_timeout(CALM_MS)
    found = []
    for _ in range(times):
        words = f"message {next(numbers)}"
        writer.page.locator("textarea").fill(words)
        found.append(_timed(writer.page, reader.page, words, lambda: writer.tap("Send")))
    return found


def _fields(writer: Voice, reader: Voice, goal: str, numbers: Any, times: int) -> list[float]:
    for voice in (writer, reader):
        voice.opens_goal(goal)
    reader.page.wait_for_timeout(CALM_MS)
    found = []
    for _ in range(times):
        words = f"reason {next(numbers)}"
        writer.page.locator(".row", has_text=writer.says("Why it matters")).first.click()
        writer.page.locator("textarea").fill(words)
        found.append(_timed(writer.page, reader.page, words, lambda: writer.tap("Save")))
        writer.page.wait_for_selector(".voices")
    return found


def _measure(kind: str, times: int) -> list[float]:
    """Of each change the milliseconds."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(is_durable=True) as server,
        sync_playwright() as playwright,
    ):
        place = {}
        if kind == "postgres":
            place["WAYMARK_DATABASE_URL"] = server.create_database("bench")
        with demo_agency(Path(folder), **place) as demo:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            noor, tom = child_at(chromium, demo), worker_at(chromium, demo)
            for voice in (noor, tom):
                voice.page.evaluate(TAPPED)
            noor.project()
            goal = noor.page.locator(".goal .goal-words").first.inner_text()
            numbers, found = itertools.count(1), []
            for writer, reader in ((noor, tom), (tom, noor)):
                found += _messages(writer, reader, numbers, times)
                found += _fields(writer, reader, goal, numbers, times)
            chromium.close()
    return found


def measure(times: int = EACH) -> dict[str, Any]:
    """The figures: the median and the 95th of a hundred, on each database."""
    found = {kind: _measure(kind, times) for kind in KINDS}
    medians = {kind: statistics.median(each) for kind, each in found.items()}
    said = "; ".join(
        f"{KINDS[kind]} {medians[kind]:.0f} ms at the median,"
        f" {statistics.quantiles(each, n=20)[-1]:.0f} ms at p95"
        for kind, each in found.items()
    )
    count = len(found["sqlite"])
    return {
        "what": f"written at one phone → seen at the other, both online, {count} changes",
        "shown": said,
        "goal": f"≤ {TO_REACH_S:.0f} s at the median",
        "milliseconds": {kind: [round(one) for one in each] for kind, each in found.items()},
        "is_reached": max(medians.values()) <= TO_REACH_S * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
