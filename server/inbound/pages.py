"""Pages without the app: the child's page on any phone, and the front desk of a home."""

from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.auth.actions import sign_out
from server.auth.cookies import drop_cookie
from server.checkin.rules import Want
from server.errors import IdReused, NotFound, Refused, Unauthenticated, WaymarkError
from server.i18n import N_, supported_language
from server.inbound import cards, left_devices, links
from server.inbound.models import ChildLink
from server.people.access import Visitor, nothing_here, now_of, staff_of
from server.people.models import Agency, Home, Person
from server.people.words import entered, form_fault
from server.phone_numbers import tel
from server.web.rendering import language_of, page
from server.web.requests import form_body

_COOKIE = "front"


def cookie_name(request: Request, name: str = _COOKIE) -> str:
    """Browsers take a name that begins so over TLS alone, so that no network can plant one."""
    return f"__Secure-{name}" if request.app.state.settings.is_https else name


def front_token(request: Request) -> str | None:
    """What makes this device a front desk. Those set up by an earlier version keep its name."""
    return request.cookies.get(cookie_name(request)) or request.cookies.get(_COOKIE)


def want_of(form: FormData) -> Want:
    """Which button was tapped. Raises Refused."""
    want = entered(form, "want")
    if want not in set(Want):
        raise Refused(N_("Tap one of the buttons."), field="want")
    return Want(want)


def id_of(form: FormData) -> UUID:
    """The id in the page: the same page sent twice counts once."""
    try:
        return UUID(entered(form, "id"))
    except ValueError:
        return uuid4()


# --- a page on any phone


async def show(request: Request) -> Response:
    """Three buttons, and no name. Opening it says nothing."""
    try:
        link = await links.read(request.path_params["token"], now_of(request))
    except NotFound:
        return _over(request)
    is_done = request.query_params.get("done") == "1"
    return await _link_page(request, link, {"state": "done" if is_done else "ask"})


async def tap(request: Request) -> Response:
    """One tap. The same page sent twice is one tap."""
    now, form = now_of(request), await form_body(request, is_loose=True)
    try:
        link = await links.read(request.path_params["token"], now)
    except NotFound:
        return _over(request)
    try:
        await links.use(link, want_of(form), id_of(form), now)
    except IdReused:
        pass  # The same page again: the first time counts.
    except WaymarkError as fault:
        return await _link_page(request, link, {"state": "ask"}, fault)
    return RedirectResponse(f"{request.url.path}?done=1", status_code=303)


def _over(request: Request) -> Response:
    name = request.app.state.settings.display_name
    return page(
        request,
        "inbound/link.html",
        {"state": "over", "display_name": name, "help_tel": None},
        status=404,
    )


async def _link_page(
    request: Request, link: ChildLink, context: dict[str, Any], fault: WaymarkError | None = None
) -> Response:
    child, agency = await Person.get(id=link.child_id), await Agency.get(id=link.agency_id)
    language = supported_language(child.language)
    whole = {
        "language": language,
        "display_name": agency.display_name or request.app.state.settings.display_name,
        "help_phone": agency.help_phone,
        "help_tel": tel(agency.help_phone or ""),
        "id": str(uuid4()),
        "error": form_fault(fault, language) if fault is not None else None,
        **context,
    }
    status = fault.status if fault is not None else 200
    return page(request, "inbound/link.html", whole, status=status)


# --- the front desk


async def front(request: Request) -> Response:
    """A card and a PIN. The QR code of a card fills in the code already."""
    try:
        await cards.desk_of(front_token(request), now_of(request))
    except Unauthenticated as fault:
        return _front_page(request, {"state": "closed"}, fault)
    is_done = request.query_params.get("done") == "1"
    card = request.query_params.get("card", "")[:40]
    return _front_page(request, {"state": "done" if is_done else "ask", "card": card})


async def at_front(request: Request) -> Response:
    """One child says something at the desk; then the desk is free for the next one."""
    now, form = now_of(request), await form_body(request, is_loose=True)
    try:
        desk = await cards.desk_of(front_token(request), now)
    except Unauthenticated as fault:
        return _front_page(request, {"state": "closed"}, fault)
    card = entered(form, "card")[:200]
    try:
        await cards.use(
            desk, card, entered(form, "pin"), want=want_of(form), id_=id_of(form), now=now
        )
    except IdReused:
        pass  # The same page again: the first time counts.
    except WaymarkError as fault:
        return _front_page(request, {"state": "ask", "card": card}, fault)
    return RedirectResponse("/front?done=1", status_code=303)


