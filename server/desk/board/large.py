"""The board of a reader with thousands of children: it costs what it shows.

Everyone who is waited for is counted and placed as on any board: few children have an open
alert, are late, or came back, and narrow indexes name them. Of those who are due, away or well, the
rows that are shown come from an index in its order, and `tally` counts them all now and then.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.desk.board import order as exact
from server.desk.board.order import UNCOUNTED, Order, read_order
from server.desk.board.placing import Part, of_worker, reached, rows_sql
from server.desk.board.tally import Tallies, Tally
from server.desk.board.view import NO_HOME, Group, View
from server.missing.search.rules import Stage
from server.people.finding.scope import Scope
from server.storage.db import fetch, fetch_aside
from server.storage.statement import Statement

# So many children are counted in one statement, in some 20 milliseconds.
MOST_AT_ONCE = 2000
# Rows that an index is asked for beyond those that are shown, since some of them are not the
# reader's, or are in another group. Where they are too few, it is asked for so many times more.
BESIDE, TIMES = 50, 20


async def order(scope: Scope, view: View, tallies: Tallies, *, most: int = MOST_AT_ONCE) -> Order:
    """The counts and the rows of this view, of a reader with any number of children."""
    if not await is_large(scope, most):
        return await exact.order(scope, view)
    if await _is_narrow(scope, view, most):
        # It counts all that it shows; of the count of everyone it takes who has left.
        return _with(await _narrow(scope, view), await tallies.of(scope, View()))
    tally = await tallies.of(scope, view)
    return _with(await _walked(scope, view), tally)


async def is_large(scope: Scope, most: int = MOST_AT_ONCE) -> bool:
    """Whether the reader comes to more children than these."""
    statement = Statement()
    if scope.is_on_duty:
        source = f"SELECT 1 FROM child WHERE agency_id = {statement.of(scope.agency_id)}"  # noqa: S608
    else:
        people = statement.among([scope.person_id, *scope.covers])
        source = f"SELECT 1 FROM tie WHERE person_id {people}"  # noqa: S608
    return await _are_more(source, statement, most)


async def _are_more(source: str, statement: Statement, most: int) -> bool:
    sql = f"SELECT COUNT(*) AS n FROM ({source} LIMIT {most + 1}) AS few"  # noqa: S608
    [row] = await fetch(sql, statement.params)
    return int(row["n"]) > most


def _with(order: Order, tally: Tally | None) -> Order:
    """The order with what was counted before, for what it did not count itself."""
    if tally is None:
        return order
    order = replace(order, left=tally.left, n_left=tally.n_left)
    if not order.is_large:
        return order
    return replace(order, counted=tally.counted, totals=tally.totals)


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


async def _narrow(scope: Scope, view: View) -> Order:
    """All of these children are counted; of the others, those who are waited for."""
    statement = Statement()
    source = _source(scope, view, statement)
    assert source is not None
    part = Part(
        scope=reached(scope, statement, [*_urgent(scope, statement), source]), by_child=True
    )
    sql = rows_sql(scope, view, statement, part)
    return read_order(await fetch_aside(sql, statement.params))


# --- the rows of an index in its order


class _Walk(msgspec.Struct, frozen=True):
    """Where rows come from in their order, and how many of them are looked at."""

    group: Group
    key: str  # As the view names the list.
    most: int
    sql: str


class Walked(msgspec.Struct, frozen=True):
    """A statement with its parameters."""

    sql: str
    params: Sequence[object]


async def _walked(scope: Scope, view: View) -> Order:
    """The rows that are shown. Those who are due, away or well are not counted."""
    times = 1
    while True:
        statement, walks = walked(scope, view, times)
        rows = await fetch_aside(statement.sql, statement.params)
        ends = {row["rank"] for row in rows if row["grp"] == _WALK and row["fits"]}
        order = read_order([row for row in rows if row["grp"] != _WALK])
        if all(n in ends or _is_full(order, view, walk) for n, walk in enumerate(walks)):
            return _without_counts(order)
        times *= TIMES


def _is_full(order: Order, view: View, walk: _Walk) -> bool:
    shown = [row for row in order.rows if row.group is walk.group]
    if walk.group is Group.WELL and view.folds:
        shown = [row for row in shown if str(row.home_id or NO_HOME) == walk.key]
    return len(shown) >= view.limit(walk.key)


def _without_counts(order: Order) -> Order:
    counts = {key: n for key, n in order.counts.items() if key[0] not in UNCOUNTED}
    beside = {group: n for group, n in order.beside.items() if group not in UNCOUNTED}
    return replace(order, counts=counts, beside=beside, is_large=True)


_WALK = "walk"


def walked(scope: Scope, view: View, times: int = 1) -> tuple[Walked, Sequence[_Walk]]:
    """The statement that reads as many rows of each index as are shown, and some more."""
    statement = Statement()
    walks = [*_walks(scope, view, statement, times)]
    named = [f"walk{n} AS MATERIALIZED ({walk.sql})" for n, walk in enumerate(walks)]
    sources = [*_urgent(scope, statement)]
    sources += [f"SELECT child_id FROM walk{n}" for n, _ in enumerate(walks)]  # noqa: S608
    ctes = ", ".join([*named, reached(scope, statement, sources)])
    sql = rows_sql(scope, view, statement, Part(scope=ctes, by_child=True, folds=True))
    for n, walk in enumerate(walks):
        # Whether the index has come to its end.
        is_end = f"SELECT CASE WHEN COUNT(*) < {walk.most} THEN 1 ELSE 0 END FROM walk{n}"  # noqa: S608
        sql += f" UNION ALL SELECT '{_WALK}', NULL, NULL, {n}, NULL, ({is_end}), 0"
    return Walked(sql, statement.params), walks


_BY_DUE = """
SELECT child_id FROM watch
WHERE agency_id = {agency} AND standing <> 'well' AND standing = '{group}'{after}
ORDER BY due_at, child_id LIMIT {most}
"""
_OF_HOME = """
SELECT id AS child_id FROM child
WHERE agency_id = {agency} AND home_id {home} AND left_at IS NULL{after}
ORDER BY id LIMIT {most}
"""


def _walks(scope: Scope, view: View, statement: Statement, times: int) -> Iterator[_Walk]:
    # A parameter that no part names has no type for PostgreSQL: each part brings its own.
    for group in (Group.DUE, Group.AWAY):
        if _is_wanted(view, group):
            agency = statement.of(scope.agency_id)
            most = (view.limit(group) + BESIDE) * times
            after = _after(view, group, statement)
            sql = _BY_DUE.format(agency=agency, group=group, after=after, most=most)
            yield _Walk(group, group, most, sql)
    if not _is_wanted(view, Group.WELL):
        return
    for home in view.open if view.folds else (view.home,):
        key = home if view.folds else str(Group.WELL)
        agency = statement.of(scope.agency_id)
        is_here = "IS NULL" if home == NO_HOME else f"= {statement.of(UUID(home))}"
        most = (view.limit(key) + BESIDE) * times
        after = _after(view, Group.WELL, statement)
        sql = _OF_HOME.format(agency=agency, home=is_here, after=after, most=most)
        yield _Walk(Group.WELL, key, most, sql)


def _after(view: View, group: Group, statement: Statement) -> str:
    """The rows of this group after the last one that was shown."""
    if view.after is None or view.group is not group:
        return ""
    child = f"{statement.of(view.after.child_id)}::uuid"
    if group is Group.WELL:
        return f" AND id > {child}"
    return f" AND (due_at, child_id) > ({statement.moment(view.after.since)}, {child})"


def _is_wanted(view: View, group: Group) -> bool:
    return view.group in (None, group) and view.part in ("", group.value)


# --- the children who are waited for


def _urgent(scope: Scope, statement: Statement) -> Iterator[str]:
    """From narrow indexes, the children of the agency who may be in another group than due, away or
    well. The conditions are those of the indexes: SQLite uses one only where they are repeated."""
    agency = statement.of(scope.agency_id)
    yield f"SELECT child_id FROM alert WHERE agency_id = {agency} AND closed_at IS NULL"  # noqa: S608
    yield (
        f"SELECT child_id FROM watch WHERE agency_id = {agency}"  # noqa: S608
        " AND standing <> 'well' AND standing IN ('late', 'alerted', 'missing')"
    )
    yield f"SELECT child_id FROM watch WHERE agency_id = {agency} AND not_here_at IS NOT NULL"  # noqa: S608
    yield (
        f"SELECT child_id FROM episode WHERE agency_id = {agency}"  # noqa: S608
        f" AND stage = '{Stage.FOUND.value}' AND followed_up_at IS NULL"
    )
