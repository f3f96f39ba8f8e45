"""Where each child is on the board, decided in the database: exact counts for all, and the rows to
show. Evidence and names are read for these rows alone.

`rows.group_of` and `rows.look_of` say the same of a row that was read; a test holds the two
together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from uuid import UUID

from server.desk.board.view import AT_ONCE, FEW_WELL, MINE, NO_HOME, Group, Place, View
from server.missing.search.rules import Stage
from server.people.finding.scope import SEEING, Scope
from server.storage.db import as_id, as_moment, fetch_aside
from server.storage.statement import Statement
from server.tasks.rules import OF_A_RETURN
from server.watch.facts import URGENCY


@dataclass(frozen=True, slots=True)
class Placed:
    """One row to show, and its place."""

    child_id: UUID
    group: Group
    home_id: UUID | None
    place: Place


@dataclass(frozen=True, slots=True)
class Order:
    """How many children are in each group and home, and the rows to show, in order."""

    counts: Mapping[tuple[Group, UUID | None], int]  # Of those who fit the filter.
    beside: Mapping[Group, int]  # Of those who do not fit it.
    rows: tuple[Placed, ...]
    left: tuple[UUID, ...]  # Of those whose placement has ended, the latest.
    n_left: int  # How many these are in all.

    def count(self, group: Group) -> int:
        """How many are in this group."""
        return sum(n for (of, _), n in self.counts.items() if of is group)

    def well_by_home(self) -> dict[UUID | None, int]:
        """How many are well, by home."""
        return {home: n for (group, home), n in self.counts.items() if group is Group.WELL}


async def order(scope: Scope, view: View) -> Order:
    """The counts of all children in the scope, and the rows that this view shows: one statement, so
    that they agree."""
    statement = Statement()
    counts: dict[tuple[Group, UUID | None], int] = {}
    beside: dict[Group, int] = {}
    placed: list[tuple[int, Placed]] = []
    left: list[tuple[int, UUID]] = []
    n_left = 0
    for row in await fetch_aside(_sql(scope, view, statement), statement.params):
        if row["grp"] == _LEFT:
            left.append((row["rank"], as_id(row["child_id"])))
            n_left = row["n"]
            continue
        group = Group(row["grp"])
        home = None if row["home_id"] is None else as_id(row["home_id"])
        if row["child_id"] is not None:
            placed.append((row["n"], _placed(row, group, home)))
        elif row["fits"]:
            counts[group, home] = row["n"]
        else:
            beside[group] = beside.get(group, 0) + row["n"]
    placed.sort(key=itemgetter(0))
    left.sort(key=itemgetter(0))
    return Order(
        counts, beside, tuple(row for _, row in placed), tuple(id_ for _, id_ in left), n_left
    )


def _placed(row: Mapping[str, Any], group: Group, home: UUID | None) -> Placed:
    child_id = as_id(row["child_id"])
    return Placed(child_id, group, home, Place(row["rank"], as_moment(row["since"]), child_id))


# --- the statement

_SQL = """
WITH {scope},
calls AS (
  SELECT a.child_id, a.cause, a.state, a.opened_at, a.answered_at,
         a.held_until IS NOT NULL AND a.acknowledged_by IS NOT NULL AS is_held,
         ROW_NUMBER() OVER (PARTITION BY a.child_id ORDER BY {urgency}, a.opened_at) AS place
  FROM alert a JOIN scope s ON s.child_id = a.child_id
  WHERE a.agency_id = {agency} AND a.closed_at IS NULL AND {is_seen}
),
returned AS (
  SELECT e.child_id, MIN(t.due_at) AS due_at
  FROM episode e JOIN task t ON t.child_id = e.child_id AND t.state = 'open'
       AND t.subject_id = e.id AND t.kind IN ({kinds})
  WHERE e.agency_id = {agency} AND e.stage = '{seen}' AND e.followed_up_at IS NULL
  GROUP BY e.child_id
),
placed AS MATERIALIZED (
  SELECT g.*, CASE WHEN {fits} THEN 1 ELSE 0 END AS fits FROM (
    SELECT s.child_id, s.is_full, c.home_id, c.left_at, w.tier, w.standing, w.missed_due_at,
      w.due_at, w.answered_at, w.not_here_at, k.cause, k.state, k.opened_at,
      k.answered_at AS heard_at, r.due_at AS return_due_at,
      CASE
        WHEN c.left_at IS NOT NULL AND k.child_id IS NULL THEN '{left}'
        WHEN w.standing = 'missing' OR k.cause = 'missing' THEN 'missing'
        WHEN k.is_held THEN 'held'
        WHEN k.cause IS NOT NULL THEN 'now'
        WHEN w.standing IN ('alerted', 'late') OR (
          w.standing IN ('due', 'well') AND w.not_here_at > w.sign_at) THEN 'late'
        WHEN r.child_id IS NOT NULL THEN 'back'
        ELSE w.standing END AS grp
    FROM scope s
    JOIN watch w ON w.child_id = s.child_id
    JOIN child c ON c.id = s.child_id
    -- Not = 1: PostgreSQL would expect one row of all calls, and go through them once a child.
    LEFT JOIN calls k ON k.child_id = s.child_id AND k.place <= 1
    LEFT JOIN returned r ON r.child_id = s.child_id AND s.is_full = 1
  ) AS g
),
counts AS MATERIALIZED (
  SELECT grp, home_id, fits, COUNT(*) AS n FROM placed WHERE grp <> '{left}'
  GROUP BY grp, home_id, fits
),
fold AS MATERIALIZED (
  SELECT CASE WHEN {folds} AND COALESCE(SUM(n), 0) > {few} THEN 1 ELSE 0 END AS is_folded
  FROM counts WHERE grp = 'well' AND fits = 1
),
shown AS (
  SELECT grp, home_id, child_id, fits,
    CASE WHEN {is_folded} THEN {home} ELSE '' END AS folded,
    CASE WHEN grp <> 'now' THEN 0 WHEN state = 'contacted' THEN 2
         WHEN state = 'answered' THEN 3 WHEN cause = 'help' THEN 0
         WHEN cause = 'talk' THEN 4 ELSE 1 END AS rank,
    COALESCE(CASE
      WHEN cause IS NOT NULL THEN COALESCE(
        CASE WHEN cause = 'silence' AND state <> 'answered' THEN missed_due_at
             ELSE heard_at END, opened_at)
      WHEN grp = 'late' THEN COALESCE(missed_due_at, not_here_at)
      WHEN grp = 'back' THEN return_due_at
      WHEN grp = 'due' THEN due_at
      WHEN grp = 'away' THEN (
        SELECT MAX(until_at) FROM pause WHERE child_id = placed.child_id AND from_at <= {now}
        AND until_at > {now} AND ended_at IS NULL)
      ELSE answered_at END, {now}) AS since
  FROM placed WHERE fits = 1 AND grp <> '{left}' AND {shown}
)
SELECT grp, home_id, NULL AS child_id, 0 AS rank, NULL AS since, fits, n FROM counts
UNION ALL
SELECT grp, home_id, child_id, rank, since, fits, n FROM (
  SELECT shown.*,
    ROW_NUMBER() OVER (PARTITION BY grp, folded ORDER BY rank, since, child_id) AS n
  FROM shown WHERE {after}
) AS numbered WHERE n <= {limit}
UNION ALL
SELECT grp, home_id, child_id, place, left_at, 0, n FROM (
  SELECT grp, home_id, child_id, left_at, COUNT(*) OVER () AS n,
    ROW_NUMBER() OVER (ORDER BY left_at DESC, child_id) AS place
  FROM placed WHERE grp = '{left}' AND is_full = 1 AND NOT EXISTS (
    SELECT 1 FROM alert a WHERE a.child_id = placed.child_id AND a.closed_at IS NULL)
) AS gone WHERE place <= {at_once}
"""
# In this statement: a child whose placement has ended, and who is in no group. Who reads the board
# in full may read their history too.
_LEFT = "left"


def _sql(scope: Scope, view: View, statement: Statement) -> str:
    with_scope = scope.cte(statement, SEEING)
    agency, now = statement.of(scope.agency_id), statement.moment(scope.now)
    called = f"a.id {statement.among(scope.called)}" if scope.called else "1 = 0"
    return _SQL.format(
        scope=with_scope,
        agency=agency,
        now=now,
        urgency=_urgency(),
        is_seen=f"(s.is_full = 1 OR {called})",
        kinds=", ".join(f"'{kind.value}'" for kind in sorted(OF_A_RETURN)),
        seen=Stage.FOUND.value,
        left=_LEFT,
        fits=_fits(scope, view, statement),
        folds="1 = 1" if view.folds else "1 = 0",
        few=FEW_WELL,
        is_folded=_IS_FOLDED,
        home=_HOME,
        shown=_shown(view, statement),
        after=_after(view, statement),
        limit=_limit(view, statement),
        at_once=AT_ONCE,
    )


def _urgency() -> str:
    """As `evidence` orders them: one that a person has hides none that nobody has."""
    cases = " ".join(f"WHEN '{cause.value}' THEN {n}" for n, cause in enumerate(URGENCY))
    is_held = "a.held_until IS NOT NULL AND a.acknowledged_by IS NOT NULL"
    last = f"CASE WHEN a.cause <> 'missing' AND {is_held} THEN 1 ELSE 0 END"
    return f"{last}, CASE a.cause {cases} END"


# Whether those who are well are folded by home, and the child of this row is one of them.
_IS_FOLDED = "(grp = 'well' AND (SELECT is_folded FROM fold) = 1)"
_HOME = f"COALESCE(CAST(home_id AS text), '{NO_HOME}')"


def _fits(scope: Scope, view: View, statement: Statement) -> str:
    conditions = []
    if view.home == NO_HOME:
        conditions.append("g.home_id IS NULL")
    elif view.home:
        conditions.append(f"g.home_id = {statement.of(UUID(view.home))}")
    if view.level:
        conditions.append(f"g.tier = {statement.of(view.level)}")
    if view.whose:
        worker = scope.person_id if view.whose == MINE else UUID(view.whose)
        now = statement.of(scope.now)
        conditions.append(
            "EXISTS (SELECT 1 FROM tie t WHERE t.child_id = g.child_id AND t.role = 'caseworker'"  # noqa: S608
            f" AND t.person_id = {statement.of(worker)} AND t.from_at <= {now}"
            f" AND (t.until_at IS NULL OR t.until_at > {now}))"
        )
    return " AND ".join(conditions) or "1 = 1"


def _shown(view: View, statement: Statement) -> str:
    """The rows that are not folded away, of the groups that are asked for."""
    opened = _among_texts(view.open, statement)
    conditions = [f"(NOT {_IS_FOLDED} OR {_HOME} {opened})"]
    for group in filter(None, (view.group, view.part)):
        conditions.append(f"grp = {statement.of(str(group))}")
    return " AND ".join(conditions)


def _after(view: View, statement: Statement) -> str:
    if view.after is None:
        return "1 = 1"
    place = view.after
    return (
        f"(rank, since, child_id) > ({statement.of(place.rank)}::int,"
        f" {statement.moment(place.since)}, {statement.of(place.child_id)}::uuid)"
    )


def _among_texts(texts: Iterable[str], statement: Statement) -> str:
    places = ", ".join(f"{statement.of(text)}::text" for text in texts)
    return f"IN ({places})" if places else "IS NULL"


def _limit(view: View, statement: Statement) -> str:
    if not view.more:
        return str(AT_ONCE)
    cases = " ".join(
        f"WHEN {statement.of(key)}::text THEN {view.limit(key)}" for key in sorted(view.more)
    )
    # A row that is folded has its home there, every other one nothing.
    return f"CASE CASE WHEN folded <> '' THEN folded ELSE grp END {cases} ELSE {AT_ONCE} END"
