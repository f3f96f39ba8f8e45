"""Handing a child over from one worker to another, in one transaction."""

from datetime import datetime
from uuid import UUID, uuid5

import msgspec
from tortoise.queryset import QuerySet

from server.audit.actions import Actor
from server.errors import Conflict, Refused
from server.i18n import N_
from server.notify.actions import Saying, queue
from server.notify.rules import Kind
from server.people.models import Child, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie, lock_adults, lock_children
from server.storage.db import write


class HandOver(msgspec.Struct, frozen=True):
    """Who hands over, and who takes over. `id` is made by the form: sent twice, it happens once."""

    id: UUID
    from_id: UUID
    to_id: UUID


async def hand_over(actor: Actor, child: Child, wanted: HandOver, now: datetime) -> None:
    """End the old worker's tie to the child, and begin the new one's; tell both of them, and the
    child. Twice is once.

    Raises Conflict `handed_over` where the child has another caseworker by now, Refused where the
    new one cannot have the child.
    """
    if wanted.from_id == wanted.to_id:
        raise Refused(N_("Choose another person."), field="to")
    tie_id = uuid5(wanted.id, child.id.hex)
    async with write():
        await lock_adults(child.agency_id, [wanted.to_id])
        await lock_children([child.id])
        if await Tie.exists(id=tie_id, child_id=child.id, person_id=wanted.to_id):
            return
        held = Tie.filter(
            Tie.standing_at(now),
            child_id=child.id,
            person_id=wanted.from_id,
            role=Role.CASEWORKER,
        )
        old_ties = await held.order_by("from_at", "id")
        if not old_ties and await _stays(child, wanted.to_id, now).exists():
            return  # Sent twice, where they were the child's caseworker before.
        if not old_ties:
            raise Conflict(
                N_("A child has been handed over in the meantime. Check again."),
                code="handed_over",
            )
        await _begin(
            actor, child, AddTie(id=tie_id, person_id=wanted.to_id, role=Role.CASEWORKER), now
        )
        for old in old_ties:
            await end_tie(actor, child, old.id, now, is_news=False)
        await queue(
            [_news(child, wanted, person) for person in (wanted.from_id, wanted.to_id)], now
        )


async def _begin(actor: Actor, child: Child, tie: AddTie, now: datetime) -> None:
    """Begin the tie; where they are the child's caseworker already, that one stays."""
    if not await _stays(child, tie.person_id, now).exists():
        await add_tie(actor, child, tie, now)


def _stays(child: Child, person_id: UUID, now: datetime) -> QuerySet[Tie]:
    return Tie.filter(
        Tie.standing_at(now),
        child_id=child.id,
        person_id=person_id,
        role=Role.CASEWORKER,
        until_at__isnull=True,
    )


def _news(child: Child, wanted: HandOver, person_id: UUID) -> Saying:
    # One message, however many children are handed over together.
    return Saying(
        kind=Kind.ASSIGNED,
        agency_id=child.agency_id,
        subject_kind="hand_over",
        subject_id=wanted.id,
        person_id=person_id,
        data={"path": "/desk/?whose=mine"},
    )
