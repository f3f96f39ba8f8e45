"""What people tried: logged once, carried into the search, and never enough by voice alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.alerts import actions as alerts
from server.alerts import climbing
from server.alerts.attempt_rules import Result, Target, Tried, Way
from server.alerts.ladder import Cause, Outcome, State
from server.alerts.models import Alert, Attempt
from server.alerts.opening import Opening, open_alerts
from server.alerts.recipients import policy_of
from server.alerts.tried import attempts_by_alert
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.errors import Conflict, NotFound, Refused
from server.missing.search import timeline
from server.missing.search.attempt_lines import MOST_CARRIED
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.opening import Saying, open_episode
from server.notify.models import Message
from server.people import actions as people
from server.people.actions import disable_person
from server.policy.model import Tier
from server.storage.db import write
from server.tasks.models import Task
from server.watch import watch_alerts
from tests.cast import Cast
from tests.races import no_fault, together

HOUR = timedelta(hours=1)


@pytest.fixture
async def alert(cast: Cast) -> Alert:
    """Mia's silence at the high level, told to Tom."""
    return await opened(cast)


async def opened(cast: Cast, cause: Cause = Cause.SILENCE, tier: Tier = Tier.HIGH) -> Alert:
    silence = Opening(
        child_id=cast.mia.id,
        agency_id=cast.mia.agency_id,
        cause=cause,
        tier=tier,
        reason="carer_silent",
        opened_at=cast.clock(),
    )
    policy, _ = await policy_of(cast.mia.agency_id)
    async with write():
        [alert] = await open_alerts([silence], {cast.mia.agency_id: policy}, cast.clock())
    return alert


def a_call(**other: Any) -> dict[str, Any]:
    made = {"id": str(uuid4()), "way": "call", "target": "home", "result": "no_answer"}
    return {**made, **other}


async def log(cast: Cast, name: str, alert: Alert, **other: Any) -> Attempt:
    body = a_call(**other)
    tried = Tried(
        UUID(body["id"]),
        Way(body["way"]),
        Target(body["target"]),
        Result(body["result"]),
        body.get("words"),
        body.get("at"),
    )
    return await watch_alerts.log_attempt(cast.actor(name), alert.id, tried, cast.clock())


async def test_an_attempt_is_logged_once_however_often_it_is_sent(cast: Cast, alert: Alert) -> None:
    body = a_call(words="The line was busy.")
    async with cast.client_as("tom") as tom:
        path = f"/api/v1/alerts/{alert.id}/attempts"
        first = await tom.post(path, json=body)
        cast.clock.advance(minutes=1)
        again = await tom.post(path, json=body)
        other = await tom.post(path, json={**body, "result": "reached"})
    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 409)
    [attempt] = again.json()["attempts"]
    assert attempt == first.json()["attempts"][0]
    assert (attempt["who"]["name"], attempt["words"]) == ("Tom Verhoeven", "The line was busy.")
    assert await Entry.filter(what="alert:attempt", child_id=cast.mia.id).count() == 1
    assert (await Alert.get(id=alert.id)).state == State.OPEN


async def test_two_people_at_once_both_stand_and_one_tap_sent_twice_at_once_is_one(
    cast: Cast, alert: Alert
) -> None:
    same = str(uuid4())
    answers = await together(
        log(cast, "tom", alert, id=same),
        log(cast, "tom", alert, id=same),
        log(cast, "ines", alert, target="school"),
    )
    no_fault(answers)
    assert await Attempt.filter(alert_id=alert.id).count() == 2


