"""The measured file: JSON lines, one for each world, that add up what their runs came to.

A line names the policy and the code that it was measured with, so that a measurement which was
stopped goes on, and nothing is measured twice.
"""

import ast
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import server as rooms

Line = dict[str, Any]
# What a line is about.
NAMES = ("of", "world", "roll_calls", "times")
# What it was measured with: lines that differ in one of these are not added up.
WITH = ("policy", "code", "children", "days", "from_day")
# The rooms whose code decides what a replay comes to, and where it begins.
ROOMS = ("alerts", "clock", "policy", "roll_calls", "simulation", "watch")
BEGIN = ("server.simulation.replay", "server.simulation.worlds.making")
SERVER = Path(str(rooms.__file__)).parent


def code(server: Path = SERVER) -> str:
    """A short hash of the code that decides. Comments, docstrings and layout do not count."""
    digest, seen, left = hashlib.sha256(), set[str](), list(BEGIN)
    while left:
        name = left.pop()
        path = server.joinpath(*name.split(".")[1:]).with_suffix(".py")
        if name in seen or name.split(".")[1:2][0] not in ROOMS or not path.exists():
            continue
        seen.add(name)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        left += sorted(_imported(tree), reverse=True)
        digest.update(f"{name} {ast.dump(_without_docstrings(tree))}".encode())
    return digest.hexdigest()[:12]


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return tree


def _imported(tree: ast.Module) -> Iterator[str]:
    """The modules of ours that one imports: `from server.a import b` may mean server/a/b.py."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("server."):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "server":
            yield from (f"server.{alias.name}" for alias in node.names)


def policy_hash(path: Path) -> str:
    """A short hash of a policy's file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def name_of(line: Line) -> tuple[Any, ...]:
    """What a line is about, whatever it was measured with."""
    return tuple(line.get(name) for name in NAMES)


def added(before: Line | None, run: Line) -> Line:
    """A line with one run more. `runs` names those that are in it."""
    if before is None:
        return run
    return {name: _added(name, before[name], value) for name, value in run.items()}


def _added(name: str, before: Any, value: Any) -> Any:
    if name in (*NAMES, *WITH):
        return value
    if isinstance(value, dict):
        return {key: _sums(before.get(key), value.get(key)) for key in sorted({*before, *value})}
    return [*before, *value] if name == "runs" else round(before + value, 2)


def _sums(before: list[float] | None, value: list[float] | None) -> list[float]:
    if before is None or value is None:
        return before or value or []
    return [round(a + b, 2) for a, b in zip(before, value, strict=True)]


def read(path: Path) -> list[Line]:
    """The lines. A last line that a kill cut off is left out."""
    return list(_whole(path.read_text(encoding="utf-8"))) if path.exists() else []


def _whole(text: str) -> Iterator[Line]:
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def write(path: Path, lines: list[Line]) -> None:
    """All lines, in the order of what they are about: a file is whole or not there."""
    ordered = sorted(lines, key=lambda line: [str(part) for part in name_of(line)])
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        beside.write_text("".join(f"{json.dumps(line)}\n" for line in ordered), encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
