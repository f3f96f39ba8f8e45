"""The child's tap: saved at once, sent when it can be, once, and never lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.pwa.book import NOOR, TOM
from tests.pwa.conftest import Phone, box_of
from tests.pwa.double import CODE, Double

pytestmark = pytest.mark.browser


def test_one_tap_is_saved_and_received_in_the_same_place(phone: Phone, double: Double) -> None:
    phone.pair()
    before = box_of(phone.page.locator(".act"))
    phone.ok()
    phone.is_thanked()
    assert box_of(phone.page.locator(".act")) == before
    expect(phone.page.locator(".thanks")).to_contain_text("Received", use_inner_text=True)
    assert [c["want"] for c in double.check_ins] == ["nothing"]
    assert set(double.check_ins[0]) >= {"id", "said_at", "mood", "note", "want", "mark"}


def test_mood_and_words_go_along(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.page.locator(".face").nth(3).click()
    phone.write("  Football today. ")
    phone.ok()
    phone.is_thanked()
    assert (double.check_ins[0]["mood"], double.check_ins[0]["note"]) == (4, "Football today.")


def test_a_face_makes_the_button_say_send_and_the_thanks_show_it(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    main = phone.page.locator(".act .main")
    expect(main).to_have_text("I'm OK")
    for place in range(5):
        phone.page.locator(".face").nth(place).click()
        expect(main).to_have_text("Send")
    phone.ok()
    expect(phone.page.locator(".thanks .chosen")).to_have_text("Great")


def test_on_the_two_lowest_faces_talking_is_offered_as_large_as_the_answer(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    for place, beside in ((0, 1), (1, 1), (2, 0)):
        phone.page.locator(".face").nth(place).click()
        talk = phone.page.locator(".act").get_by_role("button", name="I want to talk")
        expect(talk).to_have_count(beside)
        expect(phone.page.get_by_role("button", name="I want to talk")).to_have_count(1)
        if beside:
            send = box_of(phone.page.locator(".act .main"))
            assert box_of(talk)["height"] == send["height"]
            assert abs(box_of(talk)["width"] - send["width"]) <= 40


def test_a_call_for_help_that_waits_is_asked_about_once_more_before_it_is_deleted(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.network(is_there=False)
    phone.page.get_by_role("button", name="Help now").click()
    phone.page.get_by_role("button", name="Yes, I need help now").click()
    phone.page.locator(".thanks", has_text="You did the right thing.").wait_for()
    phone.go(2, 3)
    phone.page.get_by_role("button", name="Delete").click()
    phone.page.get_by_text("No one has received this call for help. Delete it?").wait_for()
    phone.page.get_by_role("button", name="Keep it").click()
    phone.network(is_there=True)
    phone.page.get_by_text("Nothing is waiting to be sent.").wait_for()
    assert [c["want"] for c in double.check_ins] == ["help"]


def project_is_there(phone: Phone) -> None:
    """Opens the project's own file once, and comes back to Today."""
    phone.project()
    phone.go(0)


