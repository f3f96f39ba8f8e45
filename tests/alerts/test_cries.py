"""A call for help while an alert is open: it is told at once, by every channel, with its words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from server.alerts import actions as alerts
from server.alerts import attempt_rules
from server.alerts.attempt_rules import Tried
from server.alerts.climbing import ALERTS
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.audit.models import Entry
from server.checkin.duress import agreed_sign, listening, rules
from server.checkin.fast import FastLane
from server.checkin.slow_lane import SlowLane
from server.errors import Conflict
from server.notify.models import Address, Message
from server.notify.rules import Kind
from server.people.models import Person, Tie
from server.policy.model import Tier
from server.security import encryption
from server.watch import watch_alerts
from server.watch.models import Watch
from tests.alerts.test_attempts import opened
from tests.cast import Cast
from tests.notify.test_worker import mail_of
from tests.races import no_fault, together
from tests.walks.stage import Stage

MINUTE = timedelta(minutes=1)
AT_THE_DOOR = "he is at the door"


async def ask(cast: Cast, want: str = "help", **how: Any) -> httpx2.Response:
    body = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "want": want, **how}
    return await cast.client_as("mia").post("/api/v1/check-ins", json=body)


async def asked_and_taken(cast: Cast, by: str = "tom") -> Alert:
    await by_mail_and_sms(cast, by)
    assert (await ask(cast)).status_code == 201
    cast.clock.advance(seconds=10)
    [alert] = await Alert.filter(cause="help")
    return await alerts.acknowledge(cast.actor(by), alert.id, cast.clock())


def tried_now(result: attempt_rules.Result) -> Tried:
    way, target = attempt_rules.Way.CALL, attempt_rules.Target.CHILD
    return Tried(uuid4(), way, target, result, None, None)


async def new_messages(cast: Cast, *subjects: UUID) -> set[tuple[str, str, str]]:
    """Who is told in this moment: name, channel and kind."""
    names = {person.id: name for name, person in cast.persons.items()}
    rows = await Message.filter(queued_at=cast.clock(), child_id=cast.mia.id)
    return {
        (names.get(row.person_id, "last resort"), row.channel, row.kind)
        for row in rows
        if not subjects or row.subject_id in subjects
    }


async def who(cast: Cast, *subjects: UUID) -> set[str]:
    return {name for name, _, _ in await new_messages(cast, *subjects)}


async def by_mail_and_sms(cast: Cast, *names: str) -> None:
    for name in names:
        for channel, value in (("email", f"{name}@example.org"), ("sms", f"+3360000{len(name)}")):
            await Address.create(
                agency_id=cast.persons[name].agency_id,
                person_id=cast.persons[name].id,
                channel=channel,
                value=value,
                value_index=encryption.blind(f"{channel}:{value}:{name}"),
                made_at=cast.clock(),
                verified_at=cast.clock(),
            )


# --- told at once


async def test_help_again_is_told_at_once_by_every_channel_to_the_person_who_has_it(
    cast: Cast,
) -> None:
    alert = await asked_and_taken(cast)
    cast.clock.advance(seconds=10)
    assert (await ask(cast, note=AT_THE_DOOR)).status_code == 201
    assert await new_messages(cast) == {
        ("tom", "email", "alert_again"),
        ("tom", "sms", "alert_again"),
    }
    assert all(row.urgency == "high" for row in await Message.filter(subject_id=alert.id))
    await alert.refresh_from_db()
    assert alert.acknowledged_by == cast.tom.id, "they still have it"


async def test_the_same_holds_where_a_person_has_reached_the_child(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    tried = tried_now(attempt_rules.Result.REACHED)
    await watch_alerts.log_attempt(cast.actor("tom"), alert.id, tried, cast.clock())
    await Alert.filter(id=alert.id).update(state="contacted")
    cast.clock.advance(minutes=5)
    await ask(cast, note=AT_THE_DOOR)
    assert await who(cast) == {"tom"}


async def test_where_nobody_has_it_the_rung_that_was_called_and_the_next_are_told(
    cast: Cast,
) -> None:
    await by_mail_and_sms(cast, "tom", "ines")
    await ask(cast)
    cast.clock.advance(seconds=20)
    await ask(cast, note=AT_THE_DOOR)
    assert await new_messages(cast) == {
        (name, channel, "alert_again") for name in ("tom", "ines") for channel in ("email", "sms")
    }
    [alert] = await Alert.all()
    assert alert.rung == 1
    assert alert.next_action_at == cast.clock() + 15 * MINUTE, "the ladder goes on from there"


async def test_a_wish_that_only_says_how_calls_no_further_rung(cast: Cast) -> None:
    await by_mail_and_sms(cast, "tom")
    await ask(cast)
    cast.clock.advance(seconds=20)
    await ask(cast, how="come")
    assert await new_messages(cast) == set()
    [alert] = await Alert.all()
    await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
    cast.clock.advance(minutes=2)
    await ask(cast, how="quiet")
    assert await who(cast) == {"tom"}, "the person who has it hears how to meet the child"


async def test_calls_within_a_minute_are_one_message_with_their_number(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    cast.clock.advance(seconds=10)
    await ask(cast, note="one")
    assert await who(cast) == {"tom"}
    for words in ("two", "three"):
        cast.clock.advance(seconds=10)
        await ask(cast, note=words)
        assert await new_messages(cast) == set(), words
    await ALERTS.tick(cast.clock.advance(seconds=39))
    assert await new_messages(cast) == set(), "not before the minute is over"
    await ALERTS.tick(cast.clock.advance(seconds=1))
    assert await who(cast) == {"tom"}
    told = Message.filter(subject_id=alert.id, kind="alert_again", channel="email")
    told = await told.order_by("queued_at")
    assert [row.data["calls"] for row in told] == [1, 2]  # type: ignore[index]


async def test_what_waits_for_the_minute_goes_to_who_has_it_by_then(cast: Cast) -> None:
    await ask(cast)
    for _ in range(2):
        cast.clock.advance(seconds=10)
        await ask(cast, note=AT_THE_DOOR)
    [alert] = await Alert.all()
    await alerts.acknowledge(cast.actor("ines"), alert.id, cast.clock.advance(seconds=5))
    await ALERTS.tick(cast.clock.advance(seconds=50))
    assert await who(cast) == {"ines"}


async def test_the_same_call_twice_is_told_once(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    cast.clock.advance(minutes=2)
    body = {"id": str(uuid4()), "note": AT_THE_DOOR}
    assert (await ask(cast, **body, said_at=cast.clock().isoformat())).status_code == 201
    at = cast.clock()
    cast.clock.advance(minutes=2)
    assert (await ask(cast, **body, said_at=at.isoformat())).status_code == 200
    assert await new_messages(cast) == set()
    await alert.refresh_from_db()
    assert alert.misses == 2


async def test_two_calls_at_once_are_both_heard(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    cast.clock.advance(minutes=2)
    results = await together(ask(cast, note="one"), ask(cast, note="two"))
    no_fault(results)
    assert {answer.status_code for answer in results} == {201}
    await ALERTS.tick(cast.clock.advance(minutes=1))
    told = await Message.filter(subject_id=alert.id, kind="alert_again", channel="email")
    assert sum(row.data["calls"] for row in told) == 2  # type: ignore[index]


@pytest.mark.parametrize("by", ["lanes", "sam", "tom"])
async def test_however_it_comes_it_is_told(cast: Cast, by: str) -> None:
    await asked_and_taken(cast, "ines")
    cast.clock.advance(minutes=2)
    if by == "lanes":
        fast = FastLane(cast.clock)
        await fast.open()
        cast.app.state.lanes = (fast, SlowLane(cast.clock))
        assert (await ask(cast, note=AT_THE_DOOR)).status_code == 201
        await fast.close()
    else:
        body = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "want": "help"}
        path = f"/api/v1/children/{cast.mia.id}/check-ins"
        answer = await cast.client_as(by).post(path, json={**body, "note": AT_THE_DOOR})
        assert answer.status_code == 201
    assert await who(cast) == {"ines"}


# --- a holder who does not react


async def test_the_ladder_starts_beside_a_holder_who_does_not_react(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    cast.clock.advance(seconds=10)
    await ask(cast, note=AT_THE_DOOR)
    await ALERTS.tick(cast.clock.advance(minutes=14))
    assert await new_messages(cast) == set()
    await ALERTS.tick(cast.clock.advance(minutes=1))
    assert await who(cast) == {"ines"}
    await alert.refresh_from_db()
    assert alert.acknowledged_by == cast.tom.id, "beside them: they have it still"
    page = await cast.browser_as("ines").get(f"/desk/alerts/{alert.id}")
    assert "I&#39;ll take it" in page.text or "I'll take it" in page.text
    await alerts.acknowledge(cast.actor("ines"), alert.id, cast.clock())
    await alert.refresh_from_db()
    assert alert.acknowledged_by == cast.ines.id
    assert ("tom", "sms", "went_on") in await new_messages(cast)


async def test_until_then_it_is_with_the_holder_alone(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    cast.clock.advance(seconds=10)
    await ask(cast, note=AT_THE_DOOR)
    with pytest.raises(Conflict):
        await alerts.acknowledge(cast.actor("ines"), alert.id, cast.clock())


@pytest.mark.parametrize("reaction", ["read", "attempt"])
async def test_a_holder_who_reacts_is_left_with_it(cast: Cast, reaction: str) -> None:
    alert = await asked_and_taken(cast)
    cast.clock.advance(seconds=10)
    await ask(cast, note=AT_THE_DOOR)
    tom = cast.browser_as("tom")
    page = await tom.get(f"/desk/alerts/{alert.id}")
    assert "I have read it" in page.text
    cast.clock.advance(minutes=1)
    if reaction == "read":
        done = await tom.post(f"/desk/alerts/{alert.id}/acknowledge")
        assert done.status_code == 303
        assert await Entry.filter(what="alert:read", about_id=alert.id).count() == 1
    else:
        tried = tried_now(attempt_rules.Result.NO_ANSWER)
        await watch_alerts.log_attempt(cast.actor("tom"), alert.id, tried, cast.clock())
    await ALERTS.tick(cast.clock.advance(minutes=15))
    assert await new_messages(cast) == set()
    assert "I have read it" not in (await tom.get(f"/desk/alerts/{alert.id}")).text


async def test_opening_the_page_is_no_reaction(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    cast.clock.advance(seconds=10)
    await ask(cast, note=AT_THE_DOOR)
    await cast.browser_as("tom").get(f"/desk/alerts/{alert.id}")
    await ALERTS.tick(cast.clock.advance(minutes=15))
    assert await who(cast) == {"ines"}


@pytest.mark.parametrize("every", [1, 7, 100])
async def test_many_ticks_beside_a_holder_equal_one_late_tick(cast: Cast, every: int) -> None:
    alert = await asked_and_taken(cast)
    longer = cast.clock() + timedelta(hours=14)
    await Alert.filter(id=alert.id).update(held_until=longer, next_action_at=longer)
    cast.clock.advance(seconds=10)
    await ask(cast, note=AT_THE_DOOR)
    begun = cast.clock()
    for _ in range(0, 100, every):
        await ALERTS.tick(cast.clock.advance(minutes=every))
    await alert.refresh_from_db()
    assert alert.react_at is not None
    assert alert.react_at - begun > timedelta(minutes=100)
    assert (alert.acknowledged_by, alert.is_beside) == (cast.tom.id, True)
    assert await Message.filter(subject_id=alert.id, person_id=cast.ines.id).exists()


async def test_a_holder_without_any_address_is_not_waited_for(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    await Address.filter(person_id=cast.tom.id).delete()
    cast.clock.advance(seconds=10)
    await ask(cast, note=AT_THE_DOOR)
    assert {"tom", "ines"} <= await who(cast), "others are called beside them at once"
    page = (await cast.browser_as("ines").get(f"/desk/alerts/{alert.id}")).text
    assert "We have not reached Tom Verhoeven, so we call others too." in page
    assert "has not reacted" not in page
    await Message.filter(subject_id=alert.id, person_id=cast.tom.id).update(state="done")
    page = (await cast.browser_as("ines").get(f"/desk/alerts/{alert.id}")).text
    assert "Tom Verhoeven has not reacted, so we call others too." in page


@pytest.mark.parametrize("others_are_heard", [True, False])
async def test_a_holder_whose_address_is_dead_is_not_waited_for(
    stage: Stage, others_are_heard: bool
) -> None:
    await stage.only("mia")
    stage.relay.refused.add(await mail_of(stage, "tom"))
    if others_are_heard:
        await stage.subscribe("ines")
    await stage.check_in("mia", want="help")
    [alert] = await Alert.filter(cause="help")
    await stage.acknowledge("tom", alert.id)
    await stage.check_in("mia", want="help", note=AT_THE_DOOR)
    for _ in range(12):
        await stage.beat()
    await alert.refresh_from_db()
    assert (alert.acknowledged_by, alert.is_beside) == (stage.cast.tom.id, True)
    assert alert.react_at is not None
    assert alert.react_at > stage.clock()
    calls = await Message.filter(subject_id=alert.id, kind=Kind.ALERT_AGAIN)
    ines = [call for call in calls if call.person_id == stage.cast.ines.id]
    assert ines
    if others_are_heard:
        assert any(call.state == "done" for call in ines)
    else:
        assert len(calls) < 12, "each is tried once, then after its time"


async def test_a_holder_who_is_alone_is_told_again(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    await Tie.filter(child_id=cast.mia.id).exclude(person_id=cast.tom.id).delete()
    await Person.filter(id=cast.tom.id).update(deputy_id=None)
    cast.clock.advance(seconds=10)
    await ask(cast, note=AT_THE_DOOR)
    await ALERTS.tick(cast.clock.advance(minutes=15))
    assert await who(cast, alert.id) == {"tom"}


async def test_a_holder_whose_right_has_ended_is_no_holder(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    await Tie.filter(person_id=cast.tom.id, child_id=cast.mia.id).update(until_at=cast.clock())
    cast.clock.advance(seconds=10)
    await ask(cast, note=AT_THE_DOOR)
    assert "ines" in await who(cast, alert.id)
    await alert.refresh_from_db()
    assert alert.acknowledged_by is None


# --- in the same moment as what an adult does


async def test_who_takes_it_in_the_moment_of_a_call_is_told_of_that_call(cast: Cast) -> None:
    await by_mail_and_sms(cast, "tom", "ines")
    await ask(cast)
    cast.clock.advance(seconds=20)
    [alert] = await Alert.all()
    take = alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
    no_fault(await together(ask(cast, note=AT_THE_DOOR), take))
    told = Message.filter(
        subject_id=alert.id, person_id=cast.tom.id, kind="alert_again", state="waiting"
    )
    assert {row.channel for row in await told} == {"email", "sms"}
    await alert.refresh_from_db()
    assert alert.acknowledged_by == cast.tom.id
    assert alert.react_at == cast.clock() + 15 * MINUTE, "taking it is no sign that they read it"
    await ALERTS.tick(cast.clock.advance(minutes=15))
    assert "ines" in await who(cast, alert.id)


async def test_who_reaches_the_child_in_the_moment_of_a_call_is_told_of_that_call(
    cast: Cast,
) -> None:
    alert = await asked_and_taken(cast)
    cast.clock.advance(seconds=20)
    reached = watch_alerts.log_attempt(
        cast.actor("tom"), alert.id, tried_now(attempt_rules.Result.REACHED), cast.clock()
    )
    no_fault(await together(ask(cast, note=AT_THE_DOOR), reached))
    assert await who(cast, alert.id) == {"tom"}
    await alert.refresh_from_db()
    assert alert.state == "contacted"
    assert alert.react_at is not None, "they may have spoken before the child called again"


@pytest.mark.parametrize("reads", [None, "what the page said"])
async def test_an_alert_is_not_closed_over_a_call_that_was_not_read(
    cast: Cast, reads: str | None
) -> None:
    alert = await asked_and_taken(cast)
    misses = None if reads is None else alert.misses
    cast.clock.advance(minutes=5)
    await ask(cast, note=AT_THE_DOOR)

    async def close() -> Alert:
        how = (cast.actor("tom"), alert.id, Outcome.SPOKE, "We spoke.", cast.clock())
        return await watch_alerts.close_alert(*how, misses=misses)

    cast.clock.advance(seconds=5)
    with pytest.raises(Conflict) as refused:
        await close()
    assert refused.value.code == "called_again"
    await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock.advance(minutes=2))
    if reads is not None:
        misses = (await Alert.get(id=alert.id)).misses
    assert (await close()).closed_at == cast.clock()


async def test_closing_in_the_moment_of_a_call_never_loses_the_call(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    cast.clock.advance(minutes=5)
    how = (cast.actor("tom"), alert.id, Outcome.SPOKE, "We spoke.", cast.clock())
    called, closed = await together(
        ask(cast, note=AT_THE_DOOR), watch_alerts.close_alert(*how, misses=alert.misses)
    )
    assert isinstance(called, httpx2.Response)
    assert called.status_code == 201
    [still] = await Alert.filter(cause="help", closed_at__isnull=True)
    assert ("tom", "sms") in {to[:2] for to in await new_messages(cast, still.id)}
    assert isinstance(closed, Conflict) == (still.id == alert.id)


async def test_a_page_that_had_not_shown_a_call_comes_back_with_it(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    tom, path = cast.browser_as("tom"), f"/desk/alerts/{alert.id}"
    cast.clock.advance(minutes=5)
    form = {"outcome": "spoke_to", "words": "We spoke.", "misses": str(alert.misses)}
    await ask(cast, note=AT_THE_DOOR)
    back = await tom.post(f"{path}/close", data=form)
    assert back.status_code == 409
    assert "called again. Read what they said" in back.text
    assert AT_THE_DOOR in back.text
    assert "We spoke." in back.text
    await alert.refresh_from_db()
    assert f'name="misses" value="{alert.misses}"' in back.text
    answer = await tom.post(f"{path}/close", data={**form, "misses": str(alert.misses)})
    assert answer.status_code == 303


async def test_the_api_says_that_the_child_called_again(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    tom, path = cast.client_as("tom"), f"/api/v1/alerts/{alert.id}/close"
    cast.clock.advance(minutes=5)
    await ask(cast, note=AT_THE_DOOR)
    body = {"outcome": "spoke_to", "words": "We spoke."}
    refused = await tom.post(path, json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "called_again")
    misses = (await tom.get(f"/api/v1/alerts/{alert.id}")).json()["misses"]
    assert (await tom.post(path, json={**body, "misses": misses})).status_code == 200


# --- a stronger wish, and other causes


@pytest.mark.parametrize("cause", [Cause.SILENCE, Cause.TALK, Cause.MISSING, Cause.CONCERN])
@pytest.mark.parametrize("tier", [Tier.HIGH, Tier.LOW])
async def test_help_is_told_to_who_has_an_alert_of_another_cause(
    cast: Cast, cause: Cause, tier: Tier
) -> None:
    await by_mail_and_sms(cast, "ines", "tom")
    other = await opened(cast, cause, tier)
    await alerts.acknowledge(cast.actor("ines"), other.id, cast.clock.advance(seconds=30))
    cast.clock.advance(seconds=30)
    assert (await ask(cast, note=AT_THE_DOOR)).status_code == 201
    [asked] = await Alert.filter(cause="help")
    told = await new_messages(cast, asked.id)
    for name in ("ines", "tom"):
        for channel in ("email", "sms"):
            assert (name, channel, "alert") in told


async def test_no_all_clear_for_those_who_are_told_of_the_call_for_help(cast: Cast) -> None:
    await by_mail_and_sms(cast, "ines", "tom")
    silence = await opened(cast, Cause.SILENCE, Tier.LOW)
    is_silent = {"tier": "low", "standing": "alerted", "is_alerted": True}
    await Watch.filter(child_id=cast.mia.id).update(**is_silent)
    await alerts.acknowledge(cast.actor("ines"), silence.id, cast.clock.advance(seconds=30))
    cast.clock.advance(seconds=30)
    assert (await ask(cast, note=AT_THE_DOOR)).status_code == 201
    await silence.refresh_from_db()
    assert silence.closed_at == cast.clock()
    [asked] = await Alert.filter(cause="help")
    assert await who(cast, asked.id) == {"tom", "ines"}
    clear = Message.filter(kind=Kind.ALL_CLEAR, state="waiting")
    assert not await clear.filter(person_id__in=[cast.tom.id, cast.ines.id]).exists()


async def test_a_wish_to_talk_again_calls_nobody_and_its_words_stand_on_the_alert(
    cast: Cast,
) -> None:
    await ask(cast, "talk", note="about school")
    cast.clock.advance(minutes=3)
    await ask(cast, "talk", note="and about my brother")
    assert await new_messages(cast) == set()
    [alert] = await Alert.all()
    page = await cast.browser_as("tom").get(f"/desk/alerts/{alert.id}")
    assert "about school" in page.text
    assert "and about my brother" in page.text


async def test_the_agreed_sign_again_is_told_to_who_has_it_and_its_words_stay_sealed(
    cast: Cast,
) -> None:
    sign = rules.agreed("b", None)
    await agreed_sign.agree(cast.actor("tom"), cast.children["mia"], sign, cast.clock())
    for words in ("first", "second words"):
        cast.clock.advance(minutes=2)
        body = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "mark": "b", "note": words}
        assert (await cast.client_as("mia").post("/api/v1/check-ins", json=body)).status_code == 201
        await listening.CHECK_INS.tick(cast.clock.advance(seconds=1))
        [alert] = await Alert.all()
        if words == "first":
            await by_mail_and_sms(cast, "ines")
            await alerts.acknowledge(cast.actor("ines"), alert.id, cast.clock())
    assert await who(cast) == {"ines"}
    page = await cast.browser_as("ines").get(f"/desk/alerts/{alert.id}")
    assert "second words" not in page.text
    api = await cast.client_as("ines").get(f"/api/v1/alerts/{alert.id}")
    assert "second words" not in api.text


# --- what is read of it


async def test_its_words_stand_on_the_page_in_the_api_and_in_why(cast: Cast) -> None:
    await ask(cast, note="please come")
    [alert] = await Alert.all()
    await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
    cast.clock.advance(seconds=20)
    await ask(cast, note=AT_THE_DOOR)
    page = await cast.browser_as("tom").get(f"/desk/alerts/{alert.id}")
    assert "please come" in page.text
    assert AT_THE_DOOR in page.text
    answer = (await cast.client_as("tom").get(f"/api/v1/alerts/{alert.id}")).json()
    assert [call["words"] for call in answer["calls"]] == ["please come", AT_THE_DOOR]
    assert answer["is_unread"]
    assert answer["react_at"] is not None
    why = await cast.browser_as("tom").get(f"/desk/children/{cast.mia.id}/why")
    assert AT_THE_DOOR in why.text


async def test_a_call_for_help_is_never_the_sign_of_life_of_its_alert(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    cast.clock.advance(seconds=20)
    await ask(cast, note=AT_THE_DOOR)
    got = (await cast.client_as("tom").get(f"/api/v1/alerts/{alert.id}")).json()
    assert "sign of life" not in got["sentence"]
    assert "again" in got["sentence"]
    cast.clock.advance(minutes=3)
    await ask(cast, "nothing")
    got = (await cast.client_as("tom").get(f"/api/v1/alerts/{alert.id}")).json()
    assert "last sign of life" in got["sentence"], "an answer that asks for nothing is one"


async def test_after_talk_and_then_help_the_sentence_is_help_too(cast: Cast) -> None:
    await ask(cast, "talk")
    cast.clock.advance(minutes=1)
    alert = await asked_and_taken(cast)
    got = (await cast.client_as("tom").get(f"/api/v1/alerts/{alert.id}")).json()
    assert got["sentence"].startswith("Asked for help")
    board = await cast.browser_as("tom").get("/desk/")
    assert "Asked for help" in board.text
    assert "Asked to talk" not in board.text
    page = await cast.browser_as("tom").get(f"/desk/alerts/{alert.id}")
    assert "Asked to talk" not in page.text


async def test_once_closed_a_call_is_a_new_alert(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    await watch_alerts.close_alert(
        cast.actor("tom"), alert.id, Outcome.SEEN, "I met them.", cast.clock.advance(minutes=1)
    )
    cast.clock.advance(seconds=10)
    await ask(cast, note=AT_THE_DOOR)
    assert await Alert.filter(cause="help", closed_at__isnull=True).count() == 1
    assert await who(cast) == {"tom"}


# --- a call that is old when it arrives


async def test_a_call_of_two_days_ago_says_when_it_was_said_and_when_it_arrived(
    cast: Cast,
) -> None:
    await by_mail_and_sms(cast, "tom")
    said_at = cast.clock()
    cast.clock.advance(days=2, hours=2)
    for name in ("mia", "tom"):
        await cast.new_token(name)
    await ask(cast, note=AT_THE_DOOR, said_at=said_at.isoformat())
    [alert] = await Alert.filter(cause="help")
    assert alert.said_at == said_at
    got = (await cast.client_as("tom").get(f"/api/v1/alerts/{alert.id}")).json()
    assert "arrived today " in got["sentence"]
    assert got["said_at"] == got["calls"][0]["said_at"]
    for path in ("/desk/", f"/desk/alerts/{alert.id}"):
        page = await cast.browser_as("tom").get(path)
        assert "arrived today " in page.text, path
    [message] = await Message.filter(subject_id=alert.id, channel="sms")
    assert message.data["said_at"] == said_at.isoformat()  # type: ignore[index]


async def test_a_late_call_while_an_adult_has_it_says_both_times_too(cast: Cast) -> None:
    alert = await asked_and_taken(cast)
    said_at = cast.clock() - timedelta(hours=3)
    cast.clock.advance(minutes=5)
    await ask(cast, note=AT_THE_DOOR, said_at=said_at.isoformat())
    assert await who(cast, alert.id) == {"tom"}
    [sms] = await Message.filter(subject_id=alert.id, channel="sms", kind="alert_again")
    assert sms.data["said_at"] == said_at.isoformat()  # type: ignore[index]
    got = (await cast.client_as("tom").get(f"/api/v1/alerts/{alert.id}")).json()
    assert "again" in got["sentence"]
    assert "arrived today" not in got["sentence"], "both times are of one day"
    assert "arrived" in got["sentence"]


async def test_a_call_of_now_by_a_phone_with_a_wrong_clock_says_one_time(cast: Cast) -> None:
    by_the_phone = (cast.clock() - timedelta(hours=3)).isoformat()
    await ask(cast, note=AT_THE_DOOR, said_at=by_the_phone, sent_at=by_the_phone)
    cast.clock.advance(minutes=2)
    await ask(cast, note=AT_THE_DOOR, said_at=by_the_phone, sent_at=by_the_phone)
    tom = cast.client_as("tom")
    [alert] = await Alert.filter(cause="help")
    assert (alert.said_at, alert.called_said_at) == (None, None)
    got = (await tom.get(f"/api/v1/alerts/{alert.id}")).json()
    assert "arrived" not in got["sentence"]
    page = await cast.browser_as("tom").get(f"/desk/alerts/{alert.id}")
    assert "arrived" not in page.text


async def test_a_fresh_call_says_one_time(cast: Cast) -> None:
    await ask(cast, note=AT_THE_DOOR)
    [alert] = await Alert.filter(cause="help")
    assert alert.said_at is None
    got = (await cast.client_as("tom").get(f"/api/v1/alerts/{alert.id}")).json()
    assert "arrived" not in got["sentence"]
