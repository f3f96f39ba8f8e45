"""Flags about a child at the desk: a form, what is open and done, and a page for each."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.clock import as_utc, known_zone
from server.errors import NotFound, Refused, WaymarkError
from server.flags import actions as flags
from server.flags import reading, rules
from server.flags.actions import AddFlag, ChangeFlag
from server.flags.reading import Line
from server.i18n import N_, format_day, gettext
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import back_to, id_or_new, strongest
from server.people.models import Agency, Child, Person
from server.people.rules import Action
from server.people.words import FormFault, entered, form_fault
from server.tasks.rules import end_of
from server.web.rendering import language_of, page
from server.web.requests import form_body, form_count, form_day, form_id, form_time

# In a form: the people on duty instead of one person.
DUTY = "duty"
_FIELDS = ("words", "owner_id", "until_at", "time")
_BEGUN = {
    "address": N_(
        "Please check under “Settings” how we reach you. We are not sure that our messages arrive."
    ),
}


async def show(request: Request) -> Response:
    """The form for a new flag, what is open, and what is done."""
    child, _ = await desk_child(request, Action.FLAG)
    return await _list_page(request, child)


async def add(request: Request) -> Response:
    """A new one."""
    child, roles = await desk_child(request, Action.FLAG)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    try:
        until_at, owner_id = await _until(child, form), _owner(form)
        asked = AddFlag(id_or_new(form), entered(form, "words"), until_at, owner_id)
        await flags.add(visitor, child, strongest(roles, visitor), asked, now)
    except WaymarkError as fault:
        return await _list_page(request, child, form, fault)
    return back_to(child.id, roles, "flag")


async def show_one(request: Request) -> Response:
    """One flag: what it says, and whose it is."""
    child, _ = await desk_child(request, Action.FLAG)
    return await _one_page(request, child)


async def change(request: Request) -> Response:
    """Give it to another person, or to another day."""
    child, roles = await desk_child(request, Action.FLAG)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    try:
        until_at, owner_id = await _until(child, form), _owner(form)
        asked = ChangeFlag(until_at, owner_id, form_count(entered(form, "turn")))
        await flags.change(visitor, child, request.path_params["flag_id"], asked, now)
    except NotFound:
        raise
    except WaymarkError as fault:
        return await _one_page(request, child, form, fault)
    return back_to(child.id, roles, "flag-changed")


async def done(request: Request) -> Response:
    """Done, by one tap."""
    child, roles = await desk_child(request, Action.FLAG)
    visitor, flag_id = await staff_of(request), request.path_params["flag_id"]
    await flags.done(visitor, child, flag_id, now_of(request))
    return back_to(child.id, roles, "flag-done")


def _owner(form: FormData) -> UUID | None:
    value = entered(form, "owner_id")
    return None if value == DUTY else form_id(value, "owner_id")


async def _until(child: Child, form: FormData) -> datetime:
    """The end of the day on the clock of the agency, or the time that is named. Raises Refused."""
    if not entered(form, "until_at"):
        raise Refused(N_("Choose a day."), field="until_at")
    day = form_day(entered(form, "until_at"), "until_at")
    zone = known_zone((await Agency.get(id=child.agency_id)).zone)
    at = entered(form, "time")
    return as_utc(day, form_time(at, "time"), zone) if at else end_of(day, zone)


async def _list_page(
    request: Request,
    child: Child,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    visitor, now = await staff_of(request), now_of(request)
    context = await _shared(request, child, fault)
    people = [value for value, _ in context["owners"]]
    mine = str(visitor.person_id)
    given = {
        "id": str(uuid4()),
        "words": _begun(request),
        "owner_id": _asked_of(request, people) or (mine if mine in people else DUTY),
        "until_at": (now + rules.USUAL).astimezone(context["zone"]).date().isoformat(),
        "time": "",
    }
    if form is not None:
        given = {name: entered(form, name) for name in given}
    done_part = await reading.done_lines(child.id, _after(request), now)
    context |= {
        "given": given,
        "lines": await reading.open_lines(child.id, now),
        "done_lines": done_part.lines,
        "after": done_part.after,
    }
    status = fault.status if fault is not None else 200
    return page(request, "flags/flags.html", context, status=status)


def _asked_of(request: Request, people: Collection[str]) -> str | None:
    """The colleague that the link named, where they can have a flag about this child."""
    asked = request.query_params.get("to", "")
    return asked if asked in people else None


def _begun(request: Request) -> str:
    """Words to begin with, where the link says what it is about."""
    about = request.query_params.get("about", "")
    return gettext(language_of(request), _BEGUN[about]) if about in _BEGUN else ""


def _after(request: Request) -> UUID | None:
    try:
        return UUID(request.query_params.get("after", ""))
    except ValueError:
        return None


async def _one_page(
    request: Request,
    child: Child,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    line = await _line(child, request.path_params["flag_id"], now_of(request))
    context = await _shared(request, child, fault)
    given = {
        "owner_id": str(line.owner_id or DUTY),
        "until_at": line.until.astimezone(context["zone"]).date().isoformat(),
        "time": "" if line.is_whole_day else f"{line.due_at.astimezone(context['zone']):%H:%M}",
        "turn": str(line.turn),
    }
    if form is not None:
        # The turn of now: who sends it again has read what the colleague changed.
        given |= {name: entered(form, name) for name in ("owner_id", "until_at", "time")}
    context |= {"line": line, "given": given}
    status = fault.status if fault is not None else 200
    return page(request, "flags/flag.html", context, status=status)


async def _line(child: Child, flag_id: UUID, now: datetime) -> Line:
    held = await flags.one_of(child, flag_id)
    return (await reading.lines_of([held], now))[0]


async def _shared(request: Request, child: Child, fault: WaymarkError | None) -> dict[str, Any]:
    language, now = language_of(request), now_of(request)
    zone = known_zone((await Agency.get(id=child.agency_id)).zone)
    people = [(str(id_), name) for id_, name in await reading.owners_of(child.id, now)]
    error: FormFault | None = form_fault(fault, language) if fault is not None else None
    return {
        "child": await Person.get(id=child.id),
        "left": child.left_at is not None,
        "path": f"/desk/children/{child.id}",
        "owners": [*people, (DUTY, gettext(language, N_("The people on duty")))],
        "zone": zone,
        "zone_name": zone.key,
        "last": format_day(language, now + rules.LONGEST, zone, now),
        "longest": rules.LONGEST_WORDS,
        "fields": _FIELDS,
        "error": error,
        "now": now,
    }


_FLAGS = "/desk/children/{child_id:uuid}/flags"

routes = [
    Route(_FLAGS, show, methods=["GET"]),
    Route(_FLAGS, add, methods=["POST"]),
    Route(f"{_FLAGS}/{{flag_id:uuid}}", show_one, methods=["GET"]),
    Route(f"{_FLAGS}/{{flag_id:uuid}}", change, methods=["POST"]),
    Route(f"{_FLAGS}/{{flag_id:uuid}}/done", done, methods=["POST"]),
]
