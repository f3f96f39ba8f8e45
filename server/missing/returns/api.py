"""Over the wire: a child was found."""

from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, IdReused
from server.missing.returns import child_found
from server.missing.returns.child_found import Found
from server.missing.search.paths import episode_for
from server.missing.search.wire import WRITTEN, answer
from server.people.access import now_of, visitor_of
from server.people.rules import Action
from server.watch.wire import Moment
from server.web.openapi import api
from server.web.requests import json_body

Needed = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class FoundRequest(msgspec.Struct):
    """When and where the child was seen, face to face, by which person, and how the child was."""

    id: UUID
    at: Moment
    where: Needed
    by: Needed
    condition: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]


async def record_found(request: Request) -> Response:
    """Record that a person has seen the child."""
    payload = await json_body(request, FoundRequest)
    episode, _ = await episode_for(request, Action.EPISODE_FOUND, by_call=True)
    what = Found(payload.at, payload.where, payload.by, payload.condition)
    visitor, now = await visitor_of(request), now_of(request)
    after = await child_found.record_found(visitor, episode.id, payload.id, what, now)
    return await answer(request, after)


routes = [
    api(
        "POST",
        "/api/v1/children/{child_id:uuid}/episodes/{episode_id:uuid}/found",
        record_found,
        "Say that the child was found",
        takes=FoundRequest,
        gives={200: WRITTEN},
        problems=(Conflict, IdReused),
    ),
]
