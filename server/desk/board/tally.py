"""How many children need no adult now, for readers of thousands: counted beside the board, kept in
memory for a while, and shown with the time at which they were counted.

Those who are waited for are counted by each board, and here only where they are thousands, too.
"""

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from server import logs
from server.desk.board import walks
from server.desk.board.home_names import first_by_name
from server.desk.board.order import UNCOUNTED, Counted, read_left
from server.desk.board.placing import Part, gone_sql, placed_sql, reached
from server.desk.board.view import MINE, MOST, Group, View
from server.errors import Unavailable
from server.people.finding.scope import SEEING, Scope
from server.storage.db import as_id, dialect, fetch_aside
from server.storage.statement import Statement

log = logs.get("board")

# What was counted is renewed after this time, and after so much more for each child: to count a
# million takes two seconds.
FOR, FOR_EACH = timedelta(seconds=10), timedelta(microseconds=60)
# A board that nobody has looked at for a while waits so long for its first count.
WAITS_S = 0.25
# Of those who are waited for, a reader is shown no older count where a new one is made in time.
OLDEST = timedelta(minutes=1)
# So many counts are kept, of so many readers and filters.
MOST_KEPT = 128


class Tally(msgspec.Struct, frozen=True):
    """What was counted, for one reader and filter."""

    counted: Counted
    totals: Mapping[Group, int]
    left: tuple[UUID, ...] = ()
    n_left: int = 0
    # Of those who are waited for: how many do not fit the filter, and who is at the end of no walk.
    beside: Mapping[Group, int] = msgspec.field(default_factory=dict)
    odd: tuple[UUID, ...] = ()

    def is_old(self, now: datetime) -> bool:
        """Whether it is to be counted again."""
        return self.is_older(FOR + FOR_EACH * sum(self.totals.values()), now)

    def is_older(self, than: timedelta, now: datetime) -> bool:
        """Whether it is older than this, or from the future, in case a clock was set back."""
        return not timedelta(0) <= now - self.counted.at < than


# What is counted, for which reader, by which ways, and the home, caseworker and level chosen.
Key = tuple["Count", UUID, UUID, bool, frozenset[UUID], frozenset[UUID], str, str, str]
Count = Callable[[Scope, View], Awaitable[Tally]]


def _key(what: Count, scope: Scope, view: View) -> Key:
    whose = str(scope.person_id) if view.whose == MINE else view.whose
    ways = scope.is_on_duty, scope.covers, scope.broken
    return (what, scope.agency_id, scope.person_id, *ways, view.home, whose, view.level)


class Tallies:
    """The counts of this process. One at a time is being made."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Tally] = OrderedDict()
        self._counting: dict[Key, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    async def of(self, scope: Scope, view: View) -> Tally | None:
        """The last count of those who need no adult now, however old it is; it is counted anew
        beside this request. None where the first one takes longer than a reader waits."""
        return await self._last(_key(count, scope, view), scope, view, None)

    async def waiting(self, scope: Scope, view: View) -> Tally | None:
        """The same of those who are waited for. A reader waits for a new one, too, where the last
        one is no longer of this minute."""
        return await self._last(_key(count_waiting, scope, view), scope, view, OLDEST)

    async def _last(
        self, key: Key, scope: Scope, view: View, oldest: timedelta | None
    ) -> Tally | None:
        tally = self._kept.get(key)
        if tally is None or tally.is_old(scope.now):
            task = self._start(key, scope, view)
            is_stale = tally is None or (oldest is not None and tally.is_older(oldest, scope.now))
            if is_stale:
                await asyncio.wait({task}, timeout=WAITS_S)
        return self._kept.get(key)

    async def settled(self) -> None:
        """Wait until nothing is being counted."""
        while self._counting:
            await asyncio.wait([*self._counting.values()])

    async def close(self) -> None:
        """Count nothing more."""
        for task in [*self._counting.values()]:
            task.cancel()
        await self.settled()

    def _start(self, key: Key, scope: Scope, view: View) -> asyncio.Task[None]:
        if (task := self._counting.get(key)) is None:
            # In a context of its own: else it would be inside the transaction of a request.
            work = self._count(key, scope, view)
            task = asyncio.create_task(work, context=contextvars.Context())
            self._counting[key] = task
            task.add_done_callback(lambda _: self._counting.pop(key, None))
        return task

    async def _count(self, key: Key, scope: Scope, view: View) -> None:
        try:
            async with self._turn:
                tally = await key[0](scope, view)
        except Unavailable:
            return  # The next board asks for it again.
        except Exception:
            # Broad, since nobody awaits this; the board says that nothing was counted.
            log.exception("board.not_counted")
            return
        self._kept[key] = tally
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


# --- counting

_COUNTS = """,
by_home AS MATERIALIZED (
  SELECT grp, home_id, COUNT(*) AS n FROM placed
  WHERE fits = 1 AND grp IN ({groups}) GROUP BY grp, home_id
)
SELECT grp, CASE WHEN home_id IS NULL THEN 1 ELSE 0 END AS is_nowhere, SUM(n) AS n,
  CASE WHEN grp = 'well' THEN {homes} END AS homes
