"""The desk: the routes of all rooms of a missing child."""

from functools import partial

from starlette.routing import Route

from server.missing.back import pages as back
from server.missing.hindsight import pages as hindsight
from server.missing.hindsight.patterns_pages import about
from server.missing.pack import pages as pack
from server.missing.search import pages as search

# The page of an episode shows what only the last of the rooms knows.
_episode = partial(search.show, links_about=about)

routes = [
    *search.routes,
    Route("/desk/episodes/{episode_id:uuid}", _episode, methods=["GET"]),
    *back.routes,
    *pack.routes,
    *hindsight.routes,
]
