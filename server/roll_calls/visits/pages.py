"""What kind of home it is, for administrators; and the visit of a key worker to a flat."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused
from server.i18n import N_
from server.people.access import now_of
from server.people.words import entered
from server.policy.roll_call import Word
from server.roll_calls import kinds
from server.roll_calls.access import as_worker
from server.roll_calls.form import id_of, said_at_of
from server.roll_calls.home_pages import home_of, show_home
from server.roll_calls.pages import show_page
from server.roll_calls.visits import actions as visits
from server.web.requests import form_body

_WORDS = {Word.HERE, Word.NOT_HERE, Word.UNKNOWN}


async def set_kind(request: Request) -> Response:
    """A home, a foster home or a flat."""
    visitor, home = await home_of(request)
    kind = entered(await form_body(request), "kind")
    try:
        await kinds.set_kind(visitor, home.id, kind, now_of(request))
    except Refused as fault:
        return await show_home(request, visitor, home, fault=fault)
    return RedirectResponse(f"/desk/people/homes/{home.id}/roll-call?saved=yes", status_code=303)


async def visit(request: Request) -> Response:
    """What a person who works there saw. The same form twice is once."""
    seat, now, form = await as_worker(request), now_of(request), await form_body(request)
    try:
        seen = visits.VisitSaid(
            id_of(entered(form, "id")),
            said_at_of(form, now),
            id_of(entered(form, "child_id")),
            _word(form),
        )
        recorded = await visits.visit(seat.visitor, seat.home.id, seen, now)
    except Refused as fault:
        return await show_page(request, seat, fault)
    return RedirectResponse(f"{seat.path}?sent={len(recorded.left_out)}", status_code=303)


def _word(form: FormData) -> Word:
    word = entered(form, "word")
    if word not in _WORDS:
        raise Refused(N_("Tap one of the buttons."), field="word")
    return Word(word)


routes = [
    Route("/desk/people/homes/{home_id:uuid}/roll-call/kind", set_kind, methods=["POST"]),
    Route("/desk/homes/{home_id:uuid}/visit", visit, methods=["POST"]),
]
