"""Remind me later: the reminder moves, the check-in does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.models import Alert
from server.notify.models import Message, Snooze
from server.notify.rules import TIME_TO_ANSWER
from server.watch.models import Round, Watch
from server.watch.reminders.snoozes import put_off
from server.why.asked import of_snoozes
from server.why.events import around
from tests.races import together
from tests.walks.stage import Stage
from tests.watch.test_temporary_rhythm import at

# Mia (mid tier) is due at 18:00 in Paris; late an hour later, Sam has 45 minutes.
MINUTE = timedelta(minutes=1)


async def ready(stage: Stage, moment: datetime) -> str:
    """Mia alone, with a phone; her round at 18:00 is open. Its id."""
    await stage.only("mia")
    await stage.subscribe("mia")
    await stage.until(moment)
    return str((await Round.get(child_id=stage.cast.mia.id, due_at=at(18))).id)


async def snooze(stage: Stage, round_id: str, minutes: int, id_: str | None = None) -> Any:
    body = {"id": id_ or str(uuid4()), "round": round_id, "minutes": minutes}
    return await stage.send("mia", "POST", "/api/v1/snoozes", body)


async def test_the_next_reminder_comes_when_the_child_asked_for_it_and_none_before(
    stage: Stage,
) -> None:
    """At 17:55 she asks for 18:25: the reminder at 18:00 is not sent."""
    round_id = await ready(stage, at(17, 55))
    before = len(stage.shown("mia"))
    answer = await snooze(stage, round_id, 30)
    assert (answer.status_code, answer.json()["until"]) == (201, "2026-03-02T17:25:00Z")
    await stage.until(at(18, 24))
    assert len(stage.shown("mia")) == before
    await stage.until(at(18, 26))
    assert len(stage.shown("mia")) == before + 1
    withheld = await Message.filter(state="withheld", why="snoozed").count()
    assert withheld == 1


async def test_it_settles_nothing_and_adults_are_called_as_before(stage: Stage) -> None:
    round_id = await ready(stage, at(17, 30))
    was = await Watch.get(child_id=stage.cast.mia.id)
    await snooze(stage, round_id, 60)
    now = await Watch.get(child_id=stage.cast.mia.id)
    kept = ("sign_at", "answered_at", "app_seen_at", "next_action_at", "prompted", "standing")
    assert [getattr(now, name) for name in kept] == [getattr(was, name) for name in kept]
    await stage.until(at(20))
    assert (await Round.get(id=round_id)).late_at == at(19)
    assert (await Alert.get(child_id=now.child_id)).opened_at > at(19)


@pytest.mark.parametrize(("minutes", "until"), [(30, at(18, 55)), (600, at(18, 55))])
async def test_it_never_passes_the_time_to_answer(
    stage: Stage, minutes: int, until: datetime
) -> None:
    round_id = await ready(stage, at(18, 40))
    await snooze(stage, round_id, minutes)
    assert (await Snooze.get()).until_at == until
    me = await stage.call("mia", "GET", "/api/v1/me")
    assert me["open_round"]["answer_by"] == at(19).isoformat().replace("+00:00", "Z")
    stage.clock.set(at(18, 57))
    assert (await snooze(stage, round_id, 10)).json()["code"] == "too_late"


async def test_the_same_tap_counts_once_and_the_last_one_decides(stage: Stage) -> None:
    round_id, id_ = await ready(stage, at(17, 30)), str(uuid4())
    answers = await together(*(snooze(stage, round_id, 60, id_) for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert await Snooze.all().count() == 1
    other = {"id": id_, "round": str(uuid4()), "minutes": 5}
    reused = await stage.send("mia", "POST", "/api/v1/snoozes", other)
    assert reused.json()["code"] == "id_reused"
    stage.clock.advance(minutes=1)
    await snooze(stage, round_id, 10)
    waits = await Message.filter(state="waiting", kind="remind_child")
    assert [message.ready_at for message in waits] == [at(17, 41)]
    # The reminder that is due after it is not held by the longer one that was asked for first.
    await stage.until(at(18, 1))
    assert not await Message.filter(why="snoozed", state="withheld").exists()


async def test_an_answer_takes_the_reminder_back(stage: Stage) -> None:
    round_id = await ready(stage, at(17, 30))
    await snooze(stage, round_id, 30)
    await stage.check_in("mia")
    before = len(stage.shown("mia"))
    await stage.until(at(18, 30))
    assert len(stage.shown("mia")) == before
    assert (await snooze(stage, round_id, 10)).status_code == 409


async def test_nobody_puts_off_the_reminder_of_another_child(stage: Stage) -> None:
    round_id = await ready(stage, at(17, 30))
    body = {"id": str(uuid4()), "round": round_id, "minutes": 30}
    assert (await stage.send("noor", "POST", "/api/v1/snoozes", body)).status_code == 404
    assert (await stage.send("tom", "POST", "/api/v1/snoozes", body)).status_code == 404
    assert not await Snooze.exists()


async def test_the_lock_screen_puts_it_off_by_the_token_of_the_push_alone(stage: Stage) -> None:
    await ready(stage, at(17, 1))
    [shown] = stage.shown("mia")
    assert shown.json["s"] == 30
    [action] = shown.json["notification"]["actions"]
    assert (action["action"], action["title"]) == ("later", "In 30 minutes")
    body = {"receipt": shown.json["r"], "minutes": shown.json["s"]}
    async with stage.cast.client() as nobody:
        first = await nobody.post("/api/v1/push-snoozes", json=body)
        again = await nobody.post("/api/v1/push-snoozes", json=body)
        invented = await nobody.post("/api/v1/push-snoozes", json={**body, "receipt": "x"})
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert invented.status_code == 404
    assert (await Snooze.get()).until_at == at(17, 31)


async def test_why_tells_it_and_says_that_it_was_no_answer(stage: Stage) -> None:
    round_id = await ready(stage, at(17, 30))
    await snooze(stage, round_id, 30)
    [event] = await of_snoozes(stage.cast.mia.id, around(stage.clock()))
    assert (event.code, event.values["until"]) == ("round.snoozed", at(18))


@given(st.integers(0, 2000), st.integers(1, 1440))
def test_what_is_put_off_comes_later_and_leaves_time_to_answer(left: int, minutes: int) -> None:
    now = at(12)
    late = now + left * MINUTE
    until = put_off(now, minutes * MINUTE, late)
    if until is None:
        assert late - now <= TIME_TO_ANSWER
        return
    assert now < until <= now + minutes * MINUTE
    assert until + TIME_TO_ANSWER <= late
