"""The figures, pictures and tables of the worlds in docs/frontier.md.

- `measure`: what is not measured yet, or was measured with another policy or other code. It may be
  stopped at any time and goes on where it was. About 20 minutes on one core; `measure 60`, with
  60 seeds for each world in place of 20, takes an hour and judges more classes of children.
- `draw`: the pictures and the tables from what is measured.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path

from tools.frontier import measured, measuring
from tools.frontier.measured import Line

FILE = Path("docs/pictures/worlds.jsonl")


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the kind of its lines, its name among `runs` there, and what measures it."""

    of: str
    world: str
    name: int | str
    measure: Callable[[], Iterable[Line]]

    def is_in(self, lines: Iterable[Line]) -> bool:
        """Whether it was measured."""
        return any(
            line["of"] == self.of
            and line.get("world", self.world) == self.world
            and self.name in line["runs"]
            for line in lines
        )


def runs(seeds: int = measuring.USUAL_SEEDS) -> Iterator[Run]:
    """Every run: all worlds with one seed before any has two."""
    for name in (measuring.ORDINARY, *measuring.WORLDS):
        seed = measuring.WEEK_SEED
        yield Run("week", name, seed, partial(measuring.of_week, name, seed))
    for row in islice(zip(*measuring.SEEDS.values(), strict=True), seeds):
        for name, seed in zip(measuring.SEEDS, row, strict=True):
            yield Run("world", name, seed, partial(measuring.of_world, name, seed))
    for row in zip(*measuring.CURVE_SEEDS.values(), strict=True):
        for name, seed in zip(measuring.CURVE_SEEDS, row, strict=True):
            about = f"{name} {seed}"
            yield Run("curve", name, about, partial(measuring.of_curve, name, seed))


def measure(every: Sequence[Run], file: Path, policy: Path) -> None:
    """Measure what is missing. The file is whole after each run, and keeps what was measured
    otherwise until the same is measured anew."""
    with_what = {
        "policy": measured.policy_hash(policy),
        "code": measured.code(),
        **measuring.SIZE,
    }
    lines = {measured.name_of(line): line for line in measured.read(file)}
    for number, run in enumerate(every, start=1):
        fresh = {name: line for name, line in lines.items() if with_what.items() <= line.items()}
        if run.is_in(fresh.values()):
            continue
        began, used = time.perf_counter(), time.process_time()
        for line in run.measure():
            name = measured.name_of(line)
            lines[name] = measured.added(fresh.get(name), line | with_what)
        measured.write(file, list(lines.values()))
        took, cpu = time.perf_counter() - began, time.process_time() - used
        what = f"{run.of} {run.world} {run.name}"
        print(f"{number} of {len(every)}: {what}, {took:.0f} s ({cpu:.1f} s of CPU)", flush=True)


def draw(file: Path) -> int:
    """Write the pictures and the page, or say what is missing."""
    # Its tables need the whole server, which a measurement does without.
    drawn = import_module("tools.frontier.files").drawn
    try:
        files = drawn(measured.read(file))
    except ValueError as fault:
        print(f"Nothing is drawn: {fault}.", file=sys.stderr)
        return 1
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return 0


def main(arguments: Sequence[str]) -> int:
    """The command."""
    match arguments:
        case ["measure"]:
            measure(list(runs()), FILE, measuring.POLICY)
        case ["measure", seeds] if seeds.isdecimal():
            measure(list(runs(int(seeds))), FILE, measuring.POLICY)
        case ["draw"]:
            return draw(FILE)
        case _:
            print("python -m tools.frontier measure [SEEDS] | draw", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
