"""Small packages of migrations, written by the tests that run them."""

from __future__ import annotations

import itertools
import shutil
import sys
import textwrap
from pathlib import Path

_numbers = itertools.count(1)
REAL = Path(__file__).resolve().parents[2] / "migrations"

HEAD = """
from tortoise import fields, migrations
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from server.storage.engines import operations as ops
from server.storage.engines.indexes import PartialIndex
from tortoise.indexes import Index

class Migration(migrations.Migration):
"""

HOUSE_AND_GUEST = """
ops.CreateModel(
    name="House",
    fields=[
        ("id", fields.IntField(primary_key=True)),
        ("name", fields.CharField(max_length=40)),
        ("beds", fields.IntField(default=1)),
        ("closed_at", fields.DatetimeField(null=True)),
    ],
    options={
        "table": "house",
        "app": "server",
        "indexes": [
            Index(fields=["beds"], name="house_beds"),
            PartialIndex(
                fields=["name"], name="house_open", where="closed_at IS NULL AND name <> ';'"
            ),
        ],
        "constraints": [
            CheckConstraint(check="beds >= 0 AND name <> '{;}'", name="house_beds_positive"),
            UniqueConstraint(
                fields=("name",), name="house_name_once", condition="closed_at IS NULL"
            ),
        ],
    },
    bases=["Model"],
),
ops.CreateModel(
    name="Guest",
    fields=[
        ("id", fields.IntField(primary_key=True)),
        ("house", fields.ForeignKeyField("server.House", on_delete=fields.CASCADE)),
        ("code", fields.CharField(max_length=8, unique=True)),
    ],
    options={"table": "guest", "app": "server"},
    bases=["Model"],
),
"""


# Tortoise's own editor cuts statements at every `;`.
WITHOUT_SEMICOLONS = HOUSE_AND_GUEST.replace(" AND name <> ';'", "").replace("{;}", "{}")


class Package:
    """An importable package of migrations; `add` writes the next one."""

    def __init__(self, folder: Path) -> None:
        self.name = f"migrations_by_hand_{next(_numbers)}"
        self.folder = folder / self.name
        self.folder.mkdir()
        (self.folder / "__init__.py").write_text("")
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        self._names: list[str] = []

    def add(self, name: str, operations: str, *, before: str = "", head: str = "") -> None:
        """`operations`: the inside of the list; `before`: functions that it uses; `head`: what
        else the migration says of itself."""
        body = textwrap.indent(operations.strip(), " " * 8)
        after = f"    dependencies = [('server', {self._names[-1]!r})]\n" if self._names else ""
        inside = f"    {head}\n{after}    operations = [\n{body}\n    ]\n"
        (self.folder / f"{name}.py").write_text(f"{textwrap.dedent(before)}\n{HEAD}{inside}")
        self._names.append(name)

    def copy(self, name: str) -> None:
        """Begin with one of the real migrations."""
        shutil.copyfile(REAL / f"{name}.py", self.folder / f"{name}.py")
        self._names.append(name)

    def take_back(self) -> None:
        """Remove the last one: what older code knows."""
        name = self._names.pop()
        (self.folder / f"{name}.py").unlink()
        sys.modules.pop(f"{self.name}.{name}", None)
