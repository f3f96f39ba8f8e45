"""Episodes over the wire: a child is missing, and what people do about it."""

from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, IdReused
from server.missing.search import actions, opening
from server.missing.search.actions import EntryRequest, Line
from server.missing.search.models import Episode
from server.missing.search.opening import Saying
from server.missing.search.paths import episode_for, open_for_call
from server.missing.search.rules import Flag
from server.missing.search.together import actions as together_actions
from server.missing.search.wire import WRITTEN, EpisodeOut, EpisodesOut, answer, one_out, outs
from server.people.access import child_for, is_only_called, nothing_here, now_of, visitor_of
from server.people.rules import Action, Role
from server.watch.wire import Moment, Words
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer

Needed = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class LastSeen(msgspec.Struct, omit_defaults=True):
    """When and where the child was last seen, and who saw them, as far as this is known."""

    at: Moment | None = None
    where: Line | None = None
    by: Line | None = None
    words: Words | None = None


class EpisodeRequest(msgspec.Struct):
    """ "This child is missing." The client makes the id. `said_at` is when the person said so on
    their phone; every clock counts from when the request arrives here. Only these two are
    required."""

    id: UUID
    said_at: Moment
    why: Words | None = None
    last_seen: LastSeen | None = None
    flags: Annotated[list[Flag], msgspec.Meta(max_length=8)] = []


class TogetherRequest(msgspec.Struct):
    """The episode of another child of the home: the two are missing together."""

    episode_id: UUID


async def open_(request: Request) -> Response:
    """A child is missing: everyone is called and every clock begins, in one step."""
    payload = await json_body(request, EpisodeRequest)
    child, _ = await child_for(
        request, request.path_params["child_id"], Action.EPISODE_OPEN, by_call=True
    )
    seen = msgspec.to_builtins(payload.last_seen) if payload.last_seen is not None else None
    saying = Saying(payload.said_at, payload.why or None, seen or None, tuple(payload.flags))
    visitor, now = await visitor_of(request), now_of(request)
    episode, is_new = await opening.open_episode(visitor, child.id, payload.id, saying, now)
    return await answer(request, episode, status=201 if is_new else 200)


async def list_(request: Request) -> Response:
    """Every time the child was missing. The child reads only those that are over."""
    child, roles = await child_for(
        request, request.path_params["child_id"], Action.EPISODE_SEE, by_call=True
    )
    held = Episode.filter(child_id=child.id)
    if is_only_called(roles, Action.EPISODE_SEE):
        held = held.filter(found_at__isnull=True)
    if Role.CHILD in roles:
        held = held.filter(found_at__isnull=False)
    episodes = await held.order_by("-opened_at", "-id")
    return json_answer(EpisodesOut(await outs(request, episodes, roles)))


async def show(request: Request) -> Response:
    """One of them."""
    episode, roles = await episode_for(request, Action.EPISODE_SEE, by_call=True)
    if Role.CHILD in roles and episode.is_open:
        raise nothing_here()
    return json_answer(await one_out(request, episode, roles))


async def enter(request: Request) -> Response:
    """Something was done, or learned."""
    payload = await json_body(request, EntryRequest)
    episode, _ = await episode_for(request, Action.EPISODE_WORK, by_call=True)
    await _check_also(request, payload.also)
    await actions.enter(await visitor_of(request), episode.id, payload, now_of(request))
    return await answer(request, await Episode.get(id=episode.id), status=201)


async def _check_also(request: Request, ids: list[UUID]) -> None:
    """Raises for an episode of another child on which the visitor does not work too."""
    for id_ in ids:
        other = await Episode.get_or_none(id=id_)
        if other is None:
            raise nothing_here()
        _, roles = await child_for(request, other.child_id, Action.EPISODE_WORK, by_call=True)
        open_for_call(other, roles, Action.EPISODE_WORK)


async def join(request: Request) -> Response:
    """Two children are missing together."""
    payload = await json_body(request, TogetherRequest)
    episode, _ = await episode_for(request, Action.EPISODE_WORK, by_call=True)
    await _check_also(request, [payload.episode_id])
    visitor = await visitor_of(request)
    await together_actions.link(visitor, episode.id, payload.episode_id, now_of(request))
    return await answer(request, episode)


async def part(request: Request) -> Response:
    """They are not missing together after all."""
    episode, _ = await episode_for(request, Action.EPISODE_WORK, by_call=True)
    other_id = request.path_params["other_id"]
    await _check_also(request, [other_id])
    await together_actions.unlink(await visitor_of(request), episode.id, other_id, now_of(request))
    return await answer(request, episode)


_EPISODES = "/api/v1/children/{child_id:uuid}/episodes"
_EPISODE = f"{_EPISODES}/{{episode_id:uuid}}"

routes = [
    api(
        "POST",
        _EPISODES,
        open_,
        "Say that a child is missing",
        takes=EpisodeRequest,
        gives={201: WRITTEN, 200: WRITTEN},
        problems=(IdReused,),
    ),
    api("GET", _EPISODES, list_, "Every time a child was missing", gives={200: EpisodesOut}),
    api("GET", _EPISODE, show, "One time of being missing", gives={200: EpisodeOut}),
    api(
        "POST",
        f"{_EPISODE}/entries",
        enter,
        "Enter what was done or learned",
        takes=EntryRequest,
        gives={201: WRITTEN},
        problems=(Conflict, IdReused),
    ),
    api(
        "POST",
        f"{_EPISODE}/together",
        join,
        "Say that two children are missing together",
        takes=TogetherRequest,
        gives={200: WRITTEN},
        problems=(Conflict,),
    ),
    api(
        "DELETE",
        f"{_EPISODE}/together/{{other_id:uuid}}",
        part,
        "Say that they are not missing together after all",
        gives={200: WRITTEN},
    ),
]
