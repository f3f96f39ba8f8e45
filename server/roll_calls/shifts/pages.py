"""The buttons by which a person who works in a home begins their shift there, and ends it."""

from datetime import datetime

from msgspec.structs import replace
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused
from server.i18n import N_
from server.people.access import now_of
from server.people.words import entered
from server.roll_calls.access import Entrance, as_worker
from server.roll_calls.form import moment_of
from server.roll_calls.pages import show_page
from server.roll_calls.shifts import actions as shifts
from server.web.requests import form_body, form_moment

BOARD = "board"


async def begin(request: Request) -> Response:
    """Until one of the times that take one tap, or another one."""
    seat, now, form = await as_worker(request), now_of(request), await form_body(request)
    try:
        await shifts.begin(seat.visitor, seat.home.id, _until(form, seat), now)
    except Refused as fault:
        return await show_page(request, replace(seat, typed_at=entered(form, "at")), fault)
    return _back(form, seat)


async def end(request: Request) -> Response:
    """Their own, or that of a colleague who forgot to end it."""
    seat, form = await as_worker(request), await form_body(request)
    person_id = request.path_params["person_id"]
    await shifts.end(seat.visitor, seat.home.id, person_id, now_of(request))
    return _back(form, seat)


def _until(form: FormData, seat: Entrance) -> datetime:
    until = entered(form, "until")
    if until == "other":
        return form_moment(entered(form, "at"), "at", seat.zone)
    moment = moment_of(until)
    if moment is None:
        raise Refused(N_("Tap one of the buttons."), field="at")
    return moment


def _back(form: FormData, seat: Entrance) -> Response:
    path = "/desk/" if entered(form, "back") == BOARD else seat.path
    return RedirectResponse(path, status_code=303)


_PATH = "/desk/homes/{home_id:uuid}/shift"

routes = [
    Route(_PATH, begin, methods=["POST"]),
    Route(f"{_PATH}/{{person_id:uuid}}/end", end, methods=["POST"]),
]
