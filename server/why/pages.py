"""The page that says why there was an alert about a child in some time, or why there was none."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.clock import known_zone
from server.errors import WaymarkError
from server.i18n import format_moment, format_time
from server.people.access import Roles, desk_child, now_of
from server.people.desk_forms import day_of
from server.people.models import Child, Person
from server.people.rules import Action, may
from server.people.words import form_fault
from server.web.rendering import language_of, page, zone_of
from server.web.requests import number_in, parts
from server.why.events import (
    YEARS,
    Chosen,
    Event,
    Period,
    around,
    last_day,
    moment,
    night_of,
    night_with,
)
from server.why.finding import names_of
from server.why.night import Told, tell
from server.why.wording import Reader, people_in

# By the code of an event, or its first part.
ICONS: Mapping[str, str] = {
    "absence": "away",
    "alert": "bell",
    "answer": "check",
    "approval": "talk",
    "answer.help": "help",
    "answer.talk": "talk",
    "attempt": "phone",
    "pause": "away",
    "question": "talk",
    "round": "due",
    "round.late": "late",
    "seen": "eye",
    "sent": "mail",
    "server": "warn",
    "server.back": "check",
    "server.started": "check",
    "server.whole": "check",
    "trusted": "talk",
    "witness": "eye",
}
STRONG = frozenset(
    {
        "round.late",
        "alert.opened",
        "alert.opened_by",
        "alert.noticed",
        "alert.taken",
        "alert.lapsed",
        "alert.answered",
        "alert.closed",
        "alert.closed_itself",
        "alert.closed_sealed",
        "server.down",
        "server.silent",
        "server.apart",
    }
)
# The first part of the code of an event: what comes again and again through a night. An hour of
# nothing else is folded.
ROUTINE = frozenset({"round", "sent"})
# So few lines are read at one look.
FEW = 12
# Lines on a page: what is beyond comes on the next part.
MOST = 150
_DAY = timedelta(days=1)


class Line(msgspec.Struct, frozen=True):
    """One line as it is read. `own`: the time on the reader's clock, where that is another one."""

    at: datetime
    clock: str
    own: str
    text: str
    because: str
    icon: str
    is_strong: bool


class Hour(msgspec.Struct, frozen=True):
    """The lines of an hour. `is_open`: more than what comes again and again happened in it."""

    title: str
    lines: Sequence[Line]
    is_open: bool


async def show(request: Request) -> Response:
    """One night, or the time around a moment; without either, the last 24 hours."""
    child, roles = await desk_child(request, Action.ALERT_EXPLAIN)
    person, now, language = await Person.get(id=child.id), now_of(request), language_of(request)
    zone, fault = known_zone(person.zone), None
    period, night = last_day(now), now.astimezone(zone).date() - _DAY
    try:
        period, night = _chosen(request, zone, now)
    except WaymarkError as wrong:
        fault = form_fault(wrong, language)
    told = await _told(child, roles, period, now)
    people = people_in(told.events, told.answer.values) | {child.id}
    names = await names_of(people, language, child.agency_id)
    reader = Reader(language, zone, names, period.begin, child.id)
    part, of = _part(request, len(told.events))
    events = told.events[part * MOST : (part + 1) * MOST]
    is_all = "all" in request.query_params or len(events) <= FEW
    hours = _hours(events, reader, zone_of(request), is_all=is_all)
    context = {
        "child": person,
        "path": f"/desk/children/{child.id}",
        "answer": reader.answer(told.answer),
        "hours": hours,
        "is_all": is_all or all(hour.is_open for hour in hours),
        "begin": format_moment(language, period.begin, zone),
        "end": format_moment(language, period.end, zone),
        "zone_name": zone.key,
        "is_last_day": period.chosen is Chosen.LAST_DAY,
        "is_other_clock": _differ(zone, zone_of(request), now),
        "night": night.isoformat(),
        "before": (night - _DAY).isoformat()
        if period.chosen is Chosen.NIGHT
        else night.isoformat(),
        "after": _after(period, night, now, zone),
        "part": part,
        "parts": of,
        "query": _query(request),
        "error": fault,
    }
    return page(request, "why/why.html", context, status=422 if fault is not None else 200)


async def _told(child: Child, roles: Roles, period: Period, now: datetime) -> Told:
    sees_signs, reads_words = (
        may(roles, action) for action in (Action.OBSERVATION_SEE, Action.HISTORY_SEE)
    )
    return await tell(child, period, now, sees_signs=sees_signs, reads_words=reads_words)


def _chosen(request: Request, zone: ZoneInfo, now: datetime) -> tuple[Period, date]:
    """Raises Refused for what is no day or no time."""
    given = request.query_params
    day = day_of(given.get("night", ""), "night", earliest=YEARS.start)
    if day is not None:
        return night_of(day, zone), day
    at = _moment(given.get("at", ""))
    if at is not None:
        return around(at), night_with(at, zone)
    return last_day(now), now.astimezone(zone).date() - _DAY


def _moment(text: str) -> datetime | None:
    """A moment of a link of ours; anything else is none."""
    try:
        at = moment(text.replace(" ", "+"))
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _after(period: Period, night: date, now: datetime, zone: ZoneInfo) -> str:
    """The next night, where it has begun."""
    after = night + _DAY
    has_begun = night_of(after, zone).begin <= now
    return after.isoformat() if period.chosen is Chosen.NIGHT and has_begun else ""


def _differ(zone: ZoneInfo, own: ZoneInfo, now: datetime) -> bool:
    return now.astimezone(zone).utcoffset() != now.astimezone(own).utcoffset()


def _part(request: Request, lines: int) -> tuple[int, int]:
    """Which part is asked for, from 0 on, and how many there are."""
    many = parts(lines, MOST)
    return min(number_in(request, "part"), many) - 1, many


def _query(request: Request) -> dict[str, str]:
    """What chose the time, for the links to the other parts."""
    given = request.query_params
    return {name: given[name] for name in ("night", "at") if given.get(name)}


def _hours(events: Sequence[Event], reader: Reader, own: ZoneInfo, *, is_all: bool) -> list[Hour]:
    hours: list[Hour] = []
    day: date | None = None
    for begin, group in groupby(events, lambda event: _hour(event.at, reader.zone)):
        several = list(group)
        is_new_day = begin.date() != day
        day = begin.date()
        told = format_moment if is_new_day else format_time
        title = told(reader.language, begin, reader.zone)
        lines = [_line(event, reader, own) for event in several]
        hours.append(Hour(title, lines, is_all or any(map(_matters, several))))
    return hours


def _matters(event: Event) -> bool:
    return event.code in STRONG or event.code.partition(".")[0] not in ROUTINE


def _hour(at: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of its hour by that clock; the hour that comes twice in autumn is two."""
    return at.astimezone(zone).replace(minute=0, second=0, microsecond=0)


def _line(event: Event, reader: Reader, own: ZoneInfo) -> Line:
    clock = format_time(reader.language, event.at, reader.zone)
    of_reader = format_time(reader.language, event.at, own)
    return Line(
        at=event.at,
        clock=clock,
        own=of_reader if of_reader != clock else "",
        text=reader.sentence(event),
        because=reader.because(event),
        icon=ICONS.get(event.code) or ICONS.get(event.code.partition(".")[0], ""),
        is_strong=event.code in STRONG,
    )


routes = [Route("/desk/children/{child_id:uuid}/why", show, methods=["GET"])]
