"""Who took the PIN of a list, or its address, answers for one of its children no longer: both end.

Nobody has seen the new one. The caseworkers and supervisors of the list get a message, and their
pages say that one of them has to make another one: else the school has no way in.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from server.audit.actions import SYSTEM
from server.people.events import Rights
from server.people.models import Person, Tie
from server.people.rules import PROFESSIONAL
from server.storage.db import as_id
from server.witnesses import reading
from server.witnesses.actions import set_pin, set_register, tell
from server.witnesses.models import Witness, WitnessChild, WitnessList, live_at


async def hear(rights: Rights, now: datetime) -> None:
    """A tie has ended, an account was closed, or a person has another role. In the caller's
    transaction."""
    if rights.child_id is not None:
        seats = WitnessChild.filter(child_id=rights.child_id, **live_at(now))
        ids = [as_id(id_) for id_ in await seats.values_list("witness_id", flat=True)]
        for witness in await _locked(Q(id__in=ids)):  # A dozen at most.
            await renew(witness, await _whose_tie_ended(witness, now, now), now)
    elif rights.person_id is not None:
        person = await Person.get_or_none(id=rights.person_id)
        if person is None:
            return
        took = Q(pin_by=person.id) | Q(register_by=person.id)
        for witness in await _locked(took & Q(agency_id=person.agency_id)):
            await renew(witness, {person.id}, now)


async def _locked(which: Q) -> Sequence[Witness]:
    return await Witness.filter(which, ended_at__isnull=True).order_by("id").select_for_update()


async def renew_ended(witness: Witness, now: datetime) -> None:
    """The same for ties whose last day came since the list before. Of a locked witness."""
    lists = WitnessList.filter(witness_id=witness.id, due_at__lt=now).order_by("-due_at")
    before = await lists.first()
    since = before.due_at if before is not None else witness.made_at
    await renew(witness, await _whose_tie_ended(witness, since, now), now)


async def _whose_tie_ended(witness: Witness, since: datetime, now: datetime) -> set[UUID]:
    """Who took one, and had a tie to a child of the list that ended since then."""
    took = [id_ for id_ in (witness.pin_by, witness.register_by) if id_ is not None]
    if not took:
        return set()
    ended = Tie.filter(
        child_id__in=list(await reading.children_of(witness.id, now)),
        person_id__in=took,
        role__in=list(PROFESSIONAL),
        until_at__gte=since,
        until_at__lte=now,
    )
    return {as_id(id_) for id_ in await ended.values_list("person_id", flat=True)}


async def renew(witness: Witness, takers: set[UUID], now: datetime) -> None:
    """What one of these takers knows, and does not answer for every child of the list, ends. In
    the caller's transaction, of a locked witness."""
    children = await reading.children_of(witness.id, now)
    gone = {
        id_
        for id_ in takers
        if not await reading.answers_for(id_, witness.agency_id, children, now)
    }
    if witness.pin_by in gone:
        await set_pin(SYSTEM, witness, now, pin_new_at=now)
    if witness.register_hash and witness.register_by in gone:
        await set_register(SYSTEM, witness, now, register_new_at=now)
    if gone:
        await tell(witness, children, "left", now)
