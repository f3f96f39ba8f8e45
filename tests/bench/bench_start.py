"""From the command until `/health` answers: one process with web and ticker, over a database that
is there, as after a restart. And the memory that it holds then."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.bench.bench_board import KINDS, SECRET, database
from tests.bench.load import cpu_seconds
from tests.ports import free_port

RUNS = 7
SECONDS = 1.0
LONGEST_S = 60


@contextmanager
def _serving(url: str, folder: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    environ = {"WAYMARK_DATABASE_URL": url, "WAYMARK_SECRET_KEYS": SECRET, "WAYMARK_VAR": folder}
    command = [sys.executable, "-m", "server", "serve", "--port", str(port)]
    with subprocess.Popen(
        command, env=os.environ | environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(LONGEST_S)


def _is_up(port: int) -> bool:
    # 503 is an answer too: of a ticker that has not ended its first tick.
    with suppress(OSError):
        try:
            with urlopen(f"http://127.0.0.1:{port}/health", timeout=LONGEST_S):
                return True
        except HTTPError:
            return True
    return False


def _start(url: str, folder: str) -> tuple[float, float, float]:
    """Seconds, seconds of the processor, and megabytes."""
    port, began = free_port(), time.perf_counter()
    with _serving(url, folder, port) as process:
        while not _is_up(port):
            if process.poll() is not None or time.perf_counter() - began > LONGEST_S:
                raise RuntimeError("The server did not start.")
            time.sleep(0.005)
        took = time.perf_counter() - began
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        return took, cpu_seconds(process.pid), pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(runs: int = RUNS) -> dict[str, Any]:
    """The figures: on each database the median of the seconds, of the seconds of the processor, and
    of the megabytes. The first start, which makes the database, does not count."""
    figures = {}
    for kind in KINDS:
        with database(kind) as (url, folder):
            started = [_start(url, folder) for _ in range(runs + 1)][1:]
        names = ("seconds", "cpu_s", "mb")
        medians = map(statistics.median, zip(*started, strict=True))
        figures[kind] = dict(zip(names, medians, strict=True))
    shown = "; ".join(
        f"{KINDS[kind]}: {figure['seconds']:.2f} s ({figure['cpu_s']:.2f} s of CPU),"
        f" {figure['mb']:.0f} MB"
        for kind, figure in figures.items()
    )
    return {
        "what": "a start, web and ticker in one process, until it answers; its memory then",
        "shown": shown,
        "goal": f"≤ {SECONDS:.1f} s; ≤ 200 MB",
        "figures": figures,
        "is_reached": all(
            figure["seconds"] <= SECONDS and figure["mb"] <= 200 for figure in figures.values()
        ),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
