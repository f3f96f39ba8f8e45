"""Names that leave the process: a rename locks a database, breaks a link or loses a phone's words.

`tests/stored_names.toml` holds each of them. A name that is new is added there; one that is stored
changes only with a migration of its rows, those of the record never.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
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


def calls(*names: str) -> Iterator[ast.Call]:
    for path in (ROOT / "server").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in names:
                    yield node


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
    for path in (ROOT / "server").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                for target in node.targets:
                    if isinstance(target, ast.Name) and target.id.endswith(ends):
                        yield str(node.value.value)


def tables() -> Iterator[str]:
    for path in (ROOT / "migrations").glob("0*.py"):
        yield from re.findall(r'"table": "(\w+)"', path.read_text(encoding="utf-8"))


NOW: dict[str, set[str]] = {
    "audit": {
        text
        for call in calls("note", "note_lines")
        if len(call.args) > 1
        for text in texts(call.args[1])
    }
    | {text for call in calls("note_about") for text in texts(call.args[2])},
    "keys": {MARK, *(text for call in calls("_derive") for text in texts(call.args[1]))},
    "messages": {kind.value for kind in Message},
    "phone_outbox": {*in_phone(r'\bkind: "([\w-]+)";')},
    "phone_stores": {*in_phone(r'createObjectStore\("(\w+)"')},
    "policy": {*keys_of(SHIPPED)},
    "purposes": {*constants("PURPOSE", "PROOF", "LINK", "TAP", "REACHED", "ARRIVED")}
    | {
        text
        for call in calls("sign", "unsign")
        if len(call.args) > 1
        for text in texts(call.args[1])
        if "," not in text
    },
    "tables": {*tables()},
    "tasks": {kind.value for kind in Task},
    "backup_format": {str(FORMAT)},
}


@pytest.mark.parametrize("what", sorted(NOW))
def test_stored_names_are_those_that_are_written_down(what: str) -> None:
    assert sorted(NOW[what]) == WRITTEN[what]


def test_nothing_is_written_down_twice_or_for_nothing() -> None:
    assert {*WRITTEN} == {*NOW}
