"""One version, said in two places: to packages, and to databases."""

from __future__ import annotations

import tomllib
from pathlib import Path

from server import VERSION

ROOT = Path(__file__).resolve().parents[2]


def test_the_code_says_the_version_that_the_package_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
