"""Ten thousand children due in one minute: the last reminder at the push service, the last alert.

One process with its real alarm clock, as `waymark tick` runs, on a PostgreSQL that writes to disk.
First every child has a reminder due in one moment, to a phone at a push service on loopback. Then
every child is late in one moment, without a carer, while the worker goes on sending: how long until
the last alert is there.
"""

import asyncio
import json
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
from tests.bench.wire_times import Wire, listening
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


async def _until_reminded(wire: Wire, children: int) -> float:
    """When the last reminder was at the push service."""
    times: list[float] = []
    async with asyncio.timeout(LONGEST_S):
        while len(times) < children:
            await asyncio.sleep(0.1)
            times += await asyncio.to_thread(wire.taken)
    return times[children - 1]


async def _measure(server: Server, wire: Wire, sizes: Sizes) -> list[float]:
    url = server.create_database("bench")
    await migrate(url)
    encryption.use(encryption.Keyring([SECRET]))
    await open_database(url)
    due = moment() + timedelta(seconds=sizes.made_s)
    # Each miss calls somebody: the most that one minute can have to do.
    ids = await make(sizes.children, watch=_reminded(due), with_phones=False, policy=EACH_MISS)
    await _phones(ids, wire.origin)
    await fetch("VACUUM ANALYZE")
    settings = replace(load({}, Path(server.folder)), push_origins=(wire.origin,))
    channels = configured(settings, utcnow)
    for channel in channels.values():
        await channel.open()
    ticker = Ticker(settings, channels, utcnow)
    assert datetime.now(UTC) < due, "to make the rows took too long"
    await ticker.start()
    reminded = await _until_reminded(wire, sizes.children) - due.timestamp()
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
    with running(is_durable=True) as server, listening() as wire:
        reminded, alerted = asyncio.run(_measure(server, wire, sizes))
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
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
