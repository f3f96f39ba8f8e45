"""Many small writes as one: what arrives while a batch is being stored is stored by the next one.

A commit waits for the disk. Sharing it makes the safest setting cost nothing under load, and no
item waits for others: a single item is a batch of one at once.

    together = Together(store)                  store(items) -> one result or exception for each
    answer = await together.submit(item)        raises what became of this item, and only of this
    await together.close()                      what was submitted is still stored
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar, cast

from tortoise.backends.base.client import TransactionalDBClient
from tortoise.context import get_current_context

from server.clock import monotonic
from server.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")
# Turns of the loop before a batch begins: one reads a request, the next ones take it this far, so
# requests already in the sockets join the batch. With none there this is no wait.
TURNS = 3
# So few are not divided into halves.
FEW = 8
# About as long as it takes to read and to answer one request. Where a store takes longer than that
# for all who wait, its time is the disk's, and two halves would wait for it twice.
REQUEST_S = 0.000_15

Run = Callable[[list[Item]], Awaitable[Sequence[Result | Exception]]]


class Together(Generic[Item, Result]):
    """Gathers items into batches and tells each submitter what became of theirs.

    `run` gets up to `most` items in the order in which they came. It stores them and returns that
    many results, an exception in the place of an item that failed; or it raises, and then it has
    stored nothing. Where it raised, the batch is halved until the items that cannot be stored are
    alone, unless the fault is Unavailable, which would meet every part.

    At most `waiting` items may wait; the next one is refused with Unavailable, so that a phone
    keeps it and sends it again. A cancelled submitter does not affect the others; its item may be
    stored all the same. Items need ids of their own, like all that is sent twice.

    `in_halves`: where another process stores. Of many that come at once, half go first. While the
    other half is stored, the first ones are answered and their next requests read; else those who
    store and those who read would wait for each other in turn. May be changed at any time.

    `beside`: where another process stores, and batches that meet wait for nothing of each other. So
    many must wait that a second batch is stored beside the first; with fewer it would cost more
    than it gains. Never more than two.
    """

    def __init__(
        self,
        run: Run[Item, Result],
        *,
        most: int = 256,
        waiting: int = 4096,
        in_halves: bool = False,
        beside: int | None = None,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._run = run
        self._most = most
        self._limit = waiting
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._closed = False
        self.in_halves = in_halves
        self._beside = beside
        self._timer = timer
        self._took_s = 0.0  # The last store.

    async def submit(self, item: Item) -> Result:
        """Store the item with whatever else is there, and return its result."""
        if _is_writing():
            # On SQLite the batch would wait for the transaction, and the transaction for the batch.
            raise AssertionError("submit belongs before or after a write(), not inside")
        if self._closed or len(self._waiting) >= self._limit:
            raise Unavailable("There are too many requests right now. Try again.", why="full")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._workers) < 2 and self._is_worth_a_batch(beside=len(self._workers)):
            # In a context of its own: else it would inherit what the first submitter was doing.
            worker = asyncio.create_task(self._work(), context=contextvars.Context())
            self._workers.add(worker)
        return await future

    def _is_worth_a_batch(self, *, beside: int) -> bool:
        """Whether those who wait go now. If not, the worker beside takes them after its batch."""
        waiting = len(self._waiting)
        return waiting > 0 if beside == 0 else waiting >= (self._beside or waiting + 1)

    async def close(self) -> None:
        """Take nothing more, and return when everything that was taken has been stored."""
        self._closed = True
        while self._workers:
            await asyncio.shield(next(iter(self._workers)))

    async def _work(self) -> None:
        try:
            await self._gather()
            most = self._first()
            while self._is_worth_a_batch(beside=len(self._workers) - 1):
                began = self._timer()
                await self._store(self._next(most))
                self._took_s = self._timer() - began
                most = self._most
                if not self.in_halves:  # In halves, those who wait have waited for the store.
                    await self._gather()
        finally:
            self._workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))
            # Only where this task was killed: no submitter may wait for ever.
            while self._waiting and not self._workers:
                _, future = self._waiting.popleft()
                _tell(future, Unavailable("The server is stopping.", why="stopped"))

    async def _gather(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def _first(self) -> int:
        """How many go first of those who came while nothing was stored."""
        many = len(self._waiting)
        is_worth_it = self.in_halves and many > FEW and self._took_s < many * REQUEST_S
        return min(self._most, (many + 1) // 2) if is_worth_it else self._most

    def _next(self, most: int) -> list[tuple[Item, asyncio.Future[Result]]]:
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        while self._waiting and len(batch) < most:
            item, future = self._waiting.popleft()
            if not future.cancelled():
                batch.append((item, future))
        return batch

    async def _store(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        if not batch:
            return
        try:
            results = await self._run([item for item, _ in batch])
            assert len(results) == len(batch), "run returned another number of results"
        except asyncio.CancelledError:
            for _, future in batch:
                _tell(future, Unavailable("The server is stopping.", why="stopped"))
            raise
        except Exception as fault:
            # Broad, because whatever it is belongs to those who wait, and the next batch must run.
            if len(batch) == 1 or isinstance(fault, Unavailable | AssertionError):
                for _, future in batch:
                    _tell(future, fault)
                return
            middle = len(batch) // 2
            await self._store(batch[:middle])
            await self._store(batch[middle:])
            return
        for (_, future), result in zip(batch, results, strict=True):
            _tell(future, result)


def _tell(future: asyncio.Future[Result], result: Result | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _is_writing() -> bool:
    context = get_current_context()
    if context is None or not context.inited:
        return False
    return isinstance(context.db("default"), TransactionalDBClient)
