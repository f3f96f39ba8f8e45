"""The statement that places children on the board: in which group each of a scope is, how many are
in each group and home, and the rows to show, in order.

`rows.group_of` and `rows.look_of` say the same of a row that was read; a test holds the two
together.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from server.alerts.ladder import Cause, State
from server.desk.board.view import AT_ONCE, FEW_WELL, MINE, NO_HOME, View
from server.missing.search.rules import Stage
from server.people.finding.scope import SEEING, Scope
from server.storage.db import dialect
from server.storage.statement import Statement, each
from server.tasks.rules import OF_A_RETURN
from server.watch.facts import URGENCY

# In this statement: a child whose placement has ended, and who is in no group. Who reads the board
# in full may read their history too.
LEFT = "left"

_PLACED = """
calls AS (
  SELECT a.child_id, a.cause, a.state, a.opened_at, a.answered_at,
         a.held_until IS NOT NULL AND a.acknowledged_by IS NOT NULL AS is_held,
         ROW_NUMBER() OVER (PARTITION BY a.child_id ORDER BY {urgency}, a.opened_at) AS place
  FROM {alerts}
  WHERE a.agency_id = {agency} AND a.closed_at IS NULL AND {is_seen}
),
returned AS (
  SELECT e.child_id, MIN(t.due_at) AS due_at
  FROM episode e JOIN task t ON t.child_id = e.child_id AND t.state = 'open'
       AND t.subject_id = e.id AND t.kind IN ({kinds})
  WHERE e.agency_id = {agency} AND e.stage = '{seen}' AND e.followed_up_at IS NULL
  GROUP BY e.child_id
),
placed AS {kept} (
  SELECT g.*, CASE WHEN {fits} THEN 1 ELSE 0 END AS fits FROM (
    SELECT s.child_id, s.is_full, {of_child}.home_id, {of_child}.left_at, w.tier, w.standing,
      w.missed_due_at, w.due_at, w.answered_at, w.not_here_at, k.cause, k.state, k.opened_at,
      k.answered_at AS heard_at, r.due_at AS return_due_at,
      CASE
        WHEN {of_child}.left_at IS NOT NULL AND k.child_id IS NULL THEN '{left}'
        WHEN w.standing = 'missing' OR k.cause = 'missing' THEN 'missing'
        WHEN k.is_held THEN 'held'
        WHEN k.cause IS NOT NULL THEN 'now'
        WHEN w.standing IN ('alerted', 'late') OR (
          w.standing IN ('due', 'well') AND w.not_here_at > w.sign_at) THEN 'late'
        WHEN r.child_id IS NOT NULL THEN 'back'
        WHEN w.standing = 'well' AND w.answered_at IS NULL AND w.heard_at IS NULL THEN 'unheard'
        ELSE w.standing END AS grp
    FROM scope s
    {watch}
    {child}
    -- Not = 1: PostgreSQL would expect one row of all calls, and go through them once a child.
    LEFT JOIN calls k ON k.child_id = s.child_id AND k.place <= 1
    LEFT JOIN returned r ON r.child_id = s.child_id AND s.is_full = 1
  ) AS g
)
"""
_ROWS = """,
counts AS MATERIALIZED (
  SELECT grp, {counted} AS home_id, fits, COUNT(*) AS n FROM placed WHERE grp <> '{left}'
  GROUP BY grp, {counted}, fits
),
fold AS MATERIALIZED (
  SELECT CASE WHEN {folds} AND COALESCE(SUM(n), 0) > {few} THEN 1 ELSE 0 END AS is_folded
  FROM counts WHERE grp = 'well' AND fits = 1
),
shown AS (
  SELECT grp, home_id, child_id, fits,
    CASE WHEN {is_folded} THEN {home} ELSE '' END AS folded,
    CASE WHEN grp <> 'now' THEN 0 ELSE {rank} END AS rank,
    COALESCE(CASE
      WHEN cause IS NOT NULL THEN {called_since}
      WHEN grp = 'late' THEN COALESCE(missed_due_at, not_here_at)
      WHEN grp = 'back' THEN return_due_at
      WHEN grp IN ('due', 'unheard') THEN due_at
      WHEN grp = 'away' THEN {away_since}
      WHEN grp = 'well' THEN {well_since}
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
"""
# Of those who have left: how many they are, and the latest of them.
_GONE = """
SELECT grp, home_id, child_id, place AS rank, left_at AS since, 0 AS fits, n FROM (
  SELECT grp, home_id, child_id, left_at, COUNT(*) OVER () AS n,
    ROW_NUMBER() OVER (ORDER BY left_at DESC, child_id) AS place
  FROM placed WHERE grp = '{left}' AND is_full = 1 AND NOT EXISTS (
    SELECT 1 FROM alert a WHERE a.child_id = placed.child_id AND a.closed_at IS NULL)
) AS gone WHERE place <= {at_once}
"""
# The order of those who are called for, by columns of their alert; and whether a person has it.
RANK = """CASE WHEN state = 'contacted' THEN 2 WHEN state = 'answered' THEN 3
         WHEN cause = 'help' THEN 0 WHEN cause = 'talk' THEN 4 ELSE 1 END"""
HELD = "held_until IS NOT NULL AND acknowledged_by IS NOT NULL"
_CALLED_SINCE = """COALESCE(
        CASE WHEN cause = 'silence' AND state <> 'answered' THEN missed_due_at
             ELSE heard_at END, opened_at)"""
_UNTIL = """(
        SELECT MAX(until_at) FROM pause WHERE child_id = placed.child_id AND from_at <= {now}
        AND until_at > {now} AND ended_at IS NULL)"""
# Whether those who are on time are folded by home, and the child of this row is one of them.
_IS_FOLDED = "(grp = 'well' AND (SELECT is_folded FROM fold) = 1)"
_HOME = f"COALESCE(CAST(home_id AS text), '{NO_HOME}')"
EVER = datetime(2000, 1, 1, tzinfo=UTC)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Which children of a reader the statement goes through. `scope`: the common table expressions
    that end with `scope`. `by_child`: whether watches and children are looked up one by one, and
    who is away or on time comes in the order of an index; else the database may go through all
    of them. `is_read_once`: what follows reads `placed` once, and needs no copy of it. `folds`: of
    thousands. Who is on time is folded by home, however few; those who are called for come as
    their alerts opened, whatever else the board reads, since the next page begins after the last
    row of this one. Elsewhere they come as the silence began or the child was heard."""

    scope: str
    by_child: bool = False
    folds: bool = False
    is_read_once: bool = False


def placed_sql(scope: Scope, view: View, statement: Statement, part: Part) -> str:
    """`WITH … placed AS (…)`: each child of the part with `grp`, `fits` and what orders them."""
    agency = statement.of(scope.agency_id)
    called = f"a.id {statement.among(scope.called)}" if scope.called else "1 = 0"
    is_theirs = "w.child_id = s.child_id"
    parts = {
        "agency": agency,
        "alerts": _alerts(part),
        "urgency": _urgency(),
        # Not = 1: PostgreSQL would expect that of hardly any.
        "is_seen": f"(s.is_full > 0 OR {called})",
        "kinds": ", ".join(f"'{kind.value}'" for kind in sorted(OF_A_RETURN)),
        "seen": Stage.FOUND.value,
        "left": LEFT,
        "kept": "NOT MATERIALIZED" if part.is_read_once else "MATERIALIZED",
        "fits": _fits(scope, view, statement),
        "watch": each("watch", "w", is_theirs) if part.by_child else f"JOIN watch w ON {is_theirs}",
        # `reached` has read them already.
        "child": "" if part.by_child else "JOIN child c ON c.id = s.child_id",
        "of_child": "s" if part.by_child else "c",
    }
    return f"WITH {part.scope}, {_PLACED.format(**parts)}"


def rows_sql(scope: Scope, view: View, statement: Statement, part: Part) -> str:
    """The whole statement: counts by group and home, and the rows that the view shows."""
    placed = placed_sql(scope, view, statement, part)
    now = statement.moment(scope.now)
    parts = {
        "left": LEFT,
        "now": now,
        "folds": "1 = 1" if view.folds else "1 = 0",
        "few": -1 if part.folds else FEW_WELL,
        # Of thousands of homes nobody reads how many are late in each.
        "counted": "CAST(NULL AS uuid)" if part.folds else "home_id",
        "is_folded": _IS_FOLDED,
        "home": _HOME,
        "away_since": "due_at" if part.by_child else _UNTIL.format(now=now),
        "well_since": statement.moment(EVER) if part.by_child else "answered_at",
        "rank": RANK,
        "called_since": "opened_at" if part.folds else _CALLED_SINCE,
        "shown": _shown(view, statement),
        "after": _after(view, statement),
        "limit": _limit(view, statement),
    }
    return placed + _ROWS.format(**parts)


def reached(scope: Scope, statement: Statement, sources: Iterable[str]) -> str:
    """`scope AS (…)` of the children that the reader comes to from these sources, with what
    `placed` reads of a child."""
    candidates = " UNION ".join(sources)
    return (
        f"candidate AS MATERIALIZED ({candidates}),"  # noqa: S608
        f" reached AS MATERIALIZED (SELECT c.id AS child_id, c.home_id, c.left_at,"
        f" {scope.is_full(statement, SEEING)} AS is_full FROM candidate s"
        f" {each('child', 'c', 'c.id = s.child_id')}"
        f" WHERE c.agency_id = {statement.of(scope.agency_id)}),"
        " scope AS (SELECT * FROM reached WHERE is_full IS NOT NULL)"
    )


def _alerts(part: Part) -> str:
    """The open alerts of the scope. PostgreSQL expects one where thousands were opened a moment
    ago, and would go through all of the scope for each."""
    if part.by_child:
        is_theirs = "a.child_id = s.child_id AND a.closed_at IS NULL"
        if dialect() == "sqlite":
            # Without statistics it would go through all alerts of the agency for each child.
            return f"scope s CROSS JOIN alert AS a INDEXED BY alert_one_open ON {is_theirs}"
        return f"scope s {each('alert', 'a', is_theirs)}"
    return "alert a JOIN scope s ON s.child_id = a.child_id"


def gone_sql() -> str:
    """After `placed_sql`: the latest of those who have left, each with how many there are."""
    return _GONE.format(left=LEFT, at_once=AT_ONCE)


def _urgency() -> str:
    """As `facts.in_order`: one that a person has hides none that nobody has."""
    cases = " ".join(f"WHEN '{cause.value}' THEN {n}" for n, cause in enumerate(URGENCY))
    is_held = "a.held_until IS NOT NULL AND a.acknowledged_by IS NOT NULL"
    help_ = f"h.child_id = a.child_id AND h.cause = '{Cause.HELP.value}' AND h.closed_at IS NULL"
    asks = f"EXISTS (SELECT 1 FROM alert h WHERE {help_})"  # noqa: S608
    gives_way = f"a.cause = '{Cause.TALK.value}' OR a.state = '{State.ANSWERED.value}'"
    last = (
        f"CASE WHEN ({gives_way}) AND {asks} THEN 2"
        f" WHEN a.cause <> '{Cause.MISSING.value}' AND {is_held} THEN 1 ELSE 0 END"
    )
    return f"{last}, CASE a.cause {cases} END"


def _fits(scope: Scope, view: View, statement: Statement) -> str:
    conditions = []
    if view.home == NO_HOME:
        conditions.append("g.home_id IS NULL")
    elif view.home:
        conditions.append(f"g.home_id = {statement.of(UUID(view.home))}")
    if view.level:
        conditions.append(f"g.tier = {statement.of(view.level)}")
    if view.whose:
        conditions.append(
            f"EXISTS ({of_worker(scope, view, statement)} AND t.child_id = g.child_id)"
        )
    return " AND ".join(conditions) or "1 = 1"


def of_worker(scope: Scope, view: View, statement: Statement) -> str:
    """The ties of the caseworker whose children the view shows."""
    worker = scope.person_id if view.whose == MINE else UUID(view.whose)
    now = statement.of(scope.now)
    return (
        "SELECT t.child_id FROM tie t WHERE t.role = 'caseworker'"  # noqa: S608
        f" AND t.person_id = {statement.of(worker)} AND t.from_at <= {now}"
        f" AND (t.until_at IS NULL OR t.until_at > {now})"
    )


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
