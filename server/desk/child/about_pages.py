"""Facts about a child that may change: the name and file reference, the home, the birthday."""

from datetime import date
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.errors import Refused, WaymarkError
from server.people import actions as people
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import back_to, day_of, home_of
from server.people.models import Child, Home, Person
from server.people.rules import Action
from server.people.words import entered, form_fault
from server.storage.db import write
from server.watch.models import Watch
from server.web.rendering import language_of, page
from server.web.requests import form_body


async def home(request: Request) -> Response:
    """In which home the child lives."""
    child, _ = await desk_child(request, Action.PLACEMENT_CHANGE)
    return await _page(request, "desk/home.html", child)


async def move(request: Request) -> Response:
    """The child lives in another one."""
    child, roles = await desk_child(request, Action.PLACEMENT_CHANGE)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    watch = await Watch.get_or_none(child_id=child.id)
    try:
        async with write():
            where = await home_of(visitor, form, watch.zone if watch else "UTC", now)
            await people.move(visitor, child.id, where, now)
    except WaymarkError as fault:
        return await _page(request, "desk/home.html", child, form, fault)
    return back_to(child.id, roles, "home")


async def birthday(request: Request) -> Response:
    """On which day the child was born."""
    child, _ = await desk_child(request, Action.PLACEMENT_CHANGE)
    return await _page(request, "desk/birthday.html", child)


async def set_birthday(request: Request) -> Response:
    """The day is known, is another one, or is not known after all."""
    child, roles = await desk_child(request, Action.PLACEMENT_CHANGE)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    try:
        await people.set_birthday(visitor, child.id, birthday_of(form), now)
    except WaymarkError as fault:
        return await _page(request, "desk/birthday.html", child, form, fault)
    return back_to(child.id, roles, "birthday")


async def names(request: Request) -> Response:
    """What the child is called, and their file reference."""
    child, _ = await desk_child(request, Action.PLACEMENT_CHANGE)
    return await _page(request, "desk/names.html", child)


async def set_names(request: Request) -> Response:
    """Another spelling, or another reference."""
    child, roles = await desk_child(request, Action.PLACEMENT_CHANGE)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    name, reference = entered(form, "name"), entered(form, "reference")
    try:
        await people.set_names(visitor, child.id, name, reference, now)
    except WaymarkError as fault:
        return await _page(request, "desk/names.html", child, form, fault)
    return back_to(child.id, roles, "names")


def birthday_of(form: FormData) -> date | None:
    """The day of birth in a form; None if it is left open. Raises Refused."""
    try:
        return day_of(entered(form, "born_on"), "born_on", earliest=1990)
    except Refused:
        raise Refused(people.NO_BIRTHDAY, field="born_on") from None


async def _page(
    request: Request,
    template: str,
    child: Child,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language = language_of(request)
    homes = await Home.filter(agency_id=child.agency_id)
    person = await Person.get(id=child.id)
    given = {
        "home_id": str(child.home_id or ""),
        "home_name": "",
        "born_on": child.born_on or "",
        "name": person.name,
        "reference": child.reference or "",
    }
    if form is not None:
        given = {name: entered(form, name) for name in given}
    context: dict[str, Any] = {
        "child": person,
        "path": f"/desk/children/{child.id}",
        "given": given,
        "homes": sorted(((home.id, home.name) for home in homes), key=lambda pair: pair[1]),
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    return page(request, template, context, status=fault.status if fault is not None else 200)


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(f"{_CHILD}/home", home, methods=["GET"]),
    Route(f"{_CHILD}/home", move, methods=["POST"]),
    Route(f"{_CHILD}/names", names, methods=["GET"]),
    Route(f"{_CHILD}/names", set_names, methods=["POST"]),
    Route(f"{_CHILD}/birthday", birthday, methods=["GET"]),
    Route(f"{_CHILD}/birthday", set_birthday, methods=["POST"]),
]
