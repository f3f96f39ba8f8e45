"""Ties between people and children: adding and ending them, and what they must leave in place.

A child always has a caseworker: one is added with the child, and the last tie of a caseworker
without an end date cannot be ended. So the ladder of an alert always begins with a person.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.errors import NotFound, Refused
from server.i18n import N_
from server.people.events import Happening, Rights, happened, rights_changed
from server.people.models import Child, Person, Tie
from server.people.rules import LONGEST_ADVOCACY, Role, may_hold
from server.storage.db import as_id, swapped, write
from server.storage.ids import uuid7

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class AddTie(msgspec.Struct, frozen=True, kw_only=True):
    """A new tie, from now on where `from_at` says nothing else."""

    id: UUID = msgspec.field(default_factory=uuid7)
    person_id: UUID
    role: Role
    from_at: Moment | None = None
    until_at: Moment | None = None


async def add_tie(actor: Actor, child: Child, tie: AddTie, now: datetime) -> Tie:
    """A tie from a moment on, until another where it has an end.

    The same id again gives the tie that it made. Raises Refused where this person may not have such
    a tie or has it already, IdReused where the id made another one.
    """
    from_at = tie.from_at or now
    async with write():
        whose = {"child_id": child.id, "person_id": tie.person_id, "role": tie.role}
        if (existing := await first_made(Tie, tie.id, tie, **whose)) is not None:
            return existing
        if tie.until_at is not None and tie.until_at <= from_at:
            raise Refused(N_("The end must be after the start."), field="until_at")
        _check_time(tie.role, from_at, tie.until_at)
        await _check(child, tie, now)
        row = await Tie.create(
            id=tie.id,
            agency_id=child.agency_id,
            child_id=child.id,
            person_id=tie.person_id,
            role=tie.role,
            from_at=from_at,
            until_at=tie.until_at,
        )
        await note(actor, "tie:add", **_facts(child, row), now=now)
        others = Tie.filter(child_id=child.id, role=Role.CASEWORKER).exclude(id=row.id)
        if is_worker(row) and await others.exists():
            begins = max(from_at, now)
            await happened(actor, child.id, Happening.NEW_WORKER, now, about=row.id, at=begins)
        comes = row.role == Role.CASEWORKER and from_at <= now
        came = row.person_id if comes else None
        await rights_changed(Rights(child_id=child.id, came=came), now)
    return row


async def _check(child: Child, tie: AddTie, now: datetime) -> None:
    """Raises Refused where this person may not have such a tie, or has it already."""
    person = (await lock_adults(child.agency_id, [tie.person_id]))[tie.person_id]
    if not may_hold(Role(person.role), tie.role):
        raise Refused(N_("This person cannot have this role for a child."), field="role")
    held = Tie.filter(Tie.standing_at(now), child_id=child.id, person_id=person.id, role=tie.role)
    if await held.exists():
        raise Refused(N_("This person already has this role."), field="person_id")


def _check_time(role: Role, from_at: datetime, until_at: datetime | None) -> None:
    """Raises Refused where an advocate would have no end, or one that is too far off."""
    if role is Role.ADVOCATE and (until_at is None or until_at - from_at > LONGEST_ADVOCACY):
        raise Refused(N_("Choose a last day within the next 12 months."), field="until")


async def prolong_tie(
    actor: Actor, child: Child, tie_id: UUID, until_at: datetime, now: datetime
) -> Tie:
    """Another end for a valid tie that has one. Raises NotFound where it is over, Refused for an
    end that this role cannot have."""
    async with write():
        await lock_children([child.id])
        valid = Tie.filter(Tie.standing_at(now), id=tie_id, child_id=child.id)
        tie = await valid.filter(until_at__isnull=False).first()
        if tie is None:
            raise NotFound(N_("This does not exist, or you do not have access to it."))
        if until_at <= now:
            raise Refused(N_("Choose a day that is still to come."), field="until")
        _check_time(tie.role, now, until_at)
        if tie.until_at != until_at:
            swapped(await Tie.filter(id=tie.id, until_at=tie.until_at).update(until_at=until_at))
            await note(actor, "tie:prolong", **_facts(child, tie), now=now)
            tie.until_at = until_at
            await rights_changed(Rights(child_id=child.id), now)
    return tie


def _facts(child: Child, tie: Tie) -> dict[str, Any]:
    """What the entries about a tie have in common."""
    return {
        "child_id": child.id,
        "about": ("tie", tie.id),
        "names": [tie.role],
        "agency_id": child.agency_id,
    }


def is_worker(tie: Tie) -> bool:
    """Whether this is a caseworker for good. One with an end date covers for another who is away:
    that is no change of worker, neither at its beginning nor at its end."""
    return tie.role == Role.CASEWORKER and tie.until_at is None


async def end_tie(
    actor: Actor, child: Child, tie_id: UUID, now: datetime, *, is_news: bool = True
) -> Tie:
    """End the tie now. Ended twice: the first end stays. `is_news`: tell the child, where their
    caseworker goes for good and nothing else tells them of it.

    Raises Refused, code `last_caseworker`, where the child would be left without one.
    """
    async with write():
        await lock_children([child.id])
        tie = await Tie.get_or_none(id=tie_id, child_id=child.id)
        if tie is None:
            raise NotFound(N_("This does not exist, or you do not have access to it."))
        if tie.until_at is not None and tie.until_at <= now:
            return tie
        if tie.role == Role.CASEWORKER:
            await keeps_a_caseworker(child.id, tie.person_id, now)
        # A tie that was to begin later is never valid: it ends at its own beginning.
        end, was_worker = max(now, tie.from_at), is_worker(tie)
        swapped(await Tie.filter(id=tie.id, until_at=tie.until_at).update(until_at=end))
        await note(actor, "tie:end", **_facts(child, tie), now=now)
        tie.until_at = end
        if was_worker and is_news:
            await happened(actor, child.id, Happening.NEW_WORKER, now, about=tie.id)
        await rights_changed(Rights(child_id=child.id), now)
    return tie


async def this_adult(agency_id: UUID, person_id: UUID) -> Person:
    """An adult of this agency, who has not left."""
    adults = Person.filter(id=person_id, agency_id=agency_id, disabled_at__isnull=True)
    return _checked(await adults.first())


def _checked(person: Person | None) -> Person:
    if person is None or person.role == Role.CHILD:
        raise Refused(N_("Choose an adult from the agency."), field="person_id")
    return person


async def lock_adults(agency_id: UUID, ids: Collection[UUID]) -> dict[UUID, Person]:
    """The same, locked until the end of this write: nobody is given a child while they leave.

    Before the children, and in one order.
    """
    held = await (
        Person.filter(id__in=list(ids), agency_id=agency_id, disabled_at__isnull=True)
        .order_by("id")
        .select_for_update(no_key=True)
    )
    by_id = {person.id: person for person in held}
    return {id_: _checked(by_id.get(id_)) for id_ in ids}


async def lock_children(child_ids: list[UUID]) -> None:
    """Lock these children until the end of this write."""
    # Two requests that end the last two ties at once would each see the other's. They lock in one
    # order, so that they wait for each other without a deadlock; SQLite has one writer anyway. The
    # lock is no stronger than an update: a transaction that locks the life project and adds a row
    # to it locks the child as its parent, and we may want that project next.
    await Child.filter(id__in=child_ids).order_by("id").select_for_update(no_key=True)


async def keeps_a_caseworker(child_id: UUID, without: UUID | None, now: datetime) -> None:
    """Raises Refused, code `last_caseworker`, where a placed child has no other caseworker without
    an end date: one with an end would leave the gap for later."""
    child = await Child.get(id=child_id)
    others = Tie.filter(
        child_id=child_id,
        role=Role.CASEWORKER,
        from_at__lte=now,
        until_at__isnull=True,
        person__disabled_at__isnull=True,
    )
    if without is not None:
        others = others.exclude(person_id=without)
    if child.left_at is None and not await others.exists():
        raise Refused(
            N_("This would leave the child without a caseworker. Add another one first."),
            code="last_caseworker",
        )


async def unsupervised(children: Collection[UUID], now: datetime) -> set[UUID]:
    """The children among these to which no supervisor who works here has a tie now."""
    ties = Tie.filter(
        Tie.standing_at(now),
        child_id__in=list(children),
        role=Role.SUPERVISOR,
        person__disabled_at__isnull=True,
    )
    supervised = {as_id(id_) for id_ in await ties.values_list("child_id", flat=True)}
    return set(children) - supervised
