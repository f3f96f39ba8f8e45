"""Long reads go to a copy of the database, and nobody ever sees what is older than they may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from server import checking
from server.settings import load
from server.storage import replica
from server.storage.db import close_database, fetch, fetch_aside, fetch_report, open_database, write
from server.storage.replica import Age
from tests.standby import Pausable, pair, promote, url_of, wait_until_it_follows

WHERE = "SELECT inet_server_port() AS port, (SELECT count(*) FROM said) AS n"


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Pausable, Pausable]]:
    with pair() as (primary, standby):
        primary.server.sql("CREATE TABLE said (id serial PRIMARY KEY)", database="waymark")
        yield primary, standby


@pytest_asyncio.fixture
async def both(servers) -> AsyncIterator[tuple[Pausable, Pausable]]:
    primary, standby = servers
    await asyncio.to_thread(wait_until_it_follows, primary, standby)
    await open_database(url_of(primary), replica_url=url_of(standby))
    yield primary, standby
    await close_database()
    standby.thaw()
    if standby.server.sql("SELECT pg_is_in_recovery()") == "t":
        standby.server.sql("SELECT pg_wal_replay_resume()")


async def say() -> int:
    async with write():
        await fetch("INSERT INTO said DEFAULT VALUES")
    (row,) = await fetch("SELECT count(*) AS n FROM said")
    n: int = row["n"]
    return n


async def port_and_count(*, of_a_report: bool = False) -> tuple[int, int]:
    (row,) = await (fetch_report if of_a_report else fetch_aside)(WHERE)
    return row["port"], row["n"]


async def test_a_long_read_goes_to_the_copy_and_shows_what_was_stored_just_before(both):
    _, standby = both
    copies = 0
    for _ in range(20):
        n = await say()
        port, seen = await port_and_count()
        assert seen == n
        copies += port == standby.server.port
    # A busy machine may keep the copy behind now and then.
    assert copies > 0


async def test_a_copy_that_is_behind_is_not_read_but_by_reports_which_say_so(both):
    primary, standby = both
    before = await say()
    await asyncio.to_thread(wait_until_it_follows, primary, standby)
    standby.server.sql("SELECT pg_wal_replay_pause()")
    n = await say()
    assert await port_and_count() == (primary.server.port, n)
    of_request = Age()
    token = replica.age.set(of_request)
    try:
        assert await port_and_count(of_a_report=True) == (standby.server.port, before)
    finally:
        replica.age.reset(token)
    assert of_request.as_of is not None
    assert timedelta(0) < datetime.now(UTC) - of_request.as_of < timedelta(seconds=30)


async def test_a_report_is_never_older_than_half_a_minute(both, monkeypatch):
    primary, standby = both
    monkeypatch.setattr(replica, "OLDEST_S", 0.01)
    standby.server.sql("SELECT pg_wal_replay_pause()")
    n = await say()
    assert await port_and_count(of_a_report=True) == (primary.server.port, n)


async def test_inside_a_transaction_nothing_is_read_from_the_copy(both):
    primary, _ = both
    async with write():
        await fetch("INSERT INTO said DEFAULT VALUES")
        (here,) = await fetch(WHERE)
        assert await port_and_count() == (primary.server.port, here["n"])


async def test_a_copy_that_hangs_is_left_alone_and_nobody_waits_long(both):
    primary, standby = both
    await port_and_count()
    standby.freeze()
    async with asyncio.timeout(8):
        port, _ = await port_and_count()
    assert port == primary.server.port
    async with asyncio.timeout(1):
        assert (await port_and_count())[0] == primary.server.port


async def test_without_a_copy_within_reach_everything_works(servers):
    primary, _ = servers
    await open_database(url_of(primary), replica_url="postgres://u@127.0.0.1:1/x")
    try:
        assert (await port_and_count())[0] == primary.server.port
    finally:
        await close_database()


async def test_the_check_says_what_is_wrong_with_the_copy_and_the_standby(servers, tmp_path):
    primary, standby = servers
    await asyncio.to_thread(wait_until_it_follows, primary, standby)
    environ = {"WAYMARK_DATABASE_URL": url_of(primary), "WAYMARK_VAR": str(tmp_path)}
    environ["WAYMARK_REPLICA_URL"] = url_of(standby)
    assert await checking.several_faults(load(environ, tmp_path)) == []
    # The primary is no copy of itself.
    environ["WAYMARK_REPLICA_URL"] = url_of(primary)
    environ["WAYMARK_DATABASE_URL"] = url_of(primary)
    assert await checking.several_faults(load(environ, tmp_path)) == [checking.NO_COPY]
    primary.server.sql("ALTER DATABASE waymark SET statement_timeout = '9s'")
    primary.server.sql("ALTER SYSTEM SET synchronous_standby_names = 'x'")
    primary.server.sql("SELECT pg_reload_conf()")
    try:
        del environ["WAYMARK_REPLICA_URL"]
        faults: list[str] = []
        for _ in range(100):  # Until it has read its settings again.
            faults = faults or await checking.several_faults(load(environ, tmp_path))
        assert faults == [checking.NO_LIMIT]
    finally:
        primary.server.sql("ALTER SYSTEM RESET synchronous_standby_names")
        primary.server.sql("SELECT pg_reload_conf()")
        primary.server.sql("ALTER DATABASE waymark RESET statement_timeout")


async def test_a_copy_that_became_the_primary_is_none_any_more(both):
    primary, standby = both
    await port_and_count()
    await asyncio.to_thread(promote, standby)
    assert (await port_and_count())[0] == primary.server.port
