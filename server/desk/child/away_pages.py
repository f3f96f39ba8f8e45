"""When a child is away: what was agreed, one more absence, and the end of one."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.clock import known_zone
from server.desk.child.forms import case_for, show
from server.errors import Refused, WaymarkError
from server.i18n import N_
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import back_to, id_or_new, moment_of, words_of
from server.people.rules import Action
from server.people.words import entered
from server.watch.models import Pause
from server.watch.rhythm import agreements, summary
from server.watch.watch_state import WatchState
from server.watch.wording import when
from server.web.rendering import language_of, zone_of
from server.web.requests import form_body


async def pauses(request: Request) -> Response:
    """Agreed absences: each has an end."""
    child, _ = await desk_child(request, Action.PAUSE)
    return await _pauses_page(request, child.id)


async def add_pause(request: Request) -> Response:
    """One more."""
    child, roles = await desk_child(request, Action.PAUSE)
    form, now = await form_body(request), now_of(request)
    case = await case_for(child.id, now)
    place = known_zone(case.watch.zone)
    try:
        until_at = moment_of(entered(form, "until"), place, "until_at")
        if until_at is None:
            raise Refused(N_("Enter when the child will be back."), field="until_at")
        from_at = moment_of(entered(form, "from"), place, "from_at") or now
        returns = entered(form, "returns") == "yes"
        asked = agreements.PauseRequest(id_or_new(form), from_at, until_at, returns, words_of(form))
        await agreements.pause(await staff_of(request), child.id, asked, now)
    except WaymarkError as fault:
        return await _pauses_page(request, child.id, form, fault)
    return back_to(child.id, roles, "pause")


async def end_pause(request: Request) -> Response:
    """Back earlier, or it never came to it."""
    child, roles = await desk_child(request, Action.PAUSE)
    visitor, pause_id = await staff_of(request), request.path_params["pause_id"]
    await agreements.end_pause(visitor, child.id, pause_id, now_of(request))
    return back_to(child.id, roles, "pause-ended")


def _told_after(case: WatchState, pause: Pause, language: str, zone: Any, now: datetime) -> str:
    """By when a person is told if the child has not been heard of at the end of the absence."""
    told_at = summary.told_after(case, pause)
    return when(language, told_at, zone, now) if told_at is not None else ""


async def _pauses_page(
    request: Request,
    child_id: UUID,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    now = now_of(request)
    case = await case_for(child_id, now)
    coming = Pause.filter(child_id=child_id, until_at__gt=now, ended_at__isnull=True)
    past = Pause.filter(child_id=child_id, until_at__lte=now)
    given = {"from": "", "until": "", "returns": "yes", "words": "", "id": str(uuid4())}
    if form is not None:
        given = {name: entered(form, name) for name in given}
    language, zone = language_of(request), zone_of(request)
    rows = await coming.order_by("from_at")
    context = {
        "pauses": rows,
        "told": {row.id: _told_after(case, row, language, zone, now) for row in rows},
        "past": await past.order_by("-until_at").limit(5),
        "given": given,
        "zone_name": case.watch.zone,
        "longest": agreements.LONGEST_PAUSE.days,
    }
    return await show(request, "desk/pauses.html", child_id, context, fault)


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(f"{_CHILD}/pauses", pauses, methods=["GET"]),
    Route(f"{_CHILD}/pauses", add_pause, methods=["POST"]),
    Route(f"{_CHILD}/pauses/{{pause_id:uuid}}/end", end_pause, methods=["POST"]),
]
