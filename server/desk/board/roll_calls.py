"""Roll calls on the board: of the homes where the reader works, and those that nobody has done."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request

from server.clock import known_zone
from server.i18n import N_, format_list, gettext, ngettext
from server.people.access import Visitor, now_of, rota_of
from server.people.rules import MAY_WORK, AgencyAction, Role, may_agency
from server.roll_calls import reading
from server.roll_calls.reading import WorkPlace
from server.roll_calls.rules import path_of, shift_ends
from server.roll_calls.undone import UndoneCall
from server.roll_calls.undone import undone as undone_calls
from server.watch.wording import when
from server.web.rendering import language_of, zone_of

# The card names so many.
_MOST_UNKNOWN = 5


class Card(msgspec.Struct, frozen=True):
    """A home where the reader works. `is_open`: its roll call waits for them. `unknown`: of which
    children the last one says "don't know", in a sentence. `shift`: until when they are on shift
    there; else `ends`: until when they can say that they are."""

    title: str
    href: str
    is_open: bool
    home_id: UUID
    unknown: str = ""
    shift: str = ""
    ends: Sequence[tuple[datetime, str]] = ()


class Undone(msgspec.Struct, frozen=True):
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
    if Role(visitor.role) not in MAY_WORK:
        return []
    reader = _Reader(language_of(request), zone_of(request), now_of(request))
    places = await reading.homes_of(visitor.person_id, reader.now)
    return [_card(place, reader) for place in places]


class _Reader(msgspec.Struct, frozen=True):
    """Who reads the times, which are on the clock of the home."""

    language: str
    zone: ZoneInfo
    now: datetime

    def is_elsewhere(self, zone: str) -> bool:
        """Whether the reader's own clock shows another time than the home's."""
        there = self.now.astimezone(known_zone(zone))
        return there.utcoffset() != self.now.astimezone(self.zone).utcoffset()

    def at(self, at: datetime, zone: str) -> str:
        """A moment on the clock of the home."""
        return when(self.language, at, known_zone(zone), self.now)


# Each for a reader with the clock of the home, and for one with another.
_OPEN = N_("Roll call at {home}, {time}"), N_("Roll call at {home}, {time} there")
_NEXT = N_("Next roll call at {home}: {time}"), N_("Next roll call at {home}: {time} there")
_UNDONE = (
    N_("{home}: nobody has done the roll call of {time}."),
    N_("{home}: nobody has done the roll call of {time} there."),
)
_NOBODY = (
    N_("{home}: nobody works there who can do the roll call of {time}."),
    N_("{home}: nobody works there who can do the roll call of {time} there."),
)


def _card(place: WorkPlace, reader: _Reader) -> Card:
    sentence = N_("Roll call at {home}")
    at = place.open.due_at if place.open is not None else place.next_at
    if place.open is not None:
        sentence = _OPEN[reader.is_elsewhere(place.zone)]
    elif at is not None and at > reader.now:
        sentence = _NEXT[reader.is_elsewhere(place.zone)]
    time = reader.at(at, place.zone) if at is not None else ""
    title = gettext(reader.language, sentence, home=place.home, time=time)
    return Card(
        title,
        path_of(place.home_id),
        place.open is not None,
        place.home_id,
        unknown=_unknown(place, reader),
        shift=_shift(place, reader),
        ends=_ends(place, reader),
    )


def _unknown(place: WorkPlace, reader: _Reader) -> str:
    if place.open is not None or not place.unknown:
        return ""
    names = format_list(reader.language, [*place.unknown[:_MOST_UNKNOWN]])
    return gettext(reader.language, N_("Still unknown: {names}."), names=names)


def _shift(place: WorkPlace, reader: _Reader) -> str:
    if place.on_until is None:
        return ""
    until = reader.at(place.on_until, place.zone)
    return gettext(reader.language, N_("You are on shift until {when}"), when=until)


def _ends(place: WorkPlace, reader: _Reader) -> list[tuple[datetime, str]]:
    """Until when they can say that they are on shift, who are not."""
    if place.on_until is not None or not place.has_shifts:
        return []
    ends = shift_ends(known_zone(place.zone), reader.now)
    return [(end, reader.at(end, place.zone)) for end in ends]


async def undone(request: Request, visitor: Visitor) -> Undone:
    """Those that nobody has done, for supervisors and for the person on duty."""
    oversees = may_agency(Role(visitor.role), AgencyAction.ROLL_CALL_SEE)
    if visitor.agency_id is None or not (oversees or (await rota_of(request)).is_on_duty):
        return Undone()
    language, now = language_of(request), now_of(request)
    reader = _Reader(language, zone_of(request), now)
    calls = await undone_calls(visitor.agency_id, now)
    rest = calls.total - len(calls.calls)
    return Undone(
        [(_sentence(call, reader), path_of(call.home_id)) for call in calls.calls],
        ngettext(
            language, "{n} more roll call is not done.", "{n} more roll calls are not done.", rest
        )
        if rest
        else "",
    )


def _sentence(call: UndoneCall, reader: _Reader) -> str:
    sentence = (_UNDONE if call.has_workers else _NOBODY)[reader.is_elsewhere(call.zone)]
    return gettext(
        reader.language, sentence, home=call.home, time=reader.at(call.due_at, call.zone)
    )
