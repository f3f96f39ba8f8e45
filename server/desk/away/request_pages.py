"""A child asks to be away: read it with the signs beside it, agree, or say why not."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.clock import known_zone
from server.desk.away.signs import signs_of
from server.desk.child.forms import show
from server.errors import Refused, SecondPersonNeeded, WaymarkError
from server.i18n import N_, gettext
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import as_field, back_to, moment_of, words_of
from server.people.models import Child, Person
from server.people.rules import Action
from server.people.words import entered
from server.watch.absence import actions, reading
from server.watch.absence.actions import AgreeRequest
from server.watch.absence.models import AbsenceRequest
from server.watch.absence.rules import Standing
from server.watch.absence.wording import STANDINGS
from server.watch.rhythm import summary
from server.watch.rhythm.agreements import LONGEST_PAUSE
from server.web.rendering import language_of, zone_of
from server.web.requests import form_body

# So many others a page lists.
OTHERS = 5


async def show_request(request: Request) -> Response:
    """One request, and its answer."""
    child, _ = await desk_child(request, Action.PAUSE)
    return await _page(request, child)


async def agree(request: Request) -> Response:
    """Yes, in one tap as asked; or to other times."""
    child, roles = await desk_child(request, Action.PAUSE)
    form, now = await form_body(request), now_of(request)
    row = await _row(request, child)
    try:
        asked = _agreed(form, row, await _place(child.id, now))
        await actions.agree(await staff_of(request), child.id, row.id, asked, now)
    except SecondPersonNeeded as waits:
        return RedirectResponse(f"/desk/approvals/{waits.extra['approval']}", status_code=303)
    except WaymarkError as fault:
        return await _page(request, child, form, fault)
    return back_to(child.id, roles, "absence-agreed")


def _agreed(form: FormData, row: AbsenceRequest, place: ZoneInfo) -> AgreeRequest:
    """What the form says. Times that nobody changed are those of the child, to the second."""
    from_at = _changed(form, "from", row.from_at, place)
    until_at = _changed(form, "until", row.until_at, place)
    returns = "from" not in form or entered(form, "returns") == "yes"
    return AgreeRequest(from_at, until_at, returns, words_of(form, "answer"))


def _changed(form: FormData, name: str, asked: datetime, place: ZoneInfo) -> datetime | None:
    typed = entered(form, name)
    if name not in form or typed == as_field(asked, place):
        return None
    at = moment_of(typed, place, f"{name}_at")
    if at is None:
        raise Refused(N_("Enter a date and a time."), field=f"{name}_at")
    return at


async def decline(request: Request) -> Response:
    """Not now, in words for the child."""
    child, roles = await desk_child(request, Action.PAUSE)
    form, now = await form_body(request), now_of(request)
    row = await _row(request, child)
    try:
        words = words_of(form) or ""
        await actions.decline(await staff_of(request), child.id, row.id, words, now)
    except WaymarkError as fault:
        return await _page(request, child, form, fault)
    return back_to(child.id, roles, "absence-declined")


async def _row(request: Request, child: Child) -> AbsenceRequest:
    return await reading.read_row(child.id, request.path_params["absence_id"])


async def _place(child_id: UUID, now: datetime) -> ZoneInfo:
    """The clock of the child's check-ins."""
    case = await summary.case_of(child_id, now)
    return known_zone(case.watch.zone if case else (await Person.get(id=child_id)).zone)


async def _page(
    request: Request,
    child: Child,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    now, language, zone = now_of(request), language_of(request), zone_of(request)
    asked = await reading.read_one(await _row(request, child), now)
    person, case = await Person.get(id=child.id), await summary.case_of(child.id, now)
    place = await _place(child.id, now)
    is_waiting = asked.standing is Standing.WAITING and case is not None
    others = await reading.others(asked.row, now, OTHERS)
    context: dict[str, Any] = {
        "asked": asked,
        "is_waiting": is_waiting,
        "is_unanswered": asked.standing in (Standing.WAITING, Standing.PASSED),
        "has_begun": asked.row.from_at <= now,
        "standings": {key: gettext(language, word) for key, word in STANDINGS.items()},
        "signs": await signs_of(child, person.name, language, zone, now) if is_waiting else None,
        "due_at": reading.due_after_asked(case, asked.row) if is_waiting and case else None,
        "given": _given(asked.row, place, form),
        "zone_name": place.key,
        "longest": LONGEST_PAUSE.days,
        "others": others,
    }
    return await show(request, "desk/absence.html", child.id, context, fault)


def _given(row: AbsenceRequest, place: ZoneInfo, form: FormData | None) -> dict[str, str]:
    """The fields of both forms: as asked, or as they were typed."""
    given = {
        "from": as_field(row.from_at, place),
        "until": as_field(row.until_at, place),
        "returns": "yes",
        "answer": "",
        "words": "",
    }
    if form is None:
        return given
    typed = {name: entered(form, name) for name in given if name in form}
    if "from" in form:
        typed.setdefault("returns", "")
    return {**given, **typed}


_REQUEST = "/desk/children/{child_id:uuid}/absences/{absence_id:uuid}"

routes = [
    Route(_REQUEST, show_request, methods=["GET"]),
    Route(f"{_REQUEST}/agree", agree, methods=["POST"]),
    Route(f"{_REQUEST}/decline", decline, methods=["POST"]),
]
