"""The life project of a child inside the desk: the frame around the screens of the phone's app."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.people.access import desk_child, staff_of
from server.people.models import Person
from server.people.rules import Action
from server.plan.rules import speaks_as
from server.web.rendering import page


async def show(request: Request) -> Response:
    """The frame. The project itself comes by the API, as on the phone."""
    child, roles = await desk_child(request, Action.PROJECT_SEE)
    visitor = await staff_of(request)
    context = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "role": speaks_as(roles),
        "person_id": visitor.person_id,
    }
    return page(request, "desk/project.html", context)


routes = [Route("/desk/children/{child_id:uuid}/project", show, methods=["GET"])]
