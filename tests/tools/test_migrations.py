"""The check sees a model for which nobody wrote a migration, and a field, and nothing else."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector

from tools.migrations import edited, missing

LAMP = """
from tortoise import fields
from tortoise.models import Model

class Lamp(Model):
    id = fields.IntField(primary_key=True)
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An importable package `house` with one model and no migration yet."""
    folder = tmp_path / "house"
    (folder / "migrations").mkdir(parents=True)
    (folder / "migrations" / "__init__.py").touch()
    (folder / "__init__.py").touch()
    (folder / "models.py").write_text(LAMP)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "house"]:
        del sys.modules[name]


def config() -> dict[str, Any]:
    app = {"models": ["house.models"], "migrations": "house.migrations"}
    return {
        "connections": {"default": "sqlite://:memory:"},
        "apps": {"house": app | {"default_connection": "default"}},
    }


async def write_migration() -> None:
    async with TortoiseContext() as context:
        await context.init(config=config(), init_connections=False)
        assert context.apps is not None
        await MigrationAutodetector(context.apps, config()["apps"]).write()
    importlib.invalidate_caches()


async def test_a_model_without_a_migration_is_told(house: Path) -> None:
    assert await missing(config()) == ["house: CreateModel Lamp"]


async def test_complete_migrations_are_complete(house: Path) -> None:
    await write_migration()
    assert await missing(config()) == []


async def test_a_field_without_a_migration_is_told(house: Path) -> None:
    await write_migration()
    (house / "models.py").write_text(LAMP + "    colour = fields.TextField(null=True)\n")
    del sys.modules["house.models"]
    importlib.invalidate_caches()
    assert await missing(config()) == ["house: AddField Lamp colour"]


def test_a_released_migration_that_was_edited_or_removed_is_told(tmp_path: Path) -> None:
    assert edited(tmp_path) == [], "nothing is released yet"
    for name in ("0001_initial.py", "0002_lamp.py", "0003_table.py"):
        (tmp_path / name).write_text(name)
    sums = {
        path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(tmp_path.glob("*.py"))
    }
    (tmp_path / "released.json").write_text(json.dumps({"version": "0.1.0", "sha256": sums}))
    assert edited(tmp_path) == []
    (tmp_path / "0001_initial.py").write_text("another")
    (tmp_path / "0002_lamp.py").unlink()
    (tmp_path / "0004_new.py").write_text("may come")
    assert [line.split()[0] for line in edited(tmp_path)] == ["0001_initial.py", "0002_lamp.py"]
