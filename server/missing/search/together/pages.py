"""Who is missing together, at the desk: offered, confirmed with one tap, and taken back."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Conflict
from server.i18n import gettext
from server.missing.search.models import Episode
from server.missing.search.paths import desk_episode, others_for
from server.missing.search.rules import Stage
from server.missing.search.together import actions as together_actions
from server.missing.search.together.reading import linked, offered
from server.missing.search.wording import STAGES
from server.people.access import Roles, nothing_here, now_of, staff_of
from server.people.desk_forms import id_of
from server.people.models import Person
from server.people.rules import Action, may
from server.web.rendering import language_of
from server.web.requests import form_body


class Other(msgspec.Struct, frozen=True):
    """Another child on a page; without a name where the reader may not see them."""

    episode: Episode
    name: str | None
    may_work: bool


async def shown(request: Request, episode: Episode, roles: Roles) -> dict[str, Any]:
    """What a page shows: who is with the child, and about which children we ask."""
    language = language_of(request)
    held = await _others(request, await linked(episode.id))
    asked = await offered(episode) if may(roles, Action.EPISODE_WORK) else []
    return {
        "together": held,
        "offered": await _others(request, asked),
        "stage_of": lambda other: gettext(language, STAGES[Stage(other.episode.stage)]),
    }


async def shared(request: Request, episode: Episode) -> list[Other]:
    """Children that one entry can also be made for: still looked for, and the writer works with
    them."""
    held = await _others(
        request,
        [linked_episode for linked_episode in await linked(episode.id) if linked_episode.is_open],
    )
    return [other for other in held if other.may_work]


async def _others(request: Request, episodes: Sequence[Episode]) -> list[Other]:
    seen = await others_for(request, [episode.child_id for episode in episodes])
    people = Person.filter(id__in=list(seen))
    names = {id_: name for id_, name in await people.values_list("id", "name")}
    return [
        Other(
            episode,
            names.get(episode.child_id),
            may(seen.get(episode.child_id, frozenset()), Action.EPISODE_WORK),
        )
        for episode in episodes
    ]


async def join(request: Request) -> Response:
    """They are missing together."""
    episode, other_id = await _both(request)
    try:
        await together_actions.link(await staff_of(request), episode.id, other_id, now_of(request))
    except Conflict:
        # The page was out of date: we no longer ask about these two.
        return _back(episode, "not_together")
    return _back(episode, "together")


async def part(request: Request) -> Response:
    """They are not missing together after all."""
    episode, other_id = await _both(request)
    await together_actions.unlink(await staff_of(request), episode.id, other_id, now_of(request))
    return _back(episode, "apart")


async def _both(request: Request) -> tuple[Episode, UUID]:
    """The episode of the path and that of the form; the visitor works on both."""
    episode, _ = await desk_episode(request, Action.EPISODE_WORK, by_call=True)
    form = await form_body(request)
    given = form.get("episode_id")
    id_ = id_of(given if isinstance(given, str) else "", "episode_id")
    other = await Episode.get_or_none(id=id_, agency_id=episode.agency_id) if id_ else None
    if other is None:
        raise nothing_here()
    seen = await others_for(request, [other.child_id])
    if not may(seen.get(other.child_id, frozenset()), Action.EPISODE_WORK):
        raise nothing_here()
    return episode, other.id


def _back(episode: Episode, done: str) -> Response:
    return RedirectResponse(f"/desk/episodes/{episode.id}?done={done}", status_code=303)


_EPISODE = "/desk/episodes/{episode_id:uuid}"

routes = [
    Route(f"{_EPISODE}/together", join, methods=["POST"]),
    Route(f"{_EPISODE}/apart", part, methods=["POST"]),
]
