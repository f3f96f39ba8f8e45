"""A check-in stays out: from the reminder to the closing, as people see it from outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from server.alerts.models import Alert
from server.audit.actions import seal, verify
from server.audit.models import Entry
from server.errors import NotFound, Refused
from server.notify.models import Delivery, Message
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.models import Round
from tests.walks.stage import LAST_RESORT, Stage

# Mia (mid tier, carer Sam, caseworker Tom, his deputy Ines) is due at 18:00 in Paris, which in
# winter is 17:00 UTC: reminded from 16:00, late at 18:00, and adults are called at 18:45.
DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
MINUTES = timedelta(minutes=1)


async def question_of(stage: Stage, name: str) -> UUID:
    """What the last link on that person's phone asks."""
    path = stage.paths(name)[-1]
    assert path.startswith("/q/")
    return questions.read_question(path.removeprefix("/q/"), stage.clock())


async def test_a_missed_check_in_is_asked_about_alerted_acknowledged_and_closed(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.subscribe("mia", "sam", "tom", "ines")
    await stage.until(DUE - 61 * MINUTES)
    assert not stage.shown("mia")
    await stage.until(DUE + 59 * MINUTES)
    assert stage.paths("mia") == ["/app/"] * 3
    assert not stage.shown("sam")
    assert (await stage.watch("mia")).standing == "due"

    await stage.until(DUE + 60 * MINUTES)
    assert (await stage.watch("mia")).standing == "late"
    assert len(stage.shown("sam")) == 1
    assert not stage.shown("tom")

    await stage.until(DUE + 105 * MINUTES)
    alert = await stage.open_alert("mia")
    assert alert.reason == "carer_silent"
    assert alert.opened_at == alert.noticed_at == DUE + 105 * MINUTES
    assert stage.paths("tom") == [f"/desk/alerts/{alert.id}"]
    assert not stage.shown("ines")
    [told] = (await stage.call("tom", "GET", "/api/v1/alerts"))["alerts"]
    assert told["child"]["name"] == "Mia Castellane"
    assert "18:00" in told["sentence"]

    await stage.acknowledge("tom", alert.id)
    await stage.until(DUE + 164 * MINUTES)
    assert not stage.shown("ines")
    await stage.until(DUE + 165 * MINUTES)
    # The acknowledgement has lapsed after an hour: the deputy is called.
    assert stage.paths("ines") == [f"/desk/alerts/{alert.id}"]

    stage.clock.advance(minutes=5)
    closed = await stage.close("tom", alert.id)
    assert closed["outcome"] == "seen"
    await stage.beat()
    assert stage.paths("ines")[1:] == [f"/desk/alerts/{alert.id}"]
    assert len(stage.shown("tom")) == 1, "who closes it needs no all-clear"
    assert (await stage.watch("mia")).standing == "well"
    [round_] = await Round.filter(child_id=stage.cast.mia.id, due_at=DUE)
    assert round_.state == "seen"

    await stage.until(DUE + timedelta(hours=22))
    assert [one.id for one in await stage.alerts("mia")] == [alert.id]
    said = await Entry.filter(child_id=stage.cast.mia.id, about_id=alert.id).order_by("id")
    assert [entry.what for entry in said] == ["alert:open", "alert:acknowledge", "alert:close"]


async def test_a_child_who_answers_in_time_alarms_nobody(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("mia", "sam", "tom")
    await stage.until(DUE - 30 * MINUTES)
    answer = await stage.check_in("mia", mood=4, note="Fine.")
    assert answer["standing"] == "well"
    assert datetime.fromisoformat(answer["next_due_at"]) == DUE + timedelta(days=1)
    await stage.until(DUE + timedelta(hours=20))
    assert len(stage.shown("mia")) == 1, "the reminders after the answer stay in"
    assert not stage.shown("sam")
    assert not stage.shown("tom")
    assert not await stage.alerts("mia")


async def test_the_carer_has_not_seen_the_child_and_the_caseworker_is_called_at_once(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.subscribe("sam", "tom")
    await stage.until(DUE + 60 * MINUTES)
    asked = await question_of(stage, "sam")
    now = stage.clock.advance(minutes=4)
    await questions.answer_question(asked, "not_seen", now)
    await stage.beat()
    alert = await stage.open_alert("mia")
    assert (alert.reason, alert.opened_at) == ("not_seen", now)
    assert stage.paths("tom") == [f"/desk/alerts/{alert.id}"]


async def test_the_carers_link_works_once_and_is_over_after_a_day(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("sam")
    await stage.until(DUE + 60 * MINUTES)
    token = stage.paths("sam")[-1].removeprefix("/q/")
    asked = questions.read_question(token, stage.clock())
    first = await questions.answer_question(asked, "seen", stage.clock.advance(minutes=1))
    again = await questions.answer_question(asked, "not_seen", stage.clock.advance(minutes=1))
    assert (again.answer, again.answered_at) == ("seen", first.answered_at)
    assert not await stage.alerts("mia")
    with pytest.raises(NotFound):
        questions.read_question(token, stage.clock.advance(hours=24))
    with pytest.raises(NotFound):
        questions.read_question(token[:-1] + ("A" if token[-1] != "A" else "B"), DUE)


async def test_a_question_that_nobody_answered_is_over_after_a_day(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("sam")
    await stage.until(DUE + 60 * MINUTES)
    asked = await question_of(stage, "sam")
    with pytest.raises(Refused):
        await questions.answer_question(asked, "seen", stage.clock.advance(hours=24))
    assert (await Question.get(id=asked)).answer is None


async def test_seen_by_the_carer_settles_the_round_in_the_mid_tier(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("sam", "tom")
    await stage.until(DUE + 60 * MINUTES)
    await questions.answer_question(await question_of(stage, "sam"), "seen", stage.clock())
    assert (await stage.watch("mia")).standing == "well"
    await stage.until(DUE + timedelta(hours=22))
    assert not stage.shown("tom")
    [round_] = await Round.filter(child_id=stage.cast.mia.id, due_at=DUE)
    assert round_.state == "seen"


async def test_seen_by_the_carer_holds_for_six_hours_in_the_high_tier(stage: Stage) -> None:
    """And the caseworker hears of it at once; after six hours the carer is asked again."""
    await stage.only("mia")
    mia = f"/api/v1/children/{stage.cast.mia.id}"
    # Once a day is too slow for the high tier.
    often = {"tier": "high", "rhythm": {"at": ["09:00", "18:00"]}}
    await stage.call("tom", "PUT", f"{mia}/tier", often)
    await stage.subscribe("sam", "tom")
    await stage.until(DUE + 30 * MINUTES)
    assert len(stage.shown("sam")) == 1
    seen_at = stage.clock.advance(minutes=5)
    await questions.answer_question(await question_of(stage, "sam"), "seen", seen_at)
    await stage.beat()
    assert stage.paths("tom") == [mia.replace("/api/v1", "/desk")]
    await stage.until(seen_at + timedelta(hours=6) - MINUTES)
    assert (len(stage.shown("sam")), len(stage.shown("tom"))) == (1, 1)
    assert (await stage.watch("mia")).standing == "late"
    await stage.until(seen_at + timedelta(hours=6))
    assert len(stage.shown("sam")) == 2
    await stage.until(seen_at + timedelta(hours=6, minutes=15))
    alert = await stage.open_alert("mia")
    assert alert.reason == "carer_silent"
    assert stage.paths("tom")[1:] == [f"/desk/alerts/{alert.id}"]


async def test_a_child_whose_phone_was_never_paired_alarms_too(stage: Stage) -> None:
    """Lia's agency has one caseworker and no carer; nothing of hers was ever paired."""
    await stage.only("lia")
    await stage.subscribe("uwe")
    await stage.until(DUE + 60 * MINUTES)
    alert = await stage.open_alert("lia")
    assert alert.reason == "no_carer"
    assert stage.paths("uwe") == [f"/desk/alerts/{alert.id}"]
    reminders = await Message.filter(person_id=stage.cast.lia.id).order_by("queued_at", "rung")
    assert {(m.channel, m.state) for m in reminders} <= {("none", "failed"), ("none", "withdrawn")}
    assert not await Delivery.filter(message_id__in=[m.id for m in reminders], result="accepted")


async def test_the_ladder_climbs_to_the_last_resort_and_round_again_without_end(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.subscribe("tom", "ines", "eve")
    await stage.cast.on_duty("eve", hours=48)
    await stage.until(DUE + 105 * MINUTES)
    alert = await stage.open_alert("mia")
    told = []
    for _ in range(9):
        pushes = [len(stage.shown(name)) for name in ("tom", "ines", "eve")]
        told.append((*pushes, len(stage.mails_to(LAST_RESORT))))
        await stage.until(stage.clock() + 30 * MINUTES)
    # Tom, his deputy, on duty, the manager (who is the deputy here), the last resort, and again;
    # after four hours a decision is due from everyone.
    assert told == [
        (1, 0, 0, 0),
        (1, 1, 0, 0),
        (1, 1, 1, 0),
        (1, 2, 1, 0),
        (1, 2, 1, 1),
        (2, 2, 1, 1),
        (2, 3, 1, 1),
        (2, 3, 2, 1),
        (3, 5, 3, 1),
    ]
    after = await Alert.get(id=alert.id)
    assert (after.turn, after.rung, after.state) == (1, 4, "open")
    assert after.next_action_at is not None
    assert after.next_action_at > stage.clock()


async def test_an_answer_after_the_alert_ends_it_and_everyone_hears_so(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("mia", "tom", "ines")
    await stage.until(DUE + 140 * MINUTES)
    alert = await stage.open_alert("mia")
    before = (len(stage.shown("tom")), len(stage.shown("ines")))
    assert before == (1, 1)
    answer = await stage.check_in("mia")
    assert answer["standing"] == "well"
    await stage.beat()
    assert (len(stage.shown("tom")), len(stage.shown("ines"))) == (2, 2)
    after = await Alert.get(id=alert.id)
    assert (after.state, after.outcome) == ("closed", "late_answer")
    await stage.until(DUE + timedelta(hours=20))
    assert (len(stage.shown("tom")), len(stage.shown("ines"))) == (2, 2)


async def test_in_the_high_tier_an_answer_waits_until_an_adult_has_confirmed_it(
    stage: Stage,
) -> None:
    """Noor is due at 09:00 and 18:00 in Lisbon, without a carer."""
    await stage.only("noor")
    await stage.subscribe("noor", "tom")
    due = datetime(2026, 3, 2, 18, tzinfo=UTC)
    await stage.until(due + 30 * MINUTES)
    alert = await stage.open_alert("noor")
    stage.clock.advance(minutes=5)
    assert (await stage.check_in("noor"))["standing"] == "well"
    await stage.beat()
    assert (await Alert.get(id=alert.id)).state == "answered"
    told = len(stage.shown("tom"))
    assert told == 2, "the call, and the all-clear"
    await stage.until(due + 65 * MINUTES)
    assert len(stage.shown("tom")) == told + 1, "asked to confirm"
    await stage.until(due + 95 * MINUTES)
    assert len(stage.shown("tom")) == told + 2, "and again"
    await stage.close("tom", alert.id, "spoke_to")
    await stage.until(due + timedelta(hours=10))
    assert len(stage.shown("tom")) == told + 2


async def test_further_misses_join_the_open_alert(stage: Stage) -> None:
    await stage.only("mia")
    await stage.until(DUE + 105 * MINUTES)
    stage.clock.set(DUE + timedelta(hours=26))
    await stage.beat()
    alert = await stage.open_alert("mia")
    assert alert.misses == 2
    states = await Round.filter(child_id=stage.cast.mia.id).order_by("due_at")
    assert [one.state for one in states] == ["late", "late"]


async def test_a_sighting_by_the_caseworker_settles_in_any_tier(stage: Stage) -> None:
    await stage.only("noor")
    await stage.subscribe("tom")
    due = datetime(2026, 3, 2, 18, tzinfo=UTC)
    await stage.until(due + 31 * MINUTES)
    noor = f"/api/v1/children/{stage.cast.noor.id}"
    body = {"id": "0195f7b0-0000-7000-8000-000000000001", "answer": "seen"}
    await stage.call("ines", "POST", f"{noor}/sightings", body)
    await stage.call("ines", "POST", f"{noor}/sightings", body)
    assert (await stage.watch("noor")).standing == "well"


async def test_a_pause_asks_nobody_and_ends_by_itself(stage: Stage) -> None:
    await stage.only("mia")
    mia = f"/api/v1/children/{stage.cast.mia.id}"
    until = DUE + timedelta(days=2, hours=2)
    pause = {"id": "0195f7b0-0000-7000-8000-000000000002", "words": "With her aunt."}
    pause |= {"from_at": stage.clock().isoformat(), "until_at": until.isoformat()}
    await stage.call("tom", "POST", f"{mia}/pauses", pause)
    await stage.subscribe("mia", "sam", "tom")
    assert (await stage.watch("mia")).standing == "away"
    await stage.until(until)
    assert not stage.shown("mia")
    assert (await stage.watch("mia")).standing == "well"
    await stage.until(DUE + timedelta(days=3, minutes=105))
    assert len(stage.shown("mia")) == 3
    assert (await stage.open_alert("mia")).reason == "carer_silent"


async def test_what_happened_is_sealed_and_verifies(stage: Stage) -> None:
    await stage.only("mia")
    await stage.until(DUE + 140 * MINUTES)
    await stage.check_in("mia")
    assert await seal(stage.clock()) > 0
    assert await verify() is None
