"""A task at the desk, for a person who was told of it: what to do next, also without a tie.

A deputy is called when another person does not answer, and that gives no right to the child: only
ties and the rota decide who may read about a child. So this page leads readers with the right on to
the page where the task is done, and tells everyone else only who to ask.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Denied, NotFound
from server.i18n import gettext
from server.people.access import child_for, nothing_here, now_of, staff_of
from server.people.rules import Action, Role
from server.tasks.models import Task
from server.tasks.reach import told_instead
from server.tasks.rules import OF_A_PROJECT, OF_A_SHIFT, OF_AN_EPISODE, Kind, State
from server.tasks.turns import WORDS, turns_of
from server.tasks.ways import page_about, path_of, way_for
from server.web.rendering import language_of, page


async def show(request: Request) -> Response:
    """What to do about it."""
    visitor = await staff_of(request)
    task = await Task.get_or_none(id=request.path_params["due_id"], agency_id=visitor.agency_id)
    if task is None:
        raise nothing_here()
    try:
        path = await _onward(request, task)
    except (Denied, NotFound):
        return await _instead(request, task)
    return RedirectResponse(path, status_code=303)


async def _onward(request: Request, task: Task) -> str:
    """Where this reader does it, or reads how it stands. Raises NotFound, Denied."""
    visitor, kind = await staff_of(request), Kind(task.kind)
    if kind in OF_A_SHIFT and task.owner_id == visitor.person_id:
        # They write their note after the shift too, when the rota gives them no right any more.
        return path_of(kind, task.child_id, task.subject_id)
    if kind in OF_AN_EPISODE:
        _, roles = await child_for(request, task.child_id, Action.EPISODE_SEE, by_call=True)
    else:
        # An answer is given in the project, which is all that an advocate has of the child.
        is_there = kind in OF_A_PROJECT or kind is Kind.REPLY
        action = Action.PROJECT_SEE if is_there else Action.HISTORY_SEE
        _, roles = await child_for(request, task.child_id, action)
        if roles == {Role.CARER}:
            return await _in_the_app(request, task)
    about = page_about(kind, task.child_id, task.subject_id)
    is_over = kind in OF_AN_EPISODE and task.state != State.OPEN
    way = None if is_over else way_for(roles, kind, task.child_id, subject_id=task.subject_id)
    return way or about


async def _in_the_app(request: Request, task: Task) -> str:
    """For a carer, who has no page about the child: their own promises are in the app. Raises
    NotFound for what is not their turn."""
    visitor, now = await staff_of(request), now_of(request)
    if visitor.person_id not in (await turns_of([task], now))[task.id]:
        raise nothing_here()
    return f"/app/#with={task.child_id}"


async def _instead(request: Request, task: Task) -> Response:
    visitor, now, language = await staff_of(request), now_of(request), language_of(request)
    instead = await told_instead(task.child_id, visitor.person_id, now, task=task)
    if instead is None:
        raise nothing_here()
    context: dict[str, Any] = {
        "word": gettext(language, WORDS[Kind(task.kind)]),
        "is_open": task.state == State.OPEN,
        "is_done": task.state == State.DONE,
        "owners": instead.owners,
        "can_tie": instead.can_tie,
        "now": now,
    }
    return page(request, "tasks/instead.html", context)


routes = [Route("/desk/dues/{due_id:uuid}", show, methods=["GET"])]
