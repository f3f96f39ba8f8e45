"""Check-ins at a steady rate on loopback, over a few connections that stay open.

Each has a moment at which it is to be sent. Where all connections are busy it waits, and that time
counts: a server that falls behind cannot make its own figures better.
"""

import asyncio
import contextlib
import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from tests.bench.children import token_of
from tests.bench.load import post

CONNECTIONS = 64
ANSWER_S = 60.0
TRIES = 5


@dataclass
class Sent:
    """What came of it. `again`: sent once more, because a connection was closed or said nothing."""

    many: int = 0
    again: int = 0
    refused: int = 0
    confirmed: list[UUID] = field(default_factory=list)
    seconds: "array[float]" = field(default_factory=lambda: array("d"))


@dataclass
class _Connection:
    port: int
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> bytes:
        """The status of the answer, as b"201"."""
        if self.reader is None or self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await self.reader.readexactly(length)
        return head.split(b" ", 2)[1]

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def send(port: int, children: Sequence[UUID], many: int, rate: float, begin: float) -> Sent:
    """So many check-ins, so many a second from that moment of the loop's clock: one child after
    the other, and where all have answered, from the first one again."""
    sent, places = Sent(), iter(range(many))
    await asyncio.gather(
        *(_send(port, children, rate, begin, places, sent) for _ in range(CONNECTIONS))
    )
    return sent


async def _send(
    port: int,
    children: Sequence[UUID],
    rate: float,
    begin: float,
    places: Iterator[int],
    sent: Sent,
) -> None:
    loop, connection = asyncio.get_running_loop(), _Connection(port)
    for place in places:
        at = begin + place / rate
        await asyncio.sleep(max(0, at - loop.time()))
        id_ = uuid4()
        sent.many += 1
        status = await _tried(connection, _check_in(id_, children[place % len(children)]), sent)
        if status == b"201":
            sent.confirmed.append(id_)
            sent.seconds.append(loop.time() - at)
        else:
            sent.refused += 1
    connection.close()


async def _tried(connection: _Connection, request: bytes, sent: Sent) -> bytes:
    """As a phone does: without an answer, the same again. Empty: there was none."""
    for _ in range(TRIES):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with asyncio.timeout(ANSWER_S):
                return await connection.ask(request)
        connection.close()
        sent.again += 1
    return b""


def _check_in(id_: UUID, child: UUID) -> bytes:
    said = {"id": str(id_), "said_at": datetime.now(UTC).isoformat(), "mark": "a"}
    return post("/api/v1/check-ins", json.dumps(said).encode(), token_of(child))
