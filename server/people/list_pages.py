"""The people of an agency, to search by name: adults, those who left, children."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.i18n import N_, gettext
from server.notify.contact_routes import without_a_way
from server.people.access import Visitor, agency_for, now_of
from server.people.finding import sealed_query
from server.people.models import Child, Home, Person, Tie
from server.people.rules import STAFF, AgencyAction, Role
from server.people.words import ROLES, entered
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body, part_of

AT_ONCE = 50
_PEOPLE, _CHILDREN = "/desk/people", "/desk/people/children"
_SEALED_FOR, _SEALED_FOR_PEOPLE = "list", "people"
DONE = {
    "left": N_("Their access has ended."),
    "person": N_("Changes saved."),
}

T = TypeVar("T")


class Part(msgspec.Struct, frozen=True):
    """One page of the results. Names are sealed: only this process can search and sort them."""

    rows: Sequence[object]
    count: int
    number: int
    pages: int
    words: str


def _named(request: Request, items: Sequence[T], name_of: Callable[[T], str], query: str) -> Part:
    """The items whose name has every searched word, by name, and one page of them."""
    words = query.casefold().split()
    fits = [item for item in items if all(word in name_of(item).casefold() for word in words)]
    fits.sort(key=lambda item: name_of(item).casefold())
    number, pages = part_of(request, len(fits), AT_ONCE)
    begin = (number - 1) * AT_ONCE
    return Part(fits[begin : begin + AT_ONCE], len(fits), number, pages, query)


async def people(request: Request) -> Response:
    """The adults, for readers who arrange accounts; or those who have left. A name in an address
    looks for nothing, and leaves the address at once."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_SEE)
    is_gone = request.query_params.get("who") == "gone"
    if "q" in request.query_params:
        return _to_people(visitor, "", is_gone=is_gone)
    adults = await Person.filter(
        agency_id=visitor.agency_id, role__in=list(STAFF), disabled_at__isnull=not is_gone
    )
    query = sealed_query.query_of(request, visitor, _SEALED_FOR_PEOPLE)
    part = _named(request, adults, lambda person: person.name, query)
    language = language_of(request)
    code = request.query_params.get("done", "")
    context = {
        "part": part,
        "is_gone": is_gone,
        "sealed": sealed_query.seal(visitor, _SEALED_FOR_PEOPLE, query),
        "unreached": set()
        if is_gone
        else await without_a_way([person.id for person in adults], now_of(request)),
        "role_words": {role.value: gettext(language, words) for role, words in ROLES.items()},
        "done": gettext(language, DONE[code]) if code in DONE else None,
        "now": now_of(request),
    }
    return page(request, "people/people.html", context)


async def ask_for_people(request: Request) -> Response:
    """To the adults with these words in their name."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_SEE)
    form = await form_body(request)
    query = sealed_query.folded(entered(form, "q"))
    return _to_people(visitor, query, is_gone=entered(form, "who") == "gone")


def _to_people(visitor: Visitor, query: str, *, is_gone: bool) -> Response:
    sealed = sealed_query.seal(visitor, _SEALED_FOR_PEOPLE, query)
    parts = [f"s={sealed}"] if sealed else []
    address = "&".join([*parts, *(["who=gone"] if is_gone else [])])
    return RedirectResponse(f"{_PEOPLE}?{address}" if address else _PEOPLE, status_code=303)


class Row(msgspec.Struct, frozen=True):
    """A child without their content: their home, their caseworker, since when."""

    id: UUID
    name: str
    home: str | None
    workers: Sequence[str]
    placed_at: datetime
    left_at: datetime | None


async def children(request: Request) -> Response:
    """The children, as far as a reader who arranges ties needs to know them."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_SEE)
    assert visitor.agency_id is not None
    query = sealed_query.query_of(request, visitor, _SEALED_FOR)
    rows = await _rows(visitor.agency_id, now_of(request))
    context = {
        "part": _named(request, rows, lambda row: row.name, query),
        "sealed": sealed_query.seal(visitor, _SEALED_FOR, query),
        "zone": zone_of(request),
        "now": now_of(request),
    }
    return page(request, "people/children.html", context)


async def ask_for_children(request: Request) -> Response:
    """To the children with these words in their name."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_SEE)
    query = sealed_query.folded(entered(await form_body(request), "q"))
    sealed = sealed_query.seal(visitor, _SEALED_FOR, query)
    return RedirectResponse(f"{_CHILDREN}?s={sealed}" if sealed else _CHILDREN, status_code=303)


async def _rows(agency_id: UUID, now: datetime) -> list[Row]:
    names = {person.id: person.name for person in await Person.filter(agency_id=agency_id)}
    homes = {home.id: home.name for home in await Home.filter(agency_id=agency_id)}
    workers: dict[UUID, list[str]] = {}
    held = Tie.filter(Tie.standing_at(now), agency_id=agency_id, role=Role.CASEWORKER)
    for tie in await held.order_by("from_at", "id"):
        workers.setdefault(tie.child_id, []).append(names[tie.person_id])
    return [
        Row(
            child.id,
            names[child.id],
            homes.get(child.home_id) if child.home_id is not None else None,
            workers.get(child.id, []),
            child.placed_at,
            child.left_at,
        )
        for child in await Child.filter(agency_id=agency_id)
    ]


routes = [
    Route(_PEOPLE, people, methods=["GET"]),
    Route(f"{_PEOPLE}/find", ask_for_people, methods=["POST"]),
    Route(_CHILDREN, children, methods=["GET"]),
    Route(_CHILDREN, ask_for_children, methods=["POST"]),
]