def test_i_want_to_talk_is_one_tap_and_opens_the_thread_with_the_cursor_in_the_box(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    project_is_there(phone)
    phone.page.get_by_role("button", name="I want to talk").click()
    phone.page.locator(".wish.received").wait_for()
    assert [c["want"] for c in double.check_ins] == ["talk"]
    phone.page.wait_for_function("document.activeElement.id === 'message'")
    expect(phone.page.locator("#readers")).to_contain_text(
        "Who can read it: Tom", use_inner_text=True
    )
    phone.go(0)
    phone.is_thanked()


def test_i_want_to_talk_is_kept_without_a_network_before_the_thread_opens(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    project_is_there(phone)
    phone.network(is_there=False)
    phone.page.get_by_role("button", name="I want to talk").click()
    phone.page.locator(".wish", has_text="Saved on this phone. Not sent yet.").wait_for()
    phone.page.keyboard.type("Can we talk on Tuesday?")
    phone.page.get_by_role("button", name="Send", exact=True).click()
    phone.page.locator(".thread .waits").wait_for()
    assert double.check_ins == []
    phone.network(is_there=True)
    phone.page.locator(".wish.received").wait_for()
    assert [c["want"] for c in double.check_ins] == ["talk"]


def test_i_want_to_talk_thanks_on_today_where_the_thread_has_not_come_yet(
    phone: Phone, double: Double
) -> None:
    double.files = {path: file for path, file in double.files.items() if "screens-" not in path}
    phone.pair()
    phone.page.get_by_role("button", name="I want to talk").click()
    phone.is_thanked()
    assert [c["want"] for c in double.check_ins] == ["talk"]


def test_help_now_takes_one_further_tap_and_works_from_every_screen(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    for tab in (0, 1, 2):
        phone.go(tab)
        phone.page.locator(".quiet.help").click()
        expect(phone.page.locator(".alarm")).to_be_visible()
        assert double.check_ins == []
    phone.page.locator(".alarm").click()
    phone.is_thanked()
    assert [c["want"] for c in double.check_ins] == ["help"]


def received(phone: Phone, double: Double, many: int) -> None:
    """Waits until so many answers have arrived."""
    for _ in range(100):
        if len(double.check_ins) == many:
            return
        phone.page.wait_for_timeout(50)
    raise AssertionError(f"{len(double.check_ins)} arrived, not {many}")


def test_after_calling_for_help_the_child_can_choose_how_and_by_which_adult_to_be_reached(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.page.locator(".quiet.help").click()
    assert phone.page.get_by_text("How should we reach you?").count() == 0
    phone.page.locator(".alarm").click()
    phone.page.locator(".thanks.received").wait_for()
    phone.page.get_by_role(
        "button", name="Don't call. Message me only when I say it's safe"
    ).click()
    phone.page.locator(".thanks.received").wait_for()
    phone.page.get_by_role("button", name="Ines Quintanar").click()
    expect(phone.page.get_by_role("button", name="Ines Quintanar")).to_have_attribute(
        "aria-pressed", "true"
    )
    phone.page.locator("[aria-pressed=true]").nth(1).wait_for()
    received(phone, double, 3)
    first, second, third = double.check_ins
    assert "how" not in first
    assert (second["want"], second["how"], "who" in second) == ("help", "quiet", False)
    assert (third["how"], third["who"]) == ("quiet", double.helpers[0]["id"])


def test_wishes_that_come_late_do_not_push_the_telephone_from_under_a_finger(
    phone: Phone, double: Double
) -> None:
    """What comes after the first screens is held until the call for help is received."""
    held: list[Route] = []
    phone.pair()
    network = phone.devtools()
    network.send("Network.enable")
    network.send("Network.setBypassServiceWorker", {"bypass": True})
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    phone.page.route(re.compile(r"/assets/deferred-"), lambda route: held.append(route))
    phone.page.reload()
    phone.page.locator(".quiet.help").click()
    phone.page.locator(".alarm").click()
    phone.page.locator(".thanks.received").wait_for()
    danger = phone.page.get_by_role("link", name="Call 112")
    before = box_of(danger)
    expect(phone.page.get_by_text("How should we reach you?")).to_have_count(0)
    while held:
        held.pop().continue_()
    phone.page.get_by_text("How should we reach you?").wait_for()
    assert box_of(danger) == before


def test_a_wish_without_a_network_waits_with_the_call(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.page.locator(".quiet.help").click()
    phone.network(is_there=False)
    phone.page.locator(".alarm").click()
    phone.page.get_by_role("button", name="Come to me").click()
    phone.page.get_by_text("so it isn't sent yet").first.wait_for()
    assert double.check_ins == []
    phone.network(is_there=True)
    phone.page.locator(".thanks.received").wait_for()
    received(phone, double, 2)
    assert [c.get("how") for c in double.check_ins] == [None, "come"]


def test_the_shared_question_is_answered_without_a_network_and_asked_once(
    phone: Phone, double: Double
) -> None:
    double.question = {"id": TOM, "text": "What did we eat on the boat?"}
    phone.pair()
    phone.network(is_there=False)
    phone.page.get_by_label("What did we eat on the boat?").fill("Crème brûlée")
    phone.page.get_by_role("button", name="Send", exact=True).click()
    phone.page.get_by_label("What did we eat on the boat?").wait_for(state="detached")
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    assert phone.page.get_by_label("What did we eat on the boat?").count() == 0
    phone.network(is_there=True)
    for _ in range(100):
        if double.shared:
            break
        phone.page.wait_for_timeout(50)
    assert [(one["question"], one["words"]) for one in double.shared] == [(TOM, "Crème brûlée")]


def test_an_offline_check_in_arrives_later_exactly_once(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.network(is_there=False)
    phone.ok()
    thanks = phone.page.locator(".thanks")
    thanks.get_by_text("Saved on this phone").wait_for()
    assert "Received" not in thanks.inner_text()
    phone.page.reload()
    phone.page.get_by_text("1 answer not sent yet").wait_for()
    assert double.check_ins == []
    phone.network(is_there=True)
    phone.page.get_by_text("1 answer not sent yet").wait_for(state="detached")
    assert len(double.check_ins) == 1
    phone.page.reload()
    phone.page.wait_for_selector(".faces")
    assert len(double.check_ins) == 1


def test_help_without_a_network_says_that_it_is_not_sent_and_how_to_phone(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    phone.network(is_there=False)
    phone.page.locator(".quiet.help").click()
    phone.page.locator(".alarm").click()
    phone.page.locator(".thanks").get_by_text("so it isn't sent yet").wait_for()
    number = (double.help_phone or "").replace(" ", "")
    expect(phone.page.locator(f'a[href="tel:{number}"]')).to_be_visible()
    expect(phone.page.locator(f'a[href="sms:{number}"]')).to_be_visible()
    phone.network(is_there=True)
    phone.is_thanked()
    assert [c["want"] for c in double.check_ins] == ["help"]


def test_help_by_text_is_there_without_a_network_with_the_agreed_word_in_it_alone(
    phone: Phone, double: Double
) -> None:
    double.help_text = {"number": "+33755550000", "word": "thé bleu"}
    phone.pair()
    phone.network(is_there=False)
    phone.page.reload()
    phone.page.locator(".quiet.help").click()
    link = phone.page.locator('a[href="sms:+33755550000?&body=th%C3%A9%20bleu"]')
    expect(link).to_be_visible()
    expect(phone.page.locator('a[href="tel:+33123456789"]')).to_be_visible()
    assert "bleu" not in phone.page.inner_text("body")


def test_a_lost_answer_is_asked_for_again_with_the_same_id(phone: Phone, double: Double) -> None:
    phone.pair()
    double.lose_answers = 1
    phone.ok()
    phone.page.wait_for_selector(".thanks")
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    phone.is_thanked()
    sent = [body["id"] for body in double.posted("/api/v1/check-ins")]
    # The page, and the browser's own background sync, may both ask again.
    assert len(sent) >= 2
    assert len(set(sent)) == 1
    assert len(double.check_ins) == 1


def test_a_cafes_sign_in_page_is_no_confirmation(phone: Phone, double: Double) -> None:
    phone.pair()
    double.is_cafe = True
    phone.ok()
    phone.page.locator(".thanks").get_by_text("Not sent yet").wait_for()
    double.is_cafe = False
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    phone.is_thanked()
    assert len(double.check_ins) == 1


@pytest.mark.parametrize(("status", "code"), [(409, "id_reused"), (422, "invalid")])
def test_what_is_refused_stays_until_the_child_throws_it_away(
    phone: Phone, double: Double, status: int, code: str
) -> None:
    phone.pair()
    double.refuse_check_ins = (status, code)
    phone.write("Keep these words")
    phone.ok()
    phone.page.locator(".thanks").get_by_text("We couldn't send this").wait_for()
    phone.page.get_by_role("button", name="See why").click()
    expect(phone.page.locator(".entry")).to_contain_text("Keep these words", use_inner_text=True)
    phone.page.reload()
    double.refuse_check_ins = None
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    phone.go(2, 3)
    phone.page.get_by_text("We couldn't send it").wait_for()
    assert double.check_ins == []
    phone.page.get_by_role("button", name="Delete").click()
    expect(phone.page.locator(".entry")).to_have_count(1)
    phone.page.get_by_role("button", name="Yes, delete it").click()
    phone.page.get_by_text("Nothing is waiting to be sent.").wait_for()


def test_what_was_refused_can_be_tried_again_under_the_same_id(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    double.refuse_check_ins = (422, "invalid")
    phone.ok()
    phone.page.get_by_role("button", name="See why").click()
    double.refuse_check_ins = None
    phone.page.get_by_role("button", name="Try again").click()
    phone.page.get_by_text("Nothing is waiting to be sent.").wait_for()
    first, last = double.posted("/api/v1/check-ins")[0], double.check_ins[0]
    assert first["id"] == last["id"]


def test_a_phone_that_was_shut_out_keeps_its_words_and_hands_them_in_after_pairing(
    phone: Phone, double: Double
) -> None:
    phone.pair()
    double.is_revoked = True
    phone.write("Said while shut out")
    phone.ok()
    phone.page.get_by_text("This phone isn't connected any more").wait_for()
    phone.page.reload()
    phone.page.get_by_role("button", name="Reconnect").click()
    phone.page.locator("#code").fill(CODE.lower())
    phone.page.locator(".main").click()
    phone.page.get_by_text("1 thing from before isn't sent yet. Send it now?").wait_for()
    assert double.check_ins == []
    phone.page.get_by_role("button", name="Send", exact=True).click()
    phone.page.get_by_text("1 thing from before").wait_for(state="detached")
    received(phone, double, 1)
    assert [c["note"] for c in double.check_ins] == ["Said while shut out"]


def test_words_of_one_person_are_never_sent_under_another(phone: Phone, double: Double) -> None:
    phone.pair()
    double.is_revoked = True
    phone.write("Not linked")
    phone.ok()
    phone.page.get_by_role("button", name="Reconnect").click()
    double.person = NOOR
    phone.page.locator("#code").fill(CODE)
    phone.page.locator(".main").click()
    phone.page.wait_for_selector(".faces")
    phone.ok()
    phone.is_thanked()
    assert [c["note"] for c in double.check_ins] == [None]
    phone.go(2, 3)
    phone.page.get_by_text("1 thing from another person is waiting here too").wait_for()
    assert "Not linked" not in phone.page.content()


def test_a_full_phone_says_so_and_still_sends(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.page.evaluate(
        """() => {
          const put = IDBObjectStore.prototype.put;
          IDBObjectStore.prototype.put = function (...given) {
            if (this.name === 'outbox') throw new DOMException('full', 'QuotaExceededError');
            return put.apply(this, given);
          };
        }"""
    )
    phone.network(is_there=False)
    phone.ok()
    phone.page.locator(".thanks").get_by_text("This phone is full").wait_for()
    phone.network(is_there=True)
    phone.is_thanked()
    assert len(double.check_ins) == 1


def test_a_browser_that_keeps_nothing_says_so_and_still_sends(phone: Phone, double: Double) -> None:
    phone.page.add_init_script("IDBFactory.prototype.open = () => { throw new Error('no'); };")
    phone.pair()
    phone.page.get_by_text("This browser forgets everything when you close it").wait_for()
    phone.ok()
    phone.is_thanked()
    assert len(double.check_ins) == 1


def test_what_was_typed_survives_a_reload(phone: Phone) -> None:
    phone.pair()
    phone.write("Half a thought")
    phone.page.wait_for_timeout(500)
    phone.page.reload()
    phone.page.wait_for_selector("textarea")
    expect(phone.page.locator("textarea")).to_have_value("Half a thought")


def test_my_days_show_what_waits_and_what_was_received(phone: Phone) -> None:
    phone.pair()
    phone.page.locator(".face").nth(4).click()
    phone.ok()
    phone.is_thanked()
    phone.network(is_there=False)
    phone.page.locator(".face").nth(0).click()
    phone.ok()
    phone.page.wait_for_selector(".thanks")
    phone.go(1)
    entries = phone.page.locator(".entry")
    entries.nth(1).wait_for()
    expect(entries.nth(0)).to_contain_text("not sent yet", use_inner_text=True)
    expect(entries.nth(1)).to_contain_text("received", use_inner_text=True)


def test_the_buttons_are_back_for_the_next_time(phone: Phone) -> None:
    phone.page.clock.install()
    phone.pair()
    phone.ok()
    phone.is_thanked()
    phone.page.clock.fast_forward("12:00")
    expect(phone.page.get_by_role("button", name="I'm OK")).to_be_visible()


def test_a_choice_after_the_thanks_begins_a_new_answer(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.ok()
    phone.is_thanked()
    phone.page.locator(".face").nth(0).click()
    phone.ok()
    phone.is_thanked()
    assert [c["mood"] for c in double.check_ins] == [None, 1]
