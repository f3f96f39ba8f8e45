"""The alarm clock: it survives what raises, finishes what runs, and says when it was blind."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from server.alerts.models import Alert
from server.audit.actions import SEAL_AT_ONCE, SYSTEM, note_all, verify
from server.audit.models import Entry, Seal
from server.notify.actions import set_last_resorts
from server.notify.models import Message
from server.people.finding.search import is_prepared
from server.people.models import Child
from server.people.rules import Leaving
from server.placements import actions
from server.storage.db import write
from server.ticker import Ticker
from server.watch.models import Beat, Blind, Watch
from tests.cast import Cast
from tests.doubles.gateway import Gateway


@pytest.fixture
def ticker(cast: Cast) -> Ticker:
    return Ticker(cast.settings, {}, cast.clock)


async def test_the_first_look_finds_what_was_missed(cast: Cast, ticker: Ticker) -> None:
    await ticker.first()
    cast.clock.advance(hours=12)
    await ticker.first()
    blind = await Blind.get()
    assert blind.until_at - blind.from_at == timedelta(hours=12)
    alert = await Alert.get(child_id=cast.mia.id)
    assert alert.opened_at < alert.noticed_at == cast.clock()
    assert alert.facts["unseen"] == [blind.from_at.isoformat(), blind.until_at.isoformat()]
    message = await Message.get(kind="alert", child_id=cast.mia.id, person_id=cast.tom.id)
    assert message.data == {"unseen": alert.facts["unseen"]}


async def test_a_tick_after_another_is_no_blindness(cast: Cast, ticker: Ticker) -> None:
    for _ in range(3):
        await ticker.first()
        cast.clock.advance(seconds=60)
    assert not await Blind.exists()


async def test_a_record_that_has_grown_long_is_sealed_in_one_turn(
    cast: Cast, ticker: Ticker
) -> None:
    async with write():
        await note_all(SYSTEM, "test", [cast.mia.id] * (2 * SEAL_AT_ONCE), now=cast.clock())
    await ticker.seal()
    assert not await Entry.filter(seal_id__isnull=True).exists()
    assert await Seal.all().count() == 3, "what the cast did is in the record, too"
    assert await verify() is None


async def test_a_row_that_makes_no_sense_is_set_apart_and_stops_nobody(
    cast: Cast, ticker: Ticker
) -> None:
    set_last_resorts(1)
    agreed = (await Watch.get(child_id=cast.noor.id)).rhythm
    await Watch.filter(child_id=cast.noor.id).update(rhythm={"at": ["noon"]})
    await ticker.first()
    cast.clock.advance(hours=8)
    await ticker.first()
    assert await Alert.filter(child_id=cast.mia.id).exists()
    apart = await Watch.get(child_id=cast.noor.id)
    assert apart.quarantined_at == cast.clock()
    assert apart.next_action_at == cast.clock() + timedelta(minutes=1)
    assert await Message.filter(kind="operators").count() == 1
    # Mended, it is found again at its next turn, and nothing of it was lost.
    await Watch.filter(child_id=cast.noor.id).update(rhythm=agreed)
    cast.clock.advance(minutes=1)
    await ticker.first()
    assert await Alert.filter(child_id=cast.noor.id).exists()


async def test_to_stop_finishes_what_runs(cast: Cast, ticker: Ticker) -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        await go_on.wait()
        done.set()

    await ticker.start()
    running = asyncio.create_task(ticker._run("slow", slow))
    await begun.wait()
    stopping = asyncio.create_task(ticker.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    go_on.set()
    await stopping
    await running
    assert done.is_set()


async def test_a_loop_that_raises_tells_the_operators_and_lives(cast: Cast, ticker: Ticker) -> None:
    set_last_resorts(1)

    async def broken() -> None:
        raise RuntimeError("on purpose")

    await ticker._run("broken", broken)
    await ticker._run("broken", broken)
    assert await Message.filter(kind="operators").count() == 1


def statements(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the database was asked since the last call."""
    asked = [entry.getMessage() for entry in caplog.records if entry.name == "tortoise.db_client"]
    caplog.clear()
    return asked


