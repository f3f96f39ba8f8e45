"""The project on a phone: written anywhere, lost nowhere, and decided by those who saw both."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, expect

from server.web.static_files import BUILD
from tests.pwa.book import AGENCY, INES, MIA, NOOR, TOM, WORDS, Book, a_project
from tests.pwa.conftest import Phone, box_of
from tests.pwa.days import day
from tests.pwa.double import CODE, COOKIE, Double

pytestmark = pytest.mark.browser


def click(phone: Phone, words: str) -> None:
    phone.page.get_by_role("button", name=words, exact=True).click()


def shown(phone: Phone, words: str) -> Locator:
    found = phone.page.get_by_text(words).first
    found.wait_for()
    return found


def eventually(phone: Phone, is_so: Any, *, most_s: int = 8) -> None:
    """Waits, at most some seconds, until the server's side is as wanted."""
    for _ in range(most_s * 20):
        if is_so():
            return
        phone.page.wait_for_timeout(50)
    raise AssertionError("It did not come about.")


def new_goal(phone: Phone, words: str, area: str = "School") -> None:
    """One question after the other, the last three left open."""
    phone.project()
    click(phone, "Something I want")
    click(phone, area)
    click(phone, "Next")
    phone.page.locator("textarea").fill(words)
    click(phone, "Next")
    for _ in range(3):
        phone.page.locator("main > .second").click()
    phone.page.wait_for_selector(".land")


def goals(double: Double) -> list[str]:
    book = double.book
    return [book.standing("goal", id_, "child_words") for id_ in book.things("goal")]


def to_goal(phone: Phone, words: str) -> None:
    phone.project()
    phone.page.locator(".goal", has_text=words).click()
    phone.page.wait_for_selector(".voices")


def write_why(phone: Phone, goal: str, words: str) -> None:
    to_goal(phone, goal)
    phone.page.get_by_role("button", name="Why it matters").click()
    phone.page.locator("textarea").fill(words)
    click(phone, "Save")
    phone.page.wait_for_selector(".voices")


