"""When a child is asked, and what the child proposes instead."""

from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.desk.child.forms import ZONES, case_for, show
from server.desk.child.times_form import asked_when, named_as_typed, rhythm_of
from server.errors import Conflict, Refused, WaymarkError
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import (
    back_to,
    words_of,
)
from server.people.rules import Action
from server.people.words import entered
from server.watch.rhythm import agreements, proposals, summary
from server.web.rendering import language_of, zone_of
from server.web.requests import form_body


async def rhythm(request: Request) -> Response:
    """When the child is asked."""
    child, _ = await desk_child(request, Action.RHYTHM_AGREE)
    return await _rhythm_page(request, child.id)


async def set_rhythm(request: Request) -> Response:
    """A new rhythm, agreed with the child; it applies from the next round on."""
    child, roles = await desk_child(request, Action.RHYTHM_AGREE)
    form = await form_body(request)
    try:
        data = rhythm_of(form)
        zone = entered(form, "zone")
        await agreements.set_rhythm(await staff_of(request), child.id, data, zone, now_of(request))
    except WaymarkError as fault:
        return await _rhythm_page(request, child.id, form, fault)
    return back_to(child.id, roles, "rhythm")


async def _rhythm_page(
    request: Request,
    child_id: UUID,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    now, language = now_of(request), language_of(request)
    case = await case_for(child_id, now)
    context = {
        "agreed": await summary.read(case, language, zone_of(request), now),
        **asked_when(form, case.terms.rhythm, language, now.astimezone(case.terms.zone).date()),
        "zone_name": entered(form, "zone") if form is not None else case.watch.zone,
        "zones": ZONES,
        "ceiling": summary.allowed_silence(case.terms, language),
        "may": {"rhythm_agree": True},
    }
    if form is not None:
        fault = named_as_typed(fault)
    return await show(request, "desk/rhythm.html", child_id, context, fault)


async def agree(request: Request) -> Response:
    """Yes to what was proposed, in one tap."""
    child, roles = await desk_child(request, Action.RHYTHM_AGREE)
    form, now = await form_body(request), now_of(request)
    visitor, proposal_id = await staff_of(request), request.path_params["proposal_id"]
    try:
        version = entered(form, "version")
        made = await proposals.agree(visitor, child.id, proposal_id, version, now)
    except (Conflict, Refused) as fault:
        return await _rhythm_page(request, child.id, None, fault)
    return back_to(child.id, roles, "rhythm" if made.days is None else "season")


async def decline(request: Request) -> Response:
    """Decline a proposal: the rhythm stays as it is."""
    child, roles = await desk_child(request, Action.RHYTHM_AGREE)
    form, now = await form_body(request), now_of(request)
    visitor, proposal_id = await staff_of(request), request.path_params["proposal_id"]
    try:
        await proposals.decline(visitor, child.id, proposal_id, words_of(form, "answer"), now)
    except (Conflict, Refused) as fault:
        return await _rhythm_page(request, child.id, None, fault)
    return back_to(child.id, roles, "proposal-declined")


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(f"{_CHILD}/rhythm", rhythm, methods=["GET"]),
    Route(f"{_CHILD}/rhythm", set_rhythm, methods=["POST"]),
    Route(f"{_CHILD}/rhythm/proposals/{{proposal_id:uuid}}/agree", agree, methods=["POST"]),
    Route(f"{_CHILD}/rhythm/proposals/{{proposal_id:uuid}}/decline", decline, methods=["POST"]),
]
