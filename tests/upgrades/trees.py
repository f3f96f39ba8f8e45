"""Folders with the code of a version: the release as it was, and what is in work with one migration
more than it has."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORD = json.loads((ROOT / "migrations" / "released.json").read_text(encoding="utf-8"))
VERSION: str = RECORD["version"]

# What a migration may do at most that lives with the version before (0101): new columns in tables
# that every check-in and every tick uses, an index beside everyone and one in a table that is
# divided by month, longer texts, and a table that refers to one in use.
_MADE_UP = """
from tortoise import fields, migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "{after}")]
    initial = False
    lives_with = "{version}"
    operations = [
        ops.AddField("CheckIn", "tried", fields.IntField(null=True)),
        ops.AddField("Watch", "tried", fields.CharField(max_length=8, db_default="no")),
        ops.AddField("Alert", "tried", fields.BooleanField(db_default=False)),
        ops.AddField("Message", "tried", fields.IntField(null=True)),
        ops.AlterField("Watch", "standing", fields.CharField(max_length=12)),
        ops.AddIndex("Watch", Index(fields=["tried"], name="watch_tried")),
        ops.AddIndex("CheckIn", Index(fields=["tried"], name="check_in_tried")),
        ops.CreateModel(
            name="Tried",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("child", ops.reference("Child", on_delete=fields.RESTRICT)),
            ],
            options={{"table": "tried", "app": "server"}},
        ),
    ]
"""


class NotTried(Exception):
    """The released code cannot be had, so nothing was shown."""


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, check=False)


def export(folder: Path) -> Path:
    """The tree of the released commit. Raises NotTried where it is not here and cannot be fetched:
    a test that shows nothing must not pass."""
    commit = RECORD["commit"]
    if _git("cat-file", "-e", f"{commit}^{{commit}}").returncode != 0:
        # A shallow clone.
        fetched = _git("fetch", "--quiet", "--depth", "1", "origin", commit)
        if fetched.returncode != 0:
            said = fetched.stderr.decode(errors="replace").strip()
            raise NotTried(f"{VERSION} ({commit}) is not in this clone, and git fetch said: {said}")
    archive = _git("archive", "--format=tar", commit)
    if archive.returncode != 0:
        raise NotTried(archive.stderr.decode(errors="replace"))
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def linked(folder: Path, base: Path, **instead: Path) -> Path:
    """A tree that is this one, with other folders in the place of some."""
    folder.mkdir()
    for name in {each.name for each in base.iterdir() if each.name[0] != "."} | instead.keys():
        (folder / name).symlink_to(instead.get(name, base / name))
    return folder


def newer(folder: Path) -> Path:
    """What is in work, with a made-up migration after its last one."""
    (folder.parent / f"{folder.name}-migrations").mkdir()
    migrations = folder.parent / f"{folder.name}-migrations" / "migrations"
    shutil.copytree(ROOT / "migrations", migrations, ignore=shutil.ignore_patterns("__pycache__"))
    last = max(each.stem for each in migrations.glob("[0-9]*.py"))
    text = _MADE_UP.format(after=last, version=VERSION)
    (migrations / f"{int(last[:4]) + 1:04}_made_up.py").write_text(text, encoding="utf-8")
    return linked(folder, ROOT, migrations=migrations)


@dataclass(frozen=True)
class Version:
    """The code in a folder, and how to run it."""

    name: str
    tree: Path

    def environment(self, settings: dict[str, str]) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("WAYMARK_")}
        return kept | settings | {"PYTHONPATH": str(self.tree), "PYTHONDONTWRITEBYTECODE": ""}

    async def python(self, *words: str, **settings: str) -> str:
        """What `python WORDS` prints; AssertionError where it does not end well."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, cwd=self.tree, env=self.environment(settings),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, said = await process.communicate()
        assert process.returncode == 0, f"{self.name}: {said.decode()[-3000:]}"
        return out.decode()
