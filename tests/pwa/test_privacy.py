"""What somebody could learn who holds the phone, looks into its storage, or watches the network."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.doubles.firefox import until
from tests.pwa.conftest import CHROMIUM, Phone
from tests.pwa.double import CODE, Double

pytestmark = pytest.mark.browser

# What the browser tells a page that goes out of sight: another app, or the lock screen.
AWAY = {
    "hidden": "document.dispatchEvent(new Event('visibilitychange'))",
    "blur": "window.dispatchEvent(new Event('blur'))",
}

SHOWN_BY = CHROMIUM

WORDS = "Zebra crossing behind the station"


def test_a_pairing_link_leaves_no_code_in_the_address_or_the_history(
    phone: Phone, double: Double
) -> None:
    phone.open(f"#pair={CODE}")
    assert phone.page.url == f"{double.url}/app/"
    entries = phone.devtools().send("Page.getNavigationHistory")["entries"]
    assert CODE not in json.dumps([entry["url"] for entry in entries])
    for _ in range(4):
        phone.page.locator(".main").click()
    phone.page.wait_for_selector(".faces")
    entries = phone.devtools().send("Page.getNavigationHistory")["entries"]
    assert CODE not in json.dumps([entry["url"] for entry in entries])
    assert CODE not in json.dumps(phone.stored())
    paths = [path for _, path, _ in double.requests]
    assert not any(CODE in path for path in paths)


def test_no_screen_has_an_address_of_its_own(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.page.locator(".quiet.help").click()
    for row in range(5):
        phone.go(2, row)
    entries = phone.devtools().send("Page.getNavigationHistory")["entries"]
    visited = {entry["url"].split("#")[0] for entry in entries} - {"about:blank"}
    assert visited == {f"{double.url}/app/"}
    phone.page.go_back()
    phone.page.get_by_role("heading", name="More").wait_for()


def test_nothing_on_the_phone_is_stored_in_plain_words(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.write(WORDS)
    phone.page.locator(".face").nth(0).click()
    phone.ok()
    phone.is_thanked()
    phone.go(1)
    phone.page.locator("summary").wait_for()
    phone.go(2, 4)
    phone.page.get_by_text("Tom Verhoeven").wait_for()
    phone.network(is_there=False)
    phone.page.locator(".quiet.help").click()
    phone.page.locator(".alarm").click()
    phone.page.locator(".thanks").get_by_text("sent yet").wait_for()
    phone.go(0)
    phone.write(WORDS + " again")
    phone.page.wait_for_timeout(500)
    everything = json.dumps(phone.stored())
    assert len(phone.stored()) >= 6
    for word in (WORDS, "Castellane", "Verhoeven", "mood", "help", "mark", "note", "said_at"):
        assert word not in everything
    assert "extractable: true" not in everything
    assert "extractable: false" in everything
    kept: dict[str, Any] = phone.page.evaluate("({...localStorage, ...sessionStorage})")
    assert set(kept) <= {"planner-language"}
    cached = phone.page.evaluate(
        """async () => (await Promise.all((await caches.keys()).map(async (name) =>
             (await (await caches.open(name)).keys()).map((r) => r.url)))).flat()"""
    )
    assert cached
    assert all("/api/" not in address for address in cached)


def _shape(phone: Phone) -> list[tuple[str, int]]:
    """Stores and sizes of all that is kept, without what is random."""
    return sorted(
        (row["store"], len(row["value"]["sealed"]["data"]))
        for row in phone.stored()
        if row["store"] != "keys"
    )


def _at_rest(phone: Phone) -> None:
    """Waits until the phone has asked for everything it asks for after coming in, and has kept it:
    until nothing has come and nothing was written for a second."""
    calm, seen = 0, None
    for _ in range(120):
        now = (len(phone.double.requests), _shape(phone))
        calm, seen = (calm + 1 if now == seen else 0), now
        if calm == 4:
            return
        phone.page.wait_for_timeout(250)
    raise AssertionError("The phone goes on asking and writing.")


def _picture(phone: Phone) -> str:
    """The page's structure and words without ids and times, once it has stayed as it is for a
    second: a part of a page may come later where the phone is slow, whatever was said."""
    calm, seen = 0, ""
    for _ in range(120):
        html = phone.page.locator("#app").inner_html()
        now = re.sub(r"\d?\d:\d\d", "TIME", html)
        calm, seen = (calm + 1 if now == seen else 0), now
        if calm == 4:
            return now
        phone.page.wait_for_timeout(250)
    raise AssertionError("The page goes on changing.")


@pytest.mark.parametrize("is_there", [True, False], ids=["online", "offline"])
def test_both_ways_to_say_i_am_ok_leave_the_same_traces(
    phones: Any, double: Double, is_there: bool
) -> None:
    seen = []
    for way in ("ok", "tick"):
        phone = phones()
        double.check_ins.clear()
        double.requests.clear()
        phone.pair()
        # What it keeps of its own accord comes at its own pace, and says nothing of the answer.
        _at_rest(phone)
        phone.network(is_there=is_there)
        phone.page.locator(".face").nth(2).click()
        phone.write("Same words")
        getattr(phone, way)()
        if is_there:
            phone.is_thanked()
        else:
            phone.page.locator(".thanks").get_by_text("Not sent yet").wait_for()
        today = _picture(phone)
        focus = phone.page.evaluate("document.activeElement.className")
        _at_rest(phone)
        shape = _shape(phone)
        requests = [
            (method, path, len(body))
            for method, path, body in double.requests
            if path == "/api/v1/check-ins"
        ]
        phone.go(1)
        phone.page.wait_for_selector(".entry")
        seen.append((today, focus, shape, requests, _picture(phone)))
        if is_there:
            assert [c["mark"] for c in double.check_ins] == ["a" if way == "ok" else "b"]
    assert seen[0] == seen[1]


def test_the_mark_is_gone_from_the_phone_once_the_server_has_it(phone: Phone) -> None:
    phone.pair()
    phone.tick()
    phone.is_thanked()
    assert [row for row in phone.stored() if row["store"] == "outbox"] == []


def test_one_tap_hides_everything_and_a_reload_shows_nothing(phone: Phone) -> None:
    phone.pair()
    phone.page.get_by_role("button", name="Hide").click()
    for _ in range(2):
        phone.page.wait_for_selector(".date")
        text = phone.page.locator("body").inner_text()
        for word in ("OK", "talk", "elp", "ide", "Check", "Waymark"):
            assert word not in text
        assert phone.page.title() == "Planner"
        phone.page.reload()


def test_holding_the_date_for_a_second_brings_the_app_back(phone: Phone) -> None:
    phone.pair()
    phone.page.get_by_role("button", name="Hide").click()
    phone.page.locator(".date").hover()
    phone.page.mouse.down()
    phone.page.wait_for_selector(".faces")
    phone.page.mouse.up()


def test_the_cover_opens_by_keyboard_too(phone: Phone) -> None:
    phone.pair()
    phone.page.get_by_role("button", name="Hide").click()
    phone.page.locator(".date").focus()
    for _ in range(4):
        phone.page.keyboard.press("Enter")
    phone.page.wait_for_selector(".faces")


def test_four_taps_bring_the_app_back_however_slow_and_another_tap_begins_anew(
    phone: Phone,
) -> None:
    phone.page.clock.install()
    phone.pair()
    phone.page.get_by_role("button", name="Hide").click()
    for _ in range(3):
        phone.page.locator(".date").click()
    phone.page.locator("#new").click()
    for _ in range(3):
        phone.page.locator(".date").click()
        phone.page.clock.fast_forward("01:00")
    expect(phone.page.locator(".faces")).to_have_count(0)
    phone.page.locator(".date").click()
    phone.page.wait_for_selector(".faces")


@pytest.mark.parametrize("away", ["hidden", "blur"])
def test_taps_on_the_date_end_when_the_phone_shows_something_else(phone: Phone, away: str) -> None:
    phone.pair()
    phone.page.get_by_role("button", name="Hide").click()
    for _ in range(3):
        phone.page.locator(".date").click()
    phone.page.evaluate(AWAY[away])
    for _ in range(3):
        phone.page.locator(".date").click()
    expect(phone.page.locator(".faces")).to_have_count(0)
    phone.page.locator(".date").click()
    phone.page.wait_for_selector(".faces")


def test_the_cover_is_a_list_that_works_and_is_kept(phone: Phone) -> None:
    phone.pair()
    phone.page.get_by_role("button", name="Hide").click()
    phone.page.locator("#new").fill("Buy bread")
    phone.page.locator("#new").press("Enter")
    phone.page.locator("#new").fill("Maths")
    phone.page.get_by_role("button", name="Add").click()
    phone.page.get_by_role("button", name="Buy bread", exact=True).click()
    phone.page.get_by_text("1 to do").wait_for()
    phone.page.wait_for_timeout(200)
    phone.page.reload()
    phone.page.get_by_text("1 to do").wait_for()
    assert "Buy bread" not in json.dumps(phone.stored())


def test_four_digits_are_asked_for_where_they_are_set(phone: Phone) -> None:
    phone.pair()
    phone.go(2, 1)
    phone.page.locator("#pin").fill("12")
    phone.page.get_by_role("button", name="Save", exact=True).click()
    phone.page.get_by_text("Type 4 digits.").wait_for()
    phone.page.locator("#pin").fill("2580")
    phone.page.get_by_role("button", name="Save", exact=True).click()
    phone.page.get_by_text("Code saved").wait_for()
    phone.page.reload()
    phone.page.wait_for_selector(".date")
    for _ in range(4):
        phone.page.locator(".date").click()
    phone.page.locator("#digits").fill("1111")
    expect(phone.page.locator("#digits-said")).to_have_text("That code is wrong. Try again.")
    expect(phone.page.locator(".faces")).to_have_count(0)
    phone.page.locator("#digits").fill("\u0662\u0665\u0668\u0660")
    phone.page.wait_for_selector(".faces")


def test_a_new_link_gets_past_forgotten_digits_but_shows_nothing_before(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.go(2, 1)
    phone.page.locator("#pin").fill("2580")
    phone.page.get_by_role("button", name="Save", exact=True).click()
    phone.page.get_by_text("Code saved").wait_for()
    phone.page.goto("about:blank")
    phone.open(f"#pair={CODE}")
    phone.page.locator(".main").wait_for()
    expect(phone.page.locator(".tabs")).to_have_count(0)
    phone.page.locator(".main").click()
    phone.page.wait_for_selector(".faces")
    phone.page.reload()
    phone.page.wait_for_selector(".faces")


def test_the_picture_in_the_list_of_open_apps_is_blank(phone: Phone) -> None:
    phone.pair()
    phone.page.evaluate(
        """() => {
          Object.defineProperty(document, 'visibilityState', {
            get: () => 'hidden', configurable: true});
          document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    assert phone.page.evaluate("getComputedStyle(document.body).visibility") == "hidden"
    phone.page.evaluate(
        """() => {
          Object.defineProperty(document, 'visibilityState', {get: () => 'visible'});
          document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    assert phone.page.evaluate("getComputedStyle(document.body).visibility") == "visible"


def test_nothing_names_the_product_or_comes_from_elsewhere(phone: Phone, double: Double) -> None:
    asked: list[str] = []
    phone.context.on("request", lambda request: asked.append(request.url))
    phone.pair()
    phone.go(2, 5)
    assert all(address.startswith(double.url) for address in asked)
    assert "waymark" not in phone.page.content().lower()


def test_a_push_shows_just_what_it_says_and_sends_a_receipt(phone: Phone, double: Double) -> None:
    phone.pair()
    devtools = phone.devtools()
    versions: list[dict[str, Any]] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated", lambda e: versions.extend(e["registrations"])
    )
    devtools.send("ServiceWorker.enable")
    for _ in range(50):
        if versions:
            break
        phone.page.wait_for_timeout(50)
    message = {
        "web_push": 8030,
        "notification": {
            "title": "Planner",
            "body": "You have 1 new item",
            "navigate": f"{double.url}/app/",
            "tag": "t1",
            "silent": False,
            "renotify": True,
        },
        "mutable": True,
        "m": "00000000-0000-4000-8000-00000000abcd",
    }
    for data in (json.dumps(message), "not json at all"):
        devtools.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": double.url,
                "registrationId": versions[0]["registrationId"],
                "data": data,
            },
        )
    shown: list[list[Any]] = []
    for _ in range(400):
        shown = phone.page.evaluate(
            """async () => (await (await navigator.serviceWorker.ready).getNotifications())
                 .map((n) => [n.title, n.body, n.tag, n.renotify])"""
        )
        if len(shown) == 2 and double.receipts:
            break
        phone.page.wait_for_timeout(50)
    assert sorted(shown) == [
        ["Planner", "", "planner", False],
        # A second call under the same tag is heard, too.
        ["Planner", "You have 1 new item", "t1", True],
    ]
    assert double.receipts == ["00000000-0000-4000-8000-00000000abcd"]


def test_signing_out_without_a_network_ends_the_session_as_soon_as_there_is_one(
    phone: Phone, double: Double
) -> None:
    def endings() -> int:
        return [(method, path) for method, path, _ in double.requests].count(
            ("DELETE", "/api/v1/sessions")
        )

    phone.pair()
    phone.network(is_there=False)
    phone.page.locator(".tabs button").last.click()
    phone.page.get_by_role("button", name="Sign out").click()
    phone.page.get_by_role("button", name="Yes, sign out").click()
    phone.page.wait_for_selector(".intro")
    assert endings() == 0
    phone.page.close()  # And the app is opened again another day.
    phone.page = phone.context.new_page()
    phone.network(is_there=True)
    phone.open()
    # The worker may have said it before the page could.
    until(lambda: endings() >= 1)
    # Once said, it is not said again: whoever comes in next has a session of their own.
    before = endings()
    phone.pair()
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    assert endings() == before
