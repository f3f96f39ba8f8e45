"""Adults are called for other reasons than silence, and answer by the ways that they have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server.alerts.models import Alert
from server.notify.models import Message
from server.watch.models import Watch
from tests.walks.stage import LAST_RESORT, Stage

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def test_help_now_calls_the_caseworker_and_the_person_on_duty_within_one_pass(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.subscribe("mia", "tom", "ines", "eve")
    await stage.cast.on_duty("eve", hours=12)
    answer = await stage.check_in("mia", want="help", note="Please come.")
    assert answer["standing"] == "well", "whoever holds the phone learns nothing"
    await stage.beat()
    alert = await stage.open_alert("mia")
    assert (alert.cause, alert.reason) == ("help", "said_help")
    assert [len(stage.shown(name)) for name in ("tom", "eve", "ines")] == [1, 1, 0]
    await stage.until(minutes=15)
    assert [len(stage.shown(name)) for name in ("tom", "eve", "ines")] == [1, 1, 1]
    # An answer that all is well does not end a cry for help: only a person does.
    await stage.check_in("mia")
    assert (await Alert.get(id=alert.id)).closed_at is None
    await stage.acknowledge("eve", alert.id)
    await stage.close("eve", alert.id, "spoke_to")
    assert [a.state for a in await stage.alerts("mia")] == ["closed"]


async def test_a_wish_to_talk_waits_for_the_daytime_and_then_goes_to_the_deputy(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.subscribe("mia", "tom", "ines")
    stage.clock.set(DUE)
    await stage.check_in("mia", want="talk")
    # 18:00 in Paris leaves two hours of that day, and two of the next: until 10:00.
    await stage.until(DUE + 16 * HOUR - MINUTE)
    assert [len(stage.shown(name)) for name in ("tom", "ines")] == [1, 0]
    await stage.until(DUE + 16 * HOUR)
    assert [len(stage.shown(name)) for name in ("tom", "ines")] == [1, 1]


@pytest.mark.slow
async def test_a_carer_says_that_the_child_is_missing_in_one_step(stage: Stage) -> None:
    await stage.only("mia")
    await stage.until(DUE)
    await stage.subscribe("tom", "ines")
    path = f"/api/v1/children/{stage.cast.mia.id}/missing"
    said = await stage.call("sam", "POST", path, {"words": "Her bag is gone."})
    await stage.call("ines", "POST", path, {})
    await stage.beat()
    assert (await stage.watch("mia")).standing == "missing"
    alert = await stage.open_alert("mia")
    assert said["id"] == str(alert.id)
    assert (alert.cause, alert.misses) == ("missing", 2)
    assert [len(stage.shown(name)) for name in ("tom", "ines")] == [1, 1]
    # The night goes on: silence, reminders, misses. One alert is open, and nobody is asked twice
    # about what everyone knows.
    await stage.until(DUE + 2 * HOUR)
    assert len([a for a in await stage.alerts("mia") if a.closed_at is None]) == 1
    await stage.close("tom", alert.id)
    assert (await stage.watch("mia")).standing == "well"


async def test_a_sign_of_life_of_a_missing_child_reaches_all_who_look_for_it(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.subscribe("tom", "ines", "mia")
    await stage.call("tom", "POST", f"/api/v1/children/{stage.cast.mia.id}/missing", {})
    await stage.beat()
    before = [len(stage.shown(name)) for name in ("tom", "ines")]
    stage.clock.advance(minutes=1)
    assert (await stage.check_in("mia"))["standing"] == "late"
    await stage.beat()
    assert [len(stage.shown(name)) for name in ("tom", "ines")] == [n + 1 for n in before]
    assert (await stage.open_alert("mia")).cause == "missing"


async def test_an_acknowledgement_stops_what_waits_for_others_within_one_pass(
    stage: Stage,
) -> None:
    """The deputy's push service is down, so her message waits; then the caseworker has it."""
    await stage.only("mia")
    await stage.subscribe("tom", "ines")
    await stage.until(DUE + 105 * MINUTE)
    alert = await stage.open_alert("mia")
    stage.push.fault(503, times=None, endpoint=stage.phones["ines"].endpoint)
    await stage.until(DUE + 135 * MINUTE)
    assert await Message.filter(person_id=stage.cast.ines.id, state="waiting").exists()
    await stage.acknowledge("tom", alert.id)
    stage.push.reset()
    await stage.until(minutes=45)
    assert not stage.shown("ines")
    assert not stage.mails_to(LAST_RESORT)


