"""Names that leave the process: a rename locks a database, breaks a link or loses a phone's words.

`tests/stored_names.toml` holds each of them. A name that is new is added there; one that is stored
changes only with a migration of its rows, those of the record never.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from server.notify.rules import Kind as Message
from server.policy.model import SHIPPED
from server.records.backup.archive import FORMAT
from server.security.encryption import MARK
from server.tasks.rules import Kind as Task

ROOT = Path(__file__).parent.parent
FILE = ROOT / "tests" / "stored_names.toml"
WRITTEN: dict[str, list[str]] = tomllib.loads(FILE.read_text(encoding="utf-8"))


@cache
def modules() -> list[ast.Module]:
    """Every module of the server, parsed once."""
    files = (ROOT / "server").rglob("*.py")
    return [ast.parse(path.read_text(encoding="utf-8")) for path in files]


@cache
def all_calls() -> dict[str, list[ast.Call]]:
    """Every call in the server, by the name that is called."""
    found: dict[str, list[ast.Call]] = {}
    for module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                found.setdefault(name, []).append(node)
    return found


def calls(*names: str) -> Iterator[ast.Call]:
    for name in names:
        yield from all_calls().get(name, ())


def texts(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inside in value.items():
            yield key
            yield from keys_of(inside)


def in_phone(pattern: str) -> Iterator[str]:
    for path in (ROOT / "pwa" / "src" / "store").glob("*.ts"):
        yield from re.findall(pattern, path.read_text(encoding="utf-8"))


def constants(*ends: str) -> Iterator[str]:
    """The texts of names such as `_PURPOSE`."""
    for module in modules():
        for node in module.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                for target in node.targets:
                    if isinstance(target, ast.Name) and target.id.endswith(ends):
                        yield str(node.value.value)


def tables() -> Iterator[str]:
    for path in (ROOT / "migrations").glob("0*.py"):
        yield from re.findall(r'"table": "(\w+)"', path.read_text(encoding="utf-8"))


def audit_kinds() -> Iterator[str]:
    for call in calls("note", "note_all", "note_lines"):
        if len(call.args) > 1:
            # ":" alone stands between two variables.
            yield from (text for text in texts(call.args[1]) if text != ":")
    for call in calls("note_about"):
        yield from texts(call.args[2])

    # Rows of the record that are written many at once.
    for module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.Dict):
                keys = [each.value for each in node.keys if isinstance(each, ast.Constant)]
                if {"who_role", "what"} <= {*keys}:
                    value = node.values[keys.index("what")]
                    if isinstance(value, ast.Constant):
                        yield str(value.value)


def purposes() -> Iterator[str]:
    yield from constants("PURPOSE", "PROOF", "LINK", "TAP", "REACHED", "ARRIVED")
    for call in calls("sign", "unsign"):
        if len(call.args) > 1:
            yield from (text for text in texts(call.args[1]) if "," not in text)


# Asked when the test runs: every process of a run reads this file, and one runs the tests.
NOW: dict[str, Callable[[], Iterable[str]]] = {
    "audit": audit_kinds,
    "keys": lambda: (MARK, *(text for call in calls("_derive") for text in texts(call.args[1]))),
    "messages": lambda: (kind.value for kind in Message),
    "phone_outbox": lambda: in_phone(r'\bkind: "([\w-]+)";'),
    "phone_stores": lambda: in_phone(r'createObjectStore\("(\w+)"'),
    "policy": lambda: keys_of(SHIPPED),
    "purposes": purposes,
    "tables": tables,
    "tasks": lambda: (kind.value for kind in Task),
    "backup_format": lambda: (str(FORMAT),),
}


@pytest.mark.parametrize("what", sorted(NOW))
def test_stored_names_are_those_that_are_written_down(what: str) -> None:
    assert sorted({*NOW[what]()}) == WRITTEN[what]


def test_nothing_is_written_down_twice_or_for_nothing() -> None:
    assert {*WRITTEN} == {*NOW}
