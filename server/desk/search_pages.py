"""The page of a search, with links to related searches."""

from functools import partial

from starlette.routing import Route

from server.missing.search import pages as search
from server.reports.patterns_pages import about

_show = partial(search.show, links_about=about)

routes = [Route("/desk/episodes/{episode_id:uuid}", _show, methods=["GET"])]
