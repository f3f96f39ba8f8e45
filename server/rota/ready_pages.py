""" "Can you be reached?": one tap, without signing in.

The link allows this one yes and opens nothing else. Reading it answers nothing: a link scanner (of
a mail server, a messenger) must not report that a person is awake.
"""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.clock import known_zone
from server.errors import NotFound
from server.i18n import format_moment, supported_language
from server.people.access import now_of
from server.people.models import Agency, Person
from server.rota import duty_shifts
from server.rota.models import DutyShift
from server.web.rendering import page


async def show(request: Request) -> Response:
    """The question, or that it was answered, or that it is over."""
    row, now = await _shift_of(request), now_of(request)
    if row is None:
        return _over(request)
    person = await Person.get(id=row.person_id)
    request.state.language = supported_language(person.language)
    return page(request, "rota/ready.html", await _context(request, row, person, now))


async def say_yes(request: Request) -> Response:
    """Yes. A second tap changes nothing."""
    row = await _shift_of(request)
    if row is None:
        return _over(request)
    await duty_shifts.say_reached(row.id, now_of(request))
    return RedirectResponse(request.url.path, status_code=303)


async def _shift_of(request: Request) -> DutyShift | None:
    now = now_of(request)
    try:
        duty_shift_id = duty_shifts.read_token(request.path_params["ready_token"], now)
    except NotFound:
        return None
    here = DutyShift.filter(id=duty_shift_id, dropped_at__isnull=True, until_at__gt=now)
    return await here.first()


async def _context(
    request: Request, row: DutyShift, person: Person, now: datetime
) -> dict[str, Any]:
    agency, zone = await Agency.get(id=row.agency_id), known_zone(person.zone)
    begin, end = (
        format_moment(supported_language(person.language), at, zone, now)
        for at in (row.begins_at, row.until_at)
    )
    return {
        "state": "yes" if row.reached_at is not None else "ask",
        "begin": begin,
        "end": end,
        "display_name": agency.display_name or request.app.state.settings.display_name,
    }


def _over(request: Request) -> Response:
    name = request.app.state.settings.display_name
    return page(request, "rota/ready.html", {"state": "over", "display_name": name}, status=404)


routes = [
    Route("/ready/{ready_token}", show, methods=["GET"]),
    Route("/ready/{ready_token}", say_yes, methods=["POST"]),
]
