"""/health turns red when nobody looks or something waits too long; /metrics is for insiders."""

from __future__ import annotations

from typing import Any

import httpx2

from server.watch import ticking
from server.watch.models import Watch
from tests.cast import SURNAMES, Cast


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


async def test_it_is_red_when_a_decision_waits_though_somebody_ticks(cast: Cast) -> None:
    cast.clock.advance(hours=3, minutes=10)
    await ticking.beat("tick", cast.clock())
    status, body = await health(cast)
    assert status == 503
    assert body["oldest_due_s"] > 120


async def test_it_is_red_when_a_message_waits(cast: Cast) -> None:
    cast.clock.advance(hours=7)
    await ticking.tick(cast.clock())
    cast.clock.advance(minutes=3)
    await ticking.tick(cast.clock())
    await ticking.beat("tick", cast.clock())
    status, body = await health(cast)
    assert status == 503
    assert body["oldest_unsent_s"] == 180


async def metrics(cast: Cast, host: str, **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(cast.app, client=(host, 50000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as one:
        return await one.get("/metrics", headers=headers)


async def test_metrics_are_for_this_machine_without_a_proxy_in_between(cast: Cast) -> None:
    assert (await metrics(cast, "127.0.0.1")).status_code == 200
    assert (await metrics(cast, "203.0.113.7")).status_code == 404
    forwarded = {"X-Forwarded-For": "127.0.0.1"}
    assert (await metrics(cast, "127.0.0.1", **forwarded)).status_code == 404


async def test_metrics_count_and_name_nobody(cast: Cast) -> None:
    text = (await metrics(cast, "127.0.0.1")).text
    watches = await Watch.all().count()
    assert f'waymark_watches{{standing="well"}} {float(watches)}' in text
    assert not [name for name in SURNAMES if name in text]
