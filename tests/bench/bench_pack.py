"""A grab pack with a photo and an answer to every question, as one page, while an alert is open:
through the whole application, PostgreSQL."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

from server.app import create_app
from server.audit.actions import Actor
from server.auth.sessions import open_session
from server.demo.profiles import drawn
from server.missing.profile import actions
from server.missing.profile.fields import CHILD_SAYS, FIELDS, PREPARED, Kind
from server.missing.profile.photos import actions as photos
from server.missing.profile.photos.actions import NewPhoto
from server.missing.profile.rules import Shows
from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.settings import load
from server.storage.db import close_database, open_database
from server.storage.engines.migrate import migrate
from server.storage.ids import uuid7
from server.watch.watch_alerts import open_missing
from tests.bench.children import make, moment
from tests.postgres import running

RUNS = 21
PAGE_MS, PAGE_KB = 500, 400
SECRET = "a secret of the benchmarks alone"
WORDS = "what somebody knows"


@asynccontextmanager
async def prepared(url: str, folder: str, **more: str) -> AsyncIterator[tuple[Any, UUID, str]]:
    """The application, a child for whom adults are alerted, its pack full and with a photo, and a
    session of its caseworker. `more` are settings."""
    await migrate(url)
    environ = {"WAYMARK_DATABASE_URL": url, "WAYMARK_SECRET_KEYS": SECRET, "WAYMARK_VAR": folder}
    app = create_app(load(environ | more, Path(folder)))
    await open_database(url)
    now = moment()
    watch = {"due_at": now, "opens_at": now, "next_action_at": None}
    (child_id,) = await make(1, watch=watch, with_phones=True)
    child, worker = await Child.get(id=child_id), await _worker(child_id)
    fields = {name: WORDS for name in PREPARED if FIELDS[name].kind is not Kind.YES}
    own = {name: fields.pop(name) for name in CHILD_SAYS}
    author = Actor(child.id, Role.CHILD, child.agency_id)
    await actions.put(author, child, [Role.CHILD], base=0, given=own, now=now)
    actor = Actor(worker.id, Role.CASEWORKER, child.agency_id)
    await actions.put(actor, child, [Role.CASEWORKER], base=1, given=fields, now=now)
    await photos.add(actor, child, drawn(), NewPhoto(uuid7(), Shows.FACE, now.date()), now)
    await open_missing(actor, child.id, None, now)
    token, _ = await open_session(worker, now=now)
    yield app, child.id, token
    await close_database()


async def _measure(url: str, folder: str, runs: int) -> tuple[list[float], int]:
    read: list[float] = []
    size = 0
    async with (
        prepared(url, folder) as (app, child_id, token),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app),
            base_url="http://127.0.0.1:8000",
            headers={"authorization": f"Bearer {token}"},
        ) as client,
    ):
        for _ in range(runs):
            began = time.perf_counter()
            answer = await client.get(f"/api/v1/children/{child_id}/pack.pdf")
            read.append(time.perf_counter() - began)
            assert answer.status_code == 200, answer.text
            size = len(answer.content)
    return read, size


async def _worker(child_id: object) -> Person:
    tie = await Tie.get(child_id=child_id, role=Role.CASEWORKER).prefetch_related("person")
    return tie.person


def measure(runs: int = RUNS) -> dict[str, Any]:
    """The figures: the page, and how large it is."""
    with tempfile.TemporaryDirectory() as folder, running(is_durable=True) as server:
        url = server.create_database("bench")
        read, size = asyncio.run(_measure(url, folder, runs))
    median = statistics.median(read) * 1e3
    return {
        "what": "the grab pack on one page, every field and a photo, PostgreSQL",
        "shown": f"{median:.0f} ms at the median; {size / 1e3:.0f} kB",
        "goal": f"≤ {PAGE_MS} ms; ≤ {PAGE_KB} kB",
        "pack_pdf": round(median),
        "read_ms": [round(one * 1e3) for one in read],
        "size_kb": round(size / 1e3),
        "is_reached": median <= PAGE_MS and size <= PAGE_KB * 1e3,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
