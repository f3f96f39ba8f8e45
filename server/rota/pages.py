"""The rota at the desk: days and who is on duty, weekly shifts, handovers and leave."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo, available_timezones

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.clock import as_utc, known_zone
from server.errors import NotFound, Refused
from server.i18n import N_, format_short_date, format_weekday, gettext
from server.people.access import Visitor, agency_for, not_yours, now_of
from server.people.models import Agency
from server.people.rules import AgencyAction
from server.people.words import entered, form_fault
from server.rota import planning
from server.rota.duty_shifts import AHEAD
from server.rota.models import Handover, Leave
from server.rota.planning import MOST_PEOPLE
from server.rota.view import (
    WEEKDAYS,
    Plan,
    colleagues,
    days_of,
    in_words,
    may_plan,
    own_or_planner,
    plan_agency,
    plan_of,
    reader,
    span_in_words,
)
from server.web.rendering import language_of, page
from server.web.requests import form_body, form_day, form_id, form_moment, form_time

# The form has this many weeks in turn; the API takes more.
PLACES = 6
LEADS: Mapping[str, str] = {
    "1800": N_("30 minutes before"),
    "3600": N_("1 hour before"),
    "7200": N_("2 hours before"),
    "14400": N_("4 hours before"),
    "43200": N_("12 hours before"),
}
SAVED: Mapping[str, str] = {
    "duty": N_("The weekly shift is added."),
    "shift-ended": N_("The shift has ended."),
    "duty-ended": N_("The weekly shift is stopped. If one has begun, it runs to its end."),
    "handover": N_("The shift is handed over."),
    "handover-back": N_("The handover is cancelled. The earlier plan applies again."),
    "leave": N_("The leave is saved."),
    "leave-ended": N_("The leave is over."),
    "terms": N_("Saved."),
}


async def show(request: Request) -> Response:
    """The next two weeks: who is on duty when, and when nobody is."""
    visitor, now, language = await reader(request), now_of(request), language_of(request)
    zone = known_zone((await Agency.get(id=visitor.agency_id)).zone)
    begin = _first_day(request, zone, now)
    plan = await _plan(visitor, begin, now)
    earlier, later = (begin.astimezone(zone).date() + n * AHEAD for n in (-1, 1))
    context = {
        "plan": plan,
        "days": days_of(plan, language, visitor.person_id, now),
        "may_plan": may_plan(visitor),
        "me": visitor.person_id,
        "leaves": [_leave_in_words(plan, leave, language, now, visitor) for leave in plan.leaves],
        "handovers": [
            _handover_in_words(plan, handover, language, now, visitor)
            for handover in plan.handovers
        ],
        "saved": _saved(request),
        "earlier": earlier if begin > now else None,
        "later": later,
        "as_field": as_field,
        "now": now,
    }
    return page(request, "rota/rota.html", context)


def _first_day(request: Request, zone: ZoneInfo, now: datetime) -> datetime:
    """Today, or a later day that the reader chose."""
    today = now.astimezone(zone).date()
    try:
        chosen = form_day(request.query_params.get("from", ""), "from")
    except Refused:
        chosen = today
    if not today <= chosen <= today + planning.FARTHEST:
        chosen = today
    return as_utc(chosen, time(0), zone)


async def _plan(visitor: Visitor, begin: datetime, now: datetime) -> Plan:
    return await plan_of(plan_agency(visitor), begin, begin + AHEAD, now)


def _saved(request: Request) -> str | None:
    code = request.query_params.get("saved", "")
    return gettext(language_of(request), SAVED[code]) if code in SAVED else None


def as_field(at: datetime, zone: ZoneInfo) -> str:
    """A moment as a form shows it."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def _leave_in_words(
    plan: Plan, leave: Any, language: str, now: datetime, visitor: Visitor
) -> dict[str, Any]:
    cover = plan.names.get(leave.cover_id)
    says = N_("{name} covers.") if cover else N_("Their deputy covers, if they have one.")
    return {
        "id": leave.id,
        "who": plan.names.get(leave.person_id, ""),
        "when": _span(plan, leave, language, now),
        "cover": gettext(language, says, name=cover or ""),
        "may_end": may_plan(visitor) or leave.person_id == visitor.person_id,
    }


