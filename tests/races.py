"""Two at once, really at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from server.storage.db import dialect, fetch, is_writing, write

AT_ONCE = 6
# Longer than a small transaction takes where nobody is in its way.
LOCKED_S = 0.05


async def together(*what: Awaitable[Any]) -> list[Any]:
    """What each came to, exceptions among them.

    A pool opens its connections one by one when they are first wanted, and so the first of several
    would be over before the second begins: they are opened before.
    """
    if dialect() == "postgres":
        await asyncio.gather(*(_held() for _ in range(AT_ONCE)))
    return await asyncio.gather(*what, return_exceptions=True)


async def _held() -> None:
    async with write():
        await fetch("SELECT pg_sleep(0.02)")


class Between:
    """`await Between(what, other)`: what it comes to where somebody does `other` between any two of
    its steps, up to its transaction. Where a lock of `what` keeps them waiting it goes on."""

    def __init__(self, what: Awaitable[Any], other: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._what, self._other = what, other
        self._running: asyncio.Task[Any] | None = None

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._what.__await__()
        while True:
            try:
                waits = next(steps)
            except StopIteration as end:
                yield from self._last().__await__()
                return end.value
            if not is_writing():
                yield from self._somebody().__await__()
            yield waits

    async def _somebody(self) -> None:
        if self._running is None or self._running.done():
            await self._last()
            self._running = asyncio.create_task(self._other())
        await asyncio.wait({self._running}, timeout=LOCKED_S)

    async def _last(self) -> None:
        if self._running is not None:
            await self._running


def no_fault(found: list[Any], *but: type[BaseException]) -> None:
    """Nothing of what `together` gave is an exception, except of these kinds."""
    faults = [one for one in found if isinstance(one, BaseException) and not isinstance(one, but)]
    assert not faults, faults
