"""Reading what people said about silent children, and who there is to ask: one statement for each,
however many children there are. Built by hand, since a board asks all of them at each renewal."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from server.people.rules import Role
from server.storage.db import among, as_id, as_moment, fetch
from server.watch.facts import Asked, Listed, Seen
from server.watch.spoken import LastSaid, last_since_sign

# Sightings and words further back say nothing about a silence of now.
FAR = timedelta(days=14)

_SEEN = """
SELECT child_id, seen_at, by_role, answer FROM sighting
WHERE child_id {any} AND at > $2 ORDER BY at
"""
_QUESTIONS = """
SELECT child_id, about_due_at, asked_at, answer, answered_at FROM question
WHERE child_id {any} ORDER BY asked_at
"""


async def seen(ids: Sequence[UUID], now: datetime) -> dict[UUID, Seen]:
    """The last time an adult looked for each of these children."""
    rows = await fetch(_SEEN.format(any=among()), [list(ids), now - FAR])
    return {
        as_id(row["child_id"]): Seen(as_moment(row["seen_at"]), row["by_role"], row["answer"])
        for row in rows
    }


async def asked(watches: Iterable[Mapping[str, Any]]) -> dict[UUID, Asked]:
    """The result of the question about the oldest miss; an answer outweighs silence."""
    missed = {
        as_id(row["child_id"]): as_moment(row["missed_due_at"])
        for row in watches
        if row["missed_due_at"] is not None
    }
    if not missed:
        return {}
    asked_by_child: dict[UUID, Asked] = {}
    times: dict[UUID, set[datetime]] = {}
    for row in await fetch(_QUESTIONS.format(any=among()), [list(missed)]):
        child, at = as_id(row["child_id"]), as_moment(row["asked_at"])
        earlier = asked_by_child.get(child)
        is_about_it = as_moment(row["about_due_at"]) == missed[child]
        if is_about_it:
            times.setdefault(child, set()).add(at)
        if not is_about_it or (
            earlier is not None and earlier.answer is not None and row["answer"] is None
        ):
            continue
        answered_at = None if row["answered_at"] is None else as_moment(row["answered_at"])
        asked_by_child[child] = Asked(at, row["answer"], answered_at, len(times[child]))
    return asked_by_child


async def listed(ids: Sequence[UUID], now: datetime) -> dict[UUID, Listed]:
    """What a home or another witness said last, since the last sign of each child."""
    last = await last_since_sign(ids, now - FAR)
    return {child: _as_listed(word) for child, word in last.items()}


def _as_listed(last: LastSaid) -> Listed:
    return Listed(
        last.counts.said_at,
        last.counts.word,
        last.before.said_at if last.before is not None else None,
        (last.differs.word, last.differs.said_at) if last.differs is not None else None,
        last.counts.is_outside,
    )


_CARERS = """
SELECT t.child_id FROM tie t JOIN person p ON p.id = t.person_id
WHERE t.child_id {any} AND t.role = $2 AND p.disabled_at IS NULL
AND t.from_at <= $3 AND (t.until_at IS NULL OR t.until_at > $3)
"""
_AWAY = """
SELECT child_id, until_at, returns FROM pause
WHERE child_id {any} AND from_at <= $2 AND until_at > $2 AND ended_at IS NULL ORDER BY until_at
"""


async def with_carers(ids: Sequence[UUID], now: datetime) -> set[UUID]:
    """Those of these children who have a carer."""
    rows = await fetch(_CARERS.format(any=among()), [list(ids), Role.CARER.value, now])
    return {as_id(row["child_id"]) for row in rows}


async def away(ids: Sequence[UUID], now: datetime) -> dict[UUID, tuple[datetime, bool]]:
    """Until when each child is away, and whether a check-in is due then."""
    rows = await fetch(_AWAY.format(any=among()), [list(ids), now])
    return {
        as_id(row["child_id"]): (as_moment(row["until_at"]), bool(row["returns"])) for row in rows
    }


_FORGOT = """
SELECT child_id, due_at, forgot_at FROM round
WHERE child_id {any} AND due_at > $2 AND forgot_at IS NOT NULL ORDER BY due_at
"""


async def forgot(ids: Sequence[UUID], now: datetime) -> dict[UUID, tuple[datetime, datetime]]:
    """The last check-in that each child says they forgot: when it was due, and when they said
    so."""
    rows = await fetch(_FORGOT.format(any=among()), [list(ids), now - FAR])
    return {
        as_id(row["child_id"]): (as_moment(row["due_at"]), as_moment(row["forgot_at"]))
        for row in rows
    }
