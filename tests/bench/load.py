"""A load generator for loopback: prepared requests over a few connections, each sent once."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# A server that answers nothing ends the benchmark instead of holding it up.
LONGEST_S = 120


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


async def send_all(port: int, requests: Sequence[bytes], pid: int, connections: int = 32) -> Run:
    """Send every request once, on so many connections, and time the whole."""
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
    async with asyncio.timeout(LONGEST_S):
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
