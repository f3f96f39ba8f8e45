"""The page on which a person who leaves hands over everything in one step."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused
from server.i18n import N_, format_list, gettext
from server.people.access import Visitor, agency_for, nothing_here, now_of
from server.people.models import Person
from server.people.offboarding import Takers
from server.people.rules import AgencyAction, Role
from server.people.words import ROLES, entered, form_fault, name_and_role
from server.plan.offboarding import actions as offboarding
from server.plan.offboarding.actions import Holdings
from server.web.rendering import language_of, page
from server.web.requests import form_body

# With more children than that, one person takes over for all: nobody fills in such a form.
MOST_SINGLE = 100


async def show(request: Request) -> Response:
    """What there is to hand over, and the possible successors."""
    _, person = await _leaver(request)
    return await _page(request, person)


async def leave(request: Request) -> Response:
    """Hand over all of it; the person cannot sign in again."""
    visitor, person = await _leaver(request)
    assert visitor.agency_id is not None
    form = await form_body(request)
    try:
        if person.id == visitor.person_id:
            raise Refused(N_("You cannot remove your own access. Another administrator can."))
        takers = await _takers(person, form, now_of(request))
        await offboarding.leave(visitor, visitor.agency_id, person.id, takers, now_of(request))
    except Refused as fault:
        return await _page(request, person, form, fault)
    return RedirectResponse("/desk/people?done=left", status_code=303)


async def _leaver(request: Request) -> tuple[Visitor, Person]:
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    person = await Person.get_or_none(
        id=request.path_params["person_id"], agency_id=visitor.agency_id
    )
    if person is None or person.role == Role.CHILD:
        raise nothing_here()
    return visitor, person


async def _takers(person: Person, form: FormData, now: datetime) -> Takers:
    held = await offboarding.holdings(person, now)
    everything = _chosen(entered(form, "everything"), "everything")
    if everything is None and (held.deputy_of or held.duties):
        raise Refused(N_("Choose who takes over."), field="everything")
    of = {id_: _chosen(entered(form, f"of.{id_}"), str(id_)) for id_ in held.children}
    return Takers(everything, {id_: who for id_, who in of.items() if who is not None})


def _chosen(value: str, field: str) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        raise Refused(N_("Choose a person from the list."), field=field) from None


async def _page(
    request: Request, person: Person, form: FormData | None = None, fault: Refused | None = None
) -> Response:
    language, now = language_of(request), now_of(request)
    if person.disabled_at is not None:
        raise nothing_here()
    held = await offboarding.holdings(person, now)
    ids = {*held.children, *held.steps, *held.deputy_of}
    names = {row.id: row.name for row in await Person.filter(id__in=list(ids))}
    context: dict[str, Any] = {
        "person": person,
        "held": held,
        "children": _children(held, names, language),
        "deputy_of": sorted(names[id_] for id_ in held.deputy_of),
        "people": await _people(person, language),
        "with_single": len(held.children) <= MOST_SINGLE,
        "given": {key: str(value) for key, value in form.items()} if form is not None else {},
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now,
    }
    return page(request, "plan/leaving.html", context, status=422 if fault else 200)


def _children(
    held: Holdings, names: dict[UUID, str], language: str
) -> Sequence[tuple[UUID, str, str, int]]:
    """Of each child their id, their name, the leaver's roles, and how many steps are the
    leaver's."""
    rows = []
    for id_ in {*held.children, *held.steps}:
        roles = dict.fromkeys(gettext(language, ROLES[role]) for role in held.children.get(id_, ()))
        rows.append((id_, names[id_], format_list(language, [*roles]), held.steps.get(id_, 0)))
    return sorted(rows, key=lambda row: row[1].casefold())


async def _people(person: Person, language: str) -> list[tuple[UUID, str]]:
    adults = Person.filter(agency_id=person.agency_id, disabled_at__isnull=True)
    others = await adults.exclude(role__in=[Role.CHILD, Role.ADMINISTRATOR]).exclude(id=person.id)
    return [
        (colleague.id, name_and_role(colleague, language))
        for colleague in sorted(others, key=lambda colleague: colleague.name.casefold())
    ]


_PATH = "/desk/people/{person_id:uuid}/leaving"

routes = [
    Route(_PATH, show, methods=["GET"]),
    Route(_PATH, leave, methods=["POST"]),
]
