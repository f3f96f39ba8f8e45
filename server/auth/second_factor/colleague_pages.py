"""Second keys of all staff: from when they are required, who has one, and what to do with a lost
one."""

from datetime import datetime, time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.auth.redirects import to
from server.auth.second_factor import factors
from server.auth.second_factor.reauthentication import fresh
from server.clock import as_utc, known_zone
from server.errors import Refused, WaymarkError
from server.i18n import N_
from server.people.access import Visitor, agency_for, nothing_here, now_of
from server.people.agencies.actions import set_second_key_from
from server.people.models import Agency, Person
from server.people.rules import AgencyAction, Role
from server.people.words import entered, form_fault
from server.web.rendering import language_of, page
from server.web.requests import form_body, form_day

PAGE = "/desk/people/second-keys"


async def everybody(request: Request) -> Response:
    """Who has a second key."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    return await _page(request, visitor)


async def set_from(request: Request) -> Response:
    """From this day everyone needs one; without a day, nobody has to."""
    await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    visitor = await fresh(request, back=PAGE)
    day_text, now = entered(await form_body(request), "from"), now_of(request)
    agency = await Agency.get(id=visitor.agency_id)
    try:
        at = _beginning(day_text, agency.zone)
        await set_second_key_from(visitor, agency.id, at, now)
    except Refused as fault:
        return await _page(request, visitor, fault, day_text)
    return to(f"{PAGE}?saved=day")


async def reset(request: Request) -> Response:
    """A colleague has lost theirs."""
    await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    visitor = await fresh(request, back=PAGE)
    person = await Person.get_or_none(
        id=request.path_params["person_id"], agency_id=visitor.agency_id
    )
    if person is None or person.role == Role.CHILD:
        raise nothing_here()
    if person.id == visitor.person_id:
        raise Refused(
            N_("Change your own second key in Settings. Or ask another administrator to reset it.")
        )
    await factors.reset(visitor, person, now_of(request))
    return to(f"{PAGE}?saved=reset")


def _beginning(day_text: str, zone: str) -> datetime | None:
    """The first moment of that day where the agency is."""
    if not day_text:
        return None
    return as_utc(form_day(day_text, "from"), time(0), known_zone(zone))


async def _page(
    request: Request,
    visitor: Visitor,
    fault: WaymarkError | None = None,
    day_text: str | None = None,
) -> Response:
    agency = await Agency.get(id=visitor.agency_id)
    adults = await Person.filter(agency_id=agency.id, disabled_at__isnull=True).exclude(
        role=Role.CHILD
    )
    at = agency.second_key_from
    day = at.astimezone(known_zone(agency.zone)).date().isoformat() if at else ""
    context: dict[str, Any] = {
        # Names are sealed: only we can sort them.
        "people": sorted(adults, key=lambda person: person.name.casefold()),
        "with_second": await factors.with_second([person.id for person in adults]),
        "me": visitor.person_id,
        "day": day if day_text is None else day_text,
        "at": at,
        "saved": request.query_params.get("saved", ""),
        "error": form_fault(fault, language_of(request)) if fault else None,
        "now": now_of(request),
    }
    status = fault.status if fault else 200
    return page(request, "auth/colleagues.html", context, status=status)


routes = [
    Route(PAGE, everybody, methods=["GET"]),
    Route(PAGE, set_from, methods=["POST"]),
    Route("/desk/people/{person_id:uuid}/second-key", reset, methods=["POST"]),
]