async def test_a_time_in_the_future_and_a_line_too_long_are_refused(
    cast: Cast, alert: Alert
) -> None:
    async with cast.client_as("tom") as tom:
        path = f"/api/v1/alerts/{alert.id}/attempts"
        later = (cast.clock() + HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (await tom.post(path, json=a_call(at=later))).status_code == 422
        assert (await tom.post(path, json=a_call(words="x" * 501))).status_code == 422
        assert (await tom.post(path, json=a_call(way="shout"))).status_code == 422
    assert not await Attempt.exists()


@pytest.mark.parametrize(
    ("name", "status"), [("ines", 200), ("sam", 403), ("ada", 404), ("eve", 404), ("root", 404)]
)
async def test_only_those_who_may_act_log(cast: Cast, alert: Alert, name: str, status: int) -> None:
    async with cast.client_as(name) as client:
        answer = await client.post(f"/api/v1/alerts/{alert.id}/attempts", json=a_call())
    assert answer.status_code == status


async def test_a_child_reached_by_voice_is_contacted_and_who_reached_them_has_the_alert(
    cast: Cast, alert: Alert
) -> None:
    await log(cast, "ines", alert, target="child", result="reached")
    held = await Alert.get(id=alert.id)
    assert (held.state, held.acknowledged_by, held.closed_at) == (
        State.CONTACTED,
        cast.ines.id,
        None,
    )
    assert (held.contacted_at, held.contacted_by) == (cast.clock(), cast.ines.id)
    waiting = Message.filter(subject_id=alert.id, state="waiting", kind__in=["alert"])
    assert await waiting.count() == 0
    # That lapses: the ladder goes on, and the child is still contacted and not seen.
    assert held.held_until is not None
    cast.clock.set(held.held_until)
    await climbing.ALERTS.tick(cast.clock())
    after = await Alert.get(id=alert.id)
    assert (after.state, after.acknowledged_by) == (State.CONTACTED, None)
    assert after.rung > held.rung


async def test_the_person_who_has_it_keeps_it_when_another_reaches_the_child(
    cast: Cast, alert: Alert
) -> None:
    async with cast.client_as("tom") as tom:
        await tom.post(f"/api/v1/alerts/{alert.id}/acknowledge", json={})
    await log(cast, "ines", alert, target="home", result="reached")
    held = await Alert.get(id=alert.id)
    assert (held.state, held.acknowledged_by) == (State.CONTACTED, cast.tom.id)
    assert held.contacted_by == cast.ines.id


@pytest.mark.parametrize(
    "other",
    [
        {"way": "visit", "result": "reached"},
        {"way": "call", "result": "other_answered"},
        {"way": "text", "result": "no_answer"},
    ],
)
async def test_nothing_else_makes_a_child_contacted(
    cast: Cast, alert: Alert, other: dict[str, str]
) -> None:
    await log(cast, "tom", alert, target="child", **other)
    assert (await Alert.get(id=alert.id)).state == State.OPEN


async def test_a_child_who_wanted_to_talk_was_heard_when_reached(cast: Cast) -> None:
    talk = await opened(cast, Cause.TALK)
    await log(cast, "tom", talk, target="child", result="reached")
    assert (await Alert.get(id=talk.id)).state == State.OPEN


async def test_at_the_high_level_a_voice_alone_does_not_close_a_silence(
    cast: Cast, alert: Alert
) -> None:
    with pytest.raises(Refused) as refused:
        await watch_alerts.close_alert(
            cast.actor("tom"), alert.id, Outcome.SPOKE, "On the phone.", cast.clock()
        )
    assert refused.value.field == "outcome"
    assert (await Alert.get(id=alert.id)).closed_at is None


async def test_a_voice_closes_a_silence_at_the_other_levels(cast: Cast) -> None:
    alert = await opened(cast, tier=Tier.MID)
    closed = await watch_alerts.close_alert(
        cast.actor("tom"), alert.id, Outcome.SPOKE, "On the phone.", cast.clock()
    )
    assert closed.closed_at is not None


async def test_what_was_tried_stands_in_the_search_once_with_who_and_when(
    cast: Cast, alert: Alert
) -> None:
    before = await log(cast, "tom", alert, words="Rang for two minutes.")
    tried_at = cast.clock()
    cast.clock.advance(minutes=5)
    episode, _ = await open_episode(
        cast.actor("ines"), cast.mia.id, uuid4(), Saying(cast.clock()), cast.clock()
    )
    cast.clock.advance(minutes=5)
    body = {"way": "visit", "target": "school", "result": "no_answer", "id": str(uuid4())}
    later = await log(cast, "ines", alert, **body)
    await log(cast, "ines", alert, **body)
    lines = await TimelineEntry.filter(episode_id=episode.id, what="attempt").order_by("number")
    assert [line.id for line in lines] == [before.id, later.id]
    assert [(line.who_id, line.words) for line in lines] == [
        (cast.tom.id, "Rang for two minutes."),
        (cast.ines.id, None),
    ]
    assert lines[0].at == tried_at
    assert lines[0].details == {"how": "call", "target": "home", "result": "no_answer"}


async def test_what_was_tried_goes_along_when_the_alert_is_closed_as_missing(
    cast: Cast, alert: Alert
) -> None:
    attempt = await log(cast, "tom", alert)
    await watch_alerts.close_alert(
        cast.actor("tom"), alert.id, Outcome.MISSING, "Her bag is gone.", cast.clock()
    )
    episode = await Episode.get(child_id=cast.mia.id)
    assert await TimelineEntry.filter(episode_id=episode.id, id=attempt.id).count() == 1
    missing = await Alert.get(child_id=cast.mia.id, closed_at__isnull=True)
    async with cast.client_as("tom") as tom:
        page = await tom.get(f"/desk/alerts/{missing.id}")
    assert "Called · The home" in page.text


async def eve_is_called(cast: Cast, alert: Alert) -> None:
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.eve.id, cast.clock())
    cast.clock.advance(minutes=30)
    await climbing.ALERTS.tick(cast.clock())
    assert await Message.exists(subject_id=alert.id, person_id=cast.eve.id)
    await cast.new_token("eve")


