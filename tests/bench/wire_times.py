"""A push service, or a webhook, on loopback that takes everything and knows when each came.

It is a process of its own: `python -m tests.bench.wire_times` prints its port; then, for each line
that comes in, the times so far as JSON (seconds since 1970), and begins anew.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

TAKEN: list[float] = []


class _TakesAll(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            _, has_body, rest = head.partition(b"content-length:")
            length = int(rest.split(b"\r\n")[0]) if has_body else 0
            if len(self._read) < end + 4 + length:
                return
            self._read = self._read[end + 4 + length :]
            self._transport.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
            TAKEN.append(time.time())


async def _receive() -> None:
    server = await asyncio.get_running_loop().create_server(_TakesAll, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(TAKEN), flush=True)
        TAKEN.clear()


@dataclass(frozen=True)
class Wire:
    """The other end."""

    process: "subprocess.Popen[str]"
    origin: str

    def taken(self) -> list[float]:
        """When each message came since this was last asked; seconds since 1970."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        times: list[float] = json.loads(self.process.stdout.readline())
        return times


@contextlib.contextmanager
def listening() -> Iterator[Wire]:
    """While it listens."""
    command = [sys.executable, "-m", "tests.bench.wire_times"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Wire(process, f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_receive())
