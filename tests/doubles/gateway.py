"""An HTTP gateway as agencies rent them for SMS: keeps what Apprise's `json://` brings it."""

import asyncio
from dataclasses import dataclass
from threading import Event
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.doubles.ear import hear
from tests.doubles.thread import InThread


@dataclass
class Taken:
    """One call: to whom (the last part of the path, as sent and decoded), and what."""

    path: str
    to: str
    text: dict[str, Any]


class Gateway(InThread):
    """Answers `status`, or nothing at all while `hangs`."""

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.status = 200
        self.headers: dict[str, str] = {}
        self.hangs = False
        self.holds = Event()  # Somebody waits for an answer that does not come.
        self.taken: list[Taken] = []

    @property
    def template(self) -> str:
        return f"json://127.0.0.1:{self.port}/send/{{address}}"

    async def begin(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def end(self) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        path = request.raw_path
        text = await request.json() if request.can_read_body else {}
        hear("gateway", path, dict(request.headers), text)
        self.taken.append(Taken(path, unquote(path.rsplit("/", 1)[-1]), text))
        if self.hangs:
            self.holds.set()
            await asyncio.Event().wait()
        return web.Response(status=self.status, headers=self.headers)
