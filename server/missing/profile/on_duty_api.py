"""Grab packs on the phone of the person on duty, over the wire: the shelf, taking, returning."""

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, IdReused
from server.missing.profile import checkouts
from server.missing.profile.access import check_browser
from server.missing.profile.on_duty import of_concern, shelf
from server.missing.profile.reading import open_since
from server.missing.profile.wire import CarriedOut, CarryRequest, ShelfOut
from server.people.access import child_for, now_of, staff_of, visitor_of
from server.people.children_access import children_for
from server.people.rules import Action
from server.web.openapi import api, query_of
from server.web.requests import json_body
from server.web.responses import json_answer


async def show(request: Request) -> Response:
    """Until when the person is on duty, and their packs."""
    sealed = query_of(request, sealed=Sealed)["sealed"]
    visitor, now = await staff_of(request), now_of(request)
    until = await checkouts.duty_ends(visitor, now)
    if until is None:
        return json_answer(ShelfOut(None, now, []))
    # A phone asks again all through the duty, which is one look at each child. When it asks by
    # itself, it leaves out children whose pack is sealed.
    among = await of_concern(visitor, now) if sealed == "no" else None
    every = checkouts.AT_MOST
    children = await children_for(request, Action.PACK_READ, among=among, at_most_every=every)
    return json_answer(ShelfOut(until, now, await shelf(visitor, children, until, now)))


async def carry(request: Request) -> Response:
    """Take one along."""
    child, _ = await child_for(
        request,
        request.path_params["child_id"],
        Action.PACK_READ,
        at_most_every=checkouts.AT_MOST,
    )
    visitor, now = await visitor_of(request), now_of(request)
    payload = await json_body(request, CarryRequest)
    if payload.why is not None and await open_since(child.id) is None:
        await check_browser(request, child)
    row = await checkouts.carry(visitor, child, why=payload.why, id=payload.id, now=now)
    return json_answer(CarriedOut(row.id, row.until_at, row.put_down_at is None))


async def put_down(request: Request) -> Response:
    """Return a pack: it is no longer on that phone."""
    child, _ = await child_for(
        request,
        request.path_params["child_id"],
        Action.PACK_READ,
        at_most_every=checkouts.AT_MOST,
    )
    await checkouts.put_down(await visitor_of(request), child, now_of(request))
    return Response(status_code=204)


Sealed = Literal["yes", "no"]
_CARRY = "/api/v1/children/{child_id:uuid}/pack/checkouts"

routes = [
    api(
        "GET",
        "/api/v1/packs",
        show,
        "The grab packs for the person on duty",
        gives={200: ShelfOut},
        query={"sealed": Sealed},
    ),
    api(
        "POST",
        _CARRY,
        carry,
        "Take the grab pack along on duty",
        takes=CarryRequest,
        gives={200: CarriedOut},
        problems=(Conflict, IdReused),
    ),
    api(
        "DELETE",
        _CARRY,
        put_down,
        "Stop keeping the grab pack on a phone",
        gives={204: None},
    ),
]
