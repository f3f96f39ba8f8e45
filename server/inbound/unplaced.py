"""Texts of nobody we know, and texts of colleagues that answer nothing: who hears of
them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from server.inbound.models import Texting
from server.notify.actions import Saying, queue, tell_operators
from server.notify.rules import Kind
from server.people.models import Agency, Person
from server.people.rules import Role
from server.rota.duty import on_duty
from server.storage.db import as_id

PATH = "/desk/texts"
_TEXTS = UUID("b0a8d0a3-2f56-4d0b-9a5e-0f9f7a3d5c11")
# However many come, people hear of them once in this time.
TOLD_EVERY = timedelta(hours=1)
_MOST = 50


async def agencies_of(channel: str) -> list[UUID]:
    """The agencies that have this gateway: whose children text there. Where there is but one
    agency, it is that."""
    every = await Agency.filter(is_area=False).limit(2).values_list("id", flat=True)
    if len(every) == 1:
        return [as_id(every[0])]
    held = Texting.filter(channel=channel, ended_at__isnull=True).order_by("agency_id")
    return [
        as_id(id_) for id_ in await held.distinct().limit(_MOST).values_list("agency_id", flat=True)
    ]


async def tell(agencies: Sequence[UUID], now: datetime) -> None:
    """The people on duty hear of it, else the supervisors; where an agency has neither, IT support.
    In the caller's transaction."""
    stretch = int(now.timestamp() // TOLD_EVERY.total_seconds())
    duty, sayings, silent = await on_duty(agencies, now), [], not agencies
    for agency in agencies:
        people = sorted(duty[agency]) or await _supervisors(agency)
        silent = silent or not people
        sayings += [
            Saying(
                kind=Kind.TALK,
                agency_id=agency,
                subject_kind="text",
                subject_id=uuid5(_TEXTS, f"{agency} {stretch}"),
                person_id=person,
                urgency="high",
                expires_at=now + timedelta(hours=12),
                data={"path": PATH},
            )
            for person in people
        ]
    await queue(sayings, now)
    if silent:
        await tell_operators("text:nobody", now)


async def _supervisors(agency_id: UUID) -> list[UUID]:
    held = Person.filter(agency_id=agency_id, role=Role.SUPERVISOR, disabled_at__isnull=True)
    return [
        as_id(id_) for id_ in await held.order_by("id").limit(_MOST).values_list("id", flat=True)
    ]