def test_a_goal_made_without_a_network_is_on_the_server_once_after_coming_back(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.project()
    phone.network(is_there=False)
    new_goal(phone, "Learn to swim")
    expect(phone.page.locator(".goal .waits")).to_have_text(
        "Saved on this phone.", use_inner_text=True
    )
    phone.page.reload()
    phone.project()
    shown(phone, "Learn to swim")
    double.book.lose_answers = 1
    phone.network(is_there=True)
    eventually(phone, lambda: goals(double) == ["Learn to swim"])
    phone.page.locator(".goal .waits").wait_for(state="detached")
    phone.page.wait_for_timeout(300)
    assert goals(double) == ["Learn to swim"]
    assert len(double.book.things("area")) == 1
    sent = [one["id"] for body in double.posted("/api/v1/sync") for one in body["changes"]]
    assert len(set(sent)) == 2


def test_the_project_opens_offline_though_it_was_never_opened_before(
    phone: Phone, double: Double
) -> None:
    a_project(double.book)
    phone.pair()
    phone.page.evaluate(
        """async () => {
          for (let n = 0; n < 100; n += 1) {
            const names = await caches.keys();
            for (const name of names) {
              const paths = (await (await caches.open(name)).keys()).map((r) => r.url);
              const has = (end) => paths.some((p) => p.includes('screens-') && p.endsWith(end));
              if (has('.js') && has('.css'))
                return;
            }
            await new Promise((done) => setTimeout(done, 50));
          }
          throw new Error('The screens were not kept.');
        }"""
    )
    eventually(phone, lambda: any(path == "/api/v1/project" for _, path, _ in double.requests))
    phone.page.wait_for_timeout(300)
    phone.network(is_there=False)
    phone.page.reload()
    phone.project()
    shown(phone, WORDS["en"]["summary"])
    shown(phone, WORDS["en"]["tom"])


def test_promises_of_adults_stand_on_the_path_as_large_as_the_childs(
    phone: Phone, double: Double
) -> None:
    a_project(double.book)
    phone.pair()
    phone.project()
    mine = box_of(phone.page.locator(".at-child .stone").first)
    toms = box_of(phone.page.locator(".at-adult .stone").first)
    assert mine["width"] == pytest.approx(toms["width"], abs=1)
    assert mine["x"] < toms["x"]
    late = phone.page.locator(".stone", has_text=WORDS["en"]["late"])
    expect(late).to_contain_text("Late. It was due", use_inner_text=True)
    expect(late).to_contain_text("Tom", use_inner_text=True)
    missed = phone.page.locator(".stone", has_text=WORDS["en"]["missed"])
    expect(missed).to_contain_text(WORDS["en"]["reason"], use_inner_text=True)


def test_the_path_is_in_the_order_of_time_and_says_where_one_is(
    phone: Phone, double: Double
) -> None:
    a_project(double.book)
    phone.pair()
    phone.project()
    shown(phone, "Show 1 more thing behind you").click()
    texts = [one.inner_text() for one in phone.page.locator(".path > li").all()]
    here = next(n for n, text in enumerate(texts) if "You are here" in text)
    places = {
        name: next(n for n, text in enumerate(texts) if WORDS["en"][name] in text)
        for name in ("done", "tomdone", "missed", "late", "next", "tom", "agency")
    }
    assert places["done"] < places["tomdone"] < places["missed"] < here
    assert here < places["late"] < places["next"] < places["tom"] < places["agency"]
    assert "The end of this path" in texts[-1]


def test_done_and_not_done_with_a_reason_are_equally_near(phone: Phone, double: Double) -> None:
    ids = a_project(double.book)
    phone.pair()
    phone.project()
    phone.page.locator(".stone", has_text=WORDS["en"]["next"]).click()
    done, not_done = (box_of(phone.page.locator(".pair-of .second").nth(n)) for n in (0, 1))
    assert (done["width"], done["height"]) == (not_done["width"], not_done["height"])
    click(phone, "Not done, and why")
    phone.page.locator("textarea").fill("My aunt was ill.")
    click(phone, "Save")
    shown(phone, "My aunt was ill.")
    eventually(phone, lambda: double.book.standing("step", ids["next"], "status") == "not_done")
    assert double.book.standing("step", ids["next"], "reason") == "My aunt was ill."
    click(phone, "Reopen")
    click(phone, "Done")
    eventually(phone, lambda: double.book.standing("step", ids["next"], "status") == "done")
    phone.page.go_back()
    phone.page.wait_for_selector(".path")
    expect(phone.page.locator(".stone", has_text=WORDS["en"]["next"])).to_contain_text(
        "Done: today", use_inner_text=True
    )


def test_two_voices_that_had_not_seen_each_other_stand_beside_each_other_until_one_decides(
    phone: Phone, double: Double
) -> None:
    book, ids = double.book, a_project(double.book)
    goal, base = ids["goal"], book.state.made["goal", ids["goal"]].id
    phone.pair()
    phone.project()
    shown(phone, WORDS["en"]["tom"])
    phone.network(is_there=False)
    write_why(phone, WORDS["en"]["child"], "My uncle taught me.")
    shown(phone, "My uncle taught me.")
    book.say(TOM, "goal", goal, "why", "It is a trade that is looked for.", base=base)
    phone.network(is_there=True)
    eventually(phone, lambda: len(list(book.state.open_fields())) == 1)
    assert book.standing("goal", goal, "why") == WORDS["en"]["why"]
    phone.project()
    click(phone, "See both")
    both = phone.page.locator(".beside .voice")
    expect(both).to_have_count(2)
    expect(both.nth(0)).to_contain_text("My uncle taught me.", use_inner_text=True)
    expect(both.nth(1)).to_contain_text("It is a trade that is looked for.", use_inner_text=True)
    shown(phone, WORDS["en"]["why"])
    click(phone, "Use what Tom wrote")
    phone.page.wait_for_selector(".land")
    eventually(phone, lambda: not list(book.state.open_fields()))
    assert book.standing("goal", goal, "why") == "It is a trade that is looked for."
    expect(phone.page.get_by_text("See both")).to_have_count(0)
    to_goal(phone, WORDS["en"]["child"])
    phone.page.get_by_text("Who said what, and when").click()
    shown(phone, "My uncle taught me.")


def test_a_difference_may_end_with_something_new(phone: Phone, double: Double) -> None:
    book, ids = double.book, a_project(double.book)
    goal, base = ids["goal"], book.state.made["goal", ids["goal"]].id
    phone.pair()
    phone.project()
    shown(phone, WORDS["en"]["tom"])
    phone.network(is_there=False)
    write_why(phone, WORDS["en"]["child"], "Mine.")
    book.say(TOM, "goal", goal, "why", "His.", base=base)
    phone.network(is_there=True)
    phone.project()
    click(phone, "See both")
    click(phone, "Write something new together")
    phone.page.locator("textarea").fill("Ours.")
    click(phone, "Save")
    eventually(phone, lambda: book.standing("goal", goal, "why") == "Ours.")
    assert not list(book.state.open_fields())


def test_what_arrives_while_one_writes_moves_nothing_and_is_kept_beside(
    phone: Phone, double: Double
) -> None:
    book, ids = double.book, a_project(double.book)
    goal, base = ids["goal"], book.state.made["goal", ids["goal"]].id
    phone.pair()
    to_goal(phone, WORDS["en"]["child"])
    phone.page.get_by_role("button", name="Why it matters").click()
    area = phone.page.locator("textarea")
    area.fill("I am half way through a sent")
    keep = phone.page.get_by_role("button", name="Save")
    before = (box_of(area), box_of(keep))
    book.say(TOM, "goal", goal, "why", "Tom was quicker.", base=base)
    shown(phone, "Tom was quicker.")
    assert (box_of(area), box_of(keep)) == before
    expect(area).to_have_value("I am half way through a sent")
    assert area.evaluate("(area) => document.activeElement === area")
    keep.click()
    eventually(phone, lambda: len(list(book.state.open_fields())) == 1)
    ((_, field),) = book.state.open_fields()
    assert {side.value for side in field.sides} == {
        "Tom was quicker.",
        "I am half way through a sent",
    }


@pytest.mark.load
def test_what_another_person_writes_appears_within_a_second_or_two(
    phone: Phone, double: Double
) -> None:
    ids = a_project(double.book)
    phone.pair()
    phone.project()
    shown(phone, WORDS["en"]["tom"])
    phone.page.wait_for_timeout(1_600)
    double.book.make(
        TOM, "step", goal_id=ids["goal"], text="Buy a chef's knife", owner_id=AGENCY, status="open"
    )
    phone.page.get_by_text("Buy a chef's knife").wait_for(timeout=2_000)
    assert phone.page.evaluate("document.activeElement.id") == "title"


def test_what_was_typed_is_there_after_a_reload_and_gone_once_it_is_said(
    phone: Phone, double: Double
) -> None:
    a_project(double.book)
    phone.pair()
    phone.project()
    click(phone, "Something I want")
    click(phone, "Work")
    click(phone, "Next")
    phone.page.locator("textarea").fill("A job on Saturdays")
    phone.page.wait_for_timeout(500)
    phone.page.reload()
    phone.project()
    click(phone, "Something I want")
    expect(phone.page.locator(".area[aria-pressed=true]")).to_have_text("Work", use_inner_text=True)
    click(phone, "Next")
    expect(phone.page.locator("textarea")).to_have_value("A job on Saturdays")
    click(phone, "Next")
    for _ in range(3):
        phone.page.locator("main > .second").click()
    phone.page.wait_for_selector(".land")
    click(phone, "Something I want")
    expect(phone.page.locator(".area[aria-pressed=true]")).to_have_count(0)


NEWS = """() => {
  const area = document.querySelector('textarea');
  area.value = 'Typed just n';
  area.dispatchEvent(new Event('input', { bubbles: true }));
  new BroadcastChannel('planner').postMessage({ receipts: [] });
}"""


def test_news_in_the_moment_of_typing_take_no_letter_away(phone: Phone, double: Double) -> None:
    a_project(double.book)
    phone.pair()
    phone.project()
    phone.page.locator(".tabs button").nth(2).click()
    phone.page.evaluate(NEWS)
    phone.page.wait_for_timeout(600)
    expect(phone.page.locator("textarea")).to_have_value("Typed just n")


def test_a_message_that_was_begun_before_is_sent_once_and_leaves_the_field_empty(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.project()
    phone.page.locator(".tabs button").nth(2).click()
    phone.page.locator("textarea").fill("Begun yesterday")
    phone.page.wait_for_timeout(500)
    phone.page.reload()
    phone.project()
    phone.page.locator(".tabs button").nth(2).click()
    expect(phone.page.locator("textarea")).to_have_value("Begun yesterday")
    click(phone, "Send")
    phone.page.locator(".thread .voice").get_by_text("Received").wait_for()
    expect(phone.page.locator("textarea")).to_have_value("")
    assert [row["value"]["text"] for _, row in double.book.rows] == ["Begun yesterday"]


def test_who_has_signed_in_at_the_desk_is_in_and_a_link_is_followed_in_an_open_app(
    phone: Phone, double: Double
) -> None:
    double.person = TOM
    double.more_books[NOOR] = Book(NOOR)
    phone.context.add_cookies([{"name": COOKIE, "value": "toms", "url": double.url}])
    phone.open("")
    expect(phone.page.locator("h1")).to_have_text(
        "Who sees what you say", use_inner_text=True
    )  # Never at a desk here.
    phone.page.evaluate("localStorage.setItem('desk-here', 'yes')")  # As the pages of the desk do.
    phone.page.reload()
    phone.page.locator(".row", has_text="Noor").click()
    phone.page.locator("h1", has_text="Noor").wait_for()
    phone.page.evaluate(f"location.hash = 'with={MIA}'")
    phone.page.locator("h1", has_text="Mia").wait_for()


def test_what_is_typed_about_one_child_is_not_shown_with_another(
    phone: Phone, double: Double
) -> None:
    double.person = TOM
    double.more_books[NOOR] = Book(NOOR)
    phone.context.add_cookies([{"name": COOKIE, "value": "toms", "url": double.url}])
    phone.open(f"#with={MIA}")
    phone.page.wait_for_selector(".land")

    def talk_with(name: str) -> Locator:
        phone.page.locator(".tabs button").nth(0).click()
        phone.page.locator(".row", has_text=name).click()
        phone.page.wait_for_selector(".land")
        phone.page.locator(".tabs button").nth(2).click()
        return phone.page.locator("textarea")

    talk_with("Mia").fill("For Mia alone")
    expect(talk_with("Noor")).to_have_value("")
    phone.page.locator("textarea").fill("For Noor")
    phone.page.wait_for_timeout(500)
    expect(talk_with("Mia")).to_have_value("For Mia alone")
    expect(talk_with("Noor")).to_have_value("For Noor")


def test_what_is_refused_stays_with_its_sentence_until_the_child_takes_it_back(
    phone: Phone, double: Double
) -> None:
    double.book.problems["forbidden"] = ("not_allowed", "Your role does not allow this.")
    phone.pair()
    new_goal(phone, "Something forbidden")
    shown(phone, "We couldn't send 1 thing. It's saved on this phone.")
    click(phone, "See why")
    entry = phone.page.locator(".entry")
    expect(entry).to_contain_text("Something forbidden", use_inner_text=True)
    expect(entry).to_contain_text("Your role does not allow this.", use_inner_text=True)
    expect(phone.page.get_by_role("button", name="Copy the text")).to_have_count(1)
    click(phone, "Delete")
    click(phone, "Yes, delete it")
    entry.wait_for(state="detached")


def test_what_came_too_early_goes_out_again_by_itself(phone: Phone, double: Double) -> None:
    double.book.problems["early"] = ("not_there", "It has not arrived yet.")
    phone.pair()
    new_goal(phone, "Too early")
    eventually(phone, lambda: len(double.book.batches) >= 2)
    assert goals(double) == []
    shown(phone, "Too early")
    del double.book.problems["early"]
    # The pauses between the attempts become longer.
    eventually(phone, lambda: goals(double) == ["Too early"], most_s=24)


def test_a_phone_that_was_shut_out_keeps_its_words_and_offers_them_after_pairing(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.project()
    double.is_revoked = True
    new_goal(phone, "Not lost")
    shown(phone, "This phone isn't connected any more.")
    shown(phone, "Not lost")
    click(phone, "Reconnect")
    phone.page.locator("#code").fill(CODE)
    phone.page.locator(".main").last.click()
    shown(phone, "sent yet. Send")
    assert goals(double) == []
    click(phone, "Send")
    eventually(phone, lambda: goals(double) == ["Not lost"])


def test_signing_out_warns_of_what_is_not_sent_and_can_keep_it(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.project()
    phone.network(is_there=False)
    new_goal(phone, "Wait for me")
    phone.go(2)
    phone.page.get_by_role("button", name="Sign out").click()
    shown(phone, "2 things haven't been sent yet.")
    click(phone, "Sign out and keep them locked on this phone")
    phone.page.wait_for_selector(".intro")
    phone.network(is_there=True)
    phone.open(f"#pair={CODE}")
    for _ in range(4):
        phone.page.locator(".main").click()
    shown(phone, "2 things from before aren't sent yet. Send them now?")
    click(phone, "Send")
    eventually(phone, lambda: goals(double) == ["Wait for me"])


def test_one_agrees_to_just_what_is_written_and_not_while_own_words_wait(
    phone: Phone, double: Double
) -> None:
    book = double.book
    a_project(book)
    phone.pair()
    phone.project()
    shown(phone, WORDS["en"]["tom"])
    eventually(phone, lambda: double.posted("/api/v1/sync"))
    revision = book.state.revision
    phone.page.locator(".row", has_text="Read it and say yes or no").click()
    shown(phone, WORDS["en"]["agency"])
    answers = [
        phone.page.get_by_role("button", name=name, exact=True)
        for name in ("I agree", "I agree with some of it", "I don't agree")
    ]
    answers[0].wait_for()
    boxes = [box_of(answer) for answer in answers]
    assert len({(round(box["width"]), round(box["height"])) for box in boxes}) == 1
    click(phone, "I don't agree")
    phone.page.locator("textarea").fill("The bus pass is too late.")
    click(phone, "Yes")
    click(phone, "With a drawing")
    say = phone.page.get_by_role("button", name="Send my answer")
    assert say.is_disabled()
    pad = box_of(phone.page.locator(".pad"))
    phone.page.mouse.move(pad["x"] + 20, pad["y"] + 20)
    phone.page.mouse.down()
    phone.page.mouse.move(pad["x"] + 90, pad["y"] + 60, steps=4)
    phone.page.mouse.up()
    say.click()
    eventually(phone, lambda: len(book.state.agreements) == 3)
    value = book.state.agreements[-1].value
    assert value["revision"] == revision
    assert value["decision"] == "disagree"
    assert value["method"] == "drawn"
    assert value["drawing"].startswith("M")
    assert value["explained"] is True
    assert value["comment"] == "The bus pass is too late."
    phone.network(is_there=False)
    new_goal(phone, "One thing more")
    phone.page.locator(".row", has_text="Read it and say yes or no").click()
    shown(phone, "We're sending your latest changes first.")
    expect(phone.page.get_by_role("button", name="I agree", exact=True)).to_have_count(0)


def test_one_can_agree_without_a_network_to_what_was_received(phone: Phone, double: Double) -> None:
    book = double.book
    a_project(book)
    phone.pair()
    phone.project()
    shown(phone, WORDS["en"]["tom"])
    phone.page.locator(".row", has_text="Read it and say yes or no").click()
    phone.page.get_by_role("button", name="I agree", exact=True).wait_for()
    revision = book.state.revision
    phone.network(is_there=False)
    phone.page.reload()
    phone.project()
    phone.page.locator(".row", has_text="Read it and say yes or no").click()
    click(phone, "I agree")
    click(phone, "Send my answer")
    book.say(TOM, "life_project", MIA, "situation", "A hearing in spring.")
    phone.network(is_there=True)
    eventually(phone, lambda: len(book.state.agreements) == 3)
    assert book.state.agreements[-1].value["revision"] == revision
    assert book.state.revision == revision + 1
    phone.project()
    shown(phone, "There is something new since you agreed")


def test_who_can_read_a_message_is_said_before_it_is_sent_and_received_only_afterwards(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.project()
    phone.page.locator(".tabs button").nth(2).click()
    shown(phone, "Who can read it: Tom (Caseworker) and Ines (Supervisor)")
    phone.network(is_there=False)
    phone.page.locator("textarea").fill("Can you call me?")
    click(phone, "Send")
    bubble = phone.page.locator(".thread .voice")
    expect(bubble).to_contain_text("Saved on this phone.", use_inner_text=True)
    phone.network(is_there=True)
    bubble.get_by_text("Received").wait_for()
    assert [row["value"]["text"] for _, row in double.book.rows] == ["Can you call me?"]
    double.book.make(TOM, "message", text="In ten minutes.")
    shown(phone, "In ten minutes.")


def test_a_thing_in_a_house_is_shown_to_nobody_until_the_child_shows_it(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.project()
    phone.page.locator(".row", has_text="Three houses").click()
    phone.page.locator(".house").nth(1).click()
    phone.page.locator("textarea").fill("The letters from the office.")
    click(phone, "Add it to the house")
    shown(phone, "Only you can see it.")
    eventually(phone, lambda: double.book.things("house"))
    (house,) = double.book.things("house")
    assert double.book.standing("house", house, "is_shown") is False
    click(phone, "Share it with my team")
    eventually(phone, lambda: double.book.standing("house", house, "is_shown") is True)
    assert double.book.standing("house", house, "text") == "The letters from the office."
    shown(phone, "Your team can see it.")
    phone.network(is_there=False)
    click(phone, "Stop sharing it")
    shown(phone, "Your team can still see it until this is sent.")
    phone.network(is_there=True)
    shown(phone, "Your team can't open it any more. They may have read it before.")


def test_nothing_of_the_project_lies_on_the_phone_in_plain_words(
    phone: Phone, double: Double
) -> None:
    a_project(double.book)
    phone.pair()
    phone.project()
    shown(phone, WORDS["en"]["tom"])
    phone.network(is_there=False)
    new_goal(phone, "My own secret goal")
    click(phone, "Something I want")
    click(phone, "Work")
    click(phone, "Next")
    phone.page.locator("textarea").fill("A half written secret")
    phone.page.wait_for_timeout(500)
    stored = json.dumps(phone.stored())
    assert "boxes" in stored
    for words in (*WORDS["en"].values(), "secret", "Tom", "child_words"):
        assert words not in stored
    in_caches = phone.page.evaluate(
        """async () => (await Promise.all((await caches.keys()).map(async (name) =>
             (await (await caches.open(name)).keys()).map((r) => r.url)))).flat()"""
    )
    assert not [url for url in in_caches if "/api/" in url]
    history = phone.page.evaluate("JSON.stringify(history.state)")
    assert "secret" not in history


def test_the_projects_words_of_one_person_are_never_sent_under_another(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.project()
    phone.network(is_there=False)
    new_goal(phone, "Mia's own")
    double.is_revoked = True
    phone.network(is_there=True)
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    double.person = NOOR
    phone.open(f"#pair={CODE}")
    phone.page.locator(".main").last.click()
    phone.page.wait_for_timeout(800)
    assert goals(double) == []


def test_a_complaint_goes_to_the_adult_the_child_chose_and_the_answer_comes_back(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.project()
    phone.page.locator(".row", has_text="Something isn't right").click()
    shown(phone, "Only Ines (Supervisor) can read this")
    phone.page.locator("textarea").fill("I have been waiting for three weeks.")
    click(phone, "Send")
    shown(phone, "No answer yet.")
    eventually(phone, lambda: double.book.things("complaint"))
    (complaint,) = double.book.things("complaint")
    assert double.book.standing("complaint", complaint, "to") == "supervisor"
    double.book.say(INES, "complaint", complaint, "answer", "I will call you on Monday.")
    shown(phone, "I will call you on Monday.")


def test_a_meeting_is_asked_for_held_and_rated(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.project()
    phone.page.locator(".row", has_text="About this path").click()
    click(phone, "Ask for a meeting")
    phone.page.locator("input").fill("2027-01-15")
    click(phone, "Save")
    phone.page.locator(".row", has_text="We look back together").click()
    phone.page.get_by_text("Getting ready").click()
    shown(phone, "You don't have to say yes on the same day.")
    click(phone, "We met today")
    click(phone, "Good")
    eventually(phone, lambda: double.book.things("review"))
    (review,) = double.book.things("review")
    eventually(phone, lambda: double.book.standing("review", review, "rating") == 4)
    assert double.book.standing("review", review, "due_on") == "2027-01-15"
    assert double.book.standing("review", review, "held_on") == day(0)


def a_large_project(double: Double) -> None:
    """12 areas, 60 goals, 300 steps, 5,000 changes."""
    book = double.book
    kinds = "housing health education language training work social personal culture family legal"
    areas = [book.make(TOM, "area", kind=kind) for kind in (*kinds.split(), "money")]
    goals = [
        book.make(MIA, "goal", area_id=areas[n % 12], child_words=f"Goal {n}, which I want")
        for n in range(60)
    ]
    for n in range(300):
        owner = (MIA, TOM, AGENCY)[n % 3]
        due = day(n - 100)
        value = {"goal_id": goals[n % 60], "text": f"Step {n}", "owner_id": owner, "due_on": due}
        book.make(TOM, "step", **value)
    last: dict[tuple[str, str], str] = {}
    fields = ("why", "barriers", "success_sign")
    for n in range(5_000 - len(book.rows)):
        key = (goals[n % 60], fields[n // 60 % 3])
        last[key] = book.say(
            (MIA, TOM)[n % 2], "goal", *key, f"Words {n} about it", base=last.get(key)
        )


OPENING = """() => {
  window.tapped = 0;
  const tab = document.querySelectorAll('.tabs button')[1];
  tab.addEventListener('click', () => (window.tapped = performance.now()), { capture: true });
  new MutationObserver(() => {
    if (!window.tapped || window.painted || !document.querySelector('.path .stone')) return;
    requestAnimationFrame(() => setTimeout(() => (window.painted = performance.now())));
  }).observe(document.body, { childList: true, subtree: true });
}"""
OPEN_MS = 500


@pytest.mark.load
def test_a_large_project_opens_offline_within_half_a_second_on_a_slow_phone(
    phone: Phone, double: Double
) -> None:
    a_large_project(double)
    assert len(double.book.rows) == 5_000
    phone.pair()
    phone.project()
    phone.page.wait_for_selector(".path .stone")
    phone.page.wait_for_timeout(1_500)
    phone.network(is_there=False)
    phone.devtools().send("Emulation.setCPUThrottlingRate", {"rate": 4})
    times, paces = [], []
    for _ in range(4):
        phone.page.reload()
        phone.page.wait_for_selector(".faces")
        phone.page.evaluate(OPENING)
        phone.page.locator(".tabs button").nth(1).click()
        eventually(phone, lambda: phone.page.evaluate("Boolean(window.painted)"))
        times.append(phone.page.evaluate("window.painted - window.tapped"))
        paces.append(phone.pace())
    # The best of four, and on a busy machine held against plain work in the same seconds.
    assert min(times) <= max(OPEN_MS, 5 * min(paces)), (times, paces)


IS_SETTLED = """async () => {
  const worker = await navigator.serviceWorker.ready;
  worker.waiting?.postMessage('take-over');
  return !worker.waiting && worker.active?.state === 'activated';
}"""


def is_settled(phone: Phone) -> bool:
    """Whether the new version has taken over."""
    with suppress(PlaywrightError):  # The page is just being begun anew.
        return bool(phone.page.evaluate(IS_SETTLED))
    return False


def test_a_new_version_waits_for_words_that_are_being_written_and_loses_none(
    phone: Phone, double: Double, tmp_path: Path
) -> None:
    phone.pair()
    phone.project()
    phone.network(is_there=False)
    new_goal(phone, "Said before the new version")
    click(phone, "Something I want")
    click(phone, "Work")
    click(phone, "Next")
    phone.page.locator("textarea").fill("Half a sent")
    phone.page.evaluate("window.isThisPage = true")
    build = tmp_path / "dist"
    shutil.copytree(BUILD, build)
    worker = build / "sw.js"
    worker.write_text(worker.read_text(encoding="utf-8") + "\n// another version\n")
    (build / "sw.js.br").unlink(missing_ok=True)
    double.publish(build)
    phone.network(is_there=True)
    phone.page.evaluate("navigator.serviceWorker.ready.then((one) => one.update())")
    eventually(phone, lambda: goals(double) == ["Said before the new version"])
    # On a busy machine it is installed late, and would take over in the middle of what follows.
    eventually(
        phone,
        lambda: phone.page.evaluate(
            "navigator.serviceWorker.ready.then((one) => Boolean(one.waiting))"
        ),
    )
    phone.page.evaluate(
        """async () => (await navigator.serviceWorker.ready).waiting?.postMessage('take-over')"""
    )
    phone.page.wait_for_timeout(800)
    assert phone.page.evaluate("window.isThisPage")
    expect(phone.page.locator("textarea")).to_have_value("Half a sent")
    # Once the page is left the new version takes over, and begins the page once more.
    phone.page.goto("about:blank")
    phone.page.wait_for_timeout(1_500)
    phone.open()
    eventually(phone, lambda: is_settled(phone))
    phone.page.reload()
    phone.project()
    click(phone, "Something I want")
    click(phone, "Next")
    expect(phone.page.locator("textarea")).to_have_value("Half a sent")


def test_everything_that_was_said_can_be_read_with_who_and_when(
    phone: Phone, double: Double
) -> None:
    a_project(double.book)
    phone.pair()
    phone.project()
    phone.page.locator(".row", has_text="Everything that was said").click()
    entry = phone.page.locator(".entry", has_text=WORDS["en"]["reason"]).first
    # Who people are comes after what they said.
    expect(entry).to_contain_text("Tom")
    expect(entry).to_contain_text("Why it wasn't done")
    expect(entry).to_contain_text(WORDS["en"]["missed"])


def test_a_cut_emoji_does_not_keep_the_words_from_going_in(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.project()
    phone.page.locator(".tabs button").nth(2).click()
    phone.page.locator("textarea").evaluate(
        """(area) => {
          area.value = 'All good \ud83d';
          area.dispatchEvent(new Event('input', { bubbles: true }));
        }"""
    )
    click(phone, "Send")
    eventually(phone, lambda: double.book.rows)
    assert double.book.rows[0][1]["value"] == {"text": "All good "}


def test_words_of_two_phones_of_one_person_have_the_order_of_the_server_whatever_the_clocks_say(
    phone: Phone, double: Double
) -> None:
    ids = a_project(double.book)
    phone.pair()
    # This phone is a year ahead; the other one, which is used an hour later, is right.
    phone.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=365))
    write_why(phone, WORDS["en"]["friend"], "Said first")
    book = double.book
    eventually(phone, lambda: book.standing("goal", ids["friends"], "why") == "Said first")
    phone.page.locator(".waits").first.wait_for(state="detached")
    book.say(MIA, "goal", ids["friends"], "why", "Said later")
    assert book.standing("goal", ids["friends"], "why") == "Said later"
    phone.page.reload()
    to_goal(phone, WORDS["en"]["friend"])
    why = phone.page.get_by_role("button", name="Why it matters")
    why.get_by_text("Said later").wait_for()
    assert "Said first" not in why.inner_text()


def test_a_child_reads_who_its_caseworker_is_now_until_they_have_met(
    phone: Phone, double: Double
) -> None:
    a_project(double.book)
    review = double.book.make(INES, "review", kind="new_worker", due_on="2030-01-01")
    phone.pair()
    phone.project()
    shown(phone, "Your caseworker now: Tom")
    double.book.say(TOM, "review", review, "held_on", "2026-01-01")
    phone.page.reload()
    phone.project()
    phone.page.get_by_text("Your caseworker now").wait_for(state="detached")


def test_a_slow_answer_about_one_child_does_not_keep_the_page_of_another(
    phone: Phone, double: Double
) -> None:
    double.person = TOM
    double.more_books[NOOR] = Book(NOOR)
    phone.context.add_cookies([{"name": COOKIE, "value": "toms", "url": double.url}])
    phone.open(f"#with={MIA}")
    phone.page.wait_for_selector(".land")
    main = phone.page.locator("main")

    def page_for_the_wall_of(name: str) -> None:
        phone.page.locator(".tabs button").nth(0).click()
        phone.page.locator(".row", has_text=name).click()
        phone.page.wait_for_selector(".land")
        phone.page.locator(".rows .row", has_text="Get a copy").click()
        phone.page.get_by_role("button", name="A page for the wall").click()

    double.slow_walls.add(MIA)
    page_for_the_wall_of("Mia")
    expect(main).to_contain_text("Loading")
    page_for_the_wall_of("Noor")
    expect(main).to_contain_text("Loading")
    double.slow_walls.clear()
    expect(main).to_contain_text(f"A goal of {NOOR}")
    expect(main).not_to_contain_text(MIA)
    # What was there about her is not drawn for Mia, not even before there is an answer.
    double.slow_walls.add(MIA)
    page_for_the_wall_of("Mia")
    expect(main).to_contain_text("Loading")
    expect(main).not_to_contain_text(NOOR)
    double.slow_walls.clear()
    expect(main).to_contain_text(f"A goal of {MIA}")
