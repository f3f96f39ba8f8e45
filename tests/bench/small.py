"""Every benchmark with the smallest sizes: whether it runs at all, not how fast.

`python -m tests.bench.small NAME` prints what it found as one line of JSON and keeps nothing.
"""

import inspect
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.bench.__main__ import measure_of

# What `measure` takes, by name; of one that has `Sizes`, what those take.
SIZES: dict[str, dict[str, Any]] = {
    "check_ins_postgres": {"pairs": 1, "children": 64},
    "check_ins_sqlite": {"pairs": 1, "children": 64},
    "alerted_postgres": {"runs": 1, "children": 160},
    "alerted_sqlite": {"runs": 1, "children": 160},
    "tick": {"pairs": 1, "few": 12, "many": 24, "late": 4},
    "idle": {"runs": 2, "many": 12},
    "months": {"pairs": 1, "children": 64},
    "late": {"runs": 1, "children": 4},
    "minute": {"children": 4, "made_s": 8, "late_s": 5},
    "told": {"runs": 1, "many": 4, "made_s": 12},
    "push": {"pairs": 1, "messages": 32},
    "board": {"runs": 2, "sizes": [31]},
    "find": {"agencies": 2, "children": 20, "homes": 2, "runs": 1},
    "start": {"runs": 1},
    "first_load": {"locales": ["ar"]},
    "day": {"openings": 1, "check_ins": 1},
    "lighthouse": {"times": 1},
    "offline": {"times": 1},
    "replay": {"runs": 1, "children": 4, "days": 20},
    "project": {"runs": 1, "changes": 380, "queued": 4},
    "pack": {"runs": 1},
    "pack_mail": {"runs": 1},
    "pack_offline": {"times": 1},
    "seen": {"times": 1},
    "why": {"children": 2, "days": 2, "runs": 1},
    "help": {"calls": 2, "others": 20},
    "answer_stops": {"many": 3},
    "duress": {"pairs": 4, "warm": 1},
    "frontier": {"children": 24, "seeds": [6], "settings": 1, "sensitive_seeds": [6]},
    "cohort": {"children": 40, "seeds": [6]},
    "csv": {"children": 6, "workers": 2, "homes": 2},
}


def bound(name: str) -> Callable[[], dict[str, Any]]:
    """The benchmark with the smallest sizes; raises TypeError where it does not take them."""
    measure, sizes = measure_of(name), SIZES[name]
    inner = measure.func if isinstance(measure, partial) else measure
    kind = getattr(import_module(inner.__module__), "Sizes", None)
    if kind is not None:
        return partial(measure, kind(**sizes))
    inspect.signature(measure).bind(**sizes)
    return partial(measure, **sizes)


def run(name: str) -> dict[str, Any]:
    """What it found. The pages that `frontier` writes are a copy."""
    with tempfile.TemporaryDirectory() as folder:
        if name == "frontier":
            docs = Path(folder) / "docs"
            shutil.copytree("docs/pictures", docs / "pictures")
            shutil.copy("docs/frontier.md", docs)
            SIZES[name]["docs"] = docs
        return {"name": name, **bound(name)()}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1]), ensure_ascii=False))
