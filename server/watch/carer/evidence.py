"""Reading what people said about silent children, and who there is to ask: one statement for each,
however many children there are. Built by hand, since a board asks all of them at each renewal."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.alerts.ladder import Cause
from server.people.rules import Role
from server.storage.db import among, as_id, as_moment, fetch
from server.watch.facts import Asked, Called, Listed, Seen
from server.watch.spoken import LastSaid, last_since_sign

# Sightings and words further back say nothing about a silence of now.
FAR = timedelta(days=14)

_SEEN = """
SELECT child_id, seen_at, by_role, answer FROM sighting
WHERE child_id {any} AND at > $2 ORDER BY at
"""
# Whether a person was the carer when they were asked: who is asked in a carer's place has no tie.
_QUESTIONS = """
SELECT q.child_id, q.about_due_at, q.asked_at, q.answer, q.answered_at, EXISTS (
  SELECT 1 FROM tie t WHERE t.child_id = q.child_id AND t.person_id = q.person_id AND t.role = $2
  AND t.from_at <= q.asked_at AND (t.until_at IS NULL OR t.until_at > q.asked_at)) AS by_carer,
  EXISTS (SELECT 1 FROM message m WHERE m.subject_id = q.id AND m.state = 'done') AS is_out
FROM question q WHERE q.child_id {any} ORDER BY q.asked_at
"""


async def seen(ids: Sequence[UUID], now: datetime) -> dict[UUID, Seen]:
    """The last time an adult looked for each of these children."""
    last: dict[UUID, Seen] = {}
    for row in await fetch(_SEEN.format(any=among()), [list(ids), now - FAR]):
        child, at = as_id(row["child_id"]), as_moment(row["seen_at"])
        before = last[child].seen_at if child in last else None
        seen_at = max(at, before or at) if row["answer"] == "seen" else before
        last[child] = Seen(at, row["by_role"], row["answer"], seen_at)
    return last


_PLACED = """
SELECT c.id AS child_id, c.placed_at, (
  SELECT MAX(s.seen_at) FROM sighting s WHERE s.child_id = c.id AND s.answer = 'seen' AND s.at > $2
) AS seen_at FROM child c WHERE c.id {any}
"""


async def placed_and_seen(
    ids: Sequence[UUID], now: datetime
) -> dict[UUID, tuple[datetime, datetime | None]]:
    """When each of these children came here, and when an adult saw them last."""
    if not ids:
        return {}
    return {
        as_id(row["child_id"]): (
            as_moment(row["placed_at"]),
            None if row["seen_at"] is None else as_moment(row["seen_at"]),
        )
        for row in await fetch(_PLACED.format(any=among()), [list(ids), now - FAR])
    }


class _About(msgspec.Struct, frozen=True):
    """Which questions are about a silence: those about its first miss; else about the check-in of
    its alert; else those that came since it was last to be asked. An answer that came late moves
    the miss, and one that settles the silence leaves its alert open."""

    missed: datetime | None
    of_alert: datetime | None
    since: datetime | None

    def rank(self, due: datetime, asked_at: datetime) -> int | None:
        if due in (self.missed, self.of_alert):
            return 0 if due == self.missed else 1
        return 2 if self.since is not None and asked_at >= self.since else None


def _about(row: Mapping[str, Any], alerts: Iterable[Called]) -> _About:
    silence = next((alert for alert in alerts if alert.cause is Cause.SILENCE), None)
    missed = None if row["missed_due_at"] is None else as_moment(row["missed_due_at"])
    asked_at = None if row["asked_at"] is None else as_moment(row["asked_at"])
    if silence is None or (missed is not None and asked_at is None):
        return _About(missed, None, asked_at)  # A miss of now, that the alert is not about.
    return _About(missed, silence.due_at, asked_at or silence.carer_asked_at)


async def asked(
    watches: Iterable[Mapping[str, Any]], alerts: Mapping[UUID, tuple[Called, ...]]
) -> dict[UUID, Asked]:
    """What came of the question about each silence, by its watch and its open alerts: the one
    source of it for every page and paper. An answer outweighs silence."""
    abouts = {
        (child := as_id(row["child_id"])): _about(row, alerts.get(child, ())) for row in watches
    }
    abouts = {child: about for child, about in abouts.items() if about != _About(None, None, None)}
    if not abouts:
        return {}
    by_child: dict[UUID, dict[int, list[Asked]]] = {}
    for row in await fetch(_QUESTIONS.format(any=among()), [list(abouts), Role.CARER.value]):
        child, at = as_id(row["child_id"]), as_moment(row["asked_at"])
        rank = abouts[child].rank(as_moment(row["about_due_at"]), at)
        if rank is not None:
            answered_at = None if row["answered_at"] is None else as_moment(row["answered_at"])
            question = Asked(
                at,
                row["answer"],
                answered_at,
                is_home=not row["by_carer"],
                is_out=bool(row["is_out"]),
            )
            by_child.setdefault(child, {}).setdefault(rank, []).append(question)
    return {child: _came_to(ranks[min(ranks)]) for child, ranks in by_child.items()}


def _came_to(questions: Sequence[Asked]) -> Asked:
    """Of the questions about one silence, the earliest first."""
    answered = [question for question in questions if question.answer is not None]
    out = [question for question in questions if question.is_out] or questions
    return replace((answered or out)[-1], times=len({question.at for question in out}))


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
