"""The database as an agency would run it: PostgreSQL under Patroni and etcd on three hosts, and on
each host of ours a PgBouncer that asks a HAProxy beside it, which knows the primary.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.cluster.daemons import Daemon, signal_all
from tests.cluster.hosts import Host, until

SCOPE = "rig"
USER = "waymark"
POSTGRES, REST, ETCD, PEERS = 5432, 8008, 2379, 2380
THROUGH_HAPROXY, THROUGH_PGBOUNCER = 5000, 6432
DEBIAN_PYTHON = "/usr/bin/python3"
# Seconds. A host that vanishes loses its role after `ttl`; a PostgreSQL that died is noticed at the
# next look, at the latest after `loop_wait`, and a standby takes over instead of waiting until it
# has recovered. Patroni allows no shorter `ttl`.
TIMES: dict[str, Any] = {"ttl": 20, "loop_wait": 2, "retry_timeout": 3, "primary_start_timeout": 0}
PARAMETERS: dict[str, Any] = {
    "max_connections": 100,
    "shared_buffers": "64MB",
    "wal_level": "replica",
    "hot_standby": "on",
    "max_wal_size": "128MB",
    "min_wal_size": "64MB",
    "wal_keep_size": "64MB",
    "max_slot_wal_keep_size": "192MB",
    # A standby that vanished holds up every commit until it is noticed.
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    "tcp_keepalives_idle": 3,
    "tcp_keepalives_interval": 1,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": "8s",
    # asyncpg asks for types on each new connection and turns JIT off for that, which a pooler in
    # transaction mode undoes: after a fail-over each new connection then compiles for seconds.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "wal_log_hints": "on",
    # Where a gap is longer than it should be, the log says who waited, and for which process.
    "log_lock_waits": "on",
    "log_min_duration_statement": "2s",
}
INITDB: list[Any] = [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"]


def programs() -> Path:
    """The newest PostgreSQL of Debian's packages."""
    found = sorted(Path("/usr/lib/postgresql").glob("[0-9]*"), key=lambda path: int(path.name))
    assert found, "Debian's postgresql is not installed"
    return found[-1] / "bin"


@dataclass
class Node:
    """One host of the database."""

    host: Host
    etcd: Daemon
    patroni: Daemon

    @property
    def data(self) -> Path:
        return self.host.folder / "data"

    def postmaster(self) -> int | None:
        """The number of its PostgreSQL, where one runs."""
        with suppress(OSError, ValueError, IndexError):
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            os.kill(pid, 0)
            return pid
        return None

    def signal_postgres(self, with_signal: int) -> None:
        """Send a signal to the whole PostgreSQL of this host."""
        if (pid := self.postmaster()) is not None:
            signal_all(pid, with_signal)

    def kill_postgres(self) -> None:
        """As the kernel kills where memory is out: only the first process gets the signal, then
        the others, which would else see it and end in order."""
        self.signal_postgres(signal.SIGKILL)


