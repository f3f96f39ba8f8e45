"""Who is away, as pages show it. Reads rows, writes none."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from server.people.finding.scope import Scope
from server.people.rules import Action, Role, may
from server.storage.db import as_id, fetch
from server.storage.statement import Statement
from server.tasks.rules import OF_AN_ABSENCE, State
from server.watch.models import Pause
from server.watch.passes import rules
from server.watch.passes.rules import Pass
from server.watch.passes.ticking import absence_of, pauses_of


class Away(msgspec.Struct, frozen=True, kw_only=True):
    """A child who is away until `end`; without `is_now`, at home for a day in the middle of it.
    `is_long`: people look at it again, the next of them at `next_look`."""

    child_id: UUID
    pause_id: UUID
    end: datetime
    is_now: bool
    reason: str | None
    words: str | None
    made_by: UUID
    made_at: datetime
    looked_at: datetime | None
    looked_by: UUID | None
    is_long: bool
    next_look: datetime | None


# Who reads what was agreed about a child at the desk.
_READING = frozenset(
    role for role in Role if role is not Role.CHILD and may(frozenset({role}), Action.HISTORY_SEE)
)
_AWAY = """
WITH {scope},
away AS (
  SELECT p.child_id, MAX(p.until_at) AS until_at
  FROM pause p JOIN scope s ON s.child_id = p.child_id JOIN child c ON c.id = p.child_id
  WHERE p.from_at <= {now} AND p.until_at > {now} AND p.ended_at IS NULL AND c.left_at IS NULL
  GROUP BY p.child_id
),
asked AS (
  SELECT a.child_id, a.until_at, (
    SELECT MIN(t.due_at) FROM task t
    WHERE t.child_id = a.child_id AND t.state = '{open}' AND t.kind IN ({kinds})) AS due_at
  FROM away a
)
SELECT child_id, COUNT(*) OVER () AS n FROM asked
ORDER BY CASE WHEN due_at IS NULL THEN 1 ELSE 0 END, due_at, until_at, child_id
LIMIT {at_once} OFFSET {skip}
"""


async def away(scope: Scope, at_once: int, page: int) -> tuple[list[UUID], int]:
    """One part of the children in the scope who are away now, the nearest look first; and how many
    there are in all."""
    statement = Statement()
    sql = _AWAY.format(
        scope=scope.cte(statement, _READING),
        now=statement.of(scope.now),
        open=State.OPEN.value,
        kinds=", ".join(f"'{kind.value}'" for kind in sorted(OF_AN_ABSENCE)),
        at_once=statement.of(at_once),
        skip=statement.of(at_once * (page - 1)),
    )
    rows = await fetch(sql, statement.params)
    return [as_id(row["child_id"]) for row in rows], rows[0]["n"] if rows else 0


async def away_of(children: Collection[UUID], now: datetime) -> dict[UUID, Away]:
    """Of these children, those with a pass of this moment."""
    rows_by_child: dict[UUID, list[Pause]] = {}
    for row in await pauses_of(children, now):
        rows_by_child.setdefault(row.child_id, []).append(row)
    away_by_child = {}
    for child_id, rows in rows_by_child.items():
        pass_ = rules.pass_at([absence_of(row) for row in rows], now)
        if pass_ is not None:
            away_by_child[child_id] = _away(pass_, rows, now)
    return away_by_child


def _away(pass_: Pass, rows: Sequence[Pause], now: datetime) -> Away:
    by_id = {row.id: row for row in rows}
    last = by_id[pass_.last.id]
    running = next((by_id[a.id] for a in pass_.absences if a.begin <= now < a.end), None)
    shown = running or last
    looks = [by_id[a.id] for a in pass_.absences if a.looked_at is not None]
    look = max(looks, key=lambda row: row.looked_at or row.made_at, default=None)
    next_looks = [rules.next_look(pass_, kind) for kind in OF_AN_ABSENCE]
    return Away(
        child_id=last.child_id,
        pause_id=last.id,
        end=pass_.end,
        is_now=running is not None,
        reason=shown.reason,
        words=shown.words,
        made_by=last.made_by,
        made_at=last.made_at,
        looked_at=look.looked_at if look is not None else None,
        looked_by=look.looked_by if look is not None else None,
        is_long=pass_.is_long,
        next_look=min((at for at in next_looks if at is not None), default=None),
    )
