"""Programs on hosts, and what systemd would do for them: start, and start again after a death."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.hosts import Host

# As long as a service manager takes that is set to wait a moment.
AGAIN_AFTER_S = 2.0
STOP_S = 15.0


@dataclass
class Daemon:
    """One program. It runs until `stop`; one that ends by itself, or is killed, starts again."""

    name: str
    host: Host
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    as_nobody: bool = True
    starts: int = 0
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)
    _keeper: asyncio.Task[None] | None = field(default=None, repr=False)
    _holds: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.host.folder.parent / "logs" / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """Its number while it runs."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    def start(self) -> None:
        """Run it from now on."""
        if self._keeper is None:
            self._holds.clear()
            self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while not self._holds.is_set():
            await self._run()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._holds.wait(), AGAIN_AFTER_S)

    async def _run(self) -> None:
        self.log.parent.mkdir(exist_ok=True)
        self.starts += 1
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.host.command(self.argv, as_nobody=self.as_nobody),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment() | dict(self.environment),
                cwd=self.host.folder,
                start_new_session=True,
            )
        await self._process.wait()

    def kill(self, with_signal: int = signal.SIGKILL) -> None:
        """Send it a signal; nothing happens where it does not run."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, with_signal)

    async def stop(self, with_signal: int = signal.SIGTERM) -> None:
        """End it for good; with force where it does not end."""
        self._holds.set()
        self.kill(with_signal)
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        try:
            await asyncio.wait_for(asyncio.shield(keeper), STOP_S)
        except TimeoutError:
            self.kill()
            await keeper


def clean_environment() -> dict[str, str]:
    """Without what the rig's own Python or an earlier set-up would bring along."""
    kept = {"PATH", "HOME", "LANG", "TZ", "TMPDIR"}
    there = {name: value for name, value in os.environ.items() if name in kept}
    there["PATH"] = f"{there.get('PATH', '')}:/usr/sbin:/sbin"
    return there | {"LC_ALL": "C.UTF-8"}


def descendants(pid: int) -> list[int]:
    """This process and everything that it started, parents first."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    every = [pid]
    for each in every:
        every += children.get(each, [])
    return every


def signal_all(pid: int, with_signal: int) -> None:
    """Send a signal to this process and everything that it started."""
    for each in descendants(pid):
        with suppress(ProcessLookupError):
            os.kill(each, with_signal)


def end_postmaster(pid_file: Path) -> None:
    """End the PostgreSQL whose file this is, and no other that got its number later."""
    with suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().split()[0])
        if Path(os.readlink(f"/proc/{pid}/cwd")) == pid_file.parent:
            signal_all(pid, signal.SIGKILL)
