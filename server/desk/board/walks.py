"""Which children may be on a board of thousands: those that narrow indexes name, and the first ones
of each group, in its order."""

from collections.abc import Iterable, Iterator
from uuid import UUID

import msgspec

from server.desk.board.placing import EVER, HELD, RANK
from server.desk.board.view import NO_HOME, Group, View
from server.missing.search.rules import Stage
from server.people.finding.scope import Scope
from server.storage.statement import Statement

# Rows that are looked at beyond those that are shown, since some of them are not the reader's, or
# are in another group.
BESIDE = 50


class Walk(msgspec.Struct, frozen=True):
    """Where rows come from in their order, and how many of them are looked at. `sql` gives
    `child_id`, `rank` and `since`, as they are in this group."""

    group: Group
    key: str  # As the view names the list.
    most: int
    sql: str


_BY_DUE = """
SELECT child_id, 0 AS rank, due_at AS since FROM watch
WHERE agency_id = {agency} AND standing <> 'well' AND standing = '{group}'{after}
ORDER BY due_at, child_id LIMIT {most}
"""
_UNHEARD = """
SELECT child_id, 0 AS rank, due_at AS since FROM watch
WHERE agency_id = {agency} AND answered_at IS NULL AND heard_at IS NULL AND standing = 'well'
  AND due_at IS NOT NULL{after}
ORDER BY due_at, child_id LIMIT {most}
"""
_OF_HOME = """
SELECT id AS child_id, 0 AS rank, {ever} AS since FROM child
WHERE agency_id = {agency} AND home_id {home} AND left_at IS NULL{after}
ORDER BY id LIMIT {most}
"""
_LATE = """
SELECT child_id, 0 AS rank, missed_due_at AS since FROM watch
WHERE agency_id = {agency} AND standing = 'late' AND missed_due_at IS NOT NULL{after}
ORDER BY missed_due_at, child_id LIMIT {most}
"""
# All open alerts of an agency are looked at, and none of their children.
_CALLED_FOR = """
SELECT child_id, {rank} AS rank, opened_at AS since FROM alert
WHERE agency_id = {agency} AND closed_at IS NULL AND cause <> 'missing' AND {is_held}{after}
ORDER BY rank, since, child_id LIMIT {most}
"""


def resting(scope: Scope, view: View, statement: Statement, times: int) -> Iterator[Walk]:
    """The first of those who are due, away, on time or not heard from."""
    # A parameter that no part names has no type for PostgreSQL: each part brings its own.
    for group, index in ((Group.DUE, _BY_DUE), (Group.UNHEARD, _UNHEARD), (Group.AWAY, _BY_DUE)):
        if _is_wanted(view, group):
            agency = statement.of(scope.agency_id)
            after = _after(view, group, "(due_at, child_id)", statement)
            most = _most(view, group, times)
            sql = index.format(agency=agency, group=group, after=after, most=most)
            yield Walk(group, group, most, sql)
    if not _is_wanted(view, Group.WELL):
        return
    for home in view.open if view.folds else (view.home,):
        key = home if view.folds else str(Group.WELL)
        agency = statement.of(scope.agency_id)
        is_here = "IS NULL" if home == NO_HOME else f"= {statement.of(UUID(home))}"
        after = _after(view, Group.WELL, "(id)", statement)
        most, ever = _most(view, key, times), statement.moment(EVER)
        sql = _OF_HOME.format(agency=agency, home=is_here, after=after, most=most, ever=ever)
        yield Walk(Group.WELL, key, most, sql)


def waiting(scope: Scope, view: View, statement: Statement, times: int) -> Iterator[Walk]:
    """The first of those who are called for or late, where there are thousands of these too. Those
    who are called for come in the order of their alerts: by rank, then as these opened."""
    for group, is_held, rank in (
        (Group.NOW, f"NOT ({HELD})", RANK),
        (Group.HELD, f"({HELD})", "0"),
    ):
        if _is_wanted(view, group):
            agency = statement.of(scope.agency_id)
            after = _after(view, group, f"({rank}, opened_at, child_id)", statement)
            most = _most(view, group, times)
            sql = _CALLED_FOR.format(
                agency=agency, is_held=is_held, rank=rank, after=after, most=most
            )
            yield Walk(group, group, most, sql)
    if _is_wanted(view, Group.LATE):
        agency = statement.of(scope.agency_id)
        after = _after(view, Group.LATE, "(missed_due_at, child_id)", statement)
        most = _most(view, Group.LATE, times)
        yield Walk(
            Group.LATE, Group.LATE, most, _LATE.format(agency=agency, after=after, most=most)
        )


def _most(view: View, key: str, times: int) -> int:
    return (view.limit(key) + BESIDE) * times


def _after(view: View, group: Group, columns: str, statement: Statement) -> str:
    """The rows of this group after the last one that was shown."""
    if view.after is None or view.group is not group:
        return ""
    place = view.after
    values = [f"{statement.of(place.child_id)}::uuid"]
    if group is not Group.WELL:
        values.insert(0, statement.moment(place.since))
    if group in (Group.NOW, Group.HELD):
        values.insert(0, f"{statement.of(place.rank)}::int")
    return f" AND {columns} > ({', '.join(values)})"


def _is_wanted(view: View, group: Group) -> bool:
    return view.group in (None, group) and view.part in ("", group.value)


# --- the children who are waited for, from narrow indexes
#
# Each condition is that of its index: SQLite uses one only where it is repeated.


def few(scope: Scope, statement: Statement) -> Iterator[str]:
    """All children of the agency who may be in another group than these."""
    agency = statement.of(scope.agency_id)
    yield f"SELECT child_id FROM alert WHERE agency_id = {agency} AND closed_at IS NULL"  # noqa: S608
    yield (
        f"SELECT child_id FROM watch WHERE agency_id = {agency}"  # noqa: S608
        " AND standing <> 'well' AND standing IN ('late', 'alerted', 'missing')"
    )
    yield from _not_here_or_back(agency)


def beside_walks(scope: Scope, statement: Statement, odd: Iterable[UUID]) -> Iterator[str]:
    """What `few` names, without those that `waiting` leads to. `odd`: further children."""
    agency = statement.of(scope.agency_id)
    yield (
        f"SELECT child_id FROM alert WHERE agency_id = {agency} AND closed_at IS NULL"  # noqa: S608
        " AND cause = 'missing'"
    )
    yield (
        f"SELECT child_id FROM watch WHERE agency_id = {agency}"  # noqa: S608
        " AND standing <> 'well' AND standing = 'missing'"
    )
    yield (
        f"SELECT child_id FROM watch WHERE agency_id = {agency}"  # noqa: S608
        " AND standing = 'late' AND missed_due_at IS NULL"
    )
    yield f"SELECT id AS child_id FROM child WHERE id {statement.among([*odd])}"  # noqa: S608
    yield from _not_here_or_back(agency)


def _not_here_or_back(agency: str) -> Iterator[str]:
    yield f"SELECT child_id FROM watch WHERE agency_id = {agency} AND not_here_at IS NOT NULL"  # noqa: S608
    yield (
        f"SELECT child_id FROM episode WHERE agency_id = {agency}"  # noqa: S608
        f" AND stage = '{Stage.FOUND.value}' AND followed_up_at IS NULL"
    )
