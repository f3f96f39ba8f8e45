"""The head and the body of an answer are sent together."""

import asyncio
from typing import Any

# Longer than that is sent at once, so that a reader who is behind is noticed as before.
MOST_BYTES = 16_384


class InOnePiece:
    """A transport that sends the head and the body of an answer together. Each alone would be a
    system call, and would wake the reader once more."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._bytes = 0
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it when the answer is whole, or before the loop goes on."""
        self._held.append(data)
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            self.send()
        elif len(self._held) == 1:
            self._loop.call_soon(self.send)

    def send(self) -> None:
        """Send what was written."""
        held, self._held, self._bytes = self._held, [], 0
        if held and not self.is_closing():
            # Not joined: of a file that many load, each connection would keep a copy.
            self._transport.writelines(held)

    def write_eof(self) -> None:
        """Send what was written, and that nothing more comes."""
        self.send()
        self._transport.write_eof()

    def close(self) -> None:
        """Send what was written, then close."""
        self.send()
        self._transport.close()
