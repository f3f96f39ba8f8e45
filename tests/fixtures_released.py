"""The version before: its code, and its app for the phone, once for a run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.upgrades.trees import ROOT, VERSION, Version, export


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The released code, with its words."""
    version = Version(VERSION, export(tmp_path_factory.mktemp("released")))
    asyncio.run(version.python("-m", "tools.catalogs", "compile"))
    return version


@pytest.fixture(scope="session")
def released_app(released: Version) -> Path:
    """The folder `pwa` of the released code, built as `make` builds it."""
    app = released.tree / "pwa"
    asyncio.run(released.python("-m", "tools.catalogs", "pwa", str(app / "src" / "locale")))
    _bring_packages(app)
    _npm(app, "run", "--silent", "build", "--", "--logLevel", "warn")
    return app


def _bring_packages(app: Path) -> None:
    """Those of this version where they are the same, else as its own lock says."""
    ours = ROOT / "pwa"
    locks = [(each / "package-lock.json").read_bytes() for each in (app, ours)]
    if locks[0] == locks[1]:
        (app / "node_modules").symlink_to(ours / "node_modules")
    else:
        _npm(app, "ci", "--no-audit", "--no-fund", "--loglevel=error")


def _npm(app: Path, *words: str) -> None:
    assert (ROOT / ".node" / "bin" / "npm").exists(), "Build the app first: `make setup`."
    path = f"{ROOT / '.node' / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["npm", *words], cwd=app, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
