"""The load of each worker as a table, and handing their children over: choose, then confirm."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.desk.load import reading
from server.desk.load.reading import AT_ONCE, Load
from server.errors import Refused, WaymarkError
from server.i18n import N_, format_list, gettext, ngettext
from server.people.access import agency_for, nothing_here, now_of
from server.people.children_access import children_for
from server.people.finding.scope import Scope, scope_of
from server.people.models import Child, Person
from server.people.rules import Action, AgencyAction, Role, may_hold
from server.people.words import entered, form_fault
from server.placements.handing_over import HandOver, hand_over
from server.web.rendering import language_of, page
from server.web.requests import form_body, number_in, part_of

# What the table can be sorted by, and the heads of its columns.
COLUMNS = {
    "name": N_("Worker"),
    "children": N_("Children"),
    "alerts": N_("Open alerts"),
    "due": N_("Tasks due in 7 days"),
    "promises": N_("Late promises"),
    "nights": N_("Calls at night in 14 days"),
}


async def show(request: Request) -> Response:
    """The load of each worker."""
    await agency_for(request, AgencyAction.LOAD_SEE)
    language, sort = language_of(request), _sort(request)
    loads = await reading.loads(await scope_of(request))
    if sort != "name":
        loads.sort(key=lambda load: -getattr(load, sort))
    number, pages = part_of(request, len(loads), AT_ONCE)
    context = {
        "loads": loads[AT_ONCE * (number - 1) : AT_ONCE * number],
        "columns": [(key, gettext(language, words)) for key, words in COLUMNS.items()],
        "sort": sort,
        "place": _query(sort=sort, at=number),
        "number": number,
        "pages": pages,
    }
    return page(request, "desk/load.html", context)


def _sort(request: Request) -> str:
    asked = request.query_params.get("sort", "")
    return asked if asked in COLUMNS else "name"


def _query(**values: str | int) -> str:
    """A query with what is not as usual, from its "?" on; "" where nothing is."""
    usual = {"sort": "name", "at": 1, "page": 1}
    given = {name: value for name, value in values.items() if value != usual.get(name)}
    return f"?{urlencode(given)}" if given else ""


def _place(request: Request) -> dict[str, str | int]:
    """Where in the table the reader was: how it was sorted, and which part of it."""
    return {"sort": _sort(request), "at": number_in(request, "at")}


def _ways(request: Request, worker: Person) -> dict[str, str]:
    """Back to that place, and the pages of this worker that lead there in the end."""
    place = _place(request)
    own = _query(**place)
    return {
        "table": "/desk/load" + _query(sort=place["sort"], page=place["at"]),
        "here": f"/desk/load/{worker.id}{own}",
        "parts": f"/desk/load/{worker.id}{own}{'&' if own else '?'}page=",
    }


async def choose(request: Request) -> Response:
    """The children of one worker, to hand over."""
    scope, worker = await _worker(request)
    return await _choose(request, scope, worker)


async def confirm(request: Request) -> Response:
    """Say once more which children go from one worker to another; then do it."""
    scope, worker = await _worker(request)
    form, now = await form_body(request), now_of(request)
    given = dict.fromkeys(_id(text) for text in form.getlist("child"))
    chosen = [id_ for id_ in given if id_ is not None][:AT_ONCE]
    try:
        taker = await _taker(scope, worker, form)
        if not chosen:
            raise Refused(N_("Choose at least one child."), field="child")
        roles = await children_for(request, Action.TIES_CHANGE, among=chosen)
        if set(chosen) - set(roles):
            raise nothing_here()
        if not entered(form, "sure"):
            return await _confirm(request, worker, taker, chosen)
        wanted = HandOver(_id(form.get("id")) or uuid4(), worker.id, taker.id)
        visitor = await agency_for(request, AgencyAction.LOAD_SEE)
        for child in await Child.filter(id__in=chosen).order_by("id"):
            await hand_over(visitor, child, wanted, now)
    except WaymarkError as fault:
        if fault.status == 404:
            raise
        return await _choose(request, scope, worker, form, fault)
    query = _query(**_place(request), done=len(chosen), to=str(taker.id))
    return RedirectResponse(f"/desk/load/{worker.id}{query}", status_code=303)


def _id(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


async def _worker(request: Request) -> tuple[Scope, Person]:
    visitor = await agency_for(request, AgencyAction.LOAD_SEE)
    person = await _adult(visitor.agency_id, request.path_params["person_id"])
    if person is None:
        raise nothing_here()
    return await scope_of(request), person


async def _adult(agency_id: UUID | None, id_: UUID | None) -> Person | None:
    adults = Person.filter(id=id_, agency_id=agency_id, disabled_at__isnull=True)
    person = await adults.first()
    return None if person is None or person.role == Role.CHILD else person


async def _taker(scope: Scope, worker: Person, form: FormData) -> Person:
    person = await _adult(scope.agency_id, _id(form.get("to")))
    if person is None or person.id == worker.id or not may_hold(person.role, Role.CASEWORKER):
        raise Refused(N_("Choose who takes over."), field="to")
    return person


async def _choose(
    request: Request,
    scope: Scope,
    worker: Person,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language = language_of(request)
    loads = await reading.loads(scope)
    [load] = [load for load in loads if load.id == worker.id] or [
        Load(id=worker.id, name=worker.name)
    ]
    number, pages = part_of(request, load.children, AT_ONCE)
    pairs, many = await reading.children_of(worker.id, scope, number)
    # To be named here is a look, where the reader is only on duty or covers for a colleague.
    roles = await children_for(request, Action.TIES_CHANGE, among=[id_ for id_, _ in pairs])
    children = await reading.named([pair for pair in pairs if pair[0] in roles])
    context: dict[str, Any] = {
        "worker": worker,
        "children": children,
        "many": many,
        "takers": [_option(other, language) for other in loads if other.id != worker.id],
        "given": set() if form is None else {str(text) for text in form.getlist("child")},
        "to": "" if form is None else entered(form, "to"),
        "error": None if fault is None else form_fault(fault, language),
        "done": await _done(request, scope),
        "number": number,
        "pages": pages,
        **_ways(request, worker),
    }
    return page(request, "desk/load_worker.html", context, status=fault.status if fault else 200)


def _option(load: Load, language: str) -> tuple[UUID, str]:
    many = ngettext(language, "{n} child", "{n} children", load.children)
    return load.id, gettext(language, N_("{name} ({load})"), name=load.name, load=many)


async def _done(request: Request, scope: Scope) -> str | None:
    many = request.query_params.get("done", "")
    taker = await _adult(scope.agency_id, _id(request.query_params.get("to")))
    if taker is None or not (many.isascii() and many.isdigit() and len(many) < 4):
        return None
    return ngettext(
        language_of(request),
        "{n} child is now with {name}. We tell both workers and the child.",
        "{n} children are now with {name}. We tell both workers and the children.",
        int(many),
        name=taker.name,
    )


async def _confirm(request: Request, worker: Person, taker: Person, chosen: list[UUID]) -> Response:
    names = [person.name for person in await Person.filter(id__in=chosen)]
    context = {
        "worker": worker,
        "taker": taker,
        "chosen": chosen,
        "names": format_list(language_of(request), sorted(names, key=str.casefold)),
        "id": str(uuid4()),
        **_ways(request, worker),
    }
    return page(request, "desk/load_confirm.html", context)


_PATH = "/desk/load/{person_id:uuid}"
routes = [
    Route("/desk/load", show, methods=["GET"]),
    Route(_PATH, choose, methods=["GET"]),
    Route(_PATH, confirm, methods=["POST"]),
]
