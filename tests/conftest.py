"""What every test may ask for. Fixtures live in tests/fixtures*.py, each about one thing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis.core
import pytest
import schemathesis  # noqa: F401 (for what it does to Hypothesis, below)
from hypothesis import settings
from hypothesis.vendor import pretty

from tests import postgres as postgresql

# How long one example takes says more about what else the machine does than about our code. The
# examples are the same each time: a red test is about a change. `make explore` draws new ones.
settings.register_profile("waymark", deadline=None, derandomize=True)
settings.load_profile("waymark")

# schemathesis has Hypothesis print no value in the whole process, to be quicker itself: a failing
# example would read `n=,`. Its pytest plugin has done so before this file is read.
hypothesis.core.RepresentationPrinter = pretty.RepresentationPrinter

# SQLite waits for the disk after each commit, and a test commits dozens of times. In memory it does
# not. Docker gives 64 MB there and forbids programs: then the folders of tests stay on the disk.
MEMORY = Path("/dev/shm")  # noqa: S108 (pytest makes folders of its own there, for its user alone)
NEEDED = 2_000_000_000
if (
    MEMORY.is_dir()
    and shutil.disk_usage(MEMORY).free > NEEDED
    and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

pytest_plugins = [
    f"tests.{path.stem}" for path in sorted(Path(__file__).parent.glob("fixtures*.py"))
]


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Server]:
    """One PostgreSQL for the whole run (one for each process of a run in several)."""
    with postgresql.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: postgresql.Server) -> str:
    """An empty database on it, the same one for the whole run."""
    return postgres.create_database("waymark")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Nothing is skipped silently: a run that skipped a test has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("Skipped tests count as failed here.", red=True)
