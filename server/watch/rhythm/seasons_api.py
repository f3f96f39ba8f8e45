"""Other times for some days, over the API."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, IdReused
from server.people.access import child_for, now_of, visitor_of
from server.people.rules import Action
from server.watch.rhythm import temporary_rhythm
from server.watch.rhythm.models import Season
from server.watch.rhythm.temporary_rhythm import SeasonRequest
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class SeasonOut(msgspec.Struct):
    """Another rhythm for a time: from `from_at` to before `until_at`, the end of its last day;
    `ended_at` if it was taken back."""

    id: UUID
    from_at: datetime
    until_at: datetime
    rhythm: dict[str, Any]
    zone: str
    words: str | None
    ended_at: datetime | None


def season_out(row: Season) -> SeasonOut:
    """A season, as the API returns it."""
    return SeasonOut(
        row.id, row.from_at, row.until_at, row.rhythm, row.zone, row.words, row.ended_at
    )


async def add(request: Request) -> Response:
    """Agree other times for some days."""
    payload = await json_body(request, SeasonRequest)
    child, _ = await child_for(request, request.path_params["child_id"], Action.RHYTHM_AGREE)
    made = await temporary_rhythm.shift(
        await visitor_of(request), child.id, payload, now_of(request)
    )
    return json_answer(season_out(made), status=201)


async def end(request: Request) -> Response:
    """The rhythm of before holds again."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.RHYTHM_AGREE)
    visitor, season_id = await visitor_of(request), request.path_params["season_id"]
    await temporary_rhythm.end_shift(visitor, child.id, season_id, now_of(request))
    return Response(status_code=204)


_CHILD = "/api/v1/children/{child_id:uuid}"

routes = [
    api(
        "POST",
        f"{_CHILD}/seasons",
        add,
        "Agree other times for some days",
        takes=SeasonRequest,
        gives={201: SeasonOut},
        problems=(Conflict, IdReused),
    ),
    api(
        "DELETE",
        f"{_CHILD}/seasons/{{season_id:uuid}}",
        end,
        "End other times before their last day",
        gives={204: None},
        problems=(Conflict,),
    ),
]
