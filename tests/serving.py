"""The whole application with the cast in it, behind a real server on loopback.

with serving(database.url, folder) as served:
    httpx2.get(f"{served.url}/api/v1/me", headers=served.bearer("mia"))
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import uvicorn
from starlette.applications import Starlette

from server.app import create_app
from server.auth.passwords import Passwords
from server.clock import utcnow
from server.security import encryption
from server.settings import load
from server.web.connections.guarded import Guarded
from tests.cast import Cast, build

READY_S = 60


@dataclass
class Served:
    """A running server, and a way in for each of the cast."""

    url: str
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, UUID] = field(default_factory=dict)

    def bearer(self, name: str) -> dict[str, str]:
        """The header with which that person comes in."""
        return {"authorization": f"Bearer {self.tokens[name]}"}


@contextmanager
def serving(database_url: str, folder: Path) -> Iterator[Served]:
    """Serve a migrated database for the length of the block, by the real clock."""
    # Named as TCP, else asyncio leaves small answers to wait for the other side: 40 ms each.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        settings = load(
            {"WAYMARK_DATABASE_URL": database_url, "WAYMARK_VAR": str(folder), "PORT": str(port)},
            folder,
        )
        served = Served(settings.public_url)
        passwords = Passwords(time_cost=1, memory_cost=8, parallelism=1)

        @asynccontextmanager
        async def with_cast(app: Starlette) -> AsyncIterator[None]:
            made: Cast = await build(app, settings, utcnow, passwords)
            served.tokens.update(made.tokens)
            served.ids.update({name: person.id for name, person in made.persons.items()})
            yield

        app = create_app(settings, passwords=passwords, companions=[with_cast])
        config = uvicorn.Config(
            app, http=Guarded, log_config=None, access_log=False, proxy_headers=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True
        )
        thread.start()
        ready = threading.Event()
        for _ in range(READY_S * 20):
            if server.started or not thread.is_alive():
                break
            ready.wait(0.05)
        assert server.started, "the server did not start"
        try:
            yield served
        finally:
            server.should_exit = True
            thread.join(timeout=30)
            encryption.use(None)
