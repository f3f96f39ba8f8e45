"""A skipped test fails the run, in one process and in several."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
@pytest.mark.parametrize("how", [[], ["-n", "1"]])
@pytest.mark.parametrize(
    ("body", "code"),
    [("pass", 0), ("import pytest; pytest.skip('no database here')", 1)],
)
def test_a_skipped_test_fails_the_run(tmp_path: Path, body: str, code: int, how: list[str]) -> None:
    (tmp_path / "tests").mkdir()
    for name in ("__init__.py", "conftest.py", "ports.py", "postgres.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests" / "test_some.py").write_text(f"def test_some():\n    {body}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *how], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout
    assert ("Skipped tests count as failed here." in done.stdout) == bool(code)
