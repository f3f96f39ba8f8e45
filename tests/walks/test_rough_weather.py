"""Rough weather, line by line: clocks that jump, days that are rare, services that are busy, a
database that restarts in the middle, a backup of yesterday. More of it stands in test_faults."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Delivery, Message
from server.storage.db import dialect, fetch, write
from server.watch.carer.models import Question
from server.watch.models import Round, Watch
from tests import postgres as postgresql
from tests.snapshot import dump, restore
from tests.walks.crowd import crowd
from tests.walks.stage import Stage
from tests.walks.test_faults import doubled, nothing_doubled

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


# --- the server's clock


async def test_a_clock_that_jumps_a_day_ahead_and_is_set_right_loses_no_window(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.subscribe("mia", "tom")
    await stage.until(DUE - 5 * HOUR)
    right = stage.clock()
    stage.clock.set(right + DAY)
    for _ in range(3):
        await stage.beat()
    await nothing_doubled()
    assert len(stage.shown("tom")) == 1, "it had to be taken for a silence"
    stage.clock.set(right)
    await stage.beat()
    # The child is asked for today's round as if nothing had been, and its answer counts.
    await stage.until(DUE - 30 * MINUTE)
    answer = await stage.check_in("mia")
    assert answer["standing"] == "well"
    assert not await Alert.filter(closed_at__isnull=True)
    await stage.beat()
    shown = len(stage.shown("tom"))
    assert shown == 2, "the all-clear"
    await stage.until(DUE + DAY - HOUR)
    assert len(stage.shown("tom")) == shown
    # And tomorrow's silence is noticed when it is one.
    await stage.until(DUE + DAY + 105 * MINUTE)
    alert = await stage.open_alert("mia")
    assert alert.opened_at <= DUE + DAY + 105 * MINUTE
    assert len(stage.shown("tom")) == shown + 1
    assert not await doubled("round", "child_id", "due_at")


async def test_a_clock_that_goes_back_ten_minutes_holds_nobody_up_for_longer(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.subscribe("mia", "tom")
    await stage.until(DUE + 100 * MINUTE)
    stage.clock.advance(minutes=-10)
    await stage.beat()
    await stage.until(DUE + 105 * MINUTE)
    assert (await stage.open_alert("mia")).opened_at == DUE + 105 * MINUTE
    assert len(stage.shown("tom")) == 1
    await nothing_doubled()


async def test_the_leap_day_is_a_day_like_any_other(stage: Stage) -> None:
    await stage.only("mia")
    stage.clock.set(datetime(2028, 2, 27, 18, tzinfo=UTC))
    await stage.beat()
    await stage.check_in("mia")
    for alert in await Alert.filter(closed_at__isnull=True):
        await stage.close("tom", alert.id)
    dues = [datetime(2028, *day, 17, tzinfo=UTC) for day in ((2, 28), (2, 29), (3, 1))]
    for due in dues:
        assert (await stage.watch("mia")).due_at == due
        await stage.until(due - 10 * MINUTE)
        assert (await stage.check_in("mia"))["standing"] == "well"
    answered = await Round.filter(child_id=stage.cast.mia.id, state="answered")
    assert {one.due_at for one in answered} >= set(dues)


# --- a zone that is there no more


@pytest.mark.slow
async def test_a_zone_that_is_removed_stops_nobody_and_no_answer_is_lost(stage: Stage) -> None:
    """A release of the tz database leaves Mia's zone out."""
    await stage.subscribe("tom", "mia")
    await stage.until(DUE - HOUR)
    await Watch.filter(child_id=stage.cast.mia.id).update(zone="Europe/Gone")
    said = await stage.send(
        "mia", "POST", "/api/v1/check-ins", {"id": str(uuid4()), "said_at": DUE.isoformat()}
    )
    assert said.status_code == 201, said.text
    assert await CheckIn.filter(child_id=stage.cast.mia.id).count() == 1
    await stage.until(DUE + 2 * HOUR)
    assert await Alert.filter(child_id=stage.cast.noor.id).exists(), "the others go on"
    assert (await stage.cast.browser_as("tom").get("/desk/")).status_code < 400
    await stage.until(DUE + DAY)
    assert await Message.filter(kind="operators").exists(), "operators are told"
    # The rounds go by UTC until it is mended: an hour off, and none is lost.
    await stage.until(DUE + DAY + 3 * HOUR)
    assert await Alert.filter(child_id=stage.cast.mia.id).count() == 1
    await nothing_doubled()


# --- a push service that is busy


