"""The API for ending a placement and beginning it again."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict
from server.people.access import child_for, now_of, visitor_of
from server.people.models import Child
from server.people.rules import Action, Leaving
from server.placements import actions
from server.watch.wire import Moment, RhythmIn
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class EndRequest(msgspec.Struct):
    """Why and when the child left. `shut_out`: block the child's phones. Sent again after the child
    came back, it ends nothing: `at` is before the new placement."""

    why: Leaving
    at: Moment
    shut_out: bool = False


class BeginRequest(msgspec.Struct):
    """When the child came back. `rhythm` and `zone`: the earlier ones where they are left out. The
    first 72 hours are watched closely, and a slower rhythm is refused (`too_slow`)."""

    at: Moment
    rhythm: RhythmIn | None = None
    zone: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class PlacementOut(msgspec.Struct):
    """A placement: since when and, where it has ended, until when and why."""

    child_id: UUID
    placed_at: datetime
    left_at: datetime | None
    why: Leaving | None


async def end(request: Request) -> Response:
    """The child has left."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.PLACEMENT_CHANGE)
    payload, visitor = await json_body(request, EndRequest), await visitor_of(request)
    now = now_of(request)
    child = await actions.end(
        visitor, child.id, payload.why, payload.at, shut_out=payload.shut_out, now=now
    )
    return json_answer(await _out(child))


async def begin(request: Request) -> Response:
    """The child is back."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.PLACEMENT_CHANGE)
    payload, visitor = await json_body(request, BeginRequest), await visitor_of(request)
    now = now_of(request)
    child = await actions.begin(
        visitor, child.id, payload.at, rhythm=payload.rhythm, zone=payload.zone, now=now
    )
    return json_answer(await _out(child))


async def _out(child: Child) -> PlacementOut:
    return PlacementOut(child.id, child.placed_at, child.left_at, await actions.why_left(child))


_PLACEMENT = "/api/v1/children/{child_id:uuid}/placement"

routes = [
    api(
        "POST",
        f"{_PLACEMENT}/end",
        end,
        "Say that the child has left",
        takes=EndRequest,
        gives={200: PlacementOut},
        problems=(Conflict,),
    ),
    api(
        "POST",
        f"{_PLACEMENT}/begin",
        begin,
        "Say that the child is back",
        takes=BeginRequest,
        gives={200: PlacementOut},
        problems=(Conflict,),
    ),
]
