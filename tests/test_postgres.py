"""The server of the tests: its own processes, its own folder, and no trace of either afterwards."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from tests.ports import PORTS
from tests.postgres import DidNotStart, Server, running

ROOT = Path(__file__).resolve().parent.parent


def is_listening(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


async def test_a_database_takes_connections_over_tcp_and_by_the_socket(postgres: Server) -> None:
    url = postgres.create_database("doors")
    over_tcp = await asyncpg.connect(url)
    by_socket = await asyncpg.connect(
        host=str(postgres.folder), port=postgres.port, user="postgres", database="doors"
    )
    try:
        await over_tcp.execute("CREATE TABLE word (text text)")
        await over_tcp.execute("INSERT INTO word VALUES ('Größe, سلام, ሰላም')")
        assert await by_socket.fetchval("SELECT text FROM word") == "Größe, سلام, ሰላም"
        assert (await by_socket.fetchval("SHOW server_version")).startswith("18")
        assert postgres.port in PORTS
    finally:
        await over_tcp.close()
        await by_socket.close()
        postgres.drop_database("doors")


def test_a_database_is_copied_from_a_template(postgres: Server) -> None:
    postgres.create_database("pattern")
    postgres.sql("CREATE TABLE thing AS SELECT 7 AS n", database="pattern")
    postgres.create_database("copied", template="pattern")
    assert postgres.sql("SELECT n FROM thing", database="copied") == "7"
    postgres.drop_database("copied")
    postgres.drop_database("pattern")
    postgres.drop_database("pattern")


def test_a_statement_that_fails_says_why(postgres: Server) -> None:
    with pytest.raises(RuntimeError, match="nowhere"):
        postgres.sql("SELECT * FROM nowhere")


@pytest.mark.slow
def test_the_server_goes_away_comes_back_and_leaves_nothing() -> None:
    with running(is_durable=True) as server:
        folder, port = server.folder, server.port
        assert server.sql("SHOW fsync") == "on"
        server.create_database("kept")
        with server.away():
            assert not is_listening(port)
        server.crash()
        assert not is_listening(port)
        server.start()
        assert server.sql("SELECT count(*) FROM pg_database WHERE datname = 'kept'") == "1"
    assert not folder.exists()
    assert not is_listening(port)


@pytest.mark.slow
def test_a_server_that_cannot_start_says_why_and_ends() -> None:
    with socket.socket() as taken, running() as server:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server.stop()
        server.port = taken.getsockname()[1]
        with pytest.raises(DidNotStart, match="could not bind"):
            server.start()


@pytest.mark.slow
def test_the_server_ends_with_a_killed_run() -> None:
    script = (
        "import time\nfrom tests.postgres import running\n"
        "with running() as server:\n"
        "    print(server.port, server.folder, flush=True)\n    time.sleep(600)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    with run.stdout:
        port, folder = run.stdout.readline().split()
    assert is_listening(int(port))
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    until = time.monotonic() + 20
    while (is_listening(int(port)) or Path(folder).exists()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_listening(int(port))
    assert not Path(folder).exists()
