"""The networks of the compose file, laid with namespaces: the web keeps two visitors apart.

A real web and a real Caddy with the files that ship. Needs root, `ip` and `caddy`; where they are
missing, the last lines of the run say that nobody tried it.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.auth.rules import PAIR_BY_NETWORK
from tests.fixtures_tools import missing

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy" / "compose"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
HOST = "plan.example.org"
VISITORS = ("one", "two")
TRY = f"http://{HOST}/api/v1/pair"
GUESS = '{"code": "ABCDEFGH", "device": {"id": "018f0000-0000-7000-8000-000000000001"}}'

pytestmark = pytest.mark.slow


def networks_of(service: str) -> dict[str, dict[str, Any]]:
    """Name → what the file says of the service in that network."""
    given = SERVICES[service]["networks"]
    return given if isinstance(given, dict) else {name: {} for name in given}


def subnet_of(name: str) -> ipaddress.IPv4Network:
    """As the file says, or one as the engine would choose."""
    config = (COMPOSE["networks"][name] or {}).get("ipam", {}).get("config", [])
    chosen = f"172.29.{[*COMPOSE['networks']].index(name)}.0/24"
    return ipaddress.IPv4Network(config[0]["subnet"] if config else chosen)


@dataclass
class Rig:
    """One namespace for all bridges, and one for each service and visitor."""

    folder: Path
    stack: ExitStack
    prefix: str = field(default_factory=lambda: f"wm{os.getpid()}-")
    addresses: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.add("bridges")
        for number in range(len(COMPOSE["networks"])):
            self.inside("bridges", "ip", "link", "add", f"br{number}", "type", "bridge")
            self.inside("bridges", "ip", "link", "set", f"br{number}", "up")

    def add(self, host: str) -> None:
        run("ip", "netns", "add", self.prefix + host)
        self.stack.callback(run, "ip", "netns", "delete", self.prefix + host)
        self.inside(host, "ip", "link", "set", "lo", "up")

    def inside(self, host: str, *words: str) -> str:
        return run("ip", "netns", "exec", self.prefix + host, *words)

    def plug(self, host: str, network: str, address: str | None = None) -> None:
        """A cable from this host into that network."""
        number, end = [*COMPOSE["networks"]].index(network), len(self.addresses)
        subnet = subnet_of(network)
        address = address or str(subnet[10 + end])
        self.addresses[host, network] = address
        device = f"eth{end}"
        self.inside("bridges", "ip", "link", "add", f"c{end}", "type", "veth", "peer", "name",
                    device, "netns", self.prefix + host)  # fmt: skip
        self.inside("bridges", "ip", "link", "set", f"c{end}", "master", f"br{number}", "up")
        self.inside(host, "ip", "addr", "add", f"{address}/{subnet.prefixlen}", "dev", device)
        self.inside(host, "ip", "link", "set", device, "up")

    def knows(self, host: str, **names: str) -> None:
        """What the resolver of the engine would answer there."""
        folder = Path("/etc/netns") / (self.prefix + host)
        folder.mkdir(parents=True)
        self.stack.callback(shutil.rmtree, folder)
        lines = [f"{address} {name}" for name, address in names.items()]
        (folder / "hosts").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self, host: str, *words: str, **settings: str) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("WAYMARK_", "HOST"))}
        log = self.stack.enter_context((self.folder / f"{host}.log").open("wb"))
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.prefix + host, *words],
            cwd=ROOT, env=kept | settings, stdout=log, stderr=log,
        )  # fmt: skip
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


def shared() -> list[str]:
    return [name for name in networks_of("caddy") if name in networks_of("web")]


def way_in() -> str:
    """The network by which visitors come to Caddy: its port is published from there."""
    return next(name for name in networks_of("caddy") if not COMPOSE["networks"][name])


@pytest.fixture(params=shared())
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig | None]:
    """All of it running; Caddy finds the web in one of the networks that both are in."""
    if {"ip", "caddy"} & missing().keys():
        yield None
        return
    with ExitStack() as stack:
        made = Rig(tmp_path, stack)
        for service in ("web", "caddy"):
            made.add(service)
            for name, more in networks_of(service).items():
                made.plug(service, name, (more or {}).get("ipv4_address"))
        for visitor in VISITORS:
            made.add(visitor)
            made.plug(visitor, way_in())
            made.knows(visitor, **{HOST: made.addresses["caddy", way_in()]})
        made.knows("caddy", web=made.addresses["web", request.param])
        made.start(
            "web", sys.executable, "-m", "server", "serve", "--no-ticker", HOST="0.0.0.0",  # noqa: S104 - in its own namespace
            WAYMARK_VAR=str(tmp_path / "var"),
            WAYMARK_TRUSTED_PROXIES=SERVICES["web"]["environment"]["WAYMARK_TRUSTED_PROXIES"],
            WAYMARK_DATABASE_URL=f"sqlite://{tmp_path}/waymark.sqlite3",
        )  # fmt: skip
        made.start(
            "caddy", "caddy", "run", "--adapter", "caddyfile", "--config",
            str(FOLDER / "Caddyfile"), WAYMARK_HOST=f"http://{HOST}", HOME=str(tmp_path),
        )  # fmt: skip
        yield made


# Tried again until Caddy and the web answer; then each guess counts once.
GUESSING = f"""
import sys, threading, urllib.error, urllib.request

def guess():
    headers = {{"content-type": "application/json"}}
    if sys.argv[2:]:
        headers["x-forwarded-for"] = sys.argv[2]
    try:
        urllib.request.urlopen(urllib.request.Request({TRY!r}, {GUESS!r}.encode(), headers))
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 502

for _ in range(int(sys.argv[1])):
    for _ in range(300):
        status = guess()
        if status != 502:
            break
        threading.Event().wait(0.2)
    print(status)
"""


def guesses(rig: Rig, visitor: str, how_many: int, *forged: str) -> set[str]:
    """What so many wrong pairing codes of this visitor were answered with."""
    said = rig.inside(visitor, sys.executable, "-c", GUESSING, str(how_many), *forged)
    return {*said.split()}


def test_a_visitor_who_guesses_makes_only_themselves_wait(rig: Rig | None) -> None:
    assert shared(), "Caddy finds the web"
    if rig is None:
        return
    assert "429" not in guesses(rig, "one", PAIR_BY_NETWORK.tries)
    assert guesses(rig, "one", 1) == {"429"}
    assert guesses(rig, "one", 1, "172.29.9.9") == {"429"}, "no visitor chooses their address"
    assert "429" not in guesses(rig, "two", 1)
