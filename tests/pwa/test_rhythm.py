"""When one is asked: seen as it stands, another rhythm proposed, with a network and without."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pwa.book import TOM
from tests.pwa.conftest import Phone, Phones
from tests.pwa.double import Double

pytestmark = pytest.mark.browser

PATH = "/api/v1/rhythm/proposals"


def at_the_rhythm(phone: Phone) -> Phone:
    """Paired, and at the screen."""
    phone.pair()
    phone.go(2)
    phone.page.locator(".row").nth(1).click()
    phone.page.wait_for_selector(".card")
    return phone


def words(phone: Phone) -> str:
    return phone.page.locator("main").inner_text()


def propose(phone: Phone) -> None:
    """20:00 instead of 18:00."""
    phone.page.locator("main > .second").click()
    phone.page.locator(".time input").fill("20:00")


def test_the_rhythm_and_what_it_comes_to_are_shown(phone: Phone) -> None:
    at_the_rhythm(phone)
    assert "Every day at 18:00" in words(phone)
    assert "If you don't answer, we tell an adult by" in words(phone)


def test_no_adult_is_promised_where_no_message_would_reach_one(
    phone: Phone, double: Double
) -> None:
    double.tells = False
    at_the_rhythm(phone)
    assert "we tell an adult" not in words(phone)
    assert "the people who look after you can see that" in words(phone)


def test_a_phone_on_another_clock_says_whose_times_they_are(phones: Phones) -> None:
    away = at_the_rhythm(phones(zone="Asia/Kabul"))
    expect(away.page.locator(".card")).to_contain_text("The times above are Paris time")
    at_home = at_the_rhythm(phones())
    assert "Your phone's clock is different" not in words(at_home)


def test_today_leads_there(phone: Phone) -> None:
    phone.pair()
    phone.page.get_by_role("button", name="My check-in times").click()
    phone.page.wait_for_selector(".card")
    assert "Every day at 18:00" in words(phone)


def test_a_proposal_is_sent_with_its_sum_and_waits_for_an_answer(
    phone: Phone, double: Double
) -> None:
    at_the_rhythm(phone)
    propose(phone)
    phone.page.locator("[role=status]", has_text="Check-in:").wait_for()
    phone.page.locator("#why").fill("Training ends at seven.")
    phone.page.locator("main > .main").click()
    phone.page.get_by_text("Waiting for an answer.").wait_for()
    (said,) = double.posted(PATH)
    assert said["rhythm"] == {"at": ["20:00"]}
    assert said["words"] == "Training ends at seven."
    assert "Every day at 18:00" in words(phone)


def test_days_are_chosen_and_left_out(phone: Phone, double: Double) -> None:
    at_the_rhythm(phone)
    propose(phone)
    phone.page.get_by_role("button", name="Sunday").click()
    phone.page.locator("main > .main").click()
    phone.page.get_by_text("Waiting for an answer.").wait_for()
    assert double.posted(PATH)[0]["rhythm"] == {"at": ["20:00"], "days": [0, 1, 2, 3, 4, 5]}


def test_a_longer_time_to_answer_is_proposed_with_its_sum(phone: Phone, double: Double) -> None:
    at_the_rhythm(phone)
    propose(phone)
    phone.page.get_by_role("button", name="Give me more time to answer").click()
    assert phone.page.locator("main > .main").is_disabled()
    phone.page.get_by_label("Time 1, from").fill("16:00")
    phone.page.locator("[role=status]", has_text=re.compile(r"Check-in: .*\d to \d")).wait_for()
    phone.page.locator("main > .main").click()
    phone.page.get_by_text("Waiting for an answer.").wait_for()
    assert double.posted(PATH)[0]["rhythm"] == {"at": ["20:00"], "from": {"20:00": "16:00"}}
    assert "Every day, any time from 16:00 to 20:00" in words(phone)


def test_a_longer_time_that_was_agreed_is_shown_and_can_be_given_up(
    phone: Phone, double: Double
) -> None:
    double.rhythm = {"at": ["09:00", "20:00"], "from": {"20:00": "16:00"}}
    at_the_rhythm(phone)
    assert "Every day, 9:00 and any time from 16:00 to 20:00" in words(phone)
    phone.page.locator("main > .second").click()
    phone.page.get_by_role("button", name="One time is enough").click()
    phone.page.locator("main > .main").click()
    phone.page.get_by_text("Waiting for an answer.").wait_for()
    assert double.posted(PATH)[0]["rhythm"] == {"at": ["09:00", "20:00"]}


def test_a_time_once_a_month_is_proposed_beside_the_daily_one_in_words(
    phone: Phone, double: Double
) -> None:
    at_the_rhythm(phone)
    propose(phone)
    phone.page.get_by_role("button", name="Add times that come less often").click()
    more = phone.page.locator(".more-times").nth(1)
    assert phone.page.locator("main > .main").is_disabled()
    more.locator("input[type=time]").fill("12:00")
    more.get_by_role("button", name="Once a month").click()
    more.get_by_label("Day of the week").select_option(label="Tuesday")
    phone.page.locator("main > .main").click()
    phone.page.get_by_text("Waiting for an answer.").wait_for()
    rule = {"12:00": "FREQ=MONTHLY;BYDAY=1TU"}
    assert double.posted(PATH)[0]["rhythm"] == {"at": ["12:00", "20:00"], "rrule": rule}
    says = "Every day at 20:00. Each month on the first Tuesday at 12:00, next on Tuesday"
    assert says in words(phone)


def test_a_rule_that_is_agreed_is_said_in_words_and_kept_in_a_proposal(
    phone: Phone, double: Double
) -> None:
    rule = "DTSTART;VALUE=DATE:20260303\nRRULE:FREQ=WEEKLY;INTERVAL=3;BYDAY=TU"
    double.rhythm = {"at": ["12:00", "18:00"], "rrule": {"12:00": rule}}
    at_the_rhythm(phone)
    assert "Every 3 weeks on Tuesday at 12:00, next on Tuesday" in words(phone)
    phone.page.locator("main > .second").click()
    phone.page.get_by_label("Time 1", exact=True).fill("19:00")
    phone.page.locator("main > .main").click()
    phone.page.get_by_text("Waiting for an answer.").wait_for()
    said = double.posted(PATH)[0]["rhythm"]
    assert said == {"at": ["12:00", "19:00"], "rrule": {"12:00": rule}}


def test_today_says_from_when_to_when_an_answer_counts(phone: Phone, double: Double) -> None:
    double.opens_before = timedelta(hours=4)
    phone.pair()
    expect(phone.page.locator(".line")).to_contain_text(" to ")


def test_without_a_network_it_is_kept_and_goes_out_later(phone: Phone, double: Double) -> None:
    at_the_rhythm(phone)
    phone.network(is_there=False)
    propose(phone)
    phone.page.get_by_text("You'll see the result when you're online.").wait_for()
    phone.page.locator("main > .main").click()
    phone.page.get_by_text("It will be sent when this app is open and online.").wait_for()
    assert double.proposals == []
    phone.network(is_there=True)
    phone.page.get_by_text("Waiting for an answer.").wait_for()
    assert len(double.proposals) == 1


def test_one_that_is_too_seldom_says_so_before_it_is_sent(phone: Phone, double: Double) -> None:
    double.is_too_seldom = True
    at_the_rhythm(phone)
    propose(phone)
    phone.page.get_by_text("Said by the double.").wait_for()
    assert phone.page.locator("main > .main").is_disabled()
    assert double.posted(PATH) == []


def test_what_the_server_does_not_take_stays_with_its_reason(phone: Phone, double: Double) -> None:
    at_the_rhythm(phone)
    phone.network(is_there=False)
    propose(phone)
    phone.page.locator("main > .main").click()
    phone.page.get_by_text("It will be sent when this app is open and online.").wait_for()
    double.is_too_seldom = True
    phone.network(is_there=True)
    phone.page.get_by_role("button", name="We couldn't send it. See why.").click()
    phone.page.wait_for_selector(".entry")
    assert "Other times you suggested" in words(phone)
    assert "Said by the double." in words(phone)


# --- taken back


def an_open_one(double: Double, **how: Any) -> dict[str, Any]:
    """A proposal of the child's own, as the server has it."""
    return {
        "id": "00000000-0000-4000-8000-00000000000f",
        "rhythm": {"at": ["20:00"]},
        "zone": "Europe/Paris",
        "words": None,
        "by": {"id": double.person, "name": "Mia"},
        "made_at": "2026-01-02T12:00:00Z",
        "state": "open",
        "decided_at": None,
        "decided_by": None,
        "answer": None,
        "sums": [],
        **how,
    }


