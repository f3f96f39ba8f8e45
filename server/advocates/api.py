"""The child's own advocate on the phone: who it is, until when, what they may know, and the end."""

from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.advocates import actions
from server.advocates.reading import seats_of, task_of
from server.errors import NotFound
from server.people.access import now_of, own_child, visitor_of
from server.people.models import Child
from server.people.rules import Action
from server.tasks.rules import Kind
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class AdvocateOut(msgspec.Struct):
    """An advocate who is there now. `person_id`: who reads a message with this `advocate_id`.
    `tells_alerts`: the child lets them know when adults have been called."""

    id: UUID
    person_id: UUID
    name: str
    from_at: datetime
    until_at: datetime | None
    has_joined: bool
    tells_alerts: bool


class AdvocatesOut(msgspec.Struct):
    """The child's advocates. `asked_at`: since when the child has been waiting for one."""

    advocates: list[AdvocateOut]
    asked_at: datetime | None


class ShareRequest(msgspec.Struct):
    """What this advocate may know."""

    tells_alerts: bool


async def show(request: Request) -> Response:
    """My advocates."""
    child, _ = await own_child(request, Action.ADVOCATE_KEEP)
    return await _answer(request, child)


async def ask(request: Request) -> Response:
    """I want an advocate."""
    child, _ = await own_child(request, Action.ADVOCATE_KEEP)
    await actions.wish(await visitor_of(request), child, now_of(request))
    return await _answer(request, child)


async def take_back(request: Request) -> Response:
    """I do not want one after all."""
    child, _ = await own_child(request, Action.ADVOCATE_KEEP)
    await actions.take_wish_back(await visitor_of(request), child, now_of(request))
    return Response(status_code=204)


async def share(request: Request) -> Response:
    """What this advocate may know."""
    child, _ = await own_child(request, Action.ADVOCATE_KEEP)
    payload = await json_body(request, ShareRequest)
    visitor, tie_id = await visitor_of(request), request.path_params["advocacy_id"]
    await actions.share(visitor, child, tie_id, alerts=payload.tells_alerts, now=now_of(request))
    return await _answer(request, child)


async def end(request: Request) -> Response:
    """I do not want this advocate any more."""
    child, _ = await own_child(request, Action.ADVOCATE_KEEP)
    tie_id = request.path_params["advocacy_id"]
    await actions.end_by_child(await visitor_of(request), child, tie_id, now_of(request))
    return Response(status_code=204)


async def _answer(request: Request, child: Child) -> Response:
    seats = await seats_of(child.id, now_of(request))
    wish = await task_of(child.id, Kind.ADVOCATE_WISH)
    return json_answer(
        AdvocatesOut(
            [
                AdvocateOut(
                    id=seat.tie.id,
                    person_id=seat.tie.person_id,
                    name=seat.name,
                    from_at=seat.tie.from_at,
                    until_at=seat.tie.until_at,
                    has_joined=seat.can_sign_in,
                    tells_alerts=seat.tells_alerts,
                )
                for seat in seats
            ],
            wish.set_at if wish is not None else None,
        )
    )


_PATH, _WISH = "/api/v1/advocates", "/api/v1/advocate-wish"
_ONE = f"{_PATH}/{{advocacy_id:uuid}}"

routes = [
    api("GET", _PATH, show, "My advocates", gives={200: AdvocatesOut}),
    api("POST", _WISH, ask, "Ask for an advocate", gives={200: AdvocatesOut}),
    api("DELETE", _WISH, take_back, "Ask for none any more", gives={204: None}),
    api(
        "PATCH",
        _ONE,
        share,
        "What an advocate may know",
        takes=ShareRequest,
        gives={200: AdvocatesOut},
        problems=(NotFound,),
    ),
    api("DELETE", _ONE, end, "End an advocate", gives={204: None}, problems=(NotFound,)),
]
