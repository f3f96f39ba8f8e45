"""The rota as programs get it: answers of the API, made from rows."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from server.rota.models import Duty, DutyShift, FixedShift, Handover, Leave
from server.rota.view import Plan


class NamedOut(msgspec.Struct):
    """A person by name."""

    id: UUID
    name: str


class ShiftOut(msgspec.Struct):
    """One person is on duty without a break; `instead_of` names the person they replace, if any."""

    person: NamedOut
    from_at: datetime
    until_at: datetime
    instead_of: NamedOut | None


class GapOut(msgspec.Struct):
    """Nobody is on duty. `away`: people who would be, but are on leave without a cover."""

    from_at: datetime
    until_at: datetime
    away: list[NamedOut]


class DutyOut(msgspec.Struct):
    """A weekly shift: on these days (Monday is 0), by the wall clock of `zone`. These people take
    turns, a week each. It ends on the next day where `ends` is no later than `begins`."""

    id: UUID
    days: list[int]
    begins: str
    ends: str
    zone: str
    people: list[NamedOut]
    first_on: date
    until_on: date | None


class HandoverOut(msgspec.Struct):
    """For a time `to` has the duty of `who`; without `who`, in addition."""

    id: UUID
    who: NamedOut | None
    to: NamedOut
    from_at: datetime
    until_at: datetime


class LeaveOut(msgspec.Struct):
    """A person is away; without a `cover` we call their deputy."""

    id: UUID
    person: NamedOut
    cover: NamedOut | None
    from_at: datetime
    until_at: datetime


class FixedOut(msgspec.Struct):
    """A person has duty for good, or until a moment, whatever the weekly shifts say."""

    id: UUID
    person: NamedOut
    from_at: datetime
    until_at: datetime | None


class TermsOut(msgspec.Struct):
    """`is_always`: a person must be on duty at any time, else in the planned shifts alone.
    `lead_s`: so long before a shift we ask the person on duty whether we can reach them."""

    is_always: bool
    lead_s: int


class RotaOut(msgspec.Struct):
    """Who is on duty when, in the time asked for, and the plans behind it."""

    zone: str
    shifts: list[ShiftOut]
    gaps: list[GapOut]
    duties: list[DutyOut]
    handovers: list[HandoverOut]
    leaves: list[LeaveOut]
    fixed: list[FixedOut]
    terms: TermsOut


class MyShiftOut(msgspec.Struct):
    """A shift of the caller's that begins within two days. `asked_at`: we asked whether we can
    reach them; `reached_at`: they said yes."""

    id: UUID
    from_at: datetime
    until_at: datetime
    asked_at: datetime | None
    reached_at: datetime | None


class MyShiftsOut(msgspec.Struct):
    """The caller's current shift and the next ones, earliest first."""

    shifts: list[MyShiftOut]


Names = dict[UUID, str]


def rota_out(plan: Plan) -> RotaOut:
    names = plan.names
    return RotaOut(
        zone=plan.zone.key,
        shifts=[
            ShiftOut(_of(names, s.who), s.begin, s.end, _perhaps(names, s.instead_of))
            for s in plan.shifts
        ],
        gaps=[
            GapOut(gap.begin, gap.end, [_of(names, who) for who in sorted(gap.away)])
            for gap in plan.gaps
        ],
        duties=[duty_out(duty, names) for duty in plan.duties],
        handovers=[handover_out(handover, names) for handover in plan.handovers],
        leaves=[leave_out(leave, names) for leave in plan.leaves],
        fixed=[_fixed_out(shift, names) for shift in plan.fixed],
        terms=TermsOut(plan.is_always, int(plan.lead.total_seconds())),
    )


def _of(names: Names, who: UUID) -> NamedOut:
    return NamedOut(who, names.get(who, ""))


def _perhaps(names: Names, who: UUID | None) -> NamedOut | None:
    return _of(names, who) if who is not None else None


def duty_out(row: Duty, names: Names) -> DutyOut:
    return DutyOut(
        id=row.id,
        days=list(row.days),
        begins=row.begins,
        ends=row.ends,
        zone=row.zone,
        people=[_of(names, UUID(person_id)) for person_id in row.people],
        first_on=row.first_on,
        until_on=row.until_on,
    )


def handover_out(row: Handover, names: Names) -> HandoverOut:
    who = _perhaps(names, row.who_id)
    return HandoverOut(row.id, who, _of(names, row.to_id), row.from_at, row.until_at)


def leave_out(row: Leave, names: Names) -> LeaveOut:
    cover = _perhaps(names, row.cover_id)
    return LeaveOut(row.id, _of(names, row.person_id), cover, row.from_at, row.until_at)


def _fixed_out(row: FixedShift, names: Names) -> FixedOut:
    return FixedOut(row.id, _of(names, row.person_id), row.from_at, row.until_at)


def mine_out(row: DutyShift) -> MyShiftOut:
    return MyShiftOut(row.id, row.begins_at, row.until_at, row.asked_at, row.reached_at)
