"""What `synchronous_mode` costs: a commit, and a check-in through the whole path, with and without
it, turn by turn on one cluster whose data are on disk.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from uuid import uuid4

import aiohttp
import asyncpg

from tests.cluster import database, product
from tests.cluster.figures import percentile
from tests.cluster.phones import Habit, Phone
from tests.cluster.rig import Rig, tell

COMMITS = 300
TAPS = 150


@dataclass
class Price:
    """Milliseconds of one way of working."""

    commits: list[float] = field(default_factory=list)
    check_ins: list[float] = field(default_factory=list)


async def measure(built: Rig, *, turns: int) -> dict[bool, Price]:
    """So many turns with and without."""
    prices = {True: Price(), False: Price()}
    [child] = await product.populate(built.direct, 1, built.history)
    phone = Phone(
        child.id, child.token, built.url, built.client, built.history, random.Random(0), Habit()
    )
    for _ in range(turns):
        for synchronous in (True, False):
            await _switch(built, synchronous=synchronous)
            prices[synchronous].commits += await _commits(built)
            prices[synchronous].check_ins += await _check_ins(phone)
    return prices


async def _switch(built: Rig, *, synchronous: bool) -> None:
    node = await built.cluster.primary()
    assert node is not None
    wish = {"synchronous_mode": synchronous, "synchronous_mode_strict": synchronous}
    url = f"http://{node.host.address}:{database.REST}/config"
    async with built.client.patch(url, json=wish) as answer:
        assert answer.status == 200, await answer.text()
    built.cluster.synchronous = synchronous
    connection = await asyncpg.connect(host=node.host.address, user="postgres", database="waymark")
    try:
        for _ in range(100):
            names = await connection.fetchval("SHOW synchronous_standby_names")
            if bool(names) == synchronous:
                return
            await asyncio.sleep(0.3)
    finally:
        await connection.close()
    raise TimeoutError("Patroni did not change the mode")


async def _commits(built: Rig) -> list[float]:
    node = await built.cluster.primary()
    assert node is not None
    connection = await asyncpg.connect(host=node.host.address, user="postgres", database="waymark")
    await connection.execute("CREATE TABLE IF NOT EXISTS priced (id uuid)")
    took = []
    for _ in range(COMMITS):
        began = time.perf_counter()
        await connection.execute("INSERT INTO priced VALUES ($1)", uuid4())
        took.append((time.perf_counter() - began) * 1000)
    await connection.close()
    return took


async def _check_ins(phone: Phone) -> list[float]:
    took = []
    for _ in range(TAPS):
        phone.tap()
        body = phone.outbox.popleft()
        began = time.perf_counter()
        async with phone.client.post(
            f"{phone.url}/api/v1/check-ins",
            json=body,
            headers={"authorization": f"Bearer {phone.token}"},
            timeout=aiohttp.ClientTimeout(total=20),
        ) as answer:
            assert answer.status == 201, await answer.text()
        took.append((time.perf_counter() - began) * 1000)
    return took


def show(prices: dict[bool, Price]) -> None:
    """A table for people."""
    tell(f"{'':28} {'p50':>8} {'p99':>8}")
    for synchronous, price in prices.items():
        mode = "with" if synchronous else "without"
        for name, took in (("commit", price.commits), ("check-in", price.check_ins)):
            middle, high = percentile(took, 0.5), percentile(took, 0.99)
            tell(f"{name + ', ' + mode:28} {middle:6.2f} ms {high:6.2f} ms  ({len(took)})")
