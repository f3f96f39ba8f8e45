"""Programs of the system that only some machines have: what was not tried for want of one is said.

Nothing in `tests/deploy` is skipped. Without the program a test looks at the text alone, and the
last lines of the run name what nobody tried.
"""

from __future__ import annotations

import os
import shutil

import pytest

PROGRAMS = {
    "systemd-analyze": "rate the units",
    "promtool": "try the rules and the dashboard",
    "caddy": "read the Caddyfile",
    "ip": "lay the networks of the compose file (as root)",
}


def missing() -> dict[str, str]:
    """The programs that this machine lacks, and what is not tried therefore."""
    lacking = {name: what for name, what in PROGRAMS.items() if shutil.which(name) is None}
    return lacking if os.geteuid() == 0 else lacking | {"ip": PROGRAMS["ip"]}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for several in terminalreporter.stats.values() for each in several]
    if any("tests/deploy/" in getattr(each, "nodeid", "") for each in reports):
        for name, what in missing().items():
            terminalreporter.write_line(f"NOT TRIED: without {name} nobody could {what}.", red=True)
