"""One adult of the agency, for readers who arrange accounts."""

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused
from server.i18n import N_
from server.people.access import Visitor, agency_for, nothing_here, now_of
from server.people.agencies import actions as agency
from server.people.models import Person
from server.people.rules import PROFESSIONAL, STAFF, AgencyAction, Role
from server.people.words import entered, form_fault, words_for
from server.web.rendering import language_of, page
from server.web.requests import form_body

ADULT_ROLES = [role for role in Role if role in STAFF]
_FIELDS = ("name", "role", "phone", "language", "zone", "deputy_id")


async def show(request: Request) -> Response:
    """The person's details, to be changed on this page."""
    visitor, person = await _person(request)
    return await _page(request, visitor, person)


async def change(request: Request) -> Response:
    """Another name, role, language, zone or deputy."""
    visitor, person = await _person(request)
    form = await form_body(request)
    typed = {name: entered(form, name) for name in _FIELDS}
    try:
        change = agency.ChangePerson(
            name=typed["name"],
            role=_role(typed["role"]),
            language=typed["language"],
            zone=typed["zone"],
            deputy_id=_deputy(typed["deputy_id"]),
            phone=typed["phone"],
        )
        await agency.change_person(visitor, person.agency_id, person.id, change, now_of(request))
    except Refused as fault:
        if fault.field == "person_id":
            fault.field = "deputy_id"
        return await _page(request, visitor, person, typed, fault)
    return RedirectResponse("/desk/people?done=person", status_code=303)


async def _person(request: Request) -> tuple[Visitor, Person]:
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    person = await Person.get_or_none(
        id=request.path_params["person_id"],
        agency_id=visitor.agency_id,
        role__in=list(STAFF),
        disabled_at__isnull=True,
    )
    if person is None:
        raise nothing_here()
    return visitor, person


def _role(value: str) -> Role:
    if value not in ADULT_ROLES:
        raise Refused(N_("Choose a role for this person."), field="role")
    return Role(value)


def _deputy(value: str) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        raise Refused(N_("Choose a person from the list."), field="deputy_id") from None


async def _page(
    request: Request,
    visitor: Visitor,
    person: Person,
    typed: dict[str, str] | None = None,
    fault: Refused | None = None,
) -> Response:
    language = language_of(request)
    others = Person.filter(
        agency_id=person.agency_id, role__in=list(STAFF), disabled_at__isnull=True
    )
    given = {name: str(getattr(person, name) or "") for name in _FIELDS}
    context: dict[str, Any] = {
        "person": person,
        "given": typed or given | {"role": person.role.value},
        "roles": words_for(ADULT_ROLES, language),
        "people": sorted(
            ((other.id, other.name) for other in await others if other.id != person.id),
            key=lambda pair: pair[1].casefold(),
        ),
        "may_be_away": person.role in PROFESSIONAL,
        "is_me": person.id == visitor.person_id,
        "error": form_fault(fault, language) if fault is not None else None,
    }
    return page(request, "people/person.html", context, status=422 if fault else 200)


_PATH = "/desk/people/{person_id:uuid}"

routes = [
    Route(_PATH, show, methods=["GET"]),
    Route(_PATH, change, methods=["POST"]),
]
