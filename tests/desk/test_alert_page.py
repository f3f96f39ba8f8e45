"""The page of an alert: why, what was sent, who is next; take it, close it."""

from __future__ import annotations

import re

import pytest

from server.alerts.models import Alert
from server.audit.models import Entry
from server.notify.models import Delivery, Message
from server.watch import watch_alerts
from server.watch.models import Watch
from tests.cast import Cast
from tests.desk.walking import answer, at, at_desk, reachable, run_until


async def alert_of(cast: Cast, child: str) -> Alert:
    return await Alert.get(child_id=cast.persons[child].id, closed_at__isnull=True)


@pytest.fixture
async def alert(cast: Cast) -> Alert:
    """Mia's silence, told to Tom."""
    await run_until(cast, at(19, 50))
    return await alert_of(cast, "mia")


async def look(cast: Cast, name: str, alert: Alert) -> str:
    async with at_desk(cast, name) as browser:
        response = await browser.get(f"/desk/alerts/{alert.id}")
    assert response.status_code == 200
    return response.text


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("tom", 200),
        ("ines", 200),
        ("sam", 403),
        ("ada", 404),
        ("eve", 404),
        ("root", 404),
        ("uwe", 404),
        ("mia", 404),
    ],
)
async def test_the_alert_is_there_for_those_who_may_see_it(
    cast: Cast, alert: Alert, name: str, status: int
) -> None:
    async with at_desk(cast, name) as browser:
        assert (await browser.get(f"/desk/alerts/{alert.id}")).status_code == status
        taken = await browser.post(f"/desk/alerts/{alert.id}/acknowledge")
        assert taken.status_code == (303 if status == 200 else status)
        closed = await browser.post(
            f"/desk/alerts/{alert.id}/close", data={"outcome": "seen", "words": "At home."}
        )
        assert closed.status_code == (303 if status == 200 else status)


async def test_on_duty_one_may_take_it_and_the_look_is_written_down(
    cast: Cast, alert: Alert
) -> None:
    await cast.on_duty("eve")
    await look(cast, "eve", alert)
    assert await Entry.filter(who_id=cast.eve.id, what="look:alert:see").count() == 1
    async with at_desk(cast, "eve") as browser:
        taken = await browser.post(f"/desk/alerts/{alert.id}/acknowledge")
    assert taken.headers["location"] == f"/desk/alerts/{alert.id}"


async def test_looks_leave_an_entry_an_hour(cast: Cast, alert: Alert) -> None:
    looks = Entry.filter(who_id=cast.tom.id, child_id=cast.mia.id, what="look:alert:see")
    for minutes, entries in ((0, 1), (2, 1), (57, 1), (2, 2)):
        cast.clock.advance(minutes=minutes)
        await cast.new_token("tom")
        await look(cast, "tom", alert)
        assert await looks.count() == entries


async def test_it_says_why_who_is_next_and_what_was_sent(cast: Cast, alert: Alert) -> None:
    message = await Message.get(subject_id=alert.id, person_id=cast.tom.id)
    await Message.filter(id=message.id).update(channel="email", state="failed", why="no_mailbox")
    await Delivery.create(
        message=message, channel="email", attempt=1, started_at=at(19, 45), result="retry"
    )
    await Delivery.create(
        message=message,
        channel="email",
        attempt=2,
        started_at=at(19, 46),
        result="gone",
        why="no_mailbox",
    )
    page = await look(cast, "tom", alert)
    assert "No answer since 18:00" in page
    # Ines, the next in turn, has no address yet.
    assert "Next, 20:15: Ines Quintanar. We cannot call them: they have no address." in page
    assert "we call Ines" not in page
    assert "to Tom Verhoeven, by email" in page
    assert "by no channel" not in page
    assert "not delivered: this mailbox does not exist" in page
    assert "2 attempts" in page
    assert "Question to the carer" in page
    assert "Reminder" in page
    await reachable(cast, "ines")
    page = await look(cast, "tom", alert)
    assert "If not taken by 20:15, we call Ines Quintanar." in page
    assert "We cannot call" not in page


async def test_what_was_held_back_is_shown_with_its_reason(cast: Cast, alert: Alert) -> None:
    await Message.filter(subject_id=alert.id).update(state="withheld", why="channel_closed")
    assert "not sent: this channel is not set up" in await look(cast, "tom", alert)


async def test_taking_it_says_until_when_and_who(cast: Cast, alert: Alert) -> None:
    await reachable(cast, "tom", "ines")
    async with at_desk(cast, "tom") as browser:
        await browser.post(f"/desk/alerts/{alert.id}/acknowledge")
        again = await browser.post(f"/desk/alerts/{alert.id}/acknowledge")
        assert again.status_code == 303
    mine, theirs = await look(cast, "tom", alert), await look(cast, "ines", alert)
    assert "With you until 20:50" in mine
    assert "With Tom Verhoeven until 19:50" in theirs  # In Lisbon.
    assert "I'll take it" not in theirs
    assert "If still open by 19:50" in theirs


async def test_a_reader_in_another_zone_reads_what_the_clock_of_the_child_shows(
    cast: Cast, alert: Alert
) -> None:
    theirs = "Times here are yours. For Mia Castellane it is 19:"
    assert theirs in await look(cast, "ines", alert)
    assert "Times here are yours" not in await look(cast, "tom", alert)
    async with at_desk(cast, "ines") as browser:
        assert theirs in (await browser.get(f"/desk/children/{cast.mia.id}")).text


