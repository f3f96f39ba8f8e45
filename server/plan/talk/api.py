"""Who has read the child's messages: the app of a worker or an advocate says so, and the child's
phone shows it."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.people.access import child_for, not_yours, now_of, own_child, visitor_of
from server.people.reads.actions import Kind, note_read
from server.people.reads.reading import ReadOut, latest_read
from server.people.rules import Action, Role
from server.plan.models import Change
from server.plan.rules import may_read_message, may_talk
from server.plan.shape import MAKING
from server.storage.db import as_id
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer

MOST = 100


class ReadRequest(msgspec.Struct):
    """The child's messages that the caller has on the screen now. Saying it again changes
    nothing."""

    messages: Annotated[list[UUID], msgspec.Meta(max_length=MOST)]


class MessageReadOut(msgspec.Struct):
    """A message of mine, and who has read it, the first one first."""

    message: UUID
    read: list[ReadOut]


class MessagesReadOut(msgspec.Struct):
    """My messages that were read, as far as the latest ones."""

    messages: list[MessageReadOut]


async def note(request: Request) -> Response:
    """The caller reads these messages of the child."""
    child, roles = await child_for(request, request.path_params["child_id"], Action.PROJECT_SEE)
    if Role.CHILD in roles or not (may_talk(roles) or Role.ADVOCATE in roles):
        raise not_yours()
    payload, visitor = await json_body(request, ReadRequest), await visitor_of(request)
    written = await _of_the_child(child.id, payload.messages)
    # What a person cannot read, they have not read, whatever their app says.
    me = str(visitor.person_id)
    read = [id_ for id_, message in written if may_read_message(message, me, roles)]
    await note_read(visitor, child, Kind.MESSAGE, read, now_of(request))
    return Response(status_code=204)


async def _of_the_child(child_id: UUID, messages: Sequence[UUID]) -> list[tuple[UUID, Any]]:
    """Those of these that are messages of this child, with what they say."""
    rows = Change.filter(
        child_id=child_id,
        entity="message",
        field=MAKING,
        entity_id__in=list(messages),
        who_role=Role.CHILD.value,
    )
    return [(as_id(id_), value) for id_, value in await rows.values_list("entity_id", "value")]


async def mine(request: Request) -> Response:
    """Who has read what I wrote."""
    child, _ = await own_child(request, Action.PROJECT_SEE)
    read = await latest_read(child.id, Kind.MESSAGE)
    return json_answer(
        MessagesReadOut([MessageReadOut(message, by) for message, by in read.items()])
    )


routes = [
    api(
        "GET",
        "/api/v1/talk/read",
        mine,
        "Who has read my messages",
        gives={200: MessagesReadOut},
    ),
    api(
        "POST",
        "/api/v1/children/{child_id:uuid}/talk/read",
        note,
        "Say that the child's messages are on my screen",
        takes=ReadRequest,
        gives={204: None},
    ),
]
