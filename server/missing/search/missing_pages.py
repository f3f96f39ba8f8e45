"""Saying that a child is missing: one page, one button, and everyone is called."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts.ladder import people_on
from server.alerts.recipients import reach_of
from server.audit.actions import Actor
from server.errors import WaymarkError
from server.i18n import N_, format_list, gettext
from server.missing.search import opening
from server.missing.search.definitions.reading import aside_of
from server.missing.search.entry_kinds import FLAGS, SAID
from server.missing.search.models import Episode
from server.missing.search.opening import Saying
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import LONGEST_WORDS, back_to
from server.people.models import Child, Person
from server.people.rules import Action, may
from server.people.words import entered
from server.policy.model import Rung
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body


async def missing(request: Request) -> Response:
    """Before everyone is called: one page, one button. Nothing on it may cause a delay."""
    child, roles = await desk_child(request, Action.EPISODE_OPEN, by_call=True)
    held = await opening.open_of_child(child.id)
    if held is not None and may(roles, Action.EPISODE_SEE):
        return RedirectResponse(f"/desk/episodes/{held.id}", status_code=303)
    language, now = language_of(request), now_of(request)
    context = {
        **form_of(await Person.get(id=child.id), request.url.path, language),
        "called": format_list(language, await _all_called(child, now)),
        "aside": await aside_of(child.agency_id, child.id, language, zone_of(request), now),
    }
    return page(request, "missing/search/missing.html", context)


NOTHING_GIVEN: Mapping[str, str] = {"words": "", "where": "", "by": ""}


def form_of(child: Person, action: str, language: str) -> dict[str, Any]:
    """What the form of a report shows, with nothing that only some readers may know."""
    return {
        "child": child,
        "action": action,
        "back": ("/desk/", gettext(language, N_("Board"))),
        "called": "",
        "id": str(uuid4()),
        "aside": None,
        "flags": [(flag.value, gettext(language, FLAGS[flag])) for flag in SAID],
        "given": NOTHING_GIVEN,
        "ticked": (),
        "problem": "",
    }


async def _all_called(child: Child, now: datetime) -> list[str]:
    """The names of everyone that one tap calls now, for this child."""
    reach = (await reach_of({child.id: child.agency_id}, now))[child.id]
    ids = people_on(Rung.EVERYONE, reach.on(Rung.EVERYONE))
    names = {person.id: person.name for person in await Person.filter(id__in=list(ids))}
    return [names[id_] for id_ in ids if id_ in names]


async def open_missing(request: Request) -> Response:
    """Open the search: everyone is called at once. Nothing else is required, and an entry that does
    not fit causes no delay: it is left out."""
    child, roles = await desk_child(request, Action.EPISODE_OPEN, by_call=True)
    visitor, now = await staff_of(request), now_of(request)
    episode = await report(visitor, child.id, await form_if_any(request), now)
    if may(roles, Action.EPISODE_SEE):
        return RedirectResponse(f"/desk/episodes/{episode.id}", status_code=303)
    return back_to(child.id, roles, "missing")


async def report(actor: Actor, child_id: UUID, form: FormData, now: datetime) -> Episode:
    """Open the search by what the form says, or join the one that is open."""
    saying = said_in(form, now)
    try:
        episode, _ = await opening.open_episode(actor, child_id, id_in(form), saying, now)
    except WaymarkError:
        # An id that is known already with other words: the call matters, the id does not.
        episode, _ = await opening.open_episode(actor, child_id, uuid4(), saying, now)
    return episode


async def form_if_any(request: Request) -> FormData:
    """The form; one that cannot be read is as an empty one, since nothing on it is required."""
    try:
        return await form_body(request)
    except WaymarkError:
        return FormData()


def id_in(form: FormData) -> UUID:
    """The id that the page gave to the report."""
    try:
        return UUID(entered(form, "id"))
    except ValueError:
        return uuid4()


def said_in(form: FormData, now: datetime) -> Saying:
    """What was said with it; what is too long is cut."""
    words = entered(form, "words")[:LONGEST_WORDS] or None
    seen = {name: entered(form, name)[:500] for name in ("where", "by") if entered(form, name)}
    flags = tuple(flag for flag in SAID if flag.value in form.getlist("flag"))
    return Saying(now, words, seen or None, flags, is_timed=False)


_PATH = "/desk/children/{child_id:uuid}/missing"

routes = [
    Route(_PATH, missing, methods=["GET"]),
    Route(_PATH, open_missing, methods=["POST"]),
]