async def test_a_deputy_without_a_tie_calls_logs_and_after_the_end_loses_nothing(
    cast: Cast, alert: Alert
) -> None:
    await eve_is_called(cast, alert)
    async with cast.client_as("eve") as eve:
        desk, path = f"/desk/alerts/{alert.id}", f"/api/v1/alerts/{alert.id}/attempts"
        assert (await eve.get(f"{desk}/numbers")).status_code == 200
        assert (await eve.post(path, json=a_call())).status_code == 200
        # The caseworker was faster, while this was typed.
        await watch_alerts.close_alert(
            cast.actor("tom"), alert.id, Outcome.SEEN, "At home.", cast.clock()
        )
        assert (await eve.get(f"{desk}/numbers")).status_code == 404
        form = {"id": str(uuid4()), "tried": "call:child", "result": "no_answer"}
        odd = await eve.post(f"{desk}/attempts", data=form | {"result": "", "words": "No light."})
        assert odd.status_code == 422
        assert 'value="No light."' in odd.text
        assert "Choose what came of it." in odd.text
        late = await eve.post(f"{desk}/attempts", data=form)
        assert "What you tried is logged with this alert" in late.text
        cast.clock.advance(hours=13)
        await cast.new_token("eve")
    async with cast.client_as("eve") as eve:
        assert (await eve.post(path, json=a_call())).status_code == 404
    assert await Attempt.filter(alert_id=alert.id, who_id=cast.eve.id).count() == 2
    assert (await Alert.get(id=alert.id)).state == State.CLOSED


