"""Every table with every kind of value goes by backup and restore and is the same afterwards; and a
value that nobody could read again is noticed before there is a backup."""

from __future__ import annotations

import asyncio
import json
import resource
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from server.alerts.models import Alert
from server.audit.actions import Actor, seal
from server.auth.passwords import Passwords
from server.demo import loader
from server.missing.profile.models import PackPhoto
from server.missing.search.models import Episode
from server.missing.search.opening import Saying, open_episode
from server.people.rules import Role
from server.records.backup import restore
from server.records.backup.archive import Archive
from server.records.backup.backup import Backup, What, back_up
from server.records.backup.verify import Opened, Unopened, all_models, check, sealed_fields
from server.security import encryption
from server.security.encryption import Keyring, Sealed
from server.settings import load
from server.storage.db import close_database, fetch, open_database
from server.storage.engines.copying import CopyFault, snapshot
from server.watch import ticking
from tests.fixtures import Database, DrivenClock
from tests.records.conftest import Make
from tests.records.everything import KINDS, fill_every_table
from tests.records.files import Row, change_manifest, change_rows, spoilt

# A restore refuses where another program is connected.
pytestmark = pytest.mark.alone

ROOT = Path(__file__).resolve().parents[2]
Rows = dict[str, dict[str, dict[str, Any]]]
OTHER = {"sqlite": "postgres", "postgres": "sqlite"}


def _quiet(*_words: object) -> None:
    """Nobody waits here."""


async def _back_up(
    db: Database, path: Path, clock: DrivenClock, *, replaces: bool = False
) -> Backup:
    what = What(url=db.url, keyring=encryption.current(), push_key=None, made_at=clock())
    return await back_up(what, path, replaces=replaces, told=_quiet)


async def _restore(
    db: Database, path: Path, clock: DrivenClock, *, with_unreadable: bool = False
) -> Opened:
    where = restore.Where(
        url=db.url,
        keyring=encryption.current(),
        replaces=True,
        now=clock(),
        with_unreadable=with_unreadable,
    )
    with Archive(path) as archive:
        return await restore.restore(archive, where, _quiet)


@asynccontextmanager
async def _opened(db: Database) -> AsyncIterator[None]:
    await open_database(db.url)
    try:
        yield
    finally:
        await close_database()


async def _filled(db: Database, clock: DrivenClock) -> Database:
    """With a row of each kind in every table; not opened."""
    async with _opened(db):
        await fill_every_table(clock())
    return db


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*b.zip*"))


async def _rows(db: Database) -> Rows:
    """Every row of every table as a backup reads it, by table and key."""
    documents = {
        (model._meta.db_table, name)
        for model in all_models()
        for name, field in model._meta.fields_map.items()
        if type(field).__name__ == "JSONField"
    }
    found: Rows = {}
    async with snapshot(db.url) as source:
        for table in await source.tables():
            rows = found.setdefault(table.name, {})
            async for batch in source.rows(table):
                for row in batch:
                    values = dict(zip(table.columns, row, strict=True))
                    for name, value in values.items():
                        # PostgreSQL writes the same document with other spaces.
                        if value is not None and (table.name, name) in documents:
                            values[name] = json.loads(value)
                    rows[str(row[0])] = values
    return found


# What a restore does on purpose: it ends what may have been used since the backup, and says in the
# record that it was.
ENDED = {
    "invite": {"ended_at", "ended_why"},
    "session": {"ended_at", "ended_why"},
    "pending_second_factor": {"ended_at"},
}
GROWS = {"epoch", "entry", "message"}


def _are_the_same(after: Rows, before: Rows) -> None:
    assert after.keys() == before.keys()
    for table, rows in before.items():
        if table == "challenge":
            assert not after[table]
            continue
        if table not in GROWS:
            assert after[table].keys() == rows.keys(), table
        for key, row in rows.items():
            for name in row.keys() - ENDED.get(table, set()):
                assert after[table][key][name] == row[name], f"{table}.{name} of {key}"


async def _as_read() -> dict[str, Any]:
    """What the models read, of every table that a restore leaves as it is."""
    left = [m for m in all_models() if m._meta.db_table not in {*GROWS, *ENDED, "challenge"}]
    return {m.__name__: await m.all().order_by(m._meta.pk_attr).values() for m in left}


# --- there and back


@pytest.mark.slow
@pytest.mark.parametrize("first", ["sqlite", "postgres"])
async def test_every_table_with_every_kind_of_value_goes_there_and_back(
    keyring: Keyring, make_target: Make, clock: DrivenClock, tmp_path: Path, first: str
) -> None:
    source, other, last = (make_target(kind) for kind in (first, OTHER[first], first))
    await _filled(source, clock)
    async with _opened(source):
        as_read = await _as_read()
    before = await _rows(source)
    await _back_up(source, tmp_path / "there.zip", clock)
    await _restore(other, tmp_path / "there.zip", clock)
    _are_the_same(await _rows(other), before)
    async with _opened(other):
        assert await _as_read() == as_read
    await _back_up(other, tmp_path / "back.zip", clock)
    await _restore(last, tmp_path / "back.zip", clock)
    _are_the_same(await _rows(last), before)
    async with _opened(last):
        assert await _as_read() == as_read


