"""Whether a tick grows with how many children are watched over: 1,000 late ones among many.

The rows are made by the database itself, since a million of them would take longer through the
fields of the models. PostgreSQL, written to disk; both sizes on one server, each with a process of
its own that keeps its connections, and asked in turn, so that other load falls on both.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from server.people.finding.actions import mark
from server.people.models import Agency, Person
from server.people.rules import Role
from server.security import encryption
from server.storage.db import close_database, fetch, open_database, write
from server.storage.engines.migrate import migrate
from server.storage.ids import uuid7
from server.watch import ticking
from tests.bench.children import moment
from tests.postgres import running

FEW, MANY = 10_000, 1_000_000
LATE = 1_000
PAIRS = 7
AT_ONCE = 100_000
TO_REACH = 1.1
SECRET = "a secret of the benchmarks alone"

_PERSONS = (
    "INSERT INTO person (id, agency_id, role, name, language, zone, made_at)"
    " SELECT gen_random_uuid(), $1, 'child', $2, 'en', 'UTC', $3 FROM generate_series(1, $4::int)"
)
_CHILDREN = (
    "INSERT INTO child (id, agency_id, person_id, placed_at, indexed_by)"
    " SELECT p.id, p.agency_id, p.id, p.made_at, $1 FROM person p LEFT JOIN child c ON c.id = p.id"
    " WHERE p.role = 'child' AND c.id IS NULL"
)
_WATCHES = (
    "INSERT INTO watch (child_id, agency_id, tier, zone, rhythm, standing, due_at, opens_at,"
    " following_due_at, prompted, is_alerted, is_missing, sign_at, next_action_at, version)"
    " SELECT c.id, c.agency_id, 'mid', 'UTC', '{\"at\": [\"18:00\"]}', 'well',"
    " $1::timestamptz + interval '9 hours', $1::timestamptz + interval '7 hours',"
    " $1::timestamptz + interval '33 hours', 0, false, false, $1,"
    " $1::timestamptz + interval '7 hours' + random() * interval '1 hour', 0"
    " FROM child c LEFT JOIN watch w ON w.child_id = c.id WHERE w.child_id IS NULL"
)
# Drawn anew for each run from those that have not been late yet, from all over the table.
_MAKE_LATE = (
    "WITH drawn AS (SELECT child_id FROM watch WHERE standing = 'well' ORDER BY md5(child_id::text"
    " || $2::text) LIMIT $3::int), tied AS (INSERT INTO tie (id, agency_id, child_id, person_id,"
    " role, from_at) SELECT gen_random_uuid(), $4, child_id, $5, 'caseworker',"
    " $1::timestamptz - interval '1 day' FROM drawn), opened AS (INSERT INTO round (id, child_id,"
    " opens_at, due_at, late_at, state) SELECT gen_random_uuid(), child_id,"
    " $1::timestamptz - interval '4 hours', $1::timestamptz - interval '2 hours',"
    " $1::timestamptz - interval '1 hour', 'open' FROM drawn)"
    " UPDATE watch SET standing = 'due', prompted = 4, due_at = $1::timestamptz - interval"
    " '2 hours', opens_at = $1::timestamptz - interval '4 hours',"
    " following_due_at = $1::timestamptz + interval '22 hours',"
    " next_action_at = $1::timestamptz - interval '1 hour' FROM drawn"
    " WHERE watch.child_id = drawn.child_id"
)


async def fill(agency: Agency, how_many: int) -> None:
    """So many children who are well, with nothing due for hours."""
    now, left = moment(), how_many
    while left > 0:
        # In parts: one statement may take only so long.
        part = min(left, AT_ONCE)
        async with write():
            await fetch(_PERSONS, [agency.id, encryption.seal("child"), now, part])
            # As if each could be found by name: a ticker would prepare 200 of the others each time.
            await fetch(_CHILDREN, [mark()])
            await fetch(_WATCHES, [now])
        left -= part
    # What the filling left to be done is not the tick's.
    await fetch("VACUUM ANALYZE")
    await fetch("CHECKPOINT")


async def _run(agency: Agency, worker: Person, turn: str, late: int) -> float:
    now = moment()
    await fetch(_MAKE_LATE, [now, turn, late, agency.id, worker.id])
    began = time.perf_counter()
    looked_at = 0
    while (found := await ticking.WATCHES.tick(now)) == ticking.WATCHES.at_once:
        looked_at += found
    took = time.perf_counter() - began
    assert looked_at + found == late, looked_at + found
    return took


async def _answer(url: str, size: int, late: int) -> None:
    """Fill a database; then, for each line that comes in, say how long a tick took."""
    encryption.use(encryption.Keyring([SECRET]))
    await open_database(url)
    now = moment()
    agency = await Agency.create(id=uuid7(), name="bench", made_at=now)
    worker = await Person.create(
        id=uuid7(), agency=agency, role=Role.CASEWORKER, name="worker", made_at=now
    )
    await fill(agency, size)
    await _run(agency, worker, "warm", late)
    print("ready", flush=True)
    # Nothing else runs on this loop meanwhile.
    for number, _ in enumerate(sys.stdin):
        print(await _run(agency, worker, str(number), late), flush=True)
    await close_database()


def _beside(url: str, size: int, late: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bench_tick", "answer", url, str(size), str(late)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )


def _line(process: subprocess.Popen[str], said: str = "") -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    if said:
        process.stdin.write(f"{said}\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def _pairs(sizes: dict[int, str], pairs: int, late: int) -> list[tuple[float, float]]:
    found = []
    few, many = sizes
    with _beside(sizes[few], few, late) as small, _beside(sizes[many], many, late) as large:
        try:
            assert (_line(small), _line(large)) == ("ready", "ready")
            for turn in range(pairs):
                order = (small, large) if turn % 2 else (large, small)
                took = {process.pid: float(_line(process, "tick")) for process in order}
                found.append((took[small.pid], took[large.pid]))
        finally:
            for process in (small, large):
                assert process.stdin is not None
                process.stdin.close()
    return found


def measure(
    pairs: int = PAIRS, few: int = FEW, many: int = MANY, late: int = LATE
) -> dict[str, Any]:
    """The figure: the median of the pairs' ratios."""
    with running(is_durable=True) as server:
        sizes = {size: server.create_database(f"bench{size}") for size in (few, many)}
        for url in sizes.values():
            asyncio.run(migrate(url))
        found = _pairs(sizes, pairs, late)
    ratio = statistics.median(large / small for small, large in found)
    small, large = (statistics.median(pair[place] for pair in found) for place in range(2))
    return {
        "what": "a tick with 1,000 late rows: time at 1,000,000 watches ÷ at 10,000, PostgreSQL",
        "shown": f"{ratio:.2f} ({large * 1e3:,.0f} ms against {small * 1e3:,.0f} ms)",
        "goal": f"≤ {TO_REACH}",
        "ratio": round(ratio, 2),
        "few_ms": [round(one * 1e3) for one, _ in found],
        "many_ms": [round(one * 1e3) for _, one in found],
        "is_reached": ratio <= TO_REACH,
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["answer"]:
        asyncio.run(_answer(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    else:
        print(json.dumps(measure(), indent=2, ensure_ascii=False))
