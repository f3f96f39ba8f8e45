"""The people of an agency, the ties of a child, and the reader's own settings."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.clock import as_utc
from server.errors import Denied, NotFound, Refused
from server.i18n import N_, gettext
from server.people import ties as verbs
from server.people.access import (
    child_for_ties,
    now_of,
    staff_of,
    visitor_of,
)
from server.people.models import Child, Person, Tie
from server.people.rules import Action, Role
from server.people.words import ROLES, entered, form_fault, name_and_role, words_for
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body, form_day

TIE_ROLES = [Role.CASEWORKER, Role.SUPERVISOR, Role.GUARDIAN, Role.CARER]


async def ties(request: Request) -> Response:
    """Who has a tie to a child, and since when."""
    child = await _desk_child(request, Action.TIES_SEE)
    return await _ties_page(request, child)


async def add_tie(request: Request) -> Response:
    """Add a tie."""
    child = await _desk_child(request, Action.TIES_CHANGE)
    form = await form_body(request)
    typed = {key: entered(form, key) for key in ("person_id", "role", "until")}
    try:
        tie = verbs.AddTie(
            person_id=_chosen(typed["person_id"]),
            role=_tie_role(typed["role"]),
            until_at=_until(request, typed["until"]),
        )
        await verbs.add_tie(await visitor_of(request), child, tie, now_of(request))
    except Refused as fault:
        return await _ties_page(request, child, typed, fault)
    return _to(f"/desk/children/{child.id}/ties")


async def end_tie(request: Request) -> Response:
    """A tie ends now."""
    child = await _desk_child(request, Action.TIES_CHANGE)
    visitor = await visitor_of(request)
    try:
        await verbs.end_tie(visitor, child, request.path_params["tie_id"], now_of(request))
    except Refused as fault:
        return await _ties_page(request, child, {}, fault)
    return _to(f"/desk/children/{child.id}/ties")


async def _desk_child(request: Request, action: Action) -> Child:
    await staff_of(request)
    return await child_for_ties(request, request.path_params["child_id"], action)


async def _ties_page(
    request: Request,
    child: Child,
    typed: dict[str, str] | None = None,
    fault: Refused | None = None,
) -> Response:
    language, now = language_of(request), now_of(request)
    held = await Tie.filter(child_id=child.id).order_by("from_at", "id")
    adults = _by_name(
        await Person.filter(agency_id=child.agency_id, disabled_at__isnull=True).exclude(
            role__in=[Role.CHILD, Role.ADMINISTRATOR, Role.ADVOCATE]
        )
    )
    names = {p.id: p.name for p in await Person.filter(id__in=[tie.person_id for tie in held])}
    context: dict[str, Any] = {
        "child": await Person.get(id=child.id),
        "live": [tie for tie in held if tie.until_at is None or tie.until_at > now],
        "gone": [tie for tie in held if tie.until_at is not None and tie.until_at <= now],
        "names": names,
        "role_words": {role.value: gettext(language, words) for role, words in ROLES.items()},
        "people": [(p.id, name_and_role(p, language)) for p in adults],
        "roles": words_for(TIE_ROLES, language),
        "may_change": await _may_change_ties(request, child),
        "given": typed or {},
        "error": form_fault(fault, language) if fault else None,
        "now": now,
    }
    return page(request, "people/ties.html", context, status=422 if fault else 200)


async def _may_change_ties(request: Request, child: Child) -> bool:
    try:
        await child_for_ties(request, child.id, Action.TIES_CHANGE)
    except (Denied, NotFound):
        return False
    return True


def _chosen(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Refused(N_("Choose a person from the list."), field="person_id") from None


def _tie_role(value: str) -> Role:
    if value not in TIE_ROLES:
        raise Refused(N_("Choose this person's role for the child."), field="role")
    return Role(value)


def _until(request: Request, value: str) -> datetime | None:
    """The end of the chosen day on the reader's clock."""
    if not value:
        return None
    return as_utc(form_day(value, "until") + timedelta(days=1), time(0), zone_of(request))


def _by_name(people: Iterable[Person]) -> list[Person]:
    # Names are sealed: only this process can sort them.
    return sorted(people, key=lambda person: person.name.casefold())


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(f"{_CHILD}/ties", ties, methods=["GET"]),
    Route(f"{_CHILD}/ties", add_tie, methods=["POST"]),
    Route(f"{_CHILD}/ties/{{tie_id:uuid}}/end", end_tie, methods=["POST"]),
]