@dataclass
class Cluster:
    """The three, and what is known of them from outside."""

    nodes: dict[str, Node]
    client: aiohttp.ClientSession
    synchronous: bool = True
    _seen: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        for node in self.nodes.values():
            node.etcd.start()
            node.patroni.start()

    async def stop(self) -> None:
        for node in self.nodes.values():
            await node.patroni.stop(signal.SIGKILL)
            node.kill_postgres()
            await node.etcd.stop(signal.SIGKILL)

    async def members(self) -> dict[str, dict[str, Any]]:
        """Each member as Patroni sees it; the answer of the first host that gives one."""
        for node in self.nodes.values():
            url = f"http://{node.host.address}:{REST}/cluster"
            with suppress(aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
                async with self.client.get(url, timeout=aiohttp.ClientTimeout(total=2)) as answer:
                    body = await answer.json(content_type=None)
                    return {member["name"]: member for member in body["members"]}
        return {}

    async def primary(self) -> Node | None:
        """The node that Patroni itself says is the primary now."""
        for node in self.nodes.values():
            url = f"http://{node.host.address}:{REST}/primary"
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.client.get(url, timeout=aiohttp.ClientTimeout(total=2)) as answer:
                    if answer.status == 200:
                        return node
        return None

    async def standbys(self, *, synchronous: bool) -> list[Node]:
        """The standbys; `synchronous`: those that each commit waits for, else the others."""
        role = {"sync_standby", "quorum_standby"} if synchronous else {"replica"}
        members = await self.members()
        return [self.nodes[name] for name, member in members.items() if member["role"] in role]

    async def is_whole(self) -> bool:
        """One primary, and all others stream from it, one of them in step."""
        members = await self.members()
        roles = [member["role"] for member in members.values()]
        states = [member["state"] for member in members.values()]
        in_step = "sync_standby" in roles or not self.synchronous
        streams = states.count("streaming") == len(self.nodes) - 1
        return "leader" in roles and in_step and streams and "running" in states

    async def wait_whole(self, within: float = 90) -> None:
        await until("three members that stream", self.is_whole, within=within)


def node_of(host: Host, peers: Mapping[str, str], *, extra: Mapping[str, Any]) -> Node:
    """A node, with its files written. `peers`: every host of the database and its address;
    `extra`: parameters of PostgreSQL beside those above."""
    etcd = Daemon(f"etcd-{host.name}", host, _etcd(host, peers))
    settings = host.folder / "patroni.json"
    settings.write_text(json.dumps(_patroni(host, peers, extra)))
    settings.chmod(0o644)
    patroni = Daemon(
        f"patroni-{host.name}", host, ["/usr/bin/patroni", str(settings)],
        {"HOME": str(host.folder), "PGPASSFILE": str(host.folder / "pgpass")},
    )  # fmt: skip
    return Node(host, etcd, patroni)


def _etcd(host: Host, peers: Mapping[str, str]) -> list[str]:
    at, among = f"http://{host.address}", f"http://{host.address}:{PEERS}"
    cluster = ",".join(f"{name}=http://{address}:{PEERS}" for name, address in peers.items())
    return [
        "etcd",
        f"--name={host.name}",
        f"--data-dir={host.folder / 'etcd'}",
        f"--listen-client-urls={at}:{ETCD}",
        f"--advertise-client-urls={at}:{ETCD}",
        f"--listen-peer-urls={among}",
        f"--initial-advertise-peer-urls={among}",
        f"--initial-cluster={cluster}",
        "--initial-cluster-state=new",
        # Twice what it ships with: this machine has two cores for everything.
        "--heartbeat-interval=200",
        "--election-timeout=2000",
        "--log-level=warn",
    ]


def shared_settings(network: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """What all members of the cluster go by. `network`: from where anybody may connect."""
    trusted = [
        "local all all trust",
        *(f"host {what} all {who} trust" for what in ("all", "replication")
          for who in (network, "127.0.0.0/8")),
    ]  # fmt: skip
    return TIMES | {
        "maximum_lag_on_failover": 1_048_576,
        "synchronous_mode": True,
        "synchronous_mode_strict": True,
        # Without it a primary stops taking writes while etcd is away.
        "failsafe_mode": True,
        "postgresql": {
            "use_pg_rewind": True,
            "use_slots": True,
            "parameters": PARAMETERS | dict(extra),
            "pg_hba": trusted,
        },
    }


def _patroni(host: Host, peers: Mapping[str, str], extra: Mapping[str, Any]) -> dict[str, Any]:
    network = host.address.rpartition(".")[0] + ".0/24"
    return {
        "scope": SCOPE,
        "name": host.name,
        "log": {"level": "INFO"},
        "restapi": {
            "listen": f"{host.address}:{REST}",
            "connect_address": f"{host.address}:{REST}",
        },
        "etcd3": {"hosts": [f"{address}:{ETCD}" for address in peers.values()]},
        "bootstrap": {"dcs": shared_settings(network, extra), "initdb": INITDB},
        "postgresql": {
            "listen": f"{host.address}:{POSTGRES}",
            "connect_address": f"{host.address}:{POSTGRES}",
            "data_dir": str(host.folder / "data"),
            "bin_dir": str(programs()),
            "pgpass": str(host.folder / "pgpass"),
            "parameters": {"unix_socket_directories": str(host.folder)},
            "authentication": {
                "superuser": {"username": "postgres", "password": "rig"},
                "replication": {"username": "replicator", "password": "rig"},
                "rewind": {"username": "rewinder", "password": "rig"},
            },
        },
    }


def urls_of(host: Host, peers: Mapping[str, str], *, is_direct: bool) -> dict[str, str]:
    """Where the processes of Waymark on this host find the database, by setting."""
    if is_direct:
        places = ",".join(f"{address}:{POSTGRES}" for address in peers.values())
        wish = "target_session_attrs=read-write"
        return {"WAYMARK_DATABASE_URL": f"postgres://{USER}@{places}/waymark?{wish}"}
    at = f"postgres://{USER}@{host.address}"
    return {
        "WAYMARK_DATABASE_URL": f"{at}:{THROUGH_PGBOUNCER}/waymark",
        "WAYMARK_LISTEN_URL": f"{at}:{THROUGH_HAPROXY}/waymark",
    }


def haproxy_of(host: Host, peers: Mapping[str, str]) -> Daemon:
    """A HAProxy on this host, whose one port leads to the primary of the moment."""
    servers = "\n".join(
        f"  server {name} {address}:{POSTGRES} check port {REST}" for name, address in peers.items()
    )
    text = f"""
global
  maxconn 1000
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout check 1500ms
listen primary
  bind {host.address}:{THROUGH_HAPROXY}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 1s fastinter 500ms downinter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
{servers}
"""  # noqa: E501 (a line of HAProxy)
    return daemon_of(host, "haproxy", text, ["haproxy", "-db", "-f"])


def pgbouncer_of(host: Host) -> Daemon:
    """A PgBouncer in transaction mode on this host, which asks the HAProxy beside it."""
    users = host.folder / "users.txt"
    users.write_text(f'"{USER}" "rig"\n"postgres" "rig"\n')
    users.chmod(0o644)
    text = f"""
[databases]
waymark = host={host.address} port={THROUGH_HAPROXY} dbname=waymark user={USER}
[pgbouncer]
listen_addr = {host.address}
listen_port = {THROUGH_PGBOUNCER}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
max_prepared_statements = 200
default_pool_size = 20
server_connect_timeout = 3
server_login_retry = 1
query_wait_timeout = 10
tcp_user_timeout = 8000
"""
    return daemon_of(host, "pgbouncer", text, ["pgbouncer"])


def daemon_of(host: Host, name: str, text: str, argv: list[str]) -> Daemon:
    """A program whose last argument is the file with these settings."""
    settings = host.folder / f"{name}.conf"
    settings.write_text(text)
    settings.chmod(0o644)
    return Daemon(f"{name}-{host.name}", host, [*argv, str(settings)])
