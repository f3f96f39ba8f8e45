"""After a restore: what a child had answered in time is told of as such, and no newer silence is
hidden by it, in whatever order ticker and phones come back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.missing.search.models import TimelineEntry
from server.missing.search.opening import Saying, open_episode
from server.notify.models import Message
from server.roll_calls.models import RollCall
from server.watch.models import RollCallWord, Round, Sighting, Watch
from tests.cast import Cast
from tests.fixtures import DrivenClock
from tests.records.test_epoch import Past, _again, _say, past

pytestmark = pytest.mark.alone
__all__ = ["past"]


async def _answered_in_time_and_lost(cast: Cast, past: Past) -> tuple[dict[str, Any], datetime]:
    """What the phone keeps, and when that round was due."""
    await past.keep()
    watch = await Watch.get(child_id=cast.mia.id)
    assert watch.due_at is not None
    cast.clock.set(watch.due_at - timedelta(minutes=10))
    return await _say(cast), watch.due_at


async def _tick_until(stage: Any, clock: DrivenClock, moment: datetime) -> None:
    clock.set(moment)
    await stage.ticker.first()


async def _lost_and_late(cast: Cast, stage: Any, past: Past) -> tuple[dict[str, Any], datetime]:
    """The same, and after the restore the ticker has taken the child for silent."""
    kept, due = await _answered_in_time_and_lost(cast, past)
    await past.put_back()
    await _tick_until(stage, past.clock, due + timedelta(hours=8))
    return kept, due


async def test_who_answered_in_time_was_not_late_once_the_phone_has_handed_it_in(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    kept, due = await _answered_in_time_and_lost(cast, past)
    then = clock()
    await past.put_back()
    await _tick_until(stage, clock, due + timedelta(hours=8))
    assert await Alert.exists(child_id=cast.mia.id, closed_at__isnull=True)
    assert (await _again(cast, kept)).status_code == 201
    answered = await Round.get(child_id=cast.mia.id, due_at=due)
    assert (answered.state, answered.settled_at) == ("answered", then)
    assert not (await CheckIn.get(id=kept["id"])).is_late
    assert not await Alert.exists(child_id=cast.mia.id, closed_at__isnull=True)
    watch = await Watch.get(child_id=cast.mia.id)
    assert (watch.standing, watch.answered_at, watch.sign_at) == ("well", then, then)
    # The app asks nobody whether they forgot it.
    me = (await cast.client_as("mia").get("/api/v1/me")).json()
    assert me["answered_late"] is None


async def test_an_earlier_round_is_answered_while_the_newer_one_stays_open(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    kept, due = await _answered_in_time_and_lost(cast, past)
    await past.put_back()
    await _tick_until(stage, clock, due + timedelta(hours=23, minutes=50))
    newer = due + timedelta(days=1)
    assert (await Round.get(child_id=cast.mia.id, due_at=newer)).state == "open"
    assert await Alert.exists(child_id=cast.mia.id, closed_at__isnull=True)
    assert (await _again(cast, kept)).status_code == 201
    states = await Round.filter(child_id=cast.mia.id, due_at__in=[due, newer]).order_by("due_at")
    assert [each.state for each in states] == ["answered", "open"]
    assert not await Alert.exists(child_id=cast.mia.id, closed_at__isnull=True)
    # And that one has its own silence.
    await _tick_until(stage, clock, newer + timedelta(hours=8))
    assert (await Round.get(child_id=cast.mia.id, due_at=newer)).state == "late"
    assert await Alert.filter(child_id=cast.mia.id, closed_at__isnull=True).count() == 1


async def test_a_phone_that_comes_before_the_first_look_hides_no_newer_silence(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    kept, due = await _answered_in_time_and_lost(cast, past)
    await past.put_back()
    clock.set(due + timedelta(days=2, hours=8))
    assert (await _again(cast, kept)).status_code == 201
    # What time has brought since is told at once: this answer does not settle it.
    assert await Alert.exists(child_id=cast.mia.id, closed_at__isnull=True)
    await stage.ticker.first()
    rounds = await Round.filter(child_id=cast.mia.id, due_at__gte=due).order_by("due_at").limit(3)
    assert [each.state for each in rounds] == ["answered", "late", "late"]
    alert = await Alert.get(child_id=cast.mia.id)
    assert alert.closed_at is None
    # It makes no difference which of the two came first.
    watch = await Watch.get(child_id=cast.mia.id)
    assert (watch.missed_due_at, watch.misses) == (due + timedelta(days=1), 2)


async def test_with_newer_rounds_late_the_silence_is_theirs_and_the_alert_stays(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    kept, due = await _answered_in_time_and_lost(cast, past)
    await past.put_back()
    await _tick_until(stage, clock, due + timedelta(days=2, hours=8))
    assert (await Watch.get(child_id=cast.mia.id)).misses == 3
    assert (await _again(cast, kept)).status_code == 201
    assert (await Round.get(child_id=cast.mia.id, due_at=due)).state == "answered"
    watch = await Watch.get(child_id=cast.mia.id)
    assert (watch.missed_due_at, watch.misses) == (due + timedelta(days=1), 2)
    assert watch.is_alerted
    assert await Alert.filter(child_id=cast.mia.id, closed_at__isnull=True).count() == 1


async def test_an_adult_who_looked_since_and_found_nobody_is_not_outweighed(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    kept, due = await _lost_and_late(cast, stage, past)
    await Sighting.create(
        child_id=cast.mia.id, by_id=cast.tom.id, by_role="caseworker", answer="not_seen",
        at=clock(), seen_at=clock(),
    )  # fmt: skip
    assert (await _again(cast, kept)).status_code == 201
    assert (await Round.get(child_id=cast.mia.id, due_at=due)).state == "answered"
    assert await Alert.exists(child_id=cast.mia.id, closed_at__isnull=True)


async def _home_says_not_here(cast: Cast) -> None:
    now = cast.clock()
    roll_call = await RollCall.create(
        id=uuid4(), agency_id=cast.agency.id, home_id=cast.home.id, due_at=now, asked_at=now,
        zone="UTC",
    )  # fmt: skip
    await RollCallWord.create(
        id=uuid4(), agency_id=cast.agency.id, roll_call_id=roll_call.id, child_id=cast.mia.id,
        word="not_here", said_at=now, at=now, by_id=cast.sam.id,
    )  # fmt: skip


async def test_a_home_that_said_not_here_since_is_not_outweighed(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    kept, due = await _lost_and_late(cast, stage, past)
    await _home_says_not_here(cast)
    assert (await _again(cast, kept)).status_code == 201
    assert (await Round.get(child_id=cast.mia.id, due_at=due)).state == "answered"
    assert await Alert.exists(child_id=cast.mia.id, closed_at__isnull=True)
    assert (await Watch.get(child_id=cast.mia.id)).is_alerted
    # The next round is asked for, and late, as always.
    await _tick_until(stage, clock, due + timedelta(days=1, hours=8))
    assert (await Round.get(child_id=cast.mia.id, due_at=due + timedelta(days=1))).state == "late"


async def test_who_was_to_be_called_before_the_first_look_is_called_at_it(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    """The answer came after the moment at which adults were to be called, for another reason than a
    miss. The phone comes before the ticker."""
    await past.keep()
    watch = await Watch.get(child_id=cast.mia.id)
    assert watch.due_at is not None
    clock.set(watch.due_at + timedelta(hours=8))
    kept = await _say(cast)
    await past.put_back()
    clock.advance(minutes=2)  # Else it was on its way, and nothing came between.
    alarm_at = watch.due_at - timedelta(hours=1)
    await Watch.filter(child_id=cast.mia.id).update(alarm_at=alarm_at, alarm_why="unusual")
    assert (await _again(cast, kept)).status_code == 201
    await _tick_until(stage, clock, clock() + timedelta(minutes=5))
    assert await Alert.exists(child_id=cast.mia.id, closed_at__isnull=True)


async def test_who_is_to_be_called_for_another_reason_than_a_miss_still_is(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    kept, due = await _answered_in_time_and_lost(cast, past)
    await past.put_back()
    clock.advance(minutes=2)  # Else it was on its way, and nothing came between.
    alarm_at = due + timedelta(hours=2)
    calls = {"alarm_at": alarm_at, "alarm_why": "not_here", "next_action_at": clock()}
    await Watch.filter(child_id=cast.mia.id).update(**calls)
    await _home_says_not_here(cast)
    assert (await _again(cast, kept)).status_code == 201
    assert (await Watch.get(child_id=cast.mia.id)).alarm_at == alarm_at
    await _tick_until(stage, clock, alarm_at)
    assert await Alert.exists(child_id=cast.mia.id, closed_at__isnull=True)


async def _open_alerts(cast: Cast) -> list[Any]:
    rows = Alert.filter(child_id=cast.mia.id, closed_at__isnull=True).order_by("id")
    return list(await rows.values_list("cause", "state"))


async def test_an_old_word_is_no_sign_of_life_of_now_in_a_search(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    kept, _ = await _lost_and_late(cast, stage, past)
    opened = Saying(clock())
    episode, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), opened, clock())
    told = await Message.filter(child_id=cast.mia.id).count()
    alerts = await _open_alerts(cast)
    clock.advance(minutes=10)
    assert (await _again(cast, kept)).status_code == 201
    assert await Message.filter(child_id=cast.mia.id).count() == told
    assert not await TimelineEntry.exists(episode_id=episode.id, what="sign_of_life")
    assert await _open_alerts(cast) == alerts


async def test_an_answer_in_time_that_comes_after_a_later_one_was_in_time(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    kept, due = await _answered_in_time_and_lost(cast, past)
    then = clock()
    await past.put_back()
    await _tick_until(stage, clock, due + timedelta(hours=8))
    later = await _say(cast)
    assert (await Round.get(child_id=cast.mia.id, due_at=due)).state == "answered_late"
    assert (await _again(cast, kept)).status_code == 201
    answered = await Round.get(child_id=cast.mia.id, due_at=due)
    assert (answered.state, answered.settled_at) == ("answered", then)
    # So the later one was not late either: what it had settled was answered before.
    assert not (await CheckIn.get(id=later["id"])).is_late


async def test_a_later_answer_stays_late_for_what_it_alone_has_answered(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    kept, due = await _answered_in_time_and_lost(cast, past)
    await past.put_back()
    await _tick_until(stage, clock, due + timedelta(days=1, hours=8))
    later = await _say(cast)
    assert (await _again(cast, kept)).status_code == 201
    states = await Round.filter(child_id=cast.mia.id, due_at__gte=due).order_by("due_at").limit(2)
    assert [each.state for each in states] == ["answered", "answered_late"]
    assert (await CheckIn.get(id=later["id"])).is_late