FROM by_home GROUP BY grp, CASE WHEN home_id IS NULL THEN 1 ELSE 0 END
"""
# One text, since a row for each home would take longer to read than to count.
_TOGETHER = {
    "postgres": "string_agg(CAST(home_id AS text), ',')",
    "sqlite": "group_concat(home_id, ',')",
}


async def count(scope: Scope, view: View) -> Tally:
    """Count all children of the reader who fit the filter."""
    view = View(home=view.home, level=view.level, whose=view.whose)
    rows = await _counts(scope, view)
    totals = dict.fromkeys(UNCOUNTED, 0)
    for row in rows:
        totals[Group(row["grp"])] += int(row["n"])
    well = [row for row in rows if row["grp"] == Group.WELL]
    ids = [as_id(id_) for row in well for id_ in (row["homes"] or "").split(",") if id_]
    homes: list[tuple[UUID | None, int]] = []
    if not view.home:
        homes = await _homes(scope, view, await first_by_name(ids, MOST))
        # Last, as on any board.
        homes += [(None, int(row["n"])) for row in well if row["is_nowhere"]]
    left, n_left = await _left(scope)
    counted = Counted(at=scope.now, homes=homes, many_homes=len(ids) + any_nowhere(well))
    return Tally(counted, totals, left, n_left)


def any_nowhere(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 where children without a home are among these, else 0."""
    return int(any(row["is_nowhere"] for row in rows))


async def _counts(scope: Scope, view: View) -> list[dict[str, Any]]:
    statement = Statement()
    part = Part(scope=scope.cte(statement, SEEING), is_read_once=True)
    sql = placed_sql(scope, view, statement, part) + _COUNTS.format(
        groups=", ".join(f"'{group}'" for group in sorted(UNCOUNTED)), homes=_TOGETHER[dialect()]
    )
    return await fetch_aside(sql, statement.params, is_long=True)


async def _homes(scope: Scope, view: View, homes: Sequence[UUID]) -> list[tuple[UUID | None, int]]:
    """How many are on time in each of these homes."""
    statement = Statement()
    here = f"SELECT id AS child_id FROM child WHERE home_id {statement.among(homes)}"  # noqa: S608
    part = Part(scope=reached(scope, statement, [here]), by_child=True, is_read_once=True)
    sql = placed_sql(scope, view, statement, part)
    sql += " SELECT home_id, COUNT(*) AS n FROM placed"
    sql += f" WHERE fits = 1 AND grp = '{Group.WELL}' GROUP BY home_id"
    rows = await fetch_aside(sql, statement.params, is_long=True)
    counts = {as_id(row["home_id"]): int(row["n"]) for row in rows}
    return [(home, counts[home]) for home in homes if home in counts]


async def _left(scope: Scope) -> tuple[tuple[UUID, ...], int]:
    statement = Statement()
    agency = statement.of(scope.agency_id)
    gone = f"SELECT id AS child_id FROM child WHERE agency_id = {agency} AND left_at IS NOT NULL"  # noqa: S608
    part = Part(scope=reached(scope, statement, [gone]), by_child=True)
    sql = f"{placed_sql(scope, View(), statement, part)} {gone_sql()}"
    return read_left(await fetch_aside(sql, statement.params, is_long=True))


# --- counting those who are waited for

_WAITING = """
SELECT grp, fits, COUNT(*) AS n, NULL AS child_id FROM placed
WHERE grp IN ({groups}) GROUP BY grp, fits
UNION ALL
SELECT grp, fits, 0, child_id FROM (
  SELECT grp, fits, child_id FROM placed
  WHERE grp = 'late' AND standing NOT IN ('late', 'due', 'well') AND fits = 1
  ORDER BY missed_due_at, child_id LIMIT {most}) AS odd
"""


async def count_waiting(scope: Scope, view: View) -> Tally:
    """Count the children of the reader who are waited for."""
    view, statement = View(home=view.home, level=view.level, whose=view.whose), Statement()
    part = Part(scope=reached(scope, statement, walks.few(scope, statement)), by_child=True)
    groups = ", ".join(f"'{group}'" for group in sorted(set(Group) - UNCOUNTED))
    sql = placed_sql(scope, view, statement, part) + _WAITING.format(groups=groups, most=MOST)
    rows = await fetch_aside(sql, statement.params, is_long=True)
    totals, beside = dict.fromkeys(set(Group) - UNCOUNTED, 0), dict[Group, int]()
    for row in rows:
        counts = totals if row["fits"] else beside
        counts[Group(row["grp"])] = counts.get(Group(row["grp"]), 0) + int(row["n"])
    odd = tuple(as_id(row["child_id"]) for row in rows if row["child_id"] is not None)
    return Tally(Counted(at=scope.now), totals, beside=beside, odd=odd)
