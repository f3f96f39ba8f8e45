"""The gate before sealed words: only a person who has lately shown who they are passes.

    visitor = await fresh(request)

An open session is not enough there: the computer may be shared, or a stranger may have picked up
the phone. After ten minutes we lead the person to a page that asks for a passkey, a code or the
password, and from there back.
"""

from starlette.requests import HTTPConnection

from server.auth.sessions import path_of
from server.people.access import Visitor, staff_of
from server.web.proof import require_proof


async def fresh(request: HTTPConnection, *, back: str | None = None) -> Visitor:
    """The visitor, who has shown who they are within the last ten minutes. Raises NotYet for
    everyone else.

    `back` is the path of the page to come back to, if it is not this one: what was sent to a path
    without a page would be lost otherwise.
    """
    visitor = await staff_of(request)
    require_proof(request, back or path_of(request))
    return visitor
