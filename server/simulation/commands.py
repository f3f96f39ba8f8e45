"""The commands `replay` and `cohort`: files in, files out. No database, and no settings."""

import argparse
import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import msgspec

from server.clock import stamp
from server.errors import Refused
from server.policy.model import SHIPPED, Policy
from server.policy.parser import merged, read
from server.progress import progress
from server.simulation import cohort as cohorts
from server.simulation.evaluation import TRUTH_HEADER, Gone, read_truth
from server.simulation.events import HEADER, moment, read_events
from server.simulation.kinds import Event
from server.simulation.life import Absence, Row
from server.simulation.outcomes import Result
from server.simulation.outcomes import Row as Alerted
from server.simulation.replay import replay
from server.simulation.reports.budget_words import budget_report
from server.simulation.reports.report import report
from server.simulation.worlds import mixture
from server.simulation.worlds.making import make
from server.simulation.worlds.table import RANDOM, WORLDS, world
from server.starting import uncollected
from server.web.csv_files import line, quoted

ALERTS_HEADER = ["child", "at", "level", "rung", "reason"]
EACH = 5_000


def add_commands(add: Callable[..., Any], within: object = None) -> None:
    """`replay` and `cohort`, for the command line: `add(name, run, says)` makes a parser."""
    shown = add(
        "replay",
        replay_command,
        "Try a policy on recorded or simulated events: who is told, and when.",
    )
    add_replay_arguments(shown)
    made = add(
        "cohort",
        cohort_command,
        "Make a synthetic cohort to try policies on. It is never a field result.",
    )
    add_cohort_arguments(made)


def add_replay_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `replay`."""
    parser.add_argument("events", type=Path, metavar="EVENTS.csv", help="what happened, in order")
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="POLICY.toml",
        help="what differs from the policy that ships; without it, that one",
    )
    parser.add_argument(
        "--alerts", type=Path, required=True, metavar="ALERTS.csv", help="write who is told here"
    )
    parser.add_argument("--until", metavar="TIME", help="end here instead of at the last event")
    parser.add_argument(
        "--truth", type=Path, metavar="TRUTH.csv", help="report how well absences were told"
    )
    parser.add_argument(
        "--from-day",
        type=int,
        default=0,
        metavar="D",
        help="report only what began D days after the first child was placed, or later; 42 leaves"
        " out the six weeks in which a budget is still learned",
    )


def add_cohort_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `cohort`."""
    parser.add_argument(
        "--children", type=int, required=True, metavar="N", help="how many children"
    )
    parser.add_argument("--days", type=int, required=True, metavar="D", help="how many days each")
    parser.add_argument(
        "--seed", type=int, required=True, metavar="S", help="the same seed makes the same cohort"
    )
    parser.add_argument(
        "--world",
        metavar="NAME|random",
        help="a world of another kind (docs/reference/replay.md), or a mixture drawn by the seed;"
        f" without it, the cohort of the published figures. Names: {', '.join(WORLDS)}",
    )
    parser.add_argument(
        "--events", type=Path, required=True, metavar="EVENTS.csv", help="write what happened here"
    )
    parser.add_argument(
        "--truth",
        type=Path,
        required=True,
        metavar="TRUTH.csv",
        help="write which absences were real here",
    )


def replay_command(args: argparse.Namespace) -> int:
    """Replay EVENTS.csv under a policy, write ALERTS.csv, and report where a truth is given.

    Raises Refused or OSError; nothing is written then.
    """
    if args.from_day < 0:
        raise Refused("--from-day is 0 or more.")
    policy = read_policy(args.policy) if args.policy else read(SHIPPED)
    until = moment(args.until, "until") if args.until else None
    truth = read_truth(args.truth) if args.truth else None
    # A replay makes no cycles; all that it made is gone before the collector may look again.
    with uncollected():
        _replay(args, policy, until, truth)
    return 0


def _replay(
    args: argparse.Namespace,
    policy: Policy,
    until: datetime | None,
    truth: list[Gone] | None,
) -> None:
    result = replay(_counted(read_events(args.events)), policy, until)
    write_alerts(args.alerts, result)
    sys.stdout.write(budget_report(result, policy))
    if truth is not None:
        sys.stdout.write(report(result, truth, args.from_day))


def cohort_command(args: argparse.Namespace) -> int:
    """Make a cohort and write EVENTS.csv and TRUTH.csv. Raises Refused or OSError."""
    if not 1 <= args.children <= 100_000:
        raise Refused("--children is 1 to 100,000.")
    if not 1 <= args.days <= 3_650:
        raise Refused("--days is 1 to 3,650.")
    say = progress()
    rows, truth = _maker(args.world, args.seed)(
        args.children, args.days, args.seed, lambda number: say(number, "children")
    )
    _write(args.events, HEADER, map(line, map(_event, rows)))
    _write(args.truth, TRUTH_HEADER, map(line, map(_absence, truth)))
    return 0


def _maker(name: str | None, seed: int) -> Callable[..., tuple[list[Row], list[Absence]]]:
    """What makes the cohort; of a mixture, says on stderr what was drawn. Raises Refused."""
    if name is None:
        return cohorts.cohort
    if name != RANDOM:
        return partial(make, world(name))
    mixed, words = mixture.drawn(seed)
    sys.stderr.write(f"{words}\n")
    return partial(make, mixed)


def read_policy(path: Path) -> Policy:
    """The policy that ships with what a TOML file says instead. Raises Refused."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as fault:
        # What is no TOML or no UTF-8, and a number with thousands of digits, are all ValueErrors.
        raise Refused(f"{path} is no TOML: {fault}") from None
    return read(merged(data))


# --- writing


def write_alerts(path: Path, result: Result) -> None:
    """ALERTS.csv: whole seconds, lines that end in a line feed."""
    _write(path, ALERTS_HEADER, _alerts(result.rows))


def _alerts(rows: Iterable[Alerted]) -> Iterator[str]:
    """In the order of time, many rows have the moment of the row before."""
    before, written = None, ""
    for row in rows:
        if row.at != before:
            before, written = row.at, stamp(row.at)
        yield f"{quoted(row.child)},{written},{row.level},{row.rung},{quoted(row.reason)}\n"


def _event(row: Row) -> Sequence[str]:
    at, child, kind, detail = row
    return (child, stamp(at), kind, msgspec.json.encode(detail).decode())


def _absence(absence: Absence) -> Sequence[str]:
    back = stamp(absence.back_at) if absence.back_at is not None else ""
    coerced = "true" if absence.is_coerced else "false"
    return (absence.child, stamp(absence.left_at), back, coerced)


def _write(path: Path, header: Sequence[str], lines: Iterable[str]) -> None:
    """Write beside and move into place: a file is whole or not there."""
    if path.exists() and not path.is_file():
        # A terminal or a pipe cannot be replaced.
        with path.open("w", encoding="utf-8", newline="") as file:
            _write_lines(file, header, lines)
        return
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            _write_lines(file, header, lines)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _write_lines(file: TextIO, header: Sequence[str], lines: Iterable[str]) -> None:
    file.write(line(header))
    file.writelines(lines)


# --- speed and progress


def _counted(events: Iterable[Event]) -> Iterator[Event]:
    say = progress()
    for number, event in enumerate(events, start=1):
        yield event
        if number % EACH == 0:
            say(number, "events")
