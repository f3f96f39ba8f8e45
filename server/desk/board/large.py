"""The board of a reader with thousands of children: it costs what it shows.

Everyone who is waited for is counted and placed as on any board: few children have an open
alert, are late, or came back, and narrow indexes name them. Of the others, the
rows that are shown come from an index in its order, and `tally` counts them all now and then.

Where thousands are waited for as well, so do the rows of those, and `tally` counts them too.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.desk.board import order as exact
from server.desk.board import walks
from server.desk.board.order import UNCOUNTED, Order, Placed, read_order
from server.desk.board.placing import Part, of_worker, reached, rows_sql
from server.desk.board.tally import Tallies, Tally
from server.desk.board.view import NO_HOME, Group, Place, View
from server.desk.board.walks import Walk
from server.people.finding.scope import Scope
from server.storage.db import as_id, as_moment, fetch, fetch_aside
from server.storage.statement import Statement

# So many children are counted in one statement, in some 20 milliseconds.
MOST_AT_ONCE = 2000
# Of so many who are waited for in the agency, all are placed at each board.
MOST_WAITING = 2000
# Where an index gave too few rows, it is asked for so many times more.
TIMES = 20


async def order(
    scope: Scope,
    view: View,
    tallies: Tallies,
    *,
    most: int = MOST_AT_ONCE,
    most_waiting: int = MOST_WAITING,
) -> Order:
    """The counts and the rows of this view, of a reader with any number of children."""
    if not await is_large(scope, most):
        return await exact.order(scope, view)
    is_crowded = await _is_crowded(scope, most_waiting)
    if await _is_narrow(scope, view, most):
        # It counts all that it shows; of the count of everyone it takes who has left.
        everyone = await tallies.of(scope, View())
        narrow = await _narrow(scope, view, is_crowded=is_crowded)
        if is_crowded:
            narrow = _beside(narrow, await tallies.waiting(scope, view))
        return _with(narrow, everyone)
    tally, waiting = await _counted(scope, view, tallies, is_crowded=is_crowded)
    if not is_crowded or _sees_few(waiting, most_waiting):
        return _with(await _walked(scope, view), tally)
    crowded = await _walked(scope, view, Crowd(waiting.odd if waiting is not None else ()))
    return _with_waiting(_with(crowded, tally), tally, waiting)


async def is_large(scope: Scope, most: int = MOST_AT_ONCE) -> bool:
    """Whether the reader comes to more children than these."""
    statement = Statement()
    if scope.is_on_duty:
        source = f"SELECT 1 FROM child WHERE agency_id = {statement.of(scope.agency_id)}"  # noqa: S608
    else:
        people = statement.among([scope.person_id, *scope.covers])
        source = f"SELECT 1 FROM tie WHERE person_id {people}"  # noqa: S608
    return await _are_more(source, statement, most)


async def _is_crowded(scope: Scope, most: int) -> bool:
    """Whether more children than these are called for or late in the agency."""
    statement = Statement()
    agency = statement.of(scope.agency_id)
    source = (
        f"SELECT 1 FROM alert WHERE agency_id = {agency} AND closed_at IS NULL"  # noqa: S608
        f" UNION ALL SELECT 1 FROM watch WHERE agency_id = {agency} AND standing = 'late'"
    )
    return await _are_more(source, statement, most)


def _sees_few(waiting: Tally | None, most: int) -> bool:
    """Whether a walk through the agency would pass hardly any child of this reader."""
    return waiting is not None and sum(waiting.totals.values()) <= most


async def _are_more(source: str, statement: Statement, most: int) -> bool:
    sql = f"SELECT COUNT(*) AS n FROM ({source} LIMIT {most + 1}) AS few"  # noqa: S608
    [row] = await fetch(sql, statement.params)
    return int(row["n"]) > most


async def _counted(
    scope: Scope, view: View, tallies: Tallies, *, is_crowded: bool
) -> tuple[Tally | None, Tally | None]:
    """The last counts: of everyone who rests, and of those who are waited for, where these are not
    counted at each board."""
    if not is_crowded:
        return await tallies.of(scope, view), None
    waiting, tally = await asyncio.gather(tallies.waiting(scope, view), tallies.of(scope, view))
    return tally, waiting


def _with(order: Order, tally: Tally | None) -> Order:
    """The order with what was counted before, for what it did not count itself."""
    if tally is None:
        return order
    order = replace(order, left=tally.left, n_left=tally.n_left)
    if not order.is_large:
        return order
    return replace(order, counted=tally.counted, totals=tally.totals)


def _with_waiting(order: Order, tally: Tally | None, waiting: Tally | None) -> Order:
    """The same, of a board that has counted nobody. Both counts are needed to say when."""
    if waiting is None:
        return order
    totals = {**order.totals, **waiting.totals}
    counted = order.counted
    if tally is not None and counted is not None:
        counted = replace(counted, at=min(counted.at, waiting.counted.at))
    return replace(order, totals=totals, beside=waiting.beside, counted=counted)


def _beside(order: Order, waiting: Tally | None) -> Order:
    """With the last count of those who are waited for and do not fit the filter."""
    if waiting is None:
        return replace(order, beside={}, beside_at=None, is_beside_old=True)
    at = waiting.counted.at
    return replace(order, beside=waiting.beside, beside_at=at, is_beside_old=True)


# --- a filter that leaves few children


def _source(scope: Scope, view: View, statement: Statement) -> str | None:
    """The children of the home or of the caseworker that the view shows."""
    if view.home and view.home != NO_HOME:
        agency, home = statement.of(scope.agency_id), statement.of(UUID(view.home))
        return f"SELECT id AS child_id FROM child WHERE agency_id = {agency} AND home_id = {home}"  # noqa: S608
    return of_worker(scope, view, statement) if view.whose else None


async def _is_narrow(scope: Scope, view: View, most: int) -> bool:
    statement = Statement()
    source = _source(scope, view, statement)
    return source is not None and not await _are_more(source, statement, most)


async def _narrow(scope: Scope, view: View, *, is_crowded: bool) -> Order:
    """All of these children are counted; of the others, those who are waited for, where these are
    few."""
    statement = Statement()
    source = _source(scope, view, statement)
    assert source is not None
    others = [] if is_crowded else walks.few(scope, statement)
    part = Part(scope=reached(scope, statement, [*others, source]), by_child=True)
    sql = rows_sql(scope, view, statement, part)
    return read_order(await fetch_aside(sql, statement.params))


# --- the rows of an index in its order


class Crowd(msgspec.Struct, frozen=True):
    """Thousands are waited for, so that not all of them are placed. `odd`: children that the walks
    do not lead to, by the last count."""

    odd: Sequence[UUID] = ()


class Walked(msgspec.Struct, frozen=True):
    """A statement with its parameters."""

    sql: str
    params: Sequence[object]


async def _walked(scope: Scope, view: View, crowd: Crowd | None = None) -> Order:
    """The rows that are shown. Children who need no adult now are not counted; in a crowd, no
    child is."""
    times, sources = 1, crowd
    while True:
        statement, ways = walked(scope, view, times, sources)
        rows = await fetch_aside(statement.sql, statement.params)
        ends = {row["rank"]: row for row in rows if row["grp"] == _WALK}
        order = read_order([row for row in rows if row["grp"] != _WALK])
        if all(_is_enough(order, view, walk, ends.get(n)) for n, walk in enumerate(ways)):
            return _without_counts(order, is_crowded=crowd is not None)
        if sources is not None and times > 1:
            # Who sees hardly any of those who are waited for is shown them in the other way.
            sources, times = None, 1
        else:
            times *= TIMES


def _is_enough(order: Order, view: View, walk: Walk, end: Mapping[str, Any] | None) -> bool:
    """Whether the walk has come to its end, or past the last row that is shown of its list."""
    if end is None or end["fits"]:
        return True
    limit = view.limit(walk.key)
    shown = [row for row in order.rows if _is_of(row, walk, view)]
    if len(shown) < limit:
        return False
    last = Place(end["n"], as_moment(end["since"]), as_id(end["child_id"]))
    return _key(shown[limit - 1].place) <= _key(last)


def _is_of(row: Placed, walk: Walk, view: View) -> bool:
    if row.group is not walk.group:
        return False
    is_folded = walk.group is Group.WELL and view.folds
    return not is_folded or str(row.home_id or NO_HOME) == walk.key


def _key(place: Place) -> tuple[int, datetime, UUID]:
    return place.rank, place.since, place.child_id


def _without_counts(order: Order, *, is_crowded: bool) -> Order:
    if is_crowded:
        return replace(order, counts={}, beside={}, is_large=True, is_crowded=True)
    counts = {key: n for key, n in order.counts.items() if key[0] not in UNCOUNTED}
    beside = {group: n for group, n in order.beside.items() if group not in UNCOUNTED}
    return replace(order, counts=counts, beside=beside, is_large=True)


_WALK = "walk"
# The last row of a walk, and whether the index has come to its end.
_END = """
UNION ALL SELECT * FROM (
  SELECT '{walk}', CAST(NULL AS uuid), child_id, {n}, since,
    CASE WHEN (SELECT COUNT(*) FROM walk{n}) < {most} THEN 1 ELSE 0 END, rank
  FROM walk{n} ORDER BY rank DESC, since DESC, child_id DESC LIMIT 1) AS end{n}
"""


def walked(
    scope: Scope, view: View, times: int = 1, crowd: Crowd | None = None
) -> tuple[Walked, Sequence[Walk]]:
    """The statement that reads as many rows of each index as are shown, and some more."""
    statement = Statement()
    ways = [*walks.resting(scope, view, statement, times)]
    if crowd is None:
        sources = [*walks.few(scope, statement)]
    else:
        ways += walks.waiting(scope, view, statement, times)
        sources = [*walks.beside_walks(scope, statement, crowd.odd)]
    named = [f"walk{n} AS MATERIALIZED ({walk.sql})" for n, walk in enumerate(ways)]
    sources += [f"SELECT child_id FROM walk{n}" for n, _ in enumerate(ways)]  # noqa: S608
    ctes = ", ".join([*named, reached(scope, statement, sources)])
    part = Part(scope=ctes, by_child=True, folds=True)
    sql = rows_sql(scope, view, statement, part)
    for n, walk in enumerate(ways):
        sql += _END.format(walk=_WALK, n=n, most=walk.most)
    return Walked(sql, statement.params), ways
