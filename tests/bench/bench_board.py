"""The board with 200 children, through the whole application: how long, how much on the wire."""

import asyncio
import json
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from server.app import create_app
from server.auth.sessions import open_session
from server.people.models import Person
from server.people.rules import Role
from server.settings import load
from server.storage import bulk
from server.storage.db import close_database, open_database, write
from server.storage.engines.migrate import migrate
from server.watch.models import Round, round_id
from tests.bench.children import make, moment

CHILDREN = 200
RUNS = 21
MS, KB = 50, 60
SECRET = "a secret of the benchmarks alone"


def _watch() -> dict[str, Any]:
    now = moment()
    due = now + timedelta(hours=3)
    return {
        "due_at": due,
        "opens_at": due - timedelta(hours=2),
        "next_action_at": due - timedelta(hours=2),
        "answered_at": now - timedelta(hours=20),
    }


def _rounds(child: Any, n: int) -> list[dict[str, Any]]:
    """Four weeks of rounds, now and then one that was late."""
    found = []
    for day in range(1, 29):
        due = moment() - timedelta(days=day)
        found.append(
            {
                "id": round_id(child, due),
                "child_id": child,
                "opens_at": due - timedelta(hours=2),
                "due_at": due,
                "late_at": due + timedelta(hours=1),
                "state": "answered_late" if (day + n) % 9 == 0 else "answered",
                "settled_at": due + timedelta(minutes=day),
            }
        )
    return found


async def _measure(folder: str, runs: int) -> tuple[list[float], list[float], int]:
    url = f"sqlite://{folder}/bench.sqlite3"
    await migrate(url)
    environ = {"WAYMARK_DATABASE_URL": url, "WAYMARK_SECRET_KEYS": SECRET, "WAYMARK_VAR": folder}
    app = create_app(load(environ, Path(folder)))
    await open_database(url)
    ids = await make(CHILDREN, watch=_watch(), with_phones=False)
    async with write():
        for number, child in enumerate(ids):
            await bulk.insert(Round, _rounds(child, number))
        worker = await Person.get(role=Role.CASEWORKER)
        token, _ = await open_session(worker, now=moment())
    headers = {"authorization": f"Bearer {token}", "accept": "text/html", "accept-encoding": "gzip"}
    transport = httpx2.ASGITransport(app)
    took, spent = [], []
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        for turn in range(runs + 3):
            began, cpu = time.perf_counter(), time.process_time()
            async with client.stream("GET", "/desk/", headers=headers) as answer:
                wire = sum([len(part) async for part in answer.aiter_raw()])
            if turn >= 3:  # The first ones warm up.
                took.append(time.perf_counter() - began)
                spent.append(time.process_time() - cpu)
            assert answer.status_code == 200
    await close_database()
    return took, spent, wire


def measure(runs: int = RUNS) -> dict[str, Any]:
    """The figure: the median time, and the bytes on the wire."""
    with tempfile.TemporaryDirectory() as folder:
        took, spent, wire = asyncio.run(_measure(folder, runs))
    median = statistics.median(took) * 1e3
    return {
        "what": f"the board with {CHILDREN} children, SQLite",
        "shown": f"{median:.0f} ms at the median, {wire / 1000:.0f} kB on the wire",
        "goal": f"≤ {MS} ms, ≤ {KB} kB",
        "cpu_ms": round(statistics.median(spent) * 1e3),
        "ms": [round(one * 1e3) for one in took],
        "bytes": wire,
        "is_reached": median <= MS and wire <= KB * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
