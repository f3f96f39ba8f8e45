"""Check-ins a second through the whole server, against a bare one that writes the same rows.

Both behind the same HTTP server with the same load, in turn, on the same database; each request is
another child's, and every run begins from the same rows.
"""

import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from server.security import encryption
from server.storage.db import close_database, fetch, open_database, write
from server.storage.engines.migrate import migrate
from tests.bench.children import make, moment, token_of
from tests.bench.load import GENERATOR, Run, post, send_all
from tests.ports import free_port
from tests.postgres import running

PAIRS = 9
CHILDREN = 4000
TO_REACH = 0.70
SECRET = "a secret of the benchmarks alone"


async def _seed(url: str, children: int = CHILDREN) -> list[UUID]:
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
    return await make(children, watch=watch, with_phones=True)


async def _reset() -> None:
    """Every watch is due again, as it was at the beginning."""
    due, then = "due_at", "following_due_at"
    async with write():
        await fetch("DELETE FROM check_in")
        await fetch("DELETE FROM entry")
        await fetch(
            "UPDATE watch SET standing = 'due', prompted = 1, due_at = bench.due_at,"  # noqa: S608
            f" opens_at = bench.opens_at, next_action_at = bench.{due},"
            f" following_due_at = bench.{then}, following_opens_at = bench.following_opens_at,"
            " following_action_at = bench.following_action_at FROM bench"
            " WHERE bench.child_id = watch.child_id"
        )
        await fetch("UPDATE round SET state = 'open', settled_at = NULL, settled_by = NULL")
        await fetch("DELETE FROM signal")


async def _all_written(many: int) -> None:
    """Also those that were under way when the clock stopped."""
    for _ in range(600):
        if (await fetch("SELECT COUNT(*) AS n FROM check_in"))[0]["n"] >= many:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("some answers were not written")


def _requests(ids: list[UUID], agency: str) -> tuple[list[bytes], list[bytes]]:
    now = moment().isoformat()
    ours, bare = [], []
    for child in ids:
        said = {"id": str(uuid4()), "said_at": now, "mark": "a"}
        ours.append(post("/api/v1/check-ins", json.dumps(said).encode(), token_of(child)))
        said |= {"child": str(child), "agency": agency}
        bare.append(post("/", json.dumps(said).encode(), token_of(child)))
    return ours, bare


@contextlib.contextmanager
def _server(
    command: list[str], url: str, port: int, folder: str, more: Mapping[str, str] | None = None
) -> Iterator[int]:
    environ = os.environ | {
        "WAYMARK_DATABASE_URL": url,
        "WAYMARK_SECRET_KEYS": SECRET,
        "WAYMARK_VAR": folder,
        "PORT": str(port),
        **(more or {}),
    }
    with subprocess.Popen(
        [sys.executable, *command], env=environ, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(port)
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError("the server did not start")


async def _pairs(url: str, folder: str, pairs: int, children: int) -> list[tuple[Run, Run]]:
    ids = await _seed(url, children)
    await fetch(
        "CREATE TABLE bench AS SELECT child_id, due_at, opens_at, following_due_at,"
        " following_opens_at, following_action_at FROM watch"
    )
    (row,) = await fetch("SELECT id FROM agency")
    our_port, bare_port = free_port(), free_port()
    found: list[tuple[Run, Run]] = []
    serve = ["-m", "server", "serve"]
    with (
        _server(serve, url, our_port, folder) as our_pid,
        _server(["-m", "tests.bench.bare", str(bare_port)], url, bare_port, folder) as bare_pid,
    ):
        for turn in range(pairs + 1):
            runs = {}
            for which in ("ours", "bare") if turn % 2 else ("bare", "ours"):
                ours, bare = _requests(ids, str(row["id"]))
                await _reset()
                args = (our_port, ours, our_pid) if which == "ours" else (bare_port, bare, bare_pid)
                runs[which] = await send_all(*args)
                assert runs[which].refused == 0, f"{which} refused {runs[which].refused}"
                await _all_written(len(ids))
            if turn:  # The first one warms up.
                found.append((runs["ours"], runs["bare"]))
    await close_database()
    return found


@contextlib.asynccontextmanager
async def _database(kind: str, folder: str) -> AsyncIterator[str]:
    if kind == "sqlite":
        yield f"sqlite://{folder}/bench.sqlite3"
        return
    with running(is_durable=True) as server:
        yield server.create_database("bench")


async def _measure(kind: str, pairs: int, children: int) -> list[tuple[Run, Run]]:
    with tempfile.TemporaryDirectory() as folder:
        async with _database(kind, folder) as url:
            return await _pairs(url, folder, pairs, children)


def measure(kind: str, pairs: int = PAIRS, children: int = CHILDREN) -> dict[str, Any]:
    """The figure: medians, the ratio of each pair, and what was to be reached."""
    found = asyncio.run(_measure(kind, pairs, children))
    ratios = [ours.per_second / bare.per_second for ours, bare in found]
    shown = {"postgres": "PostgreSQL, one worker", "sqlite": "SQLite, synchronous=FULL"}[kind]
    return {
        "what": f"check-ins, {shown}, everything on, the ticker too, against a bare server of the"
        f" same rows; sent by {GENERATOR}",
        "unit": "check-ins/s",
        "ours": round(statistics.median(ours.per_second for ours, _ in found)),
        "bare": round(statistics.median(bare.per_second for _, bare in found)),
        "ours_cpu_us": round(statistics.median(ours.cpu_us for ours, _ in found)),
        "bare_cpu_us": round(statistics.median(bare.cpu_us for _, bare in found)),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "to_reach": TO_REACH,
        "is_reached": statistics.median(ratios) >= TO_REACH,
        "pairs": pairs,
    }


if __name__ == "__main__":
    for name in sys.argv[1:] or ["postgres", "sqlite"]:
        print(json.dumps(measure(name), indent=2))
