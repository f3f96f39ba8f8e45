"""Being away: asked on the phone, with a network and without, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pwa.conftest import Phone
from tests.pwa.double import Double

pytestmark = pytest.mark.browser

PATH = "/api/v1/absences"
TODAY, SOON = datetime.now(UTC), datetime.now(UTC) + timedelta(days=3)
NOT_AGREED = "This isn't agreed yet. Keep checking in as before."


def z(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def asked(**how: Any) -> dict[str, Any]:
    """One that the server has."""
    none = dict.fromkeys(("words", "decided_at", "decided_by", "answer", "agreed"))
    return {
        "id": "00000000-0000-4000-8000-000000000077",
        "from_at": z(TODAY - timedelta(hours=1)),
        "until_at": z(SOON),
        "place": "At my cousin's",
        "state": "waiting",
        **none,
        **how,
    }


def agreed() -> dict[str, Any]:
    row = asked(state="agreed", decided_at=z(TODAY), decided_by="Tom Verhoeven")
    times = {name: row[name] for name in ("id", "from_at", "until_at")}
    row["agreed"] = {
        **times,
        "ended_at": None,
        "returns": True,
        "by": "Tom Verhoeven",
        "next_due_at": z(SOON),
    }
    return row | {"answer": "Have a good time."}


def at_away(phone: Phone) -> Phone:
    """Paired, and at the screen, from Today."""
    phone.pair()
    phone.page.get_by_role("button", name="I'll be away").click()
    phone.page.get_by_role("heading", name="I'll be away").wait_for()
    return phone


def fill(phone: Phone) -> None:
    phone.page.get_by_role("button", name="Ask to be away").click()
    phone.page.get_by_role("button", name="With family").click()
    phone.page.get_by_label("Day").fill(f"{SOON:%Y-%m-%d}")
    phone.page.get_by_label("Anything else?").fill("She calls me.")


def test_asking_says_that_nothing_is_agreed_yet_and_it_can_be_taken_back(
    phone: Phone, double: Double
) -> None:
    at_away(phone)
    expect(phone.page.locator("main")).to_contain_text("Until they say yes, keep checking in.")
    fill(phone)
    phone.page.get_by_role("button", name="Ask my caseworker").click()
    expect(phone.page.locator(".card")).to_contain_text(NOT_AGREED)
    expect(phone.page.locator(".card")).to_contain_text("No answer yet")
    [sent] = double.posted(PATH)
    assert (sent["place"], sent["words"]) == ("With family", "She calls me.")
    assert sent["until_at"].startswith(f"{SOON:%Y-%m-%d}T")
    phone.page.get_by_role("button", name="Take back").click()
    expect(phone.page.locator(".card")).to_have_count(0)
    assert double.absences[0]["state"] == "recalled"


def test_without_a_network_it_waits_here_and_goes_out_once(phone: Phone, double: Double) -> None:
    at_away(phone)
    fill(phone)
    phone.network(is_there=False)
    phone.page.get_by_role("button", name="Ask my caseworker").click()
    expect(phone.page.locator(".card")).to_contain_text(
        "It will be sent when this app is open and online."
    )
    expect(phone.page.locator(".card")).to_contain_text(NOT_AGREED)
    assert double.absences == []
    phone.network(is_there=True)
    expect(phone.page.locator(".card")).to_contain_text("No answer yet")
    assert len(double.absences) == 1


def test_what_is_typed_is_there_after_the_app_was_closed(phone: Phone) -> None:
    at_away(phone)
    fill(phone)
    # What is typed is sealed and written a moment later.
    phone.page.wait_for_timeout(500)
    phone.page.reload()
    phone.page.get_by_role("button", name="I'll be away").click()
    expect(phone.page.get_by_label("Anything else?")).to_have_value("She calls me.")


SLOW_ONCE = """() => {
    const real = crypto.subtle.encrypt.bind(crypto.subtle);
    let isFirst = true;
    crypto.subtle.encrypt = async (...how) => {
        const wait = isFirst ? 400 : 0;
        isFirst = false;
        await new Promise((done) => setTimeout(done, wait));
        return real(...how);
    };
}"""


def test_of_two_quick_edits_the_last_is_kept_however_long_sealing_takes(phone: Phone) -> None:
    at_away(phone)
    fill(phone)
    phone.page.wait_for_timeout(500)
    phone.page.evaluate(SLOW_ONCE)
    words = phone.page.get_by_label("Anything else?")
    words.fill("She calls")
    words.fill("She calls me at nine.")
    phone.page.wait_for_timeout(1_000)
    phone.page.reload()
    phone.page.get_by_role("button", name="I'll be away").click()
    expect(words).to_have_value("She calls me at nine.")


def test_an_answer_shows_on_today_without_a_name_and_what_was_agreed_on_the_page(
    phone: Phone, double: Double
) -> None:
    double.absences = [agreed()]
    phone.pair()
    line = phone.page.get_by_role("button", name="I'll be away")
    expect(line).to_contain_text("There's an answer")
    assert "Tom" not in line.inner_text()
    line.click()
    card = phone.page.locator(".card")
    for words in (
        "Away until",
        "Agreed with Tom Verhoeven.",
        "Next check-in:",
        "Have a good time.",
    ):
        expect(card).to_contain_text(words)
    phone.page.get_by_role("button", name="I'm back").click()
    expect(phone.page.locator("main")).to_contain_text("Thank you for telling us.")
    assert double.absences[0]["state"] == "back"


def test_not_agreed_comes_with_the_workers_words(phone: Phone, double: Double) -> None:
    answered = {"decided_at": z(TODAY), "decided_by": "Tom Verhoeven", "answer": "Let us talk."}
    double.absences = [asked(state="declined", **answered)]
    at_away(phone)
    for words in ("Not this time", "Let us talk.", "Keep checking in as before."):
        expect(phone.page.locator(".card")).to_contain_text(words)


def test_ended_early_by_a_worker_says_to_check_in_as_before(phone: Phone, double: Double) -> None:
    row = agreed()
    ended = row["agreed"] | {"ended_at": z(TODAY), "next_due_at": None}
    double.absences = [row | {"state": "over", "agreed": ended}]
    at_away(phone)
    card = phone.page.locator(".card")
    expect(card).to_contain_text("This ended early")
    expect(card).to_contain_text("Keep checking in as before.")
    expect(card.get_by_role("button", name="I'm back")).to_have_count(0)


def test_the_phone_asks_for_its_absences_once_and_not_again_and_again(
    phone: Phone, double: Double
) -> None:
    at_away(phone)
    phone.page.wait_for_timeout(1_000)
    asked = [path for method, path, _ in double.requests if (method, path) == ("GET", PATH)]
    assert 1 <= len(asked) <= 4