def _handover_in_words(
    plan: Plan, handover: Any, language: str, now: datetime, visitor: Visitor
) -> dict[str, Any]:
    to = plan.names.get(handover.to_id, "")
    if handover.who_id is None:
        says = gettext(language, N_("{to} in addition"), to=to)
    else:
        who = plan.names.get(handover.who_id, "")
        says = gettext(language, N_("{to} instead of {name}"), to=to, name=who)
    mine = visitor.person_id in (handover.who_id, handover.made_by)
    return {
        "id": handover.id,
        "says": says,
        "when": _span(plan, handover, language, now),
        "may_end": may_plan(visitor) or mine,
    }


def _span(plan: Plan, row: Any, language: str, now: datetime) -> str:
    return span_in_words(row.from_at, row.until_at, plan.zone, language, now)


# --- weekly shifts


async def duties(request: Request) -> Response:
    """The weekly shifts, and how the rota is planned."""
    return await _duties_page(request, await agency_for(request, AgencyAction.ROTA_PLAN))


async def add_duty(request: Request) -> Response:
    """Add a weekly shift."""
    visitor = await agency_for(request, AgencyAction.ROTA_PLAN)
    form, now = await form_body(request), now_of(request)
    try:
        await planning.add_duty(
            visitor,
            plan_agency(visitor),
            id_=_id_or_new(form),
            days=[int(day) for day in _several(form, "day") if day in set("0123456")],
            begins=form_time(entered(form, "begins"), "begins"),
            ends=form_time(entered(form, "ends"), "ends"),
            zone=_zone(entered(form, "zone")),
            people=[
                form_id(person_id, "people") for person_id in _several(form, "person") if person_id
            ],
            first=form_day(entered(form, "first"), "first_on"),
            now=now,
        )
    except Refused as fault:
        return await _duties_page(request, visitor, form, fault)
    return _to("duty", "/desk/rota/duties")


async def end_duty(request: Request) -> Response:
    """End a weekly shift."""
    visitor = await agency_for(request, AgencyAction.ROTA_PLAN)
    duty_id = request.path_params["duty_id"]
    await planning.end_duty(visitor, plan_agency(visitor), duty_id, now_of(request))
    return _to("duty-ended", "/desk/rota/duties")


async def end_shift(request: Request) -> Response:
    """End a duty that a person had for good."""
    visitor = await agency_for(request, AgencyAction.ROTA_PLAN)
    shift_id = request.path_params["shift_id"]
    await planning.end_shift(visitor, plan_agency(visitor), shift_id, now_of(request))
    return _to("shift-ended", "/desk/rota/duties")


async def set_terms(request: Request) -> Response:
    """Which hours need a person on duty, and how long before a shift we ask them."""
    visitor = await agency_for(request, AgencyAction.ROTA_PLAN)
    form = await form_body(request)
    lead = entered(form, "lead")
    try:
        if lead not in LEADS:
            raise Refused(N_("Choose one from the list."), field="lead")
        await planning.set_terms(
            visitor,
            plan_agency(visitor),
            is_always=entered(form, "hours") != "planned",
            lead=timedelta(seconds=int(lead)),
            now=now_of(request),
        )
    except Refused as fault:
        return await _duties_page(request, visitor, fault=fault)
    return _to("terms", "/desk/rota/duties")


