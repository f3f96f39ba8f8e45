"""What we write down about our own running: JSON lines on stderr, without people in them.

    log = logs.get("watch")
    log.info("tick", taken=12, duration_ms=8.1)

The event is a code, lower case, never a sentence; what belongs to it are ids, counts, codes and
durations. Words, names, addresses, tokens, paths and queries never get here: `_guard` lets only
plain values through. Every line that is written while a request is handled carries its id.

Lines of libraries come the same way, as their template without the values (a database driver puts
rows into its messages, an HTTP client URLs), and exceptions as types and places, without messages
and without locals.
"""

import asyncio
import logging
import re
import secrets
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO, cast
from uuid import UUID

import msgspec
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import clock

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being handled, or None outside of one."""

WITHHELD = "(withheld)"
_LONGEST_LIST = 50
# Codes, ids, routes, methods. Not words: no spaces, no capitals within, no "@", no "//".
_CODE = re.compile(r"(?!.*//)(?:[a-z0-9_.:/{}*+-]{1,160}|[A-Z]{1,10})\Z")
# Where the fixed part of a library's line ends and its values may begin.
_VALUE_BEGINS = re.compile(r"[:=<\[('\"@\n]|https?|/")
_ROOT = Path(__file__).parent.parent

Event = MutableMapping[str, Any]

# What is made up at the start, as the history of the demo, is no running of ours.
_is_silent: ContextVar[bool] = ContextVar("is_silent", default=False)

# Where `configure` sends the lines; nowhere before it.
_out: TextIO | None = None
_level = logging.INFO


def get(room: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of a room: `log.info("event_code", some_id=…, count=…)`."""
    return cast(structlog.typing.FilteringBoundLogger, structlog.get_logger(room=room))


