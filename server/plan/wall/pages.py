"""The project on paper, at the desk: choosing what goes on the page to hang up, then printing."""

from typing import Any, get_args
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused
from server.i18n import N_, gettext
from server.i18n.languages import LANGUAGES
from server.people.access import Roles, not_yours, now_of, staff_of
from server.people.models import Child, Person
from server.people.words import entered, form_fault
from server.plan.paper.life_project import Part
from server.plan.wall import actions
from server.plan.wall.api import child_of, groups_for
from server.plan.wall.reading import NAMES
from server.plan.wall.rules import Asked, Names, may_choose, names_of
from server.web.rendering import language_of, page
from server.web.requests import form_body


async def show(request: Request) -> Response:
    """What may go on the page, and the ways to print."""
    await staff_of(request)
    child, roles = await child_of(request)
    return await _page(request, child, roles)


async def choose(request: Request) -> Response:
    """Keep what was chosen, and open the PDF."""
    visitor = await staff_of(request)
    child, roles = await child_of(request)
    if not may_choose(roles):
        raise not_yours()
    form = await form_body(request)
    try:
        asked, query = _asked(form), _query(form)
        await actions.choose(visitor, child, asked, now_of(request))
    except Refused as fault:
        return await _page(request, child, roles, form, fault)
    return RedirectResponse(f"/api/v1/children/{child.id}/project.pdf?{query}", status_code=303)


def _asked(form: FormData) -> Asked:
    """Only what the form showed is decided: what has come since is not left out by accident."""
    names = entered(form, "names")
    if names not in set(Names):
        raise Refused(N_("Choose which names go on the page."), field="names")
    on = {str(value) for value in form.getlist("on")}
    return Asked(on, {str(value) for value in form.getlist("shown")} - on, Names(names))


def _query(form: FormData) -> str:
    part, language = entered(form, "part") or "all", entered(form, "language")
    if part not in get_args(Part):
        raise Refused(N_("Choose what to print."), field="part")
    if language not in LANGUAGES:
        raise Refused(N_("Choose a language from the list."), field="language")
    return urlencode({"part": part, "language": language})


async def _page(
    request: Request,
    child: Child,
    roles: Roles,
    form: FormData | None = None,
    fault: Refused | None = None,
) -> Response:
    language = language_of(request)
    person = await Person.get(id=child.id)
    listed, choice = await groups_for(request, child, frozenset(roles))
    on = {line.id for group in listed for line in group.lines if line.is_on}
    given: dict[str, Any] = {"names": names_of(choice).value, "language": person.language, "on": on}
    if form is not None:
        shown = {str(value) for value in form.getlist("shown")}
        given = {name: entered(form, name) for name in ("names", "language")}
        given["on"] = {str(value) for value in form.getlist("on")} | (on - shown)
    context = {
        "child": person,
        "path": f"/desk/children/{child.id}",
        "groups": listed,
        "given": given,
        "names": [(name.value, gettext(language, word)) for name, word in NAMES.items()],
        "may_choose": may_choose(roles),
        "error": form_fault(fault, language) if fault is not None else None,
    }
    return page(request, "plan/paper.html", context, status=422 if fault else 200)


_PAPER = "/desk/children/{child_id:uuid}/paper"

routes = [
    Route(_PAPER, show, methods=["GET"]),
    Route(_PAPER, choose, methods=["POST"]),
]
