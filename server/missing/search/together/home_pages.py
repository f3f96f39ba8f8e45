"""A person who works in a home reports one of its children missing, after "not here".

They need no tie to the child, and get none by it: the page has the child's name and the form, and
afterwards who is searching and how to call them.
"""

from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.i18n import N_, gettext
from server.missing.search import opening
from server.missing.search.missing_pages import NOTHING_GIVEN, form_if_any, form_of, report
from server.people.access import nothing_here, now_of
from server.people.models import Person
from server.people.words import entered
from server.policy.roll_call import Word
from server.roll_calls.access import Entrance, as_worker
from server.roll_calls.calling import calling_of
from server.roll_calls.reading import Line, sheet
from server.web.rendering import language_of, page

_NO_LONGER = N_(
    "The home no longer says that {name} is not here, so nobody was called. If they are not here,"
    " say so at the roll call, then report."
)


async def missing(request: Request) -> Response:
    """The form; once a search is open, who to call about it."""
    seat, line = await _entrance(request)
    # A home that says "here" learns nothing of a search: it may be the home that hides the child.
    if not (line.was_away or _is_away(line)):
        return RedirectResponse(seat.path, status_code=303)
    if await opening.open_of_child(line.child_id) is not None:
        return await _reported(request, seat, line.child_id)
    if not _is_away(line):
        return RedirectResponse(seat.path, status_code=303)
    return await _form(request, seat, line.child_id)


async def report_missing(request: Request) -> Response:
    """Everyone is called at once, as by everyone else's report. Twice is once."""
    seat, line = await _entrance(request)
    form = await form_if_any(request)
    if not (_is_away(line) or await opening.open_of_child(line.child_id)):
        return await _form(request, seat, line.child_id, form)
    await report(seat.visitor, line.child_id, form, now_of(request))
    return RedirectResponse(request.url.path, status_code=303)


async def _entrance(request: Request) -> tuple[Entrance, Line]:
    """The home, and what it says of the child. Raises NotFound for a person who does not work
    there, and for a child who does not live there."""
    seat = await as_worker(request)
    last = await sheet(seat.home.id, now_of(request))
    child_id = request.path_params["child_id"]
    lines = last.lines if last is not None else ()
    line = next((each for each in lines if each.child_id == child_id), None)
    if line is None:
        raise nothing_here()
    return seat, line


def _is_away(line: Line) -> bool:
    """Whether "not here" is what counts; while the last roll call has no answer about the child,
    at the one before it."""
    if line.said is not None:
        return line.said is Word.NOT_HERE
    return line.before is not None and line.before.word is Word.NOT_HERE


async def _form(
    request: Request, seat: Entrance, child_id: UUID, given: FormData | None = None
) -> Response:
    """`given`: what was not taken, since the home says something else by now."""
    language, child = language_of(request), await Person.get(id=child_id)
    context = {
        # Who answers for the child is for those who may open the child's page.
        **form_of(child, request.url.path, language),
        "back": (seat.path, gettext(language, N_("Roll call"))),
    }
    if given is not None:
        context |= {
            "given": {name: entered(given, name) for name in NOTHING_GIVEN},
            "ticked": given.getlist("flag"),
            "problem": gettext(language, _NO_LONGER, name=child.name),
        }
    status = 200 if given is None else 409
    return page(request, "missing/search/missing.html", context, status=status)


async def _reported(request: Request, seat: Entrance, child_id: UUID) -> Response:
    language, now = language_of(request), now_of(request)
    calling = await calling_of([child_id], seat.home.agency_id, seat.visitor.id, language, now)
    context = {
        "child": await Person.get(id=child_id),
        "home": seat.home,
        "path": seat.path,
        "contacts": calling[child_id].contacts,
    }
    return page(request, "missing/search/reported.html", context)


_PATH = "/desk/homes/{home_id:uuid}/roll-call/{child_id:uuid}/missing"

routes = [
    Route(_PATH, missing, methods=["GET"]),
    Route(_PATH, report_missing, methods=["POST"]),
]
