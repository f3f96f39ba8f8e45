"""Looking back on a phone: as it was, what is different, whose turn it is, what came of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, expect

from tests.pwa.book import INES, MIA, TOM, WORDS, a_project
from tests.pwa.conftest import Phone
from tests.pwa.days import day
from tests.pwa.double import Double
from tests.pwa.test_project import new_goal

pytestmark = pytest.mark.browser

EN = WORDS["en"]


def lead(phone: Phone, words: str) -> None:
    """Opens one of the rows under the path."""
    phone.project()
    phone.page.locator(".rows .row", has_text=words).click()


def a_changed_project(double: Double) -> dict[str, str]:
    """Signed, and changed since: words, a promise, a goal let go, one that came."""
    ids = a_project(double.book)
    book = double.book
    goal = book.state.made["goal", ids["goal"]].id
    book.say(MIA, "goal", ids["goal"], "why", "It is what I want.", base=goal)
    book.say(MIA, "goal", ids["friends"], "not_mine", True)
    ids["swim"] = book.make(MIA, "goal", area_id=ids["social"], child_words="Learn to swim")
    return ids


def text_of(phone: Phone, selector: str) -> str:
    found = phone.page.locator(selector)
    found.first.wait_for()
    return "\n".join(found.all_inner_texts())


def test_what_was_signed_can_be_opened_as_it_was_without_a_network(
    phone: Phone, double: Double
) -> None:
    a_changed_project(double)
    phone.pair()
    phone.project()
    phone.page.get_by_text("Learn to swim").first.wait_for()
    phone.network(is_there=False)
    phone.page.reload()
    lead(phone, "How it was before")
    binding = phone.page.locator(".moment.binding")
    expect(binding).to_contain_text("This is what you agreed on.", use_inner_text=True)
    expect(binding).to_contain_text("You and Tom", use_inner_text=True)
    binding.get_by_text("Open", exact=True).click()
    phone.page.locator(".note-line").wait_for()
    shown = phone.page.locator("main").inner_text()
    assert EN["summary"] in shown
    assert EN["friend"] in shown
    assert "Learn to swim" not in shown
    expect(phone.page.locator("main .second")).to_have_count(1)


def test_then_and_now_are_compared_in_words_for_eye_and_ear(phone: Phone, double: Double) -> None:
    a_changed_project(double)
    phone.pair()
    lead(phone, "How it was before")
    phone.page.locator(".moment.binding .second").last.click()
    phone.page.locator(".alterations").first.wait_for()
    sections = {
        one.locator("h2").inner_text(): one.inner_text()
        for one in phone.page.locator("main > section").all()
    }
    assert "Learn to swim" in sections["What's new"]
    assert EN["friend"] in sections["What was dropped"]
    otherwise = phone.page.locator(".altered", has_text=EN["child"])
    field = otherwise.locator(".altered-field", has_text="Why it matters")
    assert field.locator("dt").all_inner_texts() == ["Before", "Now"]
    expect(field.locator("del")).to_have_text(EN["why"], use_inner_text=True)
    expect(field.locator("ins")).to_have_text("It is what I want.", use_inner_text=True)
    missed = phone.page.locator(".altered", has_text=EN["missed"])
    expect(missed).to_contain_text("Not done", use_inner_text=True)
    expect(missed).to_contain_text(EN["reason"], use_inner_text=True)


def test_a_day_says_what_changed_on_it(phone: Phone, double: Double) -> None:
    ids = a_changed_project(double)
    book = double.book
    phone.pair()
    phone.project()
    book.say(TOM, "goal", ids["swim"], "worker_words", "Ask at the pool.")
    phone.page.wait_for_timeout(1_700)
    lead(phone, "How it was before")
    row = phone.page.locator(".row", has_text="today")
    expect(row).to_contain_text("Tom", use_inner_text=True)
    row.click()
    expect(phone.page.locator("h1")).to_contain_text("What changed: today", use_inner_text=True)
    assert "Learn to swim" in text_of(phone, ".alterations")
    phone.page.get_by_role("button", name="See the path as it was that day").click()
    assert "Learn to swim" in text_of(phone, ".voices")


def test_numbers_that_a_phone_lacks_are_asked_for_once(phone: Phone, double: Double) -> None:
    """Rows that came before the server said numbers, and one's own."""
    a_changed_project(double)
    rows = double.book.rows
    double.book.rows = [
        (by, {name: value for name, value in row.items() if name != "revision"}) for by, row in rows
    ]
    phone.pair()
    phone.project()
    phone.page.get_by_text("Learn to swim").first.wait_for()
    double.book.rows = rows
    lead(phone, "How it was before")
    phone.page.locator(".moment.binding").wait_for()
    phone.network(is_there=False)
    phone.page.reload()
    lead(phone, "How it was before")
    phone.page.locator(".moment.binding .second").first.click()
    assert EN["friend"] in text_of(phone, "main")


