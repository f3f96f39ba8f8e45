"""What this process queues goes out at once, if it also sends.

Any other process that sends looks twice a second, and a process that ends between its commit and
this call has lost nothing: the row in the outbox is the truth.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

_waiting: set["Queued"] = set()


class Queued:
    """Wakes one loop that sends, in the event loop where it was made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        """Until something was queued since the last time."""
        await self._event.wait()
        self._event.clear()

    def call(self) -> None:
        """From any thread; nothing happens where that event loop has ended."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)


@contextmanager
def waking() -> Iterator[Queued]:
    """While this block runs, its `Queued` hears of what is queued."""
    queued = Queued()
    _waiting.add(queued)
    try:
        yield queued
    finally:
        _waiting.discard(queued)


def wake() -> None:
    """Messages that are due are in the outbox: after the commit that put them there."""
    for queued in tuple(_waiting):
        queued.call()
