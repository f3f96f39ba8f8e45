"""The page "Roll calls": all homes of an agency, for its supervisors."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.clock import known_zone
from server.i18n import N_, gettext
from server.people.access import agency_for, now_of
from server.people.models import Home
from server.people.rules import AgencyAction
from server.roll_calls.overview.reading import AT_ONCE, HomeLine, overview
from server.roll_calls.rules import path_of
from server.watch.wording import when
from server.web.rendering import language_of, page
from server.web.requests import part_of


class Row(msgspec.Struct, frozen=True):
    """One home, in sentences: the page of its roll call, and the page where people are added."""

    name: str
    path: str
    staff_path: str
    zone: str
    warnings: Sequence[str]
    says: Sequence[str]


async def show(request: Request) -> Response:
    """Of each home: the last roll call that is done, what nobody did, what waits, and the next."""
    visitor = await agency_for(request, AgencyAction.ROLL_CALL_SEE)
    assert visitor.agency_id is not None
    many = await Home.filter(agency_id=visitor.agency_id).count()
    number, pages = part_of(request, many, AT_ONCE)
    language, now = language_of(request), now_of(request)
    lines = await overview(visitor.agency_id, number, now)
    context = {
        "rows": [_row(line, language, now) for line in lines],
        "number": number,
        "pages": pages,
    }
    return page(request, "roll_calls/overview.html", context)


def _row(line: HomeLine, language: str, now: datetime) -> Row:
    zone = known_zone(line.home.zone)
    return Row(
        line.home.name,
        path_of(line.home.id),
        f"/desk/people/homes/{line.home.id}/roll-call",
        zone.key,
        _warnings(line, language, zone, now),
        _says(line, language, zone, now),
    )


def _warnings(line: HomeLine, language: str, zone: ZoneInfo, now: datetime) -> list[str]:
    told = []
    if line.open is not None:
        time = when(language, line.open.due_at, zone, now)
        told.append(gettext(language, N_("Open since {time}"), time=time))
    if line.missed:
        told.append(gettext(language, N_("Missed in 7 days: {n}"), n=line.missed))
    if not line.workers and line.home.next_roll_call_at is not None:
        told.append(gettext(language, N_("Nobody works here who can do it")))
    return told


def _says(line: HomeLine, language: str, zone: ZoneInfo, now: datetime) -> list[str]:
    told = [gettext(language, N_("None done in the last 7 days"))]
    if line.done is not None and line.done.done_at is not None:
        time = when(language, line.done.done_at, zone, now)
        sentence = N_("Last done: {time}, {name}") if line.done_by else N_("Last done: {time}")
        told = [gettext(language, sentence, time=time, name=line.done_by)]
    next_at = line.home.next_roll_call_at
    if next_at is None or next_at <= now:
        told.append(gettext(language, N_("No roll call to come")))
    else:
        time = when(language, next_at, zone, now)
        told.append(gettext(language, N_("Next: {time}"), time=time))
    return told


routes = [Route("/desk/roll-calls", show, methods=["GET"])]
