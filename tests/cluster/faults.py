"""What breaks: each fault begins, lasts for a time, and is mended as an operator or a service
manager would mend it.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.cluster.daemons import Daemon
from tests.cluster.database import Cluster, Node
from tests.cluster.hosts import Host, Network


class Stage(Protocol):
    """What faults are done to."""

    network: Network
    cluster: Cluster
    webs: list[Daemon]
    tickers: list[Daemon]
    pgbouncers: list[Daemon]
    haproxies: list[Daemon]
    edge: Daemon


Mend = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Done:
    """A fault that has begun: which process has it, and how it ends."""

    target: str
    mend: Mend


@dataclass(frozen=True)
class Fault:
    """A kind of fault. `lasts`: seconds, until it is mended. `gap_s`: the longest gap in service
    that it may make; None where the service is away as long as the fault is."""

    name: str
    begin: Callable[[Stage, random.Random], Awaitable[Done]]
    lasts: float
    gap_s: float | None
    moves_primary: bool = False
    needs_namespaces: bool = False


async def _nothing() -> None:
    """It mends itself, or a service manager does."""


async def _primary(stage: Stage) -> Node:
    primary = await stage.cluster.primary()
    assert primary is not None, "there is no primary to break"
    return primary


async def _kill_primary(stage: Stage, dice: random.Random) -> Done:
    node = await _primary(stage)
    node.kill_postgres()
    return Done(node.host.name, _nothing)


async def _stop_primary(stage: Stage, dice: random.Random) -> Done:
    node = await _primary(stage)
    node.signal_postgres(signal.SIGSTOP)

    async def go_on() -> None:
        node.signal_postgres(signal.SIGCONT)

    return Done(node.host.name, go_on)


def _cutting(stage: Stage, hosts: Sequence[Host]) -> Done:
    for host in hosts:
        stage.network.cut(host)

    async def heal() -> None:
        for host in hosts:
            stage.network.heal(host)

    return Done(", ".join(host.name for host in hosts), heal)


async def _cut_primary(stage: Stage, dice: random.Random) -> Done:
    return _cutting(stage, [(await _primary(stage)).host])


async def _lose_primary(stage: Stage, dice: random.Random) -> Done:
    """The power of its machine goes; later it starts again."""
    node = await _primary(stage)
    stage.network.cut(node.host)
    await node.patroni.stop(signal.SIGKILL)
    await node.etcd.stop(signal.SIGKILL)
    node.kill_postgres()

    async def start_again() -> None:
        stage.network.heal(node.host)
        node.etcd.start()
        node.patroni.start()

    return Done(node.host.name, start_again)


async def _fill_disk(stage: Stage, dice: random.Random) -> Done:
    node = await _primary(stage)
    stage.network.fill_disk(node.host)

    async def free() -> None:
        stage.network.free_disk(node.host)

    return Done(node.host.name, free)


async def _lose_etcd(stage: Stage, nodes: Sequence[Node]) -> Done:
    for node in nodes:
        await node.etcd.stop(signal.SIGKILL)

    async def start_again() -> None:
        for node in nodes:
            node.etcd.start()

    return Done(", ".join(node.host.name for node in nodes), start_again)


async def _one_etcd(stage: Stage, dice: random.Random) -> Done:
    return await _lose_etcd(stage, [dice.choice([*stage.cluster.nodes.values()])])


async def _all_etcd(stage: Stage, dice: random.Random) -> Done:
    return await _lose_etcd(stage, [*stage.cluster.nodes.values()])


async def _cut_standby(stage: Stage, dice: random.Random) -> Done:
    """The one that each commit waits for."""
    standbys = await stage.cluster.standbys(synchronous=True)
    return _cutting(stage, [node.host for node in standbys])


async def _cut_standbys(stage: Stage, dice: random.Random) -> Done:
    """All of them: strict, so nothing is accepted until one is back."""
    primary = await _primary(stage)
    others = [node.host for node in stage.cluster.nodes.values() if node is not primary]
    return _cutting(stage, others)


def _killing(which: Callable[[Stage], Sequence[Daemon]]) -> Callable[..., Awaitable[Done]]:
    async def begin(stage: Stage, dice: random.Random) -> Done:
        daemon = dice.choice(which(stage))
        daemon.kill()
        return Done(daemon.name, _nothing)

    return begin


# The figures to reach: a PostgreSQL that is killed, 10 s; a machine or network that is gone, 35 s.
FAULTS = (
    Fault("primary killed", _kill_primary, 12, 10, moves_primary=True),
    Fault("primary's network cut", _cut_primary, 40, 35, moves_primary=True, needs_namespaces=True),
    Fault("primary's machine gone", _lose_primary, 40, 35, moves_primary=True,
          needs_namespaces=True),
    Fault("primary stopped", _stop_primary, 40, 35, moves_primary=True),
    Fault("disk full", _fill_disk, 15, None, needs_namespaces=True),
    Fault("one etcd away", _one_etcd, 15, 10),
    Fault("all etcd away", _all_etcd, 25, 10),
    Fault("standby's network cut", _cut_standby, 20, 20, needs_namespaces=True),
    Fault("all standbys cut", _cut_standbys, 15, None, needs_namespaces=True),
    Fault("PgBouncer killed", _killing(lambda stage: stage.pgbouncers), 8, 10),
    Fault("HAProxy killed", _killing(lambda stage: stage.haproxies), 8, 10),
    Fault("outer HAProxy killed", _killing(lambda stage: [stage.edge]), 8, 10),
    Fault("web killed", _killing(lambda stage: stage.webs), 8, 10),
    Fault("ticker killed", _killing(lambda stage: stage.tickers), 8, 5),
)  # fmt: skip
BY_NAME = {fault.name: fault for fault in FAULTS}


def schedule(seed: int, fail_overs: int, others: int, *, has_namespaces: bool) -> list[Fault]:
    """So many faults that move the primary, and so many others, in an order drawn by the seed. Each
    kind comes before one comes again."""
    dice = random.Random(seed)
    can = [fault for fault in FAULTS if has_namespaces or not fault.needs_namespaces]
    moving = _drawn(dice, [fault for fault in can if fault.moves_primary], fail_overs)
    rest = _drawn(dice, [fault for fault in can if not fault.moves_primary], others)
    drawn = moving + rest
    dice.shuffle(drawn)
    return drawn


def _drawn(dice: random.Random, kinds: Sequence[Fault], how_many: int) -> list[Fault]:
    drawn: list[Fault] = []
    while len(drawn) < how_many:
        drawn += dice.sample(kinds, len(kinds))
    return drawn[:how_many]


def not_tried(*, has_namespaces: bool) -> list[str]:
    """The faults that cannot be made here."""
    return [fault.name for fault in FAULTS if fault.needs_namespaces and not has_namespaces]
