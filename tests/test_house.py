"""What keeps the code readable: sizes, words and names. `tests/house.toml` lists what is allowed.

A list may only get shorter: an entry that is no longer needed turns its test red as well.
"""

from __future__ import annotations

import ast
import re
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SERVER = ROOT / "server"
FILES = sorted(SERVER.rglob("*.py"))
ALLOWED = tomllib.loads((ROOT / "tests" / "house.toml").read_text(encoding="utf-8"))
LINES_OF_A_FILE, LINES_OF_A_FUNCTION, PARAMETERS, FILES_OF_A_ROOM = 400, 40, 6, 20

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Everything in a file, read once for all tests."""
    return [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]


def functions() -> Iterator[tuple[str, Function]]:
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, Function):
                yield f"{path.relative_to(SERVER)} {node.name}", node


def parameters(node: Function) -> int:
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([each for each in named if each.arg not in ("self", "cls")])


@cache
def names() -> Counter[str]:
    """How often every name is bound to a value."""
    return Counter(_bound())


def _bound() -> Iterator[str]:
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.arg):
                yield node.arg


@cache
def prose() -> str:
    """Every comment and docstring of the server."""
    return "\n".join(_comments())


def _comments() -> Iterator[str]:
    for path in FILES:
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.COMMENT:
                    yield token.string
        for node in nodes(path):
            if isinstance(node, ast.Module | ast.ClassDef | Function):
                yield ast.get_docstring(node) or ""


def test_a_file_is_at_most_400_lines_long() -> None:
    lines = {str(path.relative_to(SERVER)): path.read_text().count("\n") for path in FILES}
    assert {name: n for name, n in lines.items() if n > LINES_OF_A_FILE} == {}


def test_a_function_is_at_most_40_lines_long() -> None:
    lines = [(name, (node.end_lineno or 0) - node.lineno + 1) for name, node in functions()]
    assert [each for each in lines if each[1] > LINES_OF_A_FUNCTION] == []


def test_a_function_takes_at_most_six_parameters_or_says_why() -> None:
    many = {name for name, node in functions() if parameters(node) > PARAMETERS}
    assert many == {*ALLOWED["many_parameters"]}


def test_a_room_has_at_most_20_files() -> None:
    rooms = Counter(str(path.parent.relative_to(SERVER)) for path in FILES)
    assert {room: n for room, n in rooms.items() if n > FILES_OF_A_ROOM} == {}


@pytest.mark.parametrize("name", ALLOWED["names"])
def test_names_that_say_nothing_become_fewer(name: str) -> None:
    assert names()[name] <= ALLOWED["names"][name]


@pytest.mark.parametrize("word", ALLOWED["words"])
def test_words_of_the_old_language_become_fewer_in_comments(word: str) -> None:
    pattern = re.compile(rf"\b{word}\b", re.IGNORECASE)
    assert len(pattern.findall(prose())) <= ALLOWED["words"][word]
