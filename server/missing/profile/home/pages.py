"""The pack at the desk: all of it; or the part that a guardian or a carer reads sealed."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.missing.profile import pages, reading
from server.missing.profile.access import Seen, part_for, whole_or_own
from server.missing.profile.fields import BY_GROUP
from server.missing.profile.paper_head import said_by
from server.people.access import staff_of
from server.people.rules import Action, may
from server.web.rendering import page


async def show(request: Request) -> Response:
    """The pack; or the question why it is opened; or a part of it."""
    await staff_of(request)
    seen = await whole_or_own(request, request.path_params["child_id"])
    return await pages.whole(request, seen) if seen.sees_whole else await _part(request, seen)


async def _part(request: Request, seen: Seen) -> Response:
    names = await part_for(request, seen)
    shown, reader = await reading.part(seen.child, names), await pages.reader_of(request)
    by_field = said_by(shown.home, reader)
    context = {
        **await pages.frame(request, seen.child),
        "groups": [
            pages.shown_group(group, shown.fields, reader.language, by_field)
            for group in (BY_GROUP["own"], BY_GROUP["home"])
            if {field.name for field in group.fields} & set(names)
        ],
        "is_of_home": seen.is_of_home,
        "has_page": may(frozenset(seen.roles), Action.HISTORY_SEE),
    }
    return page(request, "missing/profile/part.html", context)


routes = [Route("/desk/children/{child_id:uuid}/pack", show, methods=["GET"])]
