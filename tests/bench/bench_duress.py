"""Whether an answer with the agreed sign can be told from any other: by its time, or its size.

A whole server with its ticker, on each database. Children with a sign answer one after the other
over one connection, in pairs: one with the sign and one without, each first every other time by
lot. The server listens to both a second later, opens alerts and calls adults meanwhile.
"""

import asyncio
import json
import random
import statistics
import tempfile
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from server.checkin.duress.models import DuressSign
from server.storage import bulk
from server.storage.db import close_database, fetch, write
from server.storage.ids import uuid7
from tests.bench.bench_check_ins import _database, _seed, _server
from tests.bench.children import moment, token_of
from tests.bench.load import post
from tests.bench.ranks import signed_ranks
from tests.ports import free_port

PAIRS = 1000
WARM = 50


async def _signs(ids: list[UUID], now: datetime) -> None:
    """Each of these children has agreed that the second way means that it is not OK."""
    (row,) = await fetch("SELECT id FROM agency")
    signs = [
        {
            "id": uuid7(),
            "agency_id": UUID(str(row["id"])),
            "child_id": id_,
            "what": {"mark": "b", "word": None},
            "agreed_by": ids[0],
            "agreed_at": now - timedelta(hours=1),
        }
        for id_ in ids
    ]
    async with write():
        await bulk.insert(DuressSign, signs)
        await fetch("UPDATE watch SET listens = $1", [True])


async def _send(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, child: UUID, mark: str
) -> tuple[float, int, str]:
    """Seconds from the first byte sent to the last received, how many those were, and the shape."""
    said = {"id": str(uuid4()), "said_at": moment().isoformat(), "mark": mark}
    request = post("/api/v1/check-ins", json.dumps(said).encode(), token_of(child))
    began = time.perf_counter()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    took = time.perf_counter() - began
    assert head.startswith(b"HTTP/1.1 201"), head
    names = sorted(line.partition(b":")[0] for line in head.splitlines()[1:])
    return took, len(head) + length, b",".join(names).decode()


async def _pairs(
    port: int, ids: list[UUID], pairs: int, warm: int
) -> list[dict[str, tuple[float, int, str]]]:
    lot = random.Random(7)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    children, found = iter(ids), []
    for _ in range(pairs + warm):
        marks = ["a", "b"]
        lot.shuffle(marks)
        found.append({mark: await _send(reader, writer, next(children), mark) for mark in marks})
    writer.close()
    return found[warm:]


async def _run(kind: str, pairs: int, warm: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with _database(kind, folder) as url:
            ids = await _seed(url, 2 * (pairs + warm))
            await _signs(ids, moment())
            port = free_port()
            with _server(["-m", "server", "serve"], url, port, folder):
                found = await _pairs(port, ids, pairs, warm)
                await asyncio.sleep(3)  # What is left to listen to.
            (alerts,) = await fetch("SELECT COUNT(*) AS n FROM alert WHERE cause = 'concern'")
            await close_database()
    assert alerts["n"] == pairs + warm, alerts["n"]
    times = [(one["b"][0], one["a"][0]) for one in found]
    return {
        "p": signed_ranks(times),
        "sign_ms": statistics.median(one for one, _ in times) * 1e3,
        "plain_ms": statistics.median(other for _, other in times) * 1e3,
        "shapes": len({one[mark][1:] for one in found for mark in "ab"}),
    }


def measure(pairs: int = PAIRS, warm: int = WARM) -> dict[str, Any]:
    """The figure: p of each database, and whether bytes and headers are the same."""
    runs = {kind: asyncio.run(_run(kind, pairs, warm)) for kind in ("sqlite", "postgres")}
    is_same = all(run["shapes"] == 1 for run in runs.values())
    shown = "; ".join(
        f"{name}: p = {runs[kind]['p']:.2f}"
        for kind, name in (("sqlite", "SQLite"), ("postgres", "PostgreSQL"))
    )
    return {
        "what": f"an answer with the agreed sign against one without, {pairs:,} pairs each: rank"
        " test of the times; bytes and headers",
        "shown": f"{shown}; {'the same' if is_same else 'not the same'}",
        "runs": runs,
        "goal": "p > 0.05; the same",
        "is_reached": is_same and all(run["p"] > 0.05 for run in runs.values()),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
