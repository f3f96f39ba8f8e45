"""Rows that store the moment of their next decision, and one loop that goes through those due.

    WATCHES = DueRows("watch", Watch, _go_on, at_once=200)
    await WATCHES.go_through(now, tell_operators)

Any number of tickers may run: each leaves alone the rows that another has locked. A batch is one
transaction, oldest first (or, of the oldest, those that belong together). If it fails, the loop
takes its rows one by one. A row that raises is set apart for a minute, and operators are told; it
never stops the others.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

from server import logs
from server.errors import Unavailable
from server.storage import bulk
from server.storage.db import among_many, as_id, dialect, fetch, write

log = logs.get("ticker")

SET_APART = timedelta(minutes=1)
SIDE_BY_SIDE = 3
# Of so many that are due, the oldest, a batch takes those that belong together.
WINDOW = 2000
# So often a tick takes a row into a batch that others may have locked.
TRIES = 2

Row = TypeVar("Row", bound=Model)
Tell = Callable[[str, datetime], Awaitable[None]]


class DueRows(msgspec.Struct, Generic[Row], frozen=True):
    """What a room lets the ticker go through: which rows, how many at once, and what to do.

    `go_on` runs in the loop's transaction, and must move each row's moment past `now`. A row is due
    by any of its `columns`; where the first of them is null, no decision is to come.
    """

    name: str
    model: type[Row]
    go_on: Callable[[Sequence[Row], datetime], Awaitable[object]]
    at_once: int
    columns: tuple[str, ...] = ("next_action_at",)
    # False: `go_on` locks another row first. So each row has a transaction, and comes unlocked.
    locks: bool = True
    once_a_tick: bool = False
    # Writes into the record that a row was set apart, where that is about a child.
    enter_apart: Callable[[UUID, datetime], Awaitable[None]] | None = None
    # SQL of a row `d`: rows with the same value are taken together, where one batch is not enough.
    # For rows that are locked, and due by one column alone.
    same: str | None = None
    # So many are together then on PostgreSQL, where no other writer waits for a batch as such.
    planned_at_once: int = 0

    def __post_init__(self) -> None:
        assert self.same is None or (self.locks and len(self.columns) == 1), self.name

    @property
    def table(self) -> str:
        """The table of the rows."""
        return self.model._meta.db_table

    def any_due(self) -> str:
        """SQL: whether a row is due at $1. It asks for the least moment, which an index has at its
        end, whatever the planner thinks of how many are due."""
        return " OR ".join(
            f"(SELECT MIN({column}) FROM {self.table}"  # noqa: S608 (names from the models)
            f" WHERE {self.columns[0]} IS NOT NULL) <= $1"
            for column in self.columns
        )

    async def go_through(self, now: datetime, tell: Tell) -> None:
        """Everything that is due, batch by batch.

        Where one batch is not enough, several go side by side on PostgreSQL, each with rows of its
        own, as several tickers would: one is computed while another is written.
        """
        if await self._batch(now, tell) < self.at_once or self.once_a_tick:
            return
        plan = self.plan(now)
        async with asyncio.TaskGroup() as group:
            for _ in range(SIDE_BY_SIDE if dialect() == "postgres" else 1):
                group.create_task(self._batches(plan, now, tell))

    async def _batches(self, plan: "BatchPlan", now: datetime, tell: Tell) -> None:
        if self.same is None:
            while await self._batch(now, tell) == self.at_once:
                pass
            return
        while keys := await plan.next():
            await self._batch(now, tell, keys)

    async def _batch(self, now: datetime, tell: Tell, planned: Sequence[UUID] | None = None) -> int:
        try:
            return await self.tick(now, planned)
        except Unavailable as fault:
            # Raises as well where the database is away for all: that is said once, elsewhere. So it
            # is asked also where the batch was planned: a row is not set apart for an outage.
            due = await self.due_now(now)
            log.error("ticker.batch_failed", rows=self.name, exc=fault)
        except Exception:
            log.exception("ticker.batch_failed", rows=self.name)
            due = await self.due_now(now)
        keys = planned or due
        for key in keys:
            try:
                await self._try_twice(key, now)
            except Unavailable as fault:
                await self.set_apart(key, now, tell)
                log.error("ticker.row_failed", rows=self.name, row=str(key), exc=fault)
            except Exception:
                log.exception("ticker.row_failed", rows=self.name, row=str(key))
                await self.set_apart(key, now, tell)
        return len(keys)

    async def tick(self, now: datetime, planned: Sequence[UUID] | None = None) -> int:
        """One batch; returns how many rows it took. As many as `at_once` means: look again. Raises
        what one row raises, with nothing of its transaction written. `planned`: of these alone
        those that are still due."""
        if not self.locks:
            keys = await self.due_now(now)
            for key in keys:
                await self.tick_one(key, now)
            return len(keys)
        async with write():
            rows = await self._claim(now, planned)
            if rows:
                await self.go_on(rows, now)
        return len(rows)

    async def _claim(self, now: datetime, planned: Sequence[UUID] | None) -> list[Row]:
        rows: list[Row] = []
        most = self.at_once if planned is None else len(planned)
        for column in self.columns:
            if len(rows) < most:
                rows += await self._lock(column, now, most - len(rows), planned)
        return rows

    async def _lock(
        self, column: str, now: datetime, limit: int, planned: Sequence[UUID] | None
    ) -> list[Row]:
        """Of these rows, which nobody else has locked: by hand, since each batch asks."""
        which, params = f"{column} <= $1", list[object]([now])
        if column != self.columns[0]:
            which += f" AND {self.columns[0]} > $1"
        if planned is not None:
            params.append(list(planned))
            which += f" AND {self.model._meta.db_pk_column} {among_many('$2')}"
        skip = " FOR UPDATE SKIP LOCKED" if dialect() == "postgres" else ""
        which += f" ORDER BY {column} LIMIT {limit}{skip}"
        return await bulk.select(self.model, which, params)

    def plan(self, now: datetime) -> "BatchPlan":
        """Batches of what is due, each with rows that belong together."""
        at_once = self.planned_at_once if dialect() == "postgres" else 0
        return BatchPlan(partial(self._ordered, now), at_once or self.at_once)

    async def _ordered(self, now: datetime) -> list[UUID]:
        """Of those that are due the oldest, and of these next to each other those that belong
        together."""
        pk, [column] = self.model._meta.db_pk_column, self.columns
        oldest = (
            f"SELECT {pk} FROM {self.table} WHERE {column} <= $1"  # noqa: S608 (our own names)
            f" ORDER BY {column} LIMIT {WINDOW}"
        )
        rows = await fetch(
            f"SELECT d.{pk} AS id FROM {self.table} d"  # noqa: S608 (our own names)
            f" WHERE d.{pk} IN ({oldest}) ORDER BY {self.same}, d.{pk}",
            [now],
        )
        return [as_id(row["id"]) for row in rows]

    def _due(self, column: str, now: datetime, limit: int) -> QuerySet[Row]:
        return self.model.filter(self._is_due(column, now)).order_by(column).limit(limit)

    def _is_due(self, column: str, now: datetime, key: UUID | None = None) -> Q:
        """By this column, and not by the first already."""
        due: dict[str, Any] = {f"{column}__lte": now}
        if column != self.columns[0]:
            due[f"{self.columns[0]}__gt"] = now
        if key is not None:
            due[self.model._meta.pk_attr] = key
        return Q(**due)

    async def due_now(self, now: datetime) -> list[UUID]:
        """The keys of the rows that are due, oldest first."""
        keys: list[UUID] = []
        for column in self.columns:
            if len(keys) < self.at_once:
                due = self._due(column, now, self.at_once - len(keys))
                pk = self.model._meta.pk_attr
                keys += [as_id(key) for key in await due.values_list(pk, flat=True)]
        return keys

    async def tick_one(self, key: UUID, now: datetime) -> None:
        """The tick for one row, after its batch has failed; nothing where it is no longer due."""
        is_due = Q(*(self._is_due(column, now, key) for column in self.columns), join_type=Q.OR)
        async with write():
            due = self.model.filter(is_due)
            rows = await (due.select_for_update() if self.locks else due)
            if rows:
                await self.go_on(rows, now)

    async def _try_twice(self, key: UUID, now: datetime) -> None:
        try:
            await self.tick_one(key, now)
        except Unavailable:
            # A database that was busy for a moment says nothing of this row: a minute is long for
            # a child who is late.
            await self.tick_one(key, now)

    async def set_apart(self, key: UUID, now: datetime, tell: Tell) -> None:
        """This row raises: the loop takes it again in a minute, and operators are told."""
        has_field = "quarantined_at" in self.model._meta.fields_map
        noted = {"quarantined_at": now} if has_field else {}
        async with write():
            moved = 0
            for column in self.columns:
                due = self.model.filter(self._is_due(column, now, key))
                moved += await due.update(**{column: now + SET_APART}, **noted)
            if not moved:
                return  # Two met it at once, and the other one has.
            if self.enter_apart is not None:
                await self.enter_apart(key, now)
            await tell(f"{self.name}:row", now)


class BatchPlan:
    """Batches that no two loops of one process take: to find which rows belong together is work for
    the database, so it is done once for many batches. What another process has taken since is left
    out by the batch itself."""

    def __init__(self, read: Callable[[], Awaitable[list[UUID]]], at_once: int) -> None:
        self._read, self._at_once = read, at_once
        self._left: list[UUID] = []
        self._begun: Counter[UUID] = Counter()
        self._lock = asyncio.Lock()

    async def next(self) -> list[UUID]:
        """The next batch. A row that is still due when the batches have to be planned again was
        locked by another process, perhaps by one that died: it is tried once more. Empty where
        nothing else is due: what stays due is for the next tick."""
        async with self._lock:
            if not self._left:
                self._left = [key for key in await self._read() if self._begun[key] < TRIES]
            batch, self._left = self._left[: self._at_once], self._left[self._at_once :]
            self._begun.update(batch)
            return batch
