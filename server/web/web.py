"""Requests in, answers out: JSON bodies, forms, problem documents, pages of faults.

    said = await json_body(request, Answer)     msgspec decodes and checks; a fault names its field
    return json_answer(result, status=201)
    return page(request, "desk/board.html", {"rows": rows})

Which language an answer is in: `request.state.language`, which the doors set from the session, else
what the browser asks for. Times on pages are in `request.state.zone`, else in UTC.
"""

import json
import re
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime, time
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import logs
from server.clock import as_utc
from server.errors import Malformed, NotFound, Refused, WaymarkError, WrongType
from server.i18n import N_, gettext
from server.security import crypt
from server.web.rendering import language_of as language_of
from server.web.rendering import page as page
from server.web.rendering import zone_of as zone_of

T = TypeVar("T")

PROBLEM_TYPE = "application/problem+json"
# More fields than any form of ours has; files come another way.
_MOST_FIELDS = 500

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
_FAULT = N_("Something went wrong on our side. We have logged it. Nothing was saved.")
_CHARACTERS = N_("The text contains characters that we cannot save.")

_MARK = crypt.MARK.encode()

_log = logs.get("web")


async def json_body(request: Request, type: type[T], *, is_loose: bool = False) -> T:
    """The body as that type. Where it is loose, its texts are for whoever called to look at.

    Raises WrongType for another content type, Malformed for what is not JSON in UTF-8 or holds
    characters that no database takes, Refused with `field` for a value that does not fit.
    """
    _check_type(header(request.scope, b"content-type"))
    body = await _body(request)
    try:
        said = _decode(body, type) if not is_loose else _decode_loosely(body, type)
        # A database takes neither NUL nor half a surrogate pair, and both can hide in an escape.
        # What nobody reads, since it is in a field that we do not know, is not stored either.
        if not is_loose and (b"\\u" in body or _MARK in body):
            _check_texts(msgspec.to_builtins(said))
        check_moments(said)
        return said
    except msgspec.ValidationError as fault:
        raise _refused(str(fault)) from None
    except (msgspec.DecodeError, json.JSONDecodeError, UnicodeError, RecursionError):
        raise Malformed(N_("The body is not JSON in UTF-8.")) from None


def header(scope: Scope, name: bytes) -> str:
    """What came under this name, in small letters; "" where nothing did.

    The framework's own mapping is made anew for each request and encodes the name for each look.
    """
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


async def _body(request: Request) -> bytes:
    """The whole body. Most come in one piece; the framework makes a generator for each."""
    message = await request.receive()
    if message["type"] != "http.request":
        raise ClientDisconnect
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    return body + await request.body()


def _decode(body: bytes, type: type[T]) -> T:
    """The body as that type. 3.0 is a whole number in JSON, and some clients write it so."""
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as fault:
        if "got `float`" not in str(fault):
            raise
        return msgspec.convert(_whole(msgspec.json.decode(body)), type)


def _decode_loosely(body: bytes, type: type[T]) -> T:
    """The same with half surrogate pairs in it, which JSON can spell and no database can hold."""
    try:
        return _decode(body, type)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return msgspec.convert(json.loads(body.decode(), parse_constant=_no_number), type)


def _no_number(name: str) -> None:
    raise UnicodeError(f"{name} is no JSON")


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return value


@lru_cache(maxsize=64)
def _check_type(content_type: str) -> None:
    media, _, parameters = content_type.partition(";")
    if not re.fullmatch(r"application/([\w.-]+\+)?json", media.strip().lower()):
        raise WrongType(N_("The content type must be application/json."))
    charset = re.search(r"charset\s*=\s*\"?([\w-]+)", parameters.lower())
    if charset and charset[1] not in ("utf-8", "utf8", "us-ascii"):
        raise Malformed(N_("The body is not JSON in UTF-8."))


def check_moments(said: Any) -> None:
    """Raises Refused for a moment in the first or the last year of the calendar: in another zone it
    may lie outside of it."""
    for name in getattr(said, "__struct_fields__", ()):
        value = getattr(said, name)
        if isinstance(value, datetime) and not MINYEAR < value.year < MAXYEAR:
            raise Refused(
                N_("“{field}” is not valid: {reason}"), field=name, reason="no such year here"
            )


def _check_texts(value: Any) -> None:
    if isinstance(value, str):
        clean_text(value)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            clean_text(name)
            _check_texts(item)


def clean_text(text: str) -> str:
    """The text, if every database can hold it as a text. Raises Malformed.

    A sealed text of ours is refused too: whoever has one without the key could send it in as their
    own words and read it back opened.
    """
    is_storable = "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
    if not is_storable or crypt.holds_sealed(text):
        raise Malformed(_CHARACTERS)
    return text


_AT = re.compile(r" - at `(?:key in )?\$\.?(.*?)`\Z")
_NAMED = re.compile(r"Object (missing required|contains unknown) field `([^`]*)`")


