"""The roll call at the front desk of a home, and the PIN by which a person opens it."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import wraps
from uuid import UUID, uuid5

from msgspec.structs import replace
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import IdReused, NotFound, Refused, Unauthenticated, WaymarkError
from server.i18n import N_
from server.inbound import cards, desk_pins, late_answers, left_devices
from server.inbound.desk_pins import Opened
from server.inbound.models import FrontDesk
from server.inbound.pages import cookie_name, front_token
from server.inbound.rules import UNLOCKED_FOR
from server.people.access import nothing_here, now_of
from server.people.models import Home
from server.people.words import entered, form_fault
from server.roll_calls import pages as roll_call
from server.roll_calls.access import Entrance, as_worker
from server.roll_calls.actions import record
from server.roll_calls.form import said_at_of
from server.roll_calls.shifts.view import shifts_of
from server.web.rendering import language_of, page
from server.web.requests import form_body, form_count

# Beside the cookie of the device: who has it now. It lasts as long as the names are shown.
OPEN_COOKIE = "front_open"
PATH = "/front/roll-call"


class FrontEntrance(Entrance, frozen=True):
    """A person who works in the home, before its front desk until a moment."""

    until: datetime | None = None


_Handler = Callable[[Request, FrontDesk], Awaitable[Response]]


def _at_device(handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
    """Before the device of a home; a device that is none, or that has ended, is told so."""

    @wraps(handler)
    async def handle(request: Request) -> Response:
        try:
            desk = await cards.desk_of(front_token(request), now_of(request))
        except Unauthenticated as fault:
            return _closed(request, fault)
        return await handler(request, desk)

    return handle


@_at_device
async def front(request: Request, desk: FrontDesk) -> Response:
    """The names to choose from, and the PIN; the sheet, for the person who has just given it."""
    now = now_of(request)
    opened = await _opened(request, desk)
    if opened is None:
        return await _locked(request, desk)
    sheet = await roll_call.show_form(request, await _entrance(desk, opened, now))
    return sheet or await _locked(request, desk, is_none=True)


@_at_device
async def open_(request: Request, desk: FrontDesk) -> Response:
    """A name and a PIN."""
    now = now_of(request)
    form = await form_body(request)
    try:
        token = await desk_pins.unlock(desk, _seat_of(form), entered(form, "pin"), now)
    except WaymarkError as fault:
        return await _locked(request, desk, fault, entered(form, "worker"))
    answer = RedirectResponse(PATH, status_code=303)
    answer.set_cookie(
        cookie_name(request, OPEN_COOKIE),
        token,
        max_age=int(UNLOCKED_FOR.total_seconds()),
        path=PATH,
        secure=request.app.state.settings.is_https,
        httponly=True,
        samesite="strict",
    )
    return answer


@_at_device
async def send(request: Request, desk: FrontDesk) -> Response:
    """What the person who gave the PIN says. The device is locked with that."""
    now = now_of(request)
    opened = await _opened(request, desk)
    if opened is None:
        why = await desk_pins.why_closed(desk, _token(request), now)
        return RedirectResponse(f"{PATH}?late={why}", status_code=303)
    seat, form = await _entrance(desk, opened, now), await form_body(request)
    answer = await roll_call.take(request, seat, form)
    return await _lock(request, desk, answer) if answer.status_code == 303 else answer


@_at_device
async def send_late(request: Request, desk: FrontDesk) -> Response:
    """What the device kept while it was offline, said by the person whose ticket is with it. It is
    taken once: what comes again under the same ticket changes nothing."""
    now, form = now_of(request), await form_body(request)
    try:
        ticket = await late_answers.read(desk, entered(form, "ticket"), now)
        home = await Home.get(id=desk.home_id)
        shift = await shifts_of(home, ticket.actor.id, now)
        seat = FrontEntrance(ticket.actor, home, is_worker=True, shift=shift, front_path=PATH)
        about = await roll_call.roll_call_of(seat, form)
        if about is None:
            raise nothing_here()
        ticket.check_asked(about)
        said_at = ticket.moment(said_at_of(form, now), now)
        tapped = roll_call.said_in(form, seat, now, said_at)
        id_ = uuid5(ticket.seat_id, entered(form, "ticket"))
        once = replace(tapped, id=id_, said_at=said_at)
        recorded = await record(ticket.actor, about.id, once, now)
        await late_answers.check_once(once)
    except (IdReused, NotFound, Refused) as fault:
        return await _locked(request, desk, fault)
    return RedirectResponse(f"{PATH}?sent={len(recorded.left_out)}", status_code=303)


@_at_device
async def lock(request: Request, desk: FrontDesk) -> Response:
    """Before the five minutes are over."""
    # A page that is still open elsewhere must not lock another person out.
    if await _opened(request, desk) is None:
        return RedirectResponse("/front", status_code=303)
    return await _lock(request, desk, RedirectResponse("/front", status_code=303))


async def _lock(request: Request, desk: FrontDesk, answer: Response) -> Response:
    await desk_pins.lock(desk)
    is_https = request.app.state.settings.is_https
    name = cookie_name(request, OPEN_COOKIE)
    answer.delete_cookie(name, path=PATH, secure=is_https, httponly=True, samesite="strict")
    return answer


async def _opened(request: Request, desk: FrontDesk) -> Opened | None:
    return await desk_pins.opened(desk, _token(request), now_of(request))


def _token(request: Request) -> str | None:
    return request.cookies.get(cookie_name(request, OPEN_COOKIE))


async def _entrance(desk: FrontDesk, opened: Opened, now: datetime) -> FrontEntrance:
    home = await Home.get(id=desk.home_id)
    return FrontEntrance(
        opened.actor,
        home,
        is_worker=True,
        shift=await shifts_of(home, opened.actor.id, now),
        front_path=PATH,
        template="desk/front_sheet.html",
        ticket=late_answers.ticket_of(desk, opened, now),
        until=opened.until,
    )


def _seat_of(form: FormData) -> UUID:
    try:
        return UUID(entered(form, "worker"))
    except ValueError:
        raise Refused(N_("Choose your name."), field="worker") from None


def _closed(request: Request, fault: Unauthenticated) -> Response:
    context = {
        "state": "closed",
        "lost": "lost" in request.query_params,
        "display_name": request.app.state.settings.display_name,
        "error": form_fault(fault, language_of(request)),
    }
    return page(request, "inbound/front.html", context, status=fault.status)


async def _locked(
    request: Request,
    desk: FrontDesk,
    fault: WaymarkError | None = None,
    chosen: str = "",
    *,
    is_none: bool = False,
) -> Response:
    query = request.query_params
    is_left = await left_devices.is_left(desk, now_of(request))
    context = {
        "display_name": request.app.state.settings.display_name,
        "is_left": is_left,
        "names": [] if is_left else await desk_pins.names_at(desk, now_of(request)),
        "chosen": chosen,
        "sent": "sent" in query,
        "n_left": form_count(query.get("sent", "")) or 0,
        "late": query.get("late", ""),
        "lost": "lost" in query,
        "is_none": is_none,
        "error": form_fault(fault, language_of(request)) if fault is not None else None,
    }
    status = fault.status if fault is not None else 200
    return page(request, "desk/front_roll_call.html", context, status=status)


# --- at their own desk


async def pin(request: Request) -> Response:
    """The form for a new PIN."""
    return _pin_page(request, await as_worker(request))


async def set_pin(request: Request) -> Response:
    """A new PIN of the reader, for the front desks of this home."""
    seat, form = await as_worker(request), await form_body(request)
    try:
        await desk_pins.set_pin(seat.visitor, seat.home.id, entered(form, "pin"), now_of(request))
    except Refused as fault:
        return _pin_page(request, seat, fault)
    return RedirectResponse(f"{request.url.path}?saved=yes", status_code=303)


def _pin_page(request: Request, seat: Entrance, fault: Refused | None = None) -> Response:
    context = {
        "home": seat.home,
        "back": seat.path,
        "saved": "saved" in request.query_params,
        "error": form_fault(fault, language_of(request)) if fault is not None else None,
    }
    status = fault.status if fault is not None else 200
    return page(request, "desk/front_pin.html", context, status=status)


_PIN = "/desk/homes/{home_id:uuid}/pin"

routes = [
    Route(PATH, front, methods=["GET"]),
    Route(PATH, send, methods=["POST"]),
    Route(f"{PATH}/open", open_, methods=["POST"]),
    Route(f"{PATH}/late", send_late, methods=["POST"]),
    Route(f"{PATH}/lock", lock, methods=["POST"]),
    Route(_PIN, pin, methods=["GET"]),
    Route(_PIN, set_pin, methods=["POST"]),
]
