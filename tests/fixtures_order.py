"""Long tests begin first, and each process of a run begins with its share of them.

The sweeps (every form with nonsense, every route for every role) take up to half a minute each.
Where they come last, one process works on alone while the others have nothing left.
"""

from __future__ import annotations

import os

import pytest

SWEEPS = (
    "tests/outside/test_nasty.py",
    "tests/outside/test_schema.py",
    "tests/outside/test_leaks.py",
    "tests/test_access.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes are given equal parts of the list, in its order, and take from each other later."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    sweeps = [item for item in items if item.nodeid.startswith(SWEEPS)]
    others = [item for item in items if not item.nodeid.startswith(SWEEPS)]
    size = -(-len(others) // processes)
    items[:] = [
        item
        for number in range(processes)
        for item in (*sweeps[number::processes], *others[number * size : (number + 1) * size])
    ]
