"""From the tap on "I need help now" to the first push at a push service, while others check in.

A whole server with its ticker on PostgreSQL, 500 check-ins a second from other children, sent at
their moments whether or not the ones before were answered. Each call is another child's, and its
caseworker has a browser of their own at a push service of the benchmark, which answers 201.
"""

import asyncio
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from server.notify.models import Address
from server.people.models import Person, Tie
from server.people.rules import Role
from server.security import encryption
from server.storage import bulk
from server.storage.db import close_database, fetch, open_database, write
from server.storage.engines.migrate import migrate
from server.storage.ids import uuid7
from tests.bench.bench_check_ins import SECRET, _database, _server
from tests.bench.children import make, moment, token_of
from tests.bench.load import post
from tests.doubles.web_push import Receiver
from tests.ports import free_port

CALLS = 200
EVERY_S = 0.1
RATE = 500
OTHERS = 12_000
CONNECTIONS = 48
TO_REACH_S = 2.0
LAST_S = 15


@dataclass
class Service:
    """A push service that says yes to everything, and when each address first got something."""

    first: dict[int, float] = field(default_factory=dict)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, as long as it lasts."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                number = int(head.partition(b"/push/")[2].partition(b" ")[0])
                self.first.setdefault(number, time.perf_counter())
                writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()


async def _seed(url: str, origin: str, calls: int, others: int) -> tuple[list[UUID], list[UUID]]:
    """Children who call, each with a caseworker who has one browser; and the others."""
    await migrate(url)
    encryption.use(encryption.Keyring([SECRET]))
    await open_database(url)
    now = moment()
    due, then = now + timedelta(minutes=50), now + timedelta(days=1)
    watch = {
        "standing": "due",
        "prompted": 1,
        "due_at": due,
        "opens_at": now - timedelta(minutes=30),
        "next_action_at": due,
        "following_due_at": then,
        "following_opens_at": then - timedelta(hours=2),
        "following_action_at": then - timedelta(hours=2),
    }
    ids = await make(others + calls, watch=watch, with_phones=True)
    await _workers(ids[:calls], origin)
    return ids[:calls], ids[calls:]


async def _workers(children: Sequence[UUID], origin: str) -> None:
    now = moment()
    (agency,) = await fetch("SELECT id FROM agency")
    common = {"agency_id": UUID(str(agency["id"]))}
    workers = [uuid7() for _ in children]
    person = {"role": Role.CASEWORKER, "name": "worker", "language": "en", "zone": "UTC"}
    tie = {"role": Role.CASEWORKER, "from_at": now - timedelta(days=1)}
    receiver = Receiver()
    addresses = [
        {
            "id": uuid7(),
            **common,
            "person_id": worker,
            "channel": "push",
            "value": f"{origin}/push/{number}",
            "value_index": str(number),
            "keys": receiver.keys,
            "made_at": now,
        }
        for number, worker in enumerate(workers)
    ]
    ties = [
        {"id": uuid7(), **common, "child_id": child, "person_id": worker, **tie}
        for child, worker in zip(children, workers, strict=True)
    ]
    async with write():
        await bulk.insert(Person, [{"id": w, **common, **person, "made_at": now} for w in workers])
        await bulk.insert(Tie, ties)
        await bulk.insert(Address, addresses)


def _request(child: UUID, want: str) -> bytes:
    said = {"id": str(uuid4()), "said_at": moment().isoformat(), "mark": "a", "want": want}
    return post("/api/v1/check-ins", json.dumps(said).encode(), token_of(child))


async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    assert head.startswith(b"HTTP/1.1 201"), head


async def _others(port: int, turns: Iterator[tuple[float, bytes]]) -> int:
    """One connection's share of the check-ins, each at its moment or as soon as it can be."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = 0
    for at, request in turns:
        await asyncio.sleep(max(at - time.perf_counter(), 0))
        await _post(reader, writer, request)
        sent += 1
    writer.close()
    return sent


async def _calls(port: int, children: Sequence[UUID]) -> list[float]:
    """When each of these children tapped."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    tapped = []
    for child in children:
        tapped.append(time.perf_counter())
        await _post(reader, writer, _request(child, "help"))
        await asyncio.sleep(max(tapped[-1] + EVERY_S - time.perf_counter(), 0))
    writer.close()
    return tapped


async def _load(port: int, callers: list[UUID], others: list[UUID]) -> tuple[list[float], float]:
    begin = time.perf_counter() + 1
    turns = iter([(begin + n / RATE, _request(id_, "nothing")) for n, id_ in enumerate(others)])
    # Each connection takes the next one: whoever is held up holds nobody else up.
    load = asyncio.gather(*(_others(port, turns) for _ in range(CONNECTIONS)))
    await asyncio.sleep(2)
    tapped = await _calls(port, callers)
    sent = await load
    return tapped, sum(sent) / (time.perf_counter() - begin)


async def _measure(calls: int, beside: int) -> dict[str, Any]:
    service = Service()
    server = await asyncio.start_server(service.answer, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        async with _database("postgres", folder) as url:
            callers, others = await _seed(url, origin, calls, beside)
            await close_database()
            port = free_port()
            more = {"WAYMARK_PUSH_ORIGINS": origin}
            with _server(["-m", "server", "serve"], url, port, folder, more):
                tapped, rate = await _load(port, callers, others)
                for _ in itertools.takewhile(lambda _: len(service.first) < calls, range(LAST_S)):
                    await asyncio.sleep(1)
    server.close()
    assert len(service.first) == calls, f"{len(service.first)} of {calls} arrived"
    waits = sorted(service.first[number] - at for number, at in enumerate(tapped))
    return {"waits": waits, "rate": rate}


def measure(calls: int = CALLS, others: int = OTHERS) -> dict[str, Any]:
    """The figure: the 99th percentile, and how many check-ins a second went through beside it."""
    found = asyncio.run(_measure(calls, others))
    waits = found["waits"]
    late = waits[int(len(waits) * 0.99) - 1]
    return {
        "what": f"help tapped to the first push at a push service, {RATE} check-ins a second"
        " beside it, PostgreSQL, one process: 99th percentile",
        "shown": f"{late:.2f} s ({statistics.median(waits):.2f} s at the median;"
        f" {found['rate']:.0f} check-ins/s went through)",
        "goal": f"≤ {TO_REACH_S:.0f} s",
        "late": round(late, 3),
        "median": round(statistics.median(waits), 2),
        "longest": round(waits[-1], 2),
        "is_reached": late <= TO_REACH_S and found["rate"] >= RATE * 0.95,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
