"""Over the wire: the routes of all rooms of a missing child."""

from server.missing.back import api as back
from server.missing.hindsight import api as hindsight
from server.missing.pack import api as pack
from server.missing.search import api as search

routes = [*search.routes, *back.routes, *pack.routes, *hindsight.routes]
