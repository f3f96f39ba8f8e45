"""What each step of a transfer does: lock it, decide it, note it, tell people."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor, note
from server.errors import Conflict, NotFound
from server.i18n import N_
from server.notify.actions import Saying, queue
from server.notify.rules import Kind
from server.people.models import Tie
from server.people.rules import PROFESSIONAL
from server.records.transfer.models import Transfer
from server.records.transfer.rules import (
    State,
)
from server.tasks import actions as dues
from server.tasks.models import Task
from server.tasks.rules import Ending
from server.tasks.rules import Kind as DueKind
from server.tasks.rules import State as DueState

_NOT_THERE = N_("This does not exist, or you do not have access to it.")


async def locked(transfer_id: UUID, wanted: State) -> Transfer:
    """The row, locked. A transfer that already ended as wanted is returned; otherwise Conflict."""
    row = await Transfer.filter(id=transfer_id).select_for_update().first()
    if row is None:
        raise NotFound(_NOT_THERE)
    if row.decided_at is not None and row.state != wanted:
        raise Conflict(
            N_("This has already been decided. Refresh the page."),
            code="decided",
            state=row.state,
        )
    return row


async def decide(
    actor: Actor, transfer: Transfer, state: State, now: datetime, **fields: object
) -> None:
    transfer.update_from_dict(
        {"state": state.value, "decided_at": now, "decided_by": actor.id, **fields}
    )
    await transfer.save()
    held = Task.filter(kind=DueKind.TRANSFER, subject_id=transfer.id, state=DueState.OPEN)
    ending = Ending(DueState.DONE, state.value)
    await dues.settle(actor, [(due, ending) for due in await held], now)
    await note_about(actor, transfer, f"transfer:{state.value}", now)
    # The other agency gets an entry in its own record too.
    other = transfer.agency_id if actor.agency_id == transfer.to_agency_id else None
    if other is not None:
        await note_about(actor, transfer, f"transfer:{state.value}", now, agency_id=other)


async def note_about(
    actor: Actor, transfer: Transfer, what: str, now: datetime, *, agency_id: UUID | None = None
) -> None:
    await note(
        actor,
        what,
        child_id=transfer.child_id,
        about=("transfer", transfer.id),
        agency_id=agency_id or actor.agency_id,
        now=now,
    )


async def workers(child_id: UUID, now: datetime) -> list[UUID]:
    held = Tie.filter(Tie.standing_at(now), child_id=child_id, role__in=list(PROFESSIONAL))
    return [tie.person_id for tie in await held.order_by("from_at", "id")]


async def tell(
    transfer: Transfer,
    people: Sequence[UUID],
    agency_id: UUID,
    now: datetime,
    *,
    urgent: bool = False,
) -> None:
    sayings = [
        Saying(
            kind=Kind.TRANSFER,
            agency_id=agency_id,
            subject_kind="transfer",
            subject_id=transfer.id,
            person_id=person_id,
            turn=0 if transfer.decided_at is None else 1,
            urgency="high" if urgent else "normal",
            data={"path": f"/desk/transfers/{transfer.id}"},
        )
        for person_id in dict.fromkeys(people)
    ]
    await queue(sayings, now)
