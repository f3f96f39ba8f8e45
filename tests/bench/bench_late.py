"""From late to called: alert, round, entries and messages for so many children a second.

Every watch is late at once, as after a time in which nobody looked, and the ticker goes through
them in its batches until none is left: one process, on a PostgreSQL that writes to disk.
"""

import contextlib
import json
import statistics
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop

from server.policy.model import EACH_MISS
from server.security import encryption
from server.serving import settled
from server.settings import load
from server.storage.db import close_database, fetch, open_database, write
from server.storage.engines.migrate import migrate
from server.ticker import Ticker
from tests.bench.children import make, moment
from tests.bench.load import cpu_seconds
from tests.postgres import Server, running

CHILDREN = 4000
RUNS = 7
SECRET = "a secret of the benchmarks alone"
TO_REACH = 6000
MADE = ("alert", "message", "entry", "signal")


def late(now: datetime) -> dict[str, Any]:
    """A watch whose round was due two hours ago: nobody answered, and there is no carer to ask."""
    due = now - timedelta(hours=2)
    then = due + timedelta(days=1)
    return {
        "standing": "due",
        "prompted": 4,
        "due_at": due,
        "opens_at": due - timedelta(hours=2),
        "next_action_at": due + timedelta(hours=1),
        "following_due_at": then,
        "following_opens_at": then - timedelta(hours=2),
        "following_action_at": then - timedelta(hours=2),
        "sign_at": due - timedelta(hours=22),
    }


async def _again() -> None:
    """As it was before the tick."""
    async with write():
        for table in MADE:
            await fetch(f"DELETE FROM {table}")  # noqa: S608 (our own names)
        await fetch("UPDATE round SET state = 'open'")
        columns = [
            row["name"]
            for row in await fetch(
                "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'bench'::regclass"
                " AND attnum > 0 AND attname <> 'child_id'"
            )
        ]
        sets = ", ".join(f'"{name}" = bench."{name}"' for name in columns)
        await fetch(
            f"UPDATE watch SET {sets} FROM bench WHERE bench.child_id = watch.child_id"  # noqa: S608
        )
    await fetch("VACUUM ANALYZE")


@dataclass(frozen=True)
class Taken:
    """One run: seconds on the wall, and CPU seconds of ours and of the database."""

    wall: float
    ours: float
    database: float


async def _run(ticker: Ticker, server: Server) -> Taken:
    wall, ours, database = time.perf_counter(), time.process_time(), cpu_of(server)
    await ticker.tick()
    return Taken(time.perf_counter() - wall, time.process_time() - ours, cpu_of(server) - database)


def cpu_of(server: Server) -> float:
    """CPU seconds of a PostgreSQL and all that it started and that still runs."""
    main = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    found = cpu_seconds(main)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == main:
                found += cpu_seconds(int(stat.parent.name))
    return found


async def _measure(server: Server, runs: int, children: int) -> list[Taken]:
    url = server.create_database("bench")
    await migrate(url)
    encryption.use(encryption.Keyring([SECRET]))
    await open_database(url)
    now = moment()
    # Each miss calls somebody: the most that one tick can have to do.
    await make(children, watch=late(now), with_phones=False, policy=EACH_MISS)
    await fetch("CREATE TABLE bench AS SELECT * FROM watch")
    ticker = Ticker(load({}, Path(server.folder)), {}, lambda: now)
    found = []
    async with settled():  # As a ticker begins.
        for turn in range(runs + 1):
            await _again()
            took = await _run(ticker, server)
            for table in ("alert", "message"):
                [row] = await fetch(f"SELECT COUNT(*) AS n FROM {table}")  # noqa: S608
                assert row["n"] == children, (table, row["n"])
            if turn:  # The first one warms up.
                found.append(took)
    await close_database()
    return found


def measure(runs: int = RUNS, children: int = CHILDREN) -> dict[str, Any]:
    """The figure: the median of the runs."""
    with running(is_durable=True) as server:
        found = uvloop.run(_measure(server, runs, children))
    per_second = [children / one.wall for one in found]
    return {
        "what": "late → alert + round + audit + messages queued, PostgreSQL",
        "unit": "children/s",
        "shown": f"{statistics.median(per_second):,.0f} children/s",
        "goal": f"≥ {TO_REACH:,}/s",
        "ours": round(statistics.median(per_second)),
        "runs": [round(one) for one in per_second],
        "ours_cpu_us": round(statistics.median(one.ours for one in found) / children * 1e6),
        "database_cpu_us": round(statistics.median(one.database for one in found) / children * 1e6),
        "to_reach": TO_REACH,
        "is_reached": statistics.median(per_second) >= TO_REACH,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
