"""The limits of one connection: how large the head of a request may be, and how long it may take.

uvicorn with httptools takes a head of any size (60 MB were kept in memory) and waits for ever for
the rest of a request (600 half-open ones stayed open), so a handful of connections from anywhere
could keep check-ins out. `Guarded` is uvicorn's protocol with these bounds:

- the head (request line and headers) has at most 32 kB and 100 headers: else 414 or 431;
- the head arrives within 10 s: else 408. A connection that has sent nothing is closed without an
  answer, since browsers open some in advance and would take the 408 for the answer to their next
  request;
- the body arrives within 30 s, and one second more for each 2,000 bytes that have come, 30 minutes
  at most. So a photo of 3 MB has 26 minutes on a phone with 16 kbit/s, and a request that drips a
  byte a second is over after 30 s. Only what the application gets counts, not the frame of chunks;
- a reader who takes nothing of an answer for 60 s is dropped. Streams of events are not cut: one
  without new events has nothing unread;
- at most 16 requests wait in one connection (pipelining): it is closed after them, as HTTP allows;
- a process has room for as many connections as it has file descriptors for, less some for the
  database. When that is full, the connection that has waited longest for the rest of a request is
  closed. A connection whose request is being answered is never closed for this. There is no limit
  per address: a home, a school and everyone behind a proxy share one. A proxy can have such a
  limit.

The answers are plain text, no problem documents: a phone takes an answer that is not JSON for a bad
line, keeps its message and sends it again. From a problem document with 431 it would conclude that
the child's words were refused.
"""

import asyncio
import resource
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.clock import monotonic
from server.web.connections.one_piece import InOnePiece

# Bytes parsed at once: a head may be too long by this much before we notice.
PIECE = 16_384
# Descriptors for other uses: the database pool, files, outgoing messages.
KEPT_BACK = 200
MOST_CONNECTIONS = 10_000


class Limits(msgspec.Struct, frozen=True):
    """Sizes in bytes, times in seconds. Tests have shorter times."""

    head_bytes: int = 32_768
    headers: int = 100
    head_s: float = 10.0
    body_s: float = 30.0
    body_rate: float = 2_000.0
    body_most_s: float = 1_800.0
    unread_s: float = 60.0
    pipelined: int = 16
    # For so long after a refusal, further input is read and thrown away, so that the client can
    # read the answer: closing a connection with unread input discards the answer.
    linger_s: float = 2.0
    linger_bytes: int = 1_000_000
    # More than the largest body that we accept, for clients that send one all the same.
    unwanted_bytes: int = 32_000_000


class Part(Enum):
    """The part that a connection must send next."""

    HEAD = "head"
    BODY = "body"
    NOTHING = "nothing"  # The request is whole, and its answer has not been sent.


# How often this process sent each refusal; /metrics shows it.
refusals: Counter[str] = Counter()
# Connections without a whole request yet, the longest waiting first.
_waiting: "dict[Guarded, None]" = {}

_WORDS = {
    400: "This request cannot be read.",
    408: "The request took too long to arrive. Nothing was done. Please send it again.",
    414: "The address of this request is too long. Nothing was done.",
    431: "The headers of this request are too large. Nothing was done. In a browser, delete the"
    " cookies of this site and try again.",
    503: "Too many connections are open. Nothing was done. Please try again in a minute.",
}


class _Unfit(Exception):
    """Raised inside the parser to stop it: the status is in the connection."""


