"""The demo agency, served by a process of its own in a folder of its own, as a person would."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ports import free_port

ROOT = Path(__file__).parents[2]


def loaded(shared: Path) -> Path:
    """A folder in which the demo has been loaded and never served, for copying. Of all processes
    that share that other folder one loads it: that takes ten seconds of a processor."""
    folder = shared / "demo"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "var" / "demo.json").exists():
            folder.mkdir()
            command = [sys.executable, "-m", "server", "demo"]
            done = subprocess.run(
                command, cwd=folder, env=_environment(ROOT), capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
    return folder


def copied(loaded: Path, folder: Path) -> Path:
    """The same demo in a folder of its own."""
    shutil.copytree(loaded / "var", folder / "var")
    return folder


def _environment(root: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
    return clean | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}


@contextmanager
def demo_agency(
    folder: Path, *words: str, port: int = 0, root: Path = ROOT, **settings: str
) -> Iterator[dict[str, Any]]:
    """What var/demo.json says, while it is served; `settings` are of the environment.

    `words` follow the command: `--fast`. In a folder where it was served before, it goes on with
    the same people; at the same port it is the same server again. `root` has the code of it.
    """
    with (folder / "out.txt").open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "server",
                "demo",
                "--serve",
                "--port",
                str(port or free_port()),
                *words,
            ],
            cwd=folder,
            env=_environment(root) | settings,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
        )
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "Stop with Ctrl-C" in line:
                break
        else:
            log = (folder / "out.txt").read_text(encoding="utf-8")
            raise AssertionError("".join(said) + log[-2000:])
        yield json.loads((folder / "var" / "demo.json").read_text(encoding="utf-8"))
    finally:
        process.terminate()
        process.stdout.close()
        process.wait(20)
