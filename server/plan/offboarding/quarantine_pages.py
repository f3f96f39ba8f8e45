"""What was sent over a tie that had ended, at the desk: read, then merged or left out."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused, WaymarkError
from server.i18n import N_, gettext
from server.people.access import Roles, desk_child, nothing_here, now_of, staff_of
from server.people.desk_forms import done
from server.people.models import Agency, Child, Person
from server.people.rules import Action, Role
from server.people.words import ROLES, entered, form_fault
from server.plan import actions
from server.plan.changes import batch
from server.plan.offboarding import quarantine
from server.plan.offboarding.quarantine import Kept
from server.plan.phrases import about_in_words, in_words, thing_in_words
from server.plan.state import State
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body


class Line(msgspec.Struct, frozen=True):
    """One change for its reader: who, what it is, what it is about, and its contents."""

    id: UUID
    name: str
    role: str
    arrived: str
    thing: str
    about: str
    says: tuple[tuple[str, str], ...]
    is_closed: bool  # Decided without being read.


async def show(request: Request) -> Response:
    """What waits."""
    child, roles = await desk_child(request, Action.QUARANTINE_DECIDE)
    return await _page(request, child, roles)


async def decide(request: Request) -> Response:
    """Merge one, or leave it out."""
    child, roles = await desk_child(request, Action.QUARANTINE_DECIDE)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    change_id = request.path_params["change_id"]
    if not await quarantine.may_decide(child.id, change_id, roles):
        raise nothing_here()
    try:
        what = entered(form, "what")
        if what not in ("let_in", "leave_out"):
            raise Refused(N_("Choose to add it or leave it out."), field="what")
        await actions.decide(visitor, child, change_id, let_in=what == "let_in", now=now)
    except WaymarkError as fault:
        return await _page(request, child, roles, fault)
    return RedirectResponse(f"/desk/children/{child.id}/quarantine?done=decided", status_code=303)


async def _page(
    request: Request, child: Child, roles: Roles, fault: WaymarkError | None = None
) -> Response:
    language, now = language_of(request), now_of(request)
    part = await quarantine.waiting(child.id, roles, _after(request))
    agency = await Agency.get(id=child.agency_id)
    people = await batch.people_of(child, agency, now)
    context: dict[str, Any] = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "lines": [_line(request, kept, part.state, people) for kept in part.kept],
        "after": part.further,
        "error": form_fault(fault, language) if fault is not None else None,
        "done": done(request),
        "now": now,
    }
    status = fault.status if fault is not None else 200
    return page(request, "plan/quarantine.html", context, status=status)


def _after(request: Request) -> UUID | None:
    try:
        return UUID(request.query_params.get("after", ""))
    except ValueError:
        return None


def _line(
    request: Request, kept: Kept, state: State, people: Mapping[str, Mapping[str, Any]]
) -> Line:
    language, row = language_of(request), kept.row
    change = kept.said or {
        "entity": row.said["entity"],
        "entity_id": "",
        "field": "",
        "value": None,
    }
    author = people.get(str(row.who_id))
    return Line(
        id=row.id,
        name=str(author["name"]) if author else "",
        role=gettext(language, ROLES[Role(row.who_role)]),
        arrived=when(language, row.received_at, zone_of(request), now_of(request)),
        thing=thing_in_words(change["entity"], language),
        about=about_in_words(state, change["entity"], change["entity_id"], language),
        says=tuple(in_words(change, people, language)) if kept.said is not None else (),
        is_closed=kept.said is None,
    )


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(f"{_CHILD}/quarantine", show, methods=["GET"]),
    Route(f"{_CHILD}/quarantine/{{change_id:uuid}}", decide, methods=["POST"]),
]
