"""What the phone says of the last answer: after a reload, offline, and the same after any."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.pwa.book import NOOR
from tests.pwa.conftest import CHROMIUM, Phone, Phones
from tests.pwa.double import CODE, Double
from tests.pwa.test_check_in import received
from tests.pwa.test_project import eventually

pytestmark = pytest.mark.browser
SHOWN_BY = CHROMIUM  # It sends with the app closed.


def line(page: Page) -> str:
    """The day's line as it is read, without times."""
    text = page.locator(".line").inner_text()
    return re.sub(r"\d{1,2}:\d{2}", "H:MM", " | ".join(text.split("\n")))


def today(phone: Phone) -> str:
    """All that Today shows, without ids and times."""
    phone.page.wait_for_selector(".faces")
    html = phone.page.locator("#app").inner_html()
    return re.sub(r"\d{1,2}:\d{2}", "H:MM", html)


def shapes(phone: Phone) -> list[tuple[str, str, int]]:
    """Which boxes the phone keeps, and how large each is: what a thief can see."""
    return sorted(
        (row["store"], str(row["key"])[-5:], len(row["value"]["sealed"]["data"]))
        for row in phone.stored()
        if row["store"] == "boxes"
    )


def help_now(phone: Phone) -> None:
    """The two taps."""
    phone.page.locator(".quiet.help").click()
    phone.page.locator(".alarm").click()


def calling(*names: str, **more: Any) -> dict[str, Any]:
    return {"stage": "calling", "who": list(names), "since": None, "sent_at": None, **more}


