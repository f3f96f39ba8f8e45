"""A day of a million children pressed into an hour: 1.2 million check-ins, 1 % late.

`python -m tests.bench.bench_hour 1000000 60` makes a million children who are due, sends 333
check-ins a second for sixty minutes, and lets the rounds of one child for each hundred check-ins
become late over that time, in the high level of the policy that ships, in which each miss calls
adults. How long after the moment at which a round became late was its alert committed? The rate is
the same in a shorter run. With `apart` the web and the ticker are two processes.

`alert.opened_at` is the moment at which an alert became true, so it cannot tell how long it took:
the database says when it committed each alert (`track_commit_timestamp`).

It is no part of `make bench`: a whole run takes over an hour.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from server.security import encryption
from server.storage.db import close_database, fetch, open_database
from server.storage.engines.migrate import migrate
from tests.bench.bench_late import cpu_of
from tests.bench.children import moment
from tests.bench.hour_rows import Crowd, fill, insist, make_late
from tests.bench.load import cpu_seconds
from tests.bench.steady import Sent, send
from tests.bench.wire_times import Wire, listening
from tests.ports import free_port
from tests.postgres import Server, running

CHILDREN, MINUTES = 1_000_000, 60.0
PER_SECOND = 1_200_000 / 3600
LATE = 0.01
TO_REACH_S = 10.0
SECRET = "a secret of the benchmarks alone"
# To start on a million children; and for the last alerts, once the last check-in was sent.
START_S, LAST_S = 300.0, 180.0
# So long the rows may take that become late, for each thousand of them.
BEFORE_S, BEFORE_A_THOUSAND_S = 5, 10
PART = 50_000
# So many children a minute are made at least; and so long before it is due the last one answers.
MADE_A_MINUTE, TO_SPARE = 20_000, timedelta(minutes=50)


@dataclass(frozen=True)
class Spent:
    """CPU seconds so far, by process, and the most memory of the web in bytes."""

    cpu: dict[str, float]
    memory: int


@dataclass(frozen=True)
class Found:
    """What one run came to. `alerted`: seconds after a round became late, for each alert."""

    sent: Sent
    seeded_s: float
    took_s: float
    stored: int
    lost: int
    twice: int
    late: int
    alerted: Sequence[float]
    told: int
    spent: Spent


@dataclass(frozen=True)
class _Processes:
    """Their names and ids; the web is the first one."""

    ids: dict[str, int]
    port: int

    def spent(self, server: Server) -> Spent:
        cpu = {name: cpu_seconds(pid) for name, pid in self.ids.items()}
        cpu |= {"database": cpu_of(server), "generator": time.process_time()}
        cpu["whole machine"] = _cpu_of_machine()
        return Spent(cpu, _most_memory(next(iter(self.ids.values()))))


def _cpu_of_machine() -> float:
    """CPU seconds of everything that runs here: what is not ours held ours up."""
    user, nice, system = Path("/proc/stat").read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) / 100


def _most_memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@contextlib.contextmanager
def _serving(url: str, folder: str, origin: str, *, apart: bool) -> Iterator[_Processes]:
    """The whole server; with `apart`, the ticker is a process of its own."""
    port = free_port()
    environ = os.environ | {
        "WAYMARK_DATABASE_URL": url,
        "WAYMARK_SECRET_KEYS": SECRET,
        "WAYMARK_VAR": folder,
        "WAYMARK_PUSH_ORIGINS": origin,
        "PORT": str(port),
    }
    commands = {"web and ticker": ["serve"]}
    if apart:
        commands = {"web": ["serve", "--no-ticker"], "ticker": ["tick"]}
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            started[name] = subprocess.Popen(
                [sys.executable, "-m", "server", *command], env=environ, stderr=subprocess.DEVNULL
            )
        yield _Processes({name: process.pid for name, process in started.items()}, port)
    finally:
        for process in started.values():
            process.terminate()
        for process in started.values():
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """What a long run found is not lost because a server does not stop."""
    try:
        process.wait(120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def _ready(port: int) -> None:
    """It takes connections, and the ticker has looked."""
    async with asyncio.timeout(START_S):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                if await insist(partial(fetch, "SELECT 1 AS is FROM beat WHERE name = 'tick'")):
                    return
            await asyncio.sleep(0.2)


async def _load(port: int, crowd: Crowd, many: int, lasts: timedelta) -> tuple[Sent, float]:
    """Both at once: the check-ins, and the rounds that become late. Returns also how long it
    took."""
    before = BEFORE_S + BEFORE_A_THOUSAND_S * len(crowd.silent) / 1000
    loop = asyncio.get_running_loop()
    begin = moment() + timedelta(seconds=before)
    from_ = loop.time() + begin.timestamp() - time.time()
    await make_late(crowd.silent, begin, lasts)
    assert loop.time() < from_, "to make the rows that become late took too long"
    sent = await send(port, crowd.answering, many, PER_SECOND, from_)
    took = loop.time() - from_
    await asyncio.sleep(max(0, lasts.total_seconds() - took))
    with contextlib.suppress(TimeoutError):
        await _all_opened(len(crowd.silent))
    return sent, took


async def _all_opened(many: int) -> None:
    async with asyncio.timeout(LAST_S):
        while True:
            [row] = await insist(partial(fetch, "SELECT COUNT(*) AS n FROM bench_opened"))
            if row["n"] >= many:
                return
            await asyncio.sleep(0.5)


async def _stored(confirmed: Sequence[UUID]) -> tuple[int, int, int]:
    """How many rows there are; how many confirmed ones have none; how many are there twice."""
    [row] = await fetch(
        "SELECT COUNT(*) AS n, COUNT(*) - COUNT(DISTINCT id) AS twice FROM check_in"
    )
    lost = 0
    for begin in range(0, len(confirmed), PART):
        [part] = await fetch(
            "SELECT COUNT(*) AS n FROM unnest($1::uuid[]) AS sent(id)"
            " WHERE NOT EXISTS (SELECT 1 FROM check_in c WHERE c.id = sent.id)",
            [[*confirmed[begin : begin + PART]]],
        )
        lost += part["n"]
    return row["n"], lost, row["twice"]


async def _alerted() -> tuple[int, list[float]]:
    """How many rounds became late; and for each that has an alert, seconds from that to its
    commit."""
    [late] = await fetch("SELECT COUNT(*) AS n FROM round WHERE state = 'late'")
    rows = await fetch(
        "SELECT EXTRACT(EPOCH FROM pg_xact_commit_timestamp(o.xmin) - r.late_at)::float8 AS s"
        " FROM bench_opened o JOIN round r ON r.child_id = o.child_id WHERE r.state = 'late'"
    )
    return late["n"], [row["s"] for row in rows]


async def _run(
    server: Server, wire: Wire, folder: str, children: int, minutes: float, *, apart: bool
) -> Found:
    url = server.create_database("bench")
    await migrate(url)
    encryption.use(encryption.Keyring([SECRET]))
    # To tidy up after a million children takes longer than a statement may.
    await open_database(f"{url}?command_timeout=1800")
    lasts, began = timedelta(minutes=minutes), time.perf_counter()
    many = round(PER_SECOND * lasts.total_seconds())
    now = moment()
    due = now + timedelta(minutes=children / MADE_A_MINUTE) + lasts + TO_SPARE
    crowd = await fill(children, max(1, round(many * LATE)), now, due, wire.origin)
    seeded = time.perf_counter() - began
    print(f"made {children:,} children in {seeded:.0f} s", file=sys.stderr, flush=True)
    assert moment() + lasts < due, "to make the rows took too long"
    with _serving(url, folder, wire.origin, apart=apart) as processes:
        await _ready(processes.port)
        before = processes.spent(server)
        sent, took = await _load(processes.port, crowd, many, lasts)
        after = processes.spent(server)
    late, alerted = await insist(_alerted)
    stored, lost, twice = await insist(partial(_stored, sent.confirmed))
    await close_database()
    cpu = {name: after.cpu[name] - before.cpu[name] for name in after.cpu}
    spent, told = Spent(cpu, after.memory), len(wire.taken())
    return Found(sent, seeded, took, stored, lost, twice, late, alerted, told, spent)


def _spread(values: "Sequence[float] | array[float]") -> dict[str, float]:
    """The middle one, the one that 99 % do not exceed, and the longest."""
    sorted_ = sorted(values) or [float("inf")]
    last = len(sorted_) - 1
    places = {"median": last // 2, "p99": last * 99 // 100, "longest": last}
    return {name: round(sorted_[place], 4) for name, place in places.items()}


def _said(found: Found, children: int, minutes: float, *, apart: bool) -> dict[str, Any]:
    sent, alerted, answered = found.sent, _spread(found.alerted), _spread(found.sent.seconds)
    silent = max(1, round(PER_SECOND * minutes * 60 * LATE))
    is_whole = len(found.alerted) == found.late == silent and sent.refused == 0
    cpu = {name: round(spent, 1) for name, spent in found.spent.cpu.items()}
    return {
        "what": f"{children:,} children, {PER_SECOND:.0f} check-ins a second for {minutes:g}"
        " minutes, one round late for each hundred, the policy that ships, PostgreSQL written to"
        f" disk, {'web and ticker apart' if apart else 'one process'}: from late to alert",
        "shown": f"median {alerted['median']:.2f} s, 99 % {alerted['p99']:.2f} s, longest"
        f" {alerted['longest']:.2f} s for {len(found.alerted):,} alerts of {found.late:,} late;"
        f" {len(sent.confirmed):,} of {sent.many:,} check-ins confirmed, 99 % in"
        f" {answered['p99'] * 1e3:,.0f} ms; {found.lost} lost, {found.twice} twice",
        "goal": f"≤ {TO_REACH_S:.0f} s",
        "seeded_s": round(found.seeded_s),
        "took_s": round(found.took_s, 1),
        "sent": sent.many,
        "sent_again": sent.again,
        "refused": sent.refused,
        "confirmed": len(sent.confirmed),
        "stored": found.stored,
        "lost": found.lost,
        "twice": found.twice,
        "answered_s": answered,
        "late": found.late,
        "alerts": len(found.alerted),
        "alerted_s": alerted,
        "told": found.told,
        "cpu_s": cpu,
        "memory_mb": round(found.spent.memory / 1e6),
        "is_reached": is_whole
        and found.lost == found.twice == 0
        and alerted["longest"] <= TO_REACH_S,
    }


def measure(
    children: int = CHILDREN, minutes: float = MINUTES, *, apart: bool = False
) -> dict[str, Any]:
    """The figure: from late to alert, and what became of the check-ins beside it."""
    with running(is_durable=True) as server, listening() as wire:
        server.sql("ALTER SYSTEM SET track_commit_timestamp = on")
        server.stop()
        server.start()
        with tempfile.TemporaryDirectory() as folder:
            run = _run(server, wire, folder, children, minutes, apart=apart)
            found = asyncio.run(run)
    return _said(found, children, minutes, apart=apart)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "apart"]
    sizes: list[Any] = [kind(word) for kind, word in zip((int, float), words, strict=False)]
    print(json.dumps(measure(*sizes, apart="apart" in sys.argv), indent=2, ensure_ascii=False))
