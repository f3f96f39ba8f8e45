"""What `make test-cluster` runs: five fail-overs and other faults under load, and a recovery to a
moment. Not a `test_` file: it needs Debian's packages and minutes, so `make test` must not find it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.cluster.product import ROOT

pytestmark = pytest.mark.timeout(1200)


def rig(what: str, *arguments: str) -> None:
    """The rig goes into namespaces of its own, so it is a process of its own. Its history and logs
    are kept: a run that was red is looked at there."""
    keep = ROOT / "var" / "cluster" / what
    shutil.rmtree(keep, ignore_errors=True)
    command = [sys.executable, "-m", "tests.cluster", what, *arguments, "--keep", str(keep)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_five_fail_overs_lose_nothing_and_leave_no_silence_untold() -> None:
    rig("run", "--fail-overs", "5", "--others", "4", "--seed", "17")


def test_the_database_goes_back_to_a_moment_before_the_harm() -> None:
    rig("restore")
