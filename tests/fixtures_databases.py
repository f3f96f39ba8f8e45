"""Each test on both databases, or each on one of them: `pytest --databases turns`.

While one works, what a test asks for is the same on both nearly always, and half of the time
buys half of the answers twice. Whatever writes SQL by hand (`tests/storage`) runs on both all the
same, and so does everything before a merge (`make test`). Which database a test gets hangs on its
name alone: a red one is red again.
"""

from __future__ import annotations

import re
from zlib import crc32

import pytest

from tests.fixtures import BOTH

ALWAYS_BOTH = "tests/storage/"
_DATABASE = re.compile(r"(?<=[\[-])(sqlite|postgres)(?=[\]-])")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--databases",
        choices=["both", "turns"],
        default="both",
        help="each test on both databases, or half of the tests on one and half on the other",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--databases") == "both":
        return
    names = {item.nodeid for item in items}
    turns = [(item, is_its_turn(item.nodeid, names)) for item in items]
    config.hook.pytest_deselected(items=[item for item, its_turn in turns if not its_turn])
    items[:] = [item for item, its_turn in turns if its_turn]


def is_its_turn(name: str, names: set[str]) -> bool:
    """Whether the test of this name runs; it does where there is none for the other database."""
    found = _DATABASE.search(name)
    if found is None or name.startswith(ALWAYS_BOTH):
        return True
    other = BOTH[1 - BOTH.index(found[0])]
    if name[: found.start()] + other + name[found.end() :] not in names:
        return True
    without = name[: found.start()] + name[found.end() :]
    return found[0] == BOTH[crc32(without.encode()) % 2]
