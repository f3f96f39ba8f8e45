"""The composition root of the web: every room's routes, what they share, and how it starts.

Only this module, ticker.py, serving.py and __main__.py know every room, and nothing imports them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import quote

from asyncpg.exceptions import PostgresConnectionError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import Scope
from tortoise.exceptions import DBConnectionError

from server import i18n, logs
from server.alerts.told import Told
from server.areas.kept import AreaCounts
from server.auth.oidc.provider import Talk
from server.auth.passwords import Passwords
from server.checkin.fast import FastLane
from server.checkin.slow_lane import SlowLane
from server.clock import Clock, utcnow
from server.desk.board.tally import Tallies
from server.desk.frame import Frame, Rotas
from server.errors import NotYet, Unauthenticated, Unavailable, WaymarkError
from server.health import LongCounts
from server.histogram import Histogram
from server.i18n import N_
from server.notify.channels.configured import channel_names
from server.people.looks.middleware import Looks
from server.routes import all_routes
from server.security.keys import vapid_public_key
from server.settings import Settings
from server.storage.db import close_database, open_database
from server.watch.signals import drift
from server.web import answer_times, static_files
from server.web.live import close_live, open_live
from server.web.middleware import stack as middleware_stack
from server.web.openapi import openapi_route
from server.web.responses import Handlers, answer_fault, wants_page
from server.web.routing import Application, QuickRouter, Table
from server.web.unsent import unsent_page
from server.wiring import wire

# Errors that mean the database is away. The engines report others themselves: they know which
# driver errors come from a wrong statement of ours.
AWAY = (DBConnectionError, PostgresConnectionError)
_log = logs.get("web")


Companion = Callable[[Starlette], AbstractAsyncContextManager[None]]


def create_app(
    settings: Settings,
    *,
    clock: Clock = utcnow,
    passwords: Passwords | None = None,
    companions: Iterable[Companion] = (),
) -> Starlette:
    """The application. Its lifespan opens and closes the database; tests open one themselves.

    `companions` live as long as the web does, inside the open database: the ticker, for one.
    """
    wire(settings)
    app = Application(
        middleware=[*middleware_stack(settings, _handlers()), Middleware(Looks), Middleware(Frame)]
    )
    app.router = QuickRouter(_table(), lifespan=_lifespan)
    app.state.settings = settings
    app.state.channels = channel_names(settings)
    app.state.clock = clock
    app.state.companions = list(companions)
    app.state.passwords = passwords or Passwords()
    app.state.providers = Talk()
    app.state.changed_on_board = drift.OnBoard()
    app.state.tallies = Tallies()
    app.state.area_counts = AreaCounts()
    app.state.rotas = Rotas()
    app.state.told = Told(clock())
    app.state.check_in_times = Histogram(answer_times.BOUNDS)
    app.state.long_counts = LongCounts()
    app.state.vapid_public_key = vapid_public_key(settings.vapid_private_key_file)
    return app


def routes() -> list[BaseRoute]:
    """Every route of every room, the most particular first."""
    return [*_routes()]


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """They hold no state, so one set of them does for every application of this process; a test
    makes one each, and to compile six hundred paths and press every file would be most of it."""
    app = static_files.StaticFiles(
        static_files.app_files(), fallback=static_files.APP_PREFIX, title_of=_title_of
    )
    own = static_files.StaticFiles(static_files.own_files())
    return (
        *all_routes(),
        openapi_route(),
        Mount("/app", _Whole(app)),
        Mount("/static", _Whole(own)),
    )


@cache
def _table() -> Table:
    return Table(_routes())


def _title_of(scope: Scope) -> str:
    """The name of the app before a phone is paired and knows the agency's choice."""
    name: str = scope["app"].state.settings.display_name
    return name


class _Whole:
    """Hands a mounted application the whole path, as its files are known by."""

    def __init__(self, app: static_files.StaticFiles) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    i18n.warm()
    async with AsyncExitStack() as stack:
        settings = app.state.settings
        await open_database(settings.database_url, replica_url=settings.replica_url)
        stack.push_async_callback(close_database)
        stack.push_async_callback(app.state.tallies.close)
        await open_live(app.state.settings.listen_url)
        stack.push_async_callback(close_live)
        fast, slow = FastLane(app.state.clock), SlowLane(app.state.clock)
        await fast.open()
        stack.push_async_callback(slow.close)
        stack.push_async_callback(fast.close)
        app.state.lanes = (fast, slow)
        # A fifth of a second of another core, for the first unknown name: no reason to wait.
        warming = asyncio.create_task(app.state.passwords.warm())
        stack.push_async_callback(asyncio.wait, [warming])
        for companion in app.state.companions:
            await stack.enter_async_context(companion(app))
        yield


def _handlers() -> Handlers:
    away = dict.fromkeys(AWAY, _away)
    return {
        Unauthenticated: _sign_in_first,
        NotYet: _lead_on,
        Unavailable: _later,
        WaymarkError: answer_fault,
        HTTPException: _from_framework,
        **away,
    }


async def _sign_in_first(request: Request, fault: Unauthenticated) -> Response:
    """A reader is sent to the sign-in and comes back, with what they typed; a program gets the
    problem."""
    if request.method != "GET" or not wants_page(request):
        unsent = await unsent_page(request, fault) if wants_page(request) else None
        response = unsent or await answer_fault(request, fault)
        if "hx-request" in request.headers:
            response.headers["hx-redirect"] = "/"
        return response
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/?next={quote(path, safe='/')}", status_code=303)


async def _lead_on(request: Request, fault: NotYet) -> Response:
    """A reader is led to what has to be done first and comes back; a program gets the problem."""
    if wants_page(request):
        return RedirectResponse(fault.extra["to"], status_code=303)
    response = await answer_fault(request, fault)
    if "hx-request" in request.headers:
        response.headers["hx-redirect"] = fault.extra["to"]
    return response


async def _from_framework(request: Request, fault: HTTPException) -> Response:
    """As usual, but 405 names every method of the path: each method is a route of its own.

    A form that is shown again has the address that it was sent to. A reader who opens that address
    (a tab that comes back, a reload) is led to the page above it."""
    if fault.status_code == 405 and request.method == "GET" and wants_page(request):
        return RedirectResponse(_page_above(request), status_code=303)
    response = await answer_fault(request, fault)
    if fault.status_code == 405:
        matching = (r for r in request.app.routes if r.matches(request.scope)[0] != Match.NONE)
        methods = {name for route in matching for name in getattr(route, "methods", None) or ()}
        if methods:  # A mounted app names its own.
            response.headers["allow"] = ", ".join(sorted(methods))
    return response


def _page_above(request: Request) -> str:
    """The path of the nearest page that can be read."""
    path = str(request.scope["path"]).rpartition("/")[0]
    while path:
        scope = {**request.scope, "path": path}
        if any(route.matches(scope)[0] == Match.FULL for route in request.app.routes):
            return quote(path)
        path = path.rpartition("/")[0]
    return "/"


async def _later(request: Request, fault: Exception) -> Response:
    """503: the client is told to try again, and the log names what is away."""
    if fault.__cause__ is None:
        _log.warning("busy", exc=fault)
    else:
        _log.error("away", exc=fault)
    return await answer_fault(request, fault)


async def _away(request: Request, fault: Exception) -> Response:
    _log.error("away", exc=fault)
    return await answer_fault(
        request, Unavailable(N_("Our database is not responding. Nothing was saved."))
    )
