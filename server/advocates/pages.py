"""The advocate at the desk: inviting one, a longer time, a new link; and joining by the link."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.advocates import actions, joining, rules
from server.advocates.joining import Chosen
from server.advocates.models import Advocacy
from server.advocates.reading import is_asked, joined, seats_of, task_of
from server.auth import actions as doors
from server.auth.api import host_of
from server.auth.redirects import halfway_on, known_here, let_in, qr
from server.auth.sessions import agent_of_request
from server.errors import NotFound, Refused, WaymarkError
from server.i18n import N_, gettext
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import id_of, id_or_new, words_of
from server.people.models import Child, Person
from server.people.rules import Action, Role, may
from server.people.words import entered, form_fault
from server.tasks.rules import Kind
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body, form_day
from server.web.responses import page_again

DONE = {
    "invited": N_("Saved. They see the child from now on."),
    "longer": N_("Saved."),
    "none": N_("Saved. We will not ask about this again."),
}
_FIELDS = ("person_id", "name", "until", "words", "wants", "id")


# --- inviting


async def show(request: Request) -> Response:
    """The child's advocates, and the form that invites one."""
    child, roles = await desk_child(request, Action.ADVOCATE_INVITE)
    return await _page(request, child, may_end=may(roles, Action.TIES_CHANGE))


async def invite(request: Request) -> Response:
    """Invite one; a new one gets a link, which is shown only this once."""
    child, roles = await desk_child(request, Action.ADVOCATE_INVITE)
    form, visitor, now = await form_body(request), await staff_of(request), now_of(request)
    try:
        row = await actions.invite(visitor, child, _invitation(request, form), now)
        if row.person_id in await joined([row.person_id]):
            return _to(child, "invited")
        row = await actions.new_link(visitor, child, row.id, now)
    except NotFound:
        raise
    except WaymarkError as fault:
        typed = {name: entered(form, name) for name in _FIELDS}
        may_end = may(roles, Action.TIES_CHANGE)
        return await _page(request, child, typed, fault, may_end=may_end)
    return await _link_page(request, child, row)


def _invitation(request: Request, form: FormData) -> actions.Invitation:
    person_id, name = id_of(entered(form, "person_id"), "person_id"), entered(form, "name")
    if person_id is None and not name:
        raise Refused(N_("Write the advocate's name, or choose one from the list."), field="name")
    if person_id is not None and name:
        raise Refused(N_("Choose from the list, or write a new name: not both."), field="name")
    if entered(form, "wants") != "yes":
        raise Refused(
            N_("Ask the child first. An advocate is there only if the child wants one."),
            field="wants",
        )
    return actions.Invitation(
        id=id_or_new(form),
        person_id=person_id,
        name=name,
        until_at=_until(request, form),
        words=words_of(form),
    )


def _until(request: Request, form: FormData) -> datetime:
    text = entered(form, "until")
    if not text:
        raise Refused(N_("Choose a last day within the next 12 months."), field="until")
    return rules.end_of_day(form_day(text, "until"), zone_of(request))


async def prolong(request: Request) -> Response:
    """Another last day."""
    child, roles = await desk_child(request, Action.ADVOCATE_INVITE)
    form, tie_id = await form_body(request), request.path_params["advocacy_id"]
    try:
        until_at = _until(request, form)
        await actions.prolong(await staff_of(request), child, tie_id, until_at, now_of(request))
    except Refused as fault:
        typed = {"longer": entered(form, "until")}
        may_end = may(roles, Action.TIES_CHANGE)
        return await _page(request, child, typed, fault, at=tie_id, may_end=may_end)
    return _to(child, "longer")


async def link(request: Request) -> Response:
    """A new link to join; the one before ends."""
    child, roles = await desk_child(request, Action.ADVOCATE_INVITE)
    visitor, tie_id = await staff_of(request), request.path_params["advocacy_id"]
    try:
        row = await actions.new_link(visitor, child, tie_id, now_of(request))
    except Refused as fault:
        may_end = may(roles, Action.TIES_CHANGE)
        return await _page(request, child, {}, fault, may_end=may_end)
    return await _link_page(request, child, row)


async def needs_none(request: Request) -> Response:
    """The child was asked, and wants no other advocate."""
    child, _ = await desk_child(request, Action.ADVOCATE_INVITE)
    await actions.needs_none(await staff_of(request), child, now_of(request))
    return _to(child, "none")


async def end(request: Request) -> Response:
    """The advocate can no longer be there."""
    child, _ = await desk_child(request, Action.ADVOCACY)
    if entered(await form_body(request), "sure") != "yes":
        return RedirectResponse(f"/desk/children/{child.id}/advocacy", status_code=303)
    await actions.end_by_advocate(await staff_of(request), child, now_of(request))
    return RedirectResponse("/desk/", status_code=303)


