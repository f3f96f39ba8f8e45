"""The clocks of a search at the desk: readers of the policy see them, a supervisor sets them."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import WaymarkError
from server.i18n import N_, format_span, gettext
from server.missing.search.clocks import settings, terms
from server.missing.search.clocks.actions import clocks_of
from server.missing.search.clocks.terms import Number, Unit
from server.missing.search.models import ClocksVersion
from server.people.access import agency_for, now_of
from server.people.models import Person
from server.people.rules import AgencyAction, Role, may_agency
from server.people.words import entered, form_fault
from server.phone_numbers import LONGEST
from server.web.rendering import language_of, page
from server.web.requests import form_body, form_count

PATH = "/desk/policies/search"
UNITS: Mapping[Unit, str] = {
    Unit.MINUTES: N_("minutes"),
    Unit.HOURS: N_("hours"),
    Unit.DAYS: N_("days"),
}


async def show(request: Request) -> Response:
    """The current numbers, and who set them and why."""
    await agency_for(request, AgencyAction.POLICY_SEE)
    return await _page(request)


async def save(request: Request) -> Response:
    """Save other numbers, for searches that begin from now on."""
    visitor = await agency_for(request, AgencyAction.POLICY_CHANGE)
    form = await form_body(request)
    given = {name: entered(form, name) for name in terms.NAMES if name in form}
    base, why = entered(form, "base"), entered(form, "why")
    assert visitor.agency_id is not None
    try:
        version = form_count(base)
        await settings.set_clocks(visitor, visitor.agency_id, version, given, why, now_of(request))
    except WaymarkError as fault:
        return await _page(request, given | {"why": why}, fault)
    return RedirectResponse(f"{PATH}?saved=1", status_code=303)


async def _page(
    request: Request, given: Mapping[str, str] | None = None, fault: WaymarkError | None = None
) -> Response:
    visitor, language = await agency_for(request, AgencyAction.POLICY_SEE), language_of(request)
    assert visitor.agency_id is not None
    clocks, version = await clocks_of(visitor.agency_id)
    values: dict[str, Any] = {**terms.shown(clocks), "why": "", **(given or {})}
    last = await ClocksVersion.filter(agency_id=visitor.agency_id).order_by("-version").first()
    by = await Person.get_or_none(id=last.made_by) if last is not None and last.made_by else None
    groups = [
        *((words, terms.OF_A_TIER[tier]) for tier, words in terms.TIERS.items()),
        (N_("During the search"), terms.SEARCH),
        (N_("After the return"), terms.RETURN),
    ]
    context = {
        "groups": [
            (gettext(language, title), [_number(number, values, language) for number in numbers])
            for title, numbers in groups
        ],
        "lines": [(name, gettext(language, label)) for name, label in terms.LINES.items()],
        "longest_line": LONGEST,
        "given": values,
        "version": version,
        "last": last,
        "by": by.name if by is not None else "",
        "may_set": may_agency(Role(visitor.role), AgencyAction.POLICY_CHANGE),
        "saved": "saved" in request.query_params,
        "fields": [*terms.NAMES, "why"],
        "error": form_fault(fault, language) if fault is not None else None,
        "path": PATH,
        "now": now_of(request),
    }
    return page(
        request, "missing/search/clocks.html", context, status=fault.status if fault else 200
    )


def _number(number: Number, values: Mapping[str, Any], language: str) -> dict[str, Any]:
    value = str(values.get(number.name, ""))
    lasts = number.unit.duration * int(value) if value.isdecimal() and len(value) < 6 else None
    is_many = lasts is not None and lasts >= 60 * number.unit.duration
    return {
        "name": number.name,
        "label": gettext(language, number.label),
        "unit": gettext(language, UNITS[number.unit]),
        "most": int(number.most / number.unit.duration),
        # Nobody reads 1440 minutes as a day.
        "span": format_span(language, lasts) if lasts and is_many else "",
    }


routes = [
    Route(PATH, show, methods=["GET"]),
    Route(PATH, save, methods=["POST"]),
]
