"""Several processes on one SQLite file: readers that then write wait for each other."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from server.storage.db import fetch
from server.watch.models import Beat

TIMES = 100
PROGRAM = """
import asyncio, sys
from server.storage import db
from server.errors import Unavailable
from tortoise.exceptions import OperationalError

async def main():
    config = db.tortoise_config(sys.argv[1])
    if sys.argv[2] == "stock":
        config["connections"]["default"]["engine"] = "tortoise.backends.sqlite"
    await db.open_database(sys.argv[1], config=config)
    print("ready", flush=True)
    sys.stdin.readline()
    locked = 0
    for _ in range(int(sys.argv[3])):
        try:
            async with db.write():
                (row,) = await db.fetch("SELECT number FROM counted")
                await asyncio.sleep(0)
                await db.fetch("UPDATE counted SET number = $1", [row["number"] + 1])
        except (OperationalError, Unavailable):
            locked += 1
    await db.close_database()
    print(locked)

asyncio.run(main())
"""


async def _count(url: str, engine: str) -> list[int]:
    """Two processes count up at once; how often each was told that the database is locked."""
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), url, engine, str(TIMES)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    running = [await asyncio.create_subprocess_exec(*command, **pipes) for _ in range(2)]
    for each in running:
        assert await each.stdout.readline() == b"ready\n"
    told = await asyncio.gather(*(each.communicate(b"go\n") for each in running))
    assert all(each.returncode == 0 for each in running)
    return [int(out) for out, _ in told]


@pytest.mark.slow
@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_two_processes_that_read_and_then_write_lose_nothing(db):
    await fetch("CREATE TABLE counted (number INTEGER)")
    await fetch("INSERT INTO counted VALUES (0)")
    assert await _count(db.url, "ours") == [0, 0]
    assert await fetch("SELECT number FROM counted") == [{"number": 2 * TIMES}]


@pytest.mark.slow
@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_with_the_stock_engine_many_are_refused(db):
    await fetch("CREATE TABLE counted (number INTEGER)")
    await fetch("INSERT INTO counted VALUES (0)")
    refused = sum(await _count(db.url, "stock"))
    assert refused > 0
    assert await fetch("SELECT number FROM counted") == [{"number": 2 * TIMES - refused}]


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_a_process_that_dies_of_a_fault_does_not_hang(db):
    program = f"""
        import asyncio
        from server.storage import db
        async def main():
            await db.open_database({db.url!r})
            raise SystemExit(3)
        asyncio.run(main())
    """
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", textwrap.dedent(program)], timeout=20, check=False
    )
    assert done.returncode == 3
    assert await Beat.all().count() == 0


OPENERS = """
import sqlite3, sys
from server.storage.engines.sqlite import PRAGMAS, prepare

print("ready", flush=True)
for line in sys.stdin:
    connection = sqlite3.connect(line.strip(), isolation_level=None)
    try:
        prepare(connection, PRAGMAS)
        print("opened", flush=True)
    except sqlite3.OperationalError as fault:
        print(fault, flush=True)
    connection.close()
"""


async def test_of_two_that_open_a_fresh_file_at_once_none_is_sent_away(tmp_path: Path) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", OPENERS]
    openers = [await asyncio.create_subprocess_exec(*command, **pipes) for _ in range(2)]
    said = [await each.stdout.readline() for each in openers]
    # One time in three meets the moment.
    for number in range(50):
        for each in openers:
            each.stdin.write(f"{tmp_path}/{number}.sqlite3\n".encode())
        said += [await each.stdout.readline() for each in openers]
    assert set(said) == {b"ready\n", b"opened\n"}
    for each in openers:
        await each.communicate(b"")
