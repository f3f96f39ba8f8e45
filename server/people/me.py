"""What a phone asks about itself: where messages reach it, and that one was shown."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import IdReused, Refused
from server.notify import actions
from server.notify.channels.subscription import check_subscription
from server.notify.models import Address
from server.notify.rules import PUSH
from server.openapi import api
from server.people.access import now_of, visitor_of
from server.web import json_answer, json_body


class Keys(msgspec.Struct):
    """The keys of a push subscription, base64url."""

    p256dh: Annotated[str, msgspec.Meta(max_length=128)]
    auth: Annotated[str, msgspec.Meta(max_length=64)]


class SubscriptionRequest(msgspec.Struct, rename={"expiration_time": "expirationTime"}):
    """What the browser's `PushSubscription.toJSON()` gives, and an id that the phone makes."""

    id: UUID
    endpoint: Annotated[str, msgspec.Meta(max_length=2048)]
    keys: Keys
    expiration_time: float | None = None


class SubscriptionOut(msgspec.Struct):
    """A subscription. Its address is not said again. `seen_at`: a message was shown by it."""

    id: UUID
    made_at: datetime
    accepted_at: datetime | None
    seen_at: datetime | None
    current: bool


class SubscriptionsOut(msgspec.Struct):
    """The subscriptions of the one who asks."""

    push_subscriptions: list[SubscriptionOut]


class ReceiptRequest(msgspec.Struct):
    """A message that was shown, by the id in its payload."""

    message: UUID


async def subscriptions(request: Request) -> Response:
    """Where pushes reach me."""
    visitor = await visitor_of(request)
    rows = await Address.filter(
        person_id=visitor.person_id, channel=PUSH, dropped_at__isnull=True
    ).order_by("made_at")
    return json_answer(SubscriptionsOut([_out(row, visitor.device_id) for row in rows]))


async def subscribe(request: Request) -> Response:
    """Messages shall reach this browser. The same subscription again refreshes it."""
    said = await json_body(request, SubscriptionRequest)
    visitor = await visitor_of(request)
    given: dict[str, Any] = {"endpoint": said.endpoint, "keys": msgspec.to_builtins(said.keys)}
    endpoint, keys = check_subscription(given, request.app.state.settings.push_origins)
    address, is_new = await actions.add_address(
        visitor, visitor.person_id, PUSH, endpoint, keys=keys, id=said.id, now=now_of(request)
    )
    return json_answer(_out(address, visitor.device_id), status=201 if is_new else 200)


async def unsubscribe(request: Request) -> Response:
    """Messages shall not reach that browser any more."""
    visitor = await visitor_of(request)
    address_id = request.path_params["subscription_id"]
    await actions.drop_address(visitor, visitor.person_id, address_id, now_of(request))
    return Response(status_code=204)


async def shown(request: Request) -> Response:
    """A message was shown on this device: accepted is not seen, this is."""
    said = await json_body(request, ReceiptRequest)
    visitor = await visitor_of(request)
    await actions.receipt(visitor.person_id, said.message, now_of(request))
    return Response(status_code=204)


def _out(row: Address, device_id: UUID | None) -> SubscriptionOut:
    is_current = device_id is not None and row.device_id == device_id
    return SubscriptionOut(
        row.id, row.made_at, row.last_accepted_at, row.last_seen_at, current=is_current
    )


_PATH = "/api/v1/push-subscriptions"

routes = [
    api("GET", _PATH, subscriptions, "Where pushes reach me", gives={200: SubscriptionsOut}),
    api(
        "POST",
        _PATH,
        subscribe,
        "Let pushes reach this browser",
        takes=SubscriptionRequest,
        gives={201: SubscriptionOut, 200: SubscriptionOut},
        problems=(Refused, IdReused),
    ),
    api(
        "DELETE",
        f"{_PATH}/{{subscription_id:uuid}}",
        unsubscribe,
        "Let no pushes reach that browser any more",
        gives={204: None},
    ),
    api(
        "POST",
        "/api/v1/push-receipts",
        shown,
        "Say that a message was shown",
        takes=ReceiptRequest,
        gives={204: None},
    ),
]
