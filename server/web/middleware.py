"""What every request passes through, as pure ASGI.

Outermost first: proxies, AccessLog (logs.py), SecurityHeaders, Faults (responses.py), PlainHead,
SameOrigin, BodyLimit. `stack` gives them in this order. None of them keeps state between requests.
"""

import re
import string
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server.errors import Denied, Malformed, TooLarge, WaymarkError
from server.i18n import N_
from server.logs import AccessLog
from server.settings import Settings
from server.web.requests import header
from server.web.responses import PROBLEM_TYPE, Faults, Handlers, answer_fault

BODY_LIMIT = 1_000_000
# For photo uploads. A visitor who may not send one is refused before we read it.
PHOTO_LIMIT = 15_100_000
# Of what a gateway hands in little is kept: a mail with pictures is heard, too.
HOOK_LIMIT = 30_000_000
_PHOTO_IN_FORM = re.compile(r"POST /desk/children/[0-9a-f-]{36}/pack/photos")
_PHOTO_ALONE = re.compile(r"PUT /api/v1/children/[0-9a-f-]{36}/pack/photos/[0-9a-f-]{36}")

_SELF = (
    "script-src",
    "style-src",
    "img-src",
    "connect-src",
    "font-src",
    "manifest-src",
    "media-src",
    "worker-src",
    "form-action",
)
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        *(f"{name} 'self'" for name in _SELF),
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
# Powers of the phone that none of our pages asks for: the child's position above all.
_UNUSED_POWERS = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "serial",
    "usb",
)
_ALWAYS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(f"{power}=()" for power in _UNUSED_POWERS),
    # Send nothing to other sites. Not "no-referrer", because browsers then send `Origin: null` with
    # our own forms, and in those without Sec-Fetch-Site (Safari before 16.4) we could not tell our
    # own form from a forged one.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
# Answers that are not pages need fewer headers; a phone on a bad line asks often.
_DATA = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
_IS_DATA = (b"application/json", PROBLEM_TYPE.encode())
# Scripts and styles of a page obey the page's own policy. A worker obeys the policy of its own
# file: its name never changes, so it is never among the files that may be kept for ever.
_IS_PART = (b"text/css; charset=utf-8", b"text/javascript; charset=utf-8")
# Names below ours too: Waymark has a host name of its own (docs/operate.md), and a name below it
# without TLS could set cookies for it.
_A_YEAR = "max-age=31536000; includeSubDomains"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def stack(settings: Settings, handlers: Handlers) -> list[Middleware]:
    """The middleware of the application, outermost first. `handlers` answer for what is raised."""
    proxies: list[Middleware] = []
    if settings.trusted_proxies:
        trusted: Any = ProxyHeadersMiddleware
        proxies = [Middleware(trusted, trusted_hosts=list(settings.trusted_proxies))]
    return [
        *proxies,
        Middleware(AccessLog),
        Middleware(SecurityHeaders, is_https=settings.is_https),
        Middleware(Faults, handlers=handlers),
        Middleware(PlainHead),
        Middleware(SameOrigin, public_url=settings.public_url),
        Middleware(BodyLimit),
    ]


class SecurityHeaders:
    """Adds the headers of every answer; `Cache-Control: no-store` where none is set."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self.app = app
        both = {"cache-control": "no-store"}
        if is_https:
            both["strict-transport-security"] = _A_YEAR
        self.always = _raw(_ALWAYS | both)
        self.data = _raw(_DATA | both)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                given = {name.lower(): value for name, value in headers}
                missing = self.data if _is_no_page(given) else self.always
                if not missing.keys().isdisjoint(given):
                    missing = {name: missing[name] for name in missing if name not in given}
                message["headers"] = [*headers, *missing.items()]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _is_no_page(given: dict[bytes, bytes]) -> bool:
    kind = given.get(b"content-type", b"")
    is_kept = b"immutable" in given.get(b"cache-control", b"")
    return kind in _IS_DATA or (kind in _IS_PART and is_kept)


def _raw(headers: dict[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in headers.items()}


class PlainHead:
    """Refuses a request that names no host, or two: a proxy may have chosen by another one than we
    do. Escapes non-ASCII in a query: some programs send it unescaped, and `request.url` raises."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _names_a_host(scope):
            fault = Malformed(N_("The request must name one host."))
            await _answer_with(fault, scope, receive, send)
            return
        query = scope.get("query_string", b"")
        if not query.isascii():
            scope["query_string"] = quote(query, safe=string.printable).encode()
        await self.app(scope, receive, send)


