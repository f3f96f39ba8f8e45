"""Who may see a transfer between agencies, and how much of it. Reads rows, and writes looks."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from tortoise.expressions import Q

from server.errors import Denied, NotFound
from server.missing.search.models import Episode
from server.people.access import (
    Visitor,
    agency_for,
    child_for,
    looked,
    nothing_here,
    now_of,
    roles_towards,
    staff_of,
)
from server.people.models import Agency, Child, Person, Tie
from server.people.rules import PROFESSIONAL, Action, AgencyAction, Role, may, may_agency
from server.plan.models import LifeProject
from server.records.transfer.models import Reception, Transfer
from server.records.transfer.rules import State
from server.tasks.models import Task
from server.tasks.rules import Kind as DueKind
from server.tasks.rules import State as DueState
from server.tasks.rules import is_told
from server.watch.models import Watch

LOOK = "look:package"
MOST = 200


class Side(msgspec.Struct, frozen=True):
    """A person's role in a transfer. `decides`: for the agency that is asked; `gives`: for the one
    that offered; `has`: for the child now, after the yes; `gave`: for the child before it."""

    decides: bool = False
    gives: bool = False
    has: bool = False
    gave: bool = False

    @property
    def reads_package(self) -> bool:
        """Whether they may read what went along."""
        return self.has or self.gave


class Cover(msgspec.Struct, frozen=True):
    """What the receiving agency must know before it answers: only what a person would also say by
    telephone. Those who accept the child read the grab pack, the project and the return interview;
    those who refuse do not."""

    name: str
    language: str
    age_from: str | None  # The day of birth.
    tier: str | None
    is_missing: bool
    missing_since: datetime | None
    clocks: Sequence[tuple[str, datetime]]
    has_project: bool


async def transfer_for(request: Request) -> tuple[Transfer, Side]:
    """The transfer of the path, for a visitor who has a part in it. NotFound for everyone else."""
    visitor = await staff_of(request)
    transfer = await Transfer.get_or_none(id=request.path_params["transfer_id"])
    if transfer is None:
        raise nothing_here()
    side = await side_of(request, visitor, transfer)
    if side == Side():
        raise nothing_here()
    return transfer, side


async def to_answer(request: Request) -> tuple[Transfer, Side]:
    """The same for the person who answers it, even when they answer again: the first answer
    counts."""
    transfer, side = await transfer_for(request)
    if not (side.decides or side.has):
        raise nothing_here()
    return transfer, side


async def to_take_back(request: Request) -> tuple[Transfer, Side]:
    """The same for those who have the child while the offer is open."""
    transfer, side = await transfer_for(request)
    if not side.gives:
        raise nothing_here()
    return transfer, side


async def side_of(request: Request, visitor: Visitor, transfer: Transfer) -> Side:
    """The visitor's role in it."""
    now = now_of(request)
    if visitor.agency_id == transfer.to_agency_id:
        if transfer.state == State.OFFERED:
            return Side(decides=await _decides(visitor, transfer))
        has = may(await roles_towards(visitor, transfer.child_id, now), Action.PLACEMENT_CHANGE)
        answered = visitor.person_id == transfer.decided_by
        if transfer.state == State.ACCEPTED:
            return Side(has=has)
        return Side(decides=answered)
    if visitor.agency_id != transfer.agency_id:
        return Side()
    if transfer.state == State.ACCEPTED:
        return Side(gave=await _gave(visitor, transfer))
    try:
        await child_for(request, transfer.child_id, Action.PLACEMENT_CHANGE)
    except (NotFound, Denied):
        return Side()
    return Side(gives=True)


async def _decides(visitor: Visitor, transfer: Transfer) -> bool:
    """The person who gave the code, their deputies, and every supervisor of the agency."""
    if not may_agency(Role(visitor.role), AgencyAction.CHILD_TAKE_OVER):
        return False
    if visitor.role == Role.SUPERVISOR:
        return True
    asked = await Person.get(receptions__id=transfer.reception_id)
    return visitor.person_id in (asked.id, asked.deputy_id)


