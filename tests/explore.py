"""`make explore`: draw new examples for a given time, and print what breaks as a line to pin.

`make test` draws the same examples each time, so that it says whether a change broke what had held.
New ones are drawn here: by every Hypothesis property, by the state machines, by the lives at random
and by schemathesis (the tests marked `drawn`), round after round, each with a seed of its own.

`python -m tests.explore [--minutes N] [--rounds N] [--seed N] [PYTEST ARGUMENT ...]`; ends with 1
where it found something.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings

ROOT = Path(__file__).resolve().parent.parent
# So many examples a property in each round. State machines and rows take longer than rules.
EXAMPLES = 100
# A test that is running when the time is over may end; one that stands still may not.
OVERTIME_S = 1900
# What begins a finding in the output of a round, and ends it.
BEGIN, END = "--- found by ", "---"
# Of pytest: all passed, some failed, and the time is over or nothing draws.
GOOD = (0, 1, 5)


class Broken(Exception):
    """The run itself could not go on: another round would end the same way."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="make explore", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=10**9, help="at most so many")
    parser.add_argument("--seed", type=int, help="of the first round; without it, a new one")
    given, rest = parser.parse_known_args(arguments)
    until = time.time() + given.minutes * 60
    dice = random.Random(given.seed)  # noqa: S311 (examples, no secret)
    seed = given.seed if given.seed is not None else dice.randrange(10**9)
    found: dict[str, str] = {}
    rounds = 0
    while time.time() < until and rounds < given.rounds:
        rounds += 1
        print(f"Round {rounds}, seed {seed}", flush=True)
        for text in _round(seed, until, rest):
            # The same fault is found again in each round, most often by another example.
            where = text.splitlines()[0]
            if where not in found:
                found[where] = text
                print(text, flush=True)
        seed = dice.randrange(10**9)
    print(f"{rounds} rounds in {given.minutes:g} minutes, {len(found)} found.", flush=True)
    return 1 if found else 0


def _round(seed: int, until: float, rest: list[str]) -> Iterator[str]:
    """One run of pytest; what it found, as it finds it."""
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "tests.explore"]
    command += [f"--hypothesis-seed={seed}", f"--explore-until={until}", "-q", "--tb=no"]
    # It runs beside other work, and slowly: no test is ended before it is half an hour old.
    command += ["-p", "no:cacheprovider", "-o", "timeout=1800"]
    numbers = {
        "WAYMARK_TEST_EXAMPLES": str(EXAMPLES),
        "WAYMARK_TEST_SEED": str(seed),
        "WAYMARK_TEST_PATIENCE_S": "1500",
        "WAYMARK_TEST_SEEDS": " ".join(str(seed + n) for n in range(3)),
    }
    with subprocess.Popen(
        [*command, *rest],
        cwd=ROOT,
        env={**numbers, **os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        assert run.stdout is not None
        guard = threading.Timer(max(until - time.time(), 0) + OVERTIME_S, run.kill)
        guard.start()
        try:
            last: deque[str] = deque(maxlen=40)
            lines = (line.rstrip("\n") for line in run.stdout)
            for line in lines:
                last.append(line)
                if line.startswith(BEGIN):
                    yield "\n".join([line, *takewhile(lambda one: one != END, lines)])
        finally:
            guard.cancel()
            run.kill()
    if run.returncode not in GOOD:
        raise Broken("\n".join([f"Pytest ended with {run.returncode} (seed {seed}):", *last]))


# --- inside the run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--explore-until", type=float, default=0.0)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """After conftest.py, which fixes the examples. A fault that is kept would be found once more in
    each round, in the place of a new one."""
    settings.register_profile(
        "explore",
        deadline=None,
        derandomize=False,
        database=None,
        print_blob=True,
        max_examples=EXAMPLES,
    )
    settings.load_profile("explore")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only what draws, and in another order each time: what is last is reached as often."""
    drawn = [item for item in items if _draws(item)]
    random.Random(config.getoption("hypothesis_seed")).shuffle(drawn)  # noqa: S311
    items[:] = drawn


def _draws(item: pytest.Item) -> bool:
    test = getattr(item, "obj", None)
    return is_hypothesis_test(test) or item.get_closest_marker("drawn") is not None


def pytest_runtest_setup(item: pytest.Item) -> None:
    until = item.config.getoption("explore_until")
    if until and time.time() > until:
        pytest.exit("The time is over.", returncode=5)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.excinfo is not None and call.when != "teardown":
        fixtures = set(getattr(item, "funcargs", ()))
        for error in _each(call.excinfo.value):
            _tell(item.config, _finding(item, error, fixtures))
    return report


def _tell(config: pytest.Config, lines: list[str]) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    assert reporter is not None
    for line in ["", *lines]:  # The dots of the tests before end first.
        reporter.write_line(line)


def _each(error: BaseException) -> list[BaseException]:
    """Hypothesis tells several faults of one test in a group."""
    if isinstance(error, BaseExceptionGroup):
        return [one for inner in error.exceptions for one in _each(inner)]
    return [error]


def _finding(item: pytest.Item, error: BaseException, fixtures: set[str]) -> list[str]:
    notes = [to_pin(note, fixtures) for note in getattr(error, "__notes__", ())]
    # What has no example to pin is told at length: schemathesis gives a line of curl.
    told = str(error).strip().splitlines()[: 3 if notes else None]
    seed = item.config.getoption("hypothesis_seed")
    head = f"{type(error).__name__} (seed {seed}): " + "\n".join(told)[-6000:]
    return [f"{BEGIN}{item.nodeid}", *"\n".join([head, *notes]).splitlines(), END]


def to_pin(note: str, fixtures: set[str]) -> str:
    """A note of Hypothesis as what a developer writes above the test: `@example(…)`, or its own
    `@reproduce_failure(…)` where no line can say it (`st.data()`, the steps of a machine). A note
    that is neither comes back as it is."""
    begun, _, call = note.partition(": ")
    if begun not in ("Failing test case", "Failing explicit example"):
        return note
    # Each argument begins a line; what a fixture gave is none of the example, and no Python either.
    parts = re.split(r"^ {4}(?=\w+=)", call, flags=re.MULTILINE)[1:]
    kept = [part.removesuffix(")") for part in parts if part.split("=")[0] not in fixtures]
    if any("data(" in part for part in kept):
        return note
    try:
        tree = ast.parse(f"example({''.join(kept)})", mode="eval")
    except SyntaxError:
        return note
    return "@" + ast.unparse(_Plain().visit(tree))


class _Plain(ast.NodeTransformer):
    """Names as our tests import them: `timedelta`, not `datetime.timedelta`."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if ast.unparse(node) in ("datetime.timezone.utc", "timezone.utc"):
            return ast.Name("UTC")
        if isinstance(node.value, ast.Name) and node.value.id in ("datetime", "zoneinfo"):
            return ast.Name(node.attr)
        return node


if __name__ == "__main__":
    # What was told to end takes its run of pytest along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1:]))
    except Broken as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
