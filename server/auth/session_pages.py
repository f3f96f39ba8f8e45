"""Where you are signed in: each place in two words, and a way to end it."""

from datetime import timedelta
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.auth import actions
from server.auth.cookies import drop_cookie
from server.auth.credentials import SESSIONS_PAGE
from server.auth.models import Session
from server.auth.redirects import signed_out, to
from server.auth.rules import STAFF_IDLE, is_over
from server.people.access import now_of, staff_of
from server.web.rendering import page

PAGE = SESSIONS_PAGE


async def sessions(request: Request) -> Response:
    """This one first, then whichever was used last."""
    visitor, now = await staff_of(request), now_of(request)
    held = await Session.filter(person_id=visitor.person_id, ended_at__isnull=True)
    live = [
        session
        for session in held
        if not is_over(session.expires_at, session.last_seen_at, now, _idle(session))
    ]
    others = [session for session in live if session.id != visitor.session_id]
    others.sort(key=lambda session: session.last_seen_at, reverse=True)
    context = {
        "this": next(session for session in live if session.id == visitor.session_id),
        "others": others,
        "saved": request.query_params.get("saved", ""),
        "now": now,
    }
    return page(request, "auth/sessions.html", context)


async def end(request: Request) -> Response:
    """One of them is over; this one too."""
    visitor = await staff_of(request)
    session_id: UUID = request.path_params["session_id"]
    await actions.end_session(visitor, session_id, now_of(request))
    if session_id != visitor.session_id:
        return to(f"{PAGE}?saved=one")
    answer = to("/")
    drop_cookie(request, answer)
    signed_out(request, answer)
    return answer


async def end_others(request: Request) -> Response:
    """All but this one."""
    visitor = await staff_of(request)
    await actions.end_other_sessions(visitor, visitor.session_id, now_of(request))
    return to(f"{PAGE}?saved=others")


def _idle(session: Session) -> timedelta:
    return STAFF_IDLE if session.idle_s is None else timedelta(seconds=session.idle_s)


routes = [
    Route(PAGE, sessions, methods=["GET"]),
    Route(f"{PAGE}/{{session_id:uuid}}/end", end, methods=["POST"]),
    Route(f"{PAGE}/end-others", end_others, methods=["POST"]),
]
