"""The head of each page of the desk: the reader's name, and when they are on duty."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from server import logs
from server.clock import known_zone
from server.errors import WaymarkError
from server.i18n import N_, format_time, gettext, supported_language
from server.people.access import Visitor, now_of, visitor_or_none
from server.people.models import Agency, Person
from server.people.rules import PROFESSIONAL
from server.rota.calendar import Shift, shifts_between
from server.rota.duty import rotas_of
from server.watch.wording import when

# A shift after that is no news for the head of a page.
AHEAD: Final = timedelta(days=14)
HEAD: Final = "waymark.head"
_log = logs.get("desk")


@dataclass(frozen=True, slots=True)
class Head:
    """What the head says. `duty` is empty for people without a shift."""

    name: str
    duty: str = ""


class Frame:
    """Puts the head of a page into the scope, for `base.html`.

    A page is worth more than its head: what goes wrong here is logged, and the page answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _has_head(scope):
            scope[HEAD] = await _head_or_none(scope)
        await self.app(scope, receive, send)


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
    return await _on_duty(visitor, person.name, now_of(request))


async def _on_duty(visitor: Visitor, name: str, now: datetime) -> Head:
    assert visitor.agency_id is not None
    rota = (await rotas_of([visitor.agency_id], now, now + AHEAD))[visitor.agency_id]
    shifts = shifts_between(rota, now, now + AHEAD)
    mine = next((shift for shift in shifts if shift.who == visitor.person_id), None)
    if mine is None:
        return Head(name)
    return Head(name, await _in_words(visitor, mine, now))


async def _in_words(visitor: Visitor, shift: Shift, now: datetime) -> str:
    """One rota is for everyone on it, so it is on the clock of the agency."""
    language = supported_language(visitor.language)
    zone = known_zone((await Agency.get(id=visitor.agency_id)).zone)
    # A page may stay open over midnight: no word here is true for one day alone.
    earlier = now - timedelta(days=2)
    if shift.begin > now:
        begin = when(language, shift.begin, zone, earlier)
        return gettext(language, N_("Next duty: {time}"), time=begin)
    if shift.end >= now + AHEAD:
        return gettext(language, N_("On duty now"))
    is_soon = shift.end - now < timedelta(days=1)
    until = (
        format_time(language, shift.end, zone)
        if is_soon
        else when(language, shift.end, zone, earlier)
    )
    return gettext(language, N_("On duty until {time}"), time=until)
