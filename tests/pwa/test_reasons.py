"""Reasons of a child's going at the review after its return: with the goals, in its words."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pwa.book import INES, MIA, TOM, a_project
from tests.pwa.conftest import Phone, Phones
from tests.pwa.double import Double
from tests.pwa.talks import STOP, reason_id, talk
from tests.pwa.test_project import click, eventually
from tests.pwa.test_project_screens import GO, come_in

pytestmark = pytest.mark.browser

TALK = talk(push=("alone", "not_heard"), pull=("family",), stop=STOP["en"])
TITLE = "What the child said after coming back"
PATH = f"/api/v1/children/{MIA}/return-reasons"
SYNC = f"/api/v1/children/{MIA}/sync"
ONCE_MORE = "That didn't work. Try again when you're online."


def to_review(phone: Phone, double: Double, who: str = TOM) -> dict[str, str]:
    """To the review after a return that is still to come."""
    ids = a_project(double.book, double.language)
    ids["return"] = double.book.make(TOM, "review", kind="return")
    come_in(phone, double, who)
    phone.page.wait_for_selector(".path")
    open_review(phone, ids)
    return ids


def open_review(phone: Phone, ids: dict[str, str]) -> None:
    phone.page.evaluate(GO, ["plan", {}])
    phone.page.evaluate(GO, ["review", {"id": ids["return"]}])
    phone.page.locator("#title").wait_for()


def said(double: Double, entity: str) -> list[dict[str, Any]]:
    """What Tom's phone made of a kind, as it went out."""
    sent = [one for body in double.posted(SYNC) for one in body["changes"]]
    return [one["value"] for one in sent if one["entity"] == entity and one["field"] == "*"]


def reason(phone: Phone, words: str) -> Any:
    return phone.page.locator(".reason", has_text=words)


def ask_again(phone: Phone, double: Double, ids: dict[str, str]) -> None:
    """Leaves the review and comes back to it, and waits until the server was asked."""
    before = sum(path == PATH for _, path, _ in double.requests)
    open_review(phone, ids)
    eventually(phone, lambda: sum(path == PATH for _, path, _ in double.requests) > before)


def test_a_reason_becomes_a_goal_in_its_words_and_is_shown_as_one(
    phone: Phone, double: Double
) -> None:
    double.reasons = [TALK]
    ids = to_review(phone, double)
    page = phone.page
    expect(page.locator(".reason")).to_have_count(4)
    for title in ("What made the child leave", "What pulled the child away"):
        expect(page.locator("h3", has_text=title)).to_be_visible()
    phone.network(is_there=False)
    reason(phone, STOP["en"]).get_by_role("button", name="Make it a goal").click()
    page.locator(".area").nth(1).click()
    click(phone, "Next")
    expect(page.locator("textarea")).to_have_value(STOP["en"])
    page.locator("textarea").fill("I find somebody whom you can call at night.")
    click(phone, "Next")
    click(phone, "I don't know yet")
    click(phone, "I don't know yet")
    click(phone, "I don't know yet")
    # Back where one was, and nobody makes it twice.
    came = reason(phone, STOP["en"]).locator(".row")
    expect(came).to_contain_text("This is a goal now")
    expect(came).to_contain_text("I find somebody whom you can call at night.")
    expect(reason(phone, STOP["en"]).get_by_role("button", name="Make it a goal")).to_have_count(0)
    phone.network(is_there=True)
    eventually(phone, lambda: len(said(double, "goal")) == 1)
    [goal] = said(double, "goal")
    assert goal["worker_words"] == "I find somebody whom you can call at night."
    assert goal["reason_id"] == reason_id(1, "stop")
    assert "child_words" not in goal
    came.click()
    expect(page.locator(".own-words").first).to_contain_text("I find somebody")
    # Whoever lets go of it may begin anew.
    [made] = [
        key for key in double.book.state.made if key[0] == "goal" and key[1] not in ids.values()
    ]
    double.book.say(TOM, "goal", made[1], "lifecycle", "cancelled")
    open_review(phone, ids)
    button = reason(phone, STOP["en"]).get_by_role("button", name="Make it a goal")
    button.wait_for(timeout=20_000)


def test_a_reason_is_added_to_a_goal_as_a_step(phone: Phone, double: Double) -> None:
    double.reasons = [TALK]
    ids = to_review(phone, double)
    page = phone.page
    reason(phone, "Nobody listened").locator("summary").click()
    rows = reason(phone, "Nobody listened").locator(".row")
    assert rows.count() >= 2
    rows.first.click()
    click(phone, "I don't know yet")
    expect(page.locator("textarea")).to_have_value("Nobody listened")
    page.locator("textarea").fill("Sit down with Mia every Friday")
    click(phone, "Next")
    click(phone, "I don't know yet")
    expect(reason(phone, "Nobody listened")).to_contain_text("This is a step now")
    eventually(phone, lambda: len(said(double, "step")) == 1)
    [step] = said(double, "step")
    assert step["reason_id"] == reason_id(1, "push", "not_heard")
    assert step["text"] == "Sit down with Mia every Friday"
    assert step["goal_id"] in ids.values()


