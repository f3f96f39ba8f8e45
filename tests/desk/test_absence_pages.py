"""A worker answers a child who asks to be away: one tap, other times, or words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.checkin import concern
from server.checkin.duress import agreed_sign, listening
from server.checkin.duress import rules as signs
from server.people.models import Child
from server.storage.db import write
from server.tasks.models import Task
from server.watch.absence import actions
from server.watch.absence.actions import AskRequest
from server.watch.absence.models import AbsenceRequest
from server.watch.models import Pause, Watch
from server.watch.watch_alerts import Wish, call_adults, close_alert
from tests.cast import Cast
from tests.desk.walking import at, at_desk


async def ask(cast: Cast, child: str = "mia", **how: Any) -> AbsenceRequest:
    """From four today until seven on Thursday, by the clock in Paris."""
    usual: dict[str, Any] = {
        "said_at": cast.clock(),
        "from_at": at(16),
        "until_at": at(19, day=5),
        "place": "At my cousin's",
    }
    asked = AskRequest(uuid4(), **{**usual, **how})
    row, _ = await actions.ask(cast.actor(child), cast.persons[child].id, asked, cast.clock())
    return row


def path(row: AbsenceRequest, rest: str = "") -> str:
    return f"/desk/children/{row.child_id}/absences/{row.id}{rest}"


async def text_of(cast: Cast, name: str, path: str) -> str:
    async with at_desk(cast, name) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200
    return answer.text


async def post(cast: Cast, where: str, by: str = "tom", **form: str) -> tuple[int, str]:
    """The status, and the page or where it leads on to."""
    async with at_desk(cast, by) as browser:
        answer = await browser.post(where, data=form or {"answer": ""})
    return answer.status_code, answer.headers.get("location", answer.text)


async def pause_of(row: AbsenceRequest) -> tuple[datetime, datetime, bool]:
    pause = await Pause.get(id=row.id)
    return pause.from_at, pause.until_at, pause.returns


async def test_the_page_of_the_child_and_the_message_lead_there_and_one_tap_agrees(
    cast: Cast,
) -> None:
    await Child.filter(id=cast.mia.id).update(placed_at=at(9) - timedelta(days=30))
    row = await ask(cast)
    home = f"/desk/children/{cast.mia.id}"
    assert f'href="{path(row)}"' in await text_of(cast, "tom", home)
    task = await Task.get(kind="absence")
    async with at_desk(cast, "tom") as browser:
        onward = await browser.get(f"/desk/dues/{task.id}")
    assert onward.headers["location"] == path(row)
    page = await text_of(cast, "tom", path(row))
    assert "Nothing is agreed yet: check-ins go on." in page
    assert "Call Mia Castellane before you agree" not in page
    assert await post(cast, path(row, "/agree")) == (303, f"{home}/plan?done=absence-agreed")
    assert await pause_of(row) == (row.from_at, row.until_at, True)
    # On the clock of Ines, in Lisbon.
    assert "Agreed: away from 15:00 until Thu 5 Mar 18:00." in await text_of(
        cast, "ines", path(row)
    )
    assert f'href="{path(row)}"' not in await text_of(cast, "tom", home)


async def test_other_times_are_those_of_the_childs_clock_and_a_fault_keeps_what_was_typed(
    cast: Cast,
) -> None:
    row = await ask(cast)
    form = {"from": "2026-03-02T16:00", "until": "2026-03-01T10:00", "answer": "Call me there."}
    status, page = await post(cast, path(row, "/agree"), **form)
    assert status == 422
    assert "An absence must end after it begins" in page
    assert "Call me there." in page
    assert 'value="2026-03-01T10:00"' in page
    status, _ = await post(cast, path(row, "/agree"), **(form | {"until": "2026-03-04T10:00"}))
    assert status == 303
    assert await pause_of(row) == (at(16), at(10, day=4), False)
    assert (await AbsenceRequest.get(id=row.id)).answer == "Call me there."


async def test_not_now_needs_words_and_the_second_worker_reads_who_answered(cast: Cast) -> None:
    row = await ask(cast)
    status, page = await post(cast, path(row, "/decline"), words=" ")
    assert status == 422
    assert "Write a few words. The child reads them." in page
    status, where = await post(cast, path(row, "/decline"), words="Let us talk first.")
    assert (status, where) == (303, f"/desk/children/{row.child_id}?done=absence-declined")
    status, page = await post(cast, path(row, "/agree"), "ines", answer="Of course, go.")
    assert status == 409
    for words in (
        "Tom Verhoeven has answered already. Your answer was not saved.",
        "Let us talk first.",
        "What you wrote was not saved",
        "Of course, go.",
    ):
        assert words in page
    assert not await Pause.exists()


async def test_reasons_to_call_first_stand_beside_the_button_and_an_alert_comes_first(
    cast: Cast,
) -> None:
    row = await ask(cast, "noor")
    assert "These are the first 72 hours of the placement." in await text_of(cast, "tom", path(row))
    async with write():
        watch = await Watch.get(child_id=cast.noor.id)
        wish = Wish(cast.actor("noor"), watch, Cause.HELP, uuid4())
        [alert] = await call_adults([wish], cast.clock())
    page = await text_of(cast, "tom", path(row))
    assert f'href="/desk/alerts/{alert.id}"' in page
    status, page = await post(cast, path(row, "/agree"))
    assert status == 409
    assert "An alert about this child is open. Close it first" in page
    assert not await Pause.exists()


async def test_what_needed_checking_is_said_without_the_reason(cast: Cast) -> None:
    async with write():
        alert = await concern.call(
            cast.actor("mia"), cast.mia.id, cast.agency.id, said_at=cast.clock(), now=cast.clock()
        )
    await close_alert(cast.actor("tom"), alert.id, Outcome.SEEN, "Seen.", cast.clock())
    cast.clock.advance(minutes=1)
    page = await text_of(cast, "tom", path(await ask(cast)))
    assert "Something needed checking" in page
    assert "agreed sign" not in page.lower()
    assert "may not be free" not in page


async def test_the_sealed_page_shows_the_request_in_which_the_word_was_heard(cast: Cast) -> None:
    sign = signs.agreed(None, "umbrella")
    await agreed_sign.agree(cast.actor("tom"), cast.children["mia"], sign, cast.clock())
    await ask(cast, words="With my umbrella.")
    await listening.REQUESTS.tick(cast.clock())
    alert = await Alert.get(cause="concern")
    page = await text_of(cast, "tom", f"/desk/alerts/{alert.id}/sealed")
    assert "With my umbrella." in page


async def test_a_time_that_is_over_still_gets_an_answer_in_words(cast: Cast) -> None:
    row = await ask(cast, until_at=at(17))
    cast.clock.set(at(17, 30))
    page = await text_of(cast, "tom", path(row))
    assert "This time is over. Nothing was agreed, and check-ins went on." in page
    assert f'action="{path(row)}/agree"' not in page
    assert (await post(cast, path(row, "/decline"), words="I was too late. Sorry."))[0] == 303
    [asked] = (await cast.client_as("mia").get("/api/v1/absences")).json()["requests"]
    assert (asked["state"], asked["answer"]) == ("declined", "I was too late. Sorry.")
