"""What the log has of an outage of the database: its begin, one line a minute, and its end."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from server import logs
from server.errors import Unavailable
from server.settings import load
from server.storage.db import close_database, open_database
from server.storage.engines.migrate import migrate
from server.storage.outages import Guard
from server.ticker import Ticker
from tests.fixtures import DrivenClock
from tests.postgres import running


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What was logged."""
    stream = io.StringIO()
    logs.configure(stream)
    yield stream
    logs.configure(io.StringIO())


class World:
    """Jobs, and a database that can be away."""

    def __init__(self, clock: DrivenClock, log: io.StringIO) -> None:
        self.clock, self._log = clock, log
        self.is_away = self.is_full = False
        self.told: list[str] = []
        self.guard = Guard(self._tell, self._write, clock)

    async def ask(self) -> None:
        """What every job does: it asks the database."""
        if self.is_away:
            raise Unavailable("The database is away.")

    async def _write(self, _now: datetime) -> None:
        await self.ask()
        if self.is_full:
            raise Unavailable("The disk is full.")

    async def _tell(self, fault: str, now: datetime) -> None:
        await self._write(now)
        self.told.append(fault)

    async def run(self, seconds: int) -> None:
        """Two jobs, each second."""
        for _ in range(seconds):
            for name in ("tick", "send"):
                await self.guard.run(name, self.ask)
            self.clock.advance(seconds=1)

    def lines(self) -> list[dict[str, Any]]:
        """What was logged since the last call."""
        rows = [json.loads(line) for line in self._log.getvalue().splitlines()]
        self._log.seek(0)
        self._log.truncate()
        return rows


@pytest.fixture
def world(clock: DrivenClock, log: io.StringIO) -> World:
    return World(clock, log)


async def test_where_only_writes_fail_the_outage_goes_on_until_one_goes_through(
    world: World,
) -> None:
    world.is_full = True

    async def beat() -> None:
        await world._write(world.clock())

    for _ in range(150):
        await world.guard.run("tick", beat)
        await world.guard.run("free", world.ask)
        world.clock.advance(seconds=1)
    away = world.lines()
    assert [row["event"] for row in away] == [
        "ticker.database_away",
        "ticker.database_still_away",
        "ticker.database_still_away",
    ]
    world.is_full = False
    await world.run(2)
    assert [row["event"] for row in world.lines()] == ["ticker.database_back"]


async def test_an_outage_is_a_line_when_it_begins_one_a_minute_and_one_when_it_ends(
    world: World,
) -> None:
    await world.run(5)
    world.is_away = True
    await world.run(150)
    away = world.lines()
    assert [row["event"] for row in away] == [
        "ticker.database_away",
        "ticker.database_still_away",
        "ticker.database_still_away",
    ]
    assert [row["level"] for row in away] == ["error"] * 3
    assert (away[0]["first"], away[0]["fault"]) == ("ticker:tick", ["Unavailable", "Unavailable"])
    assert [(row["away_s"], row["failed"]) for row in away[1:]] == [(60, 121), (120, 241)]
    world.is_away = False
    await world.run(5)
    [back] = world.lines()
    assert (back["event"], back["level"]) == ("ticker.database_back", "warning")
    assert (back["away_s"], back["failed"]) == (150, 300)
    assert world.told == []


async def test_a_second_outage_has_lines_of_its_own(world: World) -> None:
    for _ in range(2):
        world.is_away = True
        await world.run(2)
        world.is_away = False
        await world.run(2)
    events = [(row["event"], row.get("failed")) for row in world.lines()]
    assert events == [("ticker.database_away", None), ("ticker.database_back", 4)] * 2


async def test_another_fault_is_a_line_each_time_in_an_outage_too(world: World) -> None:
    async def broken() -> None:
        raise ValueError

    for is_away in (False, True):
        world.is_away = is_away
        for _ in range(2):
            await world.guard.run("seal", broken)
    failed = [row for row in world.lines() if row["event"] == "ticker.failed"]
    assert [(row["job"], row["fault"]) for row in failed] == [("seal", ["ValueError"])] * 4
    assert world.told == ["ticker:seal"] * 2


async def test_one_job_that_the_database_refuses_is_no_outage(world: World) -> None:
    async def lost() -> None:
        raise Unavailable("This statement was lost.")

    await world.guard.run("audit", lost)
    assert [row["event"] for row in world.lines()] == ["ticker.failed"]
    assert world.told == ["ticker:audit"]


async def test_a_job_that_began_before_the_outage_does_not_end_it(world: World) -> None:
    async def slow() -> None:
        world.is_away = True
        world.clock.advance(seconds=1)
        await world.guard.run("tick", world.ask)
        world.clock.advance(seconds=1)

    await world.guard.run("send", slow)
    assert [row["event"] for row in world.lines()] == ["ticker.database_away"]
    world.is_away = False
    await world.run(1)
    assert [row["event"] for row in world.lines()] == ["ticker.database_back"]


async def test_a_fault_while_the_operators_are_told_is_a_line_of_its_own(
    clock: DrivenClock, log: io.StringIO
) -> None:
    async def tell(_fault: str, _now: datetime) -> None:
        raise KeyError

    async def broken() -> None:
        raise ValueError

    async def write(_now: datetime) -> None:
        """The database is there."""

    await Guard(tell, write, clock).run("tick", broken)
    events = [json.loads(line)["event"] for line in log.getvalue().splitlines()]
    assert events == ["ticker.failed", "ticker.operators_not_told"]


@pytest.mark.slow
@pytest.mark.usefixtures("keyring")
async def test_a_ticker_whose_postgresql_stops_writes_a_line_and_another_when_it_is_back(
    clock: DrivenClock, log: io.StringIO, tmp_path: Path
) -> None:
    with running() as server:
        url = server.create_database("outage")
        await migrate(url)
        await open_database(url)
        ticker = Ticker(load({"WAYMARK_DATABASE_URL": url}, tmp_path), {}, clock)
        jobs = {"tick": ticker.tick, "send": ticker.send, "seal": ticker.seal}

        async def all_of_them() -> None:
            for name, job in jobs.items():
                await ticker._run(name, job)
            clock.advance(seconds=20)

        await all_of_them()
        with server.away():
            for _ in range(4):
                await all_of_them()
        for _ in range(2):
            await all_of_them()
        await close_database()
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    told = [(row["event"], row.get("away_s")) for row in lines if row.get("room") == "ticker"]
    assert told == [
        ("ticker.database_away", None),
        ("ticker.database_still_away", 60),
        ("ticker.was_blind", None),
        ("ticker.database_back", 80),
    ]
