"""Processes of two versions over one database, and phones that do not care which one answers."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx2

from tests.previous import ROOT, VERSION
from tests.walks.stage import Stage
from tests.walks.test_kill import environment, free_port

READY_S = 180.0
# What a phone does between two tries is longer; here it only keeps the machine free.
AGAIN_S = 0.05
TRIES = 2400
# Some hundred check-ins a second in all: a load, and the rest of the machine is for the starts.
BETWEEN_S = 0.03

# In every way in which a migration may change a table in use.
NEXT = f'''
"""What a next release might add."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "{{before}}")]
    initial = False
    lives_with = "{VERSION}"
    operations = [
        ops.CreateModel(
            name="Next",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
            ],
            options={{{{"table": "next_thing"}}}},
        ),
        ops.AddField("Watch", "next_note", fields.TextField(null=True)),
        ops.AddField("Watch", "next_count", fields.IntField(db_default=0)),
        ops.AddField("CheckIn", "next_note", fields.TextField(null=True)),
        ops.AddField("Alert", "next_kind", fields.CharField(max_length=8, db_default="plain")),
        ops.AddField("Message", "next_kind", fields.CharField(max_length=8, db_default="plain")),
        ops.AddIndex("CheckIn", Index(fields=["next_note"], name="check_in_next")),
        ops.AddIndex("Watch", Index(fields=["next_count"], name="watch_next")),
    ]
'''


def next_migration() -> str:
    """The text of it, behind the newest of ours."""
    names = sorted(path.stem for path in (ROOT / "migrations").glob("[0-9]*.py"))
    return NEXT.format(before=names[-1])


@dataclass
class Fleet:
    """Two web processes and two tickers, which are replaced one by one."""

    stage: Stage
    webs: list[tuple[asyncio.subprocess.Process, str]] = field(default_factory=list)
    tickers: list[asyncio.subprocess.Process] = field(default_factory=list)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self, tree: Path) -> None:
        """Two of each, of that code."""
        self.tickers = [await self.process(tree, "tick") for _ in range(2)]
        self.webs = [*await asyncio.gather(self.web(tree), self.web(tree))]

    async def replace(self, tree: Path) -> None:
        """One after the other: the new one serves before the old one is told to stop."""
        for number in range(2):
            (web, _), ticker = self.webs[number], self.tickers[number]
            self.tickers[number] = await self.process(tree, "tick")
            self.webs[number] = await self.web(tree)
            await stop(web)
            await stop(ticker)

    async def web(self, tree: Path) -> tuple[asyncio.subprocess.Process, str]:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        process = await self.process(tree, "serve", "--no-ticker", "--port", str(port))
        async with asyncio.timeout(READY_S), httpx2.AsyncClient() as client:
            while True:
                try:
                    await client.get(f"{url}/health")
                    return process, url
                except httpx2.TransportError:
                    assert process.returncode is None, "it ended at once"
                    await asyncio.sleep(0.05)

    async def process(self, tree: Path, *words: str) -> asyncio.subprocess.Process:
        """`waymark WORDS` of that code."""
        settings = environment(
            self.stage, WAYMARK_PUBLIC_URL="http://localhost:8000", WAYMARK_LAST_RESORT=""
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", *words),
            cwd=tree,
            env=settings | {"PYTHONPATH": str(tree)},
            stderr=asyncio.subprocess.DEVNULL,
        )
        self.stack.push_async_callback(_end, process)
        return process

    async def migrate(self, tree: Path) -> None:
        """`waymark migrate` of that code, which must go through."""
        process = await self.process(tree, "migrate")
        assert await asyncio.wait_for(process.wait(), READY_S) == 0


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


async def stop(process: asyncio.subprocess.Process) -> None:
    """Told to end, as an operator does; it finishes what it has begun."""
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.wait(), 40)


@dataclass
class Taps:
    """Check-ins of one child at load: each is sent until it was thanked for, with one id."""

    fleet: Fleet
    token: str
    done: bool = False
    thanked: list[str] = field(default_factory=list)
    tries: int = 0

    async def go_on(self, side_by_side: int = 4) -> None:
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {self.token}"}) as client:
            await asyncio.gather(*(self._one_phone(client) for _ in range(side_by_side)))

    async def _one_phone(self, client: httpx2.AsyncClient) -> None:
        while not self.done:
            body = {"id": str(uuid4()), "said_at": datetime.now(UTC).isoformat(), "note": "Hello"}
            for _ in range(TRIES):
                if await self._is_thanked(client, body):
                    self.thanked.append(body["id"])
                    await asyncio.sleep(BETWEEN_S)
                    break
                await asyncio.sleep(AGAIN_S)
            else:
                raise AssertionError("nobody thanks for it")

    async def _is_thanked(self, client: httpx2.AsyncClient, body: dict[str, str]) -> bool:
        self.tries += 1
        _, url = random.choice(self.fleet.webs)  # noqa: S311 (which process, as a proxy chooses)
        try:
            answer = await client.post(f"{url}/api/v1/check-ins", json=body, timeout=20)
        except httpx2.TransportError:
            return False
        assert answer.status_code in (200, 201, 503), answer.text
        return answer.status_code != 503
