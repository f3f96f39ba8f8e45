"""The cookies that carry the tokens of sessions, and which of them counts for a request."""

from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.responses import Response

from server.web.requests import header

# Browsers keep no cookie longer than 400 days; the phone gets a new one at every start.
COOKIE_S = 400 * 24 * 3600

# When several children share one phone, each request names its child by the id of the pairing. A
# request that cannot send a header (a link, a stream) puts it in the address.
PHONE_HEADER = b"x-phone"
PHONE_QUERY = "phone"
NOBODYS = UUID(int=0)


def cookie_name(phone: UUID | None = None, *, is_https: bool) -> str:
    """A neutral name, since the cookie is on a child's phone. `__Host-` binds it to this origin
    alone.

    `phone`: one of several that share a browser; the cookie of each has a name of its own.
    """
    name = "s" if phone is None else f"s-{phone.hex}"
    return f"__Host-{name}" if is_https else name


def phone_of(request: HTTPConnection) -> UUID | None:
    """The paired phone that the request names; None if it names none. An invalid id matches no
    phone."""
    query = request.query_params if request.scope["query_string"] else {}
    phone_id = header(request.scope, PHONE_HEADER) or query.get(PHONE_QUERY, "")
    if not phone_id:
        return None
    try:
        return UUID(phone_id)
    except ValueError:
        return NOBODYS


def token_of(request: HTTPConnection) -> tuple[str | None, bool]:
    """The token that came with the request, and whether it came as a cookie."""
    scheme, _, token = header(request.scope, b"authorization").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip() or None, False
    return request.cookies.get(_cookie_of(request)), True


def own_token(request: HTTPConnection) -> str:
    """The token of the session that a browser has for its first person; empty if it has none."""
    return request.cookies.get(cookie_name(is_https=request.app.state.settings.is_https), "")


def sharing(request: HTTPConnection) -> int:
    """How many have a cookie of their own in this browser, beside the first one there."""
    return len(_beside(request))


def _beside(request: HTTPConnection) -> list[str]:
    start = cookie_name(is_https=request.app.state.settings.is_https) + "-"
    return [name for name in request.cookies if name.startswith(start)]


def _cookie_of(request: HTTPConnection) -> str:
    """The cookie that counts for this request: that of its phone, else the first."""
    is_https: bool = request.app.state.settings.is_https
    own = cookie_name(phone_of(request), is_https=is_https)
    return own if own in request.cookies else cookie_name(is_https=is_https)


def set_cookie(
    request: HTTPConnection,
    response: Response,
    token: str,
    *,
    lasts: bool,
    beside: UUID | None = None,
) -> None:
    """Put the token where no script can read it. `lasts`: a phone keeps it over restarts.

    `beside`: this phone's, beside those of others in this browser.
    """
    is_https: bool = request.app.state.settings.is_https
    _set(request, response, cookie_name(beside, is_https=is_https), token, lasts=lasts)


def renew_cookie(request: HTTPConnection, response: Response, token: str) -> None:
    """Browsers forget every cookie after 400 days at most: one that is used lasts on."""
    _set(request, response, _cookie_of(request), token, lasts=True)


def _set(
    request: HTTPConnection, response: Response, name: str, token: str, *, lasts: bool
) -> None:
    is_https: bool = request.app.state.settings.is_https
    response.set_cookie(
        name,
        token,
        max_age=COOKIE_S if lasts else None,
        path="/",
        secure=is_https,
        httponly=True,
        samesite="lax",
    )


def drop_cookie(request: HTTPConnection, response: Response) -> None:
    """Delete the cookie that identified this request."""
    _drop(request, response, _cookie_of(request))


def drop_others(request: HTTPConnection, response: Response) -> None:
    """The browser is no longer shared: delete the cookies beside the first one."""
    for name in _beside(request):
        _drop(request, response, name)


def _drop(request: HTTPConnection, response: Response, name: str) -> None:
    is_https: bool = request.app.state.settings.is_https
    response.delete_cookie(name, path="/", secure=is_https, httponly=True, samesite="lax")
