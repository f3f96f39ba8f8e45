"""Looks are recorded just before an answer goes out."""

from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOKS = "waymark.looks"


class Looks:
    """Records the looks of a request just before its answer goes out: a refusal or a redirect shows
    nothing. Where they cannot be written, nothing is shown."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        looks: list[Callable[[], Awaitable[None]]] = []
        scope[_LOOKS] = looks

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:
                for leave in looks:
                    await leave()
            await send(message)

        await self.app(scope, receive, seen)


def leave_with_answer(request: HTTPConnection, leave: Callable[[], Awaitable[None]]) -> None:
    """Record a look by `leave` when the answer to this request goes out."""
    request.scope[_LOOKS].append(leave)
