"""Nothing that leaves Waymark holds people: no line, no message, no metric and no URL.

For the length of the whole run this listens at the seams: to the stream of the logs, to the
doubles, and to what passes `AccessLog` (URLs, where answers send somebody, /health and /metrics).
The test during which a surname of the cast, a word of theirs, a password, a token or the line of an
address came by fails when it ends, and says what came by which channel. Pages and API answers may
hold names: who sees them is what tests/test_access.py is about.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, TextIO
from urllib.parse import unquote_plus

import pytest
from starlette.types import Message, Receive, Scope, Send

from server import logs
from tests.cast import EVERYONE, SURNAMES, password_of
from tests.doubles import ear

# What the people of the tests say; each is long enough to come by no accident.
WORDS = (
    "All <b>good",
    "At her aunt's",
    "At school.",
    "At the station",
    "Football today",
    "Her bag is gone",
    "Her bed is empty",
    "I have seen her",
    "I lost my phone",
    "Please come.",
    "Said before the update",
    "Said while shut out",
    "Sat in the kitchen",
    "She called from school",
    "With her aunt",
    "Ça va.",
)
ALWAYS = (*SURNAMES, *WORDS, *(password_of(name) for name in EVERYONE))
_BODIES = ("/health", "/metrics")
_LED = (b"location", b"hx-redirect", b"hx-location", b"hx-push-url", b"link")


@dataclass
class Leaks:
    """What came by since somebody looked, channel by channel."""

    said: list[tuple[str, str]] = field(default_factory=list)

    def hear(self, channel: str, what: str) -> None:
        # Doubles speak from threads of their own: appending is the one thing that is done here.
        self.said.append((channel, what))

    def find(self, words: Iterable[str]) -> list[str]:
        """Each word that came by, as "word (channel): around it"; in any case, also in a URL."""
        found = []
        for channel in sorted({channel for channel, _ in self.said}):
            text = "\n".join(what for by, what in self.said if by == channel)
            forms = f"{text}\n{unquote_plus(text)}".lower()
            for word in words:
                if (at := forms.find(word.lower())) >= 0:
                    found.append(f"{word} ({channel}): {forms[max(0, at - 80) : at + 80]!r}")
        return found


LEAKS = Leaks()


class _Tee(io.TextIOBase):
    """The stream of the logs, which is heard on its way; nowhere else without an `out`."""

    def __init__(self, out: TextIO | None) -> None:
        self.out = out

    def write(self, text: str) -> int:
        LEAKS.hear("log", text)
        if self.out is not None:
            self.out.write(text)
        return len(text)

    def flush(self) -> None:
        if self.out is not None:
            self.out.flush()


_configure, _access = logs.configure, logs.AccessLog.__call__


def _configure_and_hear(stream: TextIO | None = None, *more: Any, **how: Any) -> None:
    _configure(_Tee(stream or sys.stderr), *more, **how)


async def _access_and_hear(
    self: logs.AccessLog, scope: Scope, receive: Receive, send: Send
) -> None:
    # An application of a test's own may be asked for anything; ours is asked for what it led to.
    if scope["type"] == "http" and hasattr(scope["app"].state, "settings"):
        LEAKS.hear("url", f"{scope['path']}?{scope['query_string'].decode('latin-1')}")

    async def send_and_hear(message: Message) -> None:
        for name, value in message.get("headers", ()):
            if name.lower() in _LED:
                LEAKS.hear("url", value.decode("latin-1"))
        if message["type"] == "http.response.body" and scope["path"] in _BODIES:
            LEAKS.hear(scope["path"][1:], message.get("body", b"").decode())
        await send(message)

    await _access(self, scope, receive, send_and_hear)


def pytest_configure() -> None:
    logs.configure = _configure_and_hear
    logs.AccessLog.__call__ = _access_and_hear  # type: ignore[method-assign]
    ear.listeners.append(LEAKS.hear)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Generator[None, Any, Any]:
    # As in a process of its own, and shown to nobody. Before each test, since some put it back.
    _configure(_Tee(None))
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    cast = getattr(item, "funcargs", {}).get("cast")
    tokens = list(cast.tokens.values()) if cast is not None else []
    result = yield
    found = LEAKS.find([*ALWAYS, *tokens])
    LEAKS.said.clear()
    if found:
        pytest.fail("This left Waymark:\n" + "\n".join(found), pytrace=False)
    return result


@pytest.fixture
def leaks() -> Leaks:
    """What this test let out so far."""
    return LEAKS
