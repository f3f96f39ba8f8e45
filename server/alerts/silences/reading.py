"""The slice of an alert that its end needs, read of many at once, without the rest of the row."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, Self
from uuid import UUID

import msgspec

from server.alerts.ladder import Cause, Climb, State
from server.alerts.models import Alert
from server.policy.model import Ladder, Tier, ladder_from_data
from server.storage.db import among, as_document, as_id, as_moment, dialect, fetch


def together_of(alert: Alert) -> UUID | None:
    """The id under which its messages go out together with those of the same cause."""
    return UUID(alert.facts["shared"]["id"]) if "shared" in alert.facts else None


class Ending(msgspec.Struct, frozen=True):
    """The slice of an alert that its end needs. Many are read at once, without the rest."""

    id: UUID
    agency_id: UUID
    child_id: UUID
    turn: int
    together: UUID | None
    version: int

    @classmethod
    def of(cls, alert: Alert) -> Self:
        """That of a whole row."""
        together = together_of(alert)
        return cls(alert.id, alert.agency_id, alert.child_id, alert.turn, together, alert.version)


# With where it is on which ladder.
Silence = tuple[Ending, Climb, Tier, Ladder]


async def silences_of(children: Collection[UUID]) -> list[Silence]:
    """The open alerts for silence of these children, locked, with where they are on which
    ladder."""
    kind = dialect()
    lock = " FOR UPDATE" if kind == "postgres" else ""
    sql = _SILENCES.format(any=among(), together=_TOGETHER[kind], lock=lock)
    return [_silence(row) for row in await fetch(sql, [list(children)])]


async def lock_free(children: Collection[UUID]) -> tuple[set[UUID], list[Silence] | None]:
    """Lock the open alerts of these children, as far as no other transaction holds them. Returns
    the children of those that one does, and of the others the alerts for silence; None: they are
    to be read, as on SQLite, which has one writer anyway."""
    if dialect() == "sqlite":
        return set(), None
    rows = await fetch(_FREE, [list(children)])
    held = {as_id(row["of_child"]) for row in rows if row["id"] is None}
    return held, [_silence(row) for row in rows if row["cause"] == Cause.SILENCE]


# Of the facts this alone: most of them are of no use here, and to read them takes its time.
_TOGETHER = {
    "sqlite": "json_extract(facts, '$.shared.id')",
    "postgres": "facts #>> '{shared,id}'",
}
# In one order, as everywhere: else two of us could deadlock.
_COLUMNS = """
    id, agency_id, child_id, tier, ladder, {together} AS together, version, state, rung, turn,
    next_action_at, decide_at, acknowledged_by, acknowledged_at, held_until, answered_at
"""
_SILENCES = f"""
SELECT {_COLUMNS} FROM alert
WHERE child_id {{any}} AND cause = '{Cause.SILENCE.value}' AND closed_at IS NULL
ORDER BY id{{lock}}
"""  # noqa: S608 (a name of our own)
_FREE = f"""
WITH free AS (
  SELECT cause, {_COLUMNS.format(together=_TOGETHER["postgres"])} FROM alert
  WHERE child_id = ANY($1) AND closed_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED
)
SELECT every.child_id AS of_child, free.* FROM alert AS every LEFT JOIN free ON free.id = every.id
WHERE every.child_id = ANY($1) AND every.closed_at IS NULL ORDER BY every.id
"""  # noqa: S608 (names of our own)


def _silence(row: Mapping[str, Any]) -> tuple[Ending, Climb, Tier, Ladder]:
    ending = Ending(
        as_id(row["id"]),
        as_id(row["agency_id"]),
        as_id(row["child_id"]),
        row["turn"],
        None if row["together"] is None else as_id(row["together"]),
        row["version"],
    )
    names = ("next_action_at", "decide_at", "acknowledged_at", "held_until", "answered_at")
    moments: dict[str, Any] = {
        name: None if row[name] is None else as_moment(row[name]) for name in names
    }
    holder = row["acknowledged_by"]
    climb = Climb(
        state=State(row["state"]),
        rung=row["rung"],
        turn=row["turn"],
        acknowledged_by=None if holder is None else as_id(holder),
        **moments,
    )
    return ending, climb, Tier(row["tier"]), _ladder_of(row["ladder"])


@lru_cache(maxsize=256)  # The alerts of one agency have the same few.
def _ladder_of(text: str) -> Ladder:
    return ladder_from_data(as_document(text))
