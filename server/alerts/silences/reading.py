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


async def silences_of(
    children: Collection[UUID],
) -> list[tuple[Ending, Climb, Tier, Ladder]]:
    """The open alerts for silence of these children, locked, with where they are on which
    ladder."""
    kind = dialect()
    lock = " FOR UPDATE" if kind == "postgres" else ""
    sql = _SILENCES.format(any=among(), together=_TOGETHER[kind], lock=lock)
    return [_silence(row) for row in await fetch(sql, [list(children)])]


# Of the facts this alone: most of them are of no use here, and to read them takes its time.
_TOGETHER = {
    "sqlite": "json_extract(facts, '$.shared.id')",
    "postgres": "facts #>> '{shared,id}'",
}
# In one order, as everywhere: else two of us could deadlock.
_SILENCES = f"""
SELECT id, agency_id, child_id, tier, ladder, {{together}} AS together, version, state, rung, turn,
    next_action_at, decide_at, acknowledged_by, acknowledged_at, held_until, answered_at
FROM alert WHERE child_id {{any}} AND cause = '{Cause.SILENCE.value}' AND closed_at IS NULL
ORDER BY id{{lock}}
"""  # noqa: S608 (a name of our own)


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
    moments = {name: None if row[name] is None else as_moment(row[name]) for name in names}
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
