"""The rota over the wire: who is on duty, and planning it."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, TypeVar
from uuid import UUID
from zoneinfo import available_timezones

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import IdReused, NotFound, Refused
from server.i18n import N_
from server.people.access import Visitor, agency_for, now_of
from server.people.rules import AgencyAction
from server.rota import duty_shifts, planning
from server.rota.duty_shifts import AHEAD
from server.rota.models import Duty, DutyShift, FixedShift, Handover, Leave
from server.rota.view import Plan, own_or_planner, plan_agency, plan_of, reader
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer

# The most of a rota that one request reads.
LONGEST_LOOK = timedelta(days=92)
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Wall = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Weekday = Annotated[int, msgspec.Meta(ge=0, le=6)]


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
    """A person is away; without a `cover` their deputy stands in."""

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


class DutyRequest(msgspec.Struct):
    """A new weekly shift. The client makes the id."""

    id: UUID
    days: Annotated[list[Weekday], msgspec.Meta(min_length=1, max_length=7)]
    begins: Wall
    ends: Wall
    people: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=planning.MOST_PEOPLE)]
    first_on: date
    zone: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class HandoverRequest(msgspec.Struct):
    """Another person takes the duty. Without `who_id`, in addition to the person on duty; planners
    only."""

    id: UUID
    to_id: UUID
    from_at: Moment
    until_at: Moment
    who_id: UUID | None = None


class LeaveRequest(msgspec.Struct):
    """A person is away. Without a cover their deputy stands in."""

    id: UUID
    person_id: UUID
    from_at: Moment
    until_at: Moment
    cover_id: UUID | None = None


class TermsRequest(msgspec.Struct):
    """How the rota is planned."""

    is_always: bool
    lead_s: Annotated[int, msgspec.Meta(ge=900, le=43_200)]


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


async def show(request: Request) -> Response:
    """The rota from a moment on; 14 days where the request names no end."""
    visitor, now = await reader(request), now_of(request)
    begin = _asked(request, "from") or now
    end = _asked(request, "until") or begin + AHEAD
    if not timedelta(0) < end - begin <= LONGEST_LOOK:
        raise Refused(N_("Ask for up to 92 days. The start must come before the end."))
    plan = await plan_of(plan_agency(visitor), begin, end, now)
    return json_answer(_rota_out(plan))


def _asked(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    moment: datetime | None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 2000 <= moment.year <= 2200:
        raise Refused(N_("“{field}” is not valid: {reason}"), field=name, reason="no such moment")
    return moment


async def add_duty(request: Request) -> Response:
    """Add a weekly shift."""
    visitor, now = await agency_for(request, AgencyAction.ROTA_PLAN), now_of(request)
    payload = await json_body(request, DutyRequest)
    plan = await _now(visitor, now)
    if payload.zone is not None and payload.zone not in available_timezones():
        raise Refused(N_("Choose a time zone such as Europe/Paris."), field="zone")
    row = await planning.add_duty(
        visitor,
        plan_agency(visitor),
        id_=payload.id,
        days=payload.days,
        begins=time.fromisoformat(payload.begins),
        ends=time.fromisoformat(payload.ends),
        zone=payload.zone or plan.zone.key,
        people=payload.people,
        first=payload.first_on,
        now=now,
    )
    return json_answer(_duty_out(row, (await _now(visitor, now)).names), status=201)


async def end_duty(request: Request) -> Response:
    """End a weekly shift."""
    visitor = await agency_for(request, AgencyAction.ROTA_PLAN)
    duty_id = request.path_params["duty_id"]
    await planning.end_duty(visitor, plan_agency(visitor), duty_id, now_of(request))
    return Response(status_code=204)


async def hand_over(request: Request) -> Response:
    """Give a shift, or a part of it, to another person."""
    visitor, now = await reader(request), now_of(request)
    payload = await json_body(request, HandoverRequest)
    own_or_planner(visitor, payload.who_id)
    row = await planning.hand_over(
        visitor,
        plan_agency(visitor),
        id_=payload.id,
        who=payload.who_id,
        to=payload.to_id,
        begin=payload.from_at,
        end=payload.until_at,
        now=now,
    )
    return json_answer(_handover_out(row, (await _now(visitor, now)).names), status=201)


async def take_back(request: Request) -> Response:
    """Take a handover back: the earlier plan counts again."""
    visitor = await reader(request)
    agency_id, id_ = plan_agency(visitor), request.path_params["handover_id"]
    row = await _found(Handover, agency_id, id_)
    if row.made_by != visitor.person_id:
        own_or_planner(visitor, row.who_id)
    await planning.take_back_handover(visitor, agency_id, id_, now_of(request))
    return Response(status_code=204)


async def add_leave(request: Request) -> Response:
    """Record that a person is away."""
    visitor, now = await reader(request), now_of(request)
    payload = await json_body(request, LeaveRequest)
    own_or_planner(visitor, payload.person_id)
    row = await planning.add_leave(
        visitor,
        plan_agency(visitor),
        id_=payload.id,
        who=payload.person_id,
        cover=payload.cover_id,
        begin=payload.from_at,
        end=payload.until_at,
        now=now,
    )
    return json_answer(_leave_out(row, (await _now(visitor, now)).names), status=201)


async def end_leave(request: Request) -> Response:
    """End a leave: the person is back."""
    visitor = await reader(request)
    agency_id, id_ = plan_agency(visitor), request.path_params["leave_id"]
    own_or_planner(visitor, (await _found(Leave, agency_id, id_)).person_id)
    await planning.end_leave(visitor, agency_id, id_, now_of(request))
    return Response(status_code=204)


async def end_shift(request: Request) -> Response:
    """End a duty that a person had for good."""
    visitor = await agency_for(request, AgencyAction.ROTA_PLAN)
    shift_id = request.path_params["shift_id"]
    await planning.end_shift(visitor, plan_agency(visitor), shift_id, now_of(request))
    return Response(status_code=204)


async def set_terms(request: Request) -> Response:
    """Set how the rota is planned."""
    visitor = await agency_for(request, AgencyAction.ROTA_PLAN)
    payload = await json_body(request, TermsRequest)
    row = await planning.set_terms(
        visitor,
        plan_agency(visitor),
        is_always=payload.is_always,
        lead=timedelta(seconds=payload.lead_s),
        now=now_of(request),
    )
    return json_answer(TermsOut(row.is_always, row.lead_s))


async def my_shifts(request: Request) -> Response:
    """The caller's current shift, and those that begin within two days."""
    visitor, now = await reader(request), now_of(request)
    rows = DutyShift.filter(
        person_id=visitor.person_id, dropped_at__isnull=True, until_at__gt=now
    ).order_by("begins_at", "id")
    return json_answer(MyShiftsOut([_mine_out(spell) for spell in await rows]))


