"""Roll calls on the board: of the homes where the reader works, and those that nobody has done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from starlette.requests import Request

from server.clock import known_zone
from server.i18n import N_, gettext, ngettext
from server.people.access import Visitor, now_of, rota_of
from server.people.rules import AgencyAction, Role, may_agency
from server.roll_calls import reading
from server.roll_calls.reading import UndoneCall, WorkPlace
from server.roll_calls.rules import path_of, shift_ends
from server.watch.wording import when
from server.web.rendering import language_of


@dataclass(frozen=True, slots=True)
class Card:
    """A home where the reader works. `is_open`: its roll call waits for them. `shift`: until when
    they are on shift there; else `ends`: until when they can say that they are."""

    title: str
    href: str
    is_open: bool
    home_id: UUID
    shift: str = ""
    ends: Sequence[tuple[datetime, str]] = ()


@dataclass(frozen=True, slots=True)
class Undone:
    """The first roll calls that nobody has done, as a sentence and a page each; and how many more
    there are, in words."""

    lines: Sequence[tuple[str, str]] = ()
    more: str = ""


async def on_board(request: Request, visitor: Visitor) -> dict[str, object]:
    """Both, as the page of the board takes them."""
    return {
        "roll_calls": await cards(request, visitor),
        "undone": await undone(request, visitor),
    }


async def cards(request: Request, visitor: Visitor) -> list[Card]:
    """One for each home where the reader works, those with an open roll call first."""
    if Role(visitor.role) not in reading.MAY_WORK:
        return []
    language, now = language_of(request), now_of(request)
    return [_card(place, language, now) for place in await reading.homes_of(visitor.person_id, now)]


def _card(place: WorkPlace, language: str, now: datetime) -> Card:
    sentence = N_("Roll call at {home}")
    at = place.open.due_at if place.open is not None else place.next_at
    if place.open is not None:
        sentence = N_("Roll call at {home}, {time}")
    elif at is not None and at > now:
        sentence = N_("Next roll call at {home}: {time}")
    time = when(language, at, known_zone(place.zone), now) if at is not None else ""
    title = gettext(language, sentence, home=place.home, time=time)
    href, zone = path_of(place.home_id), known_zone(place.zone)
    if place.on_until is not None:
        until = when(language, place.on_until, zone, now)
        shift = gettext(language, N_("You are on shift until {when}"), when=until)
        return Card(title, href, place.open is not None, place.home_id, shift)
    if not place.has_shifts:
        return Card(title, href, place.open is not None, place.home_id)
    ends = [(end, when(language, end, zone, now)) for end in shift_ends(zone, now)]
    return Card(title, href, place.open is not None, place.home_id, ends=ends)


async def undone(request: Request, visitor: Visitor) -> Undone:
    """Those that nobody has done, for supervisors and for the person on duty."""
    oversees = may_agency(Role(visitor.role), AgencyAction.ROLL_CALL_SEE)
    if visitor.agency_id is None or not (oversees or (await rota_of(request)).is_on_duty):
        return Undone()
    language, now = language_of(request), now_of(request)
    calls = await reading.undone(visitor.agency_id, now)
    rest = calls.total - len(calls.calls)
    return Undone(
        [(_sentence(call, language, now), path_of(call.home_id)) for call in calls.calls],
        ngettext(
            language, "{n} more roll call is not done.", "{n} more roll calls are not done.", rest
        )
        if rest
        else "",
    )


def _sentence(call: UndoneCall, language: str, now: datetime) -> str:
    sentence = N_("{home}: nobody has done the roll call of {time}.")
    if not call.has_workers:
        sentence = N_("{home}: nobody works there who can do the roll call of {time}.")
    time = when(language, call.due_at, known_zone(call.zone), now)
    return gettext(language, sentence, home=call.home, time=time)
