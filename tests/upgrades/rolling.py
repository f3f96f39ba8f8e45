"""A try: children who tap and fall silent, while versions change under them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.cluster import product
from tests.cluster.checker import Story, Terms
from tests.cluster.history import History, read
from tests.cluster.phones import Habit, Phone
from tests.cluster.product import Agreed, WatchedChild
from tests.cluster.wire import Wire
from tests.upgrades.running import Edge, Fleet, Process
from tests.upgrades.trees import ROOT, Version, linked

CHILDREN = 120
AGREED = Agreed(every_s=20, grace_s=5)
# Some thirty check-ins a second, and nearly one silence a second that adults are told of.
HABIT = Habit(taps_every=4, silent_one_in=25, silent_for=(35, 60))
TERMS = Terms(grace_s=AGREED.grace_s, told_within_s=5)
# Long enough that children become late in each part of it.
PART_S = 22.0


@dataclass
class Try:
    """One database, its children, and whatever runs over it."""

    url: str
    folder: Path
    fleet: Fleet
    history: History
    webs: list[Process] = field(default_factory=list)
    tickers: list[Process] = field(default_factory=list)

    async def start(self, version: Version) -> None:
        """A web process and a ticker of this version."""
        web, ticker = await asyncio.gather(
            self.fleet.start(version, "serve", "--no-ticker"), self.fleet.start(version, "tick")
        )
        self.webs.append(web)
        self.tickers.append(ticker)

    async def stop_oldest(self) -> None:
        """The web process that began first gets no new connections and ends; then the ticker."""
        await self.webs.pop(0).stop()
        await self.tickers.pop(0).stop()

    async def replace(self, version: Version) -> None:
        """The one process that does everything ends, and one of this version starts."""
        for web in self.webs:
            await web.stop()
        self.webs = [await self.fleet.start(version, "serve")]

    async def part(self, what: str) -> None:
        """What is done next has this name in the figures."""
        self.history.add("fault", what=what, target="")

    async def goes_on(self) -> None:
        await asyncio.sleep(PART_S)


@asynccontextmanager
async def trying(url: str, folder: Path, released: Version) -> AsyncIterator[Try]:
    """A database as the release makes it, with children by its code; no process runs yet."""
    path = folder / "history.jsonl"
    async with AsyncExitStack() as stack:
        history = History(path)
        stack.callback(history.close)
        wire = Wire("127.0.0.1", history, port=0)
        await wire.open()
        stack.push_async_callback(wire.close)
        settings = product.environment(
            folder, smtp=wire.url, public="http://127.0.0.1:8080",
            urls={"WAYMARK_DATABASE_URL": url},
        )  # fmt: skip
        fleet = Fleet(folder, settings)
        stack.push_async_callback(fleet.end)
        await released.python("-m", "server", "migrate", **settings)
        yield Try(url, folder, fleet, history)


async def people(one: Try, released: Version) -> list[WatchedChild]:
    """The children, made by the code of the release and our own tests."""
    tree = linked(one.folder / "people", released.tree, tests=ROOT / "tests")
    figures = (CHILDREN, one.history.path, AGREED.every_s, AGREED.grace_s)
    said = await Version("people", tree).python(
        "-m", "tests.upgrades.peopling", one.url, *(str(each) for each in figures)
    )
    return [WatchedChild(**child) for child in json.loads(said)]


@asynccontextmanager
async def load(one: Try, children: Sequence[WatchedChild]) -> AsyncIterator[None]:
    """The phones of the children, for the length of the block; at its end all is sent, and the
    rows are in the history."""
    edge = Edge(lambda: [web.port for web in reversed(one.webs)])
    url = await edge.open()
    ends = asyncio.Event()
    try:
        async with aiohttp.ClientSession() as client:
            phones = [
                Phone(child.id, child.token, url, client, one.history, random.Random(n), HABIT)
                for n, child in enumerate(children)
            ]
            living = [asyncio.create_task(phone.live(ends)) for phone in phones]
            try:
                yield
                ends.set()
                await asyncio.wait_for(asyncio.gather(*living), 60)
            finally:
                for task in living:
                    task.cancel()
                await asyncio.gather(*living, return_exceptions=True)
    finally:
        await edge.close()


async def story(one: Try) -> Story:
    """All that happened, with the rows that the database holds."""
    await product.read_rows(one.url, one.history)
    return Story(read(one.history.path), TERMS)
