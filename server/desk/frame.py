"""The head of each page of the desk: the reader's name, and when they are on duty."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from server import logs
from server.clock import known_zone
from server.errors import WaymarkError
from server.i18n import N_, format_time, gettext, supported_language
from server.people.access import now_of, visitor_or_none
from server.people.models import Agency, Person
from server.people.rules import PROFESSIONAL
from server.rota.calendar import Shift, shifts_between
from server.rota.duty import rotas_of
from server.storage.replica import Age, age
from server.watch.wording import when
from server.web.rendering import UTC_ZONE

# So long a page may show a rota that has changed since: it is read on every page, by everyone.
FRESH: Final = timedelta(minutes=1)
MOST_AGENCIES = 200
# A shift after that is no news for the head of a page.
AHEAD: Final = timedelta(days=14)
HEAD: Final = "waymark.head"
AGE: Final = "waymark.age"
_log = logs.get("desk")


class Head(msgspec.Struct, frozen=True):
    """What the head says. `duty` is empty for people without a shift."""

    name: str
    duty: str = ""


class Rotas:
    """The shifts to come of each agency, and its clock, read at most once a minute."""

    def __init__(self) -> None:
        self._read: dict[UUID, tuple[datetime, list[Shift], ZoneInfo]] = {}

    async def of(self, agency_id: UUID, now: datetime) -> tuple[list[Shift], ZoneInfo]:
        """Its shifts and its zone."""
        at, shifts, zone = self._read.get(agency_id, (None, [], UTC_ZONE))
        if at is None or not timedelta(0) <= now - at < FRESH:
            rota = (await rotas_of([agency_id], now, now + AHEAD))[agency_id]
            shifts = shifts_between(rota, now, now + AHEAD)
            zone = known_zone((await Agency.get(id=agency_id)).zone)
            if len(self._read) >= MOST_AGENCIES:
                self._read.clear()
            self._read[agency_id] = (now, shifts, zone)
        return shifts, zone


class Frame:
    """Puts the head of a page into the scope, for `base.html`, and as of when its numbers are.

    A page is worth more than its head: what goes wrong here is logged, and the page answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _has_head(scope):
            scope[HEAD] = await _head_or_none(scope)
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope[AGE] = of_request = Age()
        token = age.set(of_request)
        try:
            await self.app(scope, receive, send)
        finally:
            age.reset(token)


async def _head_or_none(scope: Scope) -> Head | None:
    try:
        return await head_of(HTTPConnection(scope))
    except WaymarkError:
        return None  # The page says so itself.
    except Exception:
        _log.exception("desk.head_failed")
        return None


def _has_head(scope: Scope) -> bool:
    """What a page fetches to renew a part of itself needs none."""
    if scope["type"] != "http" or not scope["path"].startswith("/desk/"):
        return False
    return scope["path"] != "/desk/live" and "hx-request" not in Headers(scope=scope)


async def head_of(request: HTTPConnection) -> Head | None:
    """The head for this reader; None for strangers and children."""
    visitor = await visitor_or_none(request)
    if visitor is None or visitor.is_child:
        return None
    person = await Person.get(id=visitor.person_id)
    if visitor.role not in PROFESSIONAL:
        return Head(person.name)
    assert visitor.agency_id is not None
    now = now_of(request)
    shifts, zone = await request.app.state.rotas.of(visitor.agency_id, now)
    mine = [each for each in shifts if each.who == visitor.person_id and each.end > now]
    language = supported_language(visitor.language)
    return Head(person.name, _in_words(mine[0], language, zone, now) if mine else "")


def _in_words(shift: Shift, language: str, zone: ZoneInfo, now: datetime) -> str:
    """One rota is for everyone on it, so it is on the clock of the agency."""
    # A page may stay open over midnight: no word here is true for one day alone.
    earlier = now - timedelta(days=2)
    if shift.begin > now:
        begin = when(language, shift.begin, zone, earlier)
        return gettext(language, N_("Next duty: {time}"), time=begin)
    if shift.end >= now + AHEAD - FRESH:
        return gettext(language, N_("On duty now"))
    is_soon = shift.end - now < timedelta(days=1)
    until = (
        format_time(language, shift.end, zone)
        if is_soon
        else when(language, shift.end, zone, earlier)
    )
    return gettext(language, N_("On duty until {time}"), time=until)
