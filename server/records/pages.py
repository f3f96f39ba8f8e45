"""What this room shows at the desk."""

from server.records.transfer import pages as transfer

routes = [*transfer.routes]
