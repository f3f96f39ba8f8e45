"""A migrated database of each kind, and a clock that stands still until it is driven.

async def test_something(db, clock):      runs twice, ids `sqlite` and `postgres`
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tortoise import Tortoise
from tortoise.backends.base.executor import EXECUTOR_CACHE

from server.security import encryption
from server.storage.db import close_database, connection, open_database
from server.storage.engines.migrate import migrate
from tests import postgres as postgresql
from tests.reuse import Reused

BOTH = ["sqlite", "postgres"]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """A database that a test may do with as it likes."""

    url: str
    dialect: str


class DrivenClock:
    """A clock whose hands only the test moves; it never goes back by itself."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def advance(self, **how_far: float) -> datetime:
        """`clock.advance(minutes=5)`; the new moment."""
        self._now += timedelta(**how_far)
        return self._now

    def set(self, moment: datetime) -> datetime:
        """Any moment, also an earlier one."""
        assert moment.tzinfo is not None, "a clock shows moments with a zone"
        self._now = moment.astimezone(UTC)
        return self._now


@pytest.fixture
def clock() -> DrivenClock:
    """Noon, UTC, on a Monday in March."""
    return DrivenClock(datetime(2026, 3, 2, 12, tzinfo=UTC))


@pytest.fixture
def keyring() -> Iterator[encryption.Keyring]:
    """A keyring of the tests' own, in use for the length of the test."""
    ring = encryption.Keyring(["a secret of the tests and of nothing else"])
    encryption.use(ring)
    yield ring
    encryption.use(None)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database after all migrations, for copying."""
    path = tmp_path_factory.mktemp("migrated") / "waymark.sqlite3"
    asyncio.run(migrate(f"sqlite://{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres: postgresql.Server) -> str:
    """The name of a PostgreSQL database after all migrations, for copying."""
    asyncio.run(migrate(postgres.create_database("migrated")))
    return "migrated"


@pytest.fixture(scope="session")
def reused(postgres: postgresql.Server, migrated_template: str) -> Iterator[Reused]:
    """The PostgreSQL database that one test after the other gets, as after all migrations."""
    with Reused(postgres, template=migrated_template) as database:
        yield database


@pytest.fixture
def make_empty(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[str], Database]]:
    """`make_empty("sqlite")`: a new database without any table, not opened."""
    made: list[str] = []

    def make(dialect: str) -> Database:
        name = f"t{next(_numbers)}"
        if dialect == "sqlite":
            return Database(f"sqlite://{tmp_path / name}.sqlite3", dialect)
        made.append(name)
        return Database(request.getfixturevalue("postgres").create_database(name), dialect)

    yield make
    for name in made:
        request.getfixturevalue("postgres").drop_database(name)


@pytest.fixture(params=BOTH)
def empty(request: pytest.FixtureRequest, make_empty: Callable[[str], Database]) -> Database:
    """A new database without any table, of each kind, not opened."""
    return make_empty(request.param)


@pytest.fixture(params=BOTH)
def migrated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database after all migrations, of each kind, not opened: for what opens it itself."""
    if request.param == "sqlite":
        path = tmp_path / "waymark.sqlite3"
        shutil.copyfile(request.getfixturevalue("migrated_file"), path)
        yield Database(f"sqlite://{path}", "sqlite")
        return
    reused: Reused = request.getfixturevalue("reused")
    alone = request.node.get_closest_marker("alone") is not None
    url, pooler = reused.take(alone=alone), request.getfixturevalue("pooler")
    if pooler is not None:
        url = url.replace(f":{request.getfixturevalue('postgres').port}/", f":{pooler}/")
    yield Database(url, "postgres")
    reused.give_back()


# What the ORM writes and deletes rows with: the same in each database of a kind, and long to make.
_statements: dict[str, dict[Any, Any]] = {}


@pytest_asyncio.fixture
async def db(migrated: Database, keyring: encryption.Keyring) -> AsyncIterator[Database]:
    """A migrated database of each kind, open, with a keyring in use."""
    # On a busy machine a server that was never away may take more than the seconds of a process.
    await open_database(migrated.url + ("?timeout=60" if migrated.dialect == "postgres" else ""))
    if migrated.dialect not in _statements:
        for model in Tortoise.apps["server"].values():
            connection().executor_class(model, connection())
        _statements[migrated.dialect] = dict(EXECUTOR_CACHE)
    EXECUTOR_CACHE.update(_statements[migrated.dialect])
    yield migrated
    await close_database()
