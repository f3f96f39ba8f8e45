"""Point-in-time recovery, as docs/operate-cluster.md describes it: pgBackRest keeps a base backup
and every piece of the log; an operator deletes what must not be deleted; the cluster goes back to a
moment before, and the checker compares it with what was thanked for by then.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from tests.cluster import database, product
from tests.cluster.checker import Story, Violation, at_of, check
from tests.cluster.daemons import clean_environment
from tests.cluster.database import Node
from tests.cluster.history import read, rows
from tests.cluster.hosts import Host, until
from tests.cluster.phones import Phone
from tests.cluster.rig import TERMS, Rig, tell

STANZA = "rig"
BEFORE_S, AFTER_S = 40.0, 20.0
# What must hold once the phones have handed in again what was confirmed after the moment: nothing
# that a child said is lost with the time that is.
HOLDS = {"lost", "unconfirmed", "doubled"}


def parameters(host: Host) -> dict[str, Any]:
    """What PostgreSQL on this host needs so that its log is kept; writes pgBackRest's settings."""
    repository = host.folder.parent / "repository"
    repository.mkdir(exist_ok=True)
    host.give(repository)
    config = settings_of(host, repository)
    push = f"pgbackrest --config={config} --stanza={STANZA} archive-push %p"
    return {"archive_mode": "on", "archive_command": push, "archive_timeout": "10s"}


def settings_of(host: Host, repository: Path) -> Path:
    """The settings of pgBackRest on one host."""
    file = host.folder / "pgbackrest.conf"
    folders = "\n".join(f"{what}-path={host.folder}" for what in ("log", "lock", "spool"))
    text = f"""[global]
repo1-path={repository}
repo1-retention-full=2
start-fast=y
compress-type=none
log-level-console=info
log-level-file=off
{folders}
[{STANZA}]
pg1-path={host.folder / "data"}
pg1-port={database.POSTGRES}
pg1-socket-path={host.folder}
pg1-user=postgres
"""
    file.write_text(text)
    file.chmod(0o644)
    return file


@dataclass
class Keeper:
    """pgBackRest on the hosts of the database, with one repository that all of them reach."""

    rig: Rig

    async def on(self, host: Host, *command: str) -> str:
        """Run a command of pgBackRest on this host."""
        config = host.folder / "pgbackrest.conf"
        argv = ["pgbackrest", f"--config={config}", f"--stanza={STANZA}", *command]
        return await run_on(host, *argv)

    async def begin(self) -> None:
        """Keep the log from now on, and make a base backup."""
        primary = await self.rig.cluster.primary()
        assert primary is not None
        await self.on(primary.host, "stanza-create")
        await self.on(primary.host, "backup", "--type=full")

    async def restore(self, node: Node, moment: datetime) -> None:
        """Put the cluster back to a moment: one node from the backup, the others from that one."""
        nodes = [*self.rig.cluster.nodes.values()]
        for each in nodes:
            await each.patroni.stop(signal.SIGTERM)
        await run_on(node.host, "etcdctl", f"--endpoints={node.host.address}:{database.ETCD}",
                     "del", "--prefix", f"/service/{database.SCOPE}/")  # fmt: skip
        for each in nodes:
            each.kill_postgres()
            if each is not node:
                shutil.rmtree(each.data)
        target = f"{moment:%Y-%m-%d %H:%M:%S.%f}+00"
        await self.on(node.host, "restore", "--delta", "--type=time", f"--target={target}",
                      "--target-action=promote")  # fmt: skip
        await self._play_back(node)
        node.patroni.start()
        await until("the restored primary", self.rig.cluster.primary, within=90)
        for each in nodes:
            each.patroni.start()
        await self.rig.cluster.wait_whole(within=120)

    async def _play_back(self, node: Node) -> None:
        """PostgreSQL alone, until it has reached the moment and is a primary of its own."""
        programs, log = database.programs(), node.host.folder / "playing-back.log"
        options = f"-p {database.POSTGRES} -k {node.host.folder} -h ''"
        control = [str(programs / "pg_ctl"), "-D", str(node.data), "-w", "-t", "60"]
        await run_on(node.host, *control, "-l", str(log), "-o", options, "start")
        ask = [str(programs / "psql"), "-h", str(node.host.folder), "-U", "postgres", "-Atc"]

        async def is_there() -> bool:
            return "f" == (await run_on(node.host, *ask, "SELECT pg_is_in_recovery()")).strip()

        await until("the end of the log", is_there, within=60)
        await run_on(node.host, *control, "stop")


