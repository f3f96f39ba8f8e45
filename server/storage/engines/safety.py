"""For both engines: finishing what was begun, savepoints, and how to say "later, please"."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from tortoise.backends.base.client import NestedTransactionContext, TransactionalDBClient
from tortoise.exceptions import TransactionManagementError

from server.errors import Unavailable, Unclear
from server.i18n import N_

T = TypeVar("T")
AtEnd = Callable[[list[Any]], Awaitable[None]]


async def to_the_end(work: Awaitable[T]) -> T:
    """Wait until the work is over, however often the caller is cancelled meanwhile.

    A cancellation is raised afterwards. Half a BEGIN, COMMIT or ROLLBACK leaves a lock or a
    connection that is never given back, and one dropped phone connection would halt the server.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as told:
            cancelled = told
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # Else asyncio logs an exception that was never retrieved.
    raise cancelled


def unavailable(fault: BaseException, why: str) -> NoReturn:
    """Say that the database cannot serve now. The text of the fault stays in the exception chain:
    it may contain an address, which the client must not see."""
    raise Unavailable("Our database is not responding. Try again.", why=why) from fault


def unclear(fault: BaseException) -> NoReturn:
    """Say that the database was lost while it stored: what was sent may be in, or not."""
    raise Unclear(
        N_("We cannot tell whether this was saved. Look first, then try again."), why="commit"
    ) from fault


class SafeNested(NestedTransactionContext):
    """A savepoint that is wholly there or wholly gone, also when its task is cancelled."""

    async def __aenter__(self) -> TransactionalDBClient:
        try:
            await to_the_end(self.client.savepoint())
        except BaseException:
            # Where the savepoint was not made, there is nothing to go back to.
            with suppress(Exception):
                await to_the_end(self.client.savepoint_rollback())
            raise
        return self.client

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        if self.client._finalized:
            return
        if exc_type is None:
            await to_the_end(self.client.release_savepoint())
            return
        # A lost connection cannot be rolled back; the original fault says more.
        with suppress(Exception):
            await to_the_end(self.client.savepoint_rollback())


class Begun:
    """The state of a transaction's client: whether it is over, what it does last, and which calls
    wait for its commit."""

    def __init__(self) -> None:
        self.is_over = False
        self.is_broken = False
        self._last: dict[AtEnd, dict[Any, None]] = {}
        self._afterwards: list[Callable[[], None]] = []

    def at_end(self, do: AtEnd, item: Any) -> None:
        """Call `do` once, just before the commit, with each item that was given to it."""
        self.check()
        self._last.setdefault(do, {})[item] = None

    async def do_last(self) -> None:
        """What was to be done just before the commit. What it raises ends the transaction."""
        while self._last:
            do, items = self._last.popitem()
            await do(list(items))

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call this once the transaction is in; never if it is not."""
        self._afterwards.append(call)

    def end(self, *, committed: bool) -> None:
        """The transaction is over; a task that still has its client gets an error."""
        self.is_over = True
        waiting, self._afterwards = self._afterwards, []
        if committed:
            for call in waiting:
                call()

    def check(self) -> None:
        """Refuse to work in a transaction that has ended.

        A task that was started inside a transaction inherits it and may outlive it. Its statements
        would run in the transaction of the connection's next user.
        """
        if self.is_over:
            raise TransactionManagementError(
                "this transaction is over: start tasks that outlive it before or after it"
            )
