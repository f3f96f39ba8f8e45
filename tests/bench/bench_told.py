"""From late to told: 3,000 children late in one moment, until the push services of their
caseworkers have the last message, by the policy that ships.

One process, started as an operator starts it (`waymark tick`), on a PostgreSQL that writes to disk.
The other end is a push service on loopback that says when each message came. Three worlds:

- `alone`: each child has a caseworker of their own, so there are as many messages as children. This
  is what Healthchecks does, which is asked in turn on the same server where it is there
  (tests/bench/peer.py);
- `homes`: a caseworker for twenty;
- `one`: a single caseworker for all.

In the last two a caseworker gets one message about all their children, as
docs/decisions/0103-one-message-for-many.md has it.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from server.notify.models import Address
from server.people.models import Agency, Person
from server.people.rules import Role
from server.security import encryption
from server.storage import bulk
from server.storage.db import close_database, fetch, open_database, write
from server.storage.engines.migrate import migrate
from server.storage.ids import uuid7
from tests.bench.children import make
from tests.bench.load import cpu_seconds
from tests.bench.peer import Peer, Told, is_there
from tests.bench.wire_times import Wire, listening
from tests.doubles.web_push import Receiver
from tests.postgres import Server, running

CHILDREN, RUNS = 3000, 3
# So long the rows may take, until they are late.
MADE_S = 20
FOR_ONE = {"alone": 1, "homes": 20, "one": CHILDREN}
SECRET = "a secret of the benchmarks alone"
PER_SECOND, TIMES, FIRST_S = 2000, 25, 1.5
GRACE = timedelta(minutes=30)  # Of the high level, in which each miss calls adults.
LONGEST_S = 120
PART = 2000


def _due(late: datetime) -> dict[str, Any]:
    """A watch whose round becomes late at this moment; there is no carer to ask."""
    due = late - GRACE
    then = due + timedelta(days=1)
    return {
        "tier": "high",
        "standing": "due",
        "prompted": 4,
        "due_at": due,
        "opens_at": due - timedelta(hours=2),
        "next_action_at": late,
        "following_due_at": then,
        "following_opens_at": then - timedelta(hours=2),
        "following_action_at": then - timedelta(hours=2),
        "sign_at": due - timedelta(hours=22),
    }


async def _workers(children: Sequence[UUID], for_one: int, origin: str) -> int:
    """A caseworker for so many of them, each with a phone of their own; returns how many."""
    agency, now = await Agency.get(), datetime.now(UTC)
    ids = [uuid7() for _ in range(0, len(children), for_one)]
    keys = [Receiver().keys for _ in range(50)]
    common = {"agency_id": agency.id, "made_at": now}
    person = {"role": Role.CASEWORKER, "name": "worker", "language": "en", "zone": "UTC"}
    for begin in range(0, len(ids), PART):
        part = ids[begin : begin + PART]
        phones = [
            {
                **common,
                "id": uuid7(),
                "person_id": id_,
                "channel": "push",
                "value": f"{origin}/push/{begin + place}",
                "value_index": encryption.blind(f"push:{begin + place}"),
                "keys": keys[place % len(keys)],
            }
            for place, id_ in enumerate(part)
        ]
        async with write():
            await bulk.insert(Person, [{"id": id_, **common, **person} for id_ in part])
            await bulk.insert(Address, phones)
    async with write():
        whose = [ids[place // for_one] for place in range(len(children))]
        await fetch(
            "UPDATE tie SET person_id = pair.worker FROM unnest($1::uuid[], $2::uuid[])"
            " AS pair(child, worker) WHERE tie.child_id = pair.child",
            [list(children), whose],
        )
    return len(ids)


def _ticking(url: str, folder: str, origin: str) -> "subprocess.Popen[bytes]":
    environ = os.environ | {
        "WAYMARK_DATABASE_URL": url,
        "WAYMARK_SECRET_KEYS": SECRET,
        "WAYMARK_VAR": folder,
        "WAYMARK_PUSH_ORIGINS": origin,
    }
    command = [sys.executable, "-m", "server", "tick"]
    return subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)


async def _run(server: Server, wire: Wire, name: str, for_one: int, many: int, made_s: int) -> Told:
    url = server.create_database(name)
    await migrate(url)
    encryption.use(encryption.Keyring([SECRET]))
    await open_database(url)
    late = datetime.now(UTC) + timedelta(seconds=made_s)
    children = await make(many, watch=_due(late), with_phones=False)
    workers = await _workers(children, for_one, wire.origin)
    await fetch("ANALYZE")
    wire.taken()
    with tempfile.TemporaryDirectory() as folder, _ticking(url, folder, wire.origin) as process:
        try:
            await _began(process, late)
            cpu = cpu_seconds(process.pid)
            await _all_told(many, late)
            cpu = cpu_seconds(process.pid) - cpu
        finally:
            process.terminate()
            process.wait(60)
    times = [at - late.timestamp() for at in wire.taken()]
    await close_database()
    server.drop_database(name)
    assert min(times) >= 0, "it told before the moment"
    assert len(times) >= workers, f"{len(times)} messages for {workers} caseworkers"
    return Told(min(times), max(times), len(times), cpu / many * 1e6)


async def _began(process: "subprocess.Popen[bytes]", late: datetime) -> None:
    """The ticker looks before the moment, not only then."""
    while not (await fetch("SELECT 1 AS is FROM beat WHERE name = 'tick'")):
        assert process.poll() is None, "the ticker ended"
        await asyncio.sleep(0.1)
    assert datetime.now(UTC) < late, "to make the rows took too long"
    await asyncio.sleep((late - datetime.now(UTC)).total_seconds())


async def _all_told(many: int, late: datetime) -> None:
    """Each child has an alert, and about each a message has been taken."""
    until = time.time() + LONGEST_S
    while time.time() < until:
        await asyncio.sleep(0.3)
        [row] = await fetch(
            "SELECT COUNT(DISTINCT subject_id) AS n FROM message"
            " WHERE kind = 'alert' AND state = 'done'"
        )
        if row["n"] >= many:
            return
    raise TimeoutError(f"{row['n']} of {many} were told since {late}")


def _all(server: Server, wire: Wire, runs: int, many: int, made_s: int) -> dict[str, list[Told]]:
    """Each run has every world once, and the peer between them."""
    told: dict[str, list[Told]] = {name: [] for name in FOR_ONE}
    peer = Peer(server, wire, many) if is_there() else None
    for turn in range(runs):
        for name, for_one in FOR_ONE.items():
            run = _run(server, wire, f"{name}{turn}", for_one, many, made_s)
            told[name].append(asyncio.run(run))
        if peer is not None:
            told.setdefault("peer", []).append(peer.run())
    return told


def measure(runs: int = RUNS, many: int = CHILDREN, made_s: int = MADE_S) -> dict[str, Any]:
    """The figure: children told a second by the last message, and when the first one was there."""
    with running(is_durable=True) as server, listening() as wire:
        told = _all(server, wire, runs, many, made_s)
    per_second = {name: [round(many / run.last_s) for run in rows] for name, rows in told.items()}
    middle = {name: round(statistics.median(rates)) for name, rates in per_second.items()}
    first_s = {name: [round(run.first_s, 2) for run in rows] for name, rows in told.items()}
    worst_first = max(max(first_s[name]) for name in FOR_ONE)
    times = middle["alone"] / middle["peer"] if "peer" in middle else None
    worlds = "; ".join(
        f"{name}: {middle[name]:,}/s in {round(statistics.median(r.messages for r in told[name]))}"
        f" messages, the first after {statistics.median(first_s[name]):.1f} s"
        for name in FOR_ONE
    )
    against = "not compared: no peer was named"
    if times is not None:
        against = f"{times:.1f} times Healthchecks ({middle['peer']:,}/s) in the same runs"
    return {
        "what": f"{many:,} children late in one moment → told at the push service, the policy that"
        " ships, one process, PostgreSQL: a caseworker for each child; for twenty; one for all",
        "shown": f"{worlds}; each alone: {against}",
        "goal": f"≥ {PER_SECOND:,}/s; ≥ {TIMES} times; the first ≤ {FIRST_S} s",
        "per_second": per_second,
        "first_s": first_s,
        "alone_per_second": middle["alone"],
        "times": None if times is None else round(times, 1),
        "runs": {name: [asdict(run) for run in rows] for name, rows in told.items()},
        "is_reached": middle["alone"] >= PER_SECOND
        and times is not None
        and times >= TIMES
        and worst_first <= FIRST_S,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
