"""What a phone asks about its own person: where messages reach them, and that one was shown."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import IdReused, NotFound, Refused, TooMany
from server.notify import arrivals
from server.notify.addresses import AddAddress, add_address, drop_address
from server.notify.channels.subscription import check_subscription
from server.notify.devices import COLUMNS, device_of
from server.notify.models import Address
from server.notify.push_health import Health, health
from server.notify.rules import PUSH
from server.people.access import nothing_here, now_of, visitor_of
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class Keys(msgspec.Struct):
    """The keys of a push subscription, base64url."""

    p256dh: Annotated[str, msgspec.Meta(max_length=128)]
    auth: Annotated[str, msgspec.Meta(max_length=64)]


class SubscriptionRequest(msgspec.Struct, rename={"expiration_time": "expirationTime"}):
    """What the browser's `PushSubscription.toJSON()` gives, and an id that the phone makes.
    `receipts`: this device reports when it has shown a push, so that silence means something."""

    id: UUID
    endpoint: Annotated[str, msgspec.Meta(max_length=2048)]
    keys: Keys
    expiration_time: float | None = None
    receipts: bool = False


class SubscriptionOut(msgspec.Struct):
    """A subscription, without its address. `seen_at`: it showed a message. `health`: how well
    pushes reach it; `stale` ones accepted pushes for a week and never showed one."""

    id: UUID
    made_at: datetime
    accepted_at: datetime | None
    seen_at: datetime | None
    current: bool
    health: Health


class SubscriptionsOut(msgspec.Struct):
    """The caller's subscriptions."""

    push_subscriptions: list[SubscriptionOut]


class ReceiptRequest(msgspec.Struct):
    """A message that was shown, by the id in its payload."""

    message: UUID


class ShownRequest(msgspec.Struct):
    """A push was shown: the token `r` of its payload, and when, by the clock of the device."""

    receipt: Annotated[str, msgspec.Meta(max_length=400)]
    shown_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


async def subscriptions(request: Request) -> Response:
    """Where pushes reach the caller."""
    visitor = await visitor_of(request)
    rows = await Address.filter(
        person_id=visitor.person_id, channel=PUSH, dropped_at__isnull=True
    ).order_by("made_at")
    now = now_of(request)
    return json_answer(SubscriptionsOut([_out(row, visitor.device_id, now) for row in rows]))


async def subscribe(request: Request) -> Response:
    """Send messages to this browser. The same subscription again refreshes it."""
    payload = await json_body(request, SubscriptionRequest)
    visitor = await visitor_of(request)
    given: dict[str, Any] = {
        "endpoint": payload.endpoint,
        "keys": msgspec.to_builtins(payload.keys),
    }
    endpoint, keys = check_subscription(given, request.app.state.settings.push_origins)
    now = now_of(request)
    address, is_new = await add_address(
        visitor,
        visitor.person_id,
        AddAddress(
            channel=PUSH, value=endpoint, keys=keys, id=payload.id, gives_receipts=payload.receipts
        ),
        now,
    )
    return json_answer(_out(address, visitor.device_id, now), status=201 if is_new else 200)


async def unsubscribe(request: Request) -> Response:
    """Send no messages to that browser any more."""
    visitor = await visitor_of(request)
    address_id = request.path_params["subscription_id"]
    if not await Address.exists(id=address_id, person_id=visitor.person_id, channel=PUSH):
        # An address of mail is removed by a person who has shown that it is them.
        raise nothing_here()
    await drop_address(visitor, visitor.person_id, address_id, now_of(request))
    return Response(status_code=204)


async def try_out(request: Request) -> Response:
    """Send a push to that browser, to see whether one arrives."""
    visitor = await visitor_of(request)
    address_id = request.path_params["subscription_id"]
    await arrivals.try_push(visitor, visitor.person_id, address_id, now_of(request))
    return Response(status_code=204)


async def shown(request: Request) -> Response:
    """A message was shown on this device: accepted is not seen, this is."""
    payload = await json_body(request, ReceiptRequest)
    visitor = await visitor_of(request)
    now = now_of(request)
    await arrivals.receipt(visitor.person_id, payload.message, now, device_id=visitor.device_id)
    return Response(status_code=204)


async def shown_by_token(request: Request) -> Response:
    """The same without a session, which a worker may have lost: the token names one delivery. A
    caller with an invented token learns nothing from the answer."""
    payload = await json_body(request, ShownRequest)
    await arrivals.shown(payload.receipt, payload.shown_at, now_of(request))
    return Response(status_code=204)


def _out(row: Address, device_id: UUID | None, now: datetime) -> SubscriptionOut:
    is_current = device_id is not None and row.device_id == device_id
    device = device_of({name: getattr(row, name) for name in COLUMNS})
    return SubscriptionOut(
        row.id,
        row.made_at,
        row.last_accepted_at,
        row.last_seen_at,
        current=is_current,
        health=health(device, now),
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
        problems=(Refused, IdReused, TooMany),
    ),
    api(
        "POST",
        f"{_PATH}/{{subscription_id:uuid}}/test",
        try_out,
        "Send a push to that browser, to see whether one arrives",
        gives={204: None},
        problems=(NotFound,),
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
        "/api/v1/receipts",
        shown_by_token,
        "Say that a push was shown, by its token",
        takes=ShownRequest,
        gives={204: None},
        is_open=True,
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