def test_what_nobody_answered_is_taken_back(phone: Phone, double: Double) -> None:
    double.proposals = [an_open_one(double)]
    at_the_rhythm(phone)
    phone.page.get_by_role("button", name="Take back").click()
    expect(phone.page.get_by_text("Your suggestion")).to_have_count(0)
    assert double.proposals[0]["state"] == "recalled"


def test_without_a_network_it_is_taken_back_later(phone: Phone, double: Double) -> None:
    double.proposals = [an_open_one(double)]
    at_the_rhythm(phone)
    phone.network(is_there=False)
    phone.page.get_by_role("button", name="Take back").click()
    phone.page.get_by_text(
        "You took it back. That will be sent when this app is open and online."
    ).wait_for()
    assert double.proposals[0]["state"] == "open"
    phone.network(is_there=True)
    expect(phone.page.get_by_text("Your suggestion")).to_have_count(0)
    assert double.proposals[0]["state"] == "recalled"


def test_what_never_left_the_phone_is_taken_back_there(phone: Phone, double: Double) -> None:
    at_the_rhythm(phone)
    phone.network(is_there=False)
    propose(phone)
    phone.page.locator("main > .main").click()
    phone.page.get_by_role("button", name="Take back").click()
    expect(phone.page.get_by_text("Your suggestion")).to_have_count(0)
    phone.network(is_there=True)
    phone.page.wait_for_timeout(500)
    phone.go(2)
    expect(phone.page.get_by_text("Nothing waiting")).to_be_visible()
    assert double.proposals == []


