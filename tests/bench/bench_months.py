"""What months cost: check-ins on a PostgreSQL with five years of them, against one with three.

The tables that are divided by month have 63 parts each in one database, and three in the other; the
rows are the same. A whole server over each, with the same load, in turn. The parts of the past are
empty, so this is what planning and locking cost, and not what old rows do.
"""

import asyncio
import contextlib
import json
import os
import statistics
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from server.storage.db import close_database, fetch, open_database
from server.storage.months import make_months
from tests.bench.bench_check_ins import _all_written, _requests, _reset, _seed, _server
from tests.bench.bench_late import cpu_of
from tests.bench.children import moment
from tests.bench.load import GENERATOR, Run, send_all
from tests.ports import free_port
from tests.postgres import Server, running

PAIRS, CHILDREN = 9, 4000
YEARS = 5
MOST = 1.5
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class _Side:
    """One database with its server."""

    url: str
    children: list[UUID]
    agency: str
    port: int
    pid: int

    async def run(self, server: Server) -> tuple[Run, float]:
        """All answer once; also the CPU of the database for each, in microseconds."""
        requests, _ = _requests(self.children, self.agency)
        await open_database(self.url)
        await _reset()
        before = cpu_of(server)
        run = await send_all(self.port, requests, self.pid)
        assert run.refused == 0, f"it refused {run.refused}"
        await _all_written(len(self.children))
        # The system counts in ticks: a load too small for one has cost at most one.
        spent = max(cpu_of(server) - before, TICK_S) / len(self.children) * 1e6
        await close_database()
        return run, spent


async def _side(
    stack: contextlib.ExitStack, server: Server, folder: str, children: int, years: int
) -> _Side:
    url = server.create_database(f"bench_{years}")
    ids = await _seed(url, children)
    if years:
        await make_months(moment() - timedelta(days=365 * years), moment())
    await fetch(
        "CREATE TABLE bench AS SELECT child_id, due_at, opens_at, following_due_at,"
        " following_opens_at, following_action_at FROM watch"
    )
    await fetch("VACUUM ANALYZE")
    (row,) = await fetch("SELECT id FROM agency")
    await close_database()
    port = free_port()
    pid = stack.enter_context(_server(["-m", "server", "serve"], url, port, folder))
    return _Side(url, ids, str(row["id"]), port, pid)


async def _pairs(pairs: int, children: int) -> list[list[tuple[Run, float]]]:
    """For each pair the run over few months and the one over many."""
    found = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running(is_durable=True) as server,
        contextlib.ExitStack() as stack,
    ):
        few = await _side(stack, server, folder, children, 0)
        many = await _side(stack, server, folder, children, YEARS)
        for turn in range(pairs + 1):
            order = (few, many) if turn % 2 else (many, few)
            done = {side.url: await side.run(server) for side in order}
            if turn:  # The first one warms up.
                found.append([done[few.url], done[many.url]])
    return found


def measure(pairs: int = PAIRS, children: int = CHILDREN) -> dict[str, Any]:
    """The figure: medians of both, and the ratio of what the database spends."""
    found = asyncio.run(_pairs(pairs, children))
    rates = [statistics.median(pair[n][0].per_second for pair in found) for n in (0, 1)]
    spent = [statistics.median(pair[n][1] for pair in found) for n in (0, 1)]
    ratio = statistics.median(many[1] / few[1] for few, many in found)
    return {
        "what": f"check-ins on PostgreSQL with five years of months, against three months; sent by"
        f" {GENERATOR}",
        "shown": f"the database spends {ratio:.2f} times the CPU: {spent[1]:,.0f} µs against"
        f" {spent[0]:,.0f} for each; {rates[1]:,.0f}/s against {rates[0]:,.0f}; {pairs} pairs",
        "goal": f"≤ {MOST} times",
        "ratio": round(ratio, 3),
        "database_cpu_us": [round(one) for one in spent],
        "per_second": [round(one) for one in rates],
        "is_reached": ratio <= MOST,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