async def reached(request: Request) -> Response:
    """The caller can be reached."""
    visitor = await reader(request)
    spell_id = request.path_params["spell_id"]
    if not await DutyShift.exists(id=spell_id, person_id=visitor.person_id):
        raise NotFound(N_("This does not exist, or you do not have access to it."))
    return json_answer(_mine_out(await duty_shifts.say_reached(spell_id, now_of(request))))


async def _now(visitor: Visitor, now: datetime) -> Plan:
    return await plan_of(plan_agency(visitor), now, now + AHEAD, now)


R = TypeVar("R", Handover, Leave)


async def _found(model: type[R], agency_id: UUID, id_: UUID) -> R:
    row = await model.get_or_none(id=id_, agency_id=agency_id)
    if row is None:
        raise NotFound(N_("This does not exist, or you do not have access to it."))
    return row


# --- rows as they go over the wire

_Names = dict[UUID, str]


def _rota_out(plan: Plan) -> RotaOut:
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
        duties=[_duty_out(duty, names) for duty in plan.duties],
        handovers=[_handover_out(handover, names) for handover in plan.handovers],
        leaves=[_leave_out(leave, names) for leave in plan.leaves],
        fixed=[_fixed_out(shift, names) for shift in plan.fixed],
        terms=TermsOut(plan.is_always, int(plan.lead.total_seconds())),
    )


def _of(names: _Names, who: UUID) -> NamedOut:
    return NamedOut(who, names.get(who, ""))


def _perhaps(names: _Names, who: UUID | None) -> NamedOut | None:
    return _of(names, who) if who is not None else None


def _duty_out(row: Duty, names: _Names) -> DutyOut:
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


def _handover_out(row: Handover, names: _Names) -> HandoverOut:
    who = _perhaps(names, row.who_id)
    return HandoverOut(row.id, who, _of(names, row.to_id), row.from_at, row.until_at)


def _leave_out(row: Leave, names: _Names) -> LeaveOut:
    cover = _perhaps(names, row.cover_id)
    return LeaveOut(row.id, _of(names, row.person_id), cover, row.from_at, row.until_at)


def _fixed_out(row: FixedShift, names: _Names) -> FixedOut:
    return FixedOut(row.id, _of(names, row.person_id), row.from_at, row.until_at)


def _mine_out(row: DutyShift) -> MyShiftOut:
    return MyShiftOut(row.id, row.begins_at, row.until_at, row.asked_at, row.reached_at)


_ROTA = "/api/v1/rota"

routes = [
    api(
        "GET",
        _ROTA,
        show,
        "Who is on duty, and when nobody is",
        gives={200: RotaOut},
        query={"from": datetime, "until": datetime},
    ),
    api(
        "PUT",
        f"{_ROTA}/terms",
        set_terms,
        "Say how the rota is planned",
        takes=TermsRequest,
        gives={200: TermsOut},
    ),
    api(
        "POST",
        f"{_ROTA}/duties",
        add_duty,
        "Plan a weekly shift",
        takes=DutyRequest,
        gives={201: DutyOut},
        problems=(IdReused,),
    ),
    api(
        "DELETE",
        f"{_ROTA}/duties/{{duty_id:uuid}}",
        end_duty,
        "End a weekly shift",
        gives={204: None},
    ),
    api(
        "POST",
        f"{_ROTA}/handovers",
        hand_over,
        "Hand a shift over, or a part of it",
        takes=HandoverRequest,
        gives={201: HandoverOut},
        problems=(IdReused,),
    ),
    api(
        "DELETE",
        f"{_ROTA}/handovers/{{handover_id:uuid}}",
        take_back,
        "Take a handover back",
        gives={204: None},
    ),
    api(
        "POST",
        f"{_ROTA}/leaves",
        add_leave,
        "Add a person's leave, and who covers",
        takes=LeaveRequest,
        gives={201: LeaveOut},
        problems=(IdReused,),
    ),
    api(
        "DELETE",
        f"{_ROTA}/leaves/{{leave_id:uuid}}",
        end_leave,
        "End a person's leave",
        gives={204: None},
    ),
    api(
        "DELETE",
        f"{_ROTA}/fixed/{{shift_id:uuid}}",
        end_shift,
        "End a weekly shift",
        gives={204: None},
    ),
    api("GET", "/api/v1/me/shifts", my_shifts, "My shifts", gives={200: MyShiftsOut}),
    api(
        "POST",
        "/api/v1/me/shifts/{spell_id:uuid}/reached",
        reached,
        "Say that I can be reached",
        gives={200: MyShiftOut},
    ),
]