def test_a_child_who_takes_back_too_late_reads_so_and_what_was_answered(
    phone: Phone, double: Double
) -> None:
    double.proposals = [an_open_one(double)]
    at_the_rhythm(phone)
    phone.network(is_there=False)
    phone.page.get_by_role("button", name="Take back").click()
    phone.page.get_by_text("You took it back.").wait_for()
    tom = {"id": TOM, "name": "Tom"}
    answered = {"state": "agreed", "decided_by": tom, "decided_at": "2026-01-02T13:00:00Z"}
    double.proposals = [an_open_one(double, **answered)]
    phone.network(is_there=True)
    phone.page.get_by_text("There was already an answer.").wait_for()
    assert "Tom agreed" in words(phone)
    phone.page.get_by_role("button", name="Got it").click()
    expect(phone.page.get_by_text("There was already an answer.")).to_have_count(0)
    assert double.proposals[0]["state"] == "agreed"


# --- for some days only


def test_other_times_are_proposed_for_some_days_only(phone: Phone, double: Double) -> None:
    at_the_rhythm(phone)
    propose(phone)
    phone.page.get_by_role("button", name="Only for a few days").click()
    assert "Choose a first and a last day." in words(phone)
    assert phone.page.locator("main > .main").is_disabled()
    phone.page.get_by_label("First day").fill("2031-03-05")
    phone.page.get_by_label("Last day").fill("2031-03-07")
    phone.page.locator("[role=status]", has_text="Check-in:").wait_for()
    phone.page.locator("main > .main").click()
    phone.page.get_by_text("Waiting for an answer.").wait_for()
    (said,) = double.posted(PATH)
    assert (said["first"], said["last"]) == ("2031-03-05", "2031-03-07")
    looked = double.posted("/api/v1/rhythm/preview")[-1]
    assert (looked["first"], looked["last"]) == ("2031-03-05", "2031-03-07")
    assert "Wednesday 5 March to Friday 7 March: Every day at 20:00" in words(phone)


def test_who_changes_their_mind_proposes_it_for_good(phone: Phone, double: Double) -> None:
    at_the_rhythm(phone)
    propose(phone)
    phone.page.get_by_role("button", name="Only for a few days").click()
    phone.page.get_by_role("button", name="From now on").click()
    phone.page.locator("main > .main").click()
    phone.page.get_by_text("Waiting for an answer.").wait_for()
    assert "first" not in double.posted(PATH)[0]


def test_several_that_wait_are_shown_each(phone: Phone, double: Double) -> None:
    days = {"first": "2031-03-05", "last": "2031-03-07"}
    other = "00000000-0000-4000-8000-00000000000e"
    double.proposals = [an_open_one(double), an_open_one(double, id=other, **days)]
    at_the_rhythm(phone)
    expect(phone.page.get_by_role("button", name="Take back")).to_have_count(2)


# --- days that matter


def test_the_days_that_one_knows_of_are_shown_also_without_a_network(
    phone: Phone, double: Double
) -> None:
    double.ahead = [
        {
            "id": "00000000-0000-4000-8000-00000000000d",
            "what": "hearing",
            "day": "2031-12-03",
            "from_at": "2031-12-01T23:00:00Z",
            "until_at": "2031-12-06T23:00:00Z",
            "child_knows": True,
        }
    ]
    at_the_rhythm(phone)
    phone.page.get_by_text("Important days").wait_for()
    assert "Your hearing or appointment, Wednesday 3 December" in words(phone)
    assert "From Tuesday 2 December to Saturday 6 December, we tell an adult sooner" in words(phone)
    phone.network(is_there=False)
    phone.page.reload()
    phone.go(2)
    phone.page.locator(".row").nth(1).click()
    phone.page.get_by_text("Important days").wait_for()


def test_where_nothing_is_known_of_the_calendar_nothing_is_said_of_it(phone: Phone) -> None:
    at_the_rhythm(phone)
    phone.page.wait_for_timeout(300)
    assert "Important days" not in words(phone)


DECISIONS: list[tuple[dict[str, Any], str]] = [
    ({"state": "agreed", "answer": None}, "Tom agreed"),
    ({"state": "declined", "answer": "Could we try 19:00?"}, "Could we try 19:00?"),
]


@pytest.mark.parametrize(("decision", "says"), DECISIONS, ids=["agreed", "declined"])
def test_who_answered_what_and_when_is_shown(
    phone: Phone, double: Double, decision: dict[str, Any], says: str
) -> None:
    double.proposals = [
        {
            "id": "00000000-0000-4000-8000-00000000000f",
            "rhythm": {"at": ["20:00"]},
            "zone": "Europe/Paris",
            "words": None,
            "by": {"id": double.person, "name": "Mia"},
            "made_at": "2026-01-02T12:00:00Z",
            "decided_at": "2026-01-02T13:00:00Z",
            "decided_by": {"id": TOM, "name": "Tom"},
            "sums": [],
            **decision,
        }
    ]
    at_the_rhythm(phone)
    phone.page.get_by_text("Your suggestion").wait_for()
    assert says in words(phone)