async def _others(child: Child, held: set[UUID]) -> list[tuple[UUID, str]]:
    """The agency's advocates who have joined, except those that the child has. Names are sealed:
    only we can sort them."""
    advocates = await Person.filter(
        agency_id=child.agency_id, role=Role.ADVOCATE, disabled_at__isnull=True
    ).limit(500)
    offered = await joined([person.id for person in advocates]) - held
    options = [(person.id, person.name) for person in advocates if person.id in offered]
    return sorted(options, key=lambda option: option[1].casefold())


async def _page(
    request: Request,
    child: Child,
    typed: dict[str, str] | None = None,
    fault: WaymarkError | None = None,
    *,
    at: UUID | None = None,
    may_end: bool,
) -> Response:
    now, zone, language = now_of(request), zone_of(request), language_of(request)
    seats = await seats_of(child.id, now)
    usual = rules.usual_day(now, zone).isoformat()
    context: dict[str, Any] = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "seats": seats,
        "last_day": lambda tie: rules.last_day(tie.until_at, zone).isoformat(),
        "last_moment": lambda tie: rules.last_moment(tie.until_at),
        "people": await _others(child, {seat.tie.person_id for seat in seats}),
        "wish": await task_of(child.id, Kind.ADVOCATE_WISH),
        "asks": await is_asked(child.id, now),
        "given": {"until": usual, "id": str(uuid4()), "wants": "", **(typed or {})},
        "earliest": now.astimezone(zone).date().isoformat(),
        "latest": rules.latest_day(now, zone).isoformat(),
        "most": rules.MOST,
        "may_end": may_end,
        "at": at,
        "error": form_fault(fault, language) if fault else None,
        "done": _done(request),
        "now": now,
    }
    status = fault.status if fault else 200
    return page(request, "advocates/advocate.html", context, status=status)


def _done(request: Request) -> str | None:
    code = request.query_params.get("done", "")
    return gettext(language_of(request), DONE[code]) if code in DONE else None


async def _link_page(request: Request, child: Child, row: Advocacy) -> Response:
    assert row.link_at is not None
    address = f"{request.app.state.settings.public_url}/join/{joining.token_of(row)}"
    context = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "name": (await Person.get(id=row.person_id)).name,
        "link": address,
        "qr": qr(address),
        "until": row.link_at + rules.LINK_LASTS,
        "now": now_of(request),
    }
    return page(request, "advocates/link.html", context, status=201)


def _to(child: Child, done: str) -> Response:
    return RedirectResponse(f"/desk/children/{child.id}/advocate?done={done}", status_code=303)


# --- joining


async def welcome(request: Request) -> Response:
    """What the link opens: a name to sign in with, and a password."""
    person = await joining.invited(request.path_params["join_token"], now_of(request))
    return _join_page(request, person)


async def join(request: Request) -> Response:
    """They can sign in, and are signed in."""
    token, now = request.path_params["join_token"], now_of(request)
    person = await joining.invited(token, now)
    form = await form_body(request)
    password = form.get("password")
    chosen = Chosen(entered(form, "sign_in_name"), password if isinstance(password, str) else "")
    passwords = request.app.state.passwords
    try:
        await joining.join(token, chosen, passwords, now)
    except Refused as fault:
        return _join_page(request, person, chosen.name, fault)
    attempt = doors.PasswordSignIn(
        chosen.name,
        chosen.password,
        host_of(request),
        agent_of_request(request),
        known_here(request),
    )
    opened = await doors.sign_in(attempt, passwords, now)
    if isinstance(opened, doors.HalfOpened):
        return halfway_on(request, opened.token, "")
    return await let_in(request, opened, "")


def _join_page(
    request: Request, person: Person, name: str = "", fault: WaymarkError | None = None
) -> Response:
    context = {
        "token": request.path_params["join_token"],
        "person": person,
        "name": name,
        "error": form_fault(fault, language_of(request)) if fault else None,
    }
    return page_again(request, "advocates/join.html", context, fault)


_CHILD = "/desk/children/{child_id:uuid}"
_SEAT = f"{_CHILD}/advocate/{{advocacy_id:uuid}}"

routes = [
    Route(f"{_CHILD}/advocate", show, methods=["GET"]),
    Route(f"{_CHILD}/advocate", invite, methods=["POST"]),
    Route(f"{_CHILD}/advocate/none", needs_none, methods=["POST"]),
    Route(f"{_SEAT}/longer", prolong, methods=["POST"]),
    Route(f"{_SEAT}/link", link, methods=["POST"]),
    Route(f"{_CHILD}/advocacy/end", end, methods=["POST"]),
    Route("/join/{join_token}", welcome, methods=["GET"]),
    Route("/join/{join_token}", join, methods=["POST"]),
]
