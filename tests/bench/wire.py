"""A wire with a meter: passes bytes on between a browser and a server, and counts them.

Whatever a page, its worker or the browser itself fetches goes through here, and nothing that comes
out of a cache does. Only what travels towards the phone is counted: heads and bodies as sent.
"""

import asyncio
import contextlib
import re
from dataclasses import dataclass, field

from tests.doubles.thread import InThread

_REQUEST = re.compile(rb"\A([A-Z]+) (\S+) HTTP/1\.1\r\n")
_KIND = re.compile(rb"\r\ncontent-type: ([^;\r\n]+)", re.IGNORECASE)


@dataclass
class Fetched:
    """One request and what came back."""

    method: str
    path: str
    size: int = 0
    kind: str = ""


@dataclass
class Meter(InThread):
    """Listens on a port of its own and passes on to `port`."""

    target: int
    port: int = 0
    fetched: list[Fetched] = field(default_factory=list)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def size(self) -> int:
        return sum(one.size for one in self.fetched)

    @property
    def scripts(self) -> int:
        return sum(one.size for one in self.fetched if "javascript" in one.kind)

    def clear(self) -> None:
        """Begin to count anew."""
        self.fetched.clear()

    def cut(self) -> None:
        """From now on nothing comes through."""

        async def cutting() -> None:
            self._server.close()
            for writer in self._open:
                writer.close()

        self.do(cutting())

    async def begin(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def end(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
            mine: list[Fetched] = []
            async with asyncio.TaskGroup() as group:
                group.create_task(self._up(reader, back, mine))
                group.create_task(self._down(there, writer, mine))
        self._open.discard(writer)

    async def _up(
        self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, mine: list[Fetched]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                # On HTTP/1.1 a browser asks again on a connection when it has its answer.
                if found := _REQUEST.match(data):
                    mine.append(Fetched(found[1].decode(), found[2].decode()))
                    self.fetched.append(mine[-1])
                back.write(data)
                await back.drain()
        back.close()

    async def _down(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, mine: list[Fetched]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await there.read(65536):
                if mine:
                    mine[-1].size += len(data)
                    if not mine[-1].kind and (found := _KIND.search(data)):
                        mine[-1].kind = found[1].decode()
                writer.write(data)
                await writer.drain()
        writer.close()
