"""What is not released yet may only add, unless released code does without what goes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from server.storage.engines.operations import RemoveField
from tests.storage.migrations_by_hand import HOUSE_AND_GUEST, Package
from tools import upgrades
from tools.migrations import FOLDER

LIVES = 'lives_with = "0.2.0"'


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """A package whose first migration is released with 0.2.0."""
    made = Package(tmp_path)
    made.add("0001_first", HOUSE_AND_GUEST)
    first = made.folder / "0001_first.py"
    sums = {first.name: sha256(first.read_bytes()).hexdigest()}
    record = {"version": "0.2.0", "commit": "0", "sha256": sums}
    (made.folder / "released.json").write_text(json.dumps(record))
    return made


def told(package: Package, operations: str, *, head: str = LIVES) -> list[str]:
    package.add("0002_more", operations, head=head)
    return upgrades.broken(package.folder, package.name)


GOES = {
    "a column that may be empty": "ops.AddField('House', 'a', fields.TextField(null=True)),",
    "a column with a default": "ops.AddField('House', 'a', fields.IntField(db_default=0)),",
    "an index": "ops.AddIndex('House', Index(fields=['name'], name='house_name')),",
    "an index less": "ops.RemoveIndex('House', name='house_beds'),",
    "longer texts": "ops.AlterField('House', 'name', fields.CharField(max_length=80)),",
    "a table": (
        "ops.CreateModel(name='Key', fields=[('id', fields.IntField(primary_key=True)),"
        " ('house', ops.reference('House'))], options={'table': 'key'}),"
    ),
    "anything on a new table": (
        "ops.CreateModel(name='Key', fields=[('id', fields.IntField(primary_key=True)),"
        " ('word', fields.TextField())], options={'table': 'key'}),"
        "ops.RemoveField('Key', 'word'),"
    ),
}
BREAKS = {
    "a column less": "ops.RemoveField('House', 'closed_at'),",
    "another name": "ops.RenameField('House', 'beds', 'places'),",
    "another type": "ops.AlterField('House', 'beds', fields.TextField()),",
    "shorter texts": "ops.AlterField('House', 'name', fields.CharField(max_length=9)),",
    "may be empty now": "ops.AlterField('House', 'beds', fields.IntField(null=True)),",
    "may not be empty now": "ops.AlterField('House', 'closed_at', fields.DatetimeField()),",
    "a check": "ops.AddConstraint('House', CheckConstraint(check='beds < 9', name='few')),",
    "a unique": "ops.AddConstraint('Guest', UniqueConstraint(fields=('house_id',), name='one')),",
    "a unique less": "ops.RemoveConstraint('House', name='house_name_once'),",
    "a table less": "ops.DeleteModel('Guest'),",
    "months": "ops.PartitionByMonth('House', 'closed_at'),",
    "by hand": "ops.RunSQL('UPDATE house SET beds = 1', reverse_sql=''),",
}


@pytest.mark.parametrize("what", GOES)
def test_what_adds_may_be_released(package: Package, what: str) -> None:
    assert told(package, GOES[what]) == []


@pytest.mark.parametrize("what", BREAKS)
def test_what_takes_away_or_narrows_is_told_with_its_reason(package: Package, what: str) -> None:
    (line,) = told(package, BREAKS[what])
    assert line.startswith("0002_more: ")


def test_a_migration_says_from_which_version_on_code_lives_with_it(package: Package) -> None:
    (line,) = told(package, GOES["an index"], head="")
    assert 'lives_with = "0.2.0"' in line


@pytest.mark.parametrize(("since", "lines"), [("0.2.0", 0), (None, 1)])
def test_a_column_goes_once_released_code_does_without_it(
    package: Package, since: str | None, lines: int
) -> None:
    leaving = package.folder / "leaving.json"
    leaving.write_text(json.dumps({"House.closed_at": since}))
    assert len(told(package, BREAKS["a column less"])) == lines
    upgrades.mark_released(package.folder, "0.3.0")
    assert json.loads(leaving.read_text()) == {"House.closed_at": since or "0.3.0"}


def test_what_is_done_by_hand_needs_a_sentence_about_older_code(package: Package) -> None:
    head = f"{LIVES}\n    old_code = 'it writes beds itself, and 1 is one of its numbers'"
    assert told(package, BREAKS["by hand"], head=head) == []


def test_our_own_migrations_go_by_the_rule() -> None:
    assert upgrades.broken(FOLDER) == []


def test_what_leaves_is_dropped_by_the_next_migration_once_that_is_released() -> None:
    drop = RemoveField("House", "closed_at")
    assert not upgrades.is_leaving(drop, {})
    assert upgrades.is_leaving(drop, {"House.closed_at": None}, only_unreleased=True)
    assert upgrades.is_leaving(drop, {"House.closed_at": "0.2.0"})
    assert not upgrades.is_leaving(drop, {"House.closed_at": "0.2.0"}, only_unreleased=True)
