"""The board with 5, 200 and 5,000 children, through the whole application: time, bytes on the
wire, and how long a check-in takes beside it.

`python -m tests.bench.bench_board 100000` measures the board and the search of a supervisor with so
many children, and of a person on duty, once the others were counted; `postgres 1000000` does so on
that database alone. It is no part of `make bench`: to make these children takes minutes.
"""

import asyncio
import contextlib
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2

from server.alerts import opening
from server.alerts.ladder import Cause
from server.alerts.opening import Opening
from server.alerts.recipients import policy_of
from server.app import create_app
from server.auth.sessions import open_session
from server.people.models import Child, Home, Person
from server.people.rules import Role
from server.policy.model import Tier
from server.serving import settled
from server.settings import load
from server.storage import bulk
from server.storage.db import close_database, dialect, fetch, open_database, write
from server.storage.engines.migrate import migrate
from server.storage.ids import uuid7
from server.watch.models import Pause, Round, Watch, round_id
from tests.bench.children import make, moment, token_of
from tests.bench.crowd import fill
from tests.postgres import running

SIZES = (5, 200, 5000)
RUNS = 15
MS, KB, BESIDE_MS = 100, 60, 50
SECRET = "a secret of the benchmarks alone"
IN_A_HOME = 20
PHONES = 300
KINDS = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


def _watch() -> dict[str, Any]:
    now = moment()
    due = now + timedelta(hours=3)
    return {
        "due_at": due,
        "opens_at": due - timedelta(hours=2),
        "next_action_at": due - timedelta(hours=2),
        "answered_at": now - timedelta(hours=20),
    }