def write_together(room: str, lines: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
    """Several lines of one moment, each with its level, its event and what belongs to it. They read
    as if the logger of the room had written them one by one, which takes three times as long."""
    if _out is None:
        for level, event, values in lines:
            getattr(get(room), level)(event, **values)
        return
    begin = {"time": clock.utcnow().isoformat(timespec="milliseconds")}
    end = {} if (id_ := request_id.get()) is None else {"request_id": id_}
    written = [
        {
            **begin,
            "level": level,
            "event": event,
            "room": room,
            **{name: _plain(value) for name, value in values.items()},
            **end,
        }
        for level, event, values in lines
        if _LEVELS[level] >= _level and (level == "error" or not _is_silent.get())
    ]
    _out.write(_encoder.encode_lines(written).decode())
    _out.flush()


_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_encoder = msgspec.json.Encoder()


@contextmanager
def silence() -> Iterator[None]:
    """In this block, and in what it awaits, only errors are written down."""
    token = _is_silent.set(True)
    try:
        yield
    finally:
        _is_silent.reset(token)


def configure(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send our lines and those of every library to `stream` (stderr) as JSON. Call it once."""
    global _out, _level
    out = stream or sys.stderr
    _out, _level = out, level
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, _hush, _explain, _guard, _frame, _to_json],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_LibraryHandler(out)]
    # What libraries tell below a warning is for their makers, but for the server's start and end.
    root.setLevel(max(level, logging.WARNING))
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    logging.getLogger("uvicorn.error").setLevel(level)
    # It warns of each look that is left out while one is still under way, as it is meant to be.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    # Its lines hold paths; AccessLog writes ours.
    logging.getLogger("uvicorn.access").propagate = False


def describe(fault: BaseException) -> dict[str, Any]:
    """An exception as types and places: what it says may hold a row, so that is left out."""
    chain: list[str] = []
    step: BaseException | None = fault
    while step is not None and len(chain) < 5:
        chain.append(type(step).__name__)
        step = step.__cause__ or step.__context__
    places = [
        f"{_short(frame.filename)}:{frame.lineno}:{frame.name}"
        for frame in traceback.extract_tb(fault.__traceback__)[-12:]
    ]
    description: dict[str, Any] = {"fault": chain, "at": places}
    code = getattr(fault, "code", None) or getattr(fault, "sqlstate", None)
    if isinstance(code, str) and _CODE.match(code):
        description["fault_code"] = code
    return description


def _short(filename: str) -> str:
    path = Path(filename)
    if "site-packages" in path.parts:
        return filename.rpartition("site-packages/")[2]
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else path.name


def _hush(_logger: object, method: str, event: Event) -> Event:
    if _is_silent.get() and method != "error":
        raise structlog.DropEvent
    return event


def _explain(_logger: object, _method: str, event: Event) -> Event:
    """`exc=fault`, `exc_info=True` and `exc_info=fault` become types and places."""
    fault = event.pop("exc", None) or event.pop("exc_info", None)
    event.pop("exc_info", None)
    if fault is True:
        fault = sys.exc_info()[1]
    if isinstance(fault, tuple):
        fault = fault[1]
    if isinstance(fault, BaseException):
        event["_described"] = describe(fault)
    return event


def _guard(_logger: object, _method: str, event: Event) -> Event:
    """Let plain values through, and nothing that a person could have written."""
    described = event.pop("_described", {})
    return {**{name: _plain(value) for name, value in event.items()}, **described}


def _plain(value: Any) -> Any:
    if type(value) is UUID:  # First, since most values are ids.
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str):
        return value if _CODE.match(value) else WITHHELD
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in list(value)[:_LONGEST_LIST]]
    if isinstance(value, Mapping):
        return {str(_plain(str(name))): _plain(item) for name, item in value.items()}
    return WITHHELD


def _frame(_logger: object, _method: str, event: Event) -> Event:
    """Time and level in front, the request's id behind."""
    framed = {
        "time": clock.utcnow().isoformat(timespec="milliseconds"),
        "level": event.pop("level"),
        "event": event.pop("event"),
        **event,
    }
    if (current_id := request_id.get()) is not None:
        framed["request_id"] = current_id
    return framed


def _to_json(_logger: object, _method: str, event: Event) -> str:
    return msgspec.json.encode(event).decode()


class _LibraryHandler(logging.Handler):
    """Writes a library's line as its fixed words, never as the values that it was given."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self.out = out

    def emit(self, record: logging.LogRecord) -> None:
        fault = record.exc_info[1] if record.exc_info else None
        if fault is not None and getattr(fault, "waymark_logged", False):
            return
        event: Event = {
            "time": clock.utcnow().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": "library",
            "library": record.name,
            "says": _fixed_words(str(record.msg)),
        }
        if fault is not None:
            event.update(describe(fault))
        if (current_id := request_id.get()) is not None:
            event["request_id"] = current_id
        self.out.write(msgspec.json.encode(event).decode() + "\n")
        self.out.flush()


def _fixed_words(template: str) -> str:
    begins = _VALUE_BEGINS.search(template)
    return template[: begins.start() if begins else None].strip()[:100]


class AccessLog:
    """Gives every request an id of ours and writes one line about it when it is over.

    The line has the route's template, never the path, the query or a header: these have ids, tokens
    and what people typed. We never take over an id from outside, since anyone could write into our
    log with it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = secrets.token_hex(8)
        token = request_id.set(given)
        began = clock.monotonic()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", given.encode()),
                ]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            _write_request(
                scope["method"], _route(scope), status, (clock.monotonic() - began) * 1000, given
            )
            request_id.reset(token)


def _write_request(method: str, route: str, status: int, took_ms: float, given: str) -> None:
    """The line of one request. There is one for each, so it goes past the processors of the rest:
    a quarter of the time of a check-in went there. What is in it is ours: but for the method, which
    is guarded as everything is."""
    if _out is None or _level > logging.INFO:
        return
    at = clock.utcnow().isoformat(timespec="milliseconds")
    _lines.append(
        f'{{"time":"{at}","level":"info","event":"request","room":"web","method":"{_method(method)}",'
        f'"route":"{route}","status":{status},"duration_ms":{took_ms:.2f},"request_id":"{given}"}}\n'
    )
    if len(_lines) == 1:
        asyncio.get_running_loop().call_soon(_write_lines)


# Lines of requests that ended in this turn of the loop: they are written together.
_lines: list[str] = []


def _write_lines() -> None:
    lines = "".join(_lines)
    _lines.clear()
    if _out is not None:
        _out.write(lines)
        _out.flush()


@lru_cache(maxsize=32)
def _method(method: str) -> str:
    return str(_plain(method))


def _route(scope: Scope) -> str:
    """The template of the route that answered, such as `/api/v1/alerts/{id}/close`."""
    route = scope.get("route")
    template = getattr(route, "path_format", None) or getattr(route, "path", None)
    return str(template) if template else "none"
