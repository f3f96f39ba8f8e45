"""A child is offered to another agency; the offer is taken back, or refused.

Until a person there accepts (acceptance.py), everything stays with the agency that offered it: its
ties, its clocks, its alerts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.audit.actions import Actor
from server.audit.repeats import first_made
from server.errors import Conflict, NotFound
from server.i18n import N_
from server.notify.actions import withdraw
from server.people import ties
from server.people.models import Child, Person
from server.people.rules import Role
from server.records.transfer.deciding import decide, locked, note_about, tell, workers
from server.records.transfer.models import Reception, Transfer
from server.records.transfer.reception import find_reception
from server.records.transfer.rules import (
    ANSWER_WHILE_MISSING,
    ANSWER_WITHIN,
    State,
    Withheld,
    checked,
    words,
    words_or_none,
)
from server.storage.db import write
from server.tasks import actions as dues
from server.tasks.rules import Kind as DueKind
from server.tasks.rules import Setting
from server.watch.models import Watch
from server.watch.writing import lock


class Offer(msgspec.Struct, frozen=True):
    """The words that go along with an offer."""

    why: str
    child_says: str | None = None
    withheld: Sequence[Withheld] = ()


async def offer(
    actor: Actor, child: Child, code: str, terms: Offer, *, id: UUID, now: datetime
) -> Transfer:
    """Ask another agency to take over. The same id again is the same offer.

    Raises what `find_reception` raises, Refused for words that are missing or too long, Conflict
    `offered` while another offer is open, IdReused.
    """
    content = _checked(terms)
    reception = await _reception(actor, code, id, now)
    async with write():
        await lock(child.id)
        await ties.lock_children([child.id])
        whose = {"child_id": child.id, "offered_by": actor.id}
        existing = await first_made(Transfer, id, [code, terms], **whose)
        if existing is not None:
            return existing
        child = await Child.get(id=child.id)
        assert reception is not None
        await _use_code(child, reception, now)
        made = await Transfer.create(
            id=id,
            agency_id=child.agency_id,
            to_agency_id=reception.agency_id,
            child_id=child.id,
            reception_id=reception.id,
            offered_by=actor.id,
            offered_at=now,
            **content,
        )
        await _ask(actor, child, made, reception, now)
    return made


async def _reception(actor: Actor, code: str, id: UUID, now: datetime) -> Reception | None:
    """The person with the code; None where it went into the offer of this id."""
    if await Transfer.exists(id=id):
        return None
    try:
        return await find_reception(actor, code, now)
    except NotFound:
        # The code was used at this moment, perhaps by the same request.
        if await Transfer.exists(id=id):
            return None
        raise


def _checked(terms: Offer) -> dict[str, Any]:
    return {
        "why": words(terms.why, "why"),
        "child_says": words_or_none(terms.child_says, "child_says"),
        "withheld": checked(terms.withheld),
    }


async def _use_code(child: Child, reception: Reception, now: datetime) -> None:
    """Raises Conflict where another offer is open, or a faster request has used the same code."""
    if await Transfer.exists(child_id=child.id, decided_at__isnull=True):
        raise Conflict(
            N_("You have already asked another agency. Take that back first."), code="offered"
        )
    if not await Reception.filter(id=reception.id, ended_at__isnull=True).update(ended_at=now):
        raise Conflict(N_("This code has already been used. Ask for a new one."), code="code_used")


async def _ask(
    actor: Actor, child: Child, made: Transfer, reception: Reception, now: datetime
) -> None:
    """The person with the code, and their deputy, hear of it; the answer becomes a task."""
    assert actor.id is not None
    watch = await Watch.get_or_none(child_id=child.id)
    is_missing = watch is not None and watch.is_missing
    setting = Setting(
        kind=DueKind.TRANSFER,
        subject_id=made.id,
        owner_id=actor.id,
        owner_role=Role.CASEWORKER.value,
        due_at=now + (ANSWER_WHILE_MISSING if is_missing else ANSWER_WITHIN),
        zone=(await Person.get(id=actor.id)).zone,
    )
    await dues.set_task(actor, child, setting, now)
    await note_about(actor, made, "transfer:offer", now)
    asked = await Person.get(id=reception.person_id)
    to = [asked.id, *([asked.deputy_id] if asked.deputy_id else [])]
    await tell(made, to, made.to_agency_id, now, urgent=is_missing)


async def take_back(actor: Actor, transfer_id: UUID, now: datetime) -> Transfer:
    """Withdraw the offer. Twice counts once. Raises NotFound, Conflict `decided`."""
    async with write():
        transfer = await locked(transfer_id, State.TAKEN_BACK)
        if transfer.decided_at is None:
            await decide(actor, transfer, State.TAKEN_BACK, now)
            await withdraw([transfer.id], "taken_back", now)
    return await Transfer.get(id=transfer_id)


async def refuse(actor: Actor, transfer_id: UUID, why: str, now: datetime) -> Transfer:
    """Refuse: the child stays where they are. Twice counts once. Raises NotFound, Refused without a
    reason, Conflict `decided`."""
    reason = words(why, "why")
    async with write():
        transfer = await locked(transfer_id, State.REFUSED)
        if transfer.decided_at is None:
            await decide(actor, transfer, State.REFUSED, now, decision=reason)
            told = [transfer.offered_by, *await workers(transfer.child_id, now)]
            await tell(transfer, told, transfer.agency_id, now, urgent=True)
    return await Transfer.get(id=transfer_id)