async def _duties_page(
    request: Request,
    visitor: Visitor,
    form: FormData | None = None,
    fault: Refused | None = None,
) -> Response:
    now, language = now_of(request), language_of(request)
    plan = await _plan(visitor, now, now)
    today = now.astimezone(plan.zone).date()
    given = {
        "id": str(uuid4()),
        "begins": "18:00",
        "ends": "08:00",
        "first": today.isoformat(),
        "zone": plan.zone.key,
    }
    chosen = [str(day) for day in WEEKDAYS]
    people = list[str]()
    if form is not None:
        given = {name: entered(form, name) for name in given}
        chosen, people = _several(form, "day"), _several(form, "person")
    context = {
        "plan": plan,
        "duties": [_duty_in_words(plan, duty, language) for duty in plan.duties],
        "fixed": plan.fixed,
        "given": given,
        "days": [(str(day), format_weekday(language, day), str(day) in chosen) for day in WEEKDAYS],
        "people": [*people, *[""] * PLACES][: max(PLACES, len(people))][:MOST_PEOPLE],
        "colleagues": await colleagues(plan_agency(visitor)),
        "leads": [(value, gettext(language, words)) for value, words in LEADS.items()],
        "lead": str(int(plan.lead.total_seconds())),
        "zones": sorted(available_timezones()),
        "saved": _saved(request),
        "error": form_fault(fault, language) if fault else None,
        "now": now,
    }
    return page(request, "rota/duties.html", context, status=422 if fault else 200)


def _duty_in_words(plan: Plan, duty: Any, language: str) -> dict[str, Any]:
    return {
        "id": duty.id,
        "when": in_words(plan, duty, language),
        "people": [plan.names.get(UUID(who), "") for who in duty.people],
        "first_on": format_short_date(language, duty.first_on),
        "until_on": format_short_date(language, duty.until_on) if duty.until_on else "",
    }


# --- handing a shift over


async def handover(request: Request) -> Response:
    """The handover form; a link from a shift or a gap fills it in."""
    visitor = await reader(request)
    asked = request.query_params
    given = {name: asked.get(name, "") for name in ("who", "to", "from", "until")}
    return await _handover_page(request, visitor, {"id": str(uuid4()), **given})


async def hand_over(request: Request) -> Response:
    """Give the duty to another person for that time."""
    visitor, form, now = await reader(request), await form_body(request), now_of(request)
    given = {name: entered(form, name) for name in ("id", "who", "to", "from", "until")}
    plan = await _plan(visitor, now, now)
    try:
        who = form_id(given["who"], "who_id") if given["who"] else None
        own_or_planner(visitor, who)
        await planning.hand_over(
            visitor,
            plan_agency(visitor),
            id_=_id_or_new(form),
            who=who,
            to=form_id(given["to"], "to_id"),
            begin=form_moment(given["from"], "from_at", plan.zone),
            end=form_moment(given["until"], "until_at", plan.zone),
            now=now,
        )
    except Refused as fault:
        return await _handover_page(request, visitor, given, fault)
    return _to("handover")


async def take_back(request: Request) -> Response:
    """Take a handover back: the earlier plan counts again."""
    visitor = await reader(request)
    handover_id, agency_id = request.path_params["handover_id"], plan_agency(visitor)
    row = await Handover.get_or_none(id=handover_id, agency_id=agency_id)
    if row is None:
        raise NotFound(N_("This does not exist, or you do not have access to it."))
    if row.made_by != visitor.person_id:
        own_or_planner(visitor, row.who_id)
    await planning.take_back_handover(visitor, agency_id, handover_id, now_of(request))
    return _to("handover-back")


async def _handover_page(
    request: Request, visitor: Visitor, given: dict[str, str], fault: Refused | None = None
) -> Response:
    now, language = now_of(request), language_of(request)
    plan, people = await _plan(visitor, now, now), await colleagues(plan_agency(visitor))
    is_planner = may_plan(visitor)
    if not is_planner:
        given["who"] = str(visitor.person_id)
    context = {
        "plan": plan,
        "given": given,
        "may_plan": is_planner,
        "people": people,
        "others": [person for person in people if is_planner or person[0] != visitor.person_id],
        "error": form_fault(fault, language) if fault else None,
        "now": now,
    }
    return page(request, "rota/handover.html", context, status=422 if fault else 200)


# --- leave


