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

A pooler that gives out one connection for each transaction (PgBouncer) accepts LISTEN and loses it,
without an error. So the listener sends a test announcement, at the start and each minute, and must
hear it. While it does not, `is_live` is False: pages show that, and hear RESYNC each half minute.
WAYMARK_LISTEN_URL is an address past the pooler.
"""

import asyncio
import secrets
import signal
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Self
from uuid import UUID

import asyncpg
from starlette.responses import StreamingResponse
from tortoise import fields
from tortoise.models import Model

from server import logs
from server.clock import monotonic
from server.errors import WaymarkError
from server.storage.db import (
    RawSqlite,
    after_commit,
    dialect,
    fetch,
    is_writing,
    opened_url,
    sqlite_file,
)
from server.storage.engines import address

RESYNC = "resync"
CHANNEL = "waymark"
LOOK_S = 1.0
KEEP_ALIVE_S = 15.0
# At this topic we ask whether the reader still has rights: before each event, and this often
# besides, since ties and duties end by time alone. A burst of events asks once a second.
RIGHTS = "rights"
CHECK_S = 5.0
CHECKED_S = 1.0
ECHO_EVERY_S = 60.0
ECHO_WITHIN_S = 5.0
LOOK_AGAIN_S = 30.0  # While nothing is heard: pages ask again, the listener retries.
ECHO = "echo"
LONGEST_S = 1800.0  # Then the page connects again.
MOST_TOPICS = 16

_log = logs.get("live")


class Signal(Model):
    """How often a topic of an agency was announced: for SQLite alone. `key` is "agency topic"."""

    key = fields.CharField(max_length=64, primary_key=True)
    number = fields.BigIntField()

    class Meta:
        table = "signal"


_COUNT_UP = (
    "INSERT INTO signal (key, number) VALUES ($1, 1)"
    " ON CONFLICT (key) DO UPDATE SET number = signal.number + 1 RETURNING number"
)


class Subscription:
    """The topics that one page has yet to hear of: each once, however often it was announced."""

    def __init__(self, hub: "_Hub", *places: UUID) -> None:
        self._hub = hub
        self._places = frozenset(places)
        self._topics: dict[str, None] = {}  # An ordered set.
        self._awake = asyncio.Event()
        self._closed = False
        for place in self._places:
            hub.enter(place, self)

    def put(self, topic: str) -> None:
        """Let the page hear of a topic. A page that is too slow hears RESYNC instead."""
        if topic == RESYNC or len(self._topics) >= MOST_TOPICS:
            self._topics = {RESYNC: None}
        elif RESYNC not in self._topics:
            self._topics[topic] = None
        self._awake.set()

    def close(self) -> None:
        """Stop listening; a task that waits for a topic is released."""
        if not self._closed:
            self._closed = True
            for place in self._places:
                self._hub.leave(place, self)
            self._awake.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not self._topics:
            if self._closed:
                raise StopAsyncIteration
            self._awake.clear()
            await self._awake.wait()
        topic = next(iter(self._topics))
        del self._topics[topic]
        return topic


class _Hub:
    """The listeners of this process."""

    def __init__(self) -> None:
        self._listening: dict[UUID, set[Subscription]] = {}
        self._numbers: dict[str, int] = {}
        self.is_ending = False
        self.is_live = True

    def enter(self, agency_id: UUID, subscription: Subscription) -> None:
        self._listening.setdefault(agency_id, set()).add(subscription)

    def leave(self, agency_id: UUID, subscription: Subscription) -> None:
        there = self._listening.get(agency_id, set())
        there.discard(subscription)
        if not there:
            self._listening.pop(agency_id, None)

    def count(self) -> int:
        return len({subscription for there in self._listening.values() for subscription in there})

    def tell(self, agency_id: UUID, topic: str) -> None:
        for subscription in self._listening.get(agency_id, ()):
            subscription.put(topic)

    def resync(self) -> None:
        for there in self._listening.values():
            for subscription in there:
                subscription.put(RESYNC)

    def be_live(self, *, is_live: bool) -> None:
        """Set whether announcements arrive. Pages then ask again, and read it."""
        if self.is_live != is_live:
            self.is_live = is_live
            (_log.info if is_live else _log.warning)("live" if is_live else "not_live")
        self.resync()

    def counted(self, key: str, number: int) -> None:
        """A topic was announced for the `number`th time; told once, by the way that came first."""
        if self._numbers.get(key, 0) < number:
            self._numbers[key] = number
            agency_id, _, topic = key.partition(" ")
            self.tell(UUID(agency_id), topic)

    def remember(self, key: str, number: int) -> None:
        self._numbers[key] = number

    def end(self) -> None:
        """Let every stream come to its end, so that the server can stop."""
        self.is_ending = True
        for there in list(self._listening.values()):
            for subscription in list(there):
                subscription.close()


_hub = _Hub()
_task: asyncio.Task[None] | None = None
_restore: Callable[[], None] | None = None


async def announce(agency_id: UUID, topic: str) -> None:
    """Let every listening page of the agency hear of the topic once this write() is stored."""
    assert is_writing(), "announce belongs into a write()"
    assert topic.isidentifier(), "a topic is one plain word"
    if dialect() == "postgres":
        await fetch("SELECT pg_notify($1, $2)", [CHANNEL, f"{agency_id} {topic}"])
        return
    key = f"{agency_id} {topic}"
    (row,) = await fetch(_COUNT_UP, [key])
    after_commit(partial(_hub.counted, key, row["number"]))


def announce_in_batch(connection: RawSqlite, agency_id: UUID, topic: str) -> Callable[[], None]:
    """The same inside a batch on SQLite. The caller calls the result on the loop, after the
    commit."""
    key = f"{agency_id} {topic}"
    (row,) = connection.fetch(_COUNT_UP, [key])
    return partial(_hub.counted, key, row["number"])


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
    _hub = _Hub()
    ready = asyncio.Event()
    if dialect() == "postgres":
        _hub.is_live = False  # Until the first announcement comes back.
        listening = _listen_on_postgres(_hub, ready, listen_url or opened_url())
    else:
        listening = _look_at_sqlite(_hub, ready)
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


def _end_streams_on_signal(hub: _Hub) -> Callable[[], None] | None:
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


async def _look_at_sqlite(hub: _Hub, ready: asyncio.Event) -> None:
    # Short calls, and so on the loop: a thread would cost more than they do.
    connection = RawSqlite(sqlite_file(), {"busy_timeout": 0})
    try:
        version, numbers = None, hub.remember
        while True:
            try:
                seen = connection.fetch("PRAGMA data_version")[0]["data_version"]
                if seen != version:
                    for row in connection.fetch("SELECT key, number FROM signal"):
                        numbers(row["key"], row["number"])
                    version, numbers = seen, hub.counted
            except sqlite3.OperationalError as fault:
                _log.warning("cannot_look", exc=fault)
            ready.set()
            await asyncio.sleep(LOOK_S)
    finally:
        connection.close()


async def _listen_on_postgres(hub: _Hub, ready: asyncio.Event, url: str) -> None:
    pause = 0.5
    while True:
        try:
            async for is_live in _hearing(hub, url):
                # Pages may have missed announcements before this.
                hub.be_live(is_live=is_live)
                ready.set()
                pause = 0.5 if is_live else LOOK_AGAIN_S
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, WaymarkError) as fault:
            _log.warning("not_listening", exc=fault)
            hub.be_live(is_live=False)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LOOK_AGAIN_S)


async def _hearing(hub: _Hub, url: str) -> AsyncIterator[bool]:
    """Listen until the connection is lost, or hears nothing: yields whether it hears, at the start
    and after each test."""
    lost, echo = asyncio.Event(), Echo()
    connection = await connect(url)
    try:
        connection.add_termination_listener(lambda _connection: lost.set())
        await connection.add_listener(CHANNEL, partial(_heard, hub, echo))
        if not await echo.comes_back():
            yield False
            return
        yield True
        until = monotonic() + ECHO_EVERY_S
        while not lost.is_set():
            try:
                async with asyncio.timeout(min(KEEP_ALIVE_S, ECHO_EVERY_S)):
                    await lost.wait()
            except TimeoutError:
                # A connection that a firewall forgot looks alive until we use it.
                await connection.execute("SELECT 1", timeout=5)
                if monotonic() >= until:
                    if not await echo.comes_back():
                        yield False
                        return
                    until = monotonic() + ECHO_EVERY_S
    finally:
        connection.terminate()


class Echo:
    """A test announcement: the process that sends it must hear it again."""

    def __init__(self) -> None:
        self._word = ""
        self._came = asyncio.Event()

    async def comes_back(self) -> bool:
        """Announce by the pool, and wait for it. By the listening connection it would prove
        nothing: a pooler may give the same connection twice."""
        self._word = secrets.token_hex(8)
        self._came.clear()
        await fetch("SELECT pg_notify($1, $2)", [CHANNEL, f"{ECHO} {self._word}"])
        try:
            async with asyncio.timeout(ECHO_WITHIN_S):
                await self._came.wait()
        except TimeoutError:
            return False
        return True

    def hear(self, word: str) -> None:
        """An echo came, of this process or of another one."""
        if word == self._word:
            self._came.set()


async def is_heard(listen_url: str | None = None) -> bool:
    """Whether announcements in the open database are heard there. Raises OSError and the errors of
    the driver where the connection fails."""
    if dialect() != "postgres":
        return True
    echo = Echo()
    connection = await connect(listen_url or opened_url())
    try:
        await connection.add_listener(CHANNEL, partial(_heard, _Hub(), echo))
        return await echo.comes_back()
    finally:
        connection.terminate()


async def connect(url: str) -> Any:
    """A connection apart from the pool."""
    place = address.parse(url).credentials
    return await asyncpg.connect(**{name: place[name] for name in _CONNECT & place.keys()})


_CONNECT = {
    "host",
    "port",
    "user",
    "password",
    "database",
    "ssl",
    "timeout",
    "server_settings",
    "target_session_attrs",
}


def _heard(
    hub: _Hub, echo: Echo, _connection: Any, _process: int, _channel: str, payload: str
) -> None:
    agency_id, _, topic = payload.partition(" ")
    if agency_id == ECHO:
        echo.hear(topic)
        return
    try:
        hub.tell(UUID(agency_id), topic)
    except ValueError:
        # Any program with access to the database may send anything on the channel.
        _log.warning("heard_something_else")
