"""`make bench`: every benchmark, a table for people and `var/bench.json` for programs.

`python -m tests.bench [NAME ...]` runs those named. Figures of a run replace the same ones of an
earlier run in the file, so that one of them can be measured again by itself. Each run is added to
`docs/reference/figures.jsonl` too, from which the page of the figures is made.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.bench import report
from tools import figures

FILE = Path("var/bench.json")
Measure = Callable[[], dict[str, Any]]
NAMES = (
    "check_ins_postgres",
    "check_ins_sqlite",
    "alerted_postgres",
    "alerted_sqlite",
    "tick",
    "idle",
    "months",
    "late",
    "minute",
    "told",
    "push",
    "board",
    "find",
    "start",
    "first_load",
    "day",
    "lighthouse",
    "offline",
    "replay",
    "project",
    "pack",
    "pack_mail",
    "pack_offline",
    "seen",
    "why",
    "help",
    "answer_stops",
    "duress",
    "frontier",
    "cohort",
    "csv",
)


def measure_of(name: str) -> Measure:
    """The benchmark of this name. Its module is imported now."""
    for kind in ("postgres", "sqlite"):
        if (room := name.removesuffix(f"_{kind}")) != name:
            return partial(import_module(f"tests.bench.bench_{room}").measure, kind)
    measure: Measure = import_module(f"tests.bench.bench_{name}").measure
    return measure


def measures() -> dict[str, Measure]:
    """The benchmarks by name, in the order of the table."""
    return {name: measure_of(name) for name in NAMES}


def main(names: list[str]) -> int:
    """Measure, show, and write down."""
    known = measures()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(known)}.")
        return 2
    for name in names or known:
        began, cpu = time.perf_counter(), _cpu_seconds()
        row = {"name": name, **known[name]()}
        _keep(row)
        took, spent = time.perf_counter() - began, _cpu_seconds() - cpu
        print(*report.lines(row, took, spent), sep="\n", flush=True)
    return 0


def _cpu_seconds() -> float:
    """User and system time of this process and of those that it started and that ended."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def _keep(row: dict[str, Any]) -> None:
    FILE.parent.mkdir(exist_ok=True)
    kept = json.loads(FILE.read_text())["figures"] if FILE.exists() else []
    rows = {old.get("name"): old for old in kept} | {row["name"]: row}
    latest = [rows[name] for name in NAMES if name in rows]
    today, here = f"{datetime.now(UTC):%Y-%m-%d}", figures.machine()
    found = {"date": today, "machine": here, "figures": latest}
    FILE.write_text(json.dumps(found, indent=2, ensure_ascii=False))
    ran = figures.Ran(
        name=row["name"],
        on=today,
        machine=here,
        what=row["what"],
        shown=report.shown(row),
        goal=report.goal(row),
        is_reached=row.get("is_reached"),
        ranks=report.rank(row),
    )
    figures.keep(ran, NAMES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
