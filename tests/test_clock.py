"""Only clock.py knows the time: everything else is handed `now`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVER = Path(__file__).parent.parent / "server"
FILES = sorted(SERVER.rglob("*.py"))
MAY = {SERVER / "clock.py"}

# What reads a clock, by the module that it is imported from.
READERS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
    | {"localtime", "gmtime", "ctime", "strftime", "process_time", "clock_gettime", "asctime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "tortoise.timezone": {"now"},
    "uuid": {"uuid1", "uuid6", "uuid7"},
}
CLASSES = {"datetime": {"datetime", "date"}}


def _readings(source: str) -> Iterator[tuple[int, str]]:
    """Every line that reads a clock, and how: through any name that it was imported under."""
    tree = ast.parse(source)
    modules: dict[str, str] = {}
    classes: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {(one.asname or one.name): one.name for one in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                name = one.asname or one.name
                if one.name in READERS.get(node.module, set()):
                    yield node.lineno, f"{node.module}.{one.name}"
                elif one.name in CLASSES.get(node.module, set()):
                    classes[name] = one.name
                else:
                    modules[name] = f"{node.module}.{one.name}"
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = ast.unparse(node.value)
        kind = classes.get(owner) or modules.get(owner, "")
        head, _, tail = owner.rpartition(".")
        if tail in CLASSES.get(modules.get(head, ""), set()):
            kind = tail
        if node.attr in READERS.get(kind, set()):
            yield node.lineno, f"{owner}.{node.attr}"


def test_nobody_but_the_clock_reads_the_time() -> None:
    readings = {path: [*_readings(path.read_text())] for path in FILES}
    assert all(readings[path] for path in MAY), "this test finds nothing any more"
    assert {path: lines for path, lines in readings.items() if lines and path not in MAY} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "import time as t\nt.monotonic()",
        "from time import perf_counter",
        "import datetime\ndatetime.datetime.now()",
        "import datetime as dt\ndt.datetime.now(dt.UTC)",
        "import datetime as dt\ndt.date.today()",
        "from datetime import datetime\ndatetime.now(UTC)",
        "from datetime import datetime as moment\nmoment.utcnow()",
        "from datetime import date\nlater = date.today",
        "from tortoise import timezone\ntimezone.now()",
        "import uuid\nuuid.uuid1()",
    ],
)
def test_every_way_to_read_the_time_is_found(source: str) -> None:
    assert list(_readings(source))


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.sleep(1)",
        "from datetime import datetime\ndatetime.fromisoformat('')",
        "from datetime import time\ntime.fromisoformat('08:00')",
        "said.now()",
        "clock.utcnow()",
    ],
)
def test_what_only_looks_like_it_is_left_alone(source: str) -> None:
    assert not list(_readings(source))
