"""An answer that was said a while ago is kept, and closes no alert of now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from server.alerts.models import Alert
from server.audit.models import Entry
from server.checkin import actions
from server.checkin.fast import FastLane
from server.checkin.models import CheckIn
from server.checkin.rules import Answer
from server.checkin.slow_lane import SlowLane
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.rules import Role
from server.policy.levels import Way
from server.policy.model import Tier
from server.watch import actions as watches
from server.watch import ticking
from server.watch.models import Beat, Blind, Round, Watch
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.checkin.test_actions import at

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)  # Of Mia's round: 18:00 in Paris.
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest_asyncio.fixture(autouse=True)
async def lanes(cast: Cast) -> AsyncIterator[None]:
    fast = FastLane(cast.clock)
    await fast.open()
    cast.app.state.lanes = (fast, SlowLane(cast.clock))
    yield
    await fast.close()


async def post(cast: Cast, said_at: datetime, **more: Any) -> dict[str, Any]:
    body = {"id": str(uuid4()), "said_at": said_at.isoformat(), "mark": "a", **more}
    answer = await cast.client_as("mia").post("/api/v1/check-ins", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def silence(cast: Cast) -> Alert:
    return await Alert.get(child_id=cast.mia.id, cause="silence")


async def mia(cast: Cast) -> Watch:
    return await Watch.get(child_id=cast.mia.id)


async def states(cast: Cast) -> list[str]:
    rows = await Round.filter(child_id=cast.mia.id).order_by("due_at")
    return [row.state for row in rows]


async def in_tier(cast: Cast, tier: Tier) -> None:
    rhythm = {"at": ["18:00"]} if tier is not Tier.HIGH else {"at": ["09:00", "18:00"]}
    asked = agreements.TierRequest(tier, rhythm=rhythm)
    await agreements.set_tier(cast.actor("tom"), cast.mia.id, asked, cast.clock())


@pytest.mark.parametrize("tier", list(Tier))
async def test_an_answer_of_days_ago_closes_no_alert_of_now(cast: Cast, tier: Tier) -> None:
    await in_tier(cast, tier)
    await at(cast, DUE + 3 * DAY)
    before = await silence(cast)
    told = await post(cast, DUE - 6 * HOUR, sent_at=cast.clock().isoformat())
    after = await silence(cast)
    assert (after.state, after.closed_at, after.answered_at) == (before.state, None, None)
    assert (after.next_action_at, after.misses) == (before.next_action_at, before.misses)
    assert not await Message.filter(kind=Kind.ALL_CLEAR).exists()
    assert set(await states(cast)) <= {"late", "open"}
    assert (told["is_old"], told["standing"]) == (True, "late")
    watch = await mia(cast)
    assert watch.is_alerted
    assert (watch.old_came_at, watch.old_said_at) == (cast.clock(), DUE - 6 * HOUR)
    assert await Entry.filter(what="check_in", child_id=cast.mia.id).exists()
    listed = await cast.client_as("mia").get("/api/v1/check-ins")
    [row] = listed.json()["check_ins"]
    assert (row["is_old"], row["spoken_at"]) == (True, "2026-03-02T11:00:00Z")


async def test_it_settles_the_rounds_that_had_opened_when_it_was_said(cast: Cast) -> None:
    await at(cast, DUE + 3 * DAY)
    missed = await states(cast)
    assert missed == ["late", "late", "late", "open"]
    told = await post(cast, DUE + DAY - HOUR, sent_at=cast.clock().isoformat())
    assert await states(cast) == ["answered_late", "answered_late", "late", "open"]
    watch = await mia(cast)
    assert (watch.missed_due_at, watch.misses) == (DUE + 2 * DAY, 1)
    assert watch.late_at == (await Round.get(child_id=cast.mia.id, due_at=DUE + 2 * DAY)).late_at
    assert (watch.sign_at, watch.answered_at) == (DUE + DAY - HOUR, DUE + DAY - HOUR)
    assert (await silence(cast)).closed_at is None
    assert (await CheckIn.get(id=told["id"])).is_late


async def test_an_alert_of_now_stays_while_the_round_that_is_due_waits_in_its_grace(
    cast: Cast,
) -> None:
    await at(cast, DUE + DAY + MINUTE)
    await post(cast, DUE + HOUR, sent_at=cast.clock().isoformat())
    assert await states(cast) == ["answered_late", "open"]
    assert (await silence(cast)).closed_at is None
    watch = await mia(cast)
    assert (watch.is_alerted, watch.missed_due_at) == (True, None)
    # Its silence goes on, and joins.
    await at(cast, DUE + DAY + 6 * HOUR)
    watch = await mia(cast)
    assert (watch.is_alerted, watch.missed_due_at) == (True, DUE + DAY)
    assert await Alert.filter(child_id=cast.mia.id).count() == 1


async def test_one_that_was_said_after_the_latest_round_had_opened_closes_it(cast: Cast) -> None:
    await at(cast, DUE + 20 * HOUR)
    told = await post(cast, DUE + 2 * HOUR, sent_at=cast.clock().isoformat())
    assert (await silence(cast)).closed_at is not None
    assert "is_old" not in told
    assert (await mia(cast)).answered_at == DUE + 2 * HOUR


async def test_a_wrong_clock_is_told_from_an_old_answer(cast: Cast) -> None:
    for off in (-2000 * DAY, -3 * HOUR, 3 * HOUR, 500 * DAY):
        await at(cast, cast.clock() + 2 * DAY)
        assert await Alert.filter(child_id=cast.mia.id, closed_at__isnull=True).exists()
        theirs = cast.clock() + off
        told = await post(cast, theirs, sent_at=(theirs + 2 * timedelta(seconds=1)).isoformat())
        assert not await Alert.filter(child_id=cast.mia.id, closed_at__isnull=True).exists()
        row = await CheckIn.get(id=told["id"])
        assert (row.said_at, row.spoken_at) == (theirs, cast.clock() - timedelta(seconds=2))


@pytest.mark.parametrize("sent", [None, -HOUR])
async def test_words_from_the_future_settle_what_is_open_and_close_no_alert(
    cast: Cast, sent: timedelta | None
) -> None:
    """Nobody can know when they were said."""

    def ahead() -> tuple[datetime, dict[str, Any]]:
        said_at = cast.clock() + HOUR
        return said_at, {} if sent is None else {"sent_at": (said_at + sent).isoformat()}

    await at(cast, DUE - HOUR)
    said_at, more = ahead()
    await post(cast, said_at, **more)
    assert await states(cast) == ["answered"]
    await at(cast, DUE + 3 * DAY)
    said_at, more = ahead()
    told = await post(cast, said_at, **more)
    assert told["is_old"]
    assert (await silence(cast)).closed_at is None
    assert (await CheckIn.get(id=told["id"])).spoken_at is None


async def test_without_the_time_of_sending_the_time_of_saying_counts(cast: Cast) -> None:
    await at(cast, DUE + 3 * DAY)
    await post(cast, DUE)
    assert (await silence(cast)).closed_at is None
    await post(cast, cast.clock() - MINUTE)
    assert (await silence(cast)).closed_at is not None


async def test_a_call_for_help_counts_whenever_it_was_said(cast: Cast) -> None:
    await at(cast, DUE + 3 * DAY)
    await post(cast, DUE - DAY, sent_at=cast.clock().isoformat(), want="help")
    alerts = await Alert.filter(child_id=cast.mia.id, closed_at__isnull=True)
    assert {alert.cause for alert in alerts} == {"help", "silence"}


@pytest.mark.parametrize("is_over", [True, False])
async def test_time_in_which_our_server_was_down_does_not_make_an_answer_old(
    cast: Cast, is_over: bool
) -> None:
    """The phone tried all the time, and the tick may not have run yet."""
    await at(cast, DUE - 5 * HOUR)
    down = cast.clock() + MINUTE
    cast.clock.set(DUE + 20 * HOUR)
    if is_over:
        await Blind.create(from_at=down, until_at=cast.clock())
    else:
        await Beat.create(name=ticking.TICK, at=down)
    told = await post(cast, down + MINUTE, sent_at=cast.clock().isoformat())
    assert "is_old" not in told
    assert await states(cast) == ["answered_late"]
    assert not await Alert.filter(child_id=cast.mia.id).exists()


async def test_the_same_answer_sent_at_another_time_is_a_repeat(cast: Cast) -> None:
    for more in ({}, {"want": "talk"}):
        body = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), **more}
        first, again = [
            await cast.client_as("mia").post(
                "/api/v1/check-ins",
                json={**body, "sent_at": (cast.clock() + hours * HOUR).isoformat()},
            )
            for hours in (0, 2)
        ]
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.content == again.content


async def test_who_looked_in_vain_since_counts_for_more(cast: Cast) -> None:
    await at(cast, DUE + 4 * HOUR)
    looked = watches.SightingRequest(uuid4(), "not_seen")
    await watches.note_sighting(cast.actor("sam"), cast.mia.id, Role.CARER, looked, cast.clock())
    await at(cast, DUE + 6 * HOUR)
    told = await post(cast, DUE + 2 * HOUR, sent_at=cast.clock().isoformat())
    assert (await silence(cast)).closed_at is None
    assert told["is_old"]
    assert await states(cast) == ["answered_late"]


async def test_what_an_adult_heard_long_ago_closes_nothing_either(cast: Cast) -> None:
    await at(cast, DUE + 3 * DAY)
    body = {"id": str(uuid4()), "said_at": (DUE - DAY).isoformat()}
    cast.tokens["tom"] = await cast.new_token("tom")
    path = f"/api/v1/children/{cast.mia.id}/check-ins"
    assert (await cast.client_as("tom").post(path, json=body)).status_code == 201
    assert (await silence(cast)).closed_at is None
    assert (await mia(cast)).answered_at is None


async def test_an_old_answer_that_comes_before_the_tick_hides_nothing(cast: Cast) -> None:
    """What time has brought in this moment is told: the answer does not settle it."""
    await at(cast, DUE - 3 * HOUR)
    cast.clock.set(DUE + 3 * DAY)
    await post(cast, DUE - 4 * HOUR, sent_at=cast.clock().isoformat())
    alert = await silence(cast)
    assert alert.closed_at is None
    assert await Message.filter(subject_id=alert.id, kind=Kind.ALERT).exists()


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_in_any_order_of_arrival_the_same_rounds_are_settled(
    cast: Cast, order: tuple[int, ...]
) -> None:
    await at(cast, DUE + 3 * DAY)
    said = [DUE - DAY, DUE - HOUR, DUE + DAY + HOUR]
    for place in order:
        await post(cast, said[place], sent_at=cast.clock().isoformat())
    assert await states(cast) == ["answered_late", "answered_late", "late", "open"]
    watch = await mia(cast)
    assert (watch.sign_at, watch.answered_at) == (said[2], said[2])
    assert (watch.missed_due_at, watch.misses, watch.is_alerted) == (DUE + 2 * DAY, 1, True)
    assert (await silence(cast)).closed_at is None


async def test_the_fast_lane_takes_no_answer_that_is_older_than_its_round(cast: Cast) -> None:
    await at(cast, DUE - HOUR)
    told = await post(cast, DUE - 3 * HOUR, sent_at=cast.clock().isoformat())
    assert (told["is_old"], told["standing"]) == (True, "due")
    assert await states(cast) == ["open"]
    row = await CheckIn.get(id=told["id"])
    assert (row.is_early, row.spoken_at) == (True, DUE - 3 * HOUR)
    await post(cast, DUE - HOUR, sent_at=cast.clock().isoformat())
    assert await states(cast) == ["answered"]


async def test_after_a_newer_one_an_older_answer_changes_no_moment(cast: Cast) -> None:
    await at(cast, DUE - HOUR)
    await post(cast, cast.clock(), sent_at=cast.clock().isoformat())
    before = await mia(cast)
    cast.clock.advance(minutes=5)
    for way in (Way.APP, Way.SMS):
        answer = Answer(uuid4(), DUE - DAY, way=way)
        await actions.record(cast.actor("mia"), Role.CHILD, cast.mia.id, answer, cast.clock())
    after = await mia(cast)
    assert (after.sign_at, after.answered_at) == (before.sign_at, before.answered_at)
    assert after.old_came_at is None


async def test_after_the_placement_has_ended_it_is_the_last_answer_as_of_when_it_was_said(
    cast: Cast,
) -> None:
    await at(cast, DUE - HOUR)
    await Watch.filter(child_id=cast.mia.id).update(standing="ended", next_action_at=None)
    cast.clock.advance(hours=72)
    await post(cast, DUE - 6 * HOUR, sent_at=cast.clock().isoformat())
    assert (await mia(cast)).answered_at == DUE - 6 * HOUR
