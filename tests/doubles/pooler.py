"""What a pooler in transaction mode does to us (PgBouncer), as a small double at the wire.

It refuses a connection that asks for a setting that it does not know, and takes LISTEN and loses
it: those who listen through it never hear what is announced. Texts in `spoiled` it has
prepared before a migration, for another client: PostgreSQL refuses their plan as soon as it is
described. Everything else it passes on.

    async with pooling(postgres.port) as port: ...
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

# What PgBouncer passes on; anything else ends the connection.
KNOWN = {"user", "database", "client_encoding", "timezone", "application_name", "datestyle"}
_NO_SSL, _SSL_REQUEST = b"N", 80877103
# A column that there is not, and what PostgreSQL says of a plan whose columns have changed.
_SPOILED = b"spoiled_plan"
_REFUSED_PLAN = (
    b"SERROR\0VERROR\0C0A000\0Mcached plan must not change result type\0RRevalidateCachedQuery\0\0"
)


@asynccontextmanager
async def pooling(port: int, spoiled: Collection[str] = ()) -> AsyncIterator[int]:
    """The port of a pooler before the PostgreSQL at `port` of loopback."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await _pass_on(port, spoiled, reader, writer)
        tasks.discard(task)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()


async def _pass_on(
    port: int,
    spoiled: Collection[str],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    start = await _first(reader, writer)
    if (stranger := _stranger_in(start)) is not None:
        writer.write(_refusal(f"unsupported startup parameter: {stranger}"))
        await writer.drain()
        return
    back, forth = await asyncio.open_connection("127.0.0.1", port)
    forth.write(start)
    answers = asyncio.create_task(_copy(back, writer))
    try:
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
            body = _without_listening(head[:1], body)
            body = _without_plan(head[:1], body, spoiled)
            head = head[:1] + struct.pack("!I", len(body) + 4)
            forth.write(head + body)
            await forth.drain()
    finally:
        answers.cancel()
        forth.close()


async def _first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    while True:
        head = await reader.readexactly(8)
        length, code = struct.unpack("!II", head)
        if code != _SSL_REQUEST:
            return head + await reader.readexactly(length - 8)
        writer.write(_NO_SSL)


def _without_listening(kind: bytes, body: bytes) -> bytes:
    """LISTEN is taken, and gone: the connection of the next transaction is another one."""
    name, mark, query = body.partition(b"\0") if kind == b"P" else (b"", b"", body)
    if kind not in (b"P", b"Q") or not query.upper().startswith(b"LISTEN"):
        return body
    return name + mark + b"SELECT 1\0" + query.partition(b"\0")[2]


def _without_plan(kind: bytes, body: bytes, spoiled: Collection[str]) -> bytes:
    """PostgreSQL refuses it, and ends the transaction as it does where a plan is refused."""
    name, mark, query = body.partition(b"\0") if kind == b"P" else (b"", b"", b"")
    text, end, types = query.partition(b"\0")
    if text.decode() not in spoiled:
        return body
    return name + mark + b"SELECT " + _SPOILED + end + types


def _stranger_in(start: bytes) -> str | None:
    names = start[8:].split(b"\0")[:-2:2]
    asked = [name.decode().lower() for name in names if name]
    return next((name for name in asked if name not in KNOWN), None)


def _refusal(words: str) -> bytes:
    return _fault(b"SFATAL\0VFATAL\0C08P01\0M" + words.encode() + b"\0\0")


def _fault(fields: bytes) -> bytes:
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
            is_plan = head[:1] == b"E" and _SPOILED in body
            writer.write(_fault(_REFUSED_PLAN) if is_plan else head + body)
            await writer.drain()
    # Who ends a session waits until the server has closed it.
    writer.close()
