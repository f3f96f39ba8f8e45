"""Agreeing on a phone: in several ways, by several people; and what became of it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from server.plan import phrases, shape
from tests.axe import violations
from tests.pwa.book import MIA, TOM, WORDS, Book, a_project
from tests.pwa.conftest import Phone, Phones
from tests.pwa.days import day, days_from_now
from tests.pwa.double import Double
from tests.pwa.looks import TARGET, is_sideways
from tests.pwa.test_project import click, eventually, shown
from tests.pwa.test_project_screens import GO

pytestmark = pytest.mark.browser


def opened(phone: Phone, row: str) -> None:
    phone.project()
    phone.page.locator(".row", has_text=row).click()


def to_step(phone: Phone, words: str) -> None:
    phone.project()
    phone.page.locator(".stone", has_text=words).click()


def test_a_picture_says_what_is_meant_once_it_is_confirmed(phone: Phone, double: Double) -> None:
    book = double.book
    a_project(book)
    phone.pair()
    opened(phone, "Read it and say yes or no")
    click(phone, "I agree")
    click(phone, "With a picture")
    say = phone.page.get_by_role("button", name="Send my answer")
    assert say.is_disabled()
    pictures = [
        phone.page.get_by_role("button", name=name, exact=True) for name in ("Yes", "Partly")
    ]
    pictures[1].locator("visible=true").last.click()
    shown(phone, "You say: I agree with some of it")
    expect(phone.page.locator("h1")).to_have_text("I agree with some of it", use_inner_text=True)
    say.click()
    eventually(phone, lambda: len(book.state.agreements) == 3)
    value = book.state.agreements[-1].value
    assert (value["decision"], value["method"]) == ("in_part", "pictogram")


def test_the_answer_carries_how_the_plan_was_explained_and_who_interpreted(
    phone: Phone, double: Double
) -> None:
    book = double.book
    a_project(book)
    phone.pair()
    opened(phone, "Read it and say yes or no")
    click(phone, "I agree")
    click(phone, "Yes")
    phone.page.get_by_label("Which language?").select_option("ti")
    phone.page.get_by_label("Who interpreted?").fill("Selam")
    click(phone, "Send my answer")
    eventually(phone, lambda: len(book.state.agreements) == 3)
    value = book.state.agreements[-1].value
    assert (value["explained"], value["language"], value["interpreter"]) == (True, "ti", "Selam")
    shown(phone, "Interpreter: Selam")
    shown(phone, "Language: Tigrinya")


def test_who_said_what_is_shown_and_who_was_not_asked(phone: Phone, double: Double) -> None:
    book = double.book
    a_project(book)
    book.make(TOM, "agreement", revision=book.state.revision, decision="disagree", method="tap")
    phone.pair()
    opened(phone, "Read it and say yes or no")
    toms = phone.page.locator(".entry", has=phone.page.locator(".party-role"), has_text="Tom")
    expect(toms).to_contain_text("Doesn't agree", use_inner_text=True)
    agency = phone.page.locator(".entry", has_text="The agency").last
    expect(agency).to_contain_text("No answer yet", use_inner_text=True)
    expect(phone.page.get_by_text("No answer yet to the new version")).to_have_count(1)


def test_what_an_adult_wrote_down_counts_when_the_child_says_it_itself(
    phone: Phone, double: Double
) -> None:
    book = double.book
    a_project(book)
    revision = book.state.revision
    record = {"of_id": MIA, "method": "witnessed", "present": "Sam", "comment": "I want that."}
    book.make(TOM, "agreement", revision=revision, decision="agree", method="tap")
    book.make(TOM, "agreement", revision=revision, decision="agree", **record)
    assert book.state.signed_revision != revision
    phone.pair()
    opened(phone, "Read it and say yes or no")
    shown(phone, "Tom wrote down what you said")
    shown(phone, "Who was there: Sam")
    click(phone, "Yes, that's what I said")
    click(phone, "Send my answer")
    eventually(phone, lambda: book.state.signed_revision == revision)
    shown(phone, "Read it and say yes or no")
    expect(phone.page.get_by_text("Tom wrote down what you said")).to_have_count(0)


def test_a_child_who_disagrees_can_take_the_words_to_another_adult(
    phone: Phone, double: Double
) -> None:
    book = double.book
    a_project(book)
    phone.pair()
    opened(phone, "Read it and say yes or no")
    click(phone, "I don't agree")
    phone.page.locator("textarea").fill("The bus pass comes too late.")
    click(phone, "Send my answer")
    shown(phone, "Answer saved")
    click(phone, "Tell someone else too")
    expect(phone.page.locator("textarea")).to_have_value("The bus pass comes too late.")
    click(phone, "Send")
    eventually(phone, lambda: book.things("complaint"))
    (complaint,) = book.things("complaint")
    assert book.standing("complaint", complaint, "text") == "The bus pass comes too late."
    shown(phone, "No answer yet. It's due")
    # Blanks are no answer: it stays open until there is one to read.
    book.say("00000000-0000-4000-8000-000000000003", "complaint", complaint, "answer", "  ")
    phone.page.wait_for_timeout(300)
    shown(phone, "No answer yet. It's due")


def test_a_step_that_comes_again_is_done_for_this_time(phone: Phone, double: Double) -> None:
    book = double.book
    ids = a_project(book)
    book.say(TOM, "step", ids["next"], "repeats", "weekly")
    phone.pair()
    to_step(phone, WORDS["en"]["next"])
    shown(phone, "Repeats every week.")
    shown(phone, "Due tomorrow")
    click(phone, "Done this time")
    shown(phone, "Last time: Done: today")
    eventually(phone, lambda: book.standing("step", ids["next"], "status") == "done")
    next_on = days_from_now(8)
    shown(phone, f"Due on {next_on.day} {next_on:%B}")
    click(phone, "Done this time")
    later = days_from_now(15)
    shown(phone, f"Due on {later.day} {later:%B}")
    phone.project()
    expect(phone.page.locator(".stone", has_text=f"Due on {later.day} {later:%B}")).to_have_count(1)


def test_a_step_can_come_again_from_its_making_on(phone: Phone, double: Double) -> None:
    a_project(double.book)
    phone.pair()
    phone.project()
    phone.page.locator(".goal", has_text=WORDS["en"]["friend"]).click()
    click(phone, "Add a step or a promise")
    click(phone, "I don't know yet")
    phone.page.locator("textarea").fill("Go to the training")
    click(phone, "Next")
    phone.page.locator("input").fill(day(3))
    click(phone, "Next")
    click(phone, "Every month")
    click(phone, "Save")
    shown(phone, "Go to the training")
    book = double.book
    eventually(
        phone, lambda: book.standing("step", book.things("step")[-1], "repeats") == "monthly"
    )
    # A day that was chosen and then left open again asks for nothing more.
    click(phone, "Add a step or a promise")
    click(phone, "I don't know yet")
    phone.page.locator("textarea").fill("Buy shoes")
    click(phone, "Next")
    phone.page.locator("input").fill(day(3))
    click(phone, "I don't know yet")
    shown(phone, "Buy shoes")
    shown(phone, "Steps and promises")


def test_a_promise_is_moved_with_a_reason_and_says_which_day_it_was(
    phone: Phone, double: Double
) -> None:
    book = double.book
    ids = a_project(book)
    phone.pair()
    to_step(phone, WORDS["en"]["late"])
    shown(phone, "Late. It was due")
    phone.page.locator(".row", has_text="Choose another date").click()
    keep = phone.page.get_by_role("button", name="Save", exact=True)
    phone.page.locator("input").fill(day(9))
    assert keep.is_disabled()
    phone.page.get_by_label("Why another date?").fill("The lawyer is away until Monday.")
    keep.click()
    shown(phone, "The date was changed. Before:")
    shown(phone, "The lawyer is away until Monday.")
    eventually(phone, lambda: book.standing("step", ids["late"], "due_on") == day(9))
    eventually(phone, lambda: bool(book.standing("step", ids["late"], "moved_why")))
    assert book.standing("step", ids["late"], "status") == "open"
    # One's own step may be moved without saying why.
    to_step(phone, WORDS["en"]["next"])
    phone.page.locator(".row", has_text="Choose another date").click()
    phone.page.locator("input").fill(day(4))
    click(phone, "Save")
    eventually(phone, lambda: book.standing("step", ids["next"], "due_on") == day(4))


def test_a_meeting_goes_through_what_changed_and_says_what_became_of_each_goal(
    phone: Phone, double: Double
) -> None:
    book = double.book
    ids = a_project(book)
    made = book.state.made["goal", ids["goal"]].id
    phone.pair()
    opened(phone, "About this path")
    book.say(TOM, "goal", ids["goal"], "why", "I am good at it.", base=made)
    tried = book.state.fields["step", ids["missed"], "status"].stands
    assert tried is not None
    book.say(TOM, "step", ids["missed"], "status", "not_done", base=tried.id)
    phone.page.locator(".row", has_text="We look back together").click()
    agenda = phone.page.locator(".agenda")
    agenda.get_by_text("Different now: Why it matters").wait_for()
    expect(agenda).to_contain_text(WORDS["en"]["late"], use_inner_text=True)
    expect(agenda).to_contain_text(WORDS["en"]["reason"], use_inner_text=True)
    click(phone, "We met today")
    shown(phone, "How each goal is going")
    phone.page.locator(".row", has_text=WORDS["en"]["child"]).first.click()
    click(phone, "Reached")
    click(phone, "It worked, and it still does")
    click(phone, "Save")
    eventually(phone, lambda: book.standing("goal", ids["goal"], "achievement") == "sustaining")
    eventually(phone, lambda: book.standing("goal", ids["goal"], "lifecycle") == "completed")
    phone.page.locator(".row", has_text="How you had a say").click()
    click(phone, "In writing")
    click(phone, "Save")
    eventually(phone, lambda: book.standing("review", ids["review"], "how_heard") == "in_writing")
    click(phone, "Choose the next date")
    phone.page.locator("input").fill(day(90))
    click(phone, "Save")
    eventually(phone, lambda: len(book.things("review")) == 2)
    after = book.things("review")[1]
    assert book.standing("review", after, "due_on") == day(90)
    assert book.standing("review", after, "after_id") == ids["review"]
    click(phone, "Go to the next meeting")
    shown(phone, "Getting ready")
    # What was decided at the last one is not news for the next one.
    assert "How it is going" not in phone.page.locator(".agenda").inner_text()


def test_a_goal_the_child_dropped_leaves_what_adults_promised(phone: Phone, double: Double) -> None:
    book = double.book
    ids = a_project(book)
    phone.pair()
    phone.project()
    phone.page.locator(".goal", has_text=WORDS["en"]["child"]).click()
    click(phone, "I don't want this goal now")
    shown(phone, "Your steps will be on hold:")
    click(phone, "No, keep it")
    click(phone, "I don't want this goal now")
    click(phone, "Yes, drop it")
    shown(phone, "You dropped this goal")
    eventually(phone, lambda: book.standing("goal", ids["goal"], "not_mine") is True)
    phone.project()
    expect(phone.page.locator(".stone", has_text=WORDS["en"]["tom"])).to_have_count(1)
    expect(phone.page.locator(".stone", has_text=WORDS["en"]["next"])).to_have_count(0)


def test_a_plan_asks_in_its_last_month_how_it_goes_on_and_says_how_it_ended(
    phone: Phone, double: Double
) -> None:
    book = double.book
    a_project(book)
    said = book.state.fields["life_project", MIA, "ends_on"].stands
    assert said is not None
    book.say(TOM, "life_project", MIA, "ends_on", day(29), base=said.id)
    phone.pair()
    phone.project()
    shown(phone, "What happens next?")
    click(phone, "Choose a new end date")
    phone.page.locator("input").fill("")
    assert phone.page.get_by_role("button", name="Save", exact=True).is_disabled()
    phone.page.locator("input").fill(day(300))
    click(phone, "Save")
    phone.page.wait_for_selector(".path")
    expect(phone.page.get_by_text("What happens next?")).to_have_count(0)
    eventually(phone, lambda: book.standing("life_project", MIA, "ends_on") == day(300))
    said = book.state.fields["life_project", MIA, "ends_on"].stands
    assert said is not None
    book.say(TOM, "life_project", MIA, "ends_on", day(-2), base=said.id)
    click(phone, "End this plan")
    phone.page.locator("textarea").fill("I live with my uncle now.")
    click(phone, "Save")
    shown(phone, "This plan has ended")
    eventually(phone, lambda: book.state.status() == "closed")
    click(phone, "Continue this plan")
    eventually(phone, lambda: book.state.status() != "closed")


def walk(phone: Phone, double: Double) -> Iterator[str]:
    """The screens of agreeing and looking back, each with something on it."""
    book, page = double.book, phone.page
    a_project(book, double.language)
    said = book.state.fields["life_project", MIA, "ends_on"].stands
    assert said is not None
    book.say(TOM, "life_project", MIA, "ends_on", day(20), base=said.id)
    record = {"of_id": MIA, "method": "witnessed", "present": "Sam", "comment": "Yes. " * 20}
    book.make(TOM, "agreement", revision=book.state.revision, decision="in_part", **record)
    phone.pair()
    phone.project()
    page.wait_for_selector(".banner .pair-of")
    yield "ending"
    page.locator(".rows .row").first.click()
    page.wait_for_selector(".pictures .picture")
    yield "parties"
    page.locator(".pictures .area").last.click()
    page.locator(".pair-of .plain").first.click()
    page.locator(".pair-of .plain").last.click()
    page.locator(".pictures .area").last.click()
    yield "picture"
    page.locator("textarea").fill("Too late. " * 9)
    page.locator("main > .main").click()
    page.wait_for_selector("main > .second")
    yield "after"
    phone.project()
    page.locator(".goal").first.click()
    page.locator("main > .second").last.click()
    page.wait_for_selector("section .guide")
    yield "not mine"
    phone.project()
    page.locator(".stone-when.late").first.click()
    page.locator(".rows .row").first.click()
    page.locator("input").fill(day(9))
    page.wait_for_selector("#why")
    yield "moved"
    page.locator(".back").click()
    page.locator(".rows .row").nth(1).click()
    page.wait_for_selector(".option")
    yield "often"
    phone.project()
    page.locator(".rows .row").nth(2).click()
    page.locator("section .row").first.click()
    page.wait_for_selector(".agenda .row")
    yield "agenda"
    page.locator("main > .second").click()
    page.wait_for_selector(".faces")
    yield "held"
    page.locator("main > ul .row").nth(1).click()
    page.wait_for_selector(".option")
    yield "heard"
    page.locator(".back").click()
    page.locator("main > section .row").first.click()
    page.locator(".option").first.click()
    yield "outcome"


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark")])
def test_axe_finds_nothing_where_one_agrees_and_looks_back_and_nothing_goes_sideways(
    phones: Phones, double: Double, language: str, scheme: str
) -> None:
    phone = phones(language=language, scheme=scheme, width=320, height=568)
    found: dict[str, list[object]] = {}
    for name in walk(phone, double):
        wrong: list[object] = [*violations(phone.page)]
        if is_sideways(phone):
            wrong.append("sideways")
        for target in phone.page.locator("button, a:not(.skip), summary, input, select").all():
            box = target.bounding_box()
            if box and min(box["width"], box["height"]) < TARGET - 0.5:
                wrong.append(target.inner_text())
        if wrong:
            found[name] = wrong
    assert found == {}


# --- every field of a goal

# Said by the place where a goal stands: the name of its area is the heading.
STANDS_UNDER = {"area_id"}
# Known only to those who may read why a child went: the screen of the reasons shows it.
READ_ELSEWHERE = {"reason_id"}
SAID: dict[str, Any] = {
    "child_words": "Score a goal",
    "worker_words": "A team for Mia",
    "why": "Running calms me",
    "success_sign": "I have a shirt",
    "barriers": "The pitch is far away",
    "lifecycle": "on-hold",
    "achievement": "sustaining",
    "not_mine": True,
}


def _said_of_a_goal(book: Book, goal: str) -> dict[str, str]:
    """Everything that can be said of a goal, after both had signed: field → its value in words."""
    base = book.state.made["goal", goal].id
    said = SAID | {"target_on": day(150)}
    for name, value in said.items():
        who = MIA if name in ("child_words", "not_mine") else TOM
        book.say(who, "goal", goal, name, value, base=base if name == "child_words" else None)
    shown = {
        name: phrases.value_in_words("goal", name, value, {}, "en") for name, value in said.items()
    }
    return shown | {"target_on": ""}


def test_every_field_of_a_goal_is_in_its_form_its_history_and_the_agreement(
    phone: Phone, double: Double
) -> None:
    ids = a_project(double.book)
    said = _said_of_a_goal(double.book, ids["friends"])
    assert said.keys() == shape.FIELDS["goal"].keys() - STANDS_UNDER - READ_ELSEWHERE
    phone.pair()
    opened(phone, "Read it and say yes or no")
    page = phone.page
    # On their own phone, the words of the child are "my own".
    labels = {name: phrases.FIELDS[f"goal.{name}"] for name in said}
    labels["child_words"] = "In my own words"
    lines = {name: f"{labels[name]}: {value}" for name, value in said.items()}
    for heading in ("What you want to achieve", "New since you agreed"):
        part = page.locator("section", has=page.get_by_role("heading", name=heading))
        entry = part.locator(".entry", has_text="Score a goal")
        for name, line in lines.items():
            is_title = heading == "What you want to achieve" and name == "child_words"
            expect(entry).to_contain_text(said[name] if is_title else line, use_inner_text=True)
    page.evaluate(GO, ["goal", {"id": ids["friends"]}])
    page.locator("summary", has_text="Who said what, and when").click()
    story = page.locator("details .entries")
    for name, value in said.items():
        told = story.locator(".entry", has_text=labels[name])
        expect(told.filter(has_text=value).first).to_be_visible()
    form = page.locator("main")
    for name, value in said.items():
        # A goal that the child dropped says so in a sentence of its own.
        words = "You dropped this goal" if name == "not_mine" else value
        expect(form).to_contain_text(words, use_inner_text=True)
