"""What comes in: JSON bodies and forms, decoded and checked.

said = await json_body(request, Answer)     msgspec decodes and checks; a fault names its field
"""

import json
import re
from datetime import MAXYEAR, MINYEAR, date, datetime, time
from functools import cache, lru_cache
from math import ceil
from typing import Any, NewType, TypeVar, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.types import Scope

from server.clock import as_utc
from server.errors import Malformed, Refused, WrongType
from server.i18n import N_
from server.security import encryption

T = TypeVar("T")

# More fields than any form of ours has; files come another way.
_MOST_FIELDS = 1_000

_CHARACTERS = N_("The text contains characters that we cannot save.")

_MARK = encryption.MARK.encode()


async def json_body(request: Request, type: type[T], *, is_loose: bool = False) -> T:
    """The body as that type. Where it is loose, the caller must check its texts.

    Raises WrongType for another content type, Malformed for a body that is not JSON in UTF-8 or
    contains characters that no database takes, Refused with `field` for a value that does not fit.
    """
    _check_type(header(request.scope, b"content-type"))
    body = await _body(request)
    try:
        payload = _decode(body, type) if not is_loose else _decode_loosely(body, type)
        # A database takes neither NUL nor half a surrogate pair, and both can hide in an escape.
        # Fields that we do not know are not checked: no code reads or stores them.
        if not is_loose and (b"\\u" in body or _MARK in body):
            _check_texts(msgspec.to_builtins(payload))
        check_moments(payload)
        return payload
    except msgspec.ValidationError as fault:
        raise _refused(str(fault)) from None
    except (msgspec.DecodeError, json.JSONDecodeError, UnicodeError, RecursionError):
        raise Malformed(N_("The body is not JSON in UTF-8.")) from None


def header(scope: Scope, name: bytes) -> str:
    """The value of this header, whose name is in small letters; "" where there was none.

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
    """The same with half surrogate pairs in it, which JSON can spell and no database can store."""
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


def check_moments(payload: Any) -> None:
    """Raises Refused for a moment in the first or the last year of the calendar: in another zone it
    may be outside it."""
    for name in _may_hold_moments(payload.__class__):
        value = getattr(payload, name)
        if isinstance(value, datetime):
            if not MINYEAR < value.year < MAXYEAR:
                raise Refused(
                    N_("“{field}” is not valid: {reason}"), field=name, reason="no such year here"
                )
        elif isinstance(value, msgspec.Struct):
            check_moments(value)


@cache
def _may_hold_moments(kind: type) -> tuple[str, ...]:
    """The fields of such a payload that can be a moment, or a payload with moments in it."""
    fields = msgspec.structs.fields(kind) if issubclass(kind, msgspec.Struct) else ()
    return tuple(field.name for field in fields if _may_be_moment(field.type))


def _may_be_moment(kind: Any) -> bool:
    if isinstance(kind, NewType | TypeVar):
        return True  # It does not say what it stands for.
    if parts := get_args(kind):
        return any(_may_be_moment(part) for part in parts)
    return isinstance(kind, type) and issubclass(kind, datetime | msgspec.Struct)


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
    """The text, if every database can store it. Raises Malformed.

    A sealed text of ours is refused too: a person who has one without the key could send it in as
    their own words and read it back opened.
    """
    is_storable = "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
    if not is_storable or encryption.holds_sealed(text):
        raise Malformed(_CHARACTERS)
    return text


_AT = re.compile(r" - at `(?:key in )?\$\.?(.*?)`\Z")

_NAMED = re.compile(r"Object (missing required|contains unknown) field `([^`]*)`")


def _refused(says: str) -> Refused:
    """The message of msgspec, as a fault that names its field: "answers[2].mood"."""
    match = _AT.search(says)
    place = match[1] if match else ""
    reason = says[: match.start()] if match else says
    named = _NAMED.match(reason)
    if named is None:
        if not place:
            return Refused(N_("The content is not valid: {reason}"), reason=reason)
        return Refused(N_("“{field}” is not valid: {reason}"), field=place, reason=reason)
    field = f"{place}.{named[2]}" if place else named[2]
    if named[1].startswith("missing"):
        return Refused(N_("“{field}” is missing."), field=field)
    return Refused(N_("“{field}” is not known here."), field=field)


async def form_body(request: Request, *, files: int = 0, is_loose: bool = False) -> FormData:
    """The fields of a form, checked for characters that cannot be stored: where it is loose, the
    caller stores none. More than `files` files are refused; the caller must check what is in
    one."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise WrongType(N_("The content type must be that of a form."))
    form = await request.form(max_files=files, max_fields=_MOST_FIELDS)
    for name, value in () if is_loose else form.multi_items():
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
    """The id that was chosen from a list in a form. Raises Refused."""
    try:
        return UUID(text)
    except ValueError:
        raise Refused(N_("Choose one from the list."), field=field) from None


def number_in(request: Request, name: str) -> int:
    """A number from the address, from 1 on; nonsense is 1."""
    asked = request.query_params.get(name, "")
    return max(int(asked), 1) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1


def page_number(request: Request) -> int:
    """Which part of a long list is asked for."""
    return number_in(request, "page")


def part_of(request: Request, many: int, at_once: int) -> tuple[int, int]:
    """Which part of so many rows is asked for, and how many parts there are."""
    last = parts(many, at_once)
    return min(page_number(request), last), last


def parts(many: int, at_once: int) -> int:
    """How many parts so many rows come in; one for none."""
    return max(ceil(many / at_once), 1)
