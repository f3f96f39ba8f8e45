"""Where a page of the sign-in leads: home, to the second half of the sign-in, to what waits."""

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import UUID

from markupsafe import Markup
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response

from server.auth import browsers
from server.auth.browsers import remember as remember_browser
from server.auth.cookies import own_token, set_cookie
from server.auth.rules import ASKED_ANEW, BROWSER_LASTS, HALFWAY_LASTS, is_here
from server.auth.second_factor.passkeys import Site, site_of
from server.auth.second_factor.remembered_device import is_known_by, remember
from server.auth.sessions import Opened, end_before
from server.errors import Refused
from server.i18n import N_
from server.people.access import now_of
from server.people.rules import Role
from server.starting import late

if TYPE_CHECKING:
    import segno
else:
    segno = late("segno")

NO_PASSKEYS = N_("Passkeys do not work here, because this site's address is only a number.")


def to(path: str) -> RedirectResponse:
    """On to that page."""
    return RedirectResponse(path, status_code=303)


def home(role: str, next_: str) -> str:
    """What was asked for before the sign-in, else the right home."""
    if role == Role.CHILD:
        return "/app/"
    return next_ if is_here(next_) else "/desk/"


def back(next_: str, otherwise: str) -> str:
    """The path the visitor asked for, if it is one of ours."""
    return next_ if is_here(next_) else otherwise


async def let_in(
    request: HTTPConnection, opened: Opened, next_: str, *, has_key: bool = False
) -> Response:
    """Signed in: set the token as a cookie, and redirect. The session that this browser had before
    ends. From now on the person may sign in here while others guess. `has_key`: this browser showed
    a passkey in a whole sign-in; from now on the passkey alone opens an alert."""
    answer = to(home(opened.person.role, next_))
    before = await end_before(own_token(request), opened, now_of(request))
    set_cookie(request, answer, opened.token, lasts=False)
    now = now_of(request)
    keep_known(request, answer, await remember_browser(opened.person.id, known_here(request), now))
    if halfway_token(request) is not None:
        drop_halfway(request, answer)
    if has_key or await is_known_by(request, before, opened.person.id):
        remember(request, answer, opened.session_id)
    return answer


def proved_on(request: HTTPConnection, renewed: str | None, next_: str) -> Response:
    """A person has shown again who they are: back to what was about to be opened, with the token
    that counts from now on."""
    answer = to(back(next_, "/desk/settings"))
    if renewed is not None:
        set_cookie(request, answer, renewed, lasts=False)
    return answer


# --- who has signed in here before


def _known_name(request: HTTPConnection) -> str:
    return "__Host-b" if request.app.state.settings.is_https else "b"


def known_here(request: HTTPConnection) -> list[UUID]:
    """By what this browser is known, to several people."""
    return browsers.read(request.cookies.get(_known_name(request)), now_of(request))


def keep_known(request: HTTPConnection, answer: Response, ids: list[UUID]) -> None:
    """Store these known-browser ids in the browser. They stay when the person signs out."""
    token = browsers.signed(ids, now_of(request))
    keep(request, answer, _known_name(request), token, lasts=BROWSER_LASTS)


# --- between the two halves


def halfway_name(request: HTTPConnection) -> str:
    """The cookie between the two pages of the sign-in."""
    return "__Host-h" if request.app.state.settings.is_https else "h"


def halfway_token(request: HTTPConnection) -> str | None:
    """What that cookie holds."""
    return request.cookies.get(halfway_name(request))


def halfway_on(request: HTTPConnection, token: str, next_: str) -> Response:
    """On to the page that asks for the second key."""
    answer = to(f"/sign-in/second?next={quote(next_)}" if next_ else "/sign-in/second")
    keep_halfway(request, answer, token)
    return answer


def keep_halfway(request: HTTPConnection, answer: Response, token: str) -> None:
    """Put the token of a half where no script can read it, for as long as it lasts."""
    keep(request, answer, halfway_name(request), token, lasts=HALFWAY_LASTS)


def drop_halfway(request: HTTPConnection, answer: Response) -> None:
    """Take it away again."""
    drop(request, answer, halfway_name(request))


def keep(
    request: HTTPConnection, answer: Response, name: str, token: str, *, lasts: timedelta
) -> None:
    """A sign-in cookie: no script reads it, and links from other sites send it along."""
    answer.set_cookie(
        name,
        token,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=request.app.state.settings.is_https,
        httponly=True,
        samesite="lax",
    )


def drop(request: HTTPConnection, answer: Response, name: str) -> None:
    """Take such a cookie away."""
    secure = request.app.state.settings.is_https
    answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


# --- after a sign-out


def _out_name(request: HTTPConnection) -> str:
    return "__Host-a" if request.app.state.settings.is_https else "a"


def signed_out(request: HTTPConnection, answer: Response) -> None:
    """No page of before is shown again by the button that goes back. And the next sign-in through a
    provider asks who the person is: the provider may still take this browser for the person who was
    here before."""
    # Never "storage": what was written without a network and waits there would be lost.
    answer.headers["clear-site-data"] = '"cache"'
    if request.app.state.settings.oidc:
        answer.set_cookie(
            _out_name(request),
            "1",
            max_age=int(ASKED_ANEW.total_seconds()),
            path="/",
            secure=request.app.state.settings.is_https,
            httponly=True,
            samesite="lax",
        )


def was_signed_out(request: HTTPConnection) -> bool:
    """Whether a person has signed out in this browser lately."""
    return _out_name(request) in request.cookies


def site_for(request: HTTPConnection) -> Site:
    """Where a passkey is good. Raises Refused if none can be."""
    site = site_of(request.app.state.settings)
    if site is None:
        raise Refused(NO_PASSKEYS)
    return site


def qr(text: str) -> Markup:
    """The text as a QR code: an SVG inside the page itself, without style or script."""
    code = segno.make(text, error="m", micro=False)
    svg = code.svg_inline(
        scale=6, border=4, dark="#000", light="#fff", svgclass="qr", omitsize=True
    )
    return Markup(svg)  # noqa: S704 - made by us, only from what a picture contains
