"""The people around a child: who hears of a silence, who one can write to, what is not shown."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pwa.book import ADA, OTHERS, SAM
from tests.pwa.conftest import Phone
from tests.pwa.double import Double
from tests.pwa.test_lanes import readers, with_ruth

pytestmark = pytest.mark.browser

ROW = 9
NUMBER = "+33 6 12 34 56 78"


def rosa(state: str, name: str = "Rosa", id_: str = "9") -> dict[str, Any]:
    """A person the child named, and what the caseworker decided."""
    return {
        "id": f"00000000-0000-4000-8000-00000000009{id_}",
        "name": name,
        "reach": NUMBER,
        "also_help": False,
        "named_at": "2026-01-02T12:00:00.000Z",
        "state": state,
        "why": None,
    }


def look(phone: Phone) -> None:
    phone.go(2, ROW)
    phone.page.locator(".person", has_text="Tom").wait_for()


def words(phone: Phone, name: str) -> str:
    """What the card of this person says, once they were tapped."""
    phone.page.locator(".person button", has_text=name).click()
    expect(phone.page.locator("#chosen")).to_have_text(name, use_inner_text=True)
    return phone.page.locator("section.card").inner_text()


def test_a_child_sees_who_is_around_them_and_writes_to_one_of_them(
    phone: Phone, double: Double
) -> None:
    double.book.people[SAM] = OTHERS[SAM]
    double.trusted = [rosa("yes"), rosa("no", "Kim", "8"), rosa("named", "Ali", "7")]
    with_ruth(phone, double)
    look(phone)
    near = phone.page.get_by_role("list", name="Closest to you").get_by_role("listitem")
    # The people that the child named come a moment after the others.
    expect(near).to_have_count(5)
    texts = [text.split("\n")[1] for text in near.all_inner_texts()]
    assert texts == ["Tom", "Sam", "Ruth", "Rosa", "Ali"]
    expect(phone.page.locator(".arc .person")).to_contain_text("Ines", use_inner_text=True)
    assert "we may tell Tom" in words(phone, "Tom")
    assert "We don't ask Ali yet" in words(phone, "Ali")
    assert "We may ask Sam if you are there." in words(phone, "Sam")
    expect(phone.page.locator("section.card .main")).to_have_count(0)
    words(phone, "Ruth")
    phone.page.get_by_role("button", name="Write to Ruth").click()
    expect(readers(phone)).to_have_text("Who can read it: Ruth (Advocate)", use_inner_text=True)
    expect(phone.page.locator("#message")).to_be_focused()


def test_writing_to_tom_means_the_thread_also_after_words_for_ruth_alone(
    phone: Phone, double: Double
) -> None:
    with_ruth(phone, double)
    look(phone)
    words(phone, "Tom")
    phone.page.get_by_role("button", name="Write to Tom").click()
    expect(readers(phone)).to_contain_text("Who can read it: Tom", use_inner_text=True)


def test_the_number_of_a_trusted_person_is_nowhere_on_the_screen(
    phone: Phone, double: Double
) -> None:
    double.trusted = [rosa("yes")]
    phone.pair()
    phone.project()
    look(phone)
    assert "we may ask Rosa too" in words(phone, "Rosa")
    html = phone.page.locator("main").inner_html()
    assert NUMBER not in html
    assert "tel:" not in html
    assert "mailto:" not in html


def test_the_people_are_there_without_a_network_from_what_the_phone_has(
    phone: Phone, double: Double
) -> None:
    double.trusted = [rosa("yes")]
    with_ruth(phone, double)
    look(phone)
    phone.page.locator(".person", has_text="Rosa").wait_for()
    phone.network(is_there=False)
    phone.page.reload()
    look(phone)
    for name in ("Tom", "Ruth", "Rosa"):
        expect(phone.page.locator(".person", has_text=name)).to_have_count(1)


def test_many_people_have_room_and_nobody_is_left_out(phone: Phone, double: Double) -> None:
    for number in range(25):
        id_ = f"00000000-0000-4000-8000-0000000001{number:02}"
        double.book.people[id_] = {"id": id_, "role": "carer", "name": f"Carer {number}"}
    double.book.people[ADA] = OTHERS[ADA]
    phone.pair()
    phone.project()
    look(phone)
    expect(phone.page.locator(".person")).to_have_count(28)
    expect(phone.page.locator(".around .person")).to_have_count(7)
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_child_reads_which_school_we_ask_and_no_phone_keeps_it(phone: Phone) -> None:
    phone.double.witnesses = [
        {"id": SAM, "name": "Lycée Monge", "days": [0, 1, 2, 3, 4], "at": "10:00", "known_as": "M."}
    ]
    phone.pair()
    look(phone)
    told = phone.page.get_by_role("region", name="Who tells us whether you came")
    expect(told.get_by_role("listitem")).to_have_text(
        "Lycée Monge Monday, Tuesday, Wednesday, Thursday and Friday at 10:00",
        use_inner_text=True,
    )
    expect(told).to_contain_text("Tell your caseworker.")
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.network(is_there=False)
    phone.page.reload()
    look(phone)
    expect(told).to_have_count(0)
