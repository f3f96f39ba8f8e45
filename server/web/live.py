"""Telling open pages that something changed, as it changes.

    async with write():
        ...
        await announce(agency_id, "alerts")       heard when, and only if, it is stored

    def events(request):                          a route of the desk
        return stream(agency_id, still=...)       Server-Sent Events: `event: alerts`

An announcement names an agency and a topic, and has no content. (A project is a listening place of
its own, under the id of its child.) A page that hears of a topic requests its data again, by the
route that checks rights.

On PostgreSQL it is NOTIFY, in the transaction, with one listening connection for each process. (A
NOTIFY makes commits queue up behind each other: announce what people look at, not everything.) On
SQLite the transaction counts up a row. Pages of the same process hear at once. Other processes
check once a second whether the file changed at all, which takes some microseconds, and if so, which
rows did. Delivery is not reliable: after a lost connection, or where a page was slow, everyone
hears RESYNC, which means "look at everything again".

Where this process hears no announcements (listening.py), `is_live` is False: pages show that, and
hear RESYNC each half minute.
"""

import asyncio
import secrets
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from starlette.responses import StreamingResponse
from tortoise import fields
from tortoise.models import Model

from server import logs
from server.clock import monotonic
from server.storage.db import (
    after_commit,
    at_end,
    dialect,
    fetch,
    is_writing,
    opened_url,
)
from server.web.hub import RESYNC, Hub, Subscription
from server.web.listening import CHANNEL, KEEP_ALIVE_S, listen_on_postgres, look_at_sqlite

# At this topic we ask whether the reader still has rights: before each event, and this often
# besides, since ties and duties end by time alone. A burst of events asks once a second.
RIGHTS = "rights"
CHECK_S = 5.0
CHECKED_S = 1.0
LONGEST_S = 1800.0  # Then the page connects again.

_log = logs.get("live")


class Signal(Model):
    """How often a topic of an agency was announced: for SQLite alone. `key` is "agency topic"."""

    key = fields.CharField(max_length=64, primary_key=True)
    number = fields.BigIntField()

    class Meta:
        table = "signal"


# Without a WHERE, SQLite takes ON CONFLICT for the ON of a join.
_COUNT_UP = (
    "INSERT INTO signal (key, number) SELECT value, 1 FROM json_each($1) WHERE true"
    " ON CONFLICT (key) DO UPDATE SET number = signal.number + 1 RETURNING key, number"
)


_hub = Hub()
_task: asyncio.Task[None] | None = None
_restore: Callable[[], None] | None = None


async def announce(agency_id: UUID, topic: str) -> None:
    """Let every listening page of the agency hear of the topic once this write() is stored. All
    that one announces is one statement, at its end."""
    assert is_writing(), "announce belongs into a write()"
    assert topic.isidentifier(), "a topic is one plain word"
    at_end(_announce_all, f"{agency_id} {topic}")


async def _announce_all(keys: list[str]) -> None:
    if dialect() == "postgres":
        await fetch("SELECT pg_notify($1, x) FROM unnest($2::text[]) AS x", [CHANNEL, keys])
        return
    for row in await fetch(_COUNT_UP, [keys]):
        after_commit(partial(_hub.counted, row["key"], row["number"]))


def subscribe(agency_id: UUID) -> Subscription:
    """The topics of the agency as they are announced: an async iterator. Close it when done."""
    return Subscription(_hub, agency_id)


def listeners() -> int:
    """How many pages listen in this process."""
    return _hub.count()


def is_live() -> bool:
    """Whether this process hears announcements; if not, pages look by themselves."""
    return _hub.is_live


def stream(place: UUID, *also: UUID, still: Callable[[], Awaitable[bool]]) -> StreamingResponse:
    """A response of Server-Sent Events: `event:` is the topic, `data:` an empty object.

    It begins with RESYNC, since something may have changed between the page and its stream. It ends
    when the page goes away, when the server stops, and after half an hour; browsers connect again
    by themselves. The caller checks rights first. The stream ends within seconds once `still` says
    that the reader has lost them: `also` names further places where such a change is announced.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    lines = _lines(Subscription(_hub, place, *also), still)
    return StreamingResponse(lines, media_type="text/event-stream", headers=headers)


async def _lines(
    subscription: Subscription, still: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    said_at = checked_at = monotonic()
    until = said_at + LONGEST_S
    if _hub.is_ending:
        subscription.close()
    try:
        # Not all at the same moment after a restart.
        yield f"retry: {1000 + secrets.randbelow(3000)}\n\n"
        subscription.put(RESYNC)
        while monotonic() < until:
            topic = await _next(subscription)
            if topic == "":
                return
            if topic in (None, RIGHTS) or monotonic() - checked_at >= CHECKED_S:
                if not await _may_still(still):
                    return
                checked_at = monotonic()
            if topic not in (None, RIGHTS):
                said_at = monotonic()
                yield f"event: {topic}\ndata: {{}}\n\n"
            elif monotonic() - said_at >= KEEP_ALIVE_S:
                said_at = monotonic()
                yield ": still here\n\n"
    finally:
        subscription.close()


async def _next(subscription: Subscription) -> str | None:
    """The next topic; None where there is none until it is time to ask about rights; nothing where
    the stream comes to its end."""
    try:
        async with asyncio.timeout(CHECK_S):
            return await anext(subscription)
    except TimeoutError:
        return None
    except StopAsyncIteration:
        return ""


async def _may_still(still: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await still()
    except Exception as fault:
        # The database is away: the page connects again, and we ask then.
        _log.warning("cannot_ask_for_rights", exc=fault)
        return False


async def open_live(listen_url: str | None = None) -> None:
    """Begin to listen, in the process that serves pages; after open_database. `listen_url`: where
    PostgreSQL announces, if not at the open database."""
    global _hub, _task, _restore
    assert _task is None, "it is listening already"
    _hub = Hub()
    ready = asyncio.Event()
    if dialect() == "postgres":
        _hub.is_live = False  # Until the first announcement comes back.
        listening = listen_on_postgres(_hub, ready, listen_url or opened_url())
    else:
        listening = look_at_sqlite(_hub, ready)
    _task = asyncio.create_task(listening)
    _restore = _end_streams_on_signal(_hub)
    # Not for ever: pages work without it, and the task goes on trying.
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            await ready.wait()


async def close_live() -> None:
    """End every stream and stop listening."""
    global _task, _restore
    task, _task = _task, None
    restore, _restore = _restore, None
    if restore is not None:
        restore()
    _hub.end()
    if task is not None:
        task.cancel()
        await asyncio.wait({task})


def _end_streams_on_signal(hub: Hub) -> Callable[[], None] | None:
    """End the streams when the process is asked to stop, then run the former handler.

    A server waits for its open responses before it tells the application that it stops. Streams
    that end only then would delay it until it is killed.
    """
    if threading.current_thread() is not threading.main_thread():
        return None
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def stop(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(hub.end)
        if callable(before[number]):
            before[number](number, frame)

    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)
        # Only where a server has a handler: else the process would no longer stop.
        if callable(handler):
            before[number] = handler
            signal.signal(number, stop)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore
