"""`make bench`: every benchmark, a table for people and `var/bench.json` for programs.

`python -m tests.bench [NAME ...]` runs those named. Figures of a run replace the same ones of an
earlier run in the file, so that one of them can be measured again by itself.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tools.docs import machine

FILE = Path("var/bench.json")
Measure = Callable[[], dict[str, Any]]
NAMES = (
    "check_ins_postgres",
    "check_ins_sqlite",
    "alerted_postgres",
    "alerted_sqlite",
    "tick",
    "idle",
    "late",
    "minute",
    "push",
    "board",
    "find",
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


def measures() -> dict[str, Measure]:
    """The benchmarks by name, in the order of the table."""
    found: dict[str, Measure] = {
        f"{name}_{kind}": partial(import_module(f"tests.bench.bench_{name}").measure, kind)
        for name in ("check_ins", "alerted")
        for kind in ("postgres", "sqlite")
    }
    for name in NAMES:
        if name not in found and find_spec(f"tests.bench.bench_{name}") is not None:
            found[name] = import_module(f"tests.bench.bench_{name}").measure
    return found


def main(names: list[str]) -> int:
    """Measure, show, and write down."""
    known = measures()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(known)}.")
        return 2
    for name in names or known:
        print(f"{name} …", end=" ", flush=True)
        began = time.perf_counter()
        row = {"name": name, **known[name]()}
        _keep(row)
        print(f"{time.perf_counter() - began:.0f} s")
        print(f"    {row['what']}: {_shown(row)}", flush=True)
    return 0


def _shown(row: dict[str, Any]) -> str:
    said = row.get("shown") or f"{row.get('ours', '')} {row.get('unit', '')}".strip()
    if "ratio" in row and "bare" in row:
        said += f", {row['ratio']:.0%} of bare"
    return f"{said}: {'reached' if row['is_reached'] else 'FALLS SHORT'}"


def _keep(row: dict[str, Any]) -> None:
    FILE.parent.mkdir(exist_ok=True)
    kept = json.loads(FILE.read_text())["figures"] if FILE.exists() else []
    rows = {old.get("name"): old for old in kept} | {row["name"]: row}
    figures = [rows[name] for name in NAMES if name in rows]
    found = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine(), "figures": figures}
    FILE.write_text(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
