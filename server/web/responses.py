"""What goes out: JSON, problem documents, and pages of faults.

    return json_answer(result, status=201)

Which language an answer is in: `request.state.language`, which signing in sets from the session,
else what the browser asks for. Times on pages are in `request.state.zone`, else in UTC.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import logs
from server.errors import Ask, Incomplete, Malformed, NotFound, See, Unavailable, WaymarkError
from server.i18n import N_, gettext
from server.web.rendering import FAULT_PAGE, language_of, page

PROBLEM_TYPE = "application/problem+json"

_TITLES: Mapping[int, str] = {
    400: N_("We could not read this request"),
    401: N_("Sign in first"),
    403: N_("You are not allowed to do this"),
    404: N_("Not found"),
    405: N_("This cannot be done here"),
    409: N_("This has just changed"),
    413: N_("Too much at once"),
    415: N_("Wrong type of content"),
    422: N_("Something needs to be corrected"),
    429: N_("Too many tries"),
    500: N_("Something went wrong on our side"),
    503: N_("Not available right now"),
}

SOON_S = 2

_FAULT = N_("Something went wrong on our side. We have logged it. Nothing was saved.")

_log = logs.get("web")


def json_answer(
    value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """JSON of structs, dicts, ids and UTC times (RFC 3339 with `Z`)."""
    body = msgspec.json.encode(value)
    if headers is None and status in _WITH_BODY:
        return _Json(body, status)
    return Response(body, status_code=status, headers=headers, media_type="application/json")


_WITH_BODY = (200, 201, 202)


class _Json(Response):
    """JSON without headers of its own, which the framework would take a while to find out."""

    def __init__(self, body: bytes, status: int) -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
        ]


def problem(error: WaymarkError, language: str) -> Response:
    """The fault as an RFC 9457 problem document, with a stable `code` and a sentence for people."""
    document = {
        "type": "about:blank",
        "title": gettext(language, _TITLES.get(error.status, _TITLES[500])),
        "status": error.status,
        "detail": sentence_of(error, language),
        "code": error.code,
    }
    if error.field is not None:
        document["field"] = error.field
    more = {**error.extra, **error.shows}
    document |= {name: value for name, value in more.items() if name not in document}
    headers = {"content-language": language, "vary": "Accept-Language"}
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    headers |= _wait(error)
    return Response(
        msgspec.json.encode(document),
        status_code=error.status,
        headers=headers,
        media_type=PROBLEM_TYPE,
    )


def sentence_of(error: WaymarkError, language: str) -> str:
    """What happened, in the reader's words."""
    if isinstance(error, Incomplete):
        return ask_of(next(iter(error.asks.values())), language)
    values = {**error.extra, "field": error.field or ""}
    return gettext(language, error.detail, **values)


def ask_of(ask: Ask, language: str) -> str:
    """How we ask for an answer, in the reader's words."""
    label = gettext(language, ask.label) if ask.label else ""
    return gettext(language, ask.detail, label=label)


def way_of(error: WaymarkError, language: str) -> See | None:
    """Where the desk leads from this fault, in the reader's words."""
    return See(error.see.path, gettext(language, error.see.words)) if error.see else None


def error_page(request: Request, error: WaymarkError) -> Response:
    """The same for a person: what happened, and a link to go on."""
    language = language_of(request)
    context = {
        "title": gettext(language, _TITLES.get(error.status, _TITLES[500])),
        "detail": sentence_of(error, language),
        "see": way_of(error, language),
        "status": error.status,
        "request_id": logs.request_id.get(),
    }
    return page_again(request, FAULT_PAGE, context, error)


def page_again(
    request: Request, template: str, context: Mapping[str, Any], fault: WaymarkError | None
) -> Response:
    """A page with a form: as requested, or again with its fault."""
    if fault is None:
        return page(request, template, context)
    headers = _wait(fault)
    return page(request, template, context, status=fault.status, headers=headers)


def _wait(error: WaymarkError) -> dict[str, str]:
    """How long to wait, where that is known. What cannot be reached may be back in a moment."""
    if "retry_after_s" not in error.extra:
        return {"retry-after": str(SOON_S)} if isinstance(error, Unavailable) else {}
    return {"retry-after": str(error.extra["retry_after_s"])}


def wants_page(request: Request) -> bool:
    """Whether a person will read the answer: not under /api/, and HTML is asked for by name."""
    path = request.scope.get("path", "")
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


async def answer_fault(request: Request, fault: Exception) -> Response:
    """Any exception as a page or a problem document: the one exception handler of the app."""
    error = _as_error(fault)
    if error.status in (403, 404):
        _tell_denied(request, error)
    if wants_page(request):
        return error_page(request, error)
    response = problem(error, language_of(request))
    if isinstance(fault, HTTPException) and fault.headers:
        response.headers.update(fault.headers)
    return response


def _tell_denied(request: Request, error: WaymarkError) -> None:
    """A line for those who look for attacks: a signed-in person was kept out. The line of the same
    request has the route."""
    visitor = getattr(request.state, "visitor", None)
    if visitor is not None:
        child_id = request.scope.get("path_params", {}).get("child_id")
        person_id = getattr(visitor, "person_id", None)
        _log.info("denied", code=error.code, person_id=person_id, child_id=child_id)


class _FromFramework(WaymarkError):
    """A status that the framework chose."""

    def __init__(self, status: int, detail: str, *, code: str) -> None:
        super().__init__(detail, code=code)
        self.status = status  # type: ignore[misc]


def _as_error(fault: Exception) -> WaymarkError:
    if isinstance(fault, WaymarkError):
        return fault
    if isinstance(fault, HTTPException):
        return _from_framework(fault.status_code)
    return WaymarkError(_FAULT)


def _from_framework(status: int) -> WaymarkError:
    if status == 404:
        return NotFound(N_("This page does not exist."))
    if status == 405:
        return _FromFramework(405, N_("This cannot be done here."), code="method_not_allowed")
    if status == 400:
        return Malformed(N_("We could not read this request."))
    return _FromFramework(status, _FAULT, code="fault")


Handlers = Mapping[type[Exception], Callable[[Request, Any], Awaitable[Response]]]


class Faults:
    """Answers what a request raised, by the handler of its class. What has no handler is answered
    with a 500 that has all headers, written down with its place, and raised once more, as the
    framework does it, so that tests see it.

    A page whose looks cannot be written down is such a 500; a call of the API is a 503.
    """

    def __init__(self, app: ASGIApp, *, handlers: Handlers | None = None) -> None:
        self.app = app
        self.handlers = handlers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # The framework's `Route`, which pages use, looks for handlers here, and hands them the
        # request whose form was read: so the page can show the form again.
        scope["starlette.exception_handlers"] = (self.handlers, {})
        has_begun = False

        async def send_noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            try:
                await self.app(scope, receive, send_noting)
            except Exception as fault:
                handler = _handler_of(fault, self.handlers)
                if handler is None or has_begun:
                    raise
                response = await handler(Request(scope, receive), fault)
                await response(scope, receive, send_noting)
        except ClientDisconnect:
            _log.info("client_left")
        except Exception as fault:
            _log.error("unexpected", exc=fault)
            fault.waymark_logged = True  # type: ignore[attr-defined]
            if not has_begun:
                response = await answer_fault(Request(scope, receive), fault)
                await response(scope, receive, send)
            raise


def _handler_of(fault: Exception, handlers: Handlers) -> Any:
    return next((handlers[kind] for kind in type(fault).__mro__ if kind in handlers), None)
