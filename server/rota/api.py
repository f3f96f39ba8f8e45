"""The rota over the wire: who is on duty, and planning it."""

from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import IdReused, NotFound, Refused
from server.i18n import N_
from server.people.access import agency_for, now_of
from server.people.rules import AgencyAction
from server.rota import duty_shifts, planning
from server.rota.answers import (
    DutyOut,
    HandoverOut,
    LeaveOut,
    MyShiftOut,
    MyShiftsOut,
    RotaOut,
    TermsOut,
    duty_out,
    handover_out,
    leave_out,
    mine_out,
    rota_out,
)
from server.rota.duty_shifts import AHEAD
from server.rota.models import DutyShift, Handover, Leave
from server.rota.planning import DutyRequest, HandoverRequest, LeaveRequest
from server.rota.view import own_or_planner, plan_agency, plan_now, plan_of, reader
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer

# The most of a rota that one request reads.
LONGEST_LOOK = timedelta(days=92)


class TermsRequest(msgspec.Struct):
    """How the rota is planned."""

    is_always: bool
    lead_s: Annotated[int, msgspec.Meta(ge=900, le=43_200)]


async def show(request: Request) -> Response:
    """The rota from a moment on; 14 days where the request names no end."""
    visitor, now = await reader(request), now_of(request)
    begin = _asked(request, "from") or now
    end = _asked(request, "until") or begin + AHEAD
    if not timedelta(0) < end - begin <= LONGEST_LOOK:
        raise Refused(N_("Ask for up to 92 days. The start must come before the end."))
    plan = await plan_of(plan_agency(visitor), begin, end, now)
    return json_answer(rota_out(plan))


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
    row = await planning.add_duty(visitor, plan_agency(visitor), payload, now)
    return json_answer(duty_out(row, (await plan_now(visitor, now)).names), status=201)


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
    row = await planning.hand_over(visitor, plan_agency(visitor), payload, now)
    return json_answer(handover_out(row, (await plan_now(visitor, now)).names), status=201)


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
    row = await planning.add_leave(visitor, plan_agency(visitor), payload, now)
    return json_answer(leave_out(row, (await plan_now(visitor, now)).names), status=201)


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
    return json_answer(MyShiftsOut([mine_out(shift) for shift in await rows]))


async def reached(request: Request) -> Response:
    """The caller can be reached."""
    visitor = await reader(request)
    duty_shift_id = request.path_params["spell_id"]
    if not await DutyShift.exists(id=duty_shift_id, person_id=visitor.person_id):
        raise NotFound(N_("This does not exist, or you do not have access to it."))
    return json_answer(mine_out(await duty_shifts.say_reached(duty_shift_id, now_of(request))))


R = TypeVar("R", Handover, Leave)


async def _found(model: type[R], agency_id: UUID, id_: UUID) -> R:
    row = await model.get_or_none(id=id_, agency_id=agency_id)
    if row is None:
        raise NotFound(N_("This does not exist, or you do not have access to it."))
    return row


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
