"""What this room answers over the wire."""

from server.records.transfer import api as transfer

routes = [*transfer.routes]
