"""The webhook: gateways hand in texts and mails to us."""

from typing import Annotated, Any

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.errors import Refused, TooLarge, Unauthenticated
from server.i18n import N_
from server.inbound.actions import Hook, count_refused, take
from server.inbound.rules import (
    LONGEST_ID,
    LONGEST_SENDER,
    LONGEST_TEXT,
    from_form,
    is_signed,
)
from server.people.access import now_of
from server.web.requests import clean_text, form_body, json_body
from server.web.responses import json_answer

LARGEST = 64_000
NOT_OURS = N_("No known gateway signed this, or it is too old.")


class HookRequest(msgspec.Struct):
    """What came in. `id` is the gateway's own; the same id again does nothing."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)]
    from_: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_SENDER)] = msgspec.field(
        name="from"
    )
    text: str
    received_at: str | None = None


class HookTaken(msgspec.Struct):
    """We heard it. The answer does not say whether we know the sender."""

    heard: bool


async def hook(request: Request) -> Response:
    """Take what a gateway hands in, if it signed it within the last five minutes."""
    channel, now = request.path_params["channel"], now_of(request)
    body = await request.body()
    if len(body) > LARGEST:
        raise TooLarge(N_("This is too much for one request."), limit_bytes=LARGEST)
    secrets = request.app.state.settings.inbound.get(channel, ())
    stamp = request.headers.get("x-waymark-timestamp", "")
    given = request.headers.get("x-waymark-signature", "")
    if not is_signed(secrets, stamp, body, given, now):
        if secrets:
            await count_refused(channel, now)
        raise Unauthenticated(NOT_OURS, code="bad_signature")
    payload = await _said(request, body)
    if len(payload.text) > LONGEST_TEXT:
        # A child's words are not thrown away for being long.
        payload = msgspec.structs.replace(payload, text=payload.text[:LONGEST_TEXT])
    await take(Hook(channel, payload.id, payload.from_, payload.text), now)
    return json_answer(HookTaken(True))


async def _said(request: Request, body: bytes) -> HookRequest:
    """The body, in our own shape or as a form of a gateway."""
    again = Request(request.scope, _replay(body))
    if not request.headers.get("content-type", "").startswith("application/json"):
        return _from_form(await form_body(again))
    return await json_body(again, HookRequest)


def _replay(body: bytes) -> Any:
    """The body once more, for a reader that wants to receive it itself."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _from_form(form: FormData) -> HookRequest:
    fields = from_form(dict(form))
    for name in ("id", "from", "text"):
        if name not in fields:
            raise Refused(N_("“{field}” is missing."), field=name)
    try:
        return msgspec.convert(
            {name: clean_text(text) for name, text in fields.items()}, HookRequest
        )
    except msgspec.ValidationError:
        raise Refused(N_("This is too long or empty."), field="id") from None


routes = [Route("/hooks/{channel}", hook, methods=["POST"])]
