"""Tests draw the same examples each time; `make explore` draws new ones, and says what to pin."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.explore import to_pin

ROOT = Path(__file__).resolve().parents[2]
# They take any free port, or say which seed they drew: no example.
NO_EXAMPLE = {"tests/ports.py", "tests/explore.py", "tests/fuzz/__main__.py"}

PROPERTIES = """
from datetime import UTC, datetime, timedelta
import pytest
from hypothesis import given
from hypothesis import strategies as st

@pytest.fixture(scope="module")
def fixture():
    return object()

@given(st.timedeltas(timedelta(0), timedelta(days=9)), st.just(datetime(2026, 3, 27, tzinfo=UTC)))
def test_falls(fixture, lasts, at):
    assert lasts < timedelta(seconds=5)

@given(st.integers())
def test_holds(n):
    assert n == n

@pytest.mark.drawn
def test_a_machine():
    raise ValueError("the steps that lead there")

def test_draws_nothing():
    assert not "run"
"""


@pytest.mark.slow
def test_it_prints_what_breaks_as_a_line_to_pin_and_ends_by_itself(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    for name in ("__init__.py", "conftest.py", "ports.py", "postgres.py", "explore.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests" / "test_some.py").write_text(PROPERTIES)
    done = subprocess.run(
        [sys.executable, "-m", "tests.explore", "--rounds", "1", "--seed", "7"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    at = "datetime(2026, 3, 27, 0, 0, tzinfo=UTC)"
    assert f"@example(lasts=timedelta(days=1), at={at})\n" in done.stdout
    assert "test_a_machine\nValueError (seed 7): the steps that lead there\n" in done.stdout
    assert "Round 1, seed 7\n" in done.stdout
    assert "2 found." in done.stdout
    assert "test_draws_nothing" not in done.stdout


@pytest.mark.slow
def test_a_run_that_cannot_begin_ends_with_what_pytest_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.explore", "--minutes", "1", "tests/no_such_file.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no_such_file.py" in done.stderr


def test_what_no_line_can_say_stays_as_hypothesis_says_it() -> None:
    steps = "Failing test case:\nstate = Here()\nstate.tick()\nstate.teardown()"
    drawn = "Failing test case: test_x(\n    data=data(...),\n)"
    blob = "You can reproduce this test case by temporarily adding @reproduce_failure(...)"
    assert [to_pin(note, set()) for note in (steps, drawn, blob)] == [steps, drawn, blob]


@given(st.integers())
@example(0)
def test_examples_are_the_same_each_time(n: int) -> None:
    if settings.get_current_profile_name() != "explore":
        assert settings().derandomize


@pytest.mark.slow
def test_no_test_takes_chances_without_a_seed() -> None:
    unseeded = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if str(path.relative_to(ROOT)) not in NO_EXAMPLE
        for line in _unseeded(ast.parse(path.read_text()))
    ]
    assert not unseeded


def _unseeded(tree: ast.AST) -> list[int]:
    """Where the generator of the module is asked, or one is made without a seed."""
    imports = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = [one for one in calls if ast.unparse(one.func) in ("Random", "random.Random")]
    asked = [one for one in calls if ast.unparse(one.func).startswith("random.")]
    if "random" not in imports:
        asked = []
    return [one.lineno for one in made if not one.args] + [
        one.lineno for one in asked if one not in made
    ]
