"""Every benchmark still runs, each in a process of its own: with the smallest sizes, and what it
finds is kept nowhere. How fast anything is, `make bench` measures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.bench import __main__ as bench
from tests.bench import report, small
from tools import figures

KEPT = (figures.FILE, bench.FILE)
QUICK = ("push", "replay")
BROWSER = ("first_load", "day", "offline", "pack_offline", "seen")
# It would be installed from the network first; that its sizes fit is tested.
NOT_RUN = ("lighthouse",)


def _marked(name: str) -> Any:
    if name in QUICK:
        return pytest.param(name)
    return pytest.param(name, marks=pytest.mark.browser if name in BROWSER else pytest.mark.long)


def _kept() -> list[bytes | None]:
    return [file.read_bytes() if file.exists() else None for file in KEPT]


@pytest.mark.parametrize("name", [_marked(name) for name in bench.NAMES if name not in NOT_RUN])
def test_a_benchmark_runs_with_the_smallest_sizes(name: str) -> None:
    before = _kept()
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.small", name],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    row = json.loads(done.stdout.splitlines()[-1])
    assert row["name"] == name
    assert len([*report.lines(row, 1, 1)]) >= 3
    assert (report.rank(row) is None) == (name not in report.RANKS)
    assert _kept() == before


@pytest.mark.slow
@pytest.mark.parametrize("name", bench.NAMES)
def test_a_benchmark_takes_its_smallest_sizes(name: str) -> None:
    small.bound(name)


def test_every_benchmark_has_its_smallest_sizes() -> None:
    assert [*small.SIZES] == [*bench.NAMES]


@pytest.mark.long
@pytest.mark.parametrize("more", [[], ["apart"]])
def test_the_pressed_day_runs_with_few_children(more: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.bench_hour", "1200", "0.05", *more],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    row = json.loads(done.stdout)
    assert row["sent"] == row["confirmed"] == row["stored"] == 1000
    assert (row["refused"], row["lost"], row["twice"]) == (0, 0, 0)
    assert row["late"] == row["alerts"] == 10
    assert row["alerted_s"]["longest"] >= row["alerted_s"]["median"] > 0
    assert ("ticker" in row["cpu_s"]) == bool(more)
    assert "hour" not in bench.NAMES, "a whole run takes over an hour"