def z(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("is_there", [True, False], ids=["online", "offline"])
def test_the_last_answer_and_its_face_survive_a_reload(
    phone: Phone, double: Double, is_there: bool
) -> None:
    phone.pair()
    phone.page.locator(".face").nth(3).click()
    phone.ok()
    phone.is_thanked()
    phone.network(is_there=is_there)
    phone.page.reload()
    expect(phone.page.locator(".line.done .circle .icon")).to_be_visible()
    assert "Check-in done | Sent H:MM · received | Next: tomorrow, H:MM" in line(phone.page)
    expect(phone.page.locator(".line .chosen")).to_have_text("Good")


def test_what_waits_is_said_to_wait_and_never_to_be_received(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.network(is_there=False)
    phone.page.locator(".face").nth(0).click()
    phone.ok()
    phone.page.locator(".thanks").get_by_text("Not sent yet").wait_for()
    for _ in range(2):
        expect(phone.page.locator(".line")).to_contain_text("not sent yet")
        assert line(phone.page).startswith("Check-in | Said H:MM · not sent yet | Next")
        expect(phone.page.locator(".line .chosen")).to_have_text("Awful")
        phone.page.reload()
    phone.network(is_there=True)
    expect(phone.page.locator(".line.done")).to_contain_text("received")


def test_a_phone_that_is_shut_out_does_not_say_that_anything_was_received(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    double.is_revoked = True
    phone.ok()
    phone.page.get_by_text("This phone isn't connected any more").first.wait_for()
    phone.page.reload()
    expect(phone.page.locator(".line")).to_contain_text("not sent yet")
    expect(phone.page.locator(".line.done")).to_have_count(0)


def test_once_the_next_check_in_opens_the_circle_is_empty(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.ok()
    phone.is_thanked()
    phone.page.reload()
    expect(phone.page.locator(".line.done")).to_be_visible()
    double.standing = "due"
    phone.page.reload()
    expect(phone.page.locator(".line.done")).to_have_count(0)
    expect(phone.page.locator(".line .strong")).to_have_text("Check-in")


def test_a_phone_without_a_network_does_not_say_done_once_the_next_has_opened(
    phone: Phone, double: Double
) -> None:
    phone.page.clock.install()
    double.opens_before = timedelta(hours=2)
    phone.pair()
    phone.ok()
    phone.is_thanked()
    phone.network(is_there=False)
    phone.page.clock.fast_forward("48:00:00")
    expect(phone.page.locator(".line.done")).to_have_count(0)
    expect(phone.page.locator(".line")).to_contain_text("You can still answer.")


def test_the_line_sends_nothing_and_its_button_says_what_it_does(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    expect(phone.page.locator(".line")).to_contain_text("Next: tomorrow")
    for part in (".line .strong", ".line .circle"):
        phone.page.locator(part).click()
    phone.page.locator(".line").click(position={"x": 4, "y": 4})
    phone.page.wait_for_timeout(300)
    assert double.check_ins == []
    assert phone.stored_outbox() == 0
    phone.page.get_by_role("button", name="Check in now").click()
    phone.is_thanked()
    assert [one["mark"] for one in double.check_ins] == ["b"]


@pytest.mark.parametrize("is_there", [True, False], ids=["online", "offline"])
def test_today_does_not_tell_a_call_for_help_from_an_answer(
    phones: Phones, double: Double, is_there: bool
) -> None:
    seen = []
    double.heard = calling("Tom")
    for wants_help in (False, True):
        phone = phones()
        double.check_ins.clear()
        phone.pair()
        phone.network(is_there=is_there)
        phone.page.locator(".face").nth(1).click()
        if wants_help:
            help_now(phone)
        else:
            phone.ok()
        phone.page.locator(".thanks.received" if is_there else ".thanks").wait_for()
        if not is_there:
            phone.page.get_by_text("yet").first.wait_for()
        if wants_help:
            phone.page.wait_for_timeout(500)
            phone.go(0)
        else:
            phone.go(2)
            phone.go(0)
        phone.page.wait_for_timeout(500)
        shown = [today(phone)]
        phone.page.reload()
        phone.page.wait_for_load_state("networkidle")
        # The parts that come a moment after the start are there: the last of three live lines.
        phone.page.locator('p[role="status"]').nth(2).wait_for(state="attached")
        seen.append((phone, [*shown, today(phone)]))
    (first, answered), (second, called) = seen
    assert answered == called
    # What is loaded for later may come in any order.
    eventually(first, lambda: shapes(first) == shapes(second))
    assert not is_there or [one["want"] for one in double.check_ins] == ["help"]


def test_help_says_what_the_server_knows_and_names_nobody(phone: Phone, double: Double) -> None:
    double.heard = calling("Tom", "Ines")
    phone.pair()
    help_now(phone)
    thanks = phone.page.locator(".thanks.received")
    expect(thanks).to_contain_text("We have your call.")
    expect(thanks).to_contain_text("We're calling an adult.")
    expect(thanks).to_contain_text("Our message hasn't gone out yet.")
    status = phone.page.locator("main [role=status]")
    expect(status).to_have_text("We're calling an adult. Our message hasn't gone out yet.")
    assert "way" not in thanks.inner_text()
    assert "Tom" not in thanks.inner_text()
    double.heard = {**calling("Tom"), "stage": "taken", "since": z(datetime.now(UTC))}
    phone.page.reload()
    phone.page.locator(".quiet.help").click()
    expect(phone.page.locator(".thanks.received")).to_contain_text("An adult has it.")
    double.heard = {**double.heard, "stage": "unreached"}
    phone.page.reload()
    phone.page.locator(".quiet.help").click()
    expect(phone.page.locator(".thanks.received")).to_contain_text(
        "We haven't reached an adult yet. Please call one of the numbers below."
    )


def test_until_the_server_says_it_nobody_is_said_to_be_called(phone: Phone, double: Double) -> None:
    phone.pair()
    help_now(phone)
    expect(phone.page.locator(".thanks.received")).to_contain_text("Received")
    phone.page.wait_for_timeout(500)
    assert "calling" not in phone.page.locator("main").inner_text()


def names_in_help(phone: Phone) -> None:
    """The child chooses names."""
    phone.go(2, 1)
    phone.page.get_by_role("switch", name="Names in Help").click()


def test_names_are_shown_where_the_child_chose_that(phone: Phone, double: Double) -> None:
    double.heard = calling("Tom", "Ines", sent_at=z(datetime.now(UTC)))
    phone.pair()
    names_in_help(phone)
    help_now(phone)
    thanks = phone.page.locator(".thanks.received")
    expect(thanks).to_contain_text("We're calling Tom and Ines.")
    expect(thanks).to_contain_text("Our message went out at")
    double.heard = calling("Tom") | {"stage": "taken", "since": z(datetime.now(UTC))}
    phone.page.reload()
    phone.page.locator(".quiet.help").click()
    expect(phone.page.locator(".thanks.received")).to_contain_text("Tom has it.")
    before = z(datetime.now(UTC) - timedelta(hours=1))
    double.heard = calling("Tom") | {"stage": "taken", "since": before}
    phone.page.reload()
    phone.page.locator(".quiet.help").click()
    expect(phone.page.locator(".thanks.received")).to_contain_text(
        "Tom has your earlier call since"
    )
    expect(phone.page.locator(".thanks.received")).to_contain_text("hasn't gone out yet")


def test_the_call_stands_in_help_offline_and_can_be_made_again_and_fades(
    phone: Phone, double: Double
) -> None:
    double.heard = calling("Tom", sent_at=z(datetime.now(UTC)))
    phone.pair()
    help_now(phone)
    phone.page.get_by_text("We're calling an adult.").first.wait_for()
    phone.network(is_there=False)
    phone.page.clock.install()
    phone.page.reload()
    phone.page.locator(".quiet.help").click()
    expect(phone.page.locator(".thanks.received")).to_contain_text("We have your call.")
    expect(phone.page.locator(".thanks.received")).to_contain_text("This may have changed.")
    phone.network(is_there=True)
    phone.page.get_by_role("button", name="Call again").click()
    received(phone, double, 2)
    assert [one["want"] for one in double.check_ins] == ["help", "help"]
    assert double.check_ins[0]["id"] != double.check_ins[1]["id"]
    phone.page.clock.fast_forward("02:01:00")
    phone.page.reload()
    phone.page.locator(".quiet.help").click()
    expect(phone.page.get_by_role("button", name="Yes, I need help now")).to_be_visible()
    assert "Call again" not in phone.page.locator("main").inner_text()


def test_a_call_that_waits_stands_in_help_as_not_sent_after_a_reload(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.network(is_there=False)
    help_now(phone)
    phone.page.locator(".thanks").get_by_text("it isn't sent yet").wait_for()
    phone.page.reload()
    phone.page.locator(".quiet.help").click()
    thanks = phone.page.locator(".thanks")
    expect(thanks).to_contain_text("Saved on this phone.")
    assert "We have your call" not in thanks.inner_text()
    expect(phone.page.get_by_role("button", name="Call again")).to_have_count(0)


def test_what_the_worker_sent_with_the_app_closed_is_received_at_the_next_start(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.network(is_there=False)
    phone.page.locator(".face").nth(3).click()
    phone.ok()
    phone.page.locator(".thanks").get_by_text("Not sent yet").wait_for()
    phone.page.goto("about:blank")
    phone.network(is_there=True)
    for _ in range(100):
        if double.check_ins:
            break
        phone.page.wait_for_timeout(100)
    assert len(double.check_ins) == 1
    double.is_cafe = True
    phone.open()
    expect(phone.page.locator(".line.done")).to_contain_text("received")
    expect(phone.page.locator(".line .chosen")).to_have_text("Good")


def test_another_window_says_the_same(phone: Phone, double: Double) -> None:
    phone.pair()
    other = phone.context.new_page()
    other.goto(f"{double.url}/app/")
    other.wait_for_selector(".faces")
    phone.page.locator(".face").nth(3).click()
    phone.ok()
    phone.is_thanked()
    expect(other.locator(".line.done")).to_contain_text("received")
    expect(other.locator(".line .chosen")).to_have_text("Good")


def test_the_next_person_reads_nothing_of_the_one_before(phone: Phone, double: Double) -> None:
    double.heard = calling("Tom")
    phone.pair()
    names_in_help(phone)
    help_now(phone)
    phone.page.get_by_text("We're calling Tom.").first.wait_for()
    assert "Tom" not in json.dumps(phone.stored())
    double.person = NOOR
    phone.page.goto("about:blank")
    phone.open(f"#pair={CODE}")
    phone.page.get_by_role("button", name="Connect this phone").click()
    phone.page.wait_for_selector(".faces")
    assert line(phone.page).startswith("Check-in | Next")
    phone.page.locator(".quiet.help").click()
    expect(phone.page.get_by_role("button", name="Yes, I need help now")).to_be_visible()


def test_each_request_carries_the_clock_of_the_phone_as_it_goes_out(
    phone: Phone, double: Double
) -> None:
    phone.page.clock.install(time=datetime(2024, 2, 4, 17, 2, tzinfo=UTC))
    phone.pair()
    double.refuse_check_ins = (503, "unavailable")
    phone.ok()
    expect(phone.page.locator(".line")).to_contain_text("not sent yet")
    with phone.page.expect_response("**/api/v1/check-ins"):
        phone.page.clock.fast_forward("03:00:00")
    sent = double.posted("/api/v1/check-ins")
    assert {each["sent_at"][:13] for each in sent} >= {"2024-02-04T17", "2024-02-04T20"}
    assert len({(each["id"], each["said_at"]) for each in sent}) == 1


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "opened again"])
def test_where_an_old_answer_settled_nothing_one_tap_says_how_it_is_now(
    phone: Phone, double: Double, is_open: bool
) -> None:
    phone.page.clock.install(time=datetime.now(UTC) - timedelta(days=3))
    phone.pair()
    phone.network(is_there=False)
    phone.ok()
    phone.page.locator(".thanks").get_by_text("Not sent yet").wait_for()
    expect(phone.page.locator(".anew")).to_have_count(0)
    double.is_old, double.standing = True, "late"
    if is_open:
        phone.page.clock.fast_forward(72 * 3_600_000)
    else:
        phone.page.close()
        phone.page = phone.context.new_page()
        phone.page.clock.set_system_time(datetime.now(UTC))
    phone.network(is_there=True)
    if not is_open:
        phone.open()
    asks = phone.page.locator(".anew")
    expect(asks).to_have_text(re.compile(r"^We got your answer of .+\. How are you now\?$"))
    expect(asks).to_contain_text((datetime.now(UTC) - timedelta(days=3)).strftime("%A"))
    expect(phone.page.get_by_role("status").get_by_text("How are you now?")).to_be_attached()
    expect(phone.page.locator(".thanks")).to_have_count(0)
    # It was said on another day: "received 8:40" alone would read as of that day.
    expect(phone.page.locator(".line")).to_contain_text(re.compile(r"received today, \d", re.I))
    phone.page.reload()
    expect(asks).to_contain_text("How are you now?")
    double.is_old, double.standing = False, "well"
    phone.ok()
    phone.is_thanked()
    expect(asks).to_have_count(0)
    assert len({sent["id"] for sent in double.posted("/api/v1/check-ins")}) == 2


def test_an_old_call_for_help_asks_in_the_same_words(phone: Phone, double: Double) -> None:
    shown = []
    phone.pair()
    for count, say in enumerate((Phone.ok, help_now), 1):
        double.is_old, double.standing = True, "late"
        say(phone)
        received(phone, double, count)
        phone.open()
        expect(phone.page.locator(".anew")).to_contain_text("How are you now?")
        shown.append(today(phone))
    assert shown[0] == shown[1]
