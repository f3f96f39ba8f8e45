"""How one is reached, for native clients."""

from datetime import datetime, time
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Refused
from server.notify.models import Address
from server.notify.rules import PUSH
from server.notify.ways import NOWHERE, ways_of, wishes_of
from server.notify.wishing import set_all
from server.openapi import api
from server.people.access import Visitor, nothing_here, now_of, visitor_of
from server.web import json_answer, json_body


class AddressOut(msgspec.Struct):
    """Where messages go. `verified_at`: since when it counts as a way to be reached.
    `has_answered`: somebody has answered from there, which nobody has where it was in use before
    that was asked. What a push goes to is not said again."""

    id: UUID
    channel: str
    address: str | None
    made_at: datetime
    verified_at: datetime | None
    has_answered: bool


class ReachingOut(msgspec.Struct):
    """By what somebody is told first, second, and so on, and when what can wait is to wait."""

    order: list[str]
    quiet_from: time | None
    quiet_until: time | None
    addresses: list[AddressOut]


class ReachingRequest(msgspec.Struct):
    """The same, as it shall be. What calls somebody is never held back by quiet hours, which run
    on the person's clock and last 12 hours at the most. `order` names channels that one has."""

    order: list[str]
    quiet_from: time | None = None
    quiet_until: time | None = None


async def show(request: Request) -> Response:
    """How I am reached."""
    return await _answer(request, await _adult(request))


async def change(request: Request) -> Response:
    """How I want to be reached."""
    visitor, now = await _adult(request), now_of(request)
    said = await json_body(request, ReachingRequest)
    quiet = (said.quiet_from, said.quiet_until)
    await set_all(visitor, visitor.person_id, said.order, quiet, now)
    return await _answer(request, visitor)


async def _adult(request: Request) -> Visitor:
    """A child is asked by its phone, at the hours that were agreed: it has nothing to order."""
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
        )
    )


def _time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def _out(row: Address) -> AddressOut:
    where = row.value if row.channel != PUSH else None
    return AddressOut(row.id, row.channel, where, row.made_at, row.verified_at, row.has_answered)


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
