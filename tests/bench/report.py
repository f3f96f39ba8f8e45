"""What a benchmark says when it is done: a row for people, and its place among other runs."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Row = dict[str, Any]

# By which number the runs of a figure are put in order: the higher one is the worse one. What is
# left out is the same in each run, as a number of bytes, or it is simulated with fixed seeds.
RANKS: dict[str, Callable[[Row], float]] = {
    "check_ins_postgres": lambda row: -row["ratio"],
    "check_ins_sqlite": lambda row: -row["ratio"],
    "alerted_postgres": lambda row: -row["per_second"],
    "alerted_sqlite": lambda row: -row["per_second"],
    "tick": lambda row: row["ratio"],
    "idle": lambda row: row["ours"],
    "months": lambda row: row["ratio"],
    "late": lambda row: -row["ours"],
    "minute": lambda row: row["alerted_s"],
    "told": lambda row: -row["alone_per_second"],
    "push": lambda row: -row["ratio"],
    "board": lambda row: max(one["ms"] for one in row["figures"].values()),
    "find": lambda row: max(kind["duty: name"]["median"] for kind in row["kinds"].values()),
    "start": lambda row: max(one["seconds"] for one in row["figures"].values()),
    "offline": lambda row: statistics.median(row["seconds"]),
    "replay": lambda row: -row["ours"],
    "project": lambda row: row["sync_s"],
    "pack": lambda row: row["pack_pdf"],
    "pack_mail": lambda row: row["pack_mail"],
    "pack_offline": lambda row: row["pack_offline"],
    "seen": lambda row: max(statistics.median(each) for each in row["milliseconds"].values()),
    "why": lambda row: max(statistics.median(each) for each in row["ms"].values()),
    "help": lambda row: row["late"],
    "csv": lambda row: max(max(kind.values()) for kind in row["seconds"].values()),
}


def shown(row: Row) -> str:
    """What it reached, in words and numbers."""
    if "shown" in row:
        return str(row["shown"])
    unit = row["unit"]
    if "bare" not in row:
        return f"{row['ours']:,} {unit}{_spread(row.get('runs', ()), '{:,}')}"
    return (
        f"{row['ratio']:.0%} ({row['ours']:,} against {row['bare']:,} {unit};"
        f" {row['ours_cpu_us']:,} against {row['bare_cpu_us']:,} µs of CPU each;"
        f" {len(row['ratios'])} pairs{_spread(row['ratios'], '{:.0%}')})"
    )


def _spread(runs: Sequence[float], form: str) -> str:
    if len(runs) < 2:
        return ""
    return f", {form.format(min(runs))} to {form.format(max(runs))}"


def goal(row: Row) -> str:
    """What was to be reached, or nothing."""
    if "goal" in row:
        return str(row["goal"])
    if "to_reach" not in row:
        return ""
    least = row["to_reach"]
    return f"≥ {least:.0%}" if "bare" in row else f"≥ {least:,}"


def lines(row: Row, wall_s: float, cpu_s: float) -> Iterator[str]:
    """What `make bench` prints of it."""
    yield f"{row['name']}: {wall_s:.0f} s, {cpu_s:.0f} s of CPU"
    met = {True: "reached", False: "FALLS SHORT"}.get(row.get("is_reached", None), "")
    yield f"    {row['what']}"
    yield f"    {shown(row)}" + (f"; to reach: {goal(row)}" if goal(row) else "")
    for name in ("ratios", "runs"):
        runs = row.get(name)
        if isinstance(runs, list) and all(isinstance(one, int | float) for one in runs):
            middle = statistics.median(runs)
            yield f"    each: {', '.join(f'{one:,}' for one in runs)}; in the middle {middle:,}"
    if met:
        yield f"    {met}"


def rank(row: Row) -> float | None:
    """Its place among the runs of the same figure."""
    ranks = RANKS.get(row["name"])
    return None if ranks is None else round(float(ranks(row)), 4)
