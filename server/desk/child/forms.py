"""What the pages of a child's questions share: the watch, the zones, and the page itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from server.errors import WaymarkError
from server.people.access import nothing_here, now_of
from server.people.desk_forms import done
from server.people.models import Person
from server.people.words import FormFault, form_fault
from server.watch.models import Watch
from server.watch.rhythm import summary
from server.watch.watch_state import WatchState
from server.watch.wording import when
from server.watch.writing import ended
from server.web.rendering import language_of, page, zone_of

# The zones that a placement is likely to be in; any other can be typed.
ZONES = (
    "Africa/Casablanca", "Africa/Tunis", "America/Montreal", "Asia/Beirut", "Atlantic/Canary",
    "Europe/Amsterdam", "Europe/Athens", "Europe/Belgrade", "Europe/Berlin", "Europe/Brussels",
    "Europe/Bucharest", "Europe/Copenhagen", "Europe/Dublin", "Europe/Helsinki",
    "Europe/Istanbul", "Europe/Kyiv", "Europe/Lisbon", "Europe/London", "Europe/Luxembourg",
    "Europe/Madrid", "Europe/Malta", "Europe/Oslo", "Europe/Paris", "Europe/Prague",
    "Europe/Riga", "Europe/Rome", "Europe/Sarajevo", "Europe/Sofia", "Europe/Stockholm",
    "Europe/Tallinn", "Europe/Tirane", "Europe/Vienna", "Europe/Vilnius", "Europe/Warsaw",
    "Europe/Zagreb", "Europe/Zurich",
)  # fmt: skip


async def case_for(child_id: UUID, now: datetime) -> WatchState:
    """The watch that a page is about. Raises NotFound, Conflict `ended`."""
    case = await summary.case_of(child_id, now)
    if case is not None:
        return case
    raise ended(child_id) if await Watch.exists(child_id=child_id) else nothing_here()


async def show(
    request: Request,
    template: str,
    child_id: UUID,
    context: Mapping[str, Any],
    fault: WaymarkError | None = None,
) -> Response:
    """A page about a child: what these pages share, and what went wrong."""
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    error: FormFault | None = form_fault(fault, language) if fault is not None else None
    shared = {
        "child": await Person.get(id=child_id),
        "path": f"/desk/children/{child_id}",
        "error": error,
        "done": done(request),
        "shown": lambda at: when(language, at, zone, now),
        "now": now,
    }
    status = fault.status if fault is not None else 200
    return page(request, template, {**shared, **context}, status=status)
