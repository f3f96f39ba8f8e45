"""Which looks are new: one of a person at a thing is enough for an hour."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from server.storage.db import as_id, dialect, fetch

_SOURCES = {"sqlite": "json_each($1) AS child", "postgres": "unnest($1::uuid[]) AS child(value)"}


async def not_seen(
    person_id: UUID, child_ids: Iterable[UUID], what: str, since: datetime
) -> list[UUID]:
    """The children among these at which this person has not looked since then."""
    ids = list(dict.fromkeys(child_ids))
    if not ids:
        return []
    rows = await fetch(
        f"SELECT value AS child_id FROM {_SOURCES[dialect()]} WHERE NOT EXISTS (SELECT 1"  # noqa: S608
        " FROM entry WHERE entry.child_id = child.value AND entry.at > $2 AND entry.who_id = $3"
        " AND entry.what = $4)",
        [ids, since, person_id, what],
    )
    return [as_id(row["child_id"]) for row in rows]
