"""The page for operators has the settings that the rig runs with: its figures are of these."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import database
from tests.cluster.hosts import Host
from tests.cluster.product import ROOT

PAGE = (ROOT / "docs" / "operate-cluster.md").read_text(encoding="utf-8")
PEERS = {"db1": "10.0.0.11", "db2": "10.0.0.12", "db3": "10.0.0.13"}
# How large the disks of the rig are, how many connections it takes, and what its log says. Who may
# connect is by password at an agency.
OF_THE_RIG = {
    "maximum_lag_on_failover",
    "postgresql.pg_hba",
    *(f"postgresql.parameters.{name}" for name in (
        "max_connections", "shared_buffers", "wal_level", "hot_standby", "max_wal_size",
        "min_wal_size", "wal_keep_size", "max_slot_wal_keep_size", "timezone", "log_timezone",
        "log_lock_waits", "log_min_duration_statement",
    )),
}  # fmt: skip


def block(begins: str) -> str:
    """The block of the page that begins with this line, without what it is indented by."""
    found = re.search(rf"^( *)```\n((?: *){re.escape(begins)}\n.*?)^ *```$", PAGE, re.M | re.S)
    assert found is not None, f"the page has no block that begins with {begins!r}"
    indent = found[1]
    return "\n".join(line.removeprefix(indent) for line in found[2].splitlines()) + "\n"


def flat(tree: dict[str, Any], before: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} as {"a.b": 1}."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            found |= flat(value, f"{before}{name}.")
        else:
            found[before + name] = value
    return found


def lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()}


def host(folder: Path) -> Host:
    return Host("db1", PEERS["db1"], folder)


def test_patroni_is_told_what_the_rig_tells_it() -> None:
    page = yaml.safe_load(block("scope: waymark"))
    mine = flat(database.shared_settings("10.0.0.0/24", {}))
    theirs = flat(page["bootstrap"]["dcs"])
    for name in OF_THE_RIG:
        mine.pop(name, None)
        theirs.pop(name, None)
    assert mine == theirs
    assert page["bootstrap"]["initdb"] == database.INITDB


def test_haproxy_is_told_what_the_rig_tells_it(tmp_path: Path) -> None:
    database.haproxy_of(host(tmp_path), PEERS)
    mine = lines((tmp_path / "haproxy.conf").read_text())
    bind = "bind 127.0.0.1:5000"
    assert lines(block("listen primary")) - mine == {bind}


def test_pgbouncer_is_told_what_the_rig_tells_it(tmp_path: Path) -> None:
    database.pgbouncer_of(host(tmp_path))
    mine = lines((tmp_path / "pgbouncer.conf").read_text())
    [sentence] = re.findall(r"under `\[pgbouncer\]`\n(.*?)\n\d\. ", PAGE, re.S)
    told = set(re.findall(r"`([a-z_]+ = [^`]+)`", sentence))
    # Of passwords: in the rig nobody has one.
    told.remove("auth_type = scram-sha-256")
    assert len(told) == 6
    assert told <= mine
