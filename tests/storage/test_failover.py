"""The server that takes writes is found, and found again: nobody has to restart anything."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from server.errors import Unavailable
from server.storage.db import close_database, connection, fetch, open_database, write
from server.storage.engines import address
from server.storage.engines.beating import Beating
from server.storage.engines.postgres import SafePostgresClient
from server.storage.servers import connecting
from server.storage.servers.finding import Finder, counts
from server.web import live
from tests.standby import Pausable, pair, promote, url_of, wait_until_it_follows

# What the brief of a fail-over promises: noticed in ten seconds.
WITHIN_S = 10.0


@pytest.fixture
def servers() -> Iterator[tuple[Pausable, Pausable]]:
    with pair() as (primary, standby):
        primary.server.sql("CREATE TABLE said (id int PRIMARY KEY)", database="waymark")
        wait_until_it_follows(primary, standby)
        yield primary, standby


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SafePostgresClient]:
    await open_database(url)
    try:
        client = connection()
        assert isinstance(client, SafePostgresClient)
        yield client
    finally:
        await close_database()


async def say(number: int) -> None:
    async with write():
        await fetch("INSERT INTO said VALUES ($1) ON CONFLICT DO NOTHING", [number])


async def _until_live() -> None:
    async with asyncio.timeout(WITHIN_S):
        while not live.is_live():  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.05)


async def _say_on(times: int) -> None:
    for number in range(times):
        await say(number)
        await asyncio.sleep(0.05)


async def until_it_works(act: Callable[[], Awaitable[object]], within: float) -> float:
    """Try again and again, as phones do; how long it took. Any other fault than "later" is one."""
    began = time.monotonic()
    while True:
        try:
            async with asyncio.timeout(within):
                await act()
        except Unavailable:
            assert time.monotonic() - began < within, "it never came back"
            await asyncio.sleep(0.05)
        else:
            return time.monotonic() - began


async def port_of_the_primary() -> int:
    (row,) = await fetch("SELECT inet_server_port() AS port")
    port: int = row["port"]
    return port


@pytest.mark.slow
async def test_everything_comes_back_by_itself_after_a_fail_over(servers):
    primary, standby = servers
    url = url_of(standby, primary)  # The one that takes writes is not the first.
    beats = 0

    def beat(_number: int) -> str:
        nonlocal beats
        beats += 1
        return "SELECT 1"

    heart = Beating(url, beat, every_s=0.1)
    async with opened(url):
        await live.open_live()
        heart.start()
        try:
            assert await port_of_the_primary() == primary.server.port
            await asyncio.gather(*(say(number) for number in range(20)))
            assert live.is_live()
            await asyncio.to_thread(wait_until_it_follows, primary, standby)
            primary.kill()
            with pytest.raises(Unavailable):
                await say(20)
            made = counts.made
            promoting = asyncio.create_task(asyncio.to_thread(promote, standby))
            assert await until_it_works(lambda: say(21), 20) < 20
            await promoting
            assert await port_of_the_primary() == standby.server.port
            assert {row["id"] for row in await fetch("SELECT id FROM said")} >= {*range(20), 21}
            assert counts.made > made
            heart.beaten.clear()
            assert await asyncio.to_thread(heart.beaten.wait, WITHIN_S)
            await _until_live()
        finally:
            await asyncio.to_thread(heart.stop)
            await live.close_live()


@pytest.mark.slow
async def test_a_frozen_primary_is_noticed_within_ten_seconds_and_never_used_again(servers):
    primary, standby = servers
    async with opened(url_of(primary, standby)) as client:
        await asyncio.gather(*(say(number) for number in range(5)))
        await asyncio.to_thread(wait_until_it_follows, primary, standby)
        primary.freeze()
        began = time.monotonic()
        # More than the pool has connections: those who wait for one are told as well.
        told = await asyncio.gather(*(say(100 + n) for n in range(30)), return_exceptions=True)
        assert all(isinstance(fault, Unavailable) for fault in told)
        assert time.monotonic() - began < WITHIN_S
        promoting = asyncio.create_task(asyncio.to_thread(promote, standby))
        await until_it_works(lambda: say(200), 20)
        await promoting
        primary.thaw()
        # It is back, it takes writes, and does not know that it is no longer the primary.
        assert primary.server.sql("SELECT pg_is_in_recovery()") == "f"
        client.finder.cut()
        client.finder.last = connecting.Place("127.0.0.1", primary.server.port)
        for number in range(3):
            await until_it_works(lambda: say(300 + number), 5)  # noqa: B023 (it is awaited here)
            assert await port_of_the_primary() == standby.server.port
            client.finder.cut()
        assert (
            primary.server.sql("SELECT count(*) FROM said WHERE id >= 200", database="waymark")
            == "0"
        )


@pytest.mark.slow
async def test_a_server_that_takes_no_writes_any_more_is_left_after_one_refusal(servers):
    primary, standby = servers
    async with opened(url_of(primary, standby)):
        await say(1)
        await asyncio.to_thread(wait_until_it_follows, primary, standby)
        primary.server.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        primary.server.sql("SELECT pg_reload_conf()")
        await asyncio.to_thread(promote, standby)
        with pytest.raises(Unavailable) as told:
            await _say_on(100)  # Until it has read its settings again.
        assert told.value.extra["why"] == "ReadOnlySQLTransactionError"
        await until_it_works(lambda: say(2), 5)
        assert await port_of_the_primary() == standby.server.port


async def test_a_host_that_says_nothing_does_not_keep_us_from_the_one_that_does(postgres):
    with socket.socket() as dumb:
        # It takes connections, and never answers.
        dumb.bind(("127.0.0.1", 0))
        dumb.listen(10)
        places = f"127.0.0.1:{dumb.getsockname()[1]},127.0.0.1:{postgres.port}"
        began = time.monotonic()
        async with opened(f"postgres://postgres@{places}/postgres"):
            assert await port_of_the_primary() == postgres.port
        assert time.monotonic() - began < connecting.CONNECT_S


async def test_where_no_server_takes_writes_it_says_so_at_once(postgres):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = free.getsockname()[1]
    url = f"postgres://postgres@127.0.0.1:{nobody},127.0.0.1:{nobody}/postgres"
    with pytest.raises(Unavailable):
        await open_database(url)
    wrong = f"postgres://postgres@127.0.0.1:{nobody},127.0.0.1:{postgres.port}/nothing_like_it"
    with pytest.raises(Unavailable) as told:
        await open_database(wrong)
    # What helps an operator: not that one of the two is away.
    assert "nothing_like_it" in str(told.value.__cause__)


async def test_a_hundred_who_wait_share_one_failed_search():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = free.getsockname()[1]
    finder, failed = Finder(), counts.failed
    how = address.parse(f"postgres://u@127.0.0.1:{nobody}/x").credentials
    to = {name: how[name] for name in ("host", "port", "user", "database", "timeout")}
    tries = [finder.connect(**to) for _ in range(100)]
    told = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(fault, OSError) for fault in told)
    assert counts.failed - failed <= 3


async def test_the_system_ends_a_connection_whose_host_has_vanished(postgres):
    line = await connecting.connect(address.parse(postgres.url("postgres")).credentials)
    try:
        sock = line._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 3
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 8000
    finally:
        await line.close()


@pytest.mark.slow
async def test_a_slow_statement_is_not_taken_for_a_lost_server(postgres):
    cut = counts.cut
    async with opened(postgres.url("postgres")):
        (row,) = await fetch("SELECT 1 AS one FROM pg_sleep(5)")
        assert row["one"] == 1
    assert counts.cut == cut


async def _end_and_go_on(client: SafePostgresClient) -> None:
    async with client.alone() as pooled:
        line = pooled._con
        await line.fetch("SELECT 1 AS one")
        line.terminate()
        # As `fetch` goes on once it has seen that the connection is open.
        await line._execute("SELECT 1 AS one", (), 0, None)


async def _err(client: SafePostgresClient) -> None:
    async with client.alone() as line:
        line.mistake()


async def test_a_connection_that_ends_between_two_steps_of_a_statement_is_away(postgres):
    async with opened(postgres.url("postgres")) as client:
        with pytest.raises(Unavailable):
            await _end_and_go_on(client)
        with pytest.raises(AttributeError):
            await _err(client)
        (row,) = await fetch("SELECT 1 AS one")
        assert row["one"] == 1


async def test_who_waits_for_a_lock_is_told_to_come_again_and_a_forgotten_lock_ends(postgres):
    async with opened(postgres.url("postgres")):
        async with write():
            (idle,) = await fetch("SHOW idle_in_transaction_session_timeout")
            (lock,) = await fetch("SHOW lock_timeout")
        assert (idle["idle_in_transaction_session_timeout"], lock["lock_timeout"]) == ("20s", "15s")
        with suppress(Unavailable):
            await fetch("SELECT 1")
