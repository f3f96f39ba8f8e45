"""What the pages of a child's questions share: the page itself, and when the child is asked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Refused, WaymarkError
from server.i18n import N_, gettext
from server.people.access import nothing_here, now_of
from server.people.desk_forms import (
    TIMES,
    WINDOWS,
    done,
    times_of,
    typed_windows,
    windows_of,
)
from server.people.models import Person
from server.people.words import FormFault, form_fault
from server.watch.models import Watch
from server.watch.rhythm import summary
from server.watch.rhythm.rules import Rhythm, as_data, read
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
    raise ended() if await Watch.exists(child_id=child_id) else nothing_here()


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


def rhythm_of(form: FormData) -> dict[str, Any]:
    """The rhythm that a form holds, as data. Raises Refused, naming the question."""
    windows = windows_of(form)
    times = tuple(sorted({*times_of(form, "at"), *(end for _, end in windows)}))
    if not times:
        raise Refused(N_("Enter at least one time."), field="at")
    chosen = [value for value in form.getlist("day") if value in set("0123456")]
    days = frozenset(int(str(value)) for value in chosen)
    if not days:
        raise Refused(N_("Choose at least one day."), field="day")
    return as_data(read(as_data(Rhythm(times, days, windows=windows))))


def asked_when(
    form: FormData | None, rhythm: Rhythm | None, language: str, room: int = len(TIMES)
) -> dict[str, Any]:
    """What the rhythm part of a form shows: what was typed, or else the current values."""
    rhythm = rhythm or Rhythm()
    windows = [(f"{begin:%H:%M}", f"{end:%H:%M}") for begin, end in rhythm.windows]
    ends = {end for _, end in rhythm.windows}
    times, days = [f"{at:%H:%M}" for at in rhythm.at if at not in ends], {*map(str, rhythm.days)}
    if form is not None:
        times, days = [str(value) for value in form.getlist("at")], {*map(str, form.getlist("day"))}
        windows = typed_windows(form)
    return {
        "times": [*times, *[""] * (room - len(times))],
        "windows": [*windows, *[("", "")] * (WINDOWS - len(windows))],
        "days": [
            (str(number), gettext(language, word), str(number) in days)
            for number, word in enumerate(summary.DAYS)
        ],
    }


def named_as_typed(fault: WaymarkError | None) -> WaymarkError | None:
    """The rules name a rhythm, or a part of it: the form calls them its times and its windows."""
    if not isinstance(fault, Refused) or not (fault.field or "").startswith("rhythm"):
        return fault
    field = "window" if fault.field == "rhythm.from" else "at"
    return Refused(fault.detail, code=fault.code, field=field, **fault.extra)
