"""Looks are recorded just before an answer goes out."""

from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import WaymarkError

_LOOKS = "waymark.looks"
_EMPTY = 204


class Looks:
    """Records the looks of a request just before its answer goes out. A redirect, an empty answer
    and a fault show nothing; a form that was refused is shown again. Where the looks cannot be
    written, nothing is shown."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        looks: list[Callable[[], Awaitable[None]]] = []
        scope[_LOOKS] = looks

        async def leave_all() -> None:
            for leave in looks:
                await leave()

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start" and _shows(scope, message["status"]):
                await leave_all()
            await send(message)

        try:
            await self.app(scope, receive, seen)
        except WaymarkError as fault:
            # It is answered further out, with what it shows.
            if fault.shows:
                await leave_all()
            raise


def _shows(scope: Scope, status: int) -> bool:
    return bool(scope.get("waymark.shows")) or (200 <= status < 300 and status != _EMPTY)


def leave_with_answer(request: HTTPConnection, leave: Callable[[], Awaitable[None]]) -> None:
    """Record a look by `leave` when the answer to this request goes out."""
    request.scope[_LOOKS].append(leave)


def leave_none(request: HTTPConnection) -> None:
    """The answer to this request shows nothing of a child, after all."""
    request.scope[_LOOKS].clear()
