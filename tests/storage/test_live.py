"""Open pages hear what changed: once it is stored, in every process, after a lost connection."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from server.storage.db import fetch, write
from server.web import live
from server.web.hub import MOST_TOPICS, RESYNC, Subscription
from server.web.live import announce, subscribe
from tests.fixtures import Database

HARBOUR = UUID("00000000-0000-7000-8000-000000000001")
ISLAND = UUID("00000000-0000-7000-8000-000000000002")


@pytest_asyncio.fixture
async def listening(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr("server.web.listening.LOOK_S", 0.05)
    await live.open_live()
    yield db
    await live.close_live()


async def _next(subscription: Subscription, within: float = 5.0) -> str:
    async with asyncio.timeout(within):
        return await anext(subscription)


async def _announce_and_fail() -> None:
    async with write():
        await announce(HARBOUR, "alerts")
        raise ZeroDivisionError


async def _silent(subscription: Subscription, for_s: float = 0.3) -> bool:
    try:
        await _next(subscription, for_s)
    except TimeoutError:
        return True
    return False


async def test_a_page_hears_what_was_announced_once_it_is_stored(listening):
    page = subscribe(HARBOUR)
    async with write():
        await announce(HARBOUR, "alerts")
        assert await _silent(page, 0.15)
    assert await _next(page) == "alerts"
    page.close()
    assert live.listeners() == 0


async def test_another_agency_hears_nothing(listening):
    page = subscribe(ISLAND)
    async with write():
        await announce(HARBOUR, "alerts")
    assert await _silent(page)
    page.close()


async def test_what_was_rolled_back_is_never_heard(listening):
    page = subscribe(HARBOUR)
    with pytest.raises(ZeroDivisionError):
        await _announce_and_fail()
    assert await _silent(page)
    page.close()


async def test_a_topic_is_told_once_however_often_it_was_announced(listening):
    page = subscribe(HARBOUR)
    async with write():
        await announce(HARBOUR, "alerts")
        await announce(HARBOUR, "alerts")
        await announce(HARBOUR, "board")
    await asyncio.sleep(0.2)
    assert await _next(page) == "alerts"
    assert await _next(page) == "board"
    assert await _silent(page)
    page.close()


async def test_what_a_transaction_announces_is_one_statement_for_any_number_of_agencies(
    listening, caplog
):
    page = subscribe(HARBOUR)
    with caplog.at_level("DEBUG", logger="tortoise.db_client"):
        async with write():
            for agency in (HARBOUR, ISLAND, *(uuid4() for _ in range(20))):
                async with write():
                    await announce(agency, "alerts")
                await announce(agency, "board")
    told = [text for text in caplog.messages if "pg_notify" in text or "INTO signal" in text]
    assert len(told) == 1
    assert [await _next(page), await _next(page)] == ["alerts", "board"]
    page.close()


async def test_a_slow_page_is_told_to_look_at_everything(listening):
    page = subscribe(HARBOUR)
    for number in range(MOST_TOPICS + 5):
        page.put(f"topic{number}")
    assert await _next(page) == RESYNC
    page.close()


@pytest.mark.slow
async def test_other_processes_are_heard(listening):
    page = subscribe(HARBOUR)
    program = f"""
        import asyncio
        from uuid import UUID
        from server.storage.db import open_database, close_database, write
        from server.web.live import announce
        async def main():
            await open_database({listening.url!r})
            async with write():
                await announce(UUID({str(HARBOUR)!r}), "alerts")
            await close_database()
        asyncio.run(main())
    """
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", textwrap.dedent(program)], timeout=60, check=True
    )
    assert done.returncode == 0
    assert await _next(page) == "alerts"
    assert await _silent(page)
    page.close()


async def test_announcing_outside_a_transaction_is_our_mistake(listening):
    with pytest.raises(AssertionError):
        await announce(HARBOUR, "alerts")


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_after_a_lost_connection_everyone_looks_at_everything_and_hears_again(listening):
    page = subscribe(HARBOUR)
    killed = await fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    assert len(killed) == 1
    assert await _next(page, 10) == RESYNC
    async with write():
        await announce(HARBOUR, "alerts")
    assert await _next(page) == "alerts"
    page.close()


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_nonsense_on_the_channel_harms_nobody(listening):
    page = subscribe(HARBOUR)
    stranger = await asyncpg.connect(listening.url)
    await stranger.execute("NOTIFY waymark, 'hello'")
    await stranger.close()
    async with write():
        await announce(HARBOUR, "alerts")
    assert await _next(page) == "alerts"
    page.close()


APP = """
import contextlib, os
from uuid import UUID
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.responses import PlainTextResponse
from server.storage import db
from server.web import live

AGENCY = UUID("00000000-0000-7000-8000-000000000001")

async def still():
    return True

async def events(request):
    return live.stream(AGENCY, still=still)

async def say(request):
    async with db.write():
        await live.announce(AGENCY, "alerts")
    return PlainTextResponse(str(live.listeners()))

@contextlib.asynccontextmanager
async def lifespan(app):
    await db.open_database(os.environ["URL"])
    await live.open_live()
    yield
    await live.close_live()
    await db.close_database()

app = Starlette(routes=[Route("/events", events), Route("/say", say)], lifespan=lifespan)
"""


async def _get(port: int, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def _until(reader: asyncio.StreamReader, wanted: bytes) -> bytes:
    async with asyncio.timeout(10):
        return await reader.readuntil(wanted)


@pytest.mark.slow
async def test_the_server_stops_at_once_with_open_streams(migrated, tmp_path):
    (tmp_path / "small_app.py").write_text(APP)
    log = tmp_path / "log"
    environment = os.environ | {"URL": migrated.url, "PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}
    command = ["-m", "uvicorn", "small_app:app", "--port", "0", "--no-use-colors"]
    server = _start(command, environment, log)
    try:
        port = await _port(server, log)
        streams = [await _get(port, "/events") for _ in range(3)]
        for reader, _ in streams:
            await _until(reader, b"event: resync\n")
        reader, writer = await _get(port, "/say")
        assert (await _until(reader, b"3")).endswith(b"3")
        writer.close()
        for reader, _ in streams:
            await _until(reader, b"event: alerts\ndata: {}\n\n")
        # One goes away by itself and is forgotten.
        streams[0][1].close()
        await asyncio.sleep(0.3)
        reader, writer = await _get(port, "/say")
        assert (await _until(reader, b"2")).endswith(b"2")
        writer.close()

        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        await asyncio.to_thread(server.wait, 10)
        assert time.monotonic() - began < 3
        # The streams came to their proper end: the last chunk is empty.
        for reader, _ in streams[1:]:
            assert (await reader.read()).endswith(b"0\r\n\r\n")
        for _, writer in streams[1:]:
            writer.close()
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
    told = log.read_text()
    assert "Finished server process" in told
    assert "ERROR" not in told
    assert "without completing" not in told


def _start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen([sys.executable, *command], env=environment, stdout=out, stderr=out)


async def _port(server: subprocess.Popen[bytes], log: Path) -> int:
    for _ in range(200):
        told = await asyncio.to_thread(log.read_text)
        if "running on http://127.0.0.1:" in told:
            return int(told.split("running on http://127.0.0.1:")[1].split()[0])
        assert server.poll() is None, told
        await asyncio.sleep(0.1)
    raise AssertionError(told)