async def test_a_busy_push_service_is_asked_again_when_it_said_and_no_sooner(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.subscribe("tom")
    await stage.until(DUE + 105 * MINUTE - timedelta(seconds=1))
    stage.push.fault(429, headers={"Retry-After": "60"})
    await stage.until(DUE + 105 * MINUTE)
    assert not stage.shown("tom")
    await stage.until(DUE + 105 * MINUTE + timedelta(seconds=59))
    assert not stage.shown("tom")
    await stage.until(DUE + 105 * MINUTE + timedelta(seconds=67))
    assert len(stage.shown("tom")) == 1
    [message] = await Message.filter(kind="alert")
    assert (message.state, message.attempts) == ("done", 2)


async def test_a_push_service_that_is_busy_for_an_hour_holds_no_call_back(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("tom")
    await add_address(
        stage.cast.actor("tom"),
        stage.cast.tom.id,
        AddAddress(channel="email", value="tom@example.org"),
        stage.clock(),
    )
    await stage.until(DUE + 105 * MINUTE - timedelta(seconds=1))
    stage.push.fault(429, headers={"Retry-After": "3600"}, times=None)
    await stage.until(DUE + 105 * MINUTE)
    await stage.ticker.send()
    assert stage.mails_to("tom@example.org"), "the next channel is taken at once"
    tries = await Delivery.filter(channel="push", status=429).count()
    await stage.until(DUE + 125 * MINUTE)
    assert await Delivery.filter(channel="push", status=429).count() == tries, "it was obeyed"


# --- the database restarts in the middle of a tick


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_the_database_restarts_in_the_middle_of_a_tick_and_nothing_is_half_done(
    stage: Stage, postgres: postgresql.Server
) -> None:
    children = await crowd(stage.cast, 600)
    await stage.until(DUE - HOUR)
    stage.clock.set(DUE + 105 * MINUTE)
    tick = asyncio.create_task(stage.ticker.first())
    while not await _some_are_written():
        assert not tick.done(), "the tick was over before the database went"
    with postgres.away():
        await asyncio.wait({tick})
    half = await Alert.all().count()
    assert half < len(children)
    await nothing_torn()
    await stage.ticker.first()
    await stage.ticker.first()
    assert await Alert.filter(child_id__in=children).count() == len(children)
    await nothing_doubled()
    await nothing_torn()


async def _some_are_written() -> bool:
    rows = await fetch("SELECT 1 AS one FROM alert LIMIT 1")
    return bool(rows)


async def nothing_torn() -> None:
    """Where there is an alert, there is everything of it: the round, the standing, the call."""
    rows = await fetch(
        "SELECT a.id FROM alert a JOIN watch w ON w.child_id = a.child_id"
        " WHERE w.standing <> 'alerted'"
        " OR NOT EXISTS (SELECT 1 FROM message m WHERE m.subject_id = a.id)"
        " OR NOT EXISTS (SELECT 1 FROM entry e WHERE e.about_id = a.id)"
        " OR NOT EXISTS (SELECT 1 FROM round r WHERE r.child_id = a.child_id AND r.state = 'late')"
    )
    assert not rows


# --- a backup of yesterday


async def test_a_backup_of_yesterday_storms_nobody_and_misses_no_window_of_today(
    stage: Stage,
) -> None:
    children = await crowd(stage.cast, 10)
    await stage.subscribe("mia", "tom", "ines", "sam")
    await stage.until(DUE - 2 * HOUR)
    yesterday = await dump()
    await stage.until(DUE + 3 * HOUR)
    assert await Alert.filter(child_id__in=children).count() == 10
    stage.clock.set(DUE + DAY - 90 * MINUTE)
    await _replace(yesterday)
    before = {name: len(stage.shown(name)) for name in ("tom", "ines", "sam", "mia")}
    await stage.cast.new_token("mia")
    await stage.beat()
    # One call to the caseworker about all whose answers of yesterday we do not have.
    assert len(stage.shown("tom")) - before["tom"] == 1
    assert len(stage.shown("ines")) == before["ines"]
    per_child = Counter(await Question.all().values_list("child_id", flat=True))
    assert set(per_child.values()) <= {1}
    assert await Alert.filter(closed_at__isnull=True, child_id__in=children).count() == 10
    assert len(stage.shown("mia")) - before["mia"] <= 1, "no reminders of yesterday"
    await stage.until(DUE + DAY - HOUR)
    rounds = await Round.filter(child_id=stage.cast.mia.id, due_at=DUE + DAY)
    assert [one.state for one in rounds] == ["open"], "the window of today is there"
    assert (await stage.check_in("mia"))["standing"] == "well"
    assert not await Alert.filter(child_id=stage.cast.mia.id, closed_at__isnull=True)
    await nothing_doubled()


async def _replace(rows: Any) -> None:
    """Every table as it was then."""
    tables = list(await dump())
    async with write():
        await fetch(_ANY_ORDER[dialect()])
        for table in tables:
            await fetch(f'DELETE FROM "{table}"')  # noqa: S608 (our own names)
    await restore(rows)


_ANY_ORDER = {
    "sqlite": "PRAGMA defer_foreign_keys = ON",
    "postgres": "SET LOCAL session_replication_role = replica",
}