def _names_a_host(scope: Scope) -> bool:
    """Once, as HTTP/1.1 asks for; before that, none was needed."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    is_old = scope.get("http_version") == "1.0"
    return hosts == hosts[:1] and (all(hosts) if hosts else is_old)


class SameOrigin:
    """Refuses requests that another site makes a browser send here.

    Unsafe methods must come from our own pages: `Sec-Fetch-Site` says so, or, in older browsers,
    `Origin` is the public URL or the requested host. A client that sends neither is no browser; all
    browsers that we support send `Origin` with every unsafe method. The check applies to signing in
    too, where there is no cookie yet: else a page could sign a reader in as another person. A
    bearer token without a cookie is exempt, since no browser adds one by itself.
    """

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self.app = app
        self.public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_ours(scope):
            await self.app(scope, receive, send)
            return
        fault = Denied(
            N_("This came from another site, so we did nothing. Open the page here and try again."),
            code="cross_origin",
        )
        await _answer_with(fault, scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        if scope["method"] in _SAFE_METHODS:
            return True
        if header(scope, b"authorization") and not header(scope, b"cookie"):
            return True
        if site := header(scope, b"sec-fetch-site"):
            return site in ("same-origin", "none")
        origin = header(scope, b"origin")
        if origin in ("", self.public_url):
            return True
        return origin != "null" and _host_of(origin) == header(scope, b"host")


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return "none"  # Brackets without an address: no browser sends them.


class BodyLimit:
    """Refuses bodies beyond the limit, whether they state their length or come in chunks."""

    def __init__(self, app: ASGIApp, *, limit: int = BODY_LIMIT) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = header(scope, b"content-length")
        if length.isdigit() and int(length) <= self.limit:
            # uvicorn's parser ends a body where its length says so: nothing more can come.
            await self.app(scope, receive, send)
            return
        limit = self._limit_of(scope)
        if length.isdigit() and int(length) > limit:
            await _answer_with(_too_large(limit), scope, receive, send)
            return
        taken = 0

        async def receive_counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise _too_large(limit)
            return message

        await self.app(scope, receive_counted, send)

    def _limit_of(self, scope: Scope) -> int:
        where = f"{scope['method']} {scope['path'].lower()}"
        kind = header(scope, b"content-type").lower()
        if where.startswith("POST /hooks/"):
            return max(self.limit, HOOK_LIMIT)
        is_photo = (kind.startswith("multipart/form-data") and _PHOTO_IN_FORM.fullmatch(where)) or (
            kind.startswith(_FILES) and _PHOTO_ALONE.fullmatch(where)
        )
        return max(self.limit, PHOTO_LIMIT) if is_photo else self.limit


_FILES = ("image/", "application/octet-stream")


def _too_large(limit: int) -> TooLarge:
    if limit == PHOTO_LIMIT:
        return TooLarge(
            N_("This photo is larger than 15 MB. Send a smaller one."), limit_bytes=limit
        )
    return TooLarge(N_("This is too much for one request."), limit_bytes=limit)


async def _answer_with(fault: WaymarkError, scope: Scope, receive: Receive, send: Send) -> None:
    response = await answer_fault(Request(scope, receive), fault)
    await response(scope, receive, send)
