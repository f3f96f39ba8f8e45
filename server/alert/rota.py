"""Who is on duty. Rows for now; rotas with overrides and hand-overs widen this room later."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from server.alert.models import Shift


async def on_duty(agencies: Collection[UUID], now: datetime) -> dict[UUID, set[UUID]]:
    """The people on duty at a moment, by agency."""
    duty: dict[UUID, set[UUID]] = {agency: set() for agency in agencies}
    rows = await Shift.filter(
        Q(until_at__isnull=True) | Q(until_at__gt=now),
        agency_id__in=list(duty),
        from_at__lte=now,
        person__disabled_at__isnull=True,
    ).values_list("agency_id", "person_id")
    for agency_id, person_id in rows:
        duty[agency_id].add(person_id)
    return duty


async def is_on_duty(person_id: UUID, now: datetime) -> bool:
    """Whether this person is on duty now, and so tied to every child of the agency."""
    return await Shift.filter(
        Q(until_at__isnull=True) | Q(until_at__gt=now), person_id=person_id, from_at__lte=now
    ).exists()
