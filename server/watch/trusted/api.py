"""The people a child trusts, over the API: only for the child's own session."""

from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import IdReused, NotFound, Refused
from server.people.access import now_of, own_child, visitor_of
from server.people.rules import Action
from server.watch.trusted import contacts
from server.watch.trusted.contacts import TrustedRequest
from server.watch.trusted.models import Trusted
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class TrustedOut(msgspec.Struct):
    """A person the child named. `state`: named, yes or no; `why` says why not."""

    id: UUID
    name: str
    reach: str
    also_help: bool
    named_at: datetime
    state: str
    why: str | None


class TrustedListOut(msgspec.Struct):
    """The people the child named and has not taken back."""

    trusted: list[TrustedOut]


async def show(request: Request) -> Response:
    """The people I named."""
    child, _ = await own_child(request, Action.TRUSTED_NAME)
    rows = await Trusted.filter(child_id=child.id).exclude(state="withdrawn").order_by("named_at")
    return json_answer(TrustedListOut([_out(row) for row in rows]))


async def name(request: Request) -> Response:
    """Ask this person first."""
    child, _ = await own_child(request, Action.TRUSTED_NAME)
    payload = await json_body(request, TrustedRequest)
    existed = await Trusted.exists(id=payload.id)
    row = await contacts.name_person(await visitor_of(request), child, payload, now_of(request))
    return json_answer(_out(row), status=200 if existed else 201)


async def take_back(request: Request) -> Response:
    """Stop asking this person."""
    child, _ = await own_child(request, Action.TRUSTED_NAME)
    visitor, trusted_id = await visitor_of(request), request.path_params["trusted_id"]
    await contacts.take_back(visitor, child.id, trusted_id, now_of(request))
    return Response(status_code=204)


def _out(row: Trusted) -> TrustedOut:
    return TrustedOut(row.id, row.name, row.reach, row.also_help, row.named_at, row.state, row.why)


_PATH = "/api/v1/trusted"

routes = [
    api("GET", _PATH, show, "The people I want asked first", gives={200: TrustedListOut}),
    api(
        "POST",
        _PATH,
        name,
        "Name a person to be asked first",
        takes=TrustedRequest,
        gives={201: TrustedOut, 200: TrustedOut},
        problems=(Refused, IdReused),
    ),
    api(
        "DELETE",
        f"{_PATH}/{{trusted_id:uuid}}",
        take_back,
        "Remove a person I named",
        gives={204: None},
        problems=(NotFound,),
    ),
]
