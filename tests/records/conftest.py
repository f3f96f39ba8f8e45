"""Databases to restore into."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import postgres as postgresql
from tests.fixtures import Database

Make = Callable[[str], Database]
_numbers = itertools.count(1)


@pytest.fixture
def make_target(
    tmp_path: Path, postgres: postgresql.Server, migrated_file: Path, migrated_template: str
) -> Iterator[Make]:
    """`make_target("sqlite")`: another migrated database without anybody, not opened."""
    made: list[str] = []

    def make(dialect: str) -> Database:
        name = f"target{next(_numbers)}"
        if dialect == "sqlite":
            path = tmp_path / f"{name}.sqlite3"
            shutil.copyfile(migrated_file, path)
            return Database(f"sqlite://{path}", dialect)
        made.append(name)
        return Database(postgres.create_database(name, template=migrated_template), dialect)

    yield make
    for name in made:
        postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest, make_target: Make) -> Database:
    """Another migrated database of each kind, not opened."""
    return make_target(request.param)
