"""The page of a search or of a return, with links to related searches."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.missing.profile.likely_places import likely_places
from server.missing.returns import back_pages
from server.missing.search import pages as search
from server.missing.search.paths import desk_episode
from server.people.rules import Action
from server.reports.patterns_pages import about


async def show(request: Request) -> Response:
    """The search; once the child was seen, what is still to do."""
    episode, roles = await desk_episode(request, Action.EPISODE_SEE, by_call=True)
    if episode.is_open:
        return await search.show(request, episode, roles, about, likely_places)
    return await back_pages.show(request, episode, roles, about)


routes = [Route("/desk/episodes/{episode_id:uuid}", show, methods=["GET"])]