def test_ones_own_words_are_among_those_of_their_day_without_asking_for_anything(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    double.book.lose_answers = 1
    new_goal(phone, "Learn to swim")
    phone.page.locator(".goal .waits").wait_for(state="detached")
    phone.network(is_there=False)
    lead(phone, "How it was before")
    phone.page.locator(".day-by-day .row").click()
    assert "Learn to swim" in text_of(phone, ".alterations")
    assert not [path for _, path, _ in double.requests if path.endswith("/history")]


# --- whose turn


def turns(phone: Phone) -> Locator:
    return phone.page.locator(".whose .row")


def test_whose_turn_it_is_stands_over_the_path_ones_own_first_and_the_late_as_plainly(
    phone: Phone, double: Double
) -> None:
    ids = a_project(double.book)
    double.book.is_due("step", ids["late"], TOM, days=-2, told=(INES,))
    double.book.is_due("step", ids["next"], MIA, days=1)
    phone.pair()
    phone.project()
    # Whose turn it is may be there before the words of the project are.
    turns(phone).filter(has_text=EN["next"]).wait_for()
    mine, toms = turns(phone).all_inner_texts()
    assert mine.startswith("You")
    assert EN["next"] in mine
    assert toms.startswith("Tom")
    assert "Late. It was due" in toms
    assert "Ines can see that it's late" in toms
    turns(phone).first.click()
    phone.page.get_by_role("button", name="Done", exact=True).click()
    phone.project()
    assert [EN["late"] in text for text in turns(phone).all_inner_texts()] == [True]


def test_whose_turn_it_is_stays_known_without_a_network_and_says_since_when(
    phone: Phone, double: Double
) -> None:
    ids = a_project(double.book)
    double.book.is_due("step", ids["late"], TOM, days=-2)
    phone.page.clock.install(time=datetime.now(UTC))
    phone.pair()
    phone.project()
    turns(phone).first.wait_for()
    phone.network(is_there=False)
    phone.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=3))
    phone.page.reload()
    phone.project()
    turns(phone).first.wait_for()
    assert "Last update" in text_of(phone, ".whose")


def test_today_says_one_line_without_a_name(phone: Phone, double: Double) -> None:
    ids = a_project(double.book)
    message = double.book.make(MIA, "message", text="When do we go?", days_ago=3)
    double.book.is_due("reply", message, TOM, days=-2, told=(INES,))
    phone.pair()
    line = phone.page.locator(".turn")
    line.wait_for()
    expect(line).to_have_text("No answer yet.", use_inner_text=True)
    double.book.is_due("step", ids["next"], MIA, days=0.001)
    phone.project()
    turns(phone).nth(1).wait_for()
    phone.go(0)
    expect(line).to_have_count(1)


def test_an_answer_ends_the_turn_at_once(phone: Phone, double: Double) -> None:
    a_project(double.book)
    message = double.book.make(MIA, "message", text="When do we go?")
    double.book.is_due("reply", message, TOM, days=-2)
    phone.pair()
    phone.project()
    turns(phone).first.wait_for()
    phone.page.wait_for_timeout(1_600)
    double.book.make(TOM, "message", text="On Friday.")
    turns(phone).first.wait_for(state="detached")


def test_a_child_is_shown_its_own_late_complaint_though_the_server_names_it_to_nobody(
    phone: Phone, double: Double
) -> None:
    a_project(double.book)
    on = day(-3)
    double.book.make(MIA, "complaint", text="I wait.", to="supervisor")
    complaint = double.book.things("complaint")[0]
    double.book.say(INES, "complaint", complaint, "answer_due", on)
    phone.pair()
    phone.project()
    assert "Ines" in text_of(phone, ".whose .row")
    assert "No answer yet." in text_of(phone, ".whose .row")


# --- to take along, and what came of it


def test_the_project_can_be_taken_along_with_a_connection_and_says_so_without(
    phone: Phone, double: Double
) -> None:
    a_project(double.book)
    phone.pair()
    lead(phone, "Get a copy")
    phone.page.get_by_role("button", name="A page for the wall").wait_for()
    links = phone.page.locator("main a.row")
    assert [one.get_attribute("href") for one in links.all()] == [
        "/api/v1/project.pdf?language=en",
        "/api/v1/project/whole",
    ]
    assert "Anyone who has the phone can open it." in text_of(phone, ".note-line")
    phone.network(is_there=False)
    phone.page.get_by_text("You're offline now.").wait_for()
    expect(links).to_have_count(0)


def test_you_said_we_did_or_why_not(phone: Phone, double: Double) -> None:
    ids = a_project(double.book)
    book = double.book
    made = book.state.made["step", ids["tom"]].id
    later = day(9)
    book.say(TOM, "step", ids["tom"], "due_on", later, base=made)
    book.say(TOM, "step", ids["tom"], "moved_why", "She is on a journey.")
    house = book.make(MIA, "house", kind="dream", text="My own kitchen.", is_shown=True)
    book.make(MIA, "house", kind="worry", text="A secret.")
    book.make(MIA, "complaint", text="I wait for weeks.", to="supervisor")
    assert house
    phone.pair()
    lead(phone, "You said, we did")
    goal = phone.page.locator(".came-of", has_text=EN["child"])
    goal.locator(".deed", has_text="Tom").nth(2).wait_for()
    deeds = goal.locator(".deed").all_inner_texts()
    assert [text.split("\n")[0] for text in deeds] == ["Tom"] * 3
    assert "Done:" in next(text for text in deeds if EN["tomdone"] in text)
    assert f"Why: {EN['reason']}" in next(text for text in deeds if EN["missed"] in text)
    moved = next(text for text in deeds if EN["tom"] in text)
    assert "New date, " in moved
    assert "She is on a journey." in moved
    shown = phone.page.locator("main").inner_text()
    assert "No answer yet." in shown
    assert "My own kitchen." in shown
    assert "A secret." not in shown
    assert EN["next"] not in shown


def test_nothing_of_another_person_is_shown_after_signing_out(phone: Phone, double: Double) -> None:
    ids = a_project(double.book)
    double.book.is_due("step", ids["late"], TOM, days=-2)
    phone.pair()
    phone.page.locator(".turn").wait_for()
    phone.go(2)
    phone.page.get_by_role("button", name="Sign out").click()
    phone.page.locator("main .main, main .second").first.click()
    phone.page.wait_for_selector(".intro")
    assert "turns" not in json.dumps(phone.stored())
