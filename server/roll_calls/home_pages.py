"""Who works in a home, and when its roll calls are: for administrators and supervisors."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts.recipients import policy_of
from server.clock import known_zone
from server.errors import Refused
from server.i18n import N_, format_date, format_list, gettext
from server.people.access import Visitor, agency_for, nothing_here, now_of
from server.people.finding import sealed_query
from server.people.models import Home, Person
from server.people.rules import MAY_WORK, AgencyAction, Role, may_agency
from server.people.words import entered, form_fault, name_and_role
from server.policy.roll_call import MOST_ROLL_CALLS
from server.roll_calls import actions, reading
from server.web.rendering import language_of, page
from server.web.requests import form_body, part_of

_HOW = ("policy", "own", "none")
_AT_ONCE = 20
_SEALED_FOR = "works"
# The place above this page, for supervisors and for administrators.
_BACK = {
    False: (("/desk/reports", N_("Reports")), ("/desk/roll-calls", N_("Roll calls"))),
    True: (("/desk/admin", N_("Admin")), ("/desk/people/homes", N_("Homes"))),
}
Given = Mapping[str, Any]


class Part(msgspec.Struct, frozen=True):
    """One part of the people who were found, for the words that were searched."""

    people: Sequence[tuple[UUID, str]]
    words: str
    number: int
    pages: int


async def show(request: Request) -> Response:
    """The people who work there, and the times."""
    visitor, home = await home_of(request)
    return await show_home(request, visitor, home)


async def add_worker(request: Request) -> Response:
    """Add a person."""
    visitor, home = await home_of(request)
    person_id = entered(await form_body(request), "person_id")
    try:
        await actions.add_worker(visitor, home.id, _person(person_id), now_of(request))
    except Refused as fault:
        return await show_home(request, visitor, home, {"person_id": person_id}, fault)
    return _saved(home.id)


async def find(request: Request) -> Response:
    """To the people with these words in their name. A name belongs in no address."""
    visitor, home = await home_of(request)
    words = sealed_query.folded(entered(await form_body(request), "q"))
    sealed = sealed_query.seal(visitor, _SEALED_FOR, words)
    path = _path_of(home.id)
    return RedirectResponse(f"{path}?s={sealed}#find" if sealed else path, status_code=303)


async def end_worker(request: Request) -> Response:
    """They no longer work there."""
    visitor, home = await home_of(request)
    await actions.end_worker(visitor, home.id, request.path_params["person_id"], now_of(request))
    return _saved(home.id)


async def set_times(request: Request) -> Response:
    """When this home does its roll calls."""
    visitor, home = await home_of(request)
    form = await form_body(request)
    how = entered(form, "how")
    typed = [value.strip() for value in form.getlist("times") if isinstance(value, str)]
    times = [value for value in typed if value]
    try:
        await actions.set_times(visitor, home.id, _times(how, times), now_of(request))
    except Refused as fault:
        return await show_home(request, visitor, home, {"how": how, "times": times}, fault)
    return _saved(home.id)


def _times(how: str, times: list[str]) -> list[str] | None:
    if how not in _HOW:
        raise Refused(N_("Choose one of these."), field="how")
    if how == "own" and not times:
        raise Refused(N_("Write a time like 21:30."), field="times")
    return None if how == "policy" else times if how == "own" else []


def _person(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused(N_("Choose a person from the list."), field="person_id") from None


async def home_of(request: Request) -> tuple[Visitor, Home]:
    """The home of the path, for those who may change it. Raises NotFound, Denied."""
    visitor = await agency_for(request, AgencyAction.ROLL_CALL_CHANGE)
    home = await Home.get_or_none(id=request.path_params["home_id"], agency_id=visitor.agency_id)
    if home is None:
        raise nothing_here()
    return visitor, home


def _saved(home_id: UUID) -> Response:
    return RedirectResponse(f"{_path_of(home_id)}?saved=yes", status_code=303)


def _path_of(home_id: UUID) -> str:
    return f"/desk/people/homes/{home_id}/roll-call"


async def show_home(
    request: Request,
    visitor: Visitor,
    home: Home,
    typed: Given | None = None,
    fault: Refused | None = None,
) -> Response:
    """The page; `typed`: what was not taken, and `fault`: why."""
    language, now = language_of(request), now_of(request)
    workers = await reading.workers_of(home.id, now)
    words = sealed_query.query_of(request, visitor, _SEALED_FOR)
    here = {worker.person_id for worker in workers}
    zone = known_zone(home.zone)
    context = {
        "home": home,
        "path": _path_of(home.id),
        "workers": workers,
        "words": words,
        "sealed": sealed_query.seal(visitor, _SEALED_FOR, words),
        "part": await _found(request, visitor, here, words, language),
        "back": _BACK[may_agency(Role(visitor.role), AgencyAction.PEOPLE_CHANGE)],
        "day": lambda at: format_date(language, at.astimezone(zone).date()),
        "of_policy": await _of_policy(home, language),
        "given": _given(home) | dict(typed or {}),
        "more": MOST_ROLL_CALLS,
        "saved": "saved" in request.query_params,
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now,
    }
    return page(request, "roll_calls/home.html", context, status=fault.status if fault else 200)


def _given(home: Home) -> dict[str, Any]:
    times = home.roll_call_at
    how = "policy" if times is None else "own" if times else "none"
    return {"how": how, "times": times or [], "person_id": ""}


async def _of_policy(home: Home, language: str) -> str:
    policy, _ = await policy_of(home.agency_id)
    times = [f"{at:%H:%M}" for at in policy.roll_call.at]
    if not times:
        return gettext(language, N_("The policy has no roll calls at the moment."))
    return gettext(language, N_("At the moment: {times}."), times=format_list(language, times))


async def _found(
    request: Request, visitor: Visitor, here: set[UUID], words: str, language: str
) -> Part | None:
    """One part of the people with these words in their name who could work here; None for no words.
    Names are sealed: only this process can search and sort them."""
    searched = words.casefold().split()
    if not searched:
        return None
    adults = await Person.filter(
        agency_id=visitor.agency_id,
        disabled_at__isnull=True,
        role__in=[role.value for role in MAY_WORK],
    )
    fits = [
        adult
        for adult in adults
        if adult.id not in here and all(word in adult.name.casefold() for word in searched)
    ]
    fits.sort(key=lambda adult: (adult.name.casefold(), adult.id))
    number, pages = part_of(request, len(fits), _AT_ONCE)
    part = fits[(number - 1) * _AT_ONCE : number * _AT_ONCE]
    return Part(
        [(adult.id, name_and_role(adult, language)) for adult in part], words, number, pages
    )


_PATH = "/desk/people/homes/{home_id:uuid}/roll-call"

routes = [
    Route(_PATH, show, methods=["GET"]),
    Route(f"{_PATH}/times", set_times, methods=["POST"]),
    Route(f"{_PATH}/find", find, methods=["POST"]),
    Route(f"{_PATH}/workers", add_worker, methods=["POST"]),
    Route(f"{_PATH}/workers/{{person_id:uuid}}/end", end_worker, methods=["POST"]),
]