async def test_where_nothing_is_due_a_tick_asks_three_times_and_the_worker_once(
    cast: Cast, ticker: Ticker, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):  # The second one knows that every child is indexed.
        await ticker.tick()
        await ticker.send()
    with caplog.at_level(logging.DEBUG, logger="tortoise.db_client"):
        await ticker.tick()
        assert len(statements(caplog)) == 3, "the last beat, arrivals, and what is due"
        await ticker.send()
        assert len(statements(caplog)) == 1, "what is due"
        cast.clock.advance(seconds=1)
        await ticker.tick()
        assert len(statements(caplog)) == 4, "the same, and the beat"
        await ticker.send()
        assert len(statements(caplog)) == 2, "the same, and the beat"


async def test_a_tick_goes_through_the_rooms_in_which_something_is_due_and_no_others(
    cast: Cast, ticker: Ticker, caplog: pytest.LogCaptureFixture
) -> None:
    await ticker.tick()
    cast.clock.set(datetime(2026, 3, 2, 18, 45, tzinfo=UTC))
    with caplog.at_level(logging.DEBUG, logger="tortoise.db_client"):
        await ticker.tick()
        asked = " ".join(statements(caplog))
    alert = await Alert.get(child_id=cast.mia.id)
    assert await Message.exists(subject_id=alert.id), "opened and called in the same tick"
    assert 'FROM "watch"' in asked
    assert 'FROM "alert"' in asked
    idle = ("rota", "advocacy", "intake", "drill_plan")
    assert not [name for name in idle if f'FROM "{name}"' in asked]


async def test_every_loop_leaves_its_beat(cast: Cast, ticker: Ticker) -> None:
    await ticker.tick()
    await ticker.send()
    beats = {beat.name: beat.at for beat in await Beat.all()}
    assert beats == {"tick": cast.clock(), "send": cast.clock()}


@pytest.fixture
def watched(cast: Cast, gateway: Gateway) -> Ticker:
    url = f"http://127.0.0.1:{gateway.port}/ping"
    return Ticker(replace(cast.settings, watchdog_url=url), {}, cast.clock)


async def test_the_watchdog_hears_of_ticks_and_deliveries_that_end_well(
    watched: Ticker, gateway: Gateway
) -> None:
    await watched.audit()
    assert gateway.taken == []
    await watched.first()
    await watched.audit()
    assert gateway.taken == []
    await watched.send()
    await watched.audit()
    assert [taken.path for taken in gateway.taken] == ["/ping"]


@pytest.mark.parametrize("which", ["tick", "send"])
async def test_the_watchdog_hears_nothing_once_one_of_them_fails(
    cast: Cast, watched: Ticker, gateway: Gateway, which: str
) -> None:
    await watched.first()
    await watched.send()
    cast.clock.advance(minutes=3)
    await (watched.send() if which == "tick" else watched.first())
    await watched.audit()
    assert gateway.taken == []


async def test_operators_are_told_of_an_unwatched_child_but_not_of_a_child_who_has_left(
    cast: Cast, watched: Ticker, gateway: Gateway
) -> None:
    set_last_resorts(1)
    now = cast.clock()
    await actions.end(cast.actor("tom"), cast.mia.id, Leaving.OF_AGE, now, now=now)
    await watched.first()
    await watched.send()
    await watched.audit()
    assert [taken.path for taken in gateway.taken] == ["/ping"]
    await Watch.filter(child_id=cast.noor.id).update(next_action_at=None)
    await watched.audit()
    assert len(gateway.taken) == 1
    assert await Message.filter(kind="operators").count() == 1


async def test_a_tick_indexes_children_that_no_search_finds_yet(cast: Cast, ticker: Ticker) -> None:
    await Child.all().update(indexed_by=None)
    assert not await is_prepared(cast.agency.id)
    for _ in range(3):
        await ticker.tick()
    assert await is_prepared(cast.agency.id)
    await Child.all().update(indexed_by=None)
    await ticker.tick()
    assert not await is_prepared(cast.agency.id)  # It looks again each hour.
    await ticker.tidy()
    await ticker.tick()
    assert await is_prepared(cast.agency.id)
