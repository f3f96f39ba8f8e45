"""What a dead process held goes out within seconds; a paused one that goes on doubles nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from server.notify.channels.push import Push
from server.notify.dead_processes import beating, free_dead, leave
from server.notify.heartbeats import LOOK_EVERY_S, Look
from server.notify.models import Delivery, Message, Process
from server.notify.sending.claims import AT_ONCE
from server.notify.worker import Worker
from server.storage.db import fetch, opened_url, write
from tests.notify.test_worker import phone_of, say, send, the_message
from tests.walks.stage import Stage

OWN = str(uuid4())
PLACES = Push.side_by_side


class Seconds:
    """One's own clock, in seconds, which only the test drives."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


async def watch(
    stage: Stage,
    seconds: Seconds,
    how_long: float,
    *,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Look for so long, as often as a ticker does."""
    before: Look | None = None
    for _ in range(int(how_long / LOOK_EVERY_S) + 1):
        before = await free_dead(OWN, before, stage.clock(), seconds=seconds)
        seconds.at += LOOK_EVERY_S
        meanwhile()


async def claimed(stage: Stage, *, beats: int | None = 5) -> Worker:
    """A worker that has claimed what is due; where it beats, its row stands at this number."""
    worker = stage.another_ticker().worker
    assert await worker._claim(stage.clock())
    if beats is not None:
        await Process.create(id=worker.name, beats=beats)
    return worker


async def test_what_a_dead_process_held_goes_out_by_another_one_at_once(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    await say(stage)
    await claimed(stage)
    assert await send(stage) == 0
    await watch(stage, Seconds(), 3.5)
    assert await send(stage) == 1, "the lease had run on for a minute"
    assert len(phone.received) == 1
    assert (await the_message()).state == "done"
    assert not await Process.exists(), "and its row is gone with it"


async def test_what_a_process_holds_that_lives_stays_with_it(stage: Stage) -> None:
    await phone_of(stage, "tom")
    await say(stage)
    worker = await claimed(stage)
    number = 5

    async def beat() -> None:
        await Process.filter(id=worker.name).update(beats=number)

    before, seconds = None, Seconds()
    for n in range(30):
        number = 5 + n // 2
        await beat()
        before = await free_dead(OWN, before, stage.clock(), seconds=seconds)
        seconds.at += LOOK_EVERY_S
    assert (await the_message()).leased_by == worker.name
    assert await send(stage) == 0


async def test_who_has_no_row_is_left_to_the_lease(stage: Stage) -> None:
    """A process of an earlier release during an upgrade."""
    await phone_of(stage, "tom")
    await say(stage)
    worker = await claimed(stage, beats=None)
    await watch(stage, Seconds(), 30)
    assert (await the_message()).leased_by == worker.name


async def test_one_that_was_paused_finds_its_claims_gone_and_sends_none(stage: Stage) -> None:
    """It had claimed and begun; another one has taken over and sent; then it goes on."""
    phone = await phone_of(stage, "tom")
    await say(stage)
    paused = stage.another_ticker().worker
    messages = await paused._claim(stage.clock())
    attempts = await paused._begin(messages, stage.clock())
    await Process.create(id=paused.name, beats=5)
    await watch(stage, Seconds(), 3.5)
    assert await send(stage) == 1
    await paused._bring(messages, attempts)
    assert len(phone.received) == 1
    message = await the_message()
    assert (message.state, message.attempts) == ("done", 2)
    results = await Delivery.all().order_by("attempt").values_list("result", flat=True)
    assert results == ["withheld", "accepted"]


async def test_one_that_was_paused_sends_none_either_where_nobody_has_taken_over_yet(
    stage: Stage,
) -> None:
    phone = await phone_of(stage, "tom")
    await say(stage)
    paused = stage.another_ticker().worker
    messages = await paused._claim(stage.clock())
    attempts = await paused._begin(messages, stage.clock())
    await Process.create(id=paused.name, beats=5)
    await watch(stage, Seconds(), 3.5)
    await paused._bring(messages, attempts)
    assert phone.received == []
    assert await send(stage) == 1
    assert len(phone.received) == 1


async def test_paused_behind_others_that_hang_it_asks_once_more_before_each_send(
    stage: Stage,
) -> None:
    """More messages than places: those that wait for one had been claimed, and begun, and looked at
    again. While the first ones hang, everything is taken over."""
    phone = await phone_of(stage, "tom")
    for turn in range(PLACES + 6):
        await say(stage, turn=turn, subject_id=uuid4())
    stage.push.fault(does="hang", times=PLACES)
    hanging = stage.another_ticker().worker
    assert PLACES + 6 <= AT_ONCE
    under_way = asyncio.create_task(hanging.run_once())
    await asyncio.to_thread(stage.push.wait, lambda: len(stage.push.log) >= PLACES, 30)
    await Process.create(id=hanging.name, beats=5)
    await watch(stage, Seconds(), 3.5)
    await asyncio.to_thread(stage.push.reset)
    await under_way
    # Those in the air were never answered; of the others it has sent none.
    assert phone.received == []
    assert not stage.push.log, "nothing was tried since"
    waiting = await Message.filter(state="sending", leased_by__isnull=True).count()
    assert waiting >= 6


async def test_a_channel_is_held_until_the_last_send_of_a_pass_is_written_down(
    stage: Stage,
) -> None:
    """Else its claims run out while that one hangs, and what went out long ago is sent again."""
    phone = await phone_of(stage, "tom")
    for turn in range(PLACES + 6):
        await say(stage, turn=turn, subject_id=uuid4())
    stage.push.fault(does="hang")
    worker = stage.another_ticker().worker
    under_way = asyncio.create_task(worker.run_once())
    await asyncio.to_thread(stage.push.wait, lambda: len(phone.received) >= PLACES + 5, 30)
    await say(stage, turn=PLACES + 6, subject_id=uuid4())
    assert worker.is_busy("push")
    assert await worker.run_once() == 0
    await asyncio.to_thread(stage.push.reset)
    await under_way
    assert await worker.run_once() == 1


async def test_while_a_service_hangs_no_further_pass_waits_for_it(stage: Stage) -> None:
    await phone_of(stage, "tom")
    for turn in range(PLACES + 6):
        await say(stage, turn=turn, subject_id=uuid4())
    stage.push.fault(does="hang", times=PLACES)
    worker = stage.another_ticker().worker
    under_way = asyncio.create_task(worker.run_once())
    await asyncio.to_thread(stage.push.wait, lambda: len(stage.push.log) >= PLACES, 30)
    await say(stage, turn=PLACES + 6, subject_id=uuid4())
    assert worker.is_busy("push")
    assert await worker.run_once() == 0
    await asyncio.to_thread(stage.push.reset)
    await under_way
    assert not worker.is_busy("push")


async def test_two_that_see_the_same_death_free_it_once(stage: Stage) -> None:
    await phone_of(stage, "tom")
    for turn in range(20):
        await say(stage, turn=turn, subject_id=uuid4())
    await claimed(stage)
    await asyncio.gather(*(watch(stage, Seconds(), 3.5) for _ in range(3)))
    assert await Message.filter(leased_by__isnull=True, state="sending").count() == 20
    assert not await Process.exists()


async def test_one_that_counts_on_in_the_last_moment_keeps_everything(stage: Stage) -> None:
    await phone_of(stage, "tom")
    await say(stage)
    worker = await claimed(stage)
    seconds, before = Seconds(), None
    for _ in range(7):
        before = await free_dead(OWN, before, stage.clock(), seconds=seconds)
        seconds.at += LOOK_EVERY_S
    assert not await Process.exists()
    await Process.create(id=worker.name, beats=6)
    assert before is not None
    # As another one would see it, who read the number just before.
    await free_dead(OWN, before, stage.clock(), seconds=seconds)
    assert await Process.filter(id=worker.name).exists()


async def test_what_was_withdrawn_meanwhile_is_not_freed(stage: Stage) -> None:
    await phone_of(stage, "tom")
    await say(stage)
    worker = await claimed(stage)
    await Message.all().update(state="withdrawn", next_action_at=None, leased_by=None)
    await watch(stage, Seconds(), 3.5)
    message = await the_message()
    assert (message.state, message.next_action_at) == ("withdrawn", None)
    assert not await Process.filter(id=worker.name).exists()


async def test_who_ends_well_takes_its_row_along(stage: Stage) -> None:
    await Process.create(id=OWN, beats=1)
    await leave(OWN)
    assert not await Process.exists()


async def test_who_ends_while_something_is_claimed_leaves_its_row_for_others(
    stage: Stage,
) -> None:
    await phone_of(stage, "tom")
    await say(stage)
    worker = await claimed(stage)
    await leave(worker.name)
    assert await Process.exists()
    await watch(stage, Seconds(), 3.5)
    assert await send(stage) == 1


async def test_where_the_lock_was_not_to_be_had_at_once_nothing_is_concluded(
    stage: Stage,
) -> None:
    """On SQLite a beat waits for whoever writes: that somebody writes for long kills nobody."""
    await phone_of(stage, "tom")
    await say(stage)
    worker = await claimed(stage)
    seconds, before = Seconds(), None
    for _ in range(6):
        before = await free_dead(OWN, before, stage.clock(), seconds=seconds)
        seconds.at += LOOK_EVERY_S

    def slow() -> float:
        """Between two readings of it half a second goes by."""
        seconds.at += LOOK_EVERY_S
        return seconds.at

    assert await free_dead(OWN, before, stage.clock(), seconds=slow) is None
    assert (await the_message()).leased_by == worker.name


@pytest.mark.parametrize("_again", range(2))
async def test_a_heart_beats_while_the_event_loop_is_busy(stage: Stage, _again: int) -> None:
    name = str(uuid4())
    heart = beating(opened_url(), name)
    heart._every_s = 0.05
    heart.start()
    try:
        assert await asyncio.to_thread(heart.beaten.wait, 10)
        # The loop stands still from here on: a thread alone can say that it has beaten.
        for _ in range(5):
            heart.beaten.clear()
            assert heart.beaten.wait(10)
    finally:
        await asyncio.to_thread(heart.stop)
    [row] = await Process.all()
    assert row.id == name
    assert row.beats >= 6


async def test_a_heart_whose_row_was_taken_away_makes_it_anew(stage: Stage) -> None:
    name = str(uuid4())
    heart = beating(opened_url(), name)
    heart._every_s = 0.05
    heart.start()
    try:
        assert await asyncio.to_thread(heart.beaten.wait, 10)
        async with write():
            await fetch("DELETE FROM process")
        for _ in range(2):
            heart.beaten.clear()
            assert await asyncio.to_thread(heart.beaten.wait, 10)
    finally:
        await asyncio.to_thread(heart.stop)
    assert await Process.filter(id=name).exists()


async def test_a_heart_that_cannot_beat_goes_on_trying(stage: Stage) -> None:
    name = str(uuid4())
    heart = beating(opened_url(), name)
    heart._every_s = 0.05
    await fetch("ALTER TABLE process RENAME TO elsewhere")
    heart.start()
    try:
        assert not await asyncio.to_thread(heart.beaten.wait, 0.5)
        await fetch("ALTER TABLE elsewhere RENAME TO process")
        assert await asyncio.to_thread(heart.beaten.wait, 10)
    finally:
        await asyncio.to_thread(heart.stop)
    assert await Process.filter(id=name).exists()


async def test_a_ticker_that_stops_leaves_no_row(stage: Stage) -> None:
    ticker = stage.another_ticker()
    await ticker.start()
    assert ticker._beating is not None
    assert await asyncio.to_thread(ticker._beating.beaten.wait, 10)
    await ticker.stop()
    assert not await Process.exists()


def test_a_lease_is_longer_than_anything_that_a_heart_decides() -> None:
    from server.notify.heartbeats import DEAD_AFTER_S
    from server.notify.sending.claims import LEASE

    assert timedelta(seconds=DEAD_AFTER_S * 5) < LEASE
