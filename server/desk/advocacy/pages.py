"""The advocate's page about a child: the way to the project and the messages, and nothing else."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.desk.advocacy import reading as advocacy
from server.people.access import desk_child, now_of
from server.people.rules import Action
from server.web.rendering import page


async def show(request: Request) -> Response:
    """What the advocate may do."""
    child, roles = await desk_child(request, Action.ADVOCACY)
    [card] = await advocacy.cards(request, {child.id: roles})
    context = {"card": card, "path": f"/desk/children/{child.id}", "now": now_of(request)}
    return page(request, "desk/advocacy.html", context)


routes = [Route("/desk/children/{child_id:uuid}/advocacy", show, methods=["GET"])]
