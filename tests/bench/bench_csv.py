"""Five thousand children from a list: until it can be looked at, and until all are watched over.

Through the whole application, with the real alarm clock beside it in the same process, as `waymark
serve` runs. Every column is filled in. The birthdays come into the calendar after that, ten at each
tick, while nobody waits for it.
"""

import asyncio
import io
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2

from server.app import create_app
from server.audit.actions import SYSTEM
from server.auth.sessions import open_session
from server.clock import utcnow
from server.imports.import_csv import COLUMNS
from server.imports.models import Intake
from server.people import actions as people
from server.people.agencies.actions import AddAgency, add_agency, add_home
from server.people.models import Agency
from server.people.rules import Role
from server.settings import load
from server.storage.db import close_database, open_database, write
from server.storage.engines.migrate import migrate
from server.ticker import Ticker
from server.watch import ticking
from server.watch.models import Watch
from tests.bench.children import moment
from tests.postgres import running

CHILDREN, WORKERS, HOMES = 5_000, 250, 100
GOAL_S = 10.0
LONGEST_S = 600.0
SECRET = "a secret of the benchmarks alone"
PATH = "/desk/people/children/import"


@dataclass(frozen=True)
class Sizes:
    """How many children are on the list, and how many workers and homes they have."""

    children: int = CHILDREN
    workers: int = WORKERS
    homes: int = HOMES


FULL = Sizes()


def _list(sizes: Sizes) -> bytes:
    text = io.StringIO()
    text.write(",".join(COLUMNS) + "\r\n")
    for n in range(sizes.children):
        times = ("09:00 18:00", "08:30 19:00", "10:00 20:00")[n % 3]
        zone = ("Europe/Paris", "Europe/Lisbon")[n % 2]
        day = f"20{8 + n % 8:02}-{1 + n % 12:02}-{1 + n % 28:02}"
        text.write(
            f"Child {n},Worker {n % sizes.workers},Home {n % sizes.homes},fr,{day},2026-01-15,"
            f'first,"{times}",{zone},F-{n}\r\n'
        )
    return text.getvalue().encode("utf-8-sig")


async def _agency(sizes: Sizes) -> str:
    """An agency with its people and homes; the token of its administrator."""
    now = moment()
    common: dict[str, Any] = {"language": "fr", "zone": "Europe/Paris"}
    async with write():
        agency: Agency = await add_agency(SYSTEM, AddAgency(name="Bench", **common), now)
        for n in range(sizes.homes):
            await add_home(SYSTEM, agency.id, name=f"Home {n}", zone="Europe/Paris", now=now)
        for n in range(sizes.workers):
            await people.add_person(
                SYSTEM,
                agency.id,
                people.AddPerson(role=Role.CASEWORKER, name=f"Worker {n}", **common),
                now,
            )
        root = await people.add_person(
            SYSTEM, agency.id, people.AddPerson(role=Role.ADMINISTRATOR, name="Root", **common), now
        )
        token, _ = await open_session(root, now=now)
    return token


async def _until(is_true: Callable[[Intake], bool], id_: UUID) -> None:
    end = time.perf_counter() + LONGEST_S
    while not is_true(await Intake.get(id=id_)):
        assert time.perf_counter() < end, "this takes too long"
        await asyncio.sleep(0.02)


async def _measure(url: str, folder: str, sizes: Sizes) -> dict[str, float]:
    await migrate(url)
    environ = {"WAYMARK_DATABASE_URL": url, "WAYMARK_SECRET_KEYS": SECRET, "WAYMARK_VAR": folder}
    settings = load(environ, Path(folder))
    app = create_app(settings)
    await open_database(url)
    ticker = Ticker(settings, {}, utcnow)
    await ticker.start()
    headers = {
        "authorization": f"Bearer {await _agency(sizes)}",
        "accept": "text/html",
        "sec-fetch-site": "same-origin",
    }
    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1:8000", headers=headers
    )
    async with client:
        began = time.perf_counter()
        sent = await client.post(
            PATH,
            data={"id": str(uuid4())},
            files={"list": ("children.csv", _list(sizes), "text/csv")},
        )
        assert sent.status_code == 303, sent.text
        place = sent.headers["location"]
        assert (await client.get(place)).status_code == 200
        looked = time.perf_counter()
        assert (await client.post(place)).status_code == 303
        id_ = UUID(place.rsplit("/", 1)[1])
        await _until(lambda row: row.state in ("calendar", "done"), id_)
        taken = time.perf_counter()
        assert await Watch.all().count() == sizes.children
        assert await ticking.unwatched() == []
    await ticker.stop()
    await close_database()
    return {"preview": looked - began, "import": taken - looked}


def measure(sizes: Sizes = FULL) -> dict[str, Any]:
    """The figures, on both databases."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite://{folder}/bench.sqlite3"
        found["SQLite"] = asyncio.run(_measure(url, folder, sizes))
    with tempfile.TemporaryDirectory() as folder, running(is_durable=True) as server:
        found["PostgreSQL"] = asyncio.run(_measure(server.create_database("bench"), folder, sizes))
    said = "; ".join(
        f"{kind} {one['preview']:.1f} s, {one['import']:.1f} s" for kind, one in found.items()
    )
    slowest = max(max(one["preview"], one["import"]) for one in found.values())
    return {
        "what": f"a list of {sizes.children:,} children: preview, import with every watch",
        "shown": said,
        "goal": f"≤ {GOAL_S:.0f} s each",
        "seconds": {
            kind: {name: round(value, 2) for name, value in one.items()}
            for kind, one in found.items()
        },
        "is_reached": slowest <= GOAL_S,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
