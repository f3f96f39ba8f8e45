"""A person leaves the agency: their successors get the ties and the places as a deputy. Or a child
leaves it, and all their ties end.

This is one part of one step. Call `plan.offboarding.leave` instead: it also hands on what is in the
rooms above, and ends the sessions.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from server.audit.actions import Actor, note
from server.errors import Refused
from server.i18n import N_
from server.people.events import Happening, Rights, happened, rights_changed
from server.people.models import Child, Person, Tie
from server.people.rules import Role, may_hold
from server.people.ties import is_worker, keeps_a_caseworker, lock_adults, lock_children
from server.storage.db import write
from server.storage.ids import uuid7
from server.web.live import RIGHTS, announce

LEAVING = "leaving"


class Takers(msgspec.Struct, frozen=True):
    """The successors: one person for everything, and others for single children."""

    everything: UUID | None = None
    of: Mapping[UUID, UUID] = msgspec.field(default_factory=dict)

    def of_child(self, child_id: UUID) -> UUID | None:
        """The successor for this child; None: nobody was named."""
        return self.of.get(child_id, self.everything)

    def everybody(self) -> set[UUID]:
        """All named successors."""
        return {*self.of.values(), *([self.everything] if self.everything else [])}


async def hand_over(
    actor: Actor, agency_id: UUID, leaver_id: UUID, takers: Takers, now: datetime
) -> list[UUID]:
    """End the ties and the places as a deputy, and begin them with the successors; returns the
    children. In the caller's transaction.

    Raises Refused, naming the child as the field, where a successor cannot have the tie, or the
    child would have no caseworker (code `last_caseworker`).
    """
    async with write():
        # The acting person too, so that two cannot remove each other at once.
        doing = {actor.id} if actor.id is not None else set()
        adults = await lock_adults(agency_id, {leaver_id, *doing, *takers.everybody()})
        if leaver_id in takers.everybody():
            raise Refused(N_("This person is leaving. Choose another person."), field="everything")
        children = await _children_of(leaver_id, now)
        await lock_children(children)
        # Once more: a tie may have ended before the lock.
        ties = await Tie.filter(Tie.ending_after(now), person_id=leaver_id).order_by("child_id")
        ended: dict[UUID, list[Tie]] = {child_id: [] for child_id in children}
        for tie in ties:
            taker = takers.of_child(tie.child_id)
            if taker is not None and tie.role is not Role.ADVOCATE:
                _check_may_hold(adults[taker], tie)
            if tie.child_id in ended:
                ended[tie.child_id].append(tie)
        for child_id, of_child in ended.items():
            await _of_child(actor, of_child, takers.of_child(child_id), now)
        await _deputies(actor, agency_id, leaver_id, takers.everything, now)
    return children


async def end_all(actor: Actor, child: Child, why: str, now: datetime) -> list[Tie]:
    """End all ties to the child, current and future. The caller adds ties for others in the same
    transaction. Returns the ties that were not over."""
    held = Tie.filter(Tie.ending_after(now), child_id=child.id)
    ties = await held.order_by("from_at", "id")
    for tie in ties:
        await _end(actor, tie, now, why=why)
    return ties


async def _end(actor: Actor, tie: Tie, now: datetime, *, why: str = LEAVING) -> None:
    await Tie.filter(id=tie.id).update(until_at=max(now, tie.from_at))
    await _note(actor, tie, "tie:end", now, why=why)
    await announce(tie.child_id, RIGHTS)


async def _children_of(person_id: UUID, now: datetime) -> list[UUID]:
    held = Tie.filter(Tie.ending_after(now), person_id=person_id)
    return sorted({tie.child_id for tie in await held})


def _check_may_hold(taker: Person, tie: Tie) -> None:
    if not may_hold(Role(taker.role), tie.role):
        raise Refused(
            N_("This person cannot have this role for a child. Choose another person."),
            field=str(tie.child_id),
        )


async def _of_child(actor: Actor, ties: list[Tie], taker: UUID | None, now: datetime) -> None:
    """All ties of one child."""
    begun = []
    for tie in ties:
        await _end(actor, tie, now)
        # The child chose this advocate: nobody chooses the next one but the child.
        if taker is not None and tie.role is not Role.ADVOCATE:
            begun += await _begin(actor, tie, taker, now)
    gone = [tie for tie in ties if tie.role == Role.CASEWORKER]
    if gone:
        await _check_stays(gone[0], now)
    # One message for the child: who comes or, where nobody does, who left.
    news = [tie for tie in begun if is_worker(tie)] or [tie for tie in ties if is_worker(tie)]
    for tie in news[:1]:
        await happened(
            actor, tie.child_id, Happening.NEW_WORKER, now, about=tie.id, at=max(tie.from_at, now)
        )


async def _check_stays(tie: Tie, now: datetime) -> None:
    try:
        await keeps_a_caseworker(tie.child_id, tie.person_id, now)
    except Refused as fault:
        raise Refused(
            N_("This would leave the child without a caseworker. Choose who takes over."),
            code=fault.code,
            field=str(tie.child_id),
        ) from None


async def _begin(actor: Actor, tie: Tie, taker: UUID, now: datetime) -> list[Tie]:
    """The same tie for the successor; none where a valid one covers it already."""
    begins, ends = max(now, tie.from_at), tie.until_at
    held = await Tie.filter(
        Tie.ending_after(now), child_id=tie.child_id, person_id=taker, role=tie.role
    )
    if any(
        held_tie.from_at <= begins and _is_as_long(held_tie.until_at, ends) for held_tie in held
    ):
        return []
    for held_tie in held:
        # Shorter than the tie before: one after the other, never two at once.
        await _end(actor, held_tie, now)
    ends = None if any(held_tie.until_at is None for held_tie in held) else ends
    begun = await Tie.create(
        id=uuid7(),
        agency_id=tie.agency_id,
        child_id=tie.child_id,
        person_id=taker,
        role=tie.role,
        from_at=begins,
        until_at=ends,
    )
    await _note(actor, begun, "tie:add", now)
    return [begun]


def _is_as_long(until_at: datetime | None, wanted: datetime | None) -> bool:
    return until_at is None or (wanted is not None and until_at >= wanted)


async def _note(actor: Actor, tie: Tie, what: str, now: datetime, *, why: str = LEAVING) -> None:
    await note(
        actor,
        what,
        child_id=tie.child_id,
        about=("tie", tie.id),
        names=[tie.role],
        agency_id=tie.agency_id,
        why=why,
        now=now,
    )


async def _deputies(
    actor: Actor, agency_id: UUID, leaver_id: UUID, taker: UUID | None, now: datetime
) -> None:
    """The successor becomes the deputy of everyone whose deputy the leaver was. Nobody is their own
    deputy: the successor gets the leaver's deputy instead."""
    leaver = await Person.get(id=leaver_id)
    for person in await Person.filter(deputy_id=leaver_id, disabled_at__isnull=True):
        chosen = taker if taker != person.id else leaver.deputy_id
        deputy = chosen if chosen != person.id else None
        await Person.filter(id=person.id, deputy_id=leaver_id).update(deputy_id=deputy)
        await note(
            actor,
            "person:change",
            about=("person", person.id),
            names=["deputy_id"],
            agency_id=agency_id,
            why=LEAVING,
            now=now,
        )
        await rights_changed(Rights(deputy_of=person.id, came=deputy), now)
