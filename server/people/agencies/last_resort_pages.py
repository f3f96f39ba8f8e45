"""The agency's own last resort: who we call when nobody else can be. Administrators set it,
supervisors read it."""

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused, TooMany, WaymarkError
from server.notify.address_verification import codes_of
from server.notify.channels.configured import (
    can_call_last_resort,
    lacks_last_resort,
    typed_channels,
)
from server.notify.contact_routes import HAS_A_WAY
from server.notify.last_resort import actions as addresses
from server.notify.last_resort.reading import given_up, has_proven, own_addresses
from server.notify.wording import channel_title
from server.people.access import Visitor, agency_for, now_of, staff_of
from server.people.models import Person
from server.people.rules import AgencyAction, Role, may_agency
from server.people.settings_pages import channel_of, check_address
from server.people.words import entered, form_fault
from server.storage.db import among, as_id, fetch
from server.web.rendering import language_of, page
from server.web.requests import form_body

PATH = "/desk/people/last-resort"


async def show(request: Request) -> Response:
    """Who we call, and for those who may: a form."""
    return await _page(request, await agency_for(request, AgencyAction.LAST_RESORT_SEE))


async def add(request: Request) -> Response:
    """Add an address, and send a code there."""
    visitor = await agency_for(request, AgencyAction.LAST_RESORT_CHANGE)
    form = await form_body(request)
    typed = {"channel": channel_of(request, form), "address": entered(form, "address")}
    try:
        check_address(request, typed["channel"], typed["address"])
        address = await addresses.enter(
            visitor, typed["channel"], typed["address"], now_of(request)
        )
    except (Refused, TooMany) as fault:
        return await _page(request, visitor, typed, fault)
    return _to("known" if address.has_answered else "code", f"#address-{address.id}")


async def confirm(request: Request) -> Response:
    """Enter the code that arrived there."""
    visitor = await agency_for(request, AgencyAction.LAST_RESORT_CHANGE)
    address_id, code = request.path_params["resort_id"], entered(await form_body(request), "code")
    try:
        await addresses.prove(visitor, address_id, code, now_of(request))
    except Refused as fault:
        typed = {"code_of": str(address_id), "code": code}
        return await _page(request, visitor, typed, fault)
    return _to("proven")


async def another_code(request: Request) -> Response:
    """Send another code."""
    visitor = await agency_for(request, AgencyAction.LAST_RESORT_CHANGE)
    address_id = request.path_params["resort_id"]
    try:
        is_sent = await addresses.send_code(visitor, address_id, now_of(request))
    except TooMany as fault:
        return await _page(request, visitor, {}, fault)
    return _to("code" if is_sent else "known", f"#address-{address_id}")


async def drop(request: Request) -> Response:
    """Remove an address."""
    visitor = await agency_for(request, AgencyAction.LAST_RESORT_CHANGE)
    await addresses.drop(visitor, request.path_params["resort_id"], now_of(request))
    return _to("removed")


# People of these roles are called about children, or asked about them.
_CALLED = frozenset({Role.CASEWORKER, Role.SUPERVISOR})
_ASKED = _CALLED | {Role.CARER}
MOST_SHOWN = 100
_UNREACHED = f"""
FROM person p WHERE p.agency_id = $1 AND p.disabled_at IS NULL
AND p.role IN ({", ".join(f"'{role.value}'" for role in sorted(_CALLED))}) AND NOT {HAS_A_WAY}
"""


async def out_of_reach(request: Request) -> dict[str, Any]:
    """What keeps calls from arriving, before there is one: that we cannot reach the reader; and for
    those who can see to it how many people who should get alerts we cannot reach, and that there is
    no last resort, neither the agency's own nor the installation's."""
    visitor = await staff_of(request)
    role, agency_id = Role(visitor.role), visitor.agency_id
    is_unreached = role in _ASKED and not await _has_way(request, visitor.person_id)
    context = {"is_unreached": is_unreached, "unreached": 0, "lacks_last_resort": False}
    if agency_id is None or not may_agency(role, AgencyAction.LAST_RESORT_SEE):
        return context
    sql = f"SELECT COUNT(*) AS n {_UNREACHED.format(any=among('$2'))}"
    [row] = await fetch(sql, [agency_id, list(request.app.state.channels)])
    is_lacking = lacks_last_resort(request.app.state.settings) and not await has_proven(agency_id)
    return {**context, "unreached": row["n"], "lacks_last_resort": is_lacking}


async def _has_way(request: Request, person_id: UUID) -> bool:
    sql = f"SELECT 1 FROM person p WHERE p.id = $1 AND {HAS_A_WAY.format(any=among('$2'))}"  # noqa: S608
    return bool(await fetch(sql, [person_id, list(request.app.state.channels)]))


async def _names_unreached(request: Request, agency_id: UUID) -> list[str]:
    sql = f"SELECT p.id {_UNREACHED.format(any=among('$2'))} ORDER BY p.id LIMIT {MOST_SHOWN}"
    rows = await fetch(sql, [agency_id, list(request.app.state.channels)])
    people = await Person.filter(id__in=[as_id(row["id"]) for row in rows])
    return sorted((person.name for person in people), key=str.casefold)


async def _page(
    request: Request,
    visitor: Visitor,
    typed: dict[str, str] | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    assert visitor.agency_id is not None
    settings, language = request.app.state.settings, language_of(request)
    channels = typed_channels(settings)
    own = await own_addresses(visitor.agency_id)
    context: dict[str, Any] = {
        "addresses": own,
        "codes": await codes_of(own),
        "counts": any(address.verified_at is not None for address in own),
        "unreached": await _names_unreached(request, visitor.agency_id),
        "given_up": await given_up(visitor.agency_id),
        "has_common": can_call_last_resort(settings),
        "channels": [(name, channel_title(name, language)) for name in channels],
        "words": {name: channel_title(name, language) for name in channels},
        "may_change": may_agency(Role(visitor.role), AgencyAction.LAST_RESORT_CHANGE),
        "given": {
            "channel": "".join(channels[:1]),
            "address": "",
            "code_of": "",
            "code": "",
            **(typed or {}),
        },
        "saved": request.query_params.get("saved", ""),
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    status = fault.status if fault is not None else 200
    return page(request, "people/last_resort.html", context, status=status)


def _to(saved: str, place: str = "") -> RedirectResponse:
    return RedirectResponse(f"{PATH}?saved={saved}{place}", status_code=303)


_ADDRESS = f"{PATH}/{{resort_id:uuid}}"

routes = [
    Route(PATH, show, methods=["GET"]),
    Route(PATH, add, methods=["POST"]),
    Route(f"{_ADDRESS}/code", confirm, methods=["POST"]),
    Route(f"{_ADDRESS}/again", another_code, methods=["POST"]),
    Route(f"{_ADDRESS}/drop", drop, methods=["POST"]),
]
