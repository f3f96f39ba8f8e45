"""The tool writes migrations that make what the models declare, and then has nothing to say."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import pytest

from server.storage.db import close_database, fetch, open_database, tortoise_config
from server.storage.engines.editors import MigrationFault
from server.storage.engines.migrate import migrate
from tests.storage.migrations_by_hand import Package
from tests.storage.schema import checks, columns, indexes
from tools.migrations import lacking, missing, written

_numbers = itertools.count(1)
HEAD = """
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model
from server.storage.engines.indexes import PartialIndex
"""
# In the order of the alphabet the one that refers comes first, which PostgreSQL would refuse.
MODELS = '''
class Arrival(Model):
    """{words}"""
    id = fields.IntField(primary_key=True)
    house = fields.ForeignKeyField("server.House", related_name="arrivals")
    at = fields.DatetimeField()
    left_at = fields.DatetimeField(null=True)
    class Meta:
        table = "arrival"
        indexes = (
            Index(fields=("house_id", "at"), name="arrival_house_at"),
            PartialIndex(fields=("at",), name="arrival_staying", where="left_at IS NULL"),
        )
        constraints = (
            UniqueConstraint(fields=("house_id",), name="one_stays", condition="left_at IS NULL"),
            CheckConstraint(check="left_at >= at", name="leaves_later"),
        )

class House(Model):
    id = fields.IntField(primary_key=True)
    {field}
    class Meta:
        table = "house"

class Key(Model):
    house = fields.OneToOneField("server.House", primary_key=True, related_name="key")
    class Meta:
        table = "key"
'''


def _models(folder: Path, words: str = "Who came.", field: str = "") -> str:
    name = f"models_by_hand_{next(_numbers)}"
    text = HEAD + MODELS.format(words=words, field=field)
    (folder / f"{name}.py").write_text(text)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return name


def _config(models: str, package: Package, url: str = "sqlite://unused.sqlite3") -> dict[str, Any]:
    return tortoise_config(url, model_modules=[models], migrations=package.name)


async def _make(models: str, package: Package, name: str) -> str:
    (writer,) = await lacking(_config(models, package))
    text = written(writer, "By hand.")
    (package.folder / f"{name}.py").write_text(text)
    return text


async def test_what_it_writes_makes_what_the_models_declare(empty, tmp_path):
    package, models = Package(tmp_path), _models(tmp_path)
    text = await _make(models, package, "0001_first")
    assert "from server.storage.engines import operations as ops" in text
    assert "tortoise.migrations import operations" not in text
    assert "Who came" not in text
    assert await missing(_config(models, package)) == []

    await migrate(empty.url, migrations=package.name)
    await open_database(empty.url, config=_config(models, package, empty.url))
    assert await checks() == {"arrival": {"leaves_later"}}
    there = (await indexes())["arrival"]
    assert there["arrival_house_at"] == (("house_id", "at"), False, "")
    assert there["arrival_staying"] == (("at",), False, "left_at IS NULL")
    assert there["one_stays"] == (("house_id",), True, "left_at IS NULL")
    await close_database()


async def test_a_docstring_put_better_is_no_migration(tmp_path):
    package = Package(tmp_path)
    await _make(_models(tmp_path), package, "0001_first")
    assert await missing(_config(_models(tmp_path, words="Whoever came."), package)) == []


async def test_a_new_column_is_told_written_and_made(empty, tmp_path):
    package = Package(tmp_path)
    await _make(_models(tmp_path), package, "0001_first")
    await migrate(empty.url, migrations=package.name)
    await open_database(empty.url)
    await fetch("INSERT INTO house (id) VALUES (1)")
    await close_database()

    models = _models(tmp_path, field="beds = fields.IntField(db_default=2)")
    assert await missing(_config(models, package)) == ["server: AddField House beds"]
    await _make(models, package, "0002_beds")
    assert await missing(_config(models, package)) == []
    assert await migrate(empty.url, migrations=package.name) == ["0002_beds"]
    await open_database(empty.url)
    assert (await columns())["house"] == {"id": False, "beds": False}
    assert await fetch("SELECT beds FROM house") == [{"beds": 2}]
    await close_database()


async def test_a_new_column_that_would_fail_in_use_fails_when_it_is_written(tmp_path):
    package = Package(tmp_path)
    await _make(_models(tmp_path), package, "0001_first")
    models = _models(tmp_path, field="beds = fields.IntField(default=2)")
    await _make(models, package, "0002_beds")
    with pytest.raises(MigrationFault, match="db_default"):
        await missing(_config(models, package))
