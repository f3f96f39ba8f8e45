"""Help: the guides, in the reader's language."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.desk.help.guide import GUIDES, guide
from server.people.access import nothing_here, staff_of
from server.web.help_links import GUIDE_OF, HELP
from server.web.rendering import language_of, page


async def own(request: Request) -> Response:
    """The guide of the reader's own role."""
    visitor = await staff_of(request)
    return _page(request, GUIDE_OF[visitor.role])


async def any_guide(request: Request) -> Response:
    """One of the guides: everyone at the desk may read all of them."""
    await staff_of(request)
    name = request.path_params["guide"]
    if name not in GUIDES:
        raise nothing_here()
    return _page(request, name)


def _page(request: Request, name: str) -> Response:
    language = language_of(request)
    others = [guide(other, language) for other in GUIDES if other != name]
    context = {"guide": guide(name, language), "others": others, "help": HELP}
    return page(request, "desk/help.html", context)


routes = [
    Route(HELP, own, methods=["GET"]),
    Route(f"{HELP}/{{guide}}", any_guide, methods=["GET"]),
]
