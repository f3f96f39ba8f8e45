"""The rota of an agency from its rows, and who is on duty by it. Reads rows, writes none."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from server.clock import known_zone
from server.people.access import NOTHING, OnRota
from server.people.models import Person
from server.people.rules import PROFESSIONAL, Role
from server.rota import calendar as rules
from server.rota.calendar import Rota
from server.rota.models import Duty, FixedShift, Handover, Leave, RotaTerms
from server.storage.db import among, as_id, fetch

# A night begins on the day before, and zones differ.
_BEFORE = timedelta(days=2)
INSTANT = timedelta(microseconds=1)


async def on_duty(agencies: Collection[UUID], now: datetime) -> dict[UUID, set[UUID]]:
    """The people on duty at a moment, by agency."""
    rotas = await rotas_of(agencies, now, now + INSTANT)
    return {agency: set(rules.on_duty_at(rota, now)) for agency, rota in rotas.items()}


async def on_rota(person_id: UUID, now: datetime) -> OnRota:
    """What the rota makes of this person now."""
    agency_id = await _agency_of(person_id)
    if agency_id is None:
        return NOTHING
    rota = (await rotas_of([agency_id], now, now + INSTANT))[agency_id]
    is_on_duty = person_id in rules.on_duty_at(rota, now)
    return OnRota(is_on_duty, rules.covers_at(rota, person_id, now))


async def planned_for(agency_id: UUID, person_id: UUID, now: datetime) -> int:
    """In how many places of the rota a person is from now on, as themselves or as a cover."""
    to_come = Q(until_at__isnull=True) | Q(until_at__gt=now)
    shifts = await FixedShift.filter(to_come, person_id=person_id).count()
    to_come = Q(until_at__gt=now, ended_at__isnull=True)
    taken = await Handover.filter(to_come, to_id=person_id).count()
    covers = await Leave.filter(to_come, cover_id=person_id).count()
    duties = await Duty.filter(
        Q(until_on__isnull=True) | Q(until_on__gt=(now - _BEFORE).date()), agency_id=agency_id
    )
    turns = sum(str(person_id) in duty.people for duty in duties)
    return shifts + taken + covers + turns


async def _agency_of(person_id: UUID) -> UUID | None:
    """Only people who work for the agency as such have duty, or stand in for others."""
    staff = Person.filter(id=person_id, role__in=[*PROFESSIONAL], disabled_at__isnull=True)
    return next((person.agency_id for person in await staff.only("id", "agency_id")), None)


async def rotas_of(agencies: Collection[UUID], begin: datetime, end: datetime) -> dict[UUID, Rota]:
    """The rota of each of these, as far as it matters from `begin` to `end`."""
    # Most calls are about a moment without any plan: one statement, not five.
    planned = await _planned(agencies, begin, end)
    always = await _always(agencies) if end - begin > INSTANT else {}
    if not planned:
        return {agency: Rota(is_always=always.get(agency, True)) for agency in agencies}
    duties = await _duties(planned.get("duty"), begin)
    shifts = await _shifts(planned.get("fixed_shift"), begin, end)
    here = {"from_at__lt": end, "until_at__gt": begin, "ended_at__isnull": True}
    handovers, leaves = list[Handover](), list[Leave]()
    if wanted := planned.get("handover"):
        rows = Handover.filter(agency_id__in=wanted, **here)
        handovers = await rows.order_by("made_at", "id")
    if wanted := planned.get("leave"):
        leaves = await Leave.filter(agency_id__in=wanted, **here).order_by("made_at", "id")
    people = await _people(duties, shifts, handovers, leaves)
    return {
        agency: Rota(
            duties=[duty_of(duty) for duty in duties if duty.agency_id == agency],
            slots=[rules.Slot(who, at, to) for of, who, at, to in shifts if of == agency],
            handovers=[
                _handover(handover) for handover in handovers if handover.agency_id == agency
            ],
            leaves=[_leave(leave) for leave in leaves if leave.agency_id == agency],
            deputies={who: other for who, other, _ in people if other is not None},
            gone=frozenset(who for who, _, is_gone in people if is_gone),
            is_always=always.get(agency, True),
        )
        for agency in agencies
    }


async def _duties(wanted: Collection[UUID] | None, begin: datetime) -> list[Duty]:
    if not wanted:
        return []
    lasting = Q(until_on__isnull=True) | Q(until_on__gt=(begin - _BEFORE).date())
    return await Duty.filter(lasting, agency_id__in=wanted).order_by("id")


async def _shifts(
    wanted: Collection[UUID] | None, begin: datetime, end: datetime
) -> list[tuple[Any, ...]]:
    if not wanted:
        return []
    lasting = Q(until_at__isnull=True) | Q(until_at__gt=begin)
    rows = FixedShift.filter(lasting, agency_id__in=wanted, from_at__lt=end)
    return await rows.values_list("agency_id", "person_id", "from_at", "until_at")


_PLANNED = """
SELECT 'duty' AS kind, agency_id FROM duty WHERE agency_id {any}
UNION SELECT 'fixed_shift', agency_id FROM fixed_shift
WHERE agency_id {any} AND from_at < $3 AND (until_at IS NULL OR until_at > $2)
UNION SELECT 'handover', agency_id FROM handover
WHERE agency_id {any} AND from_at < $3 AND until_at > $2
UNION SELECT 'leave', agency_id FROM leave
WHERE agency_id {any} AND from_at < $3 AND until_at > $2
"""


async def _planned(
    agencies: Collection[UUID], begin: datetime, end: datetime
) -> dict[str, list[UUID]]:
    """The agencies among these that have planned anything for that time, by the table it is in."""
    planned: dict[str, list[UUID]] = {}
    for row in await fetch(_PLANNED.format(any=among()), [list(agencies), begin, end]):
        planned.setdefault(row["kind"], []).append(as_id(row["agency_id"]))
    return planned


def duty_of(row: Duty) -> rules.Duty:
    """The slice of the row that the rules need."""
    return rules.Duty(
        days=frozenset(row.days),
        begins=time.fromisoformat(row.begins),
        ends=time.fromisoformat(row.ends),
        zone=known_zone(row.zone),
        people=tuple(UUID(person_id) for person_id in row.people),
        first=row.first_on,
        until=row.until_on,
    )


def _handover(row: Handover) -> rules.Handover:
    return rules.Handover(row.from_at, row.until_at, row.who_id, row.to_id)


def _leave(row: Leave) -> rules.Leave:
    return rules.Leave(row.person_id, row.from_at, row.until_at, row.cover_id)


async def _people(
    duties: Iterable[Duty],
    shifts: Iterable[tuple[Any, ...]],
    handovers: Iterable[Handover],
    leaves: Collection[Leave],
) -> list[tuple[UUID, UUID | None, bool]]:
    """Everyone who may get the duty, with their deputy, and whether they have left."""
    named = {UUID(person_id) for duty in duties for person_id in duty.people}
    named |= {shift[1] for shift in shifts} | {handover.to_id for handover in handovers}
    which = Q(id__in=list(named))
    if leaves:
        # A cover may be on leave as well, and so on: so in the end it may be anyone.
        which |= Q(
            agency_id__in=list({leave.agency_id for leave in leaves}), role__in=[*PROFESSIONAL]
        )
    elif not named:
        return []
    rows = await Person.filter(which).values_list("id", "deputy_id", "disabled_at", "role")
    return [(id_, deputy, _is_gone(left, role)) for id_, deputy, left, role in rows]


def _is_gone(disabled_at: datetime | None, role: Role) -> bool:
    return disabled_at is not None or role not in PROFESSIONAL


async def _always(agencies: Collection[UUID]) -> Mapping[UUID, bool]:
    """Whether a person must be on duty at any time: asked for where gaps may be."""
    rows = await RotaTerms.filter(id__in=list(agencies)).values_list("id", "is_always")
    return {id_: bool(is_always) for id_, is_always in rows}
