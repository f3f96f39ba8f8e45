"""Leave at the desk: a person is away, and is back."""

from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.errors import NotFound, Refused
from server.i18n import N_
from server.people.access import Visitor, not_yours, now_of
from server.people.desk_forms import as_field, id_of, id_or_new, moment_of
from server.people.words import entered, form_fault
from server.rota import planning
from server.rota.models import Leave
from server.rota.pages import to_rota
from server.rota.planning import LeaveRequest
from server.rota.view import (
    colleagues,
    may_plan,
    own_or_planner,
    plan_agency,
    plan_now,
    reader,
)
from server.web.rendering import language_of, page
from server.web.requests import form_body, form_id, form_moment


async def leave(request: Request) -> Response:
    """The leave form; a link from a person or a gap fills it in."""
    visitor, asked = await reader(request), request.query_params
    zone = (await plan_now(visitor, now_of(request))).zone
    given = {
        "id": str(uuid4()),
        "who": asked.get("who", "") or str(visitor.person_id),
        "cover": asked.get("cover", ""),
        **{name: _in_field(asked.get(name, ""), zone) for name in ("from", "until")},
    }
    return await _leave_page(request, visitor, given)


def _in_field(text: str, zone: ZoneInfo) -> str:
    """A moment of a link as the form shows it; empty for nonsense."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return ""
    is_moment = at.tzinfo is not None and 2000 <= at.year <= 2200
    return as_field(at, zone) if is_moment else ""


async def add_leave(request: Request) -> Response:
    """Record that a person is away."""
    visitor, form, now = await reader(request), await form_body(request), now_of(request)
    given = {name: entered(form, name) for name in ("id", "who", "cover", "from", "until")}
    zone = (await plan_now(visitor, now)).zone
    try:
        who = form_id(given["who"], "person_id") if may_plan(visitor) else visitor.person_id
        new = LeaveRequest(
            id=id_or_new(form),
            person_id=who,
            cover_id=id_of(given["cover"], "cover_id"),
            from_at=moment_of(given["from"], zone, "from_at") or now,
            until_at=form_moment(given["until"], "until_at", zone),
        )
        await planning.add_leave(visitor, plan_agency(visitor), new, now)
    except Refused as fault:
        return await _leave_page(request, visitor, given, fault)
    return to_rota("leave")


async def end_leave(request: Request) -> Response:
    """End a leave: the person is back."""
    visitor = await reader(request)
    leave_id, agency_id = request.path_params["leave_id"], plan_agency(visitor)
    row = await Leave.get_or_none(id=leave_id, agency_id=agency_id)
    if row is None:
        raise NotFound(N_("This does not exist, or you do not have access to it."))
    own_or_planner(visitor, row.person_id)
    await planning.end_leave(visitor, agency_id, leave_id, now_of(request))
    return to_rota("leave-ended")


async def _leave_page(
    request: Request, visitor: Visitor, given: dict[str, str], fault: Refused | None = None
) -> Response:
    now, language = now_of(request), language_of(request)
    people = await colleagues(plan_agency(visitor))
    may = may_plan(visitor)
    if not may and visitor.person_id not in {id_ for id_, _ in people}:
        raise not_yours()
    context = {
        "plan": await plan_now(visitor, now),
        "given": given,
        "may_plan": may,
        "people": people,
        "others": [person for person in people if may or person[0] != visitor.person_id],
        "error": form_fault(fault, language) if fault else None,
        "now": now,
    }
    return page(request, "rota/leave.html", context, status=422 if fault else 200)


routes = [
    Route("/desk/rota/leave", leave, methods=["GET"]),
    Route("/desk/rota/leave", add_leave, methods=["POST"]),
    Route("/desk/rota/leaves/{leave_id:uuid}/end", end_leave, methods=["POST"]),
]
