"""The tests once more through a real PgBouncer in transaction mode: `pytest --pgbouncer`.

It is no package of ours, and so no part of `make test`: install it (`apt install pgbouncer`),
then for example `python -m pytest --pgbouncer tests/checkin`. Only what a test opens goes through
it; databases are made and emptied directly.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import postgres as postgresql
from tests.ports import free_port

CONFIG = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 1000
default_pool_size = {size}
max_prepared_statements = {statements}
logfile = {folder}/log
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pgbouncer", action="store_true", help="open databases through PgBouncer")


@contextmanager
def pooling(server: int, *, size: int = 20, statements: int = 200) -> Iterator[int]:
    """The port of a PgBouncer before the PostgreSQL on that port of loopback."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program is not None, "install pgbouncer"
    folder = Path(tempfile.mkdtemp(prefix="wm-pgb-"))
    port = free_port()
    values = {"server": server, "port": port, "size": size, "statements": statements}
    (folder / "ini").write_text(CONFIG.format(folder=folder, **values))
    as_nobody = postgresql._as_nobody()
    if as_nobody:
        for path in (folder, folder / "ini"):
            os.chown(path, as_nobody["user"], as_nobody["group"])
    running = subprocess.Popen([program, "-q", str(folder / "ini")], **as_nobody)
    try:
        _wait_for(port)
        yield port
    finally:
        running.terminate()
        running.wait()
        shutil.rmtree(folder)


def _wait_for(port: int) -> None:
    until = time.monotonic() + postgresql.START_S
    while True:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < until, "PgBouncer does not start"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def pooler(request: pytest.FixtureRequest) -> Iterator[int | None]:
    """The port of the PgBouncer through which databases are opened, if any."""
    if not request.config.getoption("--pgbouncer"):
        yield None
        return
    with pooling(request.getfixturevalue("postgres").port) as port:
        yield port