async def offers_of(visitor: Visitor) -> int:
    """How many children this person is asked to take over now."""
    if not may_agency(Role(visitor.role), AgencyAction.CHILD_TAKE_OVER):
        return 0
    held = Transfer.filter(to_agency_id=visitor.agency_id, decided_at__isnull=True)
    return sum([await _decides(visitor, transfer) for transfer in await held])


async def _gave(visitor: Visitor, transfer: Transfer) -> bool:
    """Those who worked with the child until that moment, and the person who offered the
    transfer."""
    if visitor.person_id == transfer.offered_by:
        return True
    ended = Tie.filter(
        child_id=transfer.child_id,
        person_id=visitor.person_id,
        agency_id=transfer.agency_id,
        role__in=list(PROFESSIONAL),
        until_at=transfer.decided_at,
    )
    return await ended.exists()


async def list_for(request: Request) -> list[tuple[Transfer, Side]]:
    """All transfers in which the visitor has a part, the latest first."""
    visitor = await agency_for(request, AgencyAction.CHILD_TAKE_OVER)
    mine = Q(agency_id=visitor.agency_id) | Q(to_agency_id=visitor.agency_id)
    rows = await Transfer.filter(mine).order_by("-offered_at", "-id").limit(MOST)
    pairs = [(row, await side_of(request, visitor, row)) for row in rows]
    return [(row, side) for row, side in pairs if side != Side()]


async def cover_of(transfer: Transfer) -> Cover:
    """What the offer says of the child while it has no answer yet."""
    child = await Child.get(id=transfer.child_id)
    person = await Person.get(id=child.id)
    watch = await Watch.get_or_none(child_id=child.id)
    search = await Episode.filter(child_id=child.id, found_at__isnull=True).first()
    dues = Task.filter(child_id=child.id, state=DueState.OPEN).exclude(kind=DueKind.TRANSFER)
    return Cover(
        name=person.name,
        language=person.language,
        age_from=child.born_on,
        tier=watch.tier if watch is not None and not watch.is_over else None,
        is_missing=search is not None,
        missing_since=search.opened_at if search is not None else None,
        clocks=[
            (due.kind, due.due_at)
            for due in await dues.order_by("due_at", "id")
            if is_told(DueKind(due.kind), due.owner_role)
        ],
        has_project=await LifeProject.exists(child_id=child.id, revision__gt=0),
    )


class Named(msgspec.Struct, frozen=True):
    """Both agencies and the people in the transfer, by name."""

    agency: str
    to_agency: str
    child: str
    people: dict[UUID, str]

    def of(self, person_id: UUID | None) -> str:
        """A person's name."""
        return self.people.get(person_id, "") if person_id is not None else ""


async def named(transfer: Transfer) -> Named:
    """The names, for a visitor who has a part in the transfer."""
    ids = {transfer.offered_by, transfer.decided_by, transfer.caseworker_id, transfer.child_id}
    people = {
        person.id: person.name for person in await Person.filter(id__in=[i for i in ids if i])
    }
    agencies = {
        agency.id: agency.name
        for agency in await Agency.filter(id__in=[transfer.agency_id, transfer.to_agency_id])
    }
    return Named(
        agencies[transfer.agency_id],
        agencies[transfer.to_agency_id],
        people[transfer.child_id],
        people,
    )


async def look_at_package(request: Request, transfer: Transfer, side: Side) -> None:
    """Record a look, which the child can read. Raises NotFound for a visitor who may not see what
    went along, and before anything did."""
    if not side.reads_package or transfer.package is None:
        raise nothing_here()
    visitor = await staff_of(request)
    await looked(visitor, [transfer.child_id], LOOK, now_of(request))


async def own_reception(visitor: Visitor, now: datetime) -> Reception | None:
    """The valid code of this person."""
    held = Reception.filter(person_id=visitor.person_id, ended_at__isnull=True, expires_at__gt=now)
    return await held.order_by("-made_at").first()
