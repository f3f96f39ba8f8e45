"""From the path of a request to an episode, by way of its child."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from starlette.requests import Request

from server.clock import known_zone
from server.errors import Denied, NotFound
from server.missing.search.models import Episode
from server.people.access import Roles, child_for, is_only_called, nothing_here, now_of, staff_of
from server.people.models import Child, Person
from server.people.rules import Action
from server.tasks.turns import still_that_day
from server.watch.models import Watch
from server.watch.wording import clock_there, when
from server.web.rendering import language_of, zone_of


async def episode_for(
    request: Request, action: Action, *, by_call: bool = False
) -> tuple[Episode, Roles]:
    """The episode of the path, of the child of the path. NotFound where it belongs to another
    child.

    `by_call`: while it is open, also to those called by an open alert about the child.
    """
    child_id = request.path_params["child_id"]
    child, roles = await child_for(request, child_id, action, by_call=by_call)
    episode = await episode_of(child, request.path_params["episode_id"])
    return open_for_call(episode, roles, action), roles


def open_for_call(episode: Episode, roles: Roles, action: Action) -> Episode:
    """The episode. Raises NotFound for an earlier one where the visitor was only called: a present
    alert needs nothing of it."""
    if not episode.is_open and is_only_called(roles, action):
        raise nothing_here()
    return episode


async def episode_of(child: Child, episode_id: UUID) -> Episode:
    """An episode of this child, by its id or by one that another person gave it."""
    held = Episode.filter(child_id=child.id)
    episode = await held.get_or_none(id=episode_id)
    if episode is None:
        episode = await Episode.filter(child_id=child.id, aliases__id=episode_id).first()
    if episode is None:
        raise nothing_here()
    return episode


async def desk_episode(
    request: Request, action: Action, *, by_call: bool = False
) -> tuple[Episode, Roles]:
    """The episode of a path that names no child, for a page of the desk. `by_call` as above."""
    visitor = await staff_of(request)
    id_ = request.path_params["episode_id"]
    episode = await Episode.get_or_none(id=id_, agency_id=visitor.agency_id)
    if episode is None:
        raise nothing_here()
    _, roles = await child_for(request, episode.child_id, action, by_call=by_call)
    return open_for_call(episode, roles, action), roles


async def others_for(request: Request, children: Iterable[UUID]) -> dict[UUID, Roles]:
    """Which of these children's episodes the visitor may see, with their roles for each child. For
    a visitor who is only on duty this counts as a look at that child, like their own page."""
    roles_by_child: dict[UUID, Roles] = {}
    for child_id in sorted(set(children)):
        try:
            child, roles = await child_for(request, child_id, Action.EPISODE_SEE, by_call=True)
        except (NotFound, Denied):
            continue
        roles_by_child[child.id] = roles
    return roles_by_child


async def frame(request: Request, episode: Episode) -> dict[str, Any]:
    """What every page about an episode shows."""
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    child = await Person.get(id=episode.child_id)
    watched = await Watch.get_or_none(child_id=child.id)
    there = known_zone(watched.zone) if watched is not None else zone
    return {
        "episode": episode,
        "child": child,
        "clock": clock_there(child.name, there, zone, language=language, now=now),
        "path": f"/desk/episodes/{episode.id}",
        "shown": lambda at: when(language, at, zone, now),
        "by": lambda at: when(language, still_that_day(at, zone), zone, now),
        "now": now,
        "error": None,
    }
