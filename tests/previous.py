"""The code of the last release, unpacked and made ready, for tests that run it beside ours.

    tree = previous.code()         a folder with `server`, `migrations` and compiled words
    tree = previous.app()          the same with its phone app built

The commit stands in migrations/released.json. Where the clone is shallow, it is fetched. Where it
cannot be had the test fails and says what to run: a test that is left out in silence would let a
gap pass. It is kept in `build/released`, which `make clean` removes.
"""

from __future__ import annotations

import fcntl
import filecmp
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORD: dict[str, str] = json.loads((ROOT / "migrations" / "released.json").read_text())
VERSION, COMMIT = RECORD["version"], RECORD["commit"]
KEPT = ROOT / "build" / "released"
NOT_TO_BE_HAD = (
    f"The code of {VERSION} cannot be had, so nobody knows whether it lives with what this code"
    f" does to the database. Run: git fetch --depth 1 origin {COMMIT}"
)


def code() -> Path:
    """The release, with its words compiled."""
    tree = KEPT / COMMIT[:12]
    with _alone():
        if not (tree / "ready").exists():
            shutil.rmtree(tree, ignore_errors=True)
            tree.mkdir(parents=True)
            with tarfile.open(fileobj=BytesIO(_archive())) as packed:
                packed.extractall(tree, filter="data")
            _run(tree, sys.executable, "-m", "tools.catalogs", "compile")
            (tree / "ready").touch()
    return tree


def app() -> Path:
    """The release, with its phone app built as it was."""
    tree = code()
    with _alone():
        if not (tree / "built").exists():
            _run(tree, sys.executable, "-m", "tools.catalogs", "pwa", "pwa/src/locale")
            _packages(tree)
            _run(tree / "pwa", *_npm(), "run", "--silent", "build", "--", "--logLevel", "warn")
            (tree / "built").touch()
    return tree


def _archive() -> bytes:
    command = ["git", "archive", "--format=tar", COMMIT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True)
    if done.returncode != 0:
        fetch = ["git", "fetch", "--quiet", "--depth", "1", "origin", COMMIT]
        subprocess.run(fetch, cwd=ROOT, capture_output=True, timeout=120)
        done = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert done.returncode == 0, NOT_TO_BE_HAD
    return done.stdout


def _packages(tree: Path) -> None:
    """Ours, where the release was built with the same ones; else its own."""
    modules = tree / "pwa" / "node_modules"
    if modules.exists():
        return
    ours = ROOT / "pwa"
    if filecmp.cmp(tree / "pwa" / "package-lock.json", ours / "package-lock.json", shallow=False):
        modules.symlink_to((ours / "node_modules").resolve())
    else:
        _run(tree / "pwa", *_npm(), "ci", "--no-audit", "--no-fund", "--loglevel=error")


def _npm() -> tuple[str, ...]:
    return ("env", f"PATH={ROOT / '.node' / 'bin'}:/usr/local/bin:/usr/bin:/bin", "npm")


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, f"{VERSION} could not be made ready: {done.stdout}{done.stderr}"


@contextmanager
def _alone() -> Iterator[None]:
    """Of several processes of a test run one makes it ready, and the others wait."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def next_code(folder: Path, migration: str) -> Path:
    """Our code with one migration more: what the next release would be to the last one."""
    for name in ("server", "policies", "pwa", "tools"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(
        ROOT / "migrations", folder / "migrations", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "migrations" / "9999_next.py").write_text(migration, encoding="utf-8")
    return folder