async def leave(request: Request) -> Response:
    """The leave form."""
    visitor = await reader(request)
    given = {
        "id": str(uuid4()),
        "who": str(visitor.person_id),
        "cover": "",
        "from": "",
        "until": "",
    }
    return await _leave_page(request, visitor, given)


async def add_leave(request: Request) -> Response:
    """Record that a person is away."""
    visitor, form, now = await reader(request), await form_body(request), now_of(request)
    given = {name: entered(form, name) for name in ("id", "who", "cover", "from", "until")}
    plan = await _plan(visitor, now, now)
    try:
        who = form_id(given["who"], "person_id") if may_plan(visitor) else visitor.person_id
        begin = form_moment(given["from"], "from_at", plan.zone) if given["from"] else now
        await planning.add_leave(
            visitor,
            plan_agency(visitor),
            id_=_id_or_new(form),
            who=who,
            cover=form_id(given["cover"], "cover_id") if given["cover"] else None,
            begin=begin,
            end=form_moment(given["until"], "until_at", plan.zone),
            now=now,
        )
    except Refused as fault:
        return await _leave_page(request, visitor, given, fault)
    return _to("leave")


async def end_leave(request: Request) -> Response:
    """End a leave: the person is back."""
    visitor = await reader(request)
    leave_id, agency_id = request.path_params["leave_id"], plan_agency(visitor)
    row = await Leave.get_or_none(id=leave_id, agency_id=agency_id)
    if row is None:
        raise NotFound(N_("This does not exist, or you do not have access to it."))
    own_or_planner(visitor, row.person_id)
    await planning.end_leave(visitor, agency_id, leave_id, now_of(request))
    return _to("leave-ended")


async def _leave_page(
    request: Request, visitor: Visitor, given: dict[str, str], fault: Refused | None = None
) -> Response:
    now, language = now_of(request), language_of(request)
    people = await colleagues(plan_agency(visitor))
    may = may_plan(visitor)
    if not may and visitor.person_id not in {id_ for id_, _ in people}:
        raise not_yours()
    context = {
        "plan": await _plan(visitor, now, now),
        "given": given,
        "may_plan": may,
        "people": people,
        "others": [person for person in people if may or person[0] != visitor.person_id],
        "error": form_fault(fault, language) if fault else None,
        "now": now,
    }
    return page(request, "rota/leave.html", context, status=422 if fault else 200)


# --- shared


def _several(form: FormData, name: str) -> list[str]:
    return [value.strip() for value in form.getlist(name) if isinstance(value, str)]


def _id_or_new(form: FormData) -> UUID:
    """The id in the form, so that sending it twice makes one thing; else a new one."""
    try:
        return UUID(entered(form, "id"))
    except ValueError:
        return uuid4()


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise Refused(N_("Choose a time zone such as Europe/Paris."), field="zone")
    return name


def _to(what: str, path: str = "/desk/rota") -> RedirectResponse:
    return RedirectResponse(f"{path}?saved={what}", status_code=303)


routes = [
    Route("/desk/rota", show, methods=["GET"]),
    Route("/desk/rota/duties", duties, methods=["GET"]),
    Route("/desk/rota/duties", add_duty, methods=["POST"]),
    Route("/desk/rota/duties/{duty_id:uuid}/end", end_duty, methods=["POST"]),
    Route("/desk/rota/fixed/{shift_id:uuid}/end", end_shift, methods=["POST"]),
    Route("/desk/rota/terms", set_terms, methods=["POST"]),
    Route("/desk/rota/handover", handover, methods=["GET"]),
    Route("/desk/rota/handover", hand_over, methods=["POST"]),
    Route("/desk/rota/handovers/{handover_id:uuid}/back", take_back, methods=["POST"]),
    Route("/desk/rota/leave", leave, methods=["GET"]),
    Route("/desk/rota/leave", add_leave, methods=["POST"]),
    Route("/desk/rota/leaves/{leave_id:uuid}/end", end_leave, methods=["POST"]),
]
