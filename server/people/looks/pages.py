"""The desk's page of who looked at a child, and who changed something."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.i18n import gettext
from server.people.access import agency_for, desk_child, nothing_here, now_of
from server.people.looks.log import deeds_about, desk_words_of, looks_at
from server.people.models import Child, Person
from server.people.rules import Action, AgencyAction
from server.people.words import ROLES
from server.web.rendering import language_of, page


async def looks(request: Request) -> Response:
    """Who looked at what, and why, for adults who may read it."""
    child, _ = await desk_child(request, Action.LOOKS_SEE)
    language = language_of(request)
    entries = await looks_at(child.id, language, is_child=False)
    lines = [
        (entry.at, entry.who, entry.role, gettext(language, desk_words_of(entry.code)), entry.why)
        for entry in entries
    ]
    return await _page(
        request, child, lines, back=f"/desk/children/{child.id}/safety", is_bare=False
    )


async def deeds(request: Request) -> Response:
    """Who looked and who changed something, without content, for an administrator."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_SEE)
    child_id = request.path_params["child_id"]
    child = await Child.get_or_none(id=child_id, agency_id=visitor.agency_id)
    if child is None:
        raise nothing_here()
    entries = await deeds_about(child.id, language_of(request))
    lines = [(entry.at, entry.who, entry.role, entry.what, None) for entry in entries]
    return await _page(request, child, lines, back="/desk/people/children", is_bare=True)


async def _page(
    request: Request, child: Child, lines: Sequence[tuple[object, ...]], *, back: str, is_bare: bool
) -> Response:
    language = language_of(request)
    context = {
        "child": await Person.get(id=child.id),
        "lines": lines,
        "role_words": {role.value: gettext(language, words) for role, words in ROLES.items()},
        "back": back,
        "is_bare": is_bare,
        "now": now_of(request),
    }
    return page(request, "people/looks.html", context)


routes = [
    Route("/desk/children/{child_id:uuid}/looks", looks, methods=["GET"]),
    Route("/desk/people/children/{child_id:uuid}/looks", deeds, methods=["GET"]),
]
