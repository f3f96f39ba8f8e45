"""What the app offers an adult is never a field of the child's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from server.plan.owners import CHILDS_OWN
from tests.pwa.book import MIA, TOM, a_project
from tests.pwa.conftest import Phone
from tests.pwa.double import Double
from tests.pwa.test_project_screens import GO, come_in

PHONE = Path(__file__).resolve().parents[2] / "pwa" / "src" / "plan" / "owners.ts"


def test_the_phone_knows_the_same_fields_as_the_childs_as_the_server() -> None:
    (listed,) = re.findall(r"CHILDS_OWN.*?new Set\(\[(.*?)\]\)", PHONE.read_text("utf-8"), re.S)
    assert {tuple(name.split()) for name in re.findall(r'"([^"]+)"', listed)} == CHILDS_OWN


@pytest.mark.browser
def test_an_adult_is_offered_neither_the_childs_words_nor_a_choice_about_them(
    phone: Phone, double: Double
) -> None:
    book, ids = double.book, a_project(double.book, double.language)
    goal, base = ids["goal"], book.state.made["goal", ids["goal"]].id
    # From before the rule: an adult's words beside the child's, both unseen by the other.
    book.say(MIA, "goal", goal, "child_words", "A nurse.", base=base)
    book.say(TOM, "goal", goal, "child_words", "A cook.", base=base)
    come_in(phone, double, TOM)
    page = phone.page
    page.wait_for_selector(".path")
    expect(page.locator(".summary button")).to_have_count(0)
    about = {"entity": "goal", "id": goal, "field": "child_words"}
    page.evaluate(GO, ["difference", about])
    expect(page.locator(".beside .voice")).to_have_count(2)
    expect(page.get_by_text("Only the child can choose.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Use|Write something new"))).to_have_count(0)
    for field in (about, {"entity": "life_project", "id": MIA, "field": "summary"}):
        page.evaluate(GO, ["edit", field])
        expect(page.get_by_text("We can't find this")).to_be_visible()
        expect(page.locator("textarea")).to_have_count(0)


@pytest.mark.browser
def test_what_an_adult_wrote_as_the_summary_stands_under_their_name(
    phone: Phone, double: Double
) -> None:
    book = double.book
    a_project(book)
    base = next(node.id for node in book.state.nodes["life_project", MIA, "summary"])
    phone.pair()
    phone.project()
    page = phone.page
    expect(page.locator(".summary .own-words")).to_be_visible()
    expect(page.locator(".summary .voice")).to_have_count(0)
    book.say(TOM, "life_project", MIA, "summary", "Mia wants to be a cook.", base=base)
    page.reload()
    phone.project()
    expect(page.locator(".summary .voice")).to_contain_text("Tom", use_inner_text=True)
    expect(page.locator(".summary .voice")).to_contain_text("to be a cook", use_inner_text=True)
