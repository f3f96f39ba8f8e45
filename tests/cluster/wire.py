"""The end of the wire: a mail relay that writes down which message arrived where, and when."""

from __future__ import annotations

import asyncio
import email
from contextlib import suppress
from email.policy import default

from tests.cluster.history import History

PORT = 2525


class Wire:
    """Takes every mail. A message has the same Message-ID each time it is sent."""

    def __init__(self, address: str, history: History, port: int = PORT) -> None:
        self.address, self.port = address, port
        self.history = history
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"smtp://{self.address}:{self.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.address, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to: list[str] = []
        writer.write(b"220 ready\r\n")
        while line := (await reader.readline()).decode():
            verb = line[:4].upper()
            if verb == "RCPT":
                to.append(line.split("<")[1].split(">")[0])
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                self._arrived(raw, to)
                to = []
            answer = {"EHLO": b"250 rig\r\n", "QUIT": b"221 bye\r\n"}.get(verb, b"250 fine\r\n")
            writer.write(answer)
            await writer.drain()
            if verb == "QUIT":
                return

    def _arrived(self, raw: bytes, to: list[str]) -> None:
        mail = email.message_from_bytes(raw, policy=default)
        message = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        for address in to:
            self.history.add("arrived", message=message, to=address, subject=str(mail["Subject"]))