async def run_on(host: Host, *argv: str) -> str:
    """Run a program to its end as the user of the database; RuntimeError with its words."""
    process = await asyncio.create_subprocess_exec(
        *host.command(argv, as_nobody=True),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=clean_environment(),
        cwd=host.folder,
    )
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {out.decode()[-800:]}")
    return out.decode()


async def try_it(built: Rig, *, children: int, seed: int) -> list[Violation]:
    """Load, a base backup, a marked moment, more load, harm; then back to the moment."""
    keeper = Keeper(built)
    watched = await product.populate(built.direct, children, built.history)
    await keeper.begin()
    tell("The base backup is made.")
    ends = asyncio.Event()
    phones = [
        Phone(c.id, c.token, built.url, built.client, built.history, random.Random(f"{seed}:{n}"))
        for n, c in enumerate(watched)
    ]
    living = [asyncio.create_task(phone.live(ends)) for phone in phones]
    await asyncio.sleep(BEFORE_S)
    moment = datetime.now(UTC)
    tell(f"The moment to go back to: {moment:%H:%M:%S}")
    await asyncio.sleep(AFTER_S)
    ends.set()
    await asyncio.gather(*living)
    for daemon in (*built.webs, *built.tickers):
        await daemon.stop()
    await _harm(built)
    began = time.monotonic()
    node = await built.cluster.primary()
    assert node is not None
    await keeper.restore(node, moment)
    tell(f"Back at that moment, with three members, after {time.monotonic() - began:.0f} s.")
    await product.read_rows(built.direct, built.history)
    found = judge_moment(read(built.history.path), moment.timestamp())
    await set_back(built, moment)
    for daemon in (*built.webs, *built.tickers):
        daemon.start()
    await until("both web processes are well", built.is_well, within=120)
    again = await asyncio.gather(*(phone.hand_in_again() for phone in phones))
    tell(f"Handed in again by the phones: {sum(again):,} check-ins.")
    built.history.add("read again")
    await product.read_rows(built.direct, built.history)
    return found + judge_end(read(built.history.path))


async def set_back(built: Rig, moment: datetime) -> None:
    """Tell Waymark, as an operator would."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "set-back", moment.isoformat()),
        cwd=product.ROOT,
        env=dict(os.environ) | built.settings | {"WAYMARK_DATABASE_URL": built.direct},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()


async def _harm(built: Rig) -> None:
    primary = await built.cluster.primary()
    assert primary is not None
    connection = await asyncpg.connect(
        host=primary.host.address, user="postgres", database="waymark"
    )
    gone = await connection.execute("DELETE FROM check_in")
    # The log of it is in the archive too: a restore to the end would do the harm again.
    await connection.execute("SELECT pg_switch_wal()")
    await connection.close()
    tell(f"Harm: {gone}")


def judge_moment(events: Sequence[dict[str, Any]], moment: float) -> list[Violation]:
    """What was thanked for by the moment is there, and nothing from after it."""
    until_then = [e for e in events if e["kind"] == "row" or e["at"] <= moment]
    found = [v for v in check(Story(until_then, TERMS)) if v.what in {"lost", "doubled"}]
    kept = [*rows(events, "check_in")]
    tell(f"{len(kept):,} check-ins are there.")
    if not kept:
        found.append(Violation("lost", "all", "no check-in is there: the harm was done again"))
    for row in kept:
        if at_of(row["answer"]["received_at"]) > moment + 1:
            found.append(Violation("too new", row["id"], "from after the moment"))
    return found


def judge_end(events: Sequence[dict[str, Any]]) -> list[Violation]:
    """Nothing that a child said in the whole run is lost, also after the moment."""
    [again] = [n for n, event in enumerate(events) if event["kind"] == "read again"]
    rest = [e for n, e in enumerate(events) if e["kind"] != "row" or n > again]
    return [v for v in check(Story(rest, TERMS)) if v.what in HOLDS]
