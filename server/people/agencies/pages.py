"""The agency itself and its homes, for its administrators."""

from collections import Counter
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused
from server.i18n import N_
from server.people.access import Visitor, agency_for, now_of
from server.people.agencies import actions as agency
from server.people.models import Agency, Child, Home
from server.people.rules import AgencyAction
from server.people.words import entered, form_fault
from server.storage.ids import uuid7
from server.web.rendering import language_of, page
from server.web.requests import form_body

AGENCY, HOMES = "/desk/people/agency", "/desk/people/homes"
_FIELDS = ("name", "display_name", "language", "zone", "help_phone")


async def show(request: Request) -> Response:
    """The agency's name, and its defaults."""
    return await _agency_page(request, await agency_for(request, AgencyAction.PEOPLE_CHANGE))


async def change(request: Request) -> Response:
    """Save them."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    form = await form_body(request)
    typed = {name: entered(form, name) for name in _FIELDS}
    try:
        change = agency.ChangeAgency(**typed)
        await agency.change_agency(visitor, _agency(visitor), change, now_of(request))
    except Refused as fault:
        return await _agency_page(request, visitor, typed, fault)
    return RedirectResponse(f"{AGENCY}?saved=yes", status_code=303)


async def _agency_page(
    request: Request,
    visitor: Visitor,
    typed: dict[str, str] | None = None,
    fault: Refused | None = None,
) -> Response:
    row = await Agency.get(id=visitor.agency_id)
    context: dict[str, Any] = {
        "given": typed or {name: getattr(row, name) or "" for name in _FIELDS},
        "usual": request.app.state.settings.display_name,
        "saved": "saved" in request.query_params,
        "error": form_fault(fault, language_of(request)) if fault is not None else None,
    }
    return page(request, "people/agency.html", context, status=422 if fault else 200)


# --- homes


async def homes(request: Request) -> Response:
    """Where children live together."""
    return await _homes_page(request, await agency_for(request, AgencyAction.PEOPLE_CHANGE))


async def add_home(request: Request) -> Response:
    """Add a home."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    form = await form_body(request)
    typed = {name: entered(form, name) for name in ("id", "name", "phone", "zone")}
    try:
        await agency.make_home(
            visitor, _agency(visitor), _details(typed), _form_id(typed["id"]), now_of(request)
        )
    except Refused as fault:
        return await _homes_page(request, visitor, typed, fault)
    return RedirectResponse(f"{HOMES}?saved=yes", status_code=303)


def _details(typed: dict[str, str]) -> agency.HomeDetails:
    return agency.HomeDetails(name=typed["name"], zone=typed["zone"], phone=typed["phone"])


def _form_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused(
            N_("Something went wrong with this page. Open it again."), field="id"
        ) from None


async def change_home(request: Request) -> Response:
    """Change a home's name or zone."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    form, home_id = await form_body(request), request.path_params["home_id"]
    typed = {
        "of": str(home_id),
        **{name: entered(form, name) for name in ("name", "phone", "zone")},
    }
    try:
        await agency.change_home(
            visitor, _agency(visitor), home_id, _details(typed), now_of(request)
        )
    except Refused as fault:
        return await _homes_page(request, visitor, typed, fault)
    return RedirectResponse(f"{HOMES}?saved=yes", status_code=303)


async def _homes_page(
    request: Request,
    visitor: Visitor,
    typed: dict[str, str] | None = None,
    fault: Refused | None = None,
) -> Response:
    row = await Agency.get(id=visitor.agency_id)
    all_homes = await Home.filter(agency_id=row.id)
    here = Child.filter(agency_id=row.id, left_at__isnull=True, home_id__isnull=False)
    context: dict[str, Any] = {
        "homes": sorted(all_homes, key=lambda home: home.name.casefold()),
        "children": Counter(child.home_id for child in await here),
        "given": typed or {},
        "id": typed["id"] if typed and typed.get("id") else uuid7(),
        "zone": row.zone,
        "saved": "saved" in request.query_params,
        "error": form_fault(fault, language_of(request)) if fault is not None else None,
    }
    return page(request, "people/homes.html", context, status=422 if fault else 200)


def _agency(visitor: Visitor) -> UUID:
    assert visitor.agency_id is not None
    return visitor.agency_id


routes = [
    Route(AGENCY, show, methods=["GET"]),
    Route(AGENCY, change, methods=["POST"]),
    Route(HOMES, homes, methods=["GET"]),
    Route(HOMES, add_home, methods=["POST"]),
    Route(f"{HOMES}/{{home_id:uuid}}", change_home, methods=["POST"]),
]
