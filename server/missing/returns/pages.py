"""The desk when a child was seen: that ends the search and begins the return."""

from uuid import uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import NotFound, WaymarkError
from server.missing.returns import child_found
from server.missing.returns.child_found import Found
from server.missing.search import opening
from server.missing.search.models import Episode
from server.missing.search.paths import desk_episode, frame
from server.people.access import Roles, desk_child, is_only_called, now_of, staff_of
from server.people.desk_forms import back_to, id_or_new, when_of, words_of
from server.people.models import Person
from server.people.rules import Action, may
from server.people.words import entered, form_fault
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body


async def found_page(request: Request) -> Response:
    """A person has seen the child: when, where, who it was, how the child is."""
    episode, roles = await desk_episode(request, Action.EPISODE_FOUND, by_call=True)
    if not episode.is_open:
        return _after(episode, roles, "?done=found_already")
    return await _found_page(request, episode)


async def of_child(request: Request) -> Response:
    """The same for a reader who knows the child and no episode."""
    child, roles = await desk_child(request, Action.EPISODE_FOUND, by_call=True)
    held = await opening.open_of_child(child.id)
    if held is None:
        return back_to(child.id, roles, "found")
    return RedirectResponse(f"/desk/episodes/{held.id}/found", status_code=303)


async def record_found(request: Request) -> Response:
    """The search ends, the return begins."""
    episode, roles = await desk_episode(request, Action.EPISODE_FOUND, by_call=True)
    form, now = await form_body(request), now_of(request)
    try:
        by, where, condition = entered(form, "by"), entered(form, "where"), words_of(form) or ""
        missing = child_found.missing(by, where, condition)
        at = when_of(form, zone_of(request), "at", now, missing)
        what = child_found.checked(Found(at or now, where, by, condition))
        await child_found.record_found(
            await staff_of(request), episode.id, id_or_new(form), what, now
        )
    except NotFound:
        raise
    except WaymarkError as fault:
        return await _found_page(request, episode, form, fault)
    return _after(episode, roles)


def _after(episode: Episode, roles: Roles, says: str = "") -> Response:
    if may(roles, Action.EPISODE_SEE) and not is_only_called(roles, Action.EPISODE_SEE):
        return RedirectResponse(f"/desk/episodes/{episode.id}{says}", status_code=303)
    return back_to(episode.child_id, roles, "found")


async def _found_page(
    request: Request,
    episode: Episode,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    visitor, language = await staff_of(request), language_of(request)
    me = await Person.get(id=visitor.person_id)
    names = ("id", "ago", "at", "where", "by", "words")
    given = {"id": str(uuid4()), "ago": "", "at": "", "where": "", "by": me.name, "words": ""}
    if form is not None:
        given = {name: entered(form, name) for name in names}
    context = {
        **await frame(request, episode),
        "given": given,
        "zone_name": str(zone_of(request)),
        "error": form_fault(fault, language) if fault is not None else None,
    }
    return page(
        request, "missing/returns/found.html", context, status=fault.status if fault else 200
    )


_EPISODE = "/desk/episodes/{episode_id:uuid}"

routes = [
    Route("/desk/children/{child_id:uuid}/found", of_child, methods=["GET"]),
    Route(f"{_EPISODE}/found", found_page, methods=["GET"]),
    Route(f"{_EPISODE}/found", record_found, methods=["POST"]),
]
