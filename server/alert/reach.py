"""By which policy an agency calls, and who stands on which rung. Reads rows, and writes none."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from server.alert.duty import on_duty
from server.alert.ladder import Reach
from server.alert.models import Policy
from server.alert.policy import DEFAULT, Rung
from server.alert.policy import Policy as PolicyRules
from server.alert.reading import filled, read
from server.notify.actions import last_resorts
from server.people.models import Person, Tie
from server.people.rules import Role


async def policy_of(agency_id: UUID) -> tuple[PolicyRules, int]:
    """The policy of an agency as it stands, and its version; 0 is the default that ships."""
    row = await Policy.filter(agency_id=agency_id).order_by("-version").first()
    return (read(filled(row.content)), row.version) if row else (read(DEFAULT), 0)


async def reach_of(children: Mapping[UUID, UUID], now: datetime) -> dict[UUID, Reach]:
    """Who stands on each rung, for each of these children (child → agency). Nobody disabled."""
    ties = await Tie.filter(
        Tie.standing_at(now),
        child_id__in=list(children),
        role=Role.CASEWORKER,
        person__disabled_at__isnull=True,
    ).values_list("child_id", "person_id", "person__deputy_id")
    deputies = {deputy for _, _, deputy in ties if deputy is not None}
    able = set(
        await Person.filter(id__in=list(deputies), disabled_at__isnull=True).values_list(
            "id", flat=True
        )
    )
    duty = await on_duty(set(children.values()), now)
    found: dict[UUID, dict[Rung, set[UUID]]] = {
        child: {Rung.CASEWORKER: set(), Rung.DEPUTY: set(), Rung.ON_DUTY: duty[agency]}
        for child, agency in children.items()
    }
    for child_id, person_id, deputy_id in ties:
        found[child_id][Rung.CASEWORKER].add(person_id)
        if deputy_id in able:
            found[child_id][Rung.DEPUTY].add(deputy_id)
    if last_resorts():
        for reach in found.values():
            reach[Rung.LAST_RESORT] = set()
    return {child: dict(reach) for child, reach in found.items()}


async def reach_of_worker(agency_id: UUID, worker_id: UUID, now: datetime) -> Reach:
    """Who would stand on each rung for a child of this caseworker alone."""
    worker = await Person.get(id=worker_id, agency_id=agency_id).prefetch_related("deputy")
    deputy: Person | None = worker.deputy
    is_able = deputy is not None and deputy.disabled_at is None
    found: dict[Rung, set[UUID]] = {
        Rung.CASEWORKER: {worker.id},
        Rung.DEPUTY: {deputy.id} if deputy is not None and is_able else set(),
        Rung.ON_DUTY: (await on_duty([agency_id], now))[agency_id],
    }
    if last_resorts():
        found[Rung.LAST_RESORT] = set()
    return found
