"""A due at the desk, for whoever was told of it: the way on, also for those who have no tie.

A deputy is called for somebody who does not answer, and has no right to the child by that: who may
read about a child is what the ties and the rota say. So this page leads on whoever may see the
child, and tells everyone else no more than whom to ask.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Denied, NotFound
from server.i18n import gettext
from server.people.access import child_for, nothing_here, now_of, staff_of
from server.people.rules import Action
from server.tasks.actions import told_instead
from server.tasks.models import Due
from server.tasks.rules import Kind, State
from server.tasks.turns import WORDS
from server.web.rendering import language_of, page


async def show(request: Request) -> Response:
    """What to do about it."""
    visitor = await staff_of(request)
    due = await Due.get_or_none(id=request.path_params["due_id"], agency_id=visitor.agency_id)
    if due is None:
        raise nothing_here()
    try:
        await child_for(request, due.child_id, Action.HISTORY_SEE)
    except (Denied, NotFound):
        return await _instead(request, due)
    return RedirectResponse(f"/desk/children/{due.child_id}", status_code=303)


async def _instead(request: Request, due: Due) -> Response:
    visitor, now, language = await staff_of(request), now_of(request), language_of(request)
    found = await told_instead(due.child_id, visitor.person_id, now, due=due)
    if found is None:
        raise nothing_here()
    context: dict[str, Any] = {
        "word": gettext(language, WORDS[Kind(due.kind)]),
        "is_open": due.state == State.OPEN,
        "owners": found.owners,
        "can_tie": found.can_tie,
        "now": now,
    }
    return page(request, "tasks/instead.html", context)


routes = [Route("/desk/dues/{due_id:uuid}", show, methods=["GET"])]
