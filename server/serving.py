"""Serving: the socket, the web server, and the ticker beside it."""

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from server import logs
from server.clock import utcnow
from server.notify.channels.configured import configured
from server.settings import Settings, load
from server.starting import importing_rooms
from server.tracing import traced

if TYPE_CHECKING:
    from server.app import Companion

    with importing_rooms():
        from server.ticker import Ticker

GRACE_S = 10
BACKLOG = 2048
# Collect cycles after so many new objects: those of some hundred requests.
NEW_OBJECTS = 10_000
# As often as this we say that our loop runs: to systemd (sd_notify), and by the age of a file.
ALIVE_EVERY_S = 5
# How the workers of one start know that none of them is to tick.
_NO_TICKER = "_WAYMARK_NO_TICKER"


def listen(settings: Settings) -> socket.socket:
    """The socket, bound before anything else happens: a port that is taken is one clear line.

    It listens at once, since two may bind the same port as long as neither does.
    """
    kind = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named as TCP: a loop that is not uvloop sets TCP_NODELAY on no other.
    listener = socket.socket(kind, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as fault:
        listener.close()
        raise OSError(
            f"Cannot listen on {settings.host} port {settings.port}: {fault.strerror}"
        ) from fault
    return listener


def serve_workers(settings: Settings, workers: int, *, with_ticker: bool) -> None:
    """Serve with several processes, until they are told to stop."""
    os.environ.update(
        HOST=settings.host,
        PORT=str(settings.port),
        **{_NO_TICKER: "" if with_ticker else "1"},
    )
    uvicorn.run("server.serving:worker", factory=True, workers=workers, **_uvicorn(settings))


def worker() -> Any:
    """The application of one of several worker processes. Each may tick: wasteful, never wrong."""
    logs.configure()
    settings = load(dict(os.environ))
    return _application(settings, with_ticker=not os.environ.get(_NO_TICKER))


def _uvicorn(settings: Settings) -> dict[str, Any]:
    from server.web.connections.guarded import Guarded

    return {
        "host": settings.host,
        "port": settings.port,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "date_header": True,
        "timeout_graceful_shutdown": GRACE_S,
        "backlog": BACKLOG,
        "http": Guarded,
        # The middleware reads forwarded headers, from trusted proxies alone.
        "proxy_headers": False,
    }


def _application(settings: Settings, *, with_ticker: bool) -> Any:
    # A ticker alone needs no page, and the web alone no ticker: each is imported where it begins.
    with importing_rooms():
        from server.app import create_app

    companions = [_beside] if with_ticker else []
    return create_app(settings, companions=[_traced, *companions, settled, _alive])


@contextlib.asynccontextmanager
async def _traced(_app: Any) -> AsyncIterator[None]:
    with traced(os.environ):
        yield


@contextlib.asynccontextmanager
async def _alive(app: Any) -> AsyncIterator[None]:
    async with alive(app.state.settings):
        yield


@contextlib.asynccontextmanager
async def _beside(app: Any) -> AsyncIterator[None]:
    """The ticker beside the web, for as long as that runs."""
    async with ticking(app.state.settings):
        yield


@contextlib.asynccontextmanager
async def settled(_app: Any = None) -> AsyncIterator[None]:
    """What was made at the start is there to stay, so the collector of cycles leaves it alone.

    Going through all of it, and that for every few hundred new objects, took two fifths of the time
    of a check-in. Nothing is collected before: of 185,000 objects ten are garbage by then, and to
    find them took a tenth of a second of the start.
    """
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


@contextlib.asynccontextmanager
async def alive(settings: Settings) -> AsyncIterator[None]:
    """While the block runs, say that this process is ready and its loop runs.

    It says nothing of ticks: the first one after an outage may take minutes, and a process that
    was ended for that would never get through. Alerts tell of ticks that do not come.
    """
    saying = asyncio.create_task(_say_alive(settings.alive_file))
    _tell_systemd("READY=1")
    try:
        yield
    finally:
        _tell_systemd("STOPPING=1")
        saying.cancel()


async def _say_alive(file: Path | None) -> None:
    while True:
        _tell_systemd("WATCHDOG=1")
        _touch(file)
        await asyncio.sleep(ALIVE_EVERY_S)


def _touch(file: Path | None) -> None:
    """A disk that is full must not end a server that can still take answers."""
    if file is not None:
        with contextlib.suppress(OSError):
            file.touch()


def _tell_systemd(state: str) -> None:
    """As sd_notify(3) does it; nothing where no service manager asks, or it went away."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as notify,
    ):
        # A name that begins with @ is one of the abstract namespace.
        notify.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        notify.send(state.encode())


@contextlib.asynccontextmanager
async def ticking(settings: Settings) -> AsyncIterator["Ticker"]:
    """A ticker, for as long as the block runs."""
    with importing_rooms():
        from server.ticker import Ticker

        # Each channel imports the library that it sends with.
        channels = configured(settings, utcnow)
    async with contextlib.AsyncExitStack() as stack:
        for channel in channels.values():
            await channel.open()
            stack.push_async_callback(channel.close)
        ticker = Ticker(settings, channels, utcnow)
        # At once, so that what we missed while no ticker ran is found before anyone asks.
        await ticker.first()
        await ticker.start()
        stack.push_async_callback(ticker.stop)
        yield ticker


async def run_server(
    settings: Settings,
    listener: socket.socket,
    *,
    with_ticker: bool,
    companion: "Companion | None" = None,
) -> int:
    """Serve on that socket until the process is told to stop; returns the exit code."""
    logs.configure()
    app = _application(settings, with_ticker=with_ticker)
    if companion is not None:
        app.state.companions.insert(0, companion)
    logs.get("web").info("listening", host=settings.host, port=settings.port)
    server = uvicorn.Server(uvicorn.Config(app, **_uvicorn(settings)))
    await server.serve(sockets=[listener])
    return 0 if server.started else 1
