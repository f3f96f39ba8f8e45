"""The line between us and PostgreSQL, which breaks at the worst moment: what was sent has arrived
and was done, and the answer never comes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.doubles.thread import InThread


class Line(InThread):
    """Passes everything on, until what `lose` names has been answered by the server."""

    def __init__(self, server: int) -> None:
        super().__init__()
        self._server = server
        self._word: bytes | None = None
        self.port = 0
        self.lost = 0

    def lose(self, word: bytes) -> None:
        """Once: the answer to the first message that has this in it."""
        self._word = word

    async def begin(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def end(self) -> None:
        self._listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            back, forth = await asyncio.open_connection("127.0.0.1", self._server)
            is_lost = asyncio.Event()
            answers = asyncio.create_task(self._answers(back, writer, is_lost))
            while data := await reader.read(65536):
                if self._word is not None and self._word in data:
                    self._word = None
                    is_lost.set()
                forth.write(data)
            answers.cancel()
            forth.close()
        writer.close()

    async def _answers(
        self, back: asyncio.StreamReader, writer: asyncio.StreamWriter, is_lost: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await back.read(65536):
                if is_lost.is_set():
                    self.lost += 1
                    writer.transport.abort()
                    return
                writer.write(data)
        writer.close()
