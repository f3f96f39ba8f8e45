"""Desk pages on how we reach the signed-in adult: codes, order, quiet hours. And the link beside
a code, which opens without signing in: only the address's reader has it."""

from datetime import time

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import NotFound, Refused, TooMany
from server.i18n import N_, supported_language
from server.notify.address_verification import prove, prove_by_link, read_link, send_code
from server.notify.models import Address
from server.notify.preferences import set_order, set_quiet
from server.people.access import now_of, staff_of
from server.people.models import Agency, Person
from server.people.settings_pages import settings_page
from server.people.words import entered
from server.web.rendering import page
from server.web.requests import form_body


async def enter_code(request: Request) -> Response:
    """Enter the code that arrived at an address."""
    visitor, address_id = await staff_of(request), request.path_params["address_id"]
    code = entered(await form_body(request), "code")
    try:
        await prove(visitor, visitor.person_id, address_id, code, now_of(request))
    except Refused as fault:
        typed = {"code_of": str(address_id)}
        return await settings_page(request, visitor, typed=typed, fault=fault)
    return _to("/desk/settings?saved=proven")


async def another_code(request: Request) -> Response:
    """Send another code."""
    visitor, address_id = await staff_of(request), request.path_params["address_id"]
    try:
        is_sent = await send_code(visitor, visitor.person_id, address_id, now_of(request))
    except TooMany as fault:
        return await settings_page(request, visitor, fault=fault)
    return _to(f"/desk/settings?saved={'code' if is_sent else 'known'}#address-{address_id}")


async def change_order(request: Request) -> Response:
    """Change the order of channels."""
    visitor = await staff_of(request)
    order = entered(await form_body(request), "order").split()
    try:
        await set_order(visitor, visitor.person_id, order, now_of(request))
    except Refused as fault:
        return await settings_page(request, visitor, fault=fault)
    return _to("/desk/settings?saved=order")


async def change_quiet(request: Request) -> Response:
    """Change the quiet hours."""
    visitor, form = await staff_of(request), await form_body(request)
    typed = {key: entered(form, key) for key in ("quiet_from", "quiet_until")}
    try:
        begin, end = _time(typed["quiet_from"]), _time(typed["quiet_until"])
        await set_quiet(visitor, visitor.person_id, begin, end, now_of(request))
    except Refused as fault:
        return await settings_page(request, visitor, typed=typed, fault=fault)
    return _to("/desk/settings?saved=quiet")


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0) if text else None
    except ValueError:
        raise Refused(N_("Enter a time such as 22:00."), field="quiet_from") from None


async def show(request: Request) -> Response:
    """A link scanner that opens the page before a person must not confirm anything: a button
    does."""
    try:
        address = await read_link(request.path_params["proof"], now_of(request))
    except NotFound:
        return _link_page(request, {"state": "over"}, status=404)
    state = "done" if address.has_answered else "ask"
    return await _of(request, address, state)


async def confirm(request: Request) -> Response:
    """It has arrived. A second tap changes nothing."""
    try:
        address = await prove_by_link(request.path_params["proof"], now_of(request))
    except NotFound:
        return _link_page(request, {"state": "over"}, status=404)
    return await _of(request, address, "done")


async def _of(request: Request, address: Address, state: str) -> Response:
    """In the language of its person; an agency's own last resort has the agency's."""
    agency_id, language = address.agency_id, ""
    if address.person_id is not None:
        person = await Person.get(id=address.person_id)
        agency_id, language = person.agency_id, person.language
    agency = await Agency.get(id=agency_id)
    name = {"display_name": agency.display_name} if agency.display_name else {}
    spoken = supported_language(language or agency.language)
    return _link_page(request, {"state": state, "language": spoken, **name})


def _link_page(request: Request, context: dict[str, str], *, status: int = 200) -> Response:
    usual = {"display_name": request.app.state.settings.display_name}
    return page(request, "people/reach.html", {**usual, **context}, status=status)


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)


_ADDRESS = "/desk/settings/addresses/{address_id:uuid}"

routes = [
    Route(f"{_ADDRESS}/code", enter_code, methods=["POST"]),
    Route(f"{_ADDRESS}/again", another_code, methods=["POST"]),
    Route("/desk/settings/order", change_order, methods=["POST"]),
    Route("/desk/settings/quiet", change_quiet, methods=["POST"]),
    Route("/reach/{proof}", show, methods=["GET"]),
    Route("/reach/{proof}", confirm, methods=["POST"]),
]
