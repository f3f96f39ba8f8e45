"""mypy is told that `dataclasses.replace` cannot copy a struct: at run time it raises."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parent.parent.parent

CODE = """
import dataclasses
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec


class Terms(msgspec.Struct, frozen=True):
    n: int


class Longer(Terms, frozen=True):
    m: int


@dataclass(frozen=True)
class Case:
    terms: Terms


Any_ = TypeVar("Any_", bound=Terms)


def right(case: Case) -> Case:
    terms = msgspec.structs.replace(case.terms, n=2)
    return replace(case, terms=terms)


def wrong(case: Case, longer: Longer, either: Case | Longer, some: Any_) -> None:
    replace(case.terms, n=2)  # wrong
    dataclasses.replace(longer, n=2)  # wrong
    replace(either)  # wrong
    replace(some, n=2)  # wrong
"""


@pytest.mark.slow
def test_copying_a_struct_as_a_dataclass_is_an_error_of_types(tmp_path: Path) -> None:
    file = tmp_path / "copied.py"
    file.write_text(CODE)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "mypy_structs.py", tmp_path / "tools")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir", "cache", "copied.py"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=tmp_path,
    )
    found = re.findall(r"copied\.py:(\d+): error: dataclasses\.replace", done.stdout)
    lines = CODE.splitlines()
    assert [int(n) for n in found] == [n for n, s in enumerate(lines, 1) if "# wrong" in s], (
        done.stdout + done.stderr
    )


def test_at_run_time_it_raises() -> None:
    class Terms(msgspec.Struct, frozen=True):
        n: int

    with pytest.raises(TypeError):
        dataclasses.replace(Terms(1), n=2)  # type: ignore[type-var]
