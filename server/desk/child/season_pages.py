"""Other check-in times for some days: Ramadan, holidays, a journey."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.desk.child.forms import ZONES, case_for, show
from server.desk.child.times_form import asked_when, named_as_typed, rhythm_of
from server.errors import Refused, WaymarkError
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import back_to, day_of, id_or_new, words_of
from server.people.rules import Action
from server.people.words import entered
from server.watch.rhythm import summary, temporary_rhythm
from server.watch.rhythm.temporary_rhythm import ONE_DAY_MISSING, SeasonRequest
from server.web.rendering import language_of, zone_of
from server.web.requests import form_body


async def season(request: Request) -> Response:
    """What is agreed for some days, and a form for more."""
    child, _ = await desk_child(request, Action.RHYTHM_AGREE)
    return await _page(request, child.id)


async def add(request: Request) -> Response:
    """Other times from a first to a last day."""
    child, roles = await desk_child(request, Action.RHYTHM_AGREE)
    form, now = await form_body(request), now_of(request)
    try:
        first, last = _day(form, "first"), _day(form, "last")
        rhythm, zone = rhythm_of(form), entered(form, "zone")
        asked = SeasonRequest(id_or_new(form), first, last, rhythm, zone, words_of(form))
        await temporary_rhythm.shift(await staff_of(request), child.id, asked, now)
    except WaymarkError as fault:
        return await _page(request, child.id, form, fault)
    return back_to(child.id, roles, "season")


def _day(form: FormData, field: str) -> date:
    day = day_of(entered(form, field), field)
    if day is None:
        raise Refused(ONE_DAY_MISSING, field=field)
    return day


async def end(request: Request) -> Response:
    """Taken back: the rhythm of before holds again."""
    child, roles = await desk_child(request, Action.RHYTHM_AGREE)
    visitor, season_id = await staff_of(request), request.path_params["season_id"]
    await temporary_rhythm.end_shift(visitor, child.id, season_id, now_of(request))
    return back_to(child.id, roles, "season-ended")


async def _page(
    request: Request,
    child_id: UUID,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    now, language = now_of(request), language_of(request)
    case = await case_for(child_id, now)
    given = {"first": "", "last": "", "zone": case.watch.zone, "words": "", "id": str(uuid4())}
    if form is not None:
        given = {name: entered(form, name) for name in given}
    context: dict[str, Any] = {
        "agreed": await summary.read(case, language, zone_of(request), now),
        "given": given,
        **asked_when(form, None, language, now.astimezone(case.terms.zone).date()),
        "zones": ZONES,
        "longest": temporary_rhythm.LONGEST_DAYS,
    }
    fault = named_as_typed(fault)
    return await show(request, "desk/season.html", child_id, context, fault)


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(f"{_CHILD}/season", season, methods=["GET"]),
    Route(f"{_CHILD}/season", add, methods=["POST"]),
    Route(f"{_CHILD}/seasons/{{season_id:uuid}}/end", end, methods=["POST"]),
]