def _front_page(
    request: Request, context: dict[str, Any], fault: WaymarkError | None = None
) -> Response:
    language = language_of(request)
    whole = {
        "display_name": request.app.state.settings.display_name,
        "card": "",
        "lost": False,
        "help_counts": fault is not None and fault.code in (cards.WAITS, cards.SHUT),
        "id": str(uuid4()),
        "error": form_fault(fault, language) if fault is not None else None,
        **context,
    }
    status = fault.status if fault is not None else 200
    return page(request, "inbound/front.html", whole, status=status)


async def desks(request: Request) -> Response:
    """Where a front desk can be set up, and the existing ones. With `home`, those of one home."""
    return await _desks_page(request)


async def _desks_page(request: Request, fault: Refused | None = None) -> Response:
    visitor, now = await staff_of(request), now_of(request)
    homes = await cards.homes_of(visitor.person_id, now)
    here = await _named_home(request, visitor)
    seen = [here] if here is not None else homes
    open_ = await cards.desks_of([home.id for home in seen], now)
    left = await left_devices.left_of(open_, now)
    openers = Person.filter(id__in=[desk.opened_by for desk in open_]).only("id", "name")
    people = {person.id: person.name for person in await openers}
    names = {home.id: home.name for home in seen}
    may_set_up = here is None or here in homes or visitor.role in cards.MAY_SET_UP
    context = {
        "here": here,
        "may_set_up": may_set_up,
        "is_of_agency": visitor.role in cards.MAY_MANAGE,
        "homes": [(str(home.id), home.name) for home in seen],
        "desks": [
            (desk, names[desk.home_id], people.get(desk.opened_by, ""), desk.id in left)
            for desk in open_
        ],
        "may_keep": visitor.role in cards.MAY_SET_UP,
        "error": form_fault(fault, language_of(request)) if fault is not None else None,
        "now": now,
    }
    return page(
        request, "inbound/desks.html", context, status=fault.status if fault is not None else 200
    )


async def _named_home(request: Request, visitor: Visitor) -> Home | None:
    """The home that the address names. Raises NotFound."""
    named = request.query_params.get("home")
    if not named:
        return None
    try:
        home_id = UUID(named)
    except ValueError:
        raise nothing_here() from None
    return await cards.home_for(visitor, home_id, now_of(request), of_agency=cards.MAY_MANAGE)


async def open_front(request: Request) -> Response:
    """This device becomes a front desk. Anyone signed in here is signed out, since children use
    it."""
    visitor, now, form = await staff_of(request), now_of(request), await form_body(request)
    try:
        home_id = UUID(entered(form, "home_id"))
    except ValueError:
        fault = Refused(N_("Choose one from the list."), field="home_id")
        return await _desks_page(request, fault)
    token, desk = await cards.open_desk(visitor, home_id, now)
    await sign_out(visitor, visitor.session_id, now)
    answer = RedirectResponse("/front", status_code=303)
    drop_cookie(request, answer)
    answer.set_cookie(
        cookie_name(request),
        token,
        max_age=int((desk.expires_at - now).total_seconds()),
        path="/front",
        secure=request.app.state.settings.is_https,
        httponly=True,
        samesite="lax",
    )
    return answer


async def end_front(request: Request) -> Response:
    """The device stops being a front desk."""
    visitor = await staff_of(request)
    await cards.end_desk(visitor, request.path_params["front_desk_id"], now_of(request))
    return await _back_to_desks(request, visitor)


async def keep_front(request: Request) -> Response:
    """A supervisor says that a device is in the home, although who set it up has left."""
    visitor = await staff_of(request)
    await left_devices.keep(visitor, request.path_params["front_desk_id"], now_of(request))
    return await _back_to_desks(request, visitor)


async def _back_to_desks(request: Request, visitor: Visitor) -> Response:
    here = await _named_home(request, visitor)
    query = f"?home={here.id}" if here is not None else ""
    return RedirectResponse(f"/desk/front{query}", status_code=303)


routes = [
    Route("/c/{token}", show, methods=["GET"]),
    Route("/c/{token}", tap, methods=["POST"]),
    Route("/front", front, methods=["GET"]),
    Route("/front", at_front, methods=["POST"]),
    Route("/desk/front", desks, methods=["GET"]),
    Route("/desk/front", open_front, methods=["POST"]),
    Route("/desk/front/{front_desk_id:uuid}/end", end_front, methods=["POST"]),
    Route("/desk/front/{front_desk_id:uuid}/keep", keep_front, methods=["POST"]),
]
