"""A device on which a person has used a passkey lately: we ask for it at once.

The cookie names the session of that time, signed, and opens nothing by itself: the person still has
to answer with the passkey. A device is forgotten when that session was ended, by signing out, from
elsewhere, or by an administrator.
"""

from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.responses import Response

from server.auth.models import Passkey, Session
from server.auth.rules import KNOWN_LASTS
from server.people.access import now_of
from server.security import encryption

_PURPOSE = "known device"


def _name(request: HTTPConnection) -> str:
    return "__Host-k" if request.app.state.settings.is_https else "k"


def remember(request: HTTPConnection, answer: Response, session_id: UUID) -> None:
    """This device is known from here on."""
    now = now_of(request)
    answer.set_cookie(
        _name(request),
        encryption.sign(str(session_id), _PURPOSE, until=now + KNOWN_LASTS),
        max_age=int(KNOWN_LASTS.total_seconds()),
        path="/",
        secure=request.app.state.settings.is_https,
        httponly=True,
        samesite="lax",
    )


def forget(request: HTTPConnection, answer: Response) -> None:
    """It is not, any more."""
    secure = request.app.state.settings.is_https
    answer.delete_cookie(_name(request), path="/", secure=secure, httponly=True, samesite="lax")


async def known_person(request: HTTPConnection) -> UUID | None:
    """The person who lately used this device, if they have a passkey to open an alert with."""
    session_id = _session_of(request)
    if session_id is None:
        return None
    session = await Session.get_or_none(id=session_id, ended_at__isnull=True)
    if session is None or not await Passkey.exists(person_id=session.person_id):
        return None
    return session.person_id


async def is_known_by(request: HTTPConnection, session_id: UUID | None, person_id: UUID) -> bool:
    """Whether the device is known by this session of this person: one that takes its place in the
    same browser makes the device no stranger."""
    if session_id is None or session_id != _session_of(request):
        return False
    return await Session.exists(id=session_id, person_id=person_id)


def _session_of(request: HTTPConnection) -> UUID | None:
    token = request.cookies.get(_name(request))
    if token is None:
        return None
    try:
        return UUID(encryption.unsign(token, _PURPOSE, now_of(request)))
    except (encryption.Unreadable, ValueError):
        return None
