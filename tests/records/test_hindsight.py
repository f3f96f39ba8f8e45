"""After a restore: what a child had answered in time is told of as such, and no newer silence is
hidden by it, in whatever order ticker and phones come back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.watch.models import Round, Sighting, Watch
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
    assert not await Alert.exists(child_id=cast.mia.id)
    await stage.ticker.first()
    rounds = await Round.filter(child_id=cast.mia.id, due_at__gte=due).order_by("due_at").limit(3)
    assert [each.state for each in rounds] == ["answered", "late", "late"]
    alert = await Alert.get(child_id=cast.mia.id)
    assert alert.closed_at is None
    assert alert.opened_at > due + timedelta(days=1)


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
    kept, due = await _answered_in_time_and_lost(cast, past)
    await past.put_back()
    await _tick_until(stage, clock, due + timedelta(hours=8))
    await Sighting.create(
        child_id=cast.mia.id, by_id=cast.tom.id, by_role="caseworker", answer="not_seen",
        at=clock(), seen_at=clock(),
    )  # fmt: skip
    assert (await _again(cast, kept)).status_code == 201
    assert (await Round.get(child_id=cast.mia.id, due_at=due)).state == "answered"
    assert await Alert.exists(child_id=cast.mia.id, closed_at__isnull=True)
