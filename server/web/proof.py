"""Whether the visitor has lately shown who they are. The session of the request says it."""

from urllib.parse import quote

from starlette.requests import HTTPConnection

from server.errors import NotYet
from server.i18n import N_


def is_proved(request: HTTPConnection) -> bool:
    """Whether that was within the last ten minutes. After `visitor_of`."""
    return bool(request.state.is_proved)


def way_to_proof(back: str) -> str:
    """The page that asks who it is, and leads back to this path."""
    return f"/desk/again?next={quote(back)}"


def require_proof(request: HTTPConnection, back: str) -> None:
    """Raises NotYet for a visitor who has to show first that it is them."""
    if not is_proved(request):
        raise NotYet(N_("Confirm that it is you, then try again."), to=way_to_proof(back))
