"""The whole rig, set up and taken down; and a run on it: load, faults by a schedule, a verdict."""

from __future__ import annotations

import asyncio
import fcntl
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from tests.cluster import database, product
from tests.cluster.checker import Story, Terms, Violation, check
from tests.cluster.daemons import Daemon, end_postmaster
from tests.cluster.faults import Fault
from tests.cluster.figures import Gap, gaps, report
from tests.cluster.history import History, read
from tests.cluster.hosts import Host, Network, until
from tests.cluster.phones import Phone
from tests.cluster.wire import Wire

PREFIX = "wm-rig-"
EDGE = 8080
TERMS = Terms(grace_s=product.Agreed().grace_s, told_within_s=60)
# Between two faults, so that what the one left behind is not taken for the other.
CALM_S = 12.0


@dataclass
class Rig:
    """Everything that runs."""

    folder: Path
    network: Network
    client: aiohttp.ClientSession
    cluster: database.Cluster
    haproxies: list[Daemon]
    pgbouncers: list[Daemon]
    webs: list[Daemon]
    tickers: list[Daemon]
    edge: Daemon
    wire: Wire
    history: History
    settings: dict[str, str]

    @property
    def url(self) -> str:
        """Where phones send to."""
        return f"http://{self.edge.host.address}:{EDGE}"

    @property
    def direct(self) -> str:
        """The primary, past the poolers."""
        host = self.haproxies[0].host
        where = f"{host.address}:{database.THROUGH_HAPROXY}"
        return f"postgres://{database.USER}@{where}/waymark"

    async def is_well(self) -> bool:
        """Whether both web processes say that all is well."""
        for web in self.webs:
            with suppress(aiohttp.ClientError, TimeoutError):
                url = f"http://{web.host.address}:{product.WEB}/health"
                async with self.client.get(url, timeout=aiohttp.ClientTimeout(total=3)) as answer:
                    if answer.status == 200:
                        continue
            return False
        return True


def tell(text: str) -> None:
    print(text, flush=True)


Parameters = Callable[[Host], Mapping[str, Any]]


@dataclass(frozen=True)
class Shape:
    """How the rig is put together. `on_disk`: hosts have no small disks of their own in memory.
    `is_direct`: Waymark knows the three servers itself, and goes through no pooler or proxy."""

    on_disk: bool = False
    is_direct: bool = False


@asynccontextmanager
async def rig(
    *, keep: Path | None = None, shape: Shape = Shape(), parameters: Parameters = lambda host: {}
) -> AsyncIterator[Rig]:
    """All of it, ready for load. `keep`: where history and logs are put at the end. `parameters`:
    of PostgreSQL on a host."""
    remove_left_over()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o755)
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    network = Network(folder, on_disk=shape.on_disk)
    try:
        async with aiohttp.ClientSession() as client:
            built = _build(folder, network, client, parameters, shape)
            try:
                await _start(built)
                yield built
            finally:
                await _stop(built)
                if keep is not None:
                    _keep(folder, keep)
    finally:
        network.close()
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def remove_left_over() -> None:
    """What runs left behind that were killed: a run that lives holds the lock of its own folder.

    Without namespaces a PostgreSQL outlives the Patroni that started it; all else has died.
    """
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/lock"):
        with suppress(OSError), lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for pid_file in lock.parent.glob("db*/data/postmaster.pid"):
                end_postmaster(pid_file)
            shutil.rmtree(lock.parent)


def _keep(folder: Path, where: Path) -> None:
    where.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "history.jsonl", where)
    if (folder / "logs").exists():
        shutil.copytree(folder / "logs", where / "logs", dirs_exist_ok=True)


def _build(
    folder: Path,
    network: Network,
    client: aiohttp.ClientSession,
    parameters: Parameters,
    shape: Shape,
) -> Rig:
    nodes = [network.add(f"db{number}", 10 + number) for number in (1, 2, 3)]
    peers = {host.name: host.address for host in nodes}
    apps = [network.add(f"app{number}", 20 + number) for number in (1, 2)]
    outside = network.add("edge", 30)
    history = History(folder / "history.jsonl")
    wire = Wire(network.address, history)
    made = {host.name: database.node_of(host, peers, extra=parameters(host)) for host in nodes}
    webs, tickers, settings = [], [], {}
    for host in apps:
        urls = database.urls_of(host, peers, is_direct=shape.is_direct)
        settings = product.environment(
            folder, smtp=wire.url, public="http://127.0.0.1:8080", urls=urls
        )
        webs.append(product.web_of(host, settings))
        tickers.append(product.ticker_of(host, settings))
    return Rig(
        folder=folder,
        network=network,
        client=client,
        cluster=database.Cluster(made, client),
        haproxies=[database.haproxy_of(host, peers) for host in apps],
        pgbouncers=[database.pgbouncer_of(host) for host in apps],
        webs=webs,
        tickers=tickers,
        edge=_edge(outside, [web.host.address for web in webs]),
        wire=wire,
        history=history,
        settings=settings,
    )


