"""Noting that a worker, or the advocate, has read what a child wrote.

The child sees it. An adult never sees whether the child has read.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from server.audit.actions import Actor
from server.people.models import Child, Tie
from server.people.reads.models import Reading
from server.people.rules import PROFESSIONAL, Role
from server.storage import bulk
from server.storage.db import as_id, write
from server.web.live import announce

_READINGS = UUID("0a1d6c0b-0b0f-4c7e-9a57-5f4f1d3c8e21")
# Of one page or one request.
MOST = 200


class Kind(StrEnum):
    """What was read."""

    MESSAGE = "message"
    CHECK_IN = "check_in"


async def note_read(
    actor: Actor, child: Child, kind: Kind, subjects: Collection[UUID], now: datetime
) -> None:
    """These words of the child were shown to this person, who may read them. The first time counts.

    A person without a tie as caseworker, supervisor or advocate leaves nothing: to the child,
    "read" means that one of their own people has read it.
    """
    assert actor.id is not None
    if not subjects or not await _is_own(actor.id, child.id, now):
        return
    new = await _not_read(actor.id, subjects)
    if not new:
        return
    rows = [
        {
            "id": reading_id(subject, actor.id),
            "agency_id": child.agency_id,
            "child_id": child.id,
            "kind": kind.value,
            "subject_id": subject,
            "person_id": actor.id,
            "at": now,
        }
        for subject in new
    ]
    async with write():
        if await bulk.insert(Reading, rows, skip_known=True):
            # The phone that has the project open asks again.
            await announce(child.id, "project")


def reading_id(subject_id: UUID, person_id: UUID) -> UUID:
    """The id of what one person has read once."""
    return uuid5(_READINGS, f"{subject_id}:{person_id}")


async def _is_own(person_id: UUID, child_id: UUID, now: datetime) -> bool:
    ties = Tie.filter(Tie.standing_at(now), child_id=child_id, person_id=person_id)
    return await ties.filter(role__in=[*PROFESSIONAL, Role.ADVOCATE]).exists()


async def _not_read(person_id: UUID, subjects: Collection[UUID]) -> list[UUID]:
    wanted = {reading_id(subject, person_id): subject for subject in subjects}
    read = await Reading.filter(id__in=list(wanted)).values_list("id", flat=True)
    return [wanted[id_] for id_ in wanted.keys() - {as_id(row) for row in read}]
