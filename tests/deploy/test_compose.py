"""The compose file and the image: rootless, read-only, and what they name exists."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from server import VERSION
from server.setting_table import SETTINGS
from server.settings import faults, load
from tests.fixtures_tools import missing

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy" / "compose"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("web", "ticker", "backup")
IMAGE = (ROOT / "deploy" / "container" / "Containerfile").read_text(encoding="utf-8")
NAMES = {setting.name for setting in SETTINGS}


def test_there_are_web_ticker_database_and_the_proxy_with_certificates() -> None:
    assert set(SERVICES) == {"web", "ticker", "backup", "database", "caddy"}


@pytest.mark.parametrize("name", OURS)
def test_ours_are_rootless_and_read_only(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_ours_and_the_pages_have_the_version_of_this_code() -> None:
    assert {SERVICES[name]["image"] for name in OURS} == {f"waymark:{VERSION}"}
    readme = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"waymark:[0-9][\w.]*", readme)) == {f"waymark:{VERSION}"}


def test_only_the_proxy_has_a_port_and_the_database_no_way_out() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["caddy"]
    assert SERVICES["database"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_we_believe_the_proxy_and_nobody_else() -> None:
    given = SERVICES["web"]["environment"]["WAYMARK_TRUSTED_PROXIES"]
    assert given == SERVICES["caddy"]["networks"]["front"]["ipv4_address"]


def test_what_is_mounted_from_here_is_here_or_named_in_the_readme() -> None:
    readme = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    sources = [mount.split(":")[0] for s in SERVICES.values() for mount in s.get("volumes", [])]
    sources += [secret["file"] for secret in COMPOSE["secrets"].values()]
    ours = [Path(source).name for source in sources if source.startswith("./")]
    assert [name for name in ours if not (FOLDER / name).exists() and name not in readme] == []


def test_every_setting_is_one(tmp_path: Path) -> None:
    """As the container sees them: the example with its blanks filled, and what the file adds."""
    example = (FOLDER / "waymark.env.example").read_text(encoding="utf-8")
    environ = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    given = {"WAYMARK_HOST": "plan.example.org", "POSTGRES_PASSWORD": "secret"}
    for name, value in SERVICES["web"]["environment"].items():
        environ[name] = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda it: given[it[1]], value)
    environ |= dict(re.findall(r"(\w+)=(\S+)(?: \\)?$", IMAGE, re.MULTILINE))
    names = {name for name in environ if name.startswith("WAYMARK_")}
    assert names <= NAMES
    key = tmp_path / "vapid.pem"
    assert load({}, tmp_path).vapid_private_key_file.exists()
    key.write_bytes(load({}, tmp_path).vapid_private_key_file.read_bytes())
    key.chmod(0o400)
    environ |= {"WAYMARK_SECRET_KEYS": "x" * 40, "WAYMARK_VAPID_PRIVATE_KEY_FILE": str(key)}
    assert faults(environ) == []
    assert environ["WAYMARK_ALIVE_FILE"] in IMAGE.split("HEALTHCHECK")[1]


def test_the_image_starts_as_an_account_without_rights() -> None:
    assert re.search(r"^USER 10001:10001$", IMAGE, re.MULTILINE)
    assert "HEALTHCHECK" in IMAGE
    assert IMAGE.count("\nFROM ") == 2, "what builds stays behind"


def test_what_the_image_copies_is_there() -> None:
    named = re.findall(r"/opt/waymark/app/([\w./-]+)", IMAGE.split("# --- Run")[1])
    made = {".venv", ".venv/bin", "pwa/dist", "bill-of-materials.cdx.json"}
    assert [name for name in named if name not in made and not (ROOT / name).exists()] == []


def test_the_build_sees_no_key_and_no_database() -> None:
    lines = (ROOT / "deploy" / "container" / "Containerfile.dockerignore").read_text().split()
    allowed = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    assert not {"var", ".git", ".venv", ".", "deploy"} & {*allowed}


def test_caddy_reads_its_file() -> None:
    if "caddy" in missing():
        return
    done = subprocess.run(
        ["caddy", "validate", "--adapter", "caddyfile", "--config", str(FOLDER / "Caddyfile")],
        env={**os.environ, "WAYMARK_HOST": "plan.example.org"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
