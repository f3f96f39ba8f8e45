"""How many events a second a replay takes on one core, by processor time.

The command on one cohort, from EVENTS.csv to ALERTS.csv, under the policy that ships; the median of
seven runs counts. There is no bare counterpart: the figure is absolute, and depends on the machine.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from server.simulation.commands import cohort_command, replay_command

RUNS = 7
TO_REACH = 30_000


def measure(runs: int = RUNS, children: int = 200, days: int = 90) -> dict[str, Any]:
    """The figure: events per second of processor time, from file to file."""
    with tempfile.TemporaryDirectory() as folder:
        events, truth = Path(folder) / "events.csv", Path(folder) / "truth.csv"
        cohort_command(
            argparse.Namespace(
                children=children, days=days, seed=1, world=None, events=events, truth=truth
            )
        )
        alerts = Path(folder) / "alerts.csv"
        asked = argparse.Namespace(
            events=events, alerts=alerts, policy=None, until=None, truth=None, from_day=0
        )
        count, rates = lines_of(events), []
        for _ in range(runs):
            began = time.process_time()
            replay_command(asked)
            rates.append(count / (time.process_time() - began))
        rows = lines_of(asked.alerts)
    return {
        "what": "waymark replay, one core, the default policy on a cohort",
        "unit": "events/s",
        "ours": round(statistics.median(rates)),
        "runs": [round(rate) for rate in rates],
        "events": count,
        "rows": rows,
        "to_reach": TO_REACH,
        "is_reached": statistics.median(rates) >= TO_REACH,
    }


def lines_of(path: Path) -> int:
    """The rows of a file, without its header."""
    with path.open("rb") as file:
        return sum(1 for _ in file) - 1


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
