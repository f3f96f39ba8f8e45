"""What `waymark demo` does besides serving."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from server.auth.passwords import Passwords
from server.clock import utcnow
from server.demo import fast, loader
from server.settings import Settings
from server.storage.engines.migrate import TooOld

Opened = Callable[[Settings], AbstractAsyncContextManager[None]]
Say = Callable[[str], None]


async def show(settings: Settings, opened: Opened, say: Say, *, is_served: bool) -> None:
    """Load the demo into an empty database, renew what gets old, and print how to sign in."""
    try:
        await _load(settings, opened, say, is_served=is_served)
    except TooOld:
        if not (aside := loader.set_aside(settings)):
            raise
        say(f"The demo was made before version 0.1. It is now {aside}; a new one is made.")
        await _load(settings, opened, say, is_served=is_served)


async def _load(settings: Settings, opened: Opened, say: Say, *, is_served: bool) -> None:
    async with opened(settings):
        contents = await loader.prepare(settings, Passwords(), say, utcnow())
        await fast.end_fast(utcnow())
    for line in loader.lines(contents, is_served=is_served):
        say(line)


@contextlib.asynccontextmanager
async def in_seconds(_app: Any) -> AsyncIterator[None]:
    """Mia's rhythm in seconds while the web runs, for an hour at most."""
    await fast.begin_fast(utcnow())
    slow_again = asyncio.create_task(_slow_down())
    try:
        yield
    finally:
        slow_again.cancel()
        await fast.end_fast(utcnow())


async def _slow_down() -> None:
    await asyncio.sleep(fast.FAST_LASTS.total_seconds())
    await fast.end_fast(utcnow())
