"""What the code imports is named in pyproject.toml, not there by the grace of another package."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions

import pytest

from tools.locks import LOCKS, ROOT, Lock, requirements

OURS = {"server", "migrations", "tests", "tools"}


def imported(folder: str) -> Iterator[str]:
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (each.name.split(".")[0] for each in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.split(".")[0]


def declared(lock: Lock) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = (re.split(r"[\[<>=!~; ]", each)[0] for each in requirements(lock, project))
    return {plain(name) for name in names}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "locks"),
    [("server", [LOCKS[0], LOCKS[3]]), ("migrations", LOCKS[:1]), ("tests", LOCKS[1:2])],
)
def test_every_import_is_declared(folder: str, locks: Sequence[Lock]) -> None:
    packages = packages_distributions()
    allowed = {name for lock in locks for name in declared(lock)}
    foreign = set(imported(folder)) - OURS - set(sys.stdlib_module_names)
    undeclared = {
        name for name in foreign if not {plain(each) for each in packages.get(name, [])} & allowed
    }
    assert undeclared == set()