async def test_who_comes_too_late_is_told_who_has_it(cast: Cast, alert: Alert) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.post(f"/desk/alerts/{alert.id}/acknowledge")
    cast.clock.advance(minutes=1)
    async with at_desk(cast, "ines") as browser:
        late = await browser.post(f"/desk/alerts/{alert.id}/acknowledge")
    assert late.status_code == 409
    assert "Tom Verhoeven has already taken this alert (18:50)." in late.text


async def test_closing_needs_an_outcome_and_words_and_keeps_what_was_typed(
    cast: Cast, alert: Alert
) -> None:
    async with at_desk(cast, "tom") as browser:
        path = f"/desk/alerts/{alert.id}/close"
        none = await browser.post(path, data={"words": "Sat in the kitchen."})
        assert none.status_code == 422
        assert "Choose how it ended." in none.text
        assert "Sat in the kitchen." in none.text
        no_words = await browser.post(path, data={"outcome": "seen", "words": "  "})
        assert no_words.status_code == 422
        assert "Say in a few words how you know." in no_words.text
        assert (await browser.post(path, data={"outcome": "x", "words": "y"})).status_code == 422
    assert (await Alert.get(id=alert.id)).closed_at is None


async def test_a_closed_alert_says_who_was_called_and_who_was_not(cast: Cast, alert: Alert) -> None:
    said = {"outcome": "spoke_to", "words": "She called from school."}
    await Message.filter(subject_id=alert.id).update(channel="push", state="done", attempts=1)
    async with at_desk(cast, "tom") as browser:
        await browser.post(f"/desk/alerts/{alert.id}/close", data=said)
    page = await look(cast, "ines", alert)
    ladder = page[page.index('id="rungs"') : page.index('id="evidence"')]
    states = re.findall(r'<span class="soft">(.*?)</span>', ladder)
    assert states[0] == "called"
    assert set(states[1:]) == {"not called"}


async def test_a_called_rung_stays_called_when_the_caseworker_takes_and_closes_the_alert(
    cast: Cast, alert: Alert
) -> None:
    await run_until(cast, at(20, 20))  # Nobody takes it: the deputy is called as well.
    await Message.filter(subject_id=alert.id).update(channel="push", state="done", attempts=1)
    async with at_desk(cast, "tom") as browser:
        await browser.post(f"/desk/alerts/{alert.id}/acknowledge")
        said = {"outcome": "spoke_to", "words": "She called from school."}
        await browser.post(f"/desk/alerts/{alert.id}/close", data=said)
    page = await look(cast, "ines", alert)
    ladder = page[page.index('id="rungs"') : page.index('id="evidence"')]
    assert re.findall(r'<span class="soft">(.*?)</span>', ladder)[:2] == ["called", "called"]


async def test_a_closed_alert_says_how_it_ended_and_the_watch_begins_anew(
    cast: Cast, alert: Alert
) -> None:
    said = {"outcome": "spoke_to", "words": "She called from school."}
    async with at_desk(cast, "tom") as browser:
        closed = await browser.post(f"/desk/alerts/{alert.id}/close", data=said)
        assert closed.status_code == 303
        assert (await browser.post(closed.headers["location"] + "/close", data=said)).is_redirect
    page = await look(cast, "ines", alert)
    assert "Spoken to. Closed by Tom Verhoeven, 18:50." in page
    assert "She called from school." in page
    assert "What we knew when it opened" in page
    assert "<dt>Was due</dt><dd>17:00</dd>" in page  # In Lisbon.
    assert "acknowledge" not in page
    assert (await Watch.get(child_id=cast.mia.id)).standing == "well"
    async with at_desk(cast, "ines") as browser:
        path = f"/desk/alerts/{alert.id}"
        late = await browser.post(f"{path}/close", data={"outcome": "seen", "words": "Me too."})
        taken = await browser.post(f"{path}/acknowledge")
    assert late.status_code == taken.status_code == 409
    assert "Tom Verhoeven closed this alert (18:50)" in late.text


async def test_closing_as_missing_calls_everyone(cast: Cast, alert: Alert) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.post(
            f"/desk/alerts/{alert.id}/close",
            data={"outcome": "missing", "words": "Her bag is gone."},
        )
    missing = await alert_of(cast, "mia")
    assert missing.cause == "missing"
    page = await look(cast, "tom", missing)
    assert "Her bag is gone." in page
    assert 'value="missing"' not in page


async def test_an_answer_of_the_high_tier_is_confirmed_by_a_person(cast: Cast) -> None:
    await reachable(cast, "tom", "ines")
    await run_until(cast, at(19, 30))
    alert = await alert_of(cast, "noor")
    await answer(cast, "noor")
    page = await look(cast, "tom", alert)
    assert "please confirm that all is well" in page
    assert "If not confirmed by 20:00" in page


async def test_what_a_carer_said_appears_as_their_words(cast: Cast) -> None:
    alert = await watch_alerts.open_missing(
        cast.actor("sam"), cast.mia.id, "<b>Her bed is empty</b>", cast.clock()
    )
    page = await look(cast, "tom", alert)
    assert "In Sam Oyelaran&#39;s words" in page
    assert "&lt;b&gt;Her bed is empty&lt;/b&gt;" in page


async def test_the_page_does_not_speak_of_time_that_nobody_decided(
    cast: Cast, alert: Alert
) -> None:
    page = await look(cast, "tom", alert)
    assert "confirm safe, or report missing" in page
    assert "By 23:45" in page
    cast.clock.set(at(23, 50))
    await run_until(cast, at(23, 50))
    assert "confirm safe" not in await look(cast, "tom", alert)
