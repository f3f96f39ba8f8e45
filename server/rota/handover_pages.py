"""Handing a shift over at the desk, and taking it back."""

from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.errors import NotFound, Refused
from server.i18n import N_
from server.people.access import Visitor, now_of
from server.people.desk_forms import id_of, id_or_new
from server.people.words import entered, form_fault
from server.rota import planning
from server.rota.models import Handover
from server.rota.pages import to_rota
from server.rota.planning import HandoverRequest
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


async def handover(request: Request) -> Response:
    """The handover form; a link from a shift or a gap fills it in."""
    visitor = await reader(request)
    asked = request.query_params
    given = {name: asked.get(name, "") for name in ("who", "to", "from", "until")}
    return await _handover_page(request, visitor, {"id": str(uuid4()), **given})


async def hand_over(request: Request) -> Response:
    """Give the duty to another person for that time."""
    visitor, form, now = await reader(request), await form_body(request), now_of(request)
    given = {name: entered(form, name) for name in ("id", "who", "to", "from", "until")}
    zone = (await plan_now(visitor, now)).zone
    try:
        who = id_of(given["who"], "who_id")
        own_or_planner(visitor, who)
        new = HandoverRequest(
            id=id_or_new(form),
            who_id=who,
            to_id=form_id(given["to"], "to_id"),
            from_at=form_moment(given["from"], "from_at", zone),
            until_at=form_moment(given["until"], "until_at", zone),
        )
        await planning.hand_over(visitor, plan_agency(visitor), new, now)
    except Refused as fault:
        return await _handover_page(request, visitor, given, fault)
    return to_rota("handover")


async def take_back(request: Request) -> Response:
    """Take a handover back: the earlier plan counts again."""
    visitor = await reader(request)
    handover_id, agency_id = request.path_params["handover_id"], plan_agency(visitor)
    row = await Handover.get_or_none(id=handover_id, agency_id=agency_id)
    if row is None:
        raise NotFound(N_("This does not exist, or you do not have access to it."))
    if row.made_by != visitor.person_id:
        own_or_planner(visitor, row.who_id)
    await planning.take_back_handover(visitor, agency_id, handover_id, now_of(request))
    return to_rota("handover-back")


async def _handover_page(
    request: Request, visitor: Visitor, given: dict[str, str], fault: Refused | None = None
) -> Response:
    now, language = now_of(request), language_of(request)
    plan, people = await plan_now(visitor, now), await colleagues(plan_agency(visitor))
    is_planner = may_plan(visitor)
    if not is_planner:
        given["who"] = str(visitor.person_id)
    context = {
        "plan": plan,
        "given": given,
        "may_plan": is_planner,
        "people": people,
        "others": [person for person in people if is_planner or person[0] != visitor.person_id],
        "error": form_fault(fault, language) if fault else None,
        "now": now,
    }
    return page(request, "rota/handover.html", context, status=422 if fault else 200)


routes = [
    Route("/desk/rota/handover", handover, methods=["GET"]),
    Route("/desk/rota/handover", hand_over, methods=["POST"]),
    Route("/desk/rota/handovers/{handover_id:uuid}/back", take_back, methods=["POST"]),
]
