"""The demo agency, served by a process of its own in a folder of its own, as a person would."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


@contextmanager
def demo_agency(
    folder: Path, *words: str, port: int = 0, root: Path = ROOT, **settings: str
) -> Iterator[dict[str, Any]]:
    """What var/demo.json says, while it is served; `settings` are of the environment.

    `words` follow the command: `--fast`. In a folder where it was served before, it goes on with
    the same people; at the same port it is the same server again. `root` has the code of it.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
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
            env=clean | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"} | settings,
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
