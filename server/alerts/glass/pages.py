"""The desk's way to a child in an emergency, and the page for those who answer for the child."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts.glass import actions
from server.alerts.glass.asking import Typed, ask
from server.alerts.glass.models import Glass
from server.alerts.glass.reading import looks_by, of_person
from server.audit.models import Entry
from server.auth.second_factor.reauthentication import fresh
from server.errors import WaymarkError
from server.i18n import N_, gettext
from server.people.access import Visitor, agency_for, child_for, nothing_here, now_of, staff_of
from server.people.desk_forms import day_of, id_or_new
from server.people.looks.log import CHANGED, desk_words_of
from server.people.models import Person
from server.people.rules import Action, AgencyAction, Role, may
from server.people.words import ROLES, entered, form_fault
from server.web.rendering import language_of, page
from server.web.requests import form_body
from server.web.responses import page_again

# What a person did while the glass was broken, by the beginning of the code in the record.
DEEDS: Mapping[str, str] = {
    "alert:acknowledge": N_("Took the alert"),
    "sighting:not_seen": N_("Noted: “Could not find”"),
    "sighting:seen": N_("Noted: “Seen”"),
    "episode:": N_("Worked on the search"),
}


async def show(request: Request) -> Response:
    """Before it: one form. It says first what follows."""
    return await _page(request, await _visitor(request))


async def _visitor(request: Request) -> Visitor:
    """A visitor who may, and has proved who they are: a desk stands open in an office."""
    visitor = await agency_for(request, AgencyAction.GLASS_BREAK)
    await fresh(request, back="/desk/glass")
    return visitor


async def break_(request: Request) -> Response:
    """Open it."""
    visitor = await _visitor(request)
    form = await form_body(request)
    given = {name: entered(form, name) for name in ("id", "name", "reason", "birthday")}
    try:
        typed = Typed(
            id=id_or_new(form),
            name_or_reference=given["name"],
            reason=given["reason"],
            birthday=day_of(given["birthday"], "birthday", earliest=1990),
        )
        opened = await ask(request, visitor, typed)
    except WaymarkError as fault:
        return await _page(request, visitor, given, fault)
    path = f"/desk/children/{opened.child_id}"
    where = path if opened.until is None else f"{path}/emergency"
    return RedirectResponse(where, status_code=303)


async def _page(
    request: Request,
    visitor: Visitor,
    given: Mapping[str, str] | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    assert visitor.agency_id is not None
    opened = await of_person(visitor.person_id, visitor.agency_id, now_of(request))
    names = await _names([glass.child_id for glass in opened])
    context = {
        "given": given or {"id": str(uuid4()), "name": "", "reason": "", "birthday": ""},
        "error": form_fault(fault, language_of(request)) if fault is not None else None,
        "opened": [(glass, names[glass.child_id]) for glass in opened],
        "now": now_of(request),
    }
    return page_again(request, "alerts/glass/form.html", context, fault)


async def _names(ids: list[UUID]) -> dict[UUID, str]:
    return {person.id: person.name for person in await Person.filter(id__in=ids)}


# --- for those who answer for the child


async def told(request: Request) -> Response:
    """Who opened it, when and why, and what they looked at and did."""
    glass = await _of_path(request)
    _, roles = await child_for(request, glass.child_id, Action.LOOKS_SEE)
    language, now = language_of(request), now_of(request)
    people = [glass.person_id, glass.child_id]
    names = await _names(people + ([glass.ended_by] if glass.ended_by else []))
    who = await Person.get(id=glass.person_id)
    context: dict[str, Any] = {
        "glass": glass,
        "names": names,
        "role": gettext(language, ROLES[Role(who.role)]),
        "lines": [(entry.at, _in_words(entry, language)) for entry in await looks_by(glass)],
        "is_open": glass.ended_at is None and glass.until_at > now,
        "may_end": may(roles, Action.GLASS_END),
        "now": now,
    }
    return page(request, "alerts/glass/told.html", context)


def _in_words(entry: Entry, language: str) -> str:
    if entry.what.startswith("look:"):
        return gettext(language, desk_words_of(entry.what))
    words = (deed for code, deed in DEEDS.items() if entry.what.startswith(code))
    return gettext(language, next(words, CHANGED))


async def end(request: Request) -> Response:
    """End it at once: a supervisor of the child, or the person who opened it."""
    glass, visitor = await _of_path(request), await staff_of(request)
    is_own = glass.person_id == visitor.person_id
    if not is_own:
        await child_for(request, glass.child_id, Action.GLASS_END)
    await actions.end_glass(visitor, glass.id, now_of(request))
    where = "/desk/glass" if is_own else f"/desk/glass/{glass.id}"
    return RedirectResponse(where, status_code=303)


async def _of_path(request: Request) -> Glass:
    visitor, glass_id = await staff_of(request), request.path_params["glass_id"]
    glass = await Glass.get_or_none(id=glass_id, agency_id=visitor.agency_id)
    if glass is None:
        raise nothing_here()
    return glass


_GLASS = "/desk/glass/{glass_id:uuid}"

routes = [
    Route("/desk/glass", show, methods=["GET"]),
    Route("/desk/glass", break_, methods=["POST"]),
    Route(_GLASS, told, methods=["GET"]),
    Route(f"{_GLASS}/end", end, methods=["POST"]),
]