async def test_a_call_that_is_over_moves_nothing_in_a_later_search(
    cast: Cast, alert: Alert
) -> None:
    await eve_is_called(cast, alert)
    await watch_alerts.close_alert(cast.actor("tom"), alert.id, Outcome.SEEN, None, cast.clock())
    cast.clock.advance(minutes=5)
    said = Saying(cast.clock())
    episode, _ = await open_episode(cast.actor("ines"), cast.mia.id, uuid4(), said, cast.clock())
    clocks = await clocks_of(episode.id)
    cast.clock.advance(minutes=5)
    async with cast.client_as("eve") as eve:
        late = await eve.post(f"/api/v1/alerts/{alert.id}/attempts", json=a_call())
    assert late.status_code == 200
    assert await clocks_of(episode.id) == clocks
    assert not await TimelineEntry.filter(episode_id=episode.id, what="attempt").exists()


async def test_a_late_line_about_an_alert_closed_as_missing_is_kept_and_moves_no_clock(
    cast: Cast, alert: Alert
) -> None:
    await eve_is_called(cast, alert)
    await watch_alerts.close_alert(cast.actor("tom"), alert.id, Outcome.MISSING, None, cast.clock())
    episode = await Episode.get(child_id=cast.mia.id)
    clocks = await clocks_of(episode.id)
    cast.clock.advance(minutes=5)
    await log(cast, "eve", alert)
    assert await clocks_of(episode.id) == clocks
    assert await TimelineEntry.filter(episode_id=episode.id, what="attempt").count() == 1


async def clocks_of(episode_id: UUID) -> set[tuple[str, str, datetime]]:
    rows = await Task.filter(subject_id=episode_id).values_list("kind", "state", "due_at")
    return {(kind, state, due_at) for kind, state, due_at in rows}


async def test_an_id_that_another_search_has_keeps_no_attempt_out_of_this_one(
    cast: Cast, alert: Alert
) -> None:
    said = Saying(cast.clock())
    other, _ = await open_episode(cast.actor("tom"), cast.noor.id, uuid4(), said, cast.clock())
    attempt = await log(cast, "tom", alert, words="Nobody opened.")
    entry = {"id": str(attempt.id), "what": "note", "words": "Something else."}
    async with cast.client_as("ines") as ines:
        path = f"/api/v1/children/{cast.noor.id}/episodes/{other.id}/entries"
        assert (await ines.post(path, json=entry)).status_code == 201
    episode, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), said, cast.clock())
    [line] = await TimelineEntry.filter(episode_id=episode.id, what="attempt")
    assert (line.words, line.who_id) == ("Nobody opened.", cast.tom.id)


async def test_of_very_many_attempts_the_latest_are_carried_over_in_their_order(
    cast: Cast, alert: Alert, caplog: pytest.LogCaptureFixture
) -> None:
    first = await log(cast, "tom", alert)
    held = {name: getattr(first, name) for name in Attempt._meta.fields_db_projection}
    later = [
        Attempt(**held | {"id": uuid4(), "at": first.at + timedelta(seconds=n)})
        for n in range(1, MOST_CARRIED + 1)
    ]
    await Attempt.bulk_create(later)
    saying = Saying(cast.clock())
    caplog.set_level("DEBUG", logger="tortoise.db_client")
    episode, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), saying, cast.clock())
    assert len(caplog.records) < MOST_CARRIED, "no statement for each attempt"
    lines = TimelineEntry.filter(episode_id=episode.id, what="attempt").order_by("number")
    assert [line.id for line in await lines] == [attempt.id for attempt in later]
    assert await timeline.verify() is None
    told = (await attempts_by_alert([alert.id]))[alert.id]
    assert [attempt.id for attempt in told] == [attempt.id for attempt in later]
    noted = Entry.filter(what="episode:attempt", who_id=cast.tom.id, child_id=cast.mia.id)
    assert await noted.count() == MOST_CARRIED


async def test_who_lost_the_right_meanwhile_holds_nothing_by_a_call_to_the_child(
    cast: Cast, alert: Alert
) -> None:
    # Eve's glass ended after her request was let in.
    with pytest.raises(NotFound):
        await alerts.acknowledge(cast.actor("eve"), alert.id, cast.clock())
    next_at = (await Alert.get(id=alert.id)).next_action_at
    await log(cast, "eve", alert, target="child", result="reached")
    held = await Alert.get(id=alert.id)
    assert (held.state, held.contacted_by) == (State.CONTACTED, cast.eve.id)
    assert (held.acknowledged_by, held.next_action_at) == (None, next_at)


