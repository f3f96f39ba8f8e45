"""Which Node builds the app: the machine's own where it will do, else the one from PyPI."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import node


def put(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a Node, npm and npx that are good enough."""
    put(tmp_path, "node", "echo v24.1.0")
    put(tmp_path, "npm", "echo 11.0.0")
    put(tmp_path, "npx", "echo 11.0.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_node_of_the_machine_is_taken(path: Path) -> None:
    found = node.on_path()
    assert found is not None
    assert found["npm"] == [str(path / "npm")]


def test_an_older_node_is_not_taken(path: Path) -> None:
    put(path, "node", "echo v20.20.2")
    assert node.on_path() is None


def test_an_npm_that_does_not_start_is_not_taken(path: Path) -> None:
    put(path, "npm", "exit 1")
    assert node.on_path() is None


def test_no_node_is_no_node(path: Path) -> None:
    (path / "node").unlink()
    assert node.on_path() is None


@pytest.mark.parametrize(
    ("words", "version"), [("v22.0.1\n", 22), ("", 0), ("v", 0), ("node: not found", 0)]
)
def test_a_version_is_read(words: str, version: int) -> None:
    assert node.major(words) == version


def test_a_wrapper_hands_its_arguments_on(tmp_path: Path) -> None:
    node.wrap({"npm": ["/bin/echo", "a b"]}, tmp_path / "bin")
    wrapper = tmp_path / "bin" / "npm"
    done = subprocess.run([wrapper, "c  d", "e"], capture_output=True, text=True, check=True)
    assert done.stdout == "a b c  d e\n"
