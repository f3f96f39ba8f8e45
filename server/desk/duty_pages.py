"""A person on duty: since when and until when, and every alert that is open to them. These pages
are here because the text of an alert is."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts.models import Alert
from server.alerts.words import title_of
from server.clock import known_zone
from server.desk.alert_api import those_for
from server.errors import NotFound
from server.flags.reading import for_duty
from server.i18n import N_, format_moment, gettext, ngettext
from server.people.access import Visitor, now_of, rota_of, visitor_of
from server.people.models import Agency, Person
from server.people.rules import AgencyAction, Role, may_agency
from server.rota import duty_shifts
from server.rota.calendar import Shift
from server.rota.models import DutyShift
from server.rota.view import Plan, own_shifts, plan_agency, plan_of, reader, span_in_words
from server.tasks.rules import Kind
from server.tasks.turns import until
from server.tasks.ways import path_of
from server.watch import children
from server.watch.wording import when
from server.web.rendering import language_of, page

# So far ahead one's own shifts are listed.
AHEAD = timedelta(days=28)


class Line(msgspec.Struct, frozen=True):
    """One open alert."""

    id: UUID
    name: str
    title: str
    since: datetime
    has: str | None


async def show(request: Request) -> Response:
    """ "You have it now", and what is open; otherwise when the visitor is on duty next."""
    visitor, now, language = await reader(request), now_of(request), language_of(request)
    plan = await plan_of(plan_agency(visitor), now, now + AHEAD, now)
    mine = own_shifts(plan, visitor.person_id)
    running = next((shift for shift in mine if shift.begin <= now), None)
    lines = await _open_alerts(request, language)
    context = {
        "flags": await _flags(request, language, now),
        "lead": _lead(plan, mine, running, language, now),
        "lines": lines,
        "how_many": ngettext(language, "{n} alert is open.", "{n} alerts are open.", len(lines)),
        "shifts": [_in_words(plan, shift, language, now) for shift in mine if shift is not running],
        "question": await _question(visitor, now),
        "now": now,
    }
    return page(request, "desk/duty.html", context)


async def reached(request: Request) -> Response:
    """ "Yes, I can be reached." """
    visitor, duty_shift_id = await reader(request), request.path_params["spell_id"]
    if not await DutyShift.exists(id=duty_shift_id, person_id=visitor.person_id):
        raise NotFound(N_("This does not exist, or you do not have access to it."))
    await duty_shifts.say_reached(duty_shift_id, now_of(request))
    return RedirectResponse("/desk/duty", status_code=303)


async def _question(visitor: Visitor, now: datetime) -> DutyShift | None:
    """The visitor's open question about a shift, if there is one."""
    asked = DutyShift.filter(
        person_id=visitor.person_id,
        asked_at__isnull=False,
        reached_at__isnull=True,
        dropped_at__isnull=True,
        until_at__gt=now,
    )
    return await asked.order_by("begins_at").first()


async def _open_alerts(request: Request, language: str) -> list[Line]:
    roles = await children.alerted(request)
    held = Alert.filter(child_id__in=list(roles), closed_at__isnull=True)
    alerts = await those_for(request, roles, await held.order_by("opened_at", "id"))
    ids = {alert.child_id for alert in alerts} | {alert.acknowledged_by for alert in alerts}
    people = Person.filter(id__in=[id_ for id_ in ids if id_ is not None])
    names: Mapping[UUID, str] = {person.id: person.name for person in await people}
    return [
        Line(
            alert.id,
            names[alert.child_id],
            gettext(language, title_of(alert.cause, alert.reason)),
            alert.opened_at,
            names.get(alert.acknowledged_by) if alert.acknowledged_by is not None else None,
        )
        for alert in sorted(alerts, key=lambda alert: alert.acknowledged_by is not None)
    ]


async def _flags(request: Request, language: str, now: datetime) -> list[dict[str, Any]]:
    """The flags that are for the people on duty, while the reader is one: that there is one about
    this child. Its words are on its own page, which leaves a look."""
    if not (await rota_of(request)).is_on_duty:
        return []
    return [
        {
            "href": path_of(Kind.FLAG, task.child_id, task.subject_id),
            "name": name,
            "until": format_moment(
                language, until(Kind.FLAG, task.due_at, zone=task.zone), known_zone(task.zone), now
            ),
            "is_late": task.slice().is_over(now),
        }
        for task, name in await for_duty(plan_agency(await visitor_of(request)))
    ]


def _lead(
    plan: Plan, mine: Sequence[Shift], running: Shift | None, language: str, now: datetime
) -> str:
    if running is not None:
        if running.end >= plan.end:
            return gettext(language, N_("You are on duty now."))
        until = format_moment(language, running.end, plan.zone, now)
        return gettext(language, N_("You are on duty until {time}."), time=until)
    if mine:
        begin = format_moment(language, mine[0].begin, plan.zone, now)
        return gettext(
            language, N_("You are not on duty. Your next shift begins {time}."), time=begin
        )
    return gettext(language, N_("You are not on duty. You have no shifts planned."))


def _in_words(plan: Plan, shift: Shift, language: str, now: datetime) -> dict[str, Any]:
    whose = plan.names.get(shift.instead_of, "") if shift.instead_of is not None else ""
    return {
        "when": span_in_words(shift.begin, shift.end, plan.zone, language, now),
        "for": gettext(language, N_("covering for {name}"), name=whose) if whose else "",
        "shift": shift,
    }


async def first_gap(request: Request, visitor: Visitor) -> str | None:
    """For the board of the planners: when nobody is on duty next."""
    if not may_agency(Role(visitor.role), AgencyAction.ROTA_PLAN):
        return None
    now, language, agency_id = now_of(request), language_of(request), plan_agency(visitor)
    gaps = await duty_shifts.gaps_ahead(agency_id, now)
    if not gaps:
        return None
    if gaps[0].begin <= now:
        return gettext(language, N_("Nobody is on duty now."))
    zone = known_zone((await Agency.get(id=agency_id)).zone)
    begin = when(language, gaps[0].begin, zone, now)
    return gettext(language, N_("Nobody is on duty from {time}."), time=begin)


routes = [
    Route("/desk/duty", show, methods=["GET"]),
    Route("/desk/duty/{spell_id:uuid}/reached", reached, methods=["POST"]),
]
