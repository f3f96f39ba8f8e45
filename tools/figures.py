"""The figures that benchmarks reached, one line for each run: docs/reference/figures.jsonl.

`make bench` adds the lines, and `python -m tools.docs write` makes the table of them: of each
figure the run in the middle, with the worst beside it and the days on which it ran.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "figures.jsonl"
HEAD = ("what", "the run in the middle", "the worst run", "when", "to reach", "")
# More than these say how fast older code was.
KEPT = 6
NO = "–"


@dataclass(frozen=True)
class Ran:
    """What one run of a benchmark came to. `shown` is for readers. `ranks`: the number by which its
    runs are put in order, where the higher one is worse; None where runs are not compared."""

    name: str
    on: str  # YYYY-MM-DD
    machine: str
    what: str
    shown: str
    goal: str
    is_reached: bool | None = None
    ranks: float | None = None


def read(file: Path = FILE) -> list[Ran]:
    """Every run that is kept, oldest first."""
    if not file.exists():
        return []
    return [Ran(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def keep(run: Ran, order: Sequence[str], file: Path = FILE) -> None:
    """Add a run. Of each figure the last few stay, in the order of these names. Earlier runs that
    measured something else, as their words tell, go."""
    runs: dict[str, list[Ran]] = {}
    for each in [*read(file), run]:
        if each.name != run.name or each.what == run.what:
            runs.setdefault(each.name, []).append(each)
    names = sorted(runs, key=lambda name: order.index(name) if name in order else len(order))
    kept = [each for name in names for each in runs[name][-KEPT:]]
    lines = [json.dumps(asdict(each), ensure_ascii=False) for each in kept]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def rows(runs: Iterable[Ran]) -> list[tuple[str, ...]]:
    """One row for each figure: its middle run, its worst one, and on how many days it ran."""
    by_name: dict[str, list[Ran]] = {}
    for run in runs:
        by_name.setdefault(run.name, []).append(run)
    return [_row(each) for each in by_name.values()]


def _row(runs: list[Ran]) -> tuple[str, ...]:
    """Of an even number of runs the worse one of the two in the middle; where runs are not compared
    the last one."""
    last = runs[-1]
    ranked = sorted((run for run in runs if run.ranks is not None), key=lambda run: run.ranks or 0)
    middle = ranked[len(ranked) // 2] if ranked else last
    worst = ranked[-1].shown if len(ranked) > 1 else NO
    met = {True: "reached", False: "**falls short**", None: ""}[middle.is_reached]
    return last.what, middle.shown, worst, _when(runs), middle.goal or NO, met


def _when(runs: list[Ran]) -> str:
    days = sorted({run.on for run in runs})
    many = f"{len(runs)} runs" if len(runs) > 1 else "1 run"
    return f"{many}, {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else "")


def machine() -> str:
    """This machine in plain facts, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    cores = os.cpu_count() or 1
    return f"{cores} cores, {memory:.0f} GB of memory, {system}, Python {platform.python_version()}"
