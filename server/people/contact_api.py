"""How the caller is reached, for native clients."""

from datetime import datetime, time
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Refused
from server.notify.contact_routes import NOWHERE, ways_of, wishes_of
from server.notify.models import Address
from server.notify.preferences import set_all
from server.notify.refused_addresses import given_up
from server.notify.rules import PUSH
from server.people.access import Visitor, nothing_here, now_of, visitor_of
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class AddressOut(msgspec.Struct):
    """Where messages go. `verified_at`: since when it counts as a way to be reached.
    `has_answered`: the person has answered from there; false for an address in use before we asked
    for codes. `refused_at`: since when it refuses our messages: from the first refusal on it
    counts as none, and the next way is used at once, until it takes one. The endpoint of a push is
    left out."""

    id: UUID
    channel: str
    address: str | None
    made_at: datetime
    verified_at: datetime | None
    has_answered: bool
    refused_at: datetime | None


class GivenUpOut(msgspec.Struct):
    """An address that was refused twice or more, on two days (UTC) and at least 12 hours apart, or
    a browser that takes no pushes any more. Nothing goes there. It is told until another one of
    that channel works or its person removes it at the desk; a browser for 90 days. `why`:
    `no_mailbox` (the mail server knows no such mailbox), `gone` (the push service has ended it),
    `bad_keys` (a push cannot be sealed for it)."""

    channel: str
    address: str | None
    given_up_at: datetime | None
    why: str


class ReachingOut(msgspec.Struct):
    """The channels that reach a person first, second, and so on; and the hours when messages that
    can wait are held back."""

    order: list[str]
    quiet_from: time | None
    quiet_until: time | None
    addresses: list[AddressOut]
    given_up: list[GivenUpOut]


class ReachingRequest(msgspec.Struct):
    """The same, to be saved. Calls are never held back by quiet hours, which run on the person's
    clock and last at most 12 hours. `order` names channels that the person has."""

    order: list[str]
    quiet_from: time | None = None
    quiet_until: time | None = None


async def show(request: Request) -> Response:
    """How the caller is reached."""
    return await _answer(request, await _adult(request))


async def change(request: Request) -> Response:
    """How the caller wants to be reached."""
    visitor, now = await _adult(request), now_of(request)
    payload = await json_body(request, ReachingRequest)
    quiet = (payload.quiet_from, payload.quiet_until)
    await set_all(visitor, visitor.person_id, payload.order, quiet, now)
    return await _answer(request, visitor)


async def _adult(request: Request) -> Visitor:
    """An adult. The phone asks a child at the agreed hours: a child has no order of channels."""
    visitor = await visitor_of(request)
    if visitor.is_child:
        raise nothing_here()
    return visitor


async def _answer(request: Request, visitor: Visitor) -> Response:
    me = visitor.person_id
    ways = (await ways_of({me}, now_of(request))).get(me, NOWHERE)
    wish = (await wishes_of({me})).get(me)
    rows = await Address.filter(person_id=me, dropped_at__isnull=True).order_by("made_at", "id")
    return json_answer(
        ReachingOut(
            order=list(ways.every),
            quiet_from=_time(wish.quiet_from if wish is not None else None),
            quiet_until=_time(wish.quiet_until if wish is not None else None),
            addresses=[_out(row) for row in rows],
            given_up=[_lost(row) for row in await given_up(me, now_of(request))],
        )
    )


def _time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def _out(row: Address) -> AddressOut:
    return AddressOut(
        id=row.id,
        channel=row.channel,
        address=_where(row),
        made_at=row.made_at,
        verified_at=row.verified_at,
        has_answered=row.has_answered,
        refused_at=row.refused_at,
    )


def _lost(row: Address) -> GivenUpOut:
    return GivenUpOut(row.channel, _where(row), row.dropped_at, row.dropped_why or "")


def _where(row: Address) -> str | None:
    return row.value if row.channel != PUSH else None


_PATH = "/api/v1/me/reaching"

routes = [
    api("GET", _PATH, show, "How I am reached", gives={200: ReachingOut}),
    api(
        "PUT",
        _PATH,
        change,
        "Say how I want to be reached",
        takes=ReachingRequest,
        gives={200: ReachingOut},
        problems=(Refused,),
    ),
]
