"""The units of systemd: what they may do, whose files they make, and that they stop in time."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from server.serving import ALIVE_EVERY_S, GRACE_S
from server.ticker import LAST_WORK_S
from tests.fixtures_tools import missing

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
LONG = [unit for unit in UNITS if "Type=notify" in unit.read_text()]
MOST = 20  # Tenths: 2.0 on the scale of `systemd-analyze security`.
# What all of them have, in the order of the files.
CLOSED = """
UMask=0077
StateDirectoryMode=0700
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
DevicePolicy=closed
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
""".split("\n")[1:-1]
units = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)


def values(unit: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)


def test_there_is_one_for_the_web_the_ticker_and_the_backup() -> None:
    assert [unit.name for unit in UNITS] == [
        "waymark-backup.service",
        "waymark-tick.service",
        "waymark.service",
    ]


@units
def test_a_unit_may_do_what_it_needs_and_nothing_else(unit: Path) -> None:
    lines = unit.read_text(encoding="utf-8").splitlines()
    assert [line for line in CLOSED if line not in lines] == []


@units
def test_systemd_rates_it_below_two(unit: Path) -> None:
    if "systemd-analyze" in missing():
        return
    asked = ["security", "--offline=true", "--no-pager", f"--threshold={MOST - 1}"]
    done = subprocess.run(
        ["systemd-analyze", *asked, str(unit)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, [*done.stdout.splitlines()[-1:], done.stderr]
    assert re.search(r"Overall exposure level .*: [01]\.\d", done.stdout)


@pytest.mark.parametrize("unit", [*UNITS, FOLDER / "waymark-backup.timer"], ids=lambda it: it.name)
def test_systemd_knows_every_line_of_it(unit: Path, tmp_path: Path) -> None:
    if "systemd-analyze" in missing():
        return
    # The programs and files that it names are on no machine of ours.
    text = unit.read_text(encoding="utf-8").replace(
        "/opt/waymark/app/.venv/bin/waymark", "/bin/true"
    )
    for each in UNITS:
        (tmp_path / each.name).write_text(text if each == unit else _stub())
    copy = tmp_path / unit.name
    copy.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def _stub() -> str:
    return "[Service]\nType=oneshot\nExecStart=/bin/true\n"


@units
def test_a_unit_owns_its_folder_and_gets_the_key_from_root(unit: Path) -> None:
    assert values(unit, "User") == ["waymark"]
    assert values(unit, "StateDirectory")[0].split()[0] == "waymark"
    assert "WAYMARK_VAR=/var/lib/waymark" in values(unit, "Environment")
    assert values(unit, "LoadCredential") == ["vapid.pem:/etc/waymark/vapid.pem"]
    assert "WAYMARK_VAPID_PRIVATE_KEY_FILE=%d/vapid.pem" in values(unit, "Environment")


@pytest.mark.parametrize("unit", LONG, ids=lambda unit: unit.name)
def test_it_is_given_the_time_that_it_takes(unit: Path) -> None:
    """A first look after an outage may take minutes: an end for that would come again and again."""
    assert values(unit, "TimeoutStartSec") == ["infinity"]
    assert int(values(unit, "TimeoutStopSec")[0]) > GRACE_S + LAST_WORK_S
    assert int(values(unit, "WatchdogSec")[0]) >= 4 * ALIVE_EVERY_S
    assert values(unit, "Restart") == ["always"]


def test_the_web_cannot_read_the_backups() -> None:
    for unit in LONG:
        assert values(unit, "InaccessiblePaths") == ["-/var/lib/waymark-backup"]


def test_the_command_runs_as_the_service_does() -> None:
    text = (FOLDER / "waymark-command").read_text(encoding="utf-8")
    [unit] = [unit for unit in UNITS if unit.name == "waymark.service"]
    for name in ("LoadCredential", "StateDirectory", "StateDirectoryMode", "UMask"):
        assert f"-p {name}={values(unit, name)[0]}" in text
    assert "--uid waymark" in text
    assert subprocess.run(["sh", "-n", str(FOLDER / "waymark-command")], check=True)
