"""The agency's definitions at the desk: readers of the policy see them, a supervisor sets them."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import WaymarkError
from server.i18n import NAMES, gettext
from server.missing.search.definitions import rules
from server.missing.search.definitions.actions import latest, of, set_definitions
from server.missing.search.definitions.reading import TITLES
from server.missing.search.definitions.rules import Definitions, Term
from server.people.access import agency_for, now_of
from server.people.models import Person
from server.people.rules import AgencyAction, Role, may_agency
from server.people.words import entered, form_fault
from server.web.rendering import language_of, page
from server.web.requests import form_body, form_count

PATH = "/desk/policies/definitions"


async def show(request: Request) -> Response:
    """The current definitions, and who set them."""
    await agency_for(request, AgencyAction.POLICY_SEE)
    return await _page(request)


async def save(request: Request) -> Response:
    """Set them from now on."""
    visitor = await agency_for(request, AgencyAction.POLICY_CHANGE)
    form = await form_body(request)
    typed = {name: entered(form, name) for name in rules.names()}
    assert visitor.agency_id is not None
    try:
        base = form_count(entered(form, "base"))
        await set_definitions(visitor, visitor.agency_id, base, typed, now_of(request))
    except WaymarkError as fault:
        return await _page(request, typed, fault)
    return RedirectResponse(f"{PATH}?saved=1", status_code=303)


async def _page(
    request: Request, typed: Mapping[str, str] | None = None, fault: WaymarkError | None = None
) -> Response:
    visitor, language = await agency_for(request, AgencyAction.POLICY_SEE), language_of(request)
    assert visitor.agency_id is not None
    row = await latest(visitor.agency_id)
    by = await Person.get_or_none(id=row.made_by) if row is not None and row.made_by else None
    context: dict[str, Any] = {
        "terms": [(term.value, gettext(language, TITLES[term])) for term in Term],
        "languages": [*NAMES.items()],
        "given": _typed(of(row)) | dict(typed or {}),
        "version": row.version if row is not None else 0,
        "last": row,
        "by": by.name if by is not None else "",
        "longest": rules.LONGEST,
        "most": rules.MOST_HOURS,
        "may_set": may_agency(Role(visitor.role), AgencyAction.POLICY_CHANGE),
        "saved": "saved" in request.query_params,
        "fields": rules.names(),
        "error": form_fault(fault, language) if fault is not None else None,
        "path": PATH,
        "now": now_of(request),
    }
    status = fault.status if fault else 200
    return page(request, "missing/search/definitions.html", context, status=status)


def _typed(definitions: Definitions) -> dict[str, str]:
    typed = {}
    for term, definition in definitions.items():
        typed[f"{term}.hours"] = "" if definition.hours is None else str(definition.hours)
        typed |= {f"{term}.{code}": definition.words.get(code, "") for code in NAMES}
    return typed


routes = [
    Route(PATH, show, methods=["GET"]),
    Route(PATH, save, methods=["POST"]),
]
