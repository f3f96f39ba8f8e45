"""An answer as it is stored, with the first answer that we give beside it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.alerts.ladder import Cause
from server.audit.actions import Actor
from server.checkin.models import CheckIn
from server.checkin.reading import waited
from server.checkin.rules import Answer
from server.checkin.words import as_text
from server.people.rules import Role
from server.watch.hearing.settling import Settlement
from server.watch.machine.standing import as_the_child_sees
from server.watch.models import Watch
from server.watch.watch_alerts import Wish


class Given(msgspec.Struct, frozen=True):
    """An answer about a child, the person who gave it, and the hash of its content."""

    actor: Actor
    role: Role
    child_id: UUID
    answer: Answer
    content_hash: str


def is_repeat(existing: CheckIn, given: Given) -> bool:
    """Whether the id is taken by this very answer, and not by another one, or of another child."""
    stored = (existing.child_id, existing.by_id, existing.content_hash)
    return stored == (given.child_id, given.actor.id, given.content_hash)


def wish_of(given: Given, watch: Watch, now: datetime) -> Wish:
    """What adults are called for."""
    answer = given.answer
    return Wish(
        given.actor,
        watch,
        Cause(answer.want.value),
        answer.id,
        how=answer.how.value if answer.how is not None else None,
        who=answer.who,
        said_at=waited(answer.spoken_at(now), now),
        has_words=bool(answer.note),
    )


def row_of(given: Given, came_to: Settlement, at: datetime) -> dict[str, Any]:
    """The row of an answer that counts as of `at`."""
    actor, answer = given.actor, given.answer
    return {
        "id": answer.id,
        "agency_id": actor.agency_id,
        "child_id": given.child_id,
        "by_id": actor.id,
        "by_role": given.role.value,
        "by_way": answer.way.value,
        "device_id": actor.device_id,
        "said_at": answer.said_at,
        "received_at": at,
        "spoken_at": answer.spoken_at(at),
        "mood": answer.mood,
        "note": answer.note,
        "want": answer.want.value,
        "mark": answer.mark,
        "how": answer.how.value if answer.how is not None else None,
        "who_id": answer.who,
        "is_late": came_to.settled.was_late,
        # Where the placement has ended, nothing is due that it could be too early for.
        "is_early": came_to.settled.nothing and came_to.next_due_at is not None,
        "duress_check_at": None,
        "content_hash": given.content_hash,
        "answer": _first_answer(answer.id, came_to, at),
    }


def _first_answer(id_: UUID, came_to: Settlement, at: datetime) -> dict[str, Any]:
    # In the order in which PostgreSQL keeps it, so that a repeat gets the same bytes.
    return {
        "id": str(id_),
        **({"is_old": True} if came_to.settled.is_old else {}),
        "standing": as_the_child_sees(came_to.standing).value,
        "next_due_at": as_text(came_to.next_due_at) if came_to.next_due_at else None,
        "received_at": as_text(at),
    }
