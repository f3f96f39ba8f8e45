"""Whom a message goes to: what was chosen for one message is not chosen for the next."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.pwa.book import ADA
from tests.pwa.conftest import Phone
from tests.pwa.double import Double

pytestmark = pytest.mark.browser

AT = "2026-01-02T12:00:00.000Z"
ALL = "Who can read it: Tom"
ALONE = "Who can read it: Ruth (Advocate)"
AROUND = 9  # The row "People around me".


def with_ruth(phone: Phone, double: Double) -> None:
    """Mia has an advocate, and is at her project."""
    double.book.people[ADA] = {"id": ADA, "role": "advocate", "name": "Ruth"}
    double.advocates = [
        {
            "id": ADA,
            "person_id": ADA,
            "name": "Ruth",
            "from_at": AT,
            "until_at": AT,
            "has_joined": True,
            "tells_alerts": False,
        }
    ]
    phone.pair()
    phone.project()


def write_to_ruth(phone: Phone) -> None:
    phone.page.locator(".tabs button").nth(3).click()
    phone.page.locator(".row", has_text="My advocate").click()
    phone.page.get_by_role("button", name="Write to Ruth").click()


def from_today(phone: Phone) -> None:
    phone.go(0)
    phone.page.locator(".tabs button").nth(2).click()


def readers(phone: Phone) -> Locator:
    return phone.page.locator("#readers")


def send(phone: Phone, text: str) -> None:
    phone.page.locator("#message").fill(text)
    phone.page.get_by_role("button", name="Send", exact=True).click()
    phone.page.locator(".thread", has_text=text).wait_for()


def arrived(phone: Phone, double: Double, number: int) -> list[tuple[str, dict[str, Any]]]:
    """The changes that the server has, once there are so many; for some seconds."""
    for _ in range(160):
        if len(double.book.rows) >= number:
            break
        phone.page.wait_for_timeout(50)
    return double.book.rows


def test_after_words_for_the_advocate_alone_the_child_says_who_the_next_ones_are_for(
    phone: Phone, double: Double
) -> None:
    with_ruth(phone, double)
    write_to_ruth(phone)
    # Nothing was written.
    from_today(phone)
    expect(readers(phone)).to_contain_text(ALL, use_inner_text=True)
    write_to_ruth(phone)
    send(phone, "Only for Ruth")
    # She is still writing to Ruth.
    expect(readers(phone)).to_have_text(ALONE, use_inner_text=True)
    from_today(phone)
    # Neither of the two is marked: she would not see to which one she goes on writing.
    asked = "Your last message was only for Ruth. Choose who this one is for."
    expect(readers(phone)).to_have_text(asked, use_inner_text=True)
    phone.page.locator("#message").fill("For Tom")
    expect(phone.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    phone.page.locator(".option").first.click()
    expect(readers(phone)).to_contain_text(ALL, use_inner_text=True)
    send(phone, "For Tom")
    # The thread was the last: it is marked again.
    expect(readers(phone)).to_contain_text(ALL, use_inner_text=True)
    sent = [row["value"] for _, row in arrived(phone, double, 2)]
    assert [(said["text"], said.get("is_private")) for said in sent] == [
        ("Only for Ruth", True),
        ("For Tom", None),
    ]


def test_words_half_typed_for_the_advocate_alone_stay_for_them_alone(
    phone: Phone, double: Double
) -> None:
    with_ruth(phone, double)
    write_to_ruth(phone)
    phone.page.locator("#message").fill("Half a sen")
    phone.page.wait_for_timeout(500)
    phone.page.reload()
    from_today(phone)
    expect(phone.page.locator("#message")).to_have_value("Half a sen")
    expect(readers(phone)).to_have_text(ALONE, use_inner_text=True)


def test_only_ruth_chosen_by_hand_is_asked_for_again_and_never_turns_into_the_thread(
    phone: Phone, double: Double
) -> None:
    with_ruth(phone, double)
    phone.page.locator(".tabs button").nth(2).click()
    alone = phone.page.locator(".option", has_text="Only")
    alone.click()
    expect(readers(phone)).to_have_text(ALONE, use_inner_text=True)
    send(phone, "Only for Ruth")
    expect(phone.page.locator(".option[aria-pressed=true]")).to_have_count(0)
    phone.page.locator("#message").fill("And this")
    button = phone.page.get_by_role("button", name="Send", exact=True)
    expect(button).to_be_disabled()
    # It stays so, on this phone and after it was closed.
    phone.page.wait_for_timeout(500)
    phone.page.reload()
    from_today(phone)
    expect(phone.page.locator("#message")).to_have_value("And this")
    expect(button).to_be_disabled()
    alone.click()
    send(phone, "And this")
    rows = arrived(phone, double, 2)
    assert [row["value"]["is_private"] for _, row in rows] == [True, True]


def test_where_the_advocate_has_gone_the_words_wait_for_another_choice(
    phone: Phone, double: Double
) -> None:
    with_ruth(phone, double)
    write_to_ruth(phone)
    phone.page.locator("#message").fill("For you")
    phone.page.wait_for_timeout(500)
    del double.book.people[ADA]
    phone.page.reload()
    from_today(phone)
    choice = phone.page.locator(".option")
    expect(choice).to_have_count(1)
    expect(phone.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    choice.click()
    expect(phone.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()


def write_to_tom(phone: Phone) -> None:
    phone.go(2, AROUND)
    phone.page.locator(".person button", has_text="Tom").click()
    phone.page.get_by_role("button", name="Write to Tom").click()


def test_only_ruth_chosen_on_the_way_to_tom_is_not_followed_by_words_for_tom(
    phone: Phone, double: Double
) -> None:
    with_ruth(phone, double)
    write_to_tom(phone)
    expect(readers(phone)).to_contain_text(ALL, use_inner_text=True)
    send(phone, "For Tom")
    # Whom she came to write to stays.
    expect(readers(phone)).to_contain_text(ALL, use_inner_text=True)
    phone.page.locator(".option", has_text="Only").click()
    send(phone, "Only for Ruth")
    expect(phone.page.locator(".option[aria-pressed=true]")).to_have_count(0)
    phone.page.locator("#message").fill("And this")
    expect(phone.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()


@pytest.mark.parametrize("first", ["Ruth", "Tom"])
def test_words_half_typed_for_one_do_not_go_to_the_other_who_is_named_next(
    phone: Phone, double: Double, first: str
) -> None:
    with_ruth(phone, double)
    one, other = write_to_ruth, write_to_tom
    if first == "Tom":
        one, other = other, one
    one(phone)
    phone.page.locator("#message").fill("Half a sen")
    # Back to the same person they are still theirs.
    one(phone)
    expect(phone.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    other(phone)
    expect(phone.page.locator("#message")).to_have_value("Half a sen")
    expect(readers(phone)).to_have_text("Choose who it is for.", use_inner_text=True)
    expect(phone.page.locator(".option[aria-pressed=true]")).to_have_count(0)
    expect(phone.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()


def test_after_words_for_an_advocate_who_has_gone_the_thread_is_not_marked_by_itself(
    phone: Phone, double: Double
) -> None:
    with_ruth(phone, double)
    write_to_ruth(phone)
    send(phone, "Only for Ruth")
    arrived(phone, double, 1)
    del double.book.people[ADA]
    phone.page.reload()
    from_today(phone)
    expect(phone.page.locator(".option")).to_have_count(1)
    expect(phone.page.locator(".option[aria-pressed=true]")).to_have_count(0)
    phone.page.locator("#message").fill("And this")
    expect(phone.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