def _refused(says: str) -> Refused:
    """What msgspec says, as a fault that names its field: "answers[2].mood"."""
    found = _AT.search(says)
    place = found[1] if found else ""
    reason = says[: found.start()] if found else says
    named = _NAMED.match(reason)
    if named is None:
        if not place:
            return Refused(N_("The content is not valid: {reason}"), reason=reason)
        return Refused(N_("“{field}” is not valid: {reason}"), field=place, reason=reason)
    field = f"{place}.{named[2]}" if place else named[2]
    if named[1].startswith("missing"):
        return Refused(N_("“{field}” is missing."), field=field)
    return Refused(N_("“{field}” is not known here."), field=field)


async def form_body(request: Request, *, files: int = 0) -> FormData:
    """The fields of a form, checked for characters that cannot be stored. More files than that are
    refused; what is in one is for whoever called to look at."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise WrongType(N_("The content type must be that of a form."))
    form = await request.form(max_files=files, max_fields=_MOST_FIELDS)
    for name, value in form.multi_items():
        clean_text(name)
        if isinstance(value, str):
            clean_text(value)
    return form


def form_day(text: str, field: str) -> date:
    """A day as a form sends it. Raises Refused, naming the field, for anything else."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise Refused(N_("Enter a date, for example 2027-03-31."), field=field) from None
    if not 2000 <= day.year <= 2200:
        raise Refused(N_("Enter a date, for example 2027-03-31."), field=field)
    return day


def form_moment(text: str, field: str, zone: ZoneInfo) -> datetime:
    """A day and a time as a form sends them, on the clock of `zone`. Raises Refused."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(N_("Enter a date and a time."), field=field) from None
    if local.tzinfo is not None or not 2000 <= local.year <= 2200:
        raise Refused(N_("Enter a date and a time."), field=field)
    return as_utc(local.date(), local.time(), zone)


def form_time(text: str, field: str) -> time:
    """A time of day as a form sends it. Raises Refused."""
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise Refused(N_("Enter a time such as 18:00."), field=field) from None


def form_count(text: str) -> int | None:
    """A whole number of a hidden field; None for anything else, however long."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def form_id(text: str, field: str) -> UUID:
    """What was chosen from a list in a form. Raises Refused."""
    try:
        return UUID(text)
    except ValueError:
        raise Refused(N_("Choose one from the list."), field=field) from None


def json_answer(
    value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """JSON of structs, dicts, ids and UTC times (RFC 3339 with `Z`)."""
    body = msgspec.json.encode(value)
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def problem(error: WaymarkError, language: str) -> Response:
    """The fault as an RFC 9457 problem document, with a stable `code` and a sentence for people."""
    values = {**error.extra, "field": error.field or ""}
    document = {
        "type": "about:blank",
        "title": gettext(language, _TITLES.get(error.status, _TITLES[500])),
        "status": error.status,
        "detail": gettext(language, error.detail, **values),
        "code": error.code,
    }
    if error.field is not None:
        document["field"] = error.field
    document |= {name: value for name, value in error.extra.items() if name not in document}
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


def error_page(request: Request, error: WaymarkError) -> Response:
    """The same for somebody who reads: what happened, and a way on."""
    language = language_of(request)
    values = {**error.extra, "field": error.field or ""}
    context = {
        "title": gettext(language, _TITLES.get(error.status, _TITLES[500])),
        "detail": gettext(language, error.detail, **values),
        "status": error.status,
        "request_id": logs.request_id.get(),
    }
    return page_again(request, "error.html", context, error)


def page_again(
    request: Request, template: str, context: Mapping[str, Any], fault: WaymarkError | None
) -> Response:
    """A page with a form: as it is asked for, or shown again with what was wrong."""
    if fault is None:
        return page(request, template, context)
    headers = _wait(fault)
    return page(request, template, context, status=fault.status, headers=headers)


def _wait(error: WaymarkError) -> dict[str, str]:
    """How long to wait, where that is known."""
    if "retry_after_s" not in error.extra:
        return {}
    return {"retry-after": str(error.extra["retry_after_s"])}


def wants_page(request: Request) -> bool:
    """Whether a person is to read the answer: not under /api/, and HTML is asked for by name."""
    path = request.scope.get("path", "")
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


async def answer_fault(request: Request, fault: Exception) -> Response:
    """Any exception as a page or a problem document: the one exception handler of the app."""
    error = _as_error(fault)
    if wants_page(request):
        return error_page(request, error)
    response = problem(error, language_of(request))
    if isinstance(fault, HTTPException) and fault.headers:
        response.headers.update(fault.headers)
    return response


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


class Faults:
    """Turns what nobody caught into a 500 that has all headers, and writes down where it was.

    The exception goes on to the server afterwards, as the framework does it, so that tests see it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def send_noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        except ClientDisconnect:
            _log.info("client_left")
        except Exception as fault:
            _log.error("unexpected", exc=fault)
            fault.waymark_logged = True  # type: ignore[attr-defined]
            if not has_begun:
                response = await answer_fault(Request(scope, receive), fault)
                await response(scope, receive, send)
            raise
