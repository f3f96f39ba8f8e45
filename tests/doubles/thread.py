"""A server that lives in a thread and an event loop of its own.

So that a test, whether it has a loop or not, talks to it only through its socket, and a double that
hangs cannot hang the test.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")


class InThread:
    """Start with `with`; inside, `begin` and `end` run on the loop of the thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    async def begin(self) -> None:
        raise NotImplementedError

    async def end(self) -> None:
        raise NotImplementedError

    def start(self) -> Self:
        self._thread.start()
        self.do(self.begin())
        return self

    def stop(self) -> None:
        self.do(self._take_in())
        self.do(self.end())
        self.do(self._cancel_rest())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        """Run this on the loop of the thread and wait for it."""
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(15)

    def call(self, what: Callable[[], T]) -> T:
        """Call this on the loop of the thread and wait for it."""

        async def called() -> T:
            return what()

        return self.do(called())

    async def _take_in(self) -> None:
        # A server that is closed between accepting a connection and making its transport leaves the
        # transport open, found by nobody (asyncio of Python 3.11: `Server._attach` asserts).
        for _ in range(10):
            await asyncio.sleep(0)

    async def _cancel_rest(self) -> None:
        # What was just accepted begins its own task meanwhile.
        while rest := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            await asyncio.sleep(0)
        # To close a connection is to send first what it still holds, and over TLS to wait for the
        # other side's goodbye: one that does neither read nor close would keep it open.
        for transport in [*self.loop._transports.values()]:  # type: ignore[attr-defined]
            transport.abort()
        # A connection that is closed lets go of its socket some turns of the loop later.
        for _ in range(10):
            await asyncio.sleep(0)
