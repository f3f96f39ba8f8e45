"""A load generator for loopback: prepared requests over a few connections, each sent once.

`wrk` where it is installed. Without it one of Python sends them, which takes more of the processor
for a request than a bare server does: it holds that one up and makes ours look better against it.
A figure says which one it was.
"""

import asyncio
import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# A server that answers nothing ends the benchmark instead of holding it up.
LONGEST_S = 120
CONNECTIONS = 32
GENERATOR = "wrk" if shutil.which("wrk") else "Python"
SCRIPT = Path(__file__).with_name("send_once.lua")


@dataclass(frozen=True)
class Run:
    """What one run came to. `cpu_us`: CPU time of the server per request, microseconds."""

    per_second: float
    cpu_us: float
    refused: int


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def send_all(
    port: int, requests: Sequence[bytes], pid: int, connections: int = CONNECTIONS
) -> Run:
    """Send every request once, and time the whole."""
    async with asyncio.timeout(LONGEST_S):
        send = _by_wrk if GENERATOR == "wrk" else _by_hand
        return await send(port, requests, pid, connections)


async def _by_wrk(port: int, requests: Sequence[bytes], pid: int, connections: int) -> Run:
    """With the last ones still under way it stops the clock: a server answers them all the same."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(b"%d %s" % (len(request), request) for request in requests))
        file.flush()
        cpu = cpu_seconds(pid)
        wrk = await asyncio.create_subprocess_exec(
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{LONGEST_S}s", "--timeout", f"{LONGEST_S}s", "--script", str(SCRIPT)),
            *(f"http://127.0.0.1:{port}/", "--", file.name, str(connections)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert wrk.stdout is not None
        try:
            answered, took = await _said(wrk.stdout, b"answered %d in %f")
            spent = cpu_seconds(pid) - cpu
            wrk.send_signal(signal.SIGINT)
            (refused,) = await _said(wrk.stdout, b"refused %d")
        finally:
            with contextlib.suppress(ProcessLookupError):
                wrk.kill()
            await wrk.wait()
    return Run(answered / took, spent / answered * 1e6, int(refused))


async def _said(lines: asyncio.StreamReader, form: bytes) -> list[float]:
    """The numbers of the first line that begins as this form does."""
    begin = form.partition(b"%")[0]
    async for line in lines:
        if line.startswith(begin):
            return [float(word) for word in line.split() if word[:1].isdigit()]
    raise ConnectionError("wrk ended before all requests were answered")


async def _by_hand(port: int, requests: Sequence[bytes], pid: int, connections: int) -> Run:
    queue = iter(requests)
    refused = 0

    async def one() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in queue:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 201"):
                refused += 1
        writer.close()

    cpu, began = cpu_seconds(pid), time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    took = time.perf_counter() - began
    spent = cpu_seconds(pid) - cpu
    return Run(len(requests) / took, spent / len(requests) * 1e6, refused)


def post(path: str, body: bytes, token: str) -> bytes:
    """One POST as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