@cache
def most_connections() -> int:
    """How many connections this process may have; raises the soft limit of descriptors first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + KEPT_BACK
    allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    room = wanted if soft == resource.RLIM_INFINITY else soft
    return max(16, min(MOST_CONNECTIONS, room - KEPT_BACK))


class Guarded(HttpToolsProtocol):
    """One connection, with the bounds above. uvicorn makes one for each (`http=`)."""

    limits = Limits()
    most = staticmethod(most_connections)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._part = Part.HEAD
        self._is_over = False  # Further input is ignored.
        self._status = 400  # Of the refusal, where the parser stops.
        self._messages = 0
        self._head = self._headers = self._body = 0  # Of this message.
        self._calls = self._quiet = 0  # Of the parser; bytes since the last one.
        self._discarded = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_for: tuple[Part, int] | None = None
        self._since = self._until = 0.0
        self._reading: asyncio.TimerHandle | None = None

    # --- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The connection counts as waiting until it has sent a whole request."""
        self._answers = InOnePiece(transport, self.loop)
        super().connection_made(self._answers)  # type: ignore[arg-type]
        if len(self.connections) > self.most() and not self._someone_gives_way():
            self._refuse(503)
            return
        _waiting[self] = None
        self._set_timer()

    def _someone_gives_way(self) -> bool:
        oldest = next(iter(_waiting), None)
        if oldest is None:
            return False
        refusals["gave way"] += 1
        del _waiting[oldest]
        oldest.transport.abort()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove all traces of the connection."""
        _waiting.pop(self, None)
        self._is_over = True
        self._stop_timer()
        self._stop_watching_reader()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse in pieces, so that we see that a head is too large before all of it is in
        memory."""
        for start in range(0, len(data), PIECE):
            if self._is_over:
                self._discard(len(data) - start)
                return
            self._take(data if len(data) <= PIECE else data[start : start + PIECE])
        if not self._is_over:
            self._set_timer()

    def _take(self, piece: bytes) -> None:
        calls = self._calls
        super().data_received(piece)
        # The parser keeps what it has not reported yet: half a header, the frame of a chunk.
        self._quiet = self._quiet + len(piece) if calls == self._calls else 0
        if self._quiet > self.limits.head_bytes:
            self._refuse(431 if self._part is Part.HEAD else 400)

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > self.limits.linger_bytes:
            self.transport.abort()

    # --- callbacks of the parser

    def on_message_begin(self) -> None:
        """A head begins."""
        self._calls += 1
        self._part = Part.HEAD
        self._head = self._headers = self._body = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._calls += 1
        self._head += len(url)
        self._check(self._head <= self.limits.head_bytes, 414)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. Those after a body would change the request while it is being answered, and
        no code here needs them: they count, and are dropped."""
        self._calls += 1
        self._head += len(name) + len(value) + 4
        self._headers += 1
        is_fit = self._head <= self.limits.head_bytes and self._headers <= self.limits.headers
        self._check(is_fit, 431)
        if self._part is Part.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: the application begins, or the request waits for those before it."""
        self._calls += 1
        self._check(len(self.pipeline) < self.limits.pipelined, 400)
        super().on_headers_complete()
        self._part = Part.BODY

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._calls += 1
        self._body += len(body)
        if self.cycle is not None and self.cycle.response_complete:
            self._check(self._body <= self.limits.unwanted_bytes, 400)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._calls += 1
        self._part = Part.NOTHING
        self._messages += 1
        _waiting.pop(self, None)
        super().on_message_complete()

    def on_chunk_header(self) -> None:
        """The frame of a chunk: these few bytes count as activity."""
        self._calls += 1

    def on_response_complete(self) -> None:
        """The answer is out: the connection waits for the next request."""
        # Now, and not when the loop comes by: this client goes on while we answer the next one.
        self._answers.send()
        super().on_response_complete()
        if not self.transport.is_closing() and not self.pipeline:
            _waiting.setdefault(self)

    def _check(self, is_fit: bool, status: int) -> None:
        if not is_fit:
            self._status = status
            raise _Unfit

    # --- time

    def _set_timer(self) -> None:
        """One clock for each head and each body. More bytes of the same part do not restart it."""
        is_waiting = self._part is not Part.NOTHING or not self._is_busy()
        part = Part.BODY if self._part is Part.BODY else Part.HEAD
        wanted = (part, self._messages) if is_waiting else None
        if wanted == self._timer_for:
            return
        self._stop_timer()
        if wanted is not None:
            self._timer_for, self._since = wanted, monotonic()
            limits = self.limits
            self._wake_in(limits.head_s if part is Part.HEAD else limits.body_s)

    def _wake_in(self, seconds: float) -> None:
        self._until = monotonic() + seconds
        self._timer = self.loop.call_later(seconds, self._on_timer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timer_for = None

    def _on_timer(self) -> None:
        if self._is_over or self.transport.is_closing():
            return
        if monotonic() - self._until > 0.5:
            # We were busy ourselves, and there may be unread input in the socket.
            self._wake_in(1.0)
        elif self._timer_for is not None and self._timer_for[0] is Part.BODY:
            self._on_slow_body()
        elif self._is_busy():
            # Half a head behind a request that is being answered: it blocks no one.
            self._wake_in(self.limits.head_s)
        elif self._has_begun():
            self._refuse(408)
        else:
            refusals["silent"] += 1
            self.transport.close()

    def _on_slow_body(self) -> None:
        if self.flow.read_paused:
            # We ourselves have paused reading.
            self._since = monotonic()
            self._wake_in(self.limits.body_s)
            return
        allowed = self.limits.body_s + self._body / self.limits.body_rate
        left = self._since + min(allowed, self.limits.body_most_s) - monotonic()
        if left > 0:
            self._wake_in(left + 0.01)
        else:
            self._refuse(408)

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _has_begun(self) -> bool:
        return (self._calls > 0 and self._part is Part.HEAD) or self._quiet > 0

    # --- answers without the application

    def send_400_response(self, msg: str) -> None:
        """The parser has stopped: for the status that `_check` set, or for a fault of its own."""
        self._refuse(self._status)

    def _refuse(self, status: int) -> None:
        """Answer and close, and never into the middle of another answer."""
        if self._is_over:
            return
        self._is_over = True
        self._stop_timer()
        _waiting.pop(self, None)
        refusals[str(status)] += 1
        if self._part is Part.BODY and self.cycle is not None:
            self._refuse_body(status)
        elif self._is_busy():
            # `cycle` is the last request that is whole: up to there everything is answered.
            self.cycle.keep_alive = False
        else:
            self._say(status)

    def _refuse_body(self, status: int) -> None:
        if self.pipeline or self.cycle.response_started:
            self.transport.close()
            return
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        self._say(status)

    def _say(self, status: int) -> None:
        words = _WORDS[status].encode()
        head = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "content-type: text/plain; charset=utf-8",
            f"content-length: {len(words)}",
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "connection: close",
            *(["retry-after: 60"] if status == 503 else []),
        ]
        self.transport.write("\r\n".join([*head, "", ""]).encode() + words)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(self.limits.linger_s, self.transport.abort)

    # --- readers

    def pause_writing(self) -> None:
        """The reader is behind: from here on they must take some of the answer now and then."""
        super().pause_writing()
        self._watch_reader(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The reader has caught up."""
        self._stop_watching_reader()
        super().resume_writing()

    def _watch_reader(self, unread: int) -> None:
        look: Callable[[int], None] = self._on_reader
        self._reading = self.loop.call_later(self.limits.unread_s, look, unread)

    def _stop_watching_reader(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._reading = None

    def _on_reader(self, unread: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left >= unread:
            refusals["unread"] += 1
            self.transport.abort()
        else:
            self._watch_reader(left)
