"""What happened, who has read it, and a question about it: on the phone, also offline."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from tests.pwa.conftest import Phone
from tests.pwa.double import Double
from tests.pwa.stories import stories
from tests.pwa.test_project import eventually

pytestmark = pytest.mark.browser
HAPPENED, ASKED, LOOKS = 5, 6, 4


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def write(phone: Phone, words: str) -> None:
    """The first entry of the screen that is open is asked about."""
    phone.page.locator(".quiet.ask").first.click()
    phone.page.locator("#question").fill(words)


def test_the_child_reads_why_we_acted_also_without_a_network(phone: Phone, double: Double) -> None:
    double.stories = stories()
    phone.pair()
    phone.go(2, HAPPENED)
    phone.page.get_by_text("so we asked Sam Oyelaran").wait_for()
    expect(phone.page.locator(".entry")).to_have_count(6)
    phone.network(is_there=False)
    phone.go(0)
    phone.go(2, HAPPENED)
    phone.page.get_by_text("so we told Tom Verhoeven").wait_for()


def test_a_question_is_kept_without_a_network_sent_later_and_answered_beside_the_entry(
    phone: Phone, double: Double
) -> None:
    double.stories = stories()
    phone.pair()
    phone.go(2, HAPPENED)
    phone.page.locator(".entry").first.wait_for()
    phone.network(is_there=False)
    write(phone, "Why so early?")
    phone.page.locator("form .main").click()
    first = phone.page.locator(".entry").first
    expect(first).to_contain_text("Why so early?")
    expect(first).to_contain_text("Not sent yet")
    assert double.asked == []
    phone.network(is_there=True)
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    eventually(phone, lambda: double.asked)
    expect(first).to_contain_text("Tom Verhoeven should answer by")
    [asked] = double.asked
    assert (asked["to"], asked["words"]) == ("caseworker", "Why so early?")
    assert asked["about"]["shown"] == "We reminded you."
    answer = {"answer": "School ends early.", "answered_at": _now(), "answered_by": "Tom Verhoeven"}
    double.asked[0] |= answer
    phone.page.reload()
    phone.page.get_by_role("button", name="There's an answer for you").click()
    phone.page.get_by_text("School ends early.").wait_for()
    phone.go(0)
    expect(phone.page.get_by_role("button", name="There's an answer for you")).to_have_count(0)
    phone.go(2, HAPPENED)
    expect(phone.page.locator(".entry").first).to_contain_text("School ends early.")
    phone.page.get_by_role("button", name="Ask again").wait_for()


def test_about_a_caseworker_the_supervisor_is_marked_first_and_the_words_are_not_lost(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.go(2, LOOKS)
    write(phone, "Why at night?")
    page = phone.page
    ines = page.get_by_role("button", name="Ines Quintanar (Supervisor)")
    expect(ines).to_have_attribute("aria-pressed", "true")
    page.get_by_text("Your caseworker can't see this question.").wait_for()
    page.wait_for_timeout(300)
    page.reload()
    phone.go(2, LOOKS)
    page.locator(".quiet.ask").first.click()
    expect(page.locator("#question")).to_have_value("Why at night?")
    page.get_by_role("button", name="Tom Verhoeven (Caseworker)").click()
    page.locator("form .main").click()
    eventually(phone, lambda: double.asked)
    assert double.asked[0]["to"] == "caseworker"
    assert double.asked[0]["about"]["kind"] == "look"


def test_a_child_who_asked_nothing_is_told_where_one_can_ask(phone: Phone) -> None:
    phone.pair()
    phone.go(2, ASKED)
    phone.page.get_by_text("You can ask about each entry").wait_for()


def test_a_message_and_a_note_say_who_has_read_them(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.write("I slept badly.")
    phone.ok()
    phone.is_thanked()
    double.read[double.check_ins[0]["id"]] = [{"name": "Tom Verhoeven", "at": _now()}]
    phone.go(1)
    phone.page.get_by_text("Read by Tom Verhoeven").wait_for()
    phone.project()
    phone.page.locator(".tabs button").nth(2).click()
    phone.page.locator("#message").fill("Are you there?")
    phone.page.locator(".composer .main").click()
    eventually(phone, lambda: [row for row in double.book.rows if row[1]["entity"] == "message"])
    expect(phone.page.get_by_text("Read by")).to_have_count(0)
    [(_, row)] = [row for row in double.book.rows if row[1]["entity"] == "message"]
    double.read[row["entity_id"]] = [{"name": "Ines Quintanar", "at": _now()}]
    phone.go(0)
    phone.page.reload()
    phone.page.locator(".tabs button").nth(2).click()
    phone.page.get_by_text("Read by Ines Quintanar").wait_for()
