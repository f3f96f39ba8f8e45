"""The demo agency, loaded once for a whole run and copied for each module that serves it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pwa.demo import copied, loaded

DemoFolder = Callable[[], Path]


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> DemoFolder:
    """Makes folders to serve the demo in."""
    base = tmp_path_factory.getbasetemp()
    # Each process of a run in several has a folder of its own below the one that they share.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make() -> Path:
        return copied(loaded(shared), tmp_path_factory.mktemp("agency"))

    return make