def _rounds(child: UUID, n: int) -> list[dict[str, Any]]:
    """Four weeks of rounds, now and then one that was late."""
    rounds = []
    for day in range(1, 29):
        due = moment() - timedelta(days=day)
        rounds.append(
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
    return rounds


async def _seed(many: int) -> list[UUID]:
    """Homes of twenty; an eighth of the children is not well, a thirtieth is called for."""
    ids = await make(many, watch=_watch(), with_phones=True)
    worker = await Person.get(role=Role.CASEWORKER)
    now = moment()
    for begin in range(0, many, IN_A_HOME):
        async with write():
            of_home = ids[begin : begin + IN_A_HOME]
            home = await Home.create(
                agency_id=worker.agency_id, name=f"Home {begin}", zone="UTC", made_at=now
            )
            await Child.filter(id__in=of_home).update(home_id=home.id)
            rounds = [row for n, child in enumerate(of_home) for row in _rounds(child, n)]
            await bulk.insert(Round, rounds)
    called, rest = ids[: many // 30], ids[many // 30 : many // 30 + many // 8]
    missed = {"missed_due_at": now - timedelta(hours=2), "late_at": now - timedelta(hours=1)}
    async with write():
        await Watch.filter(child_id__in=called).update(
            standing="alerted", is_alerted=True, **missed
        )
        await Watch.filter(child_id__in=rest[::3]).update(standing="late", **missed)
        await Watch.filter(child_id__in=rest[1::3]).update(standing="due")
        await Watch.filter(child_id__in=rest[2::3]).update(standing="away")
        away = {"from_at": now - timedelta(days=1), "until_at": now + timedelta(days=3)}
        author = {"made_by": worker.id, "made_at": now}
        await bulk.insert(
            Pause, [{"id": uuid7(), "child_id": id_, **away, **author} for id_ in rest[2::3]]
        )
        await _call(called, worker.agency_id)
    return ids


async def _call(ids: list[UUID], agency_id: UUID) -> None:
    causes = (Cause.SILENCE, Cause.TALK, Cause.HELP)
    openings = [
        Opening(
            child_id=id_,
            agency_id=agency_id,
            cause=causes[place % 3],
            tier=Tier.MID,
            reason="grace_over",
            opened_at=moment() - timedelta(minutes=9),
        )
        for place, id_ in enumerate(ids)
    ]
    await opening.open_alerts(openings, {agency_id: (await policy_of(agency_id))[0]}, moment())


class Board:
    """One board that is asked again and again, and a phone beside it."""

    def __init__(self, app: Any, staff: str, ids: list[UUID]) -> None:
        self._headers = {
            "authorization": f"Bearer {staff}",
            "accept": "text/html",
            "accept-encoding": "gzip",
        }
        transport = httpx2.ASGITransport(app)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
        self._phones = iter(reversed(ids))

    async def show(self) -> tuple[float, float, int]:
        """Seconds, seconds of the processor, and bytes on the wire."""
        began, cpu = time.perf_counter(), time.process_time()
        async with self.client.stream("GET", "/desk/", headers=self._headers) as answer:
            wire = sum([len(part) async for part in answer.aiter_raw()])
        assert answer.status_code == 200
        return time.perf_counter() - began, time.process_time() - cpu, wire

    async def find(self, words: str) -> tuple[float, int]:
        """Seconds of the page with what was found, and its bytes on the wire."""
        sealed = await self.client.post("/desk/find", headers=self._headers, data={"q": words})
        began = time.perf_counter()
        path = sealed.headers["location"]
        async with self.client.stream("GET", path, headers=self._headers) as answer:
            wire = sum([len(part) async for part in answer.aiter_raw()])
        assert answer.status_code == 200
        return time.perf_counter() - began, wire

    async def check_in(self) -> float:
        """Seconds that a check-in takes."""
        token = token_of(next(self._phones))
        body = {"id": str(uuid4()), "said_at": moment().isoformat(), "mark": "a"}
        began = time.perf_counter()
        answer = await self.client.post(
            "/api/v1/check-ins", json=body, headers={"authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 201, answer.text
        return time.perf_counter() - began

    async def beside(self, runs: int) -> list[float]:
        """What check-ins take while the board is being made."""
        took = []
        for turn in range(runs):
            board = asyncio.create_task(self.show())
            await asyncio.sleep(0.004 * turn)
            took.append(await self.check_in())
            await board
        return took


async def _measure(url: str, folder: str, many: int, runs: int) -> dict[str, Any]:
    await migrate(url)
    environ = {"WAYMARK_DATABASE_URL": url, "WAYMARK_SECRET_KEYS": SECRET, "WAYMARK_VAR": folder}
    app = create_app(load(environ, Path(folder)))
    await open_database(url)
    ids = await _seed(many)
    if dialect() == "postgres":  # As its autovacuum does within a minute.
        await fetch("ANALYZE")
    async with write():
        token, _ = await open_session(await Person.get(role=Role.CASEWORKER), now=moment())
    board = Board(app, token, ids)
    async with board.client, settled():  # As a web process begins.
        shown = [await board.show() for _ in range(runs + 3)][3:]  # The first ones warm up.
        await board.check_in()  # A process makes a connection for its first one.
        beside = await board.beside(min(runs, many - 1))
    await close_database()
    return {
        "ms": round(statistics.median(took for took, _, _ in shown) * 1e3, 1),
        "cpu_ms": round(statistics.median(cpu for _, cpu, _ in shown) * 1e3, 1),
        "bytes": shown[-1][2],
        "beside_ms": round(max(beside) * 1e3, 1),
    }


async def _measure_large(url: str, folder: str, many: int, runs: int) -> dict[str, Any]:
    await migrate(url)
    environ = {"WAYMARK_DATABASE_URL": url, "WAYMARK_SECRET_KEYS": SECRET, "WAYMARK_VAR": folder}
    app = create_app(load(environ, Path(folder)))
    await open_database(url)
    began = time.perf_counter()
    crowd = await fill(many)
    for begin in range(0, len(crowd.called), 500):
        async with write():
            await _call(crowd.called[begin : begin + 500], crowd.agency)
    if dialect() == "postgres":  # As its autovacuum does within a minute.
        await fetch("VACUUM (ANALYZE)")
    figures: dict[str, Any] = {"seeded_s": round(time.perf_counter() - began)}
    for name, person in (("ties", crowd.supervisor), ("duty", crowd.duty)):
        async with write():
            token, _ = await open_session(await Person.get(id=person), now=moment())
        board = Board(app, token, [*crowd.children[-PHONES:]])
        async with board.client, settled():
            figures[name] = await _one_reader(board, app, runs)
    await app.state.tallies.close()
    await close_database()
    return figures


async def _one_reader(board: Board, app: Any, runs: int) -> dict[str, Any]:
    began = time.perf_counter()
    first, _, _ = await board.show()
    await app.state.tallies.settled()
    counted = time.perf_counter() - began
    shown = [await board.show() for _ in range(runs + 3)][3:]
    await board.check_in()
    beside = await board.beside(runs)
    found = [await board.find("Mia Castel") for _ in range(runs + 2)][2:]
    return {
        "first_ms": round(first * 1e3, 1),
        "counted_ms": round(counted * 1e3, 1),
        "ms": round(statistics.median(took for took, _, _ in shown) * 1e3, 1),
        "cpu_ms": round(statistics.median(cpu for _, cpu, _ in shown) * 1e3, 1),
        "bytes": shown[-1][2],
        "beside_ms": round(max(beside) * 1e3, 1),
        "find_ms": round(statistics.median(took for took, _ in found) * 1e3, 1),
        "find_bytes": found[-1][1],
        "memory_mb": round(_memory() / 1e6),
    }


def _memory() -> int:
    """Bytes that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@contextlib.contextmanager
def database(kind: str) -> Iterator[tuple[str, str]]:
    """The address of an empty database of this kind, and a folder that goes with it."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield f"sqlite://{folder}/bench.sqlite3", folder
            return
        with running(is_durable=True) as server:
            yield server.create_database("bench"), folder


def measure(runs: int = RUNS, sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """The figures: on each database and for each size the median time, the bytes on the wire, and
    the slowest check-in beside it."""
    figures: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        for many in sizes:
            with database(kind) as (url, folder):
                figures[f"{kind} {many}"] = asyncio.run(_measure(url, folder, many, runs))
    shown = "; ".join(
        f"{KINDS[name.split()[0]]}, {name.split()[1]} children: {figure['ms']:.0f} ms,"
        f" {figure['bytes'] / 1000:.0f} kB, check-in beside ≤ {figure['beside_ms']:.0f} ms"
        for name, figure in figures.items()
    )
    return {
        "what": "the board with 5, 200 and 5,000 children",
        "shown": shown,
        "goal": f"≤ {MS} ms, ≤ {KB} kB, no check-in beside it over {BESIDE_MS} ms",
        "figures": figures,
        "is_reached": all(
            figure["ms"] <= MS and figure["bytes"] <= KB * 1000 and figure["beside_ms"] <= BESIDE_MS
            for figure in figures.values()
        ),
    }


def measure_large(
    sizes: Sequence[int], kinds: Sequence[str] = (), runs: int = RUNS
) -> dict[str, Any]:
    """The same for these sizes, and the search by name; on both databases, or on these."""
    figures: dict[str, Any] = {}
    for kind in kinds or KINDS:
        for many in sizes:
            with database(kind) as (url, folder):
                figures[f"{kind} {many}"] = asyncio.run(_measure_large(url, folder, many, runs))
                print(json.dumps({f"{kind} {many}": figures[f"{kind} {many}"]}), flush=True)
    return figures


if __name__ == "__main__":
    sizes = [int(word) for word in sys.argv[1:] if word.isdigit()]
    kinds = [word for word in sys.argv[1:] if word in KINDS]
    found = measure_large(sizes, kinds) if sizes else measure()
    print(json.dumps(found, indent=2, ensure_ascii=False))
