"""Benchmarks leave a line for each run, and the page of figures tells the middle and the worst."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench import report
from tests.bench.__main__ import NAMES
from tools import docs, figures
from tools.figures import Ran

RAN = Ran("late", "2026-11-25", "2 cores", "late → told", "2,000/s", "≥ 2,000/s", True, -2000)


def run(per_second: int, on: str = "2026-11-26") -> Ran:
    return replace(
        RAN, on=on, shown=f"{per_second:,}/s", ranks=-per_second, is_reached=per_second >= 2000
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "figures.jsonl"


def test_the_page_tells_the_run_in_the_middle_with_the_worst_and_the_days(file: Path) -> None:
    for per_second, on in ((2500, "2026-11-25"), (1500, "2026-11-26"), (2100, "2026-11-28")):
        figures.keep(run(per_second, on), ["late"], file)
    [row] = figures.rows(figures.read(file))
    days = "3 runs, 2026-11-25 to 2026-11-28"
    assert row == ("late → told", "2,100/s", "1,500/s", days, "≥ 2,000/s", "reached")


def test_of_two_runs_the_worse_one_counts(file: Path) -> None:
    for per_second in (2500, 1500):
        figures.keep(run(per_second), ["late"], file)
    [row] = figures.rows(figures.read(file))
    assert (row[1], row[-1]) == ("1,500/s", "**falls short**")


def test_a_figure_whose_runs_are_not_compared_tells_the_last_one(file: Path) -> None:
    for size in ("70 kB", "65 kB"):
        figures.keep(replace(RAN, shown=size, ranks=None, is_reached=None), [], file)
    [row] = figures.rows(figures.read(file))
    assert row[1:3] == ("65 kB", figures.NO)


def test_only_the_last_runs_are_kept_in_the_order_of_the_benchmarks(file: Path) -> None:
    figures.keep(replace(RAN, name="tick", what="a tick"), ["late", "tick"], file)
    for per_second in range(1000, 1000 + figures.KEPT + 2):
        figures.keep(run(per_second), ["late", "tick"], file)
    kept = figures.read(file)
    assert [each.name for each in kept] == ["late"] * figures.KEPT + ["tick"]
    assert kept[0].shown == "1,002/s"


def test_a_run_that_measures_something_else_replaces_the_earlier_ones(file: Path) -> None:
    figures.keep(RAN, [], file)
    figures.keep(replace(RAN, what="late → told at the wire"), [], file)
    assert [each.what for each in figures.read(file)] == ["late → told at the wire"]


def test_pairs_are_told_with_their_middle_their_spread_and_the_processor() -> None:
    row = {"name": "push", "what": "messages", "unit": "messages/s", "ours": 2000, "bare": 2500}
    row |= {"ours_cpu_us": 400, "bare_cpu_us": 300, "ratio": 0.8, "ratios": [0.78, 0.8, 0.85]}
    row |= {"to_reach": 0.6, "is_reached": True}
    assert list(report.lines(row, 12.4, 20)) == [
        "push: 12 s, 20 s of CPU",
        "    messages",
        "    80% (2,000 against 2,500 messages/s; 400 against 300 µs of CPU each; 3 pairs, 78% to"
        " 85%); to reach: ≥ 60%",
        "    each: 0.78, 0.8, 0.85; in the middle 0.8",
        "    reached",
    ]
    assert report.rank(row) == -0.8


def test_every_rank_is_of_a_benchmark_that_there_is() -> None:
    assert set(report.RANKS) <= set(NAMES)


def test_every_kept_run_is_of_a_benchmark_that_there_is_and_fits_the_page() -> None:
    lines = figures.FILE.read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["name"] for line in lines} <= set(NAMES)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", run.on) for run in figures.read())
    assert docs.measured().startswith("Measured on: ")


def test_the_machine_is_told_by_facts_alone() -> None:
    told = figures.machine()
    assert re.fullmatch(r"\d+ cores, \d+ GB of memory, .+, Python 3\.\d+\.\d+", told)
    assert socket.gethostname() not in told
