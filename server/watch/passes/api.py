"""A look at an absence that lasts over the API: it is still so, or all of it ends."""

from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, NotFound
from server.people.access import child_for, now_of, visitor_of
from server.people.models import Child
from server.people.rules import Action
from server.watch.passes import actions
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class LookRequest(msgspec.Struct):
    """A person looked, and it is still so. The client makes the id."""

    id: UUID


class LookOut(msgspec.Struct):
    """When people look at the absence next; null if it ends before that."""

    next_look_at: datetime | None


async def keep(request: Request) -> Response:
    """It is still so."""
    payload, now = await json_body(request, LookRequest), now_of(request)
    child, pause_id = await _of(request)
    visitor = await visitor_of(request)
    return json_answer(LookOut(await actions.keep(visitor, child.id, pause_id, payload.id, now)))


async def end(request: Request) -> Response:
    """The child is back, or it never came to it."""
    child, pause_id = await _of(request)
    await actions.end(await visitor_of(request), child.id, pause_id, now_of(request))
    return Response(status_code=204)


async def _of(request: Request) -> tuple[Child, UUID]:
    child, _ = await child_for(request, request.path_params["child_id"], Action.PAUSE)
    return child, request.path_params["pause_id"]


_PAUSE = "/api/v1/children/{child_id:uuid}/pauses/{pause_id:uuid}"

routes = [
    api(
        "POST",
        f"{_PAUSE}/keep",
        keep,
        "Say that an absence is still so",
        takes=LookRequest,
        gives={200: LookOut},
        problems=(NotFound, Conflict),
    ),
    api(
        "POST",
        f"{_PAUSE}/end",
        end,
        "End an absence with all that prolongs it",
        gives={204: None},
        problems=(NotFound, Conflict),
    ),
]
