"""A process that dies or is paused while it sends, beside another: seconds, nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.clock import monotonic
from server.notify.models import Message, Process
from tests.fixtures import DrivenClock
from tests.walks.stage import Stage
from tests.walks.test_kill import environment, prepare

pytestmark = pytest.mark.long

# What was claimed is free after 4 s, and sent by the next pass; the rest is for a busy machine.
WITHIN_S = 15


@pytest.fixture
def clock() -> DrivenClock:
    """The cast came half a day ago by the real clock, which other processes go by."""
    return DrivenClock(datetime.now(UTC) - timedelta(hours=12))


@asynccontextmanager
async def process(stage: Stage, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *words, env=environment(stage), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def comes_true(what: Callable[[], Awaitable[bool]], within_s: float = 60) -> None:
    for _ in range(int(within_s / 0.05)):
        if await what():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it does not come true")


async def beat(how_many: int) -> bool:
    """So many processes have said more than once that they live."""
    return await Process.filter(beats__gte=2).count() == how_many


async def hung(stage: Stage) -> None:
    """A process has sent to Tom, and waits for an answer."""
    await asyncio.to_thread(stage.push.wait, lambda: len(stage.push.log) >= 2, 60)


async def test_what_a_killed_process_was_sending_goes_out_within_seconds(stage: Stage) -> None:
    await prepare(stage)
    stage.push.fault(does="hang", times=None)
    async with process(stage, "server", "tick") as first:
        await hung(stage)
        async with process(stage, "server", "tick") as second:
            await comes_true(lambda: beat(2))
            first.kill()
            killed_at = monotonic()
            await first.wait()
            await asyncio.to_thread(stage.push.reset)
            await asyncio.to_thread(stage.push.wait, lambda: len(stage.shown("tom")) >= 1, 60)
            took = monotonic() - killed_at
            await comes_true(lambda: beat(1))
            second.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(second.wait(), 30) == 0
    assert took < WITHIN_S, "and not only when the lease of a minute runs out"
    assert len(stage.shown("tom")) == len(stage.shown("sam")) == 1
    assert not await Message.filter(state__in=["waiting", "sending"], urgency="high").exists()
    assert not await Process.exists(), "who ends well leaves nothing behind"


async def test_alone_after_a_crash_a_new_start_sends_what_the_last_one_held(stage: Stage) -> None:
    await prepare(stage)
    stage.push.fault(does="hang", times=None)
    async with process(stage, "server", "tick") as first:
        await hung(stage)
        await comes_true(lambda: beat(1))
        first.kill()
        await first.wait()
    await asyncio.to_thread(stage.push.reset)
    async with process(stage, "server", "tick"):
        await comes_true(lambda: Process.exists())
        started_at = monotonic()
        await asyncio.to_thread(stage.push.wait, lambda: len(stage.shown("tom")) >= 1, 60)
        assert monotonic() - started_at < WITHIN_S


async def is_stopped(pid: int) -> bool:
    stat = await asyncio.to_thread(Path(f"/proc/{pid}/stat").read_text)
    return stat.rpartition(")")[2].split()[0] == "T"


async def test_a_process_that_was_paused_for_long_doubles_nothing(stage: Stage) -> None:
    await prepare(stage)
    async with process(stage, "tests.walks.dying", "paused") as paused:
        await comes_true(lambda: is_stopped(paused.pid))
        held = await Message.filter(state="sending").count()
        assert held >= 2
        assert not stage.shown("tom")
        async with process(stage, "server", "tick") as other:
            await asyncio.to_thread(stage.push.wait, lambda: len(stage.shown("tom")) >= 1, 60)
            await comes_true(lambda: _nothing_claimed())
            # It goes on each time that it is stopped, until it has nothing more to claim.
            while paused.returncode is None:
                with contextlib.suppress(ProcessLookupError):  # It may end at any moment.
                    os.kill(paused.pid, signal.SIGCONT)
                await asyncio.sleep(0.1)
            assert paused.returncode == 0
            other.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(other.wait(), 30) == 0
    assert len(stage.shown("tom")) == len(stage.shown("sam")) == 1


async def _nothing_claimed() -> bool:
    return not await Message.filter(state="sending").exists()


async def test_a_process_whose_channel_hangs_is_not_taken_for_dead(stage: Stage) -> None:
    await prepare(stage)
    stage.push.fault(does="hang", times=None)
    async with process(stage, "server", "tick"):
        await hung(stage)
        async with process(stage, "server", "tick"):
            await comes_true(lambda: beat(2))
            names = set(await Message.filter(state="sending").values_list("leased_by", flat=True))
            # A push is given up after ten seconds: until then it is in the hands of the first.
            before = {row.id: row.beats for row in await Process.all()}
            await comes_true(lambda: _all_moved(before, 5))
            still = Message.filter(state="sending", leased_by__isnull=True)
            assert not await still.exists()
            assert len(names) == 1


async def _all_moved(before: dict[str, int], by: int) -> bool:
    rows = await Process.all()
    return all(row.beats >= before.get(row.id, 0) + by for row in rows) and len(rows) == 2
