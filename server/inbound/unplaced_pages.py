"""The page of texts of nobody we know, and of colleagues that answer nothing."""

from datetime import datetime, timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.inbound.models import Inbound
from server.inbound.unplaced import PATH
from server.people.access import Visitor, not_yours, now_of, rota_of, staff_of
from server.people.models import Person
from server.people.rules import Role
from server.web.rendering import page
from server.web.requests import part_of

SHOWN_FOR = timedelta(days=30)
AT_ONCE = 20


class Line(msgspec.Struct, frozen=True):
    """One of these texts. `sender`: a number, or the name of a colleague; None: we do not know
    whose it is. `words`: None, where we could not read it."""

    at: datetime
    sender: str | None
    words: str | None
    is_kept: bool


async def show(request: Request) -> Response:
    """The texts of a month, the newest first."""
    visitor = await _reader(request)
    held = _of_agency(visitor, now_of(request))
    number, pages = part_of(request, await held.count(), AT_ONCE)
    rows = await held.order_by("-at", "-id").offset((number - 1) * AT_ONCE).limit(AT_ONCE)
    senders = Person.filter(id__in=[row.person_id for row in rows if row.person_id is not None])
    names = {person.id: person.name for person in await senders.only("id", "name")}
    lines = [
        Line(
            row.at,
            row.sender or names.get(row.person_id or row.id),
            row.text,
            row.agency_id is not None,
        )
        for row in rows
    ]
    return page(
        request, "inbound/unplaced.html", {"lines": lines, "number": number, "pages": pages}
    )


async def _reader(request: Request) -> Visitor:
    """A supervisor, or who is on duty. Raises Denied."""
    visitor = await staff_of(request)
    if visitor.role != Role.SUPERVISOR and not (await rota_of(request)).is_on_duty:
        raise not_yours()
    return visitor


def _of_agency(visitor: Visitor, now: datetime) -> QuerySet[Inbound]:
    ours = Q(agency_id=visitor.agency_id) | Q(agency_id__isnull=True)
    return Inbound.filter(ours, what__in=["unknown", "nothing"], at__gt=now - SHOWN_FOR)


routes = [Route(PATH, show, methods=["GET"])]
