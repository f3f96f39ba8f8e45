"""The rota at the desk: days and who is on duty, weekly shifts, and how it is planned."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec.structs import replace
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.clock import as_utc, known_zone
from server.errors import Refused
from server.i18n import N_, format_short_date, format_weekday, gettext
from server.people.access import Visitor, agency_for, now_of
from server.people.desk_forms import as_field, id_or_new
from server.people.models import Agency
from server.people.rules import AgencyAction
from server.people.words import entered, form_fault
from server.rota import planning
from server.rota.calendar import gaps_from
from server.rota.duty_shifts import AHEAD
from server.rota.planning import MOST_PEOPLE, DutyRequest
from server.rota.strip import Times, strip_of
from server.rota.view import (
    WEEKDAYS,
    Plan,
    colleagues,
    days_of,
    in_words,
    leave_path,
    may_plan,
    plan_agency,
    plan_now,
    plan_of,
    reader,
    span_in_words,
)
from server.web.rendering import language_of, page
from server.web.requests import form_body, form_day, form_id, form_time

# The form has this many weeks in turn; the API takes more.
PLACES = 6
LEADS: Mapping[str, str] = {
    "1800": N_("30 minutes before"),
    "3600": N_("1 hour before"),
    "7200": N_("2 hours before"),
    "14400": N_("4 hours before"),
    "43200": N_("12 hours before"),
}


class Preset(msgspec.Struct, frozen=True):
    """A weekly shift that many agencies have: its name, its days (Monday is 0) and its hours."""

    word: str
    days: tuple[int, ...]
    begins: str
    ends: str


USUAL = Preset("", WEEKDAYS, "18:00", "08:00")
PRESETS: Mapping[str, Preset] = {
    "nights": Preset(N_("Nights"), WEEKDAYS, "20:00", "08:00"),
    "days": Preset(N_("Working days"), WEEKDAYS[:5], "08:00", "20:00"),
    "weekends": Preset(N_("Weekends"), WEEKDAYS[5:], "08:00", "20:00"),
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
    plan = await plan_of(plan_agency(visitor), begin, begin + AHEAD, now)
    plan = replace(plan, gaps=gaps_from(plan.gaps, now))
    days = days_of(plan, language, visitor.person_id, now)
    earlier, later = (begin.astimezone(zone).date() + n * AHEAD for n in (-1, 1))
    context = {
        "plan": plan,
        "days": days,
        "strip": strip_of(
            Times(plan.shifts, plan.gaps, plan.names, plan.zone),
            [day.day for day in days],
            me=visitor.person_id,
            now=now,
        ),
        "titles": {
            day.day: f"{format_weekday(language, day.day.weekday(), is_short=True)} {day.day.day}"
            for day in days
        },
        "first_gap": next((day.day for day in days if day.has_gap), None),
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
        "leave_path": leave_path,
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


def _saved(request: Request) -> str | None:
    code = request.query_params.get("saved", "")
    return gettext(language_of(request), SAVED[code]) if code in SAVED else None


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
    form = await form_body(request)
    try:
        await planning.add_duty(visitor, plan_agency(visitor), _new_duty(form), now_of(request))
    except Refused as fault:
        return await _duties_page(request, visitor, form, fault)
    return to_rota("duty", "/desk/rota/duties")


def _new_duty(form: FormData) -> DutyRequest:
    return DutyRequest(
        id=id_or_new(form),
        days=[int(day) for day in _several(form, "day") if day in set("0123456")],
        begins=f"{form_time(entered(form, 'begins'), 'begins'):%H:%M}",
        ends=f"{form_time(entered(form, 'ends'), 'ends'):%H:%M}",
        people=[form_id(person, "people") for person in _several(form, "person") if person],
        first_on=form_day(entered(form, "first"), "first_on"),
        zone=entered(form, "zone"),
    )


async def end_duty(request: Request) -> Response:
    """End a weekly shift."""
    visitor = await agency_for(request, AgencyAction.ROTA_PLAN)
    duty_id = request.path_params["duty_id"]
    await planning.end_duty(visitor, plan_agency(visitor), duty_id, now_of(request))
    return to_rota("duty-ended", "/desk/rota/duties")


async def end_shift(request: Request) -> Response:
    """End a duty that a person had for good."""
    visitor = await agency_for(request, AgencyAction.ROTA_PLAN)
    shift_id = request.path_params["shift_id"]
    await planning.end_shift(visitor, plan_agency(visitor), shift_id, now_of(request))
    return to_rota("shift-ended", "/desk/rota/duties")


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
    return to_rota("terms", "/desk/rota/duties")


async def _duties_page(
    request: Request,
    visitor: Visitor,
    form: FormData | None = None,
    fault: Refused | None = None,
) -> Response:
    now, language = now_of(request), language_of(request)
    plan = await plan_now(visitor, now)
    chosen_preset = PRESETS.get(request.query_params.get("preset", ""), USUAL)
    given = {
        "id": str(uuid4()),
        "begins": chosen_preset.begins,
        "ends": chosen_preset.ends,
        "first": now.astimezone(plan.zone).date().isoformat(),
        "zone": plan.zone.key,
    }
    chosen, people = [str(day) for day in chosen_preset.days], list[str]()
    if form is not None:
        given = {name: entered(form, name) for name in given}
        chosen, people = _several(form, "day"), _several(form, "person")
    context = {
        "plan": plan,
        "duties": [_duty_in_words(plan, duty, language) for duty in plan.duties],
        "fixed": plan.fixed,
        "presets": [
            (code, gettext(language, preset.word), form is None and preset is chosen_preset)
            for code, preset in PRESETS.items()
        ],
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


# --- shared


def _several(form: FormData, name: str) -> list[str]:
    return [value.strip() for value in form.getlist(name) if isinstance(value, str)]


def to_rota(what: str, path: str = "/desk/rota") -> RedirectResponse:
    """Back to the rota, which says what was saved."""
    return RedirectResponse(f"{path}?saved={what}", status_code=303)


routes = [
    Route("/desk/rota", show, methods=["GET"]),
    Route("/desk/rota/duties", duties, methods=["GET"]),
    Route("/desk/rota/duties", add_duty, methods=["POST"]),
    Route("/desk/rota/duties/{duty_id:uuid}/end", end_duty, methods=["POST"]),
    Route("/desk/rota/fixed/{shift_id:uuid}/end", end_shift, methods=["POST"]),
    Route("/desk/rota/terms", set_terms, methods=["POST"]),
]
