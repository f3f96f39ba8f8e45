"""A task at the desk, for a person who was told of it: what to do next, also without a tie.

A deputy is called when another person does not answer, and that gives no right to the child: only
ties and the rota decide who may read about a child. So this page leads readers with the right on to
the child, and tells everyone else only who to ask.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Denied, NotFound
from server.i18n import gettext
from server.people.access import child_for, nothing_here, now_of, staff_of
from server.people.rules import Action
from server.tasks.models import Task
from server.tasks.reach import told_instead
from server.tasks.rules import Kind, State
from server.tasks.turns import WORDS
from server.web.rendering import language_of, page


async def show(request: Request) -> Response:
    """What to do about it."""
    visitor = await staff_of(request)
    task = await Task.get_or_none(id=request.path_params["due_id"], agency_id=visitor.agency_id)
    if task is None:
        raise nothing_here()
    try:
        await child_for(request, task.child_id, Action.HISTORY_SEE)
    except (Denied, NotFound):
        return await _instead(request, task)
    return RedirectResponse(f"/desk/children/{task.child_id}", status_code=303)


async def _instead(request: Request, task: Task) -> Response:
    visitor, now, language = await staff_of(request), now_of(request), language_of(request)
    instead = await told_instead(task.child_id, visitor.person_id, now, task=task)
    if instead is None:
        raise nothing_here()
    context: dict[str, Any] = {
        "word": gettext(language, WORDS[Kind(task.kind)]),
        "is_open": task.state == State.OPEN,
        "owners": instead.owners,
        "can_tie": instead.can_tie,
        "now": now,
    }
    return page(request, "tasks/instead.html", context)


routes = [Route("/desk/dues/{due_id:uuid}", show, methods=["GET"])]