@pytest.mark.parametrize(("tap", "alerts"), [("seen", 0), ("not_seen", 1)])
async def test_the_carer_answers_by_the_link_of_the_push_without_signing_in(
    stage: Stage, tap: str, alerts: int
) -> None:
    await stage.only("mia")
    await stage.subscribe("sam", "tom")
    await stage.until(DUE + 60 * MINUTE)
    path = stage.paths("sam")[-1]
    stage.clock.advance(minutes=2)
    async with stage.cast.client(headers={"accept": "text/html"}) as stranger:
        shown = await stranger.get(path)
        assert shown.status_code == 200
        for secret in ("Mia", "Castellane", "Sam", "Oyelaran", "Tom", "canal"):
            assert secret not in shown.text
        assert (await stage.watch("mia")).standing == "late", "reading it answers nothing"
        own = {"sec-fetch-site": "same-origin"}
        said = await stranger.post(path, data={"answer": tap}, headers=own)
        assert said.status_code == 303
        other = "seen" if tap == "not_seen" else "not_seen"
        await stranger.post(path, data={"answer": other}, headers=own)
        for elsewhere in ("/desk/", "/api/v1/me", f"/api/v1/children/{stage.cast.mia.id}/watch"):
            refused = await stranger.get(elsewhere, headers={"accept": "application/json"})
            assert refused.status_code == 401, elsewhere
    await stage.beat()
    found = await stage.alerts("mia")
    assert len(found) == alerts
    assert len(stage.shown("tom")) == alerts
    if found:
        assert (found[0].reason, found[0].opened_at) == ("not_seen", stage.clock())


async def test_all_ways_fail_and_the_last_resort_and_the_operators_hear_of_it(
    stage: Stage,
) -> None:
    """The push keys are refused, and nobody has another address."""
    await stage.only("mia")
    await stage.subscribe("tom", "ines")
    stage.push.fault(403, times=None)
    await stage.until(DUE + 106 * MINUTE)
    said = [mail.message.get_content() for mail in stage.mails_to(LAST_RESORT)]
    assert any("push:vapid" in text for text in said)
    assert any("/desk/alerts/" in text for text in said)


async def test_the_night_of_a_child_of_the_high_tier_is_watched_as_closely_as_its_day(
    stage: Stage,
) -> None:
    await stage.only("noor")
    await stage.subscribe("noor", "tom")
    body = {"rhythm": {"at": ["09:00", "17:00", "23:30"]}, "zone": "Europe/Lisbon"}
    await stage.call("tom", "PUT", f"/api/v1/children/{stage.cast.noor.id}/rhythm", body)
    due = datetime(2026, 3, 2, 17, tzinfo=UTC)
    await stage.until(due - 10 * MINUTE)
    await stage.check_in("noor")
    night = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    # One reminder comes before the quiet hours begin, since an answer counts until they are over.
    await stage.until(night - 90 * MINUTE)
    reminded = len(stage.shown("noor"))
    await stage.until(night + 30 * MINUTE)
    # Quiet hours spare the child the reminders, and never an adult the call.
    assert len(stage.shown("noor")) == reminded
    assert (await stage.open_alert("noor")).opened_at == night + 30 * MINUTE
    assert len(stage.shown("tom")) == 1


async def test_every_child_is_watched_no_matter_who_is_on_duty(stage: Stage) -> None:
    """Nobody at all stands on the ladder, and there is a next step all the same."""
    await stage.only("lia")
    await Watch.filter(child_id=stage.cast.lia.id).update(tier="mid")
    await stage.until(DUE + 5 * HOUR)
    alert = await stage.open_alert("lia")
    assert alert.next_action_at is not None
    assert alert.next_action_at > stage.clock()
    assert len(stage.mails_to(LAST_RESORT)) >= 4
