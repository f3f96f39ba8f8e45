"""Ideas of the agency on a phone: below the question, never instead of it, there offline too."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.axe import violations
from tests.pwa.book import AGENCY, MIA, TOM, a_project
from tests.pwa.conftest import Phone, Phones
from tests.pwa.days import day
from tests.pwa.double import Double
from tests.pwa.looks import TARGET, is_sideways
from tests.pwa.test_project import click, eventually, goals

pytestmark = pytest.mark.browser

STEPS = [
    {"text": "Ask for an appointment", "who": "caseworker", "days": 14},
    {"text": "Say when the nights are bad", "who": "child", "days": None},
    {"text": "Pay for the medicine", "who": "agency", "days": None},
    {"text": "Come with me", "who": "guardian", "days": 3},
]
NAME = "I want to sleep well."


def idea(words: str, kind: str = "health", **more: Any) -> dict[str, Any]:
    """One that the agency offers."""
    return {
        "id": f"00000000-0000-4000-8000-{abs(hash(words)) % 10**12:012}",
        "kind": kind,
        "language": "en",
        "age_from": None,
        "age_to": None,
        "words": words,
        "why": None,
        "success_sign": None,
        "steps": [],
    } | more


def asked(double: Double) -> int:
    return sum(path == "/api/v1/project/templates" for _, path, _ in double.requests)


def to_words(phone: Phone, double: Double) -> None:
    """To the question what one wants, in the area of health, with the ideas on the phone."""
    a_project(double.book, double.language)
    phone.pair()
    phone.project()
    eventually(phone, lambda: asked(double) > 0)
    phone.page.wait_for_timeout(200)
    phone.page.locator("main > .main").click()
    phone.page.locator(".area").nth(1).click()
    phone.page.locator(".main").click()
    phone.page.wait_for_selector("textarea")


def said(double: Double, entity: str) -> list[dict[str, Any]]:
    """What this phone made of a kind, as it went out."""
    sent = [one for body in double.posted("/api/v1/sync") for one in body["changes"]]
    return [one["value"] for one in sent if one["entity"] == entity]


def test_an_idea_fills_the_words_and_each_of_its_steps_is_kept_or_left(
    phone: Phone, double: Double
) -> None:
    sign = "I sleep through most nights."
    double.templates = [idea(NAME, success_sign=sign, steps=STEPS), idea("Swim", "social")]
    to_words(phone, double)
    page = phone.page
    phone.network(is_there=False)
    assert page.locator(".idea").all_inner_texts() == [NAME]
    page.locator(".idea").click()
    expect(page.locator("textarea")).to_have_value(NAME)
    page.locator("textarea").fill("I want to sleep well, also alone.")
    expect(page.locator(".idea")).to_have_count(0)
    click(phone, "Next")
    expect(page.locator(".idea")).to_have_count(0)
    click(phone, "I don't know yet")
    page.locator(".idea", has_text=sign).click()
    click(phone, "Next")
    click(phone, "I don't know yet")
    assert page.locator(".of-step").count() == len(STEPS)
    expect(page.locator("[aria-pressed=true]")).to_have_count(0)
    expect(page.locator(".of-step").first).to_contain_text("Tom", use_inner_text=True)
    for text in (STEPS[0]["text"], STEPS[1]["text"], STEPS[2]["text"], STEPS[2]["text"]):
        page.locator(".of-step", has_text=str(text)).click()
    page.locator(".of-step", has_text="Come with me").click()
    click(phone, "Save")
    page.wait_for_selector(".land")
    phone.network(is_there=True)
    eventually(phone, lambda: len(said(double, "step")) == 3)
    (goal,) = said(double, "goal")
    assert goal["child_words"] == "I want to sleep well, also alone."
    assert goal["success_sign"] == sign
    assert "why" not in goal
    toms, mine, guardians = said(double, "step")
    assert (toms["text"], toms["owner_id"]) == (STEPS[0]["text"], TOM)
    assert toms["due_on"] == day(14)
    assert (mine["owner_id"], "due_on" in mine) == (MIA, False)
    # Mia has no guardian: the step is there, and whose it is can be said later.
    assert "owner_id" not in guardians
    assert AGENCY not in str(said(double, "step"))


def test_a_child_who_writes_their_own_words_loses_none_of_them_to_an_idea(
    phone: Phone, double: Double
) -> None:
    double.templates = [idea(NAME, steps=STEPS), idea("I want to run.")]
    to_words(phone, double)
    page = phone.page
    page.locator("textarea").fill("Football")
    expect(page.locator(".idea")).to_have_count(0)
    page.locator("textarea").fill("")
    page.locator(".idea").nth(0).click()
    page.locator(".idea").nth(1).click()
    expect(page.locator("textarea")).to_have_value("I want to run.")
    page.locator(".idea").nth(1).click()
    expect(page.locator("textarea")).to_have_value("")
    page.locator(".idea").nth(0).click()
    page.locator("textarea").fill("")
    page.locator("textarea").fill("Football")
    click(phone, "Next")
    for _ in range(3):
        page.locator("main > .second").click()
    page.wait_for_selector(".land")
    eventually(phone, lambda: "Football" in goals(double))
    assert said(double, "step") == []


def test_steps_may_all_be_left_out_and_two_taps_make_one_goal(phone: Phone, double: Double) -> None:
    double.templates = [idea(NAME, steps=STEPS)]
    to_words(phone, double)
    page = phone.page
    page.locator(".idea").click()
    click(phone, "Next")
    for _ in range(3):
        page.locator("main > .second").click()
    page.locator("main > .main").evaluate("(button) => { button.click(); button.click(); }")
    page.wait_for_selector(".land")
    eventually(phone, lambda: NAME in goals(double))
    page.wait_for_timeout(300)
    assert len(said(double, "goal")) == 1
    assert said(double, "step") == []


def test_ideas_are_kept_for_a_day_without_a_network_and_follow_the_language(
    phone: Phone, double: Double
) -> None:
    double.templates = [idea(NAME)]
    to_words(phone, double)
    phone.network(is_there=False)
    phone.page.reload()
    phone.project()
    phone.page.locator("main > .main").click()
    phone.page.locator(".area").nth(1).click()
    phone.page.locator(".main").click()
    assert phone.page.locator(".idea").all_inner_texts() == [NAME]
    assert NAME not in str(phone.stored())


def test_with_nothing_offered_the_question_stands_alone(phone: Phone, double: Double) -> None:
    to_words(phone, double)
    expect(phone.page.locator(".ideas")).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_screens_of_ideas_are_readable_in_either_scheme_and_reachable(
    phones: Phones, double: Double, language: str
) -> None:
    long = "I want a place where I can sleep and close a door behind me. " * 4
    double.templates = [idea(long, steps=STEPS), *(idea(f"{NAME} {n}") for n in range(6))]
    phone = phones(language=language, width=320, height=568)
    to_words(phone, double)

    def check() -> None:
        for scheme in ("dark", "light"):
            phone.page.emulate_media(color_scheme=scheme)
            assert violations(phone.page) == [], scheme
        assert not is_sideways(phone)
        for target in phone.page.locator("button, a:not(.skip), input").all():
            box = target.bounding_box()
            assert box is None or min(box["width"], box["height"]) >= TARGET - 0.5

    expect(phone.page.locator(".idea")).to_have_count(4)
    phone.page.locator(".ideas > .second").click()
    expect(phone.page.locator(".idea")).to_have_count(7)
    phone.page.locator(".idea").first.click()
    check()
    phone.page.locator("main > .main").click()
    for _ in range(3):
        phone.page.locator("main > .second").click()
    phone.page.locator(".of-step").first.click()
    check()