def _edge(host: Host, webs: Sequence[str]) -> Daemon:
    servers = "\n".join(
        f"  server web{number} {address}:{product.WEB} check" for number, address in enumerate(webs)
    )
    text = f"""
global
  maxconn 1000
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout check 2s
listen waymark
  bind {host.address}:{EDGE}
  balance roundrobin
  option redispatch
  option httpchk GET /health
  default-server inter 1s fall 3 rise 1
{servers}
"""
    return database.daemon_of(host, "haproxy", text, ["haproxy", "-db", "-f"])


async def _start(built: Rig) -> None:
    await built.wire.open()
    built.cluster.start()
    for daemon in (*built.haproxies, *built.pgbouncers, built.edge):
        daemon.start()
    tell("The database is being made ...")
    await until("a primary", built.cluster.primary, within=180)
    await _make_database(built)
    await built.cluster.wait_whole(within=120)
    await product.migrate(built.direct, built.settings)
    for daemon in (*built.webs, *built.tickers):
        daemon.start()
    await until("both web processes are well", built.is_well, within=120)


async def _make_database(built: Rig) -> None:
    async def made() -> bool:
        primary = await built.cluster.primary()
        if primary is None:
            return False
        try:
            connection = await asyncpg.connect(
                host=primary.host.address, user="postgres", database="postgres", timeout=5
            )
        except (OSError, asyncpg.PostgresError):
            return False
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = 'waymark'"):
                await connection.execute("CREATE ROLE waymark LOGIN")
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'waymark'"):
                await connection.execute("CREATE DATABASE waymark OWNER waymark")
        finally:
            await connection.close()
        return True

    await until("the database", made, within=60)


async def _stop(built: Rig) -> None:
    # Ours first: what they do at their end needs the database.
    for daemons in (built.webs + built.tickers, [built.edge], built.pgbouncers, built.haproxies):
        await asyncio.gather(*(daemon.stop() for daemon in daemons))
    await built.cluster.stop()
    await built.wire.close()
    built.history.close()


@dataclass
class Verdict:
    """What a run came to."""

    violations: list[Violation]
    late: list[str]
    gaps: list[Gap]
    report: str


async def run(built: Rig, faults: Sequence[Fault], *, children: int, seed: int) -> Verdict:
    """Load on it, these faults one after the other, and the judgement of all of it."""
    dice = random.Random(seed)
    watched = await product.populate(built.direct, children, built.history)
    ends = asyncio.Event()
    phones = [
        Phone(child.id, child.token, built.url, built.client, built.history,
              random.Random(f"{seed}:{number}"))
        for number, child in enumerate(watched)
    ]  # fmt: skip
    living = [asyncio.create_task(phone.live(ends)) for phone in phones]
    await asyncio.sleep(CALM_S)
    for number, fault in enumerate(faults, 1):
        await _break(built, fault, dice, f"{number}/{len(faults)}")
    # What becomes late in the last minute of the load is told of after it.
    await asyncio.sleep(30)
    ends.set()
    done, waiting = await asyncio.wait(living, timeout=120)
    for task in waiting:
        task.cancel()
    for task in done:
        task.result()
    await product.read_rows(built.direct, built.history)
    return judge(built.history.path)


def judge(path: Path) -> Verdict:
    """The verdict on a history."""
    from tests.cluster.faults import BY_NAME

    story = Story(read(path), TERMS)
    found = gaps(story)
    late = [
        f"{gap.fault} ({gap.target}): {gap.seconds:.1f} s without a check-in, {allowed:.0f} allowed"
        for gap in found
        if (allowed := BY_NAME[gap.fault].gap_s) is not None and gap.seconds > allowed
    ]
    return Verdict(check(story), late, found, report(story))


async def _break(built: Rig, fault: Fault, dice: random.Random, number: str) -> None:
    began = time.time()
    done = await fault.begin(built, dice)
    built.history.add("fault", at=began, what=fault.name, target=done.target)
    tell(f"{number} {fault.name}: {done.target}")
    await asyncio.sleep(fault.lasts)
    await done.mend()
    built.history.add("healed", what=fault.name)
    try:
        await built.cluster.wait_whole(within=120)
        await until("both web processes are well", built.is_well, within=120)
    except TimeoutError as fault_:
        built.history.add("not_whole", what=fault.name, why=str(fault_))
        tell(f"   {fault_}; {await built.cluster.members()}")
    await asyncio.sleep(CALM_S)


def show(verdict: Verdict) -> int:
    """Print it; 1 where anything is not as it must be."""
    tell(verdict.report)
    for line in verdict.late:
        tell(f"SLOW {line}")
    tell(f"gaps that are too long: {len(verdict.late)}")
    return show_breaches(verdict.violations) or int(bool(verdict.late))


def show_breaches(violations: Sequence[Violation], *, most: int = 20) -> int:
    """Print them; 1 where there is one."""
    for violation in violations[:most]:
        tell(f"BREACH {violation.what}: {violation.about}: {violation.why}")
    counted = Counter(violation.what for violation in violations)
    tell(f"breaches: {len(violations)} {dict(counted) if counted else ''}".rstrip())
    return int(bool(violations))
