"""The life project of a child inside the desk: the frame around the screens of the phone's app."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.people.access import Roles, desk_child, staff_of
from server.people.models import Person
from server.people.rules import Action, Role, may
from server.plan.rules import speaks_as
from server.web.rendering import page


async def show(request: Request) -> Response:
    """The frame. The project itself comes by the API, as on the phone."""
    child, roles = await desk_child(request, Action.PROJECT_SEE)
    visitor = await staff_of(request)
    context = {
        "child": await Person.get(id=child.id),
        "path": _above(child.id, roles),
        "role": speaks_as(roles),
        "person_id": visitor.person_id,
        # The paper has all of it; a carer reads what they promised.
        "has_paper": not roles <= {Role.CARER},
    }
    return page(request, "desk/project.html", context)


def _above(child_id: UUID, roles: Roles) -> str:
    """The page about the child that this reader may open, else the board."""
    if may(roles, Action.HISTORY_SEE):
        return f"/desk/children/{child_id}"
    return f"/desk/children/{child_id}/advocacy" if may(roles, Action.ADVOCACY) else "/desk/"


routes = [Route("/desk/children/{child_id:uuid}/project", show, methods=["GET"])]