async def test_no_table_and_no_column_is_left_out_of_that(
    keyring: Keyring, make_target: Make, clock: DrivenClock
) -> None:
    found = await _rows(await _filled(make_target("sqlite"), clock))
    for model in all_models():
        rows = found.pop(model._meta.db_table).values()
        assert len(rows) >= (1 if model._meta.db_table == "seal" else len(KINDS)), model
        for name in model._meta.db_fields:
            field = model._meta.fields_map[name]
            values = [row[field.source_field or name] for row in rows]
            assert any(value is not None for value in values), f"{model.__name__}.{name}"
            if field.null and model._meta.db_table != "seal":
                assert None in values, f"{model.__name__}.{name} is never null here"
    assert not found, f"tables without a model: {[*found]}"


def test_every_field_that_seals_can_be_opened_by_a_backup() -> None:
    """A new kind of sealed column that a backup does not know would be looked at as nothing."""
    sealing = {
        thing
        for thing in vars(encryption).values()
        if isinstance(thing, type)
        and thing.__module__ == encryption.__name__
        and "to_db_value" in vars(thing)
    }
    assert sealing
    assert all(issubclass(thing, Sealed) for thing in sealing)
    columns = sum(len(fields) for fields in sealed_fields().values())
    assert columns == sum(
        isinstance(field, Sealed)
        for model in all_models()
        for field in model._meta.fields_map.values()
    )


# --- what cannot be opened


# The backup, made by the first test that asks for it.
_backup: list[bytes] = []


@pytest.fixture
async def whole(keyring: Keyring, make_target: Make, clock: DrivenClock, tmp_path: Path) -> Path:
    """A backup of every table with every kind of value."""
    path = tmp_path / "b.zip"
    if _backup:
        path.write_bytes(_backup[0])
        return path
    db = await _filled(make_target("sqlite"), clock)
    await _back_up(db, path, clock)
    _backup.append(path.read_bytes())
    return path


def _check(path: Path, *, with_unreadable: bool = False) -> Opened:
    with Archive(path) as archive:
        return check(archive, encryption.current(), _quiet, with_unreadable=with_unreadable)


@pytest.mark.slow
async def test_every_sealed_value_is_opened(whole: Path) -> None:
    opened, broken = _check(whole), 0
    for table, fields in sealed_fields().items():

        def spoil(row: Row, columns: list[str] = [*fields]) -> None:  # noqa: B006 (only read)
            nonlocal broken
            for column in columns:
                if row[column] is not None:
                    row[column] = spoilt(row[column])
                    broken += 1

        change_rows(whole, table, spoil)
    assert (opened.values, opened.unreadable) == (broken, 0)
    with pytest.raises(Unopened, match=f"^{broken:,} of {broken:,} sealed values"):
        _check(whole)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("pack_photo", "thumb"),
        ("check_in", "note"),
        ("grab_pack", "said"),
        ("enclosure", "content"),
    ],
)
async def test_one_value_among_all_is_named_with_its_row(
    whole: Path, table: str, column: str
) -> None:
    last: list[str] = []

    def find(row: Row) -> None:
        last.extend([row["id"]] if row[column] is not None else [])

    def spoil(row: Row) -> None:
        if row["id"] == last[-1]:
            row[column] = spoilt(row[column])

    change_rows(whole, table, find)

    change_rows(whole, table, spoil)
    says = f"1 of .* sealed values .* {column} of {table}, id {last[-1]} .a sealed text that was"
    with pytest.raises(Unopened, match=says):
        _check(whole)
    assert _check(whole, with_unreadable=True).unreadable == 1


@pytest.mark.parametrize(
    ("table", "column", "holds"),
    [("check_in", "note", b"\xff\xd8 a picture"), ("grab_pack", "said", b"no JSON")],
)
async def test_what_is_sealed_as_something_else_is_noticed(
    whole: Path, table: str, column: str, holds: bytes
) -> None:
    change_rows(
        whole, table, lambda row: row.update({column: encryption.current().seal_bytes(holds)})
    )
    with pytest.raises(Unopened, match=f"{column} of {table}"):
        _check(whole)


async def test_a_picture_that_lies_there_unsealed_is_noticed(whole: Path) -> None:
    change_rows(whole, "pack_photo", lambda row: row.update(page="in the clear"))
    with pytest.raises(Unopened, match="page of pack_photo"):
        _check(whole)


