"""Ten thousand children due in one minute: the last reminder at the push service, the last alert.

One process with its real alarm clock, as `waymark tick` runs, on a PostgreSQL that writes to disk.
First every child has a reminder due in one moment, to a phone at a push service on loopback (a
process of its own, which counts). Then every child is late in one moment, without a carer, while
the worker goes on sending: how long until the last alert is there.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from server.clock import utcnow
from server.notify.channels.configured import configured
from server.notify.models import Address
from server.policy.model import EACH_MISS
from server.security import encryption
from server.settings import load
from server.storage import bulk
from server.storage.db import close_database, fetch, open_database, write
from server.storage.engines.migrate import migrate
from server.storage.ids import uuid7
from server.ticker import Ticker
from server.watch.models import Round, Watch, round_id
from tests.bench.children import make, moment
from tests.doubles.web_push import Receiver
from tests.postgres import Server, running

CHILDREN = 10_000
SECRET = "a secret of the benchmarks alone"
REMINDED_S, ALERTED_S = 60.0, 10.0
PART = 2000
GRACE = timedelta(hours=1)
LONGEST_S = 300.0


@dataclass(frozen=True)
class Sizes:
    """How many children, and how many seconds it may take to make their rows, and to make them
    late."""

    children: int = CHILDREN
    made_s: int = 90
    late_s: int = 30


FULL = Sizes()


class _Count(asyncio.Protocol):
    """A push service that takes everything, and says when it has taken the last one."""

    taken = 0

    def __init__(self, children: int) -> None:
        self._children = children

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self._read) < end + 4 + length:
                return
            self._read = self._read[end + 4 + length :]
            self._transport.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
            _Count.taken += 1
            if _Count.taken == self._children:
                print(time.time(), flush=True)


async def _receive(children: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Count(children), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _by_day(now: datetime) -> str:
    """A zone where it is day, since at night no child is reminded."""
    zones = ("UTC", "Asia/Tokyo", "America/Los_Angeles")
    return next(one for one in zones if 8 <= now.astimezone(ZoneInfo(one)).hour < 20)


def _reminded(due: datetime) -> dict[str, Any]:
    """A watch that reminds at `due`: the round is open, and the first reminder has gone out."""
    return {
        "zone": _by_day(due),
        "standing": "due",
        "prompted": 2,
        "due_at": due,
        "opens_at": due - timedelta(hours=2),
        "following_due_at": due + timedelta(days=1),
        "next_action_at": due,
        "sign_at": due - timedelta(hours=22),
    }


async def _phones(ids: Sequence[UUID], origin: str) -> None:
    people = [Receiver() for _ in range(50)]
    rows = [
        {
            "id": uuid7(),
            "person_id": child,
            "channel": "push",
            "value": f"{origin}/push/{number}",
            "value_index": encryption.blind(f"push:{number}"),
            "keys": people[number % len(people)].keys,
            "made_at": moment(),
        }
        for number, child in enumerate(ids)
    ]
    for begin in range(0, len(rows), PART):
        async with write():
            await bulk.insert(Address, rows[begin : begin + PART])


async def _make_late(ids: Sequence[UUID], late: datetime) -> None:
    """The same watches, whose round becomes late at that moment; nobody has answered."""
    due = late - GRACE
    for begin in range(0, len(ids), PART):
        part = ids[begin : begin + PART]
        rounds = [
            {
                "id": round_id(child, due),
                "child_id": child,
                "opens_at": due - timedelta(hours=2),
                "due_at": due,
                "late_at": late,
                "state": "open",
            }
            for child in part
        ]
        async with write():
            await bulk.insert(Round, rounds)
            await Watch.filter(child_id__in=list(part)).update(
                **_reminded(due) | {"prompted": 4, "next_action_at": late}
            )
    await fetch("ANALYZE")


async def _until_alerted(children: int) -> float:
    """When the last alert was there, by the clock on the wall."""
    until = time.time() + LONGEST_S
    while time.time() < until:
        [row] = await fetch("SELECT COUNT(*) AS n FROM alert")
        if row["n"] >= children:
            return time.time()
        await asyncio.sleep(0.1)
    raise TimeoutError("the alerts do not come")


async def _measure(
    server: Server, receiver: "subprocess.Popen[str]", origin: str, sizes: Sizes
) -> list[float]:
    assert receiver.stdout is not None
    url = server.create_database("bench")
    await migrate(url)
    encryption.use(encryption.Keyring([SECRET]))
    await open_database(url)
    due = moment() + timedelta(seconds=sizes.made_s)
    # Each miss calls somebody: the most that one minute can have to do.
    ids = await make(sizes.children, watch=_reminded(due), with_phones=False, policy=EACH_MISS)
    await _phones(ids, origin)
    await fetch("VACUUM ANALYZE")
    settings = replace(load({}, Path(server.folder)), push_origins=(origin,))
    channels = configured(settings, utcnow)
    for channel in channels.values():
        await channel.open()
    ticker = Ticker(settings, channels, utcnow)
    assert datetime.now(UTC) < due, "to make the rows took too long"
    await ticker.start()
    line = await asyncio.wait_for(asyncio.to_thread(receiver.stdout.readline), LONGEST_S)
    reminded = float(line) - due.timestamp()
    late = moment() + timedelta(seconds=sizes.late_s)
    await _make_late(ids, late)
    assert datetime.now(UTC) < late
    alerted = await _until_alerted(sizes.children) - late.timestamp()
    await ticker.stop()
    for channel in channels.values():
        await channel.close()
    await close_database()
    return [reminded, alerted]


def measure(sizes: Sizes = FULL) -> dict[str, Any]:
    """The figure: seconds from the moment that is due until the last one."""
    command = [sys.executable, "-m", "tests.bench.bench_minute", "receive"]
    command.append(str(sizes.children))
    with (
        running(is_durable=True) as server,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as receiver,
    ):
        try:
            assert receiver.stdout is not None
            origin = f"http://127.0.0.1:{int(receiver.stdout.readline())}"
            reminded, alerted = asyncio.run(_measure(server, receiver, origin, sizes))
        finally:
            receiver.terminate()
    return {
        "what": "10,000 children due in one moment: last reminder at the push service; last alert",
        "unit": "s",
        "shown": f"{reminded:.0f} s; {alerted:.1f} s",
        "goal": f"≤ {REMINDED_S:.0f} s; ≤ {ALERTED_S:.0f} s",
        "ours": round(reminded, 1),
        "alerted_s": round(alerted, 1),
        "is_reached": reminded <= REMINDED_S and alerted <= ALERTED_S,
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["receive"]:
        asyncio.run(_receive(int(sys.argv[2])))
    else:
        print(json.dumps(measure(), indent=2, ensure_ascii=False))
