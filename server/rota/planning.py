"""Planning the rota: weekly duties, handovers, leave, and how it is planned.

Every plan takes effect from now on at the earliest: a note written today gives nobody a duty
yesterday. After each change the next tick looks at the rota again.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from uuid import UUID

from tortoise.models import Model

from server.audit.actions import Actor, note
from server.clock import known_zone
from server.errors import IdReused, NotFound, Refused
from server.i18n import N_
from server.people.events import Rights, rights_changed
from server.people.models import Person
from server.people.rules import PROFESSIONAL
from server.rota.calendar import spells_between
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
_REUSED = N_("This ID is already in use.")
_NOT_THERE = N_("This does not exist, or you do not have access to it.")


async def add_duty(
    actor: Actor,
    agency_id: UUID,
    *,
    id_: UUID,
    days: Collection[int],
    begins: time,
    ends: time,
    zone: str,
    people: Sequence[UUID],
    first: date,
    now: datetime,
) -> Duty:
    """A weekly duty from a day on; these people take a week each. The same id again: the first
    stays.

    Raises Refused for times that fit no week, for a person who does not work here, and for a first
    day that is over or far away; IdReused.
    """
    _fits_a_week(days, people)
    today = now.astimezone(known_zone(zone)).date()
    if not today <= first <= today + FARTHEST:
        raise Refused(
            N_("Choose a first day between today and two years from now."), field="first_on"
        )
    row = {
        "id": id_,
        "agency_id": agency_id,
        "days": sorted(set(days)),
        "begins": f"{begins:%H:%M}",
        "ends": f"{ends:%H:%M}",
        "zone": zone,
        "people": [str(person) for person in people],
        "first_on": first,
        "made_by": actor.id,
        "made_at": now,
    }
    async with write():
        await _are_staff(agency_id, people, "people")
        return await _add(Duty, row, actor, "rota:duty_add", now)


def _fits_a_week(days: Collection[int], people: Sequence[UUID]) -> None:
    if not days or not set(days) <= set(range(7)):
        raise Refused(N_("Choose at least one day."), field="days")
    if not 1 <= len(people) <= MOST_PEOPLE:
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


async def hand_over(
    actor: Actor,
    agency_id: UUID,
    *,
    id_: UUID,
    who: UUID | None,
    to: UUID,
    begin: datetime,
    end: datetime,
    now: datetime,
) -> Handover:
    """From `begin` to `end` one person has the duty of another; without `who`, in addition. The
    same id again: the first stays.

    Raises Refused where `who` has no duty then, where `to` is on leave then, and for an invalid
    time; IdReused.
    """
    _fits_in_time(begin, end, LONGEST_HANDOVER, now)
    if who == to:
        raise Refused(N_("They already have this shift. Choose another person."), field="to_id")
    row = {
        "id": id_,
        "agency_id": agency_id,
        "who_id": who,
        "to_id": to,
        "from_at": max(begin, now),
        "until_at": end,
        "made_by": actor.id,
        "made_at": now,
    }
    async with write():
        existing = await Handover.get_or_none(id=id_)
        if existing is None:
            await _are_staff(agency_id, [to], "to_id")
            await _can_take_over(agency_id, who, to, max(begin, now), end)
        return await _add(Handover, row, actor, "rota:handover_add", now)


async def _can_take_over(
    agency_id: UUID, who: UUID | None, to: UUID, begin: datetime, end: datetime
) -> None:
    rota = (await rotas_of([agency_id], begin, end))[agency_id]
    if who is not None and all(spell.who != who for spell in spells_between(rota, begin, end)):
        raise Refused(N_("This person has no shift at that time."), field="who_id")
    if any(leave.who == to and leave.begin < end and leave.end > begin for leave in rota.leaves):
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


async def add_leave(
    actor: Actor,
    agency_id: UUID,
    *,
    id_: UUID,
    who: UUID,
    cover: UUID | None,
    begin: datetime,
    end: datetime,
    now: datetime,
) -> Leave:
    """A person is away. Their cover is called instead; without a cover, their deputy is. Ties stay
    as they are. The same id again: the first stays.

    Raises Refused for a person who does not work here, and for an invalid time; IdReused.
    """
    _fits_in_time(begin, end, LONGEST_LEAVE, now)
    if cover == who:
        raise Refused(
            N_("People cannot cover for themselves. Choose another person."), field="cover_id"
        )
    row = {
        "id": id_,
        "agency_id": agency_id,
        "person_id": who,
        "cover_id": cover,
        "from_at": max(begin, now),
        "until_at": end,
        "made_by": actor.id,
        "made_at": now,
    }
    async with write():
        await _are_staff(agency_id, [who], "person_id")
        await _are_staff(agency_id, [cover] if cover is not None else [], "cover_id")
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


def _fits_in_time(begin: datetime, end: datetime, longest: timedelta, now: datetime) -> None:
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
# Tells a repeated request from another one with the same id.
_SAME = {
    Duty: ("agency_id", "days", "begins", "ends", "zone", "people", "first_on"),
    Handover: ("agency_id", "who_id", "to_id", "until_at"),
    Leave: ("agency_id", "person_id", "cover_id", "until_at"),
}


async def _add(
    model: type[Row], row: dict[str, Any], actor: Actor, what: str, now: datetime
) -> Row:
    await _take(row["agency_id"], now)
    made = await bulk.insert(model, [row], skip_known=True)
    stored = await model.get(id=row["id"])
    if not made:
        if any(getattr(stored, name) != row[name] for name in _SAME[model]):
            raise IdReused(_REUSED, field="id")
        return stored
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
