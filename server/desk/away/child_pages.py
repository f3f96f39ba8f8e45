"""When a child is away: what was agreed, one more absence, a look at one, and the end of one."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.clock import known_zone
from server.desk.away.words import Reader, agreed, people_of, reason_word, reasons, shown
from server.desk.board.rows import names_of
from server.desk.child.forms import case_for
from server.desk.child.forms import show as show_page
from server.errors import Refused, SecondPersonNeeded, WaymarkError
from server.i18n import N_, gettext
from server.people.access import Roles, desk_child, now_of, staff_of
from server.people.desk_forms import back_to, id_or_new, moment_of, words_of
from server.people.models import Child
from server.people.rules import Action
from server.people.words import entered
from server.watch.models import Pause
from server.watch.passes import actions as passes
from server.watch.passes.reading import away_of
from server.watch.passes.rules import Reason
from server.watch.rhythm import agreements, summary
from server.watch.watch_state import WatchState
from server.web.rendering import language_of, zone_of
from server.web.requests import form_body

PAST = 5


class Agreed(msgspec.Struct, frozen=True):
    """One absence that is not over, in sentences. `is_coming`: it has not begun."""

    id: UUID
    begin: str
    end: str
    reason: str
    words: str | None
    by: str
    then: str
    is_coming: bool


async def pauses(request: Request) -> Response:
    """Agreed absences: each has an end."""
    child, _ = await desk_child(request, Action.PAUSE)
    return await _page(request, child.id)


async def add_pause(request: Request) -> Response:
    """One more."""
    child, roles = await desk_child(request, Action.PAUSE)
    form, now = await form_body(request), now_of(request)
    case = await case_for(child.id, now)
    try:
        asked = _asked(form, case, now)
        await agreements.pause(await staff_of(request), child.id, asked, now)
    except SecondPersonNeeded as waits:
        return RedirectResponse(f"/desk/approvals/{waits.extra['approval']}", status_code=303)
    except WaymarkError as fault:
        return await _page(request, child.id, form, fault)
    return back_to(child.id, roles, "pause")


def _asked(form: FormData, case: WatchState, now: datetime) -> agreements.PauseRequest:
    place, reason = known_zone(case.watch.zone), entered(form, "reason")
    if reason not in set(Reason):
        raise Refused(N_("Choose why the child is away."), field="reason")
    until_at = moment_of(entered(form, "until"), place, "until_at")
    if until_at is None:
        raise Refused(N_("Enter when the child will be back."), field="until_at")
    return agreements.PauseRequest(
        id=id_or_new(form),
        from_at=moment_of(entered(form, "from"), place, "from_at") or now,
        until_at=until_at,
        returns=entered(form, "returns") == "yes",
        words=words_of(form),
        reason=Reason(reason),
    )


async def keep_pause(request: Request) -> Response:
    """A person looked: it is still so."""
    child, roles = await desk_child(request, Action.PAUSE)
    form, now = await form_body(request), now_of(request)
    try:
        await passes.keep(
            await staff_of(request), child.id, _pause_id(request), id_or_new(form), now
        )
    except WaymarkError as fault:
        return await _over(request, child, fault)
    return _back(request, child, roles, "pause-kept")


async def end_pause(request: Request) -> Response:
    """Back earlier, or it never came to it: one absence, or the whole pass."""
    child, roles = await desk_child(request, Action.PAUSE)
    is_whole = request.query_params.get("whole") == "yes"
    end = passes.end if is_whole else agreements.end_pause
    await end(await staff_of(request), child.id, _pause_id(request), now_of(request))
    return _back(request, child, roles, "pause-ended")


def _pause_id(request: Request) -> UUID:
    pause_id: UUID = request.path_params["pause_id"]
    return pause_id


def _back(request: Request, child: Child, roles: Roles, what: str) -> Response:
    """To the list of all who are away, for a tap made there; else to the child."""
    if request.query_params.get("back") == "away":
        return RedirectResponse(f"/desk/away?done={what}", status_code=303)
    return back_to(child.id, roles, what)


async def _over(request: Request, child: Child, fault: WaymarkError) -> Response:
    if fault.code != "over":
        raise fault
    return await _page(request, child.id, None, fault)


async def _page(
    request: Request,
    child_id: UUID,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    now = now_of(request)
    case = await case_for(child_id, now)
    reader = Reader(language_of(request), zone_of(request), now)
    context: dict[str, Any] = {
        **await _agreed(case, reader),
        "given": _given(form, case, now),
        "reasons": reasons(reader.language),
        "zone_name": case.watch.zone,
        "longest": agreements.LONGEST_PAUSE.days,
    }
    return await show_page(request, "desk/pauses.html", child_id, context, fault)


def _given(form: FormData | None, case: WatchState, now: datetime) -> dict[str, str]:
    if form is not None:
        names = ("from", "until", "returns", "reason", "words", "id")
        return {name: entered(form, name) for name in names}
    return {
        "from": "",
        "until": "",
        "returns": "yes",
        "reason": "",
        "words": "",
        "id": str(uuid4()),
    }


async def _agreed(case: WatchState, reader: Reader) -> dict[str, Any]:
    """What is agreed now and later, and the last absences that are over."""
    child_id, now = case.watch.child_id, reader.now
    coming = Pause.filter(child_id=child_id, until_at__gt=now, ended_at__isnull=True)
    rows = await coming.order_by("from_at")
    over = Pause.filter(child_id=child_id, until_at__lte=now)
    past = await over.order_by("-until_at").limit(PAST)
    current = (await away_of([child_id], now)).get(child_id)
    away = [current] if current is not None else []
    names = await names_of({child_id, *people_of(away), *people_of(rows), *people_of(past)})
    return {
        "away": shown(current, names, reader) if current is not None else None,
        "agreed": [_one(row, case, names, reader) for row in rows],
        "past": [_one(row, case, names, reader) for row in past],
    }


def _one(row: Pause, case: WatchState, names: dict[UUID, str], reader: Reader) -> Agreed:
    end = row.until_at if row.ended_at is None else min(row.ended_at, row.until_at)
    return Agreed(
        id=row.id,
        begin=reader.at(row.from_at),
        end=reader.at(end),
        reason=reason_word(row.reason, reader.language),
        words=row.words,
        by=agreed(row.made_by, row.made_at, names, reader),
        then=_then(row, case, reader) if end > reader.now else "",
        is_coming=row.from_at > reader.now,
    )


def _then(row: Pause, case: WatchState, reader: Reader) -> str:
    """What follows at its end."""
    deadlines = summary.after_absence(case, row.until_at)
    if deadlines is None:
        return ""
    due, told = (reader.at(moment) for moment in deadlines)
    return gettext(
        reader.language,
        N_("The first check-in is due {due}. If there is no answer, we tell an adult by {told}."),
        due=due,
        told=told,
    )


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(f"{_CHILD}/pauses", pauses, methods=["GET"]),
    Route(f"{_CHILD}/pauses", add_pause, methods=["POST"]),
    Route(f"{_CHILD}/pauses/{{pause_id:uuid}}/keep", keep_pause, methods=["POST"]),
    Route(f"{_CHILD}/pauses/{{pause_id:uuid}}/end", end_pause, methods=["POST"]),
]