async def test_a_call_for_help_in_hand_hides_no_silence_that_nobody_has(
    cast: Cast, alert: Alert
) -> None:
    call = await opened(cast, cause=Cause.HELP)
    await log(cast, "tom", call, target="child", result="reached")
    async with cast.browser_as("ines") as ines:
        assert "1 needs action now" in (await ines.get("/desk/")).text
        assert "Mia Castellane" in (await ines.get("/desk/?group=now")).text
        await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
        assert "1 in hand" in (await ines.get("/desk/")).text


async def test_a_called_person_who_was_offboarded_logs_nothing(cast: Cast, alert: Alert) -> None:
    await eve_is_called(cast, alert)
    async with cast.client_as("eve") as eve:
        await disable_person(cast.actor("root"), cast.agency.id, cast.eve.id, cast.clock())
        answer = await eve.post(f"/api/v1/alerts/{alert.id}/attempts", json=a_call())
    assert answer.status_code == 401
    assert not await Attempt.exists()


async def test_a_voice_and_a_take_in_one_moment_leave_one_holder_and_a_contact(
    cast: Cast, alert: Alert
) -> None:
    reached, taken = await together(
        log(cast, "tom", alert, target="child", result="reached"),
        alerts.acknowledge(cast.actor("ines"), alert.id, cast.clock()),
    )
    assert isinstance(reached, Attempt)
    held = await Alert.get(id=alert.id)
    assert (held.state, held.contacted_by) == (State.CONTACTED, cast.tom.id)
    is_late = isinstance(taken, Conflict)
    assert held.acknowledged_by == (cast.tom.id if is_late else cast.ines.id)


async def test_an_attempt_and_the_end_in_one_moment_both_stand(cast: Cast, alert: Alert) -> None:
    answers = await together(
        log(cast, "ines", alert, target="child", result="reached"),
        watch_alerts.close_alert(
            cast.actor("tom"), alert.id, Outcome.SEEN, "At home.", cast.clock()
        ),
    )
    no_fault(answers)
    held = await Alert.get(id=alert.id)
    assert (held.state, held.outcome, held.next_action_at) == (State.CLOSED, "seen", None)
    assert await Attempt.filter(alert_id=alert.id).count() == 1


async def test_two_reports_in_one_moment_carry_an_attempt_over_once(
    cast: Cast, alert: Alert
) -> None:
    attempt = await log(cast, "tom", alert)
    said = Saying(cast.clock())
    answers = await together(
        open_episode(cast.actor("ines"), cast.mia.id, uuid4(), said, cast.clock()),
        open_episode(cast.actor("tom"), cast.mia.id, uuid4(), said, cast.clock()),
        log(cast, "ines", alert, target="school"),
    )
    no_fault(answers)
    lines = await TimelineEntry.filter(what="attempt").order_by("number")
    assert len(lines) == 2
    assert attempt.id in {line.id for line in lines}


async def test_a_child_contacted_who_then_answers_waits_for_a_person_to_confirm(
    cast: Cast, alert: Alert
) -> None:
    await log(cast, "tom", alert, target="child", result="reached")
    until = (await Alert.get(id=alert.id)).held_until
    async with write():
        await alerts.answered([cast.mia.id], cast.clock())
    held = await Alert.get(id=alert.id)
    assert (held.state, held.acknowledged_by, held.held_until) == (
        State.ANSWERED,
        cast.tom.id,
        until,
    )
    closed = await watch_alerts.close_alert(
        cast.actor("tom"), alert.id, Outcome.SPOKE, "And on the phone.", cast.clock()
    )
    assert closed.outcome == "spoke_to"