@pytest.mark.slow
async def test_a_backup_that_cannot_be_opened_is_none_and_is_kept_beside(
    db: Database, make_target: Make, clock: DrivenClock, tmp_path: Path
) -> None:
    path, aside = tmp_path / "b.zip", tmp_path / "b.zip.unverified"
    await fill_every_table(clock())
    await _back_up(db, path, clock)
    yesterday = path.read_bytes()
    (photo,) = await fetch("SELECT id, page FROM pack_photo WHERE page IS NOT NULL LIMIT 1")
    await fetch(
        "UPDATE pack_photo SET page = $1 WHERE id = $2", [spoilt(photo["page"]), photo["id"]]
    )
    await close_database()
    with pytest.raises(Unopened, match=r"no new backup: 1 of .* page of pack_photo") as raised:
        await _back_up(db, path, clock, replaces=True)
    assert str(photo["id"]) in str(raised.value)
    assert str(aside) in str(raised.value)
    assert path.read_bytes() == yesterday
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert _left(tmp_path) == [path.name, aside.name]
    other = make_target(OTHER[db.dialect])
    with pytest.raises(Unopened):
        await _restore(other, aside, clock)
    opened = await _restore(other, aside, clock, with_unreadable=True)
    assert opened.unreadable == 1
    _are_the_same(await _rows(other), await _rows(db))


async def test_a_line_of_an_episode_that_cannot_be_opened_stops_no_restore_that_takes_such(
    whole: Path, make_target: Make, clock: DrivenClock
) -> None:
    change_rows(whole, "timeline_entry", lambda row: row.update(details=spoilt(row["details"])))
    opened = await _restore(make_target("sqlite"), whole, clock, with_unreadable=True)
    assert opened.unreadable == len(KINDS)


async def test_a_lost_key_costs_only_what_it_sealed(
    whole: Path, make_target: Make, clock: DrivenClock
) -> None:
    lost = Keyring(["a key that was lost, and long enough"])
    change_rows(whole, "check_in", lambda row: row.update(note=lost.seal("gone")))

    def needs(row: Any) -> None:
        row["keys"]["seals"].append(lost.ids[0])

    change_manifest(whole, needs)
    with pytest.raises(CopyFault, match=f"lacks the key {lost.ids[0]}"):
        await _restore(make_target("sqlite"), whole, clock)
    opened = await _restore(make_target("sqlite"), whole, clock, with_unreadable=True)
    assert opened.unreadable == len(KINDS)


@pytest.mark.slow
async def test_a_file_that_cannot_be_read_back_is_taken_away(
    db: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    await fill_every_table(clock())
    path = tmp_path / "b.zip"

    def told(_rows: int, what: str) -> None:
        # The disk loses what was written first, while the rest is written.
        (beside,) = tmp_path.glob(".b.zip.*.part")
        if what == "rows backed up":
            with beside.open("r+b") as file:
                file.write(b"lost")

    what = What(url=db.url, keyring=encryption.current(), push_key=None, made_at=clock())
    with pytest.raises(CopyFault, match="no new backup, it cannot be read back"):
        await back_up(what, path, replaces=False, told=told)
    assert not _left(tmp_path)


# The full disk is that of the backup, whatever database it is of.
@pytest.mark.slow
@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_a_full_disk_is_one_line_and_leaves_nothing(
    migrated: Database, keyring: Keyring, clock: DrivenClock, tmp_path: Path
) -> None:
    await _filled(migrated, clock)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "server", "backup", str(tmp_path / "b.zip")],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "WAYMARK_SECRET_KEYS": "a secret of the tests and of nothing else",
            "WAYMARK_DATABASE_URL": migrated.url,
            "WAYMARK_VAR": str(tmp_path / "var"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not _left(tmp_path)


# --- the demo


async def _a_demo_in_need(clock: DrivenClock, folder: Path) -> None:
    """The demo three days later: nobody has answered, and Mia is missing."""
    settings = load({"WAYMARK_SECRET_KEYS": "x" * 40, "WAYMARK_VAR": str(folder / "var")}, folder)
    await loader.prepare(
        settings, Passwords(time_cost=1, memory_cost=8, parallelism=1), _quiet, clock()
    )
    clock.advance(days=3)
    await ticking.WATCHES.tick(clock())
    tom = Actor(loader.id_of("tom"), Role.CASEWORKER.value, loader.id_of("harbour"))
    saying = Saying(clock(), "She did not come back from school.", {"where": "By the canal 🌊"})
    await open_episode(tom, loader.id_of("mia"), uuid4(), saying, clock())
    await seal(clock())
    assert await PackPhoto.filter(page__isnull=False).exists()
    assert await Episode.filter(found_at__isnull=True).exists()
    assert await Alert.filter(closed_at__isnull=True).count() >= 2


@pytest.mark.slow
async def test_the_demo_with_its_photos_an_episode_and_alerts_goes_there_and_back(
    keyring: Keyring,
    make_target: Make,
    clock: DrivenClock,
    tmp_path: Path,
) -> None:
    source, other, last = make_target("sqlite"), make_target("postgres"), make_target("sqlite")
    async with _opened(source):
        await _a_demo_in_need(clock, tmp_path)
        as_read = await _as_read()
    before = await _rows(source)
    for here, there in ((source, other), (other, last)):
        path = tmp_path / f"{here.dialect}.zip"
        await _back_up(here, path, clock)
        await _restore(there, path, clock)
        _are_the_same(await _rows(there), before)
        async with _opened(there):
            assert await _as_read() == as_read