def test_what_was_typed_for_another_goal_stays_there(phone: Phone, double: Double) -> None:
    double.reasons = [TALK]
    to_review(phone, double)
    page = phone.page
    page.evaluate(GO, ["new-goal", {"q": "1"}])
    page.locator("textarea").fill("A bicycle.")
    page.evaluate(GO, ["new-goal", {"q": "1", "reason": reason_id(1, "push", "alone")}])
    expect(page.locator("textarea")).to_have_value("Lonely or homesick")
    page.evaluate(GO, ["new-goal", {"q": "1"}])
    expect(page.locator("textarea")).to_have_value("A bicycle.")


def test_what_was_read_stays_readable_offline_sealed_until_it_may_not_be_read(
    phone: Phone, double: Double
) -> None:
    double.reasons = [TALK]
    ids = to_review(phone, double)
    page = phone.page
    expect(page.locator(".reason")).to_have_count(4)
    page.wait_for_timeout(300)
    assert STOP["en"] not in str(phone.stored())
    assert "not_heard" not in str(phone.stored())
    phone.network(is_there=False)
    page.reload()
    phone.page.locator(".tabs button").nth(1).click()
    page.wait_for_selector(".path")
    open_review(phone, ids)
    expect(page.locator(".reason")).to_have_count(4)
    expect(page.locator("[role=status]", has_text="Last updated on this phone")).to_be_visible()
    phone.network(is_there=True)
    # The child has said no since.
    double.reasons = []
    ask_again(phone, double, ids)
    expect(page.locator(".reason")).to_have_count(0)
    expect(page.get_by_text("The child hasn't let you use anything here.")).to_be_visible()
    # Whoever may not read them any more keeps none.
    double.reasons = [TALK]
    ask_again(phone, double, ids)
    expect(page.locator(".reason")).to_have_count(4)
    double.may_read_reasons = False
    ask_again(phone, double, ids)
    expect(page.locator(".reason")).to_have_count(0)
    assert not [box for box in phone.stored() if "reasons" in str(box["key"])]


def test_without_a_network_and_nothing_kept_it_says_that_it_comes_with_one(
    phone: Phone, double: Double
) -> None:
    ids = a_project(double.book, double.language)
    ids["return"] = double.book.make(TOM, "review", kind="return")
    come_in(phone, double, TOM)
    phone.page.wait_for_selector(".path")
    phone.network(is_there=False)
    open_review(phone, ids)
    expect(phone.page.get_by_text("You need internet for this part.")).to_be_visible()
    double.reasons = [TALK]
    phone.network(is_there=True)
    expect(phone.page.locator(".reason")).to_have_count(4)


def test_a_supervisor_reads_them_and_changes_nothing(phone: Phone, double: Double) -> None:
    double.reasons = [TALK]
    to_review(phone, double, INES)
    expect(phone.page.locator(".reason")).to_have_count(4)
    expect(phone.page.locator(".reason button")).to_have_count(0)


def test_they_stand_at_a_review_after_a_return_alone(phone: Phone, double: Double) -> None:
    double.reasons = [TALK]
    ids = to_review(phone, double)
    phone.page.evaluate(GO, ["review", {"id": ids["review"]}])
    phone.page.wait_for_timeout(300)
    assert phone.page.get_by_text(TITLE).count() == 0


def test_the_child_sees_its_own_words_when_it_asks_and_its_phone_keeps_none(
    phone: Phone, double: Double
) -> None:
    own = "I was at a friend's, and I want you to know it."
    double.own_talks = [talk(own=own), talk(2, may_be_used=False)]
    double.reasons = [TALK]
    ids = to_review(phone, double, MIA)
    page = phone.page
    assert not [path for _, path, _ in double.requests if path == PATH]
    click(phone, "See what you said")
    expect(page.get_by_text(own)).to_be_visible()
    expect(page.get_by_text("You let adults use your reasons here.")).to_be_visible()
    expect(page.get_by_text("Adults can't see your reasons here.")).to_be_visible()
    assert not [box for box in phone.stored() if "reasons" in str(box["key"])]
    click(phone, "Close")
    expect(page.get_by_text(own)).to_have_count(0)
    click(phone, "See what you said")
    page.get_by_text(own).wait_for()
    open_review(phone, ids)
    expect(page.get_by_text(own)).to_have_count(0)
    phone.network(is_there=False)
    click(phone, "See what you said")
    expect(page.get_by_text(ONCE_MORE)).to_be_visible()


def test_a_child_that_had_nothing_written_down_is_told_so(phones: Phones, double: Double) -> None:
    phone = phones(language="fr", scheme="dark")
    to_review(phone, double, MIA)
    phone.page.locator("section.field > .second").last.click()
    expect(phone.page.locator("section.field [role=status] p")).to_have_count(1)
