"""Flags over the API, for the staff who answer for a child."""

from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, IdReused, NotFound, Refused
from server.flags import actions as flags
from server.flags import reading
from server.flags.actions import AddFlag, ChangeFlag, Held
from server.flags.reading import Line
from server.people.access import child_for, now_of, visitor_of
from server.people.desk_forms import strongest
from server.people.rules import Action
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class FlagOut(msgspec.Struct):
    """A flag. Without `owner_id` it is for the people on duty. `due_at`: the last moment; a flag
    with a day alone ends with that day. `turn` counts how often it was given or moved."""

    id: UUID
    words: str
    by: str
    at: datetime
    owner_id: UUID | None
    owner: str | None
    due_at: datetime
    is_late: bool
    turn: int
    done_at: datetime | None
    done_by: str | None


class FlagsOut(msgspec.Struct):
    """What is open, what is due first on top; and what is done, the latest first. `next`: the id to
    send as `after` for the next part of `done`."""

    open: list[FlagOut]
    done: list[FlagOut]
    next: UUID | None


class Nothing(msgspec.Struct):
    """Nothing needs to be said."""


async def flags_of(request: Request) -> Response:
    """The flags about a child."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.FLAG)
    now = now_of(request)
    done_part = await reading.done_lines(child.id, _after(request), now)
    opened = [_out(line) for line in await reading.open_lines(child.id, now)]
    done_ones = [_out(line) for line in done_part.lines]
    return json_answer(FlagsOut(opened, done_ones, done_part.after))


async def add(request: Request) -> Response:
    """A new flag."""
    payload = await json_body(request, AddFlag)
    child, roles = await child_for(request, request.path_params["child_id"], Action.FLAG)
    visitor, now = await visitor_of(request), now_of(request)
    held = await flags.add(visitor, child, strongest(roles, visitor), payload, now)
    return json_answer(await _one(held, now), status=201)


async def change(request: Request) -> Response:
    """Give it to another person, or to another day."""
    payload = await json_body(request, ChangeFlag)
    child, _ = await child_for(request, request.path_params["child_id"], Action.FLAG)
    visitor, now, id_ = await visitor_of(request), now_of(request), request.path_params["flag_id"]
    return json_answer(await _one(await flags.change(visitor, child, id_, payload, now), now))


async def done(request: Request) -> Response:
    """It is done."""
    await json_body(request, Nothing)
    child, _ = await child_for(request, request.path_params["child_id"], Action.FLAG)
    visitor, now, id_ = await visitor_of(request), now_of(request), request.path_params["flag_id"]
    return json_answer(await _one(await flags.done(visitor, child, id_, now), now))


async def _one(held: Held, now: datetime) -> FlagOut:
    return _out((await reading.lines_of([held], now))[0])


def _out(line: Line) -> FlagOut:
    return FlagOut(
        id=line.id,
        words=line.words,
        by=line.by,
        at=line.at,
        owner_id=line.owner_id,
        owner=line.owner,
        due_at=line.due_at,
        is_late=line.is_late,
        turn=line.turn,
        done_at=line.done_at,
        done_by=line.done_by or None,
    )


def _after(request: Request) -> UUID | None:
    value = request.query_params.get("after")
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError:
        raise Refused("“{field}” is not valid here.", field="after") from None


_FLAGS = "/api/v1/children/{child_id:uuid}/flags"

routes = [
    api(
        "GET",
        _FLAGS,
        flags_of,
        "The flags about a child",
        gives={200: FlagsOut},
        query={"after": UUID},
        problems=(Refused,),
    ),
    api(
        "POST",
        _FLAGS,
        add,
        "Add a flag",
        takes=AddFlag,
        gives={201: FlagOut},
        problems=(Conflict, IdReused, Refused),
    ),
    api(
        "POST",
        f"{_FLAGS}/{{flag_id:uuid}}",
        change,
        "Give a flag to another person or day",
        takes=ChangeFlag,
        gives={200: FlagOut},
        problems=(Conflict, NotFound, Refused),
    ),
    api(
        "POST",
        f"{_FLAGS}/{{flag_id:uuid}}/done",
        done,
        "A flag is done",
        takes=Nothing,
        gives={200: FlagOut},
        problems=(NotFound,),
    ),
]
