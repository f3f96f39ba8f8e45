"""/health turns red when nobody looks or something waits too long; /metrics is for insiders."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from server.notify.models import Message
from server.notify.preferences import set_quiet
from server.notify.rules import Kind
from server.watch import ticking
from server.watch.models import Watch
from tests.cast import SURNAMES, Cast
from tests.notify.test_worker import phone_of, say, send
from tests.walks.stage import Stage


async def health(cast: Cast) -> tuple[int, dict[str, Any]]:
    answer = await cast.client().get("/health")
    return answer.status_code, answer.json()


async def test_it_is_red_before_anybody_has_looked(cast: Cast) -> None:
    status, body = await health(cast)
    assert status == 503
    assert body["ticker"] == {"last_tick_at": None, "age_s": None}


async def test_it_is_green_after_a_tick_and_says_how_old_that_is(cast: Cast) -> None:
    await ticking.beat("tick", cast.clock())
    cast.clock.advance(seconds=5)
    status, body = await health(cast)
    assert (status, body["status"], body["database"]) == (200, "ok", "ok")
    assert body["ticker"]["age_s"] == 5
    assert body["oldest_due_s"] == 0
    assert body["oldest_unsent_s"] == 0


async def test_it_is_red_two_minutes_after_the_last_tick(cast: Cast) -> None:
    await ticking.beat("tick", cast.clock())
    cast.clock.advance(minutes=2, seconds=1)
    assert (await health(cast))[0] == 503


async def test_health_is_red_when_a_decision_waits_even_though_a_process_ticks(cast: Cast) -> None:
    cast.clock.advance(hours=3, minutes=10)
    await ticking.beat("tick", cast.clock())
    status, body = await health(cast)
    assert status == 503
    assert body["oldest_due_s"] > 120


async def test_it_is_red_when_a_message_waits(cast: Cast) -> None:
    cast.clock.advance(hours=7)
    await ticking.WATCHES.tick(cast.clock())
    cast.clock.advance(minutes=3)
    await ticking.WATCHES.tick(cast.clock())
    await ticking.beat("tick", cast.clock())
    status, body = await health(cast)
    assert status == 503
    assert body["oldest_unsent_s"] == 180


async def asks_nobody() -> None:
    """No check-in is due: what waits is a message alone."""
    await Watch.all().update(next_action_at=datetime(2026, 6, 1, tzinfo=UTC))


@pytest_asyncio.fixture
async def night(stage: Stage) -> Stage:
    """Tom wants to hear at seven in the morning of what can wait; it is two in Paris, and something
    has waited since ten in the evening."""
    await asks_nobody()
    await phone_of(stage, "tom")
    stage.clock.set(datetime(2026, 3, 2, 21, tzinfo=UTC))
    tom = stage.cast.tom
    await set_quiet(stage.cast.actor("tom"), tom.id, time(22), time(7), stage.clock())
    await say(stage, kind=Kind.DUE, urgency="normal")
    await send(stage)
    stage.clock.advance(hours=4)
    await ticking.beat("tick", stage.clock())
    return stage


async def test_what_waits_for_the_end_of_quiet_hours_is_not_unsent(night: Stage) -> None:
    status, body = await health(night.cast)
    assert (status, body["oldest_unsent_s"]) == (200, 0)
    text = (await metrics(night.cast, "127.0.0.1")).text
    assert "waymark_oldest_unsent_seconds 0.0" in text


async def test_what_waited_for_the_morning_is_unsent_from_then_on(night: Stage) -> None:
    night.clock.set(datetime(2026, 3, 3, 6, 3, tzinfo=UTC))
    await ticking.beat("tick", night.clock())
    status, body = await health(night.cast)
    assert (status, body["oldest_unsent_s"]) == (503, 180)


async def test_what_waits_for_the_morning_hides_nothing_that_is_late(night: Stage) -> None:
    await say(night, "ines", kind=Kind.DUE, urgency="normal")
    night.clock.advance(minutes=3)
    await ticking.beat("tick", night.clock())
    status, body = await health(night.cast)
    assert (status, body["oldest_unsent_s"]) == (503, 180)


async def test_what_is_not_to_go_out_before_a_date_is_not_unsent_until_then(stage: Stage) -> None:
    await asks_nobody()
    await say(stage, not_before=stage.clock() + timedelta(days=1))
    stage.clock.advance(hours=23)
    await ticking.beat("tick", stage.clock())
    assert (await health(stage.cast))[0] == 200
    stage.clock.advance(hours=1, minutes=3)
    await ticking.beat("tick", stage.clock())
    assert (await health(stage.cast))[1]["oldest_unsent_s"] == 180


async def test_what_fails_again_and_again_is_unsent_since_it_might_first_go_out(
    night: Stage,
) -> None:
    """However far ahead the next attempt lies: the wait grows to a quarter of an hour."""
    night.push.fault(503, times=None)
    night.clock.set(datetime(2026, 3, 3, 6, tzinfo=UTC))
    for _ in range(5):
        await send(night)
        night.clock.advance(minutes=15)
    await send(night)
    await ticking.beat("tick", night.clock())
    status, body = await health(night.cast)
    assert (status, body["oldest_unsent_s"]) == (503, 75 * 60)


async def test_a_message_that_no_worker_takes_is_told_and_keeps_the_watchdog_waiting(
    night: Stage,
) -> None:
    """The passes end well, and yet one channel hangs."""
    await night.ticker.audit()
    assert not await Message.filter(kind="operators").exists(), "one waits for the morning"
    await say(night)
    night.clock.advance(minutes=3)
    await night.ticker.audit()
    [told] = await Message.filter(kind="operators")
    assert told.data == {"fault": "audit:message_without_attempt"}


async def test_a_message_that_waits_and_has_no_next_attempt_is_told_as_well(night: Stage) -> None:
    await say(night)
    await Message.filter(state="waiting").update(next_action_at=None)
    await night.ticker.audit()
    [told] = await Message.filter(kind="operators")
    assert told.data == {"fault": "audit:message_without_attempt"}


async def test_a_message_that_is_tried_again_and_again_is_no_such_message(night: Stage) -> None:
    await say(night)
    night.push.fault(503, times=None)
    for _ in range(3):
        await send(night)
        night.clock.advance(minutes=16)
    await send(night)
    await night.ticker.audit()
    faults = [one.data["fault"] for one in await Message.filter(kind="operators")]
    assert "audit:message_without_attempt" not in faults


async def test_a_message_of_an_older_version_counts_from_when_it_was_queued(stage: Stage) -> None:
    await say(stage)
    await Message.all().update(ready_at=None)
    stage.clock.advance(minutes=3)
    await ticking.beat("tick", stage.clock())
    assert (await health(stage.cast))[1]["oldest_unsent_s"] == 180


async def metrics(cast: Cast, host: str, **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(cast.app, client=(host, 50000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as one:
        return await one.get("/metrics", headers=headers)


async def test_metrics_are_for_this_machine_without_a_proxy_in_between(cast: Cast) -> None:
    assert (await metrics(cast, "127.0.0.1")).status_code == 200
    assert (await metrics(cast, "203.0.113.7")).status_code == 404
    scraper = {"X-Prometheus-Scrape-Timeout-Seconds": "10"}
    assert (await metrics(cast, "127.0.0.1", **scraper)).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Port", "CF-Connecting-IP"],
)
async def test_metrics_answer_no_proxy_whatever_it_adds(cast: Cast, name: str) -> None:
    assert (await metrics(cast, "127.0.0.1", **{name: "1.1 proxy"})).status_code == 404


async def test_metrics_count_and_name_nobody(cast: Cast) -> None:
    text = (await metrics(cast, "127.0.0.1")).text
    watches = await Watch.all().count()
    assert f'waymark_watches{{standing="well"}} {float(watches)}' in text
    assert 'waymark_database_connections{what="made"}' in text
    assert 'waymark_long_reads{where="copy"}' in text
    assert not [name for name in SURNAMES if name in text]


async def test_watches_are_counted_once_a_minute_however_often_metrics_are_asked_for(
    cast: Cast,
) -> None:
    async def well() -> str:
        text = (await metrics(cast, "127.0.0.1")).text
        return next(line for line in text.splitlines() if 'waymark_watches{standing="well"' in line)

    before = await well()
    await Watch.filter(child_id=cast.mia.id).update(standing="late")
    cast.clock.advance(seconds=59)
    assert await well() == before
    cast.clock.advance(seconds=1)
    assert await well() != before
