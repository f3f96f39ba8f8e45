"""The calendar of a child at the desk: days around which the watch is tighter."""

from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.desk.child.forms import case_for, show
from server.errors import Refused, WaymarkError
from server.i18n import N_, gettext
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import back_to, day_of, id_or_new
from server.people.rules import Action
from server.people.words import entered
from server.watch.calendar import milestone_actions
from server.watch.calendar.milestones import BY_HAND, WORDS, what_of
from server.watch.rhythm import summary
from server.web.rendering import language_of, zone_of
from server.web.requests import form_body


async def calendar(request: Request) -> Response:
    """What is in it, and a form for more."""
    child, _ = await desk_child(request, Action.TIER_SET)
    return await _page(request, child.id)


async def mark(request: Request) -> Response:
    """One day more."""
    child, roles = await desk_child(request, Action.TIER_SET)
    form, now = await form_body(request), now_of(request)
    try:
        day = day_of(entered(form, "day"), "day")
        if day is None:
            raise Refused(N_("Enter a day between today and two years from now."), field="day")
        what, child_knows = what_of(entered(form, "what")), entered(form, "known") == "yes"
        asked = milestone_actions.MilestoneRequest(id_or_new(form), what, day, child_knows)
        await milestone_actions.mark(await staff_of(request), child.id, asked, now)
    except WaymarkError as fault:
        return await _page(request, child.id, form, fault)
    return back_to(child.id, roles, "milestone")


async def say_known(request: Request) -> Response:
    """The child has been told, or not: their phone shows only what they know."""
    child, roles = await desk_child(request, Action.TIER_SET)
    form, id_ = await form_body(request), request.path_params["milestone_id"]
    is_known = entered(form, "known") == "yes"
    await milestone_actions.say_known(
        await staff_of(request), child.id, id_, is_known, now_of(request)
    )
    return back_to(child.id, roles, "milestone-known" if is_known else "milestone-not-known")


async def take_back(request: Request) -> Response:
    """It was wrong, or is off."""
    child, roles = await desk_child(request, Action.TIER_SET)
    visitor, id_ = await staff_of(request), request.path_params["milestone_id"]
    await milestone_actions.take_back(visitor, child.id, id_, now_of(request))
    return back_to(child.id, roles, "milestone-gone")


async def _page(
    request: Request,
    child_id: UUID,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    now, language = now_of(request), language_of(request)
    case = await case_for(child_id, now)
    given = {"what": BY_HAND[0].value, "day": "", "known": "", "id": str(uuid4())}
    if form is not None:
        given = {name: entered(form, name) for name in given}
    context: dict[str, Any] = {
        "agreed": await summary.read(case, language, zone_of(request), now),
        "given": given,
        "kinds": [(what.value, gettext(language, WORDS[what])) for what in BY_HAND],
    }
    return await show(request, "desk/calendar.html", child_id, context, fault)


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(f"{_CHILD}/calendar", calendar, methods=["GET"]),
    Route(f"{_CHILD}/calendar", mark, methods=["POST"]),
    Route(f"{_CHILD}/calendar/{{milestone_id:uuid}}/known", say_known, methods=["POST"]),
    Route(f"{_CHILD}/calendar/{{milestone_id:uuid}}/back", take_back, methods=["POST"]),
]
