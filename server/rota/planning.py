"""Planning the rota: weekly duties, handovers, leave, and how it is planned.

Every plan takes effect from now on at the earliest: a note written today gives nobody a duty
yesterday. After each change the next tick looks at the rota again.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from tortoise.models import Model

from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.clock import known_zone
from server.errors import NotFound, Refused
from server.i18n import N_
from server.people.events import Rights, rights_changed
from server.people.models import Agency, Person
from server.people.rules import PROFESSIONAL
from server.rota.calendar import duty_shifts_between
from server.rota.duty import rotas_of
from server.rota.models import Duty, FixedShift, Handover, Leave, RotaTerms
from server.storage import bulk
from server.storage.db import write

LEAD = timedelta(hours=2)
SHORTEST_LEAD, LONGEST_LEAD = timedelta(minutes=15), timedelta(hours=12)
# Nobody knows who works for an agency in two years.
FARTHEST = timedelta(days=731)
LONGEST_LEAVE = timedelta(days=366)
LONGEST_HANDOVER = timedelta(days=31)
MOST_PEOPLE = 26  # Half a year until a person's week comes again.

ENDS_LATER = N_("The end must come after the start.")
NOT_OVER = N_("That time has already passed.")
TOO_FAR = N_("Choose a time within the next two years.")
NOT_STAFF = N_("Choose caseworkers and supervisors from your agency.")
_NOT_THERE = N_("This does not exist, or you do not have access to it.")


Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Wall = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Weekday = Annotated[int, msgspec.Meta(ge=0, le=6)]


class DutyRequest(msgspec.Struct):
    """A new weekly shift. The client makes the id."""

    id: UUID
    days: Annotated[list[Weekday], msgspec.Meta(min_length=1, max_length=7)]
    begins: Wall
    ends: Wall
    people: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=MOST_PEOPLE)]
    first_on: date
    zone: Annotated[str, msgspec.Meta(max_length=64)] | None = None


async def add_duty(actor: Actor, agency_id: UUID, new: DutyRequest, now: datetime) -> Duty:
    """A weekly duty from a day on; these people take a week each. Without a zone it is on the
    agency's clock. The same id again: the first stays.

    Raises Refused for times that fit no week, for a person who does not work here, and for a first
    day that is over or far away; IdReused.
    """
    async with write():
        existing = await first_made(Duty, new.id, new, agency_id=agency_id)
        if existing is not None:
            return existing
        zone = await _zone(agency_id, new.zone)
        _fits_a_week(new, now.astimezone(zone).date())
        await _are_staff(agency_id, new.people, "people")
        row = {
            "id": new.id,
            "agency_id": agency_id,
            "days": sorted(set(new.days)),
            "begins": new.begins,
            "ends": new.ends,
            "zone": zone.key,
            "people": [str(person) for person in new.people],
            "first_on": new.first_on,
            "made_by": actor.id,
            "made_at": now,
        }
        return await _add(Duty, row, actor, "rota:duty_add", now)


async def _zone(agency_id: UUID, name: str | None) -> ZoneInfo:
    if name is None:
        return known_zone((await Agency.get(id=agency_id)).zone)
    if name not in available_timezones():
        raise Refused(N_("Choose a time zone such as Europe/Paris."), field="zone")
    return known_zone(name)


def _fits_a_week(new: DutyRequest, today: date) -> None:
    if not today <= new.first_on <= today + FARTHEST:
        raise Refused(
            N_("Choose a first day between today and two years from now."), field="first_on"
        )
    if not new.days or not set(new.days) <= set(range(7)):
        raise Refused(N_("Choose at least one day."), field="days")
    if not 1 <= len(new.people) <= MOST_PEOPLE:
        raise Refused(NOT_STAFF, field="people")


async def end_duty(actor: Actor, agency_id: UUID, duty_id: UUID, now: datetime) -> Duty:
    """End a duty from today on; a shift that has begun goes on to its end. Twice is once. Raises
    NotFound."""
    async with write():
        await _take(agency_id, now)
        row = await _own(Duty, agency_id, duty_id)
        end = max(row.first_on, now.astimezone(known_zone(row.zone)).date())
        if row.until_on is None or row.until_on > end:
            await Duty.filter(id=row.id).update(until_on=end)
            await _note(actor, row, "rota:duty_end", now)
    return await Duty.get(id=duty_id)


class HandoverRequest(msgspec.Struct):
    """Another person takes the duty. Without `who_id`, in addition to the person on duty; planners
    only."""

    id: UUID
    to_id: UUID
    from_at: Moment
    until_at: Moment
    who_id: UUID | None = None


async def hand_over(actor: Actor, agency_id: UUID, new: HandoverRequest, now: datetime) -> Handover:
    """For a time one person has the duty of another. The same id again: the first stays.

    Raises Refused where `who_id` has no duty then, where `to_id` is on leave then, and for an
    invalid time; IdReused.
    """
    row = {
        "id": new.id,
        "agency_id": agency_id,
        "who_id": new.who_id,
        "to_id": new.to_id,
        "from_at": max(new.from_at, now),
        "until_at": new.until_at,
        "made_by": actor.id,
        "made_at": now,
    }
    async with write():
        existing = await first_made(Handover, new.id, new, agency_id=agency_id)
        if existing is not None:
            return existing
        _fits_in_time(new, LONGEST_HANDOVER, now)
        if new.who_id == new.to_id:
            raise Refused(N_("They already have this shift. Choose another person."), field="to_id")
        await _are_staff(agency_id, [new.to_id], "to_id")
        await _can_take_over(agency_id, new, max(new.from_at, now))
        return await _add(Handover, row, actor, "rota:handover_add", now)


async def _can_take_over(agency_id: UUID, new: HandoverRequest, begin: datetime) -> None:
    end = new.until_at
    rota = (await rotas_of([agency_id], begin, end))[agency_id]
    on_duty = {shift.who for shift in duty_shifts_between(rota, begin, end)}
    if new.who_id is not None and new.who_id not in on_duty:
        raise Refused(N_("This person has no shift at that time."), field="who_id")
    away = {leave.who for leave in rota.leaves if leave.begin < end and leave.end > begin}
    if new.to_id in away:
        raise Refused(N_("This person is on leave at that time."), field="to_id")


async def take_back_handover(
    actor: Actor, agency_id: UUID, handover_id: UUID, now: datetime
) -> None:
    """The earlier plan counts again from now on. Twice is once. Raises NotFound."""
    async with write():
        await _take(agency_id, now)
        row = await _own(Handover, agency_id, handover_id)
        if row.ended_at is None and row.until_at > now:
            # If it has begun, what it was stays on record.
            end = {"until_at": now} if row.from_at < now else {"ended_at": now}
            await Handover.filter(id=row.id).update(**end)
            await _note(actor, row, "rota:handover_end", now)


class LeaveRequest(msgspec.Struct):
    """A person is away. Without a cover we call their deputy."""

    id: UUID
    person_id: UUID
    from_at: Moment
    until_at: Moment
    cover_id: UUID | None = None


async def add_leave(actor: Actor, agency_id: UUID, new: LeaveRequest, now: datetime) -> Leave:
    """A person is away. Their cover is called instead; without a cover, their deputy is. Ties stay
    as they are. The same id again: the first stays.

    Raises Refused for a person who does not work here, and for an invalid time; IdReused.
    """
    row = {
        "id": new.id,
        "agency_id": agency_id,
        "person_id": new.person_id,
        "cover_id": new.cover_id,
        "from_at": max(new.from_at, now),
        "until_at": new.until_at,
        "made_by": actor.id,
        "made_at": now,
    }
    async with write():
        existing = await first_made(Leave, new.id, new, agency_id=agency_id)
        if existing is not None:
            return existing
        _fits_in_time(new, LONGEST_LEAVE, now)
        if new.cover_id == new.person_id:
            raise Refused(
                N_("People cannot cover for themselves. Choose another person."), field="cover_id"
            )
        await _are_staff(agency_id, [new.person_id], "person_id")
        await _are_staff(agency_id, [new.cover_id] if new.cover_id else [], "cover_id")
        return await _add(Leave, row, actor, "rota:leave_add", now)


async def end_leave(actor: Actor, agency_id: UUID, leave_id: UUID, now: datetime) -> None:
    """They are back from now on, or do not go at all. Twice is once. Raises NotFound."""
    async with write():
        await _take(agency_id, now)
        row = await _own(Leave, agency_id, leave_id)
        if row.ended_at is None and row.until_at > now:
            end = {"until_at": now} if row.from_at < now else {"ended_at": now}
            await Leave.filter(id=row.id).update(**end)
            await _note(actor, row, "rota:leave_end", now)


async def end_shift(actor: Actor, agency_id: UUID, shift_id: UUID, now: datetime) -> None:
    """End a duty for good now. Twice is once. Raises NotFound."""
    async with write():
        await _take(agency_id, now)
        row = await _own(FixedShift, agency_id, shift_id)
        if row.until_at is None or row.until_at > now:
            await FixedShift.filter(id=row.id).update(until_at=max(now, row.from_at))
            await _note(actor, row, "rota:shift_end", now)


async def set_terms(
    actor: Actor, agency_id: UUID, *, is_always: bool, lead: timedelta, now: datetime
) -> RotaTerms:
    """Whether a person must be on duty at any time, and how long before a shift we ask them. The
    same again changes nothing. Raises Refused for a time that is too short or too long."""
    if not SHORTEST_LEAD <= lead <= LONGEST_LEAD:
        raise Refused(N_("Choose between 15 minutes and 12 hours."), field="lead_s")
    async with write():
        row = await _take(agency_id, now)
        new = {"is_always": is_always, "lead_s": int(lead.total_seconds())}
        changed = [name for name, value in new.items() if getattr(row, name) != value]
        if changed:
            await RotaTerms.filter(id=agency_id).update(**new)
            await note(
                actor,
                "rota:change",
                about=("rota", agency_id),
                names=changed,
                agency_id=agency_id,
                now=now,
            )
    return await RotaTerms.get(id=agency_id)


# --- shared


def _fits_in_time(new: HandoverRequest | LeaveRequest, longest: timedelta, now: datetime) -> None:
    begin, end = new.from_at, new.until_at
    if end <= begin:
        raise Refused(ENDS_LATER, field="until_at")
    if end <= now:
        raise Refused(NOT_OVER, field="until_at")
    if begin > now + FARTHEST:
        raise Refused(TOO_FAR, field="from_at")
    if end - max(begin, now) > longest:
        raise Refused(
            N_("Choose up to {n} days."), field="until_at", n=longest // timedelta(days=1)
        )


async def _are_staff(agency_id: UUID, people: Sequence[UUID], field: str) -> None:
    """People on duty, and covers for a caseworker, see children: so only those who work here."""
    staff = Person.filter(
        id__in=list(people),
        agency_id=agency_id,
        role__in=[*PROFESSIONAL],
        disabled_at__isnull=True,
    )
    if await staff.count() != len(set(people)):
        raise Refused(NOT_STAFF, field=field)


async def _take(agency_id: UUID, now: datetime) -> RotaTerms:
    """Lock the rota of this agency until the end of the transaction; the next tick looks at it."""
    new = {
        "id": agency_id,
        "is_always": True,
        "lead_s": int(LEAD.total_seconds()),
        "looked_at": now,
        "next_action_at": now,
        "told": [],
        "version": 0,
    }
    await bulk.insert(RotaTerms, [new], skip_known=True)
    row = await RotaTerms.filter(id=agency_id).select_for_update().get()
    await RotaTerms.filter(id=agency_id).update(next_action_at=now, version=row.version + 1)
    return row


Row = TypeVar("Row", Duty, Handover, Leave, FixedShift)


async def _add(
    model: type[Row], row: dict[str, Any], actor: Actor, what: str, now: datetime
) -> Row:
    await _take(row["agency_id"], now)
    await bulk.insert(model, [row])
    stored = await model.get(id=row["id"])
    await _note(actor, stored, what, now)
    return stored


async def _own(model: type[Row], agency_id: UUID, id_: UUID) -> Row:
    row = await model.get_or_none(id=id_, agency_id=agency_id)
    if row is None:
        raise NotFound(_NOT_THERE)
    return row


async def _note(actor: Actor, row: Model, what: str, now: datetime) -> None:
    kind, id_ = row._meta.db_table, row.pk
    agency_id: UUID = row.agency_id  # type: ignore[attr-defined]
    await note(actor, what, about=(kind, id_), agency_id=agency_id, now=now)
    await rights_changed(Rights(rota_of=agency_id), now)
