"""The webhook: gateways hand in texts and mails to us."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.errors import Unauthenticated
from server.i18n import N_
from server.inbound.actions import count_refused, take
from server.inbound.bodies import read
from server.inbound.rules import Seal
from server.people.access import now_of
from server.web.requests import header
from server.web.responses import json_answer

# What is longer is heard, as a message that we could not read.
LARGEST = 1_000_000
NOT_OURS = N_("No known gateway signed this, or it is too old.")


class HookTaken(msgspec.Struct):
    """We heard it. The answer does not say whether we know the sender."""

    heard: bool


async def hook(request: Request) -> Response:
    """Take what a gateway hands in, if it signed it within the last five minutes. What it signed is
    never refused: its sender would hear of that, and no adult."""
    channel, now = request.path_params["channel"], now_of(request)
    secrets = request.app.state.settings.inbound.get(channel, ())
    seal = Seal(secrets, header(request.scope, b"x-waymark-timestamp"))
    body = await _body(request, seal)
    if not seal.is_of(header(request.scope, b"x-waymark-signature"), now):
        if secrets:
            await count_refused(channel, now)
        raise Unauthenticated(NOT_OURS, code="bad_signature")
    await take(await read(channel, header(request.scope, b"content-type"), body), now)
    return json_answer(HookTaken(True))


async def _body(request: Request, seal: Seal) -> bytes:
    """As much of it as we read: strangers send here, too."""
    kept = bytearray()
    async for part in request.stream():
        seal.feed(part)
        kept += part[: LARGEST - len(kept)]
    return bytes(kept)


routes = [Route("/hooks/{channel}", hook, methods=["POST"])]
