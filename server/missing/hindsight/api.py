"""What can be seen afterwards, over the wire: what may belong together, and the indicators."""

from server.missing.hindsight import indicator_api, patterns_api

routes = [*patterns_api.routes, *indicator_api.routes]
