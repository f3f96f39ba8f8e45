"""The gate before sealed words: only a person who has lately shown who they are passes.

    visitor = await fresh(request)

An open session is not enough there: the computer may be shared, or a stranger may have picked up
the phone. After ten minutes we lead the person to a page that asks for a passkey, a code or the
password, and from there back.
"""

from urllib.parse import quote

from starlette.requests import HTTPConnection

from server.auth.rules import is_fresh
from server.auth.sessions import path_of
from server.errors import NotYet
from server.i18n import N_
from server.people.access import Visitor, now_of, staff_of


async def fresh(request: HTTPConnection, *, back: str | None = None) -> Visitor:
    """The visitor, who has shown who they are within the last ten minutes. Raises NotYet for
    everyone else.

    `back` is the path of the page to come back to, if it is not this one: what was sent to a path
    without a page would be lost otherwise.
    """
    visitor = await staff_of(request)
    assert visitor.proved_at is not None
    if not is_fresh(visitor.proved_at, now_of(request)):
        raise NotYet(
            N_("Confirm that it is you, then try again."),
            to=f"/desk/again?next={quote(back or path_of(request))}",
        )
    return visitor
