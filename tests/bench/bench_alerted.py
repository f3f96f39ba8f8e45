"""Check-ins a second of children with an open alert: the longest way an answer can take.

Through the whole server, with the policy that ships, the ticker and the log of requests on. Each
answer settles a late round, closes its alert and tells the caseworker that all is well. Each run
has children of its own, and nobody answers twice.

With few phones at once the server waits a part of the time, for the database and its disk; with
many, as when a network comes back, they share its transactions.
"""

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from server.alerts.ladder import Cause
from server.alerts.opening import Opening, open_alerts
from server.alerts.recipients import policy_of
from server.clock import utcnow
from server.notify.models import Address, Message
from server.people.finding.actions import prepare
from server.people.models import Person
from server.people.rules import Role
from server.policy.model import Tier
from server.security import encryption
from server.storage import bulk
from server.storage.db import close_database, dialect, fetch, open_database, write
from server.storage.engines.migrate import migrate
from server.storage.ids import uuid7
from server.watch.models import Watch
from tests.bench.bench_answer_stops import _late
from tests.bench.bench_check_ins import SECRET, _database, _server
from tests.bench.children import make, moment, token_of
from tests.bench.load import GENERATOR, Run, post, send_all
from tests.ports import free_port

RUNS, CHILDREN = 5, 600
FEW, MANY = 32, 128  # Phones at once.
TO_REACH = 1500


async def _seed(url: str, many: int) -> list[UUID]:
    await migrate(url)
    encryption.use(encryption.Keyring([SECRET]))
    await open_database(url)
    children = await make(many, watch=_late(), with_phones=True)
    await _call(children)
    return children


async def _call(children: Sequence[UUID]) -> None:
    """An alert about each, of which the caseworker has been told."""
    worker, now = await Person.get(role=Role.CASEWORKER), utcnow()
    assert worker.agency_id is not None
    address = {"person_id": worker.id, "channel": "email", "value": "w", "value_index": "w"}
    proven = {"id": uuid7(), "agency_id": worker.agency_id, "made_at": moment(), "verified_at": now}
    async with write():
        await bulk.insert(Address, [{**proven, **address}])
    policy, _ = await policy_of(worker.agency_id)
    for first in range(0, len(children), 200):
        openings = [
            Opening(
                child_id=child,
                agency_id=worker.agency_id,
                cause=Cause.SILENCE,
                tier=Tier.MID,
                reason="grace_over",
                opened_at=now,
            )
            for child in children[first : first + 200]
        ]
        async with write():
            await open_alerts(openings, {worker.agency_id: policy}, now)
    await Message.all().update(state="sent", attempts=1, next_action_at=None, done_at=now)
    while await prepare():  # What adds a child does so at once; here the ticker would.
        pass
    if dialect() == "postgres":  # As its autovacuum does within a minute.
        await fetch("VACUUM ANALYZE")


def _requests(children: Sequence[UUID]) -> list[bytes]:
    said_at = moment().isoformat()
    # With the phone's own clock: without it an answer may be an old one, and closes nothing.
    clock = {"said_at": said_at, "sent_at": said_at, "mark": "a"}
    said = [{"id": str(uuid4()), **clock} for _ in children]
    bodies = [json.dumps(each).encode() for each in said]
    return [
        post("/api/v1/check-ins", body, token_of(child))
        for body, child in zip(bodies, children, strict=True)
    ]


async def _all_settled(left: int) -> None:
    """Also the last ones, which were under way when the clock stopped."""
    for _ in range(600):
        if await Watch.filter(is_alerted=True).count() <= left:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("some answers were not written")


async def _runs(url: str, folder: str, runs: int, each: int) -> dict[int, list[Run]]:
    children = await _seed(url, 2 * (runs + 1) * each)
    port, left = free_port(), len(children)
    done: dict[int, list[Run]] = {FEW: [], MANY: []}
    with _server(["-m", "server", "serve"], url, port, folder) as pid:
        for at_once in (FEW, MANY) * (runs + 1):
            now, children = children[:each], children[each:]
            run = await send_all(port, _requests(now), pid, at_once)
            assert run.refused == 0, f"it refused {run.refused}"
            done[at_once].append(run)
            left -= each
            await _all_settled(left)
    assert not await Watch.filter(is_alerted=True).exists()
    (open_,) = await fetch("SELECT COUNT(*) AS n FROM alert WHERE closed_at IS NULL")
    assert open_["n"] == 0
    await close_database()
    return {at_once: some[1:] for at_once, some in done.items()}  # The first ones warm up.


async def _measure(kind: str, runs: int, each: int) -> dict[int, list[Run]]:
    with tempfile.TemporaryDirectory() as folder:
        async with _database(kind, folder) as url:
            return await _runs(url, folder, runs, each)


def _shown(runs: Sequence[Run]) -> tuple[float, str]:
    """The median of these runs, and a sentence about them."""
    median = statistics.median(run.per_second for run in runs)
    cpu_us = round(statistics.median(run.cpu_us for run in runs))
    slowest = round(min(run.per_second for run in runs))
    return median, f"{median:,.0f}/s (the slowest run {slowest:,}/s), {cpu_us} µs of CPU each"


def measure(kind: str, runs: int = RUNS, children: int = CHILDREN) -> dict[str, Any]:
    """The figure: for few and for many phones at once the median of the runs and the slowest, and
    what was to be reached by both."""
    done = asyncio.run(_measure(kind, runs, children))
    shown = {"postgres": "PostgreSQL", "sqlite": "SQLite, synchronous=FULL"}[kind]
    few, few_shown = _shown(done[FEW])
    many, many_shown = _shown(done[MANY])
    return {
        "what": f"check-ins of children with an open alert, {shown}, shipped policy, ticker on;"
        f" sent by {GENERATOR}",
        "shown": f"{FEW} phones at once: {few_shown}; {MANY} at once: {many_shown}",
        "goal": f"{TO_REACH:,}/s",
        "per_second": round(few),
        "per_second_of_many": round(many),
        "is_reached": min(few, many) >= TO_REACH,
    }


if __name__ == "__main__":
    for name in sys.argv[1:] or ["postgres", "sqlite"]:
        print(json.dumps(measure(name), indent=2, ensure_ascii=False))
