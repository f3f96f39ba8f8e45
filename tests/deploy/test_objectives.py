"""The two objectives, as /metrics counts them: from late to told, and until an answer."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from server.alerts.models import Alert
from server.alerts.told import BOUNDS, Told
from server.errors import Refused, Unavailable
from server.histogram import Histogram
from server.web.answer_times import Timed
from tests.cast import SURNAMES
from tests.walks.stage import Stage

PROCESS = re.compile(r',?process="\d+"')
# Mia is due at 17:00 UTC, and Tom is called 105 minutes later.
CALLED = datetime(2026, 3, 2, 18, 45, tzinfo=UTC)


async def scrape(stage: Stage) -> dict[str, float]:
    transport = httpx2.ASGITransport(stage.cast.app, client=("127.0.0.1", 50000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        text = (await client.get("/metrics")).text
    assert not [name for name in SURNAMES if name in text]
    return dict(_samples(text))


def _samples(text: str) -> list[tuple[str, float]]:
    rows = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return [(PROCESS.sub("", name), float(value)) for name, value in rows]


def told(samples: dict[str, float], bound: str) -> float:
    return samples[f'waymark_alert_told_seconds_bucket{{le="{bound}"}}']


async def called_about_mia(stage: Stage) -> None:
    """Tom has a phone; the alert is open, and he has been told."""
    await stage.only("mia")
    await stage.subscribe("mia", "sam", "tom")
    stage.cast.app.state.told = Told(stage.clock())
    await stage.until(CALLED)


async def test_an_alert_counts_two_minutes_later_with_the_time_until_an_adult_was_told(
    stage: Stage,
) -> None:
    await called_about_mia(stage)
    assert told(await scrape(stage), "+Inf") == 0, "nobody can know yet whether it is kept"
    stage.clock.advance(minutes=2)
    samples = await scrape(stage)
    assert (told(samples, "1.0"), told(samples, "+Inf")) == (1, 1)
    assert samples["waymark_alert_told_seconds_count"] == 1


async def test_scrapes_at_once_and_again_count_an_alert_once(stage: Stage) -> None:
    await called_about_mia(stage)
    stage.clock.advance(minutes=2)
    await asyncio.gather(scrape(stage), scrape(stage))
    assert told(await scrape(stage), "+Inf") == 1


@pytest.mark.parametrize(
    ("seconds", "kept", "missed"), [(5, "5.0", "2.0"), (60, "60.0", "30.0"), (61, "120.0", "60.0")]
)
async def test_a_message_that_was_accepted_later_is_in_a_later_bound(
    stage: Stage, seconds: int, kept: str, missed: str
) -> None:
    await called_about_mia(stage)
    await Alert.all().update(opened_at=stage.clock() - timedelta(seconds=seconds))
    stage.clock.advance(minutes=2)
    samples = await scrape(stage)
    assert (told(samples, missed), told(samples, kept)) == (0, 1)
    assert samples["waymark_alert_told_seconds_sum"] == pytest.approx(seconds, abs=0.01)


async def test_an_alert_of_which_nobody_was_told_counts_as_slower_than_every_bound(
    stage: Stage,
) -> None:
    stage.push.fault(503, times=None)
    await called_about_mia(stage)
    stage.clock.advance(minutes=2)
    samples = await scrape(stage)
    assert (told(samples, repr(BOUNDS[-1])), told(samples, "+Inf")) == (0, 1)


async def test_what_the_child_ended_before_anybody_was_told_is_no_missed_objective(
    stage: Stage,
) -> None:
    stage.push.fault(503, times=None)
    await called_about_mia(stage)
    await stage.check_in("mia")
    stage.clock.advance(minutes=2)
    assert told(await scrape(stage), "+Inf") == 0


async def test_what_was_noticed_late_because_nobody_looked_is_slow(stage: Stage) -> None:
    """The server was down: the alert became true an hour before we saw it."""
    await stage.only("mia")
    await stage.subscribe("tom")
    stage.cast.app.state.told = Told(stage.clock())
    stage.clock.set(CALLED + timedelta(hours=1))
    await stage.beat()
    stage.clock.advance(minutes=2)
    samples = await scrape(stage)
    assert (told(samples, "120.0"), told(samples, "+Inf")) == (0, 1)


async def test_a_process_that_starts_counts_nothing_of_before(stage: Stage) -> None:
    await called_about_mia(stage)
    stage.clock.advance(minutes=3)
    stage.cast.app.state.told = Told(stage.clock())
    stage.clock.advance(hours=1)
    assert told(await scrape(stage), "+Inf") == 0


async def test_a_check_in_is_timed_and_so_is_one_that_is_refused(stage: Stage) -> None:
    kept = await stage.check_in("noor")
    body = {"id": kept["id"], "said_at": stage.clock().isoformat()}
    assert (await stage.send("mia", "POST", "/api/v1/check-ins", body)).status_code == 409
    samples = await scrape(stage)
    assert samples["waymark_check_in_seconds_count{}"] == 2
    assert samples['waymark_check_in_seconds_bucket{le="5.0"}'] == 2


def test_a_fault_of_ours_counts_as_never_answered_and_a_refusal_as_an_answer() -> None:
    histogram = Histogram((60.0,))
    with pytest.raises(Refused), Timed(histogram):
        raise Refused("no")
    with pytest.raises(Unavailable), Timed(histogram):
        raise Unavailable("away")
    with pytest.raises(ZeroDivisionError), Timed(histogram):
        raise ZeroDivisionError
    with pytest.raises(asyncio.CancelledError), Timed(histogram):
        raise asyncio.CancelledError
    assert histogram.counts == [1, 2]


def test_bounds_are_upper_bounds_and_the_last_has_all() -> None:
    histogram = Histogram((0.3, 1.0))
    for seconds in (0.3, 0.31, 5.0):
        histogram.note(seconds)
    assert histogram.buckets() == [("0.3", 1), ("1.0", 2), ("+Inf", 3)]


async def test_a_ticker_that_never_ran_is_as_bad_as_one_that_stopped(stage: Stage) -> None:
    assert (await scrape(stage))["waymark_last_tick_age_seconds"] == float("inf")
    await stage.beat()
    assert (await scrape(stage))["waymark_last_tick_age_seconds"] == 0
