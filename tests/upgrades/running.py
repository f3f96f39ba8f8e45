"""Web processes and tickers of any version, and the one address that phones know."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.hosts import until
from tests.ports import free_port
from tests.upgrades.trees import Version

# A first start compiles every module of its tree.
READY_S = 240.0
STOP_S = 60.0


@dataclass
class Process:
    """One `waymark serve` or `waymark tick`."""

    name: str
    inner: asyncio.subprocess.Process
    log: Path
    port: int
    _alive: Path

    async def is_ready(self) -> bool:
        """Whether it says that it is there, as it says to systemd."""
        assert self.inner.returncode is None, f"{self.name} ended: {self.said()}"
        return self._alive.exists()

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    async def stop(self) -> None:
        """As systemd does it. It must end by itself, and well."""
        if self.inner.returncode is None:
            self.inner.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(self.inner.wait(), STOP_S)
        # A web process ends by the signal that it was sent.
        assert code in (0, -signal.SIGTERM), f"{self.name} ended with {code}: {self.said()[-2000:]}"

    async def kill(self) -> None:
        if self.inner.returncode is None:
            self.inner.kill()
            await self.inner.wait()


@dataclass
class Fleet:
    """All processes of a try."""

    folder: Path
    settings: dict[str, str]
    processes: list[Process] = field(default_factory=list)

    async def start(self, version: Version, *words: str) -> Process:
        """Start `waymark WORDS`, and wait until it says that it is there."""
        port = free_port()
        name = f"{len(self.processes)}-{version.name}-{words[0]}"
        log, alive = self.folder / f"{name}.log", self.folder / f"{name}.alive"
        settings = self.settings | {
            "HOST": "127.0.0.1", "PORT": str(port), "WAYMARK_ALIVE_FILE": str(alive)
        }  # fmt: skip
        with log.open("wb") as out:
            inner = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "server", *words, cwd=version.tree,
                env=version.environment(settings), stdout=out, stderr=out,
            )  # fmt: skip
        process = Process(name, inner, log, port, alive)
        self.processes.append(process)
        await until(f"{name} is there", process.is_ready, within=READY_S)
        return process

    async def end(self) -> None:
        """Whatever is left of a try that failed, too."""
        await asyncio.gather(*(process.kill() for process in self.processes))


class Edge:
    """What stands before the web processes: passes a connection on to one of those that take it."""

    def __init__(self, ports: Callable[[], list[int]]) -> None:
        self._ports = ports
        self._turn = itertools.count()
        self._server: asyncio.Server | None = None
        self._busy: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """Begin; the address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in [*self._busy]:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            there = await self._there()
            if there is not None:
                await asyncio.gather(_pass(reader, there[1]), _pass(there[0], writer))
        finally:
            writer.close()
            self._busy.discard(task)

    async def _there(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        ports = self._ports()
        first = next(self._turn)
        for number in range(len(ports)):
            with suppress(OSError):
                port = ports[(first + number) % len(ports)]
                return await asyncio.open_connection("127.0.0.1", port)
        return None


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
