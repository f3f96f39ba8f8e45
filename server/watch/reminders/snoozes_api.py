"""Remind me later, over the API: from the app, and from the lock screen."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, IdReused, NotFound
from server.notify.models import Snooze
from server.people.access import now_of, own_child, visitor_of
from server.people.rules import Action
from server.watch.reminders import snoozes
from server.watch.reminders.snoozes import SnoozeRequest
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class SnoozeOut(msgspec.Struct):
    """The child is reminded again at `until`: earlier than asked for where there would be no time
    to answer. The check-in is due and late as before."""

    id: UUID
    until: datetime


class TokenSnoozeRequest(msgspec.Struct):
    """The token `r` of the push that was tapped, and after how many minutes to ask again."""

    receipt: Annotated[str, msgspec.Meta(max_length=400)]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]


async def snooze(request: Request) -> Response:
    """Remind me later."""
    child, _ = await own_child(request, Action.CHECK_IN)
    payload = await json_body(request, SnoozeRequest)
    existed = await Snooze.exists(id=payload.id)
    made = await snoozes.snooze(await visitor_of(request), child.id, payload, now_of(request))
    return json_answer(_out(made), status=200 if existed else 201)


async def snooze_by_token(request: Request) -> Response:
    """The same without a session, which a worker may have lost."""
    payload = await json_body(request, TokenSnoozeRequest)
    made = await snoozes.snooze_by_token(payload.receipt, payload.minutes, now_of(request))
    return json_answer(_out(made))


def _out(row: Snooze) -> SnoozeOut:
    return SnoozeOut(row.id, row.until_at)


routes = [
    api(
        "POST",
        "/api/v1/snoozes",
        snooze,
        "Remind me of a check-in later",
        takes=SnoozeRequest,
        gives={201: SnoozeOut, 200: SnoozeOut},
        problems=(Conflict, IdReused, NotFound),
    ),
    api(
        "POST",
        "/api/v1/push-snoozes",
        snooze_by_token,
        "Remind me later, by the token of a push",
        takes=TokenSnoozeRequest,
        gives={200: SnoozeOut},
        problems=(Conflict, NotFound),
        is_open=True,
    ),
]
