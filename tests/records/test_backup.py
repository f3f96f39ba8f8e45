"""Backup and restore: both kinds of database, into each other, whole or not at all."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tortoise.fields import BinaryField, DecimalField, FloatField, TimeField
from tortoise.models import Model

from server.audit.actions import seal, verify
from server.audit.models import Epoch
from server.auth.models import Invite, Session
from server.auth.pairing import invite
from server.people.models import Child, Person
from server.records.backup import restore
from server.records.backup.archive import Archive, Manifest, Writer
from server.records.backup.backup import What, back_up
from server.records.backup.commands import NOT_ENTERED
from server.security import encryption
from server.security.encryption import Keyring
from server.storage.db import close_database, fetch, models, open_database, write
from server.storage.engines.copying import CopyFault, Table, in_batches, telling
from server.storage.engines.migrate import migrate, pending
from server.storage.months import make_months
from tests.cast import Cast
from tests.fixtures import Database, DrivenClock
from tests.fixtures_commands import Run
from tests.records.conftest import Make
from tests.records.files import change_manifest, members
from tests.records.files import write as write_file
from tests.snapshot import Rows, dump
from tests.storage.migrations_by_hand import Package

# A restore refuses where another program is connected.
pytestmark = pytest.mark.alone

ROOT = Path(__file__).resolve().parents[2]


def _quiet(*_said: object) -> None:
    """Nobody waits here."""


async def _back_up(db: Database, path: Path, clock: DrivenClock, **how: Any) -> Manifest:
    what = What(url=db.url, keyring=encryption.current(), push_key=None, made_at=clock())
    made = await back_up(what, path, replaces=how.get("replaces", False), told=_quiet)
    return made.manifest


async def _restore(db: Database, path: Path, clock: DrivenClock, **how: Any) -> None:
    where = restore.Where(
        url=db.url,
        keyring=how.get("keyring", encryption.current()),
        replaces=how.get("replaces", False),
        now=clock(),
        migrations=how.get("migrations", "migrations"),
    )
    with Archive(path) as archive:
        await restore.restore(archive, where, _quiet)


def _as_text(rows: list[dict[str, Any]]) -> set[str]:
    """Rows of either kind of database, to be compared."""

    def plain(value: Any) -> str:
        if isinstance(value, bool):
            return str(int(value))
        text = str(value)
        if text[:1] in "[{":
            return json.dumps(json.loads(text), sort_keys=True)
        return text

    return {json.dumps({k: plain(v) for k, v in row.items()}, sort_keys=True) for row in rows}


# What a restore changes on purpose.
CHANGED = {"epoch", "invite", "session", "entry", "pending_second_factor", "challenge", "message"}


async def test_everything_comes_back_in_either_kind_of_database(
    cast: Cast, db: Database, target: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    await seal(clock())
    before = await dump()
    manifest = await _back_up(db, tmp_path / "b.zip", clock)
    await close_database()
    await _restore(target, tmp_path / "b.zip", clock)
    await open_database(target.url)
    after = await dump()
    for name in before.keys() - CHANGED:
        assert _as_text(after[name]) == _as_text(before[name]), name
    assert {row["id"] for row in before["entry"]} <= {row["id"] for row in after["entry"]}
    assert await verify() is None
    assert manifest.record.head is not None
    assert (await Person.get(id=cast.mia.id)).name == cast.mia.name


async def test_restored_months_leave_the_table_for_everything_else_empty(
    cast: Cast, db: Database, make_target: Make, clock: DrivenClock, tmp_path: Path
) -> None:
    """PostgreSQL reads that table from end to end, and everyone waits, whenever a month is made."""
    await _back_up(db, tmp_path / "b.zip", clock)
    await close_database()
    target = make_target("postgres")
    for _ in range(2):
        await _restore(target, tmp_path / "b.zip", clock, replaces=True)
        await open_database(target.url)
        assert await fetch("SELECT id FROM entry WHERE at < '2026-04-01'")
        assert not await fetch("SELECT id FROM entry_default")
        await make_months(clock(), clock() + timedelta(days=500))
        await close_database()


async def test_what_counts_by_itself_goes_on_after_the_highest(
    cast: Cast, db: Database, target: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    highest = max(row["id"] for row in await fetch("SELECT id FROM entry"))
    await _back_up(db, tmp_path / "b.zip", clock)
    await close_database()
    await _restore(target, tmp_path / "b.zip", clock)
    await open_database(target.url)
    new = [row["id"] for row in await fetch("SELECT id FROM entry WHERE id > $1", [highest])]
    # One for each agency says that it was restored.
    assert sorted(new) == [highest + 1, highest + 2]


async def test_a_restore_begins_another_epoch_and_burns_what_may_have_been_used(
    cast: Cast, db: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    await invite(cast.actor("tom"), cast.mia, now=clock())
    made_at = clock()
    await _back_up(db, tmp_path / "b.zip", clock)
    await close_database()
    clock.advance(hours=5)
    await _restore(db, tmp_path / "b.zip", clock, replaces=True)
    await open_database(db.url)
    epoch = await Epoch.newest()
    assert epoch is not None
    assert (epoch.from_at, epoch.restored_at) == (made_at, clock())
    assert not await Invite.filter(ended_at__isnull=True).exists()
    live = await Session.filter(ended_at__isnull=True).prefetch_related("person")
    assert {one.person.role for one in live} == {"child"}
    me = await cast.client_as("mia").get("/api/v1/me")
    assert me.status_code == 200
    assert (await cast.client_as("tom").get("/api/v1/me")).status_code == 401


async def test_the_time_since_the_backup_is_a_time_in_which_nobody_looked(
    cast: Cast, db: Database, stage: Any, clock: DrivenClock, tmp_path: Path
) -> None:
    await stage.ticker.tick()
    made_at = clock()
    await _back_up(db, tmp_path / "b.zip", clock)
    await close_database()
    clock.advance(hours=5)
    await _restore(db, tmp_path / "b.zip", clock, replaces=True)
    await open_database(db.url)
    await stage.ticker.first()
    (blind,) = await fetch("SELECT from_at, until_at FROM blind")
    assert str(blind["from_at"])[:16] == str(made_at)[:16]
    assert str(blind["until_at"])[:16] == str(clock())[:16]


async def test_a_database_that_holds_something_is_left_alone(
    cast: Cast, db: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    await _back_up(db, tmp_path / "b.zip", clock)
    before = await dump()
    await close_database()
    with pytest.raises(CopyFault, match="not empty"):
        await _restore(db, tmp_path / "b.zip", clock)
    await open_database(db.url)
    assert await dump() == before


async def test_a_database_without_any_table_is_made_first(
    cast: Cast, db: Database, make_empty: Make, clock: DrivenClock, tmp_path: Path
) -> None:
    await _back_up(db, tmp_path / "b.zip", clock)
    await close_database()
    other = make_empty(db.dialect)
    await _restore(other, tmp_path / "b.zip", clock)
    await open_database(other.url)
    assert await Child.all().count() == 3


OTHER = """
import asyncio, sys
from server.storage.db import open_database, fetch
async def main():
    await open_database(sys.argv[1])
    await fetch("SELECT 1 FROM person")
    print("open", flush=True)
    sys.stdin.readline()
asyncio.run(main())
"""


@pytest.mark.slow
async def test_nothing_is_restored_under_a_server_that_runs(
    cast: Cast, db: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    await _back_up(db, tmp_path / "b.zip", clock)
    await close_database()
    with subprocess.Popen(  # noqa: ASYNC220 (nothing else is to run meanwhile)
        [sys.executable, "-c", OTHER, db.url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(CopyFault, match="in use"):
            await _restore(db, tmp_path / "b.zip", clock, replaces=True)
        other.communicate("\n")
    await _restore(db, tmp_path / "b.zip", clock, replaces=True)
    await open_database(db.url)


@pytest.mark.slow
async def test_the_older_shape_is_restored_and_then_migrated(
    keyring: Keyring, empty: Database, make_empty: Make, clock: DrivenClock, tmp_path: Path
) -> None:
    package = Package(tmp_path)
    package.copy("0001_initial")
    package.add("0002_beds", 'ops.AddField("Agency", "beds", fields.IntField(db_default=2)),')
    await migrate(empty.url, target="0001_initial", migrations=package.name)
    manifest = await _back_up(empty, tmp_path / "b.zip", clock)
    assert manifest.migrations == ["0001_initial"]
    other = make_empty("postgres" if empty.dialect == "sqlite" else "sqlite")
    await _restore(other, tmp_path / "b.zip", clock, migrations=package.name)
    assert await pending(other.url, migrations=package.name) == []


# --- what must not be restored


@pytest.fixture
async def backup(cast: Cast, db: Database, clock: DrivenClock, tmp_path: Path) -> Path:
    """A backup of the cast; its database is closed."""
    await _back_up(db, tmp_path / "b.zip", clock)
    await close_database()
    return tmp_path / "b.zip"


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    parts = members(path)
    parts["tables/tie.jsonl"] = parts["tables/tie.jsonl"].replace(b"carer", b"guard")
    write_file(path, parts)


def _drop_a_row(path: Path) -> None:
    parts = members(path)
    parts["tables/check_in.jsonl"] = b""
    parts["tables/tie.jsonl"] = b"\n".join(parts["tables/tie.jsonl"].split(b"\n")[1:])
    write_file(path, parts)


def _forge(path: Path) -> None:
    parts = members(path)
    parts["manifest.json"] = parts["manifest.json"].replace(b'"sqlite"', b'"other"')
    parts["manifest.json"] = parts["manifest.json"].replace(b'"postgres"', b'"other"')
    write_file(path, parts)


WRONG: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut": (_cut, "no whole backup"),
    "empty": (lambda path: path.write_bytes(b""), "no whole backup"),
    "something else": (lambda path: path.write_text("nonsense"), "no whole backup"),
    "another zip": (lambda path: write_file(path, {"a": b"b"}), "no whole backup"),
    "a value changed": (_flip, "tie is not as it was"),
    "a row gone": (_drop_a_row, "tie is not as it was"),
    "a forged manifest": (_forge, "not as we signed it"),
    "no manifest to be read": (
        lambda path: write_file(path, {"manifest.json": b"[]", "signature": b""}),
        "cannot read",
    ),
    "a newer shape": (
        lambda path: change_manifest(path, lambda said: said["migrations"].append("9999_later")),
        "newer Waymark: it has 9999_later",
    ),
    "a shape from before 0.1": (
        lambda path: change_manifest(
            path, lambda said: said.update(migrations=["0001_first", "0002_plan"])
        ),
        "made before version 0.1",
    ),
    "a newer format": (
        lambda path: change_manifest(path, lambda said: said.update(format=2)),
        "has format 2",
    ),
    "a key that we lack": (
        lambda path: change_manifest(path, lambda said: said["keys"]["seals"].append("00c0ffee")),
        "lacks the key 00c0ffee",
    ),
    "a table that is unknown": (
        lambda path: change_manifest(path, lambda said: said["tables"].pop()),
        "other tables than its migrations",
    ),
    "another end of the record": (
        lambda path: change_manifest(path, lambda said: said["record"].update(head="0" * 64)),
        "ends elsewhere",
    ),
}


@pytest.mark.slow
async def test_what_is_not_whole_is_not_restored(
    backup: Path, db: Database, clock: DrivenClock
) -> None:
    before = await _everything(db)
    passed: dict[str, str] = {}
    for what, (spoil, says) in WRONG.items():
        try:
            await _restore(db, _spoilt(backup, spoil), clock, replaces=True)
        except CopyFault as fault:
            if not re.search(says, str(fault)):
                passed[what] = f"refused with other words: {fault}"
        else:
            passed[what] = "restored"
        assert await _everything(db) == before, what
    assert not passed


def _spoilt(backup: Path, spoil: Callable[[Path], object]) -> Path:
    path = backup.with_name("spoilt.zip")
    shutil.copyfile(backup, path)
    spoil(path)
    return path


async def _everything(db: Database) -> Rows:
    await open_database(db.url)
    rows = await dump()
    await close_database()
    return rows


async def test_other_keys_are_named_and_nothing_is_written(
    backup: Path, make_empty: Make, clock: DrivenClock
) -> None:
    ours = encryption.current()
    other = Keyring(["another secret altogether, and long enough"])
    encryption.use(other)
    database = make_empty("sqlite")
    with pytest.raises(CopyFault, match=f"lacks the key {ours.ids[0]}"):
        await _restore(database, backup, clock, keyring=other)
    assert not os.path.exists(database.url.removeprefix("sqlite://"))  # noqa: ASYNC240


async def test_the_oldest_key_has_to_stay_the_last(
    backup: Path, make_empty: Make, clock: DrivenClock
) -> None:
    mixed = Keyring(
        ["a secret of the tests and of nothing else", "another one, long enough, older"]
    )
    encryption.use(mixed)
    with pytest.raises(CopyFault, match="last of WAYMARK_SECRET_KEYS"):
        await _restore(make_empty("sqlite"), backup, clock, keyring=mixed)


async def test_a_new_key_in_front_reads_an_older_backup(
    backup: Path, make_target: Make, clock: DrivenClock, cast: Cast
) -> None:
    grown = Keyring(
        ["a new one in front, and long enough", "a secret of the tests and of nothing else"]
    )
    encryption.use(grown)
    database = make_target("postgres")
    await _restore(database, backup, clock, keyring=grown)
    await open_database(database.url)
    assert (await Person.get(id=cast.mia.id)).name == "Mia Castellane"


def test_no_column_holds_what_no_text_can() -> None:
    """Values travel as JSON: a column of raw bytes would come back as something else."""
    modules = [import_module(name) for name in models()]
    kinds = {
        type(field)
        for module in modules
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, Model) and model is not Model
        for field in model._meta.fields_map.values()
    }
    assert kinds
    assert not kinds & {BinaryField, DecimalField, FloatField, TimeField}


def test_rows_with_photos_come_a_few_at_a_time() -> None:
    rows = [["x" * 1_500_000, n] for n in range(10)]
    batches = list(in_batches(rows))
    assert [row for batch in batches for row in batch] == rows
    assert max(map(len, batches)) == 3
    assert [len(batch) for batch in in_batches([[1]] * 2_500)] == [1000, 1000, 500]


# --- the file


async def test_the_file_is_the_owners_alone_and_is_not_replaced_unasked(
    cast: Cast, db: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    path = tmp_path / "b.zip"
    await _back_up(db, path, clock)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_bytes()
    with pytest.raises(CopyFault, match="exists already"):
        await _back_up(db, path, clock)
    assert path.read_bytes() == first
    clock.advance(hours=1)
    await _back_up(db, path, clock, replaces=True)
    assert path.read_bytes() != first
    assert [name for name in os.listdir(tmp_path) if "b.zip" in name] == ["b.zip"]


async def test_it_holds_no_name_and_no_key(
    cast: Cast, db: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    await _back_up(db, tmp_path / "b.zip", clock)
    text = b"".join(members(tmp_path / "b.zip").values())
    for word in (b"Castellane", b"Haddadin", b"Verhoeven", b"a secret of the tests"):
        assert word not in text


def test_a_killed_backup_process_leaves_the_earlier_backup(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(b"the backup of yesterday")
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from server.storage.engines.copying import Table\n"
        "from server.records.backup.archive import Writer\n"
        "writer = Writer(Path(sys.argv[1]), replaces=True)\n"
        "member = writer.begin(Table('person', ('id',)))\n"
        "member.add([['1']] * 100000)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"the backup of yesterday"
    (left,) = tmp_path.glob(".b.zip.*.part")
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    with pytest.raises(CopyFault, match="no whole backup"):
        Archive(left)


async def test_a_restore_that_is_killed_leaves_the_database_as_it_was(
    backup: Path, db: Database, clock: DrivenClock
) -> None:
    await open_database(db.url)
    before = await dump()
    await close_database()

    class Killed(BaseException):
        pass

    def told(_rows: int, what: str) -> None:
        if what == "rows restored":
            raise Killed

    where = restore.Where(url=db.url, keyring=encryption.current(), replaces=True, now=clock())
    with Archive(backup) as archive, pytest.raises(Killed):
        await restore.restore(archive, where, told)
    await open_database(db.url)
    assert await dump() == before


@pytest.mark.slow
async def test_a_backup_is_of_one_moment_however_much_is_written_meanwhile(
    cast: Cast, db: Database, target: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    """Guesses come in while it is written, thousands of them; none of them is in it."""
    rows = json.dumps([{"at": clock().isoformat(sep=" ")}] * 20_000)
    source = (
        "json_to_recordset($1::text::json) AS x(at timestamptz)"
        if db.dialect == "postgres"
        else "(SELECT json_extract(value, '$.at') AS at FROM json_each($1)) AS x"
    )
    fill = f"INSERT INTO guess (door, key, at) SELECT 'a', 'b', x.at FROM {source}"  # noqa: S608
    await fetch(fill, [rows])
    told = []

    class Late:
        done = False

    what = What(url=db.url, keyring=encryption.current(), push_key=None, made_at=clock())
    writing = asyncio.Event()

    def on_row(_what: str, count: int) -> None:
        told.append(count)
        writing.set()

    async def meanwhile() -> None:
        await writing.wait()
        async with write():
            await fetch(fill, [rows])
        Late.done = True

    other = asyncio.create_task(meanwhile())
    manifest = (await back_up(what, tmp_path / "b.zip", replaces=False, told=on_row)).manifest
    await other
    assert Late.done
    counted = {entry.name: entry.rows for entry in manifest.tables}
    assert counted["guess"] == 20_000
    await close_database()
    await _restore(target, tmp_path / "b.zip", clock)
    await open_database(target.url)
    assert (await fetch("SELECT count(*) AS n FROM guess"))[0]["n"] == 20_000


async def test_odd_texts_come_back_letter_by_letter(
    cast: Cast, db: Database, target: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    odd = ["\\.", '"', "a,b", "line\nbreak\r\n", "", " ", "\\N", "\u0627", "😀", "'", "\t"]
    for text in odd:
        await fetch("INSERT INTO guess (door, key, at) VALUES ($1, $2, $3)", ["odd", text, clock()])
    await _back_up(db, tmp_path / "b.zip", clock)
    await close_database()
    await _restore(target, tmp_path / "b.zip", clock)
    await open_database(target.url)
    rows = await fetch("SELECT key FROM guess WHERE door = 'odd' ORDER BY id")
    assert [row["key"] for row in rows] == odd


async def test_what_is_no_file_is_never_replaced(
    cast: Cast, db: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(CopyFault, match="is no file"):
            await _back_up(db, path, clock, replaces=True)
    with pytest.raises(CopyFault, match="There is no folder"):
        await _back_up(db, tmp_path / "gone" / "b.zip", clock)


async def test_a_broken_database_is_one_sentence(
    keyring: Keyring, backup: Path, clock: DrivenClock, tmp_path: Path
) -> None:
    path = tmp_path / "broken.sqlite3"
    path.write_bytes(b"no database at all, " * 1000)
    broken = Database(f"sqlite://{path}", "sqlite")
    with pytest.raises(CopyFault, match="not a database"):
        await _back_up(broken, tmp_path / "c.zip", clock)
    with pytest.raises(CopyFault, match="not a database"):
        await _restore(broken, backup, clock, replaces=True)
    assert path.read_bytes() == b"no database at all, " * 1000


def test_a_backup_that_breaks_off_within_a_table_leaves_nothing_open(tmp_path: Path) -> None:
    with Writer(tmp_path / "b.zip", replaces=False) as writer:
        table = writer.begin(Table("guess", ("id",)))
        table.add([(1,)])
    # An open one tries to end itself when Python frees it: from 3.13 on that is a traceback.
    with pytest.raises(ValueError, match="closed file"):
        table.add([(2,)])
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (asyncpg.InterfaceError("connection is closed"), "was cut. Try again."),
        (asyncpg.ConnectionDoesNotExistError("closed in the middle"), "was cut. Try again."),
        (asyncpg.AdminShutdownError("terminating connection"), "was cut. Try again."),
        (asyncpg.UniqueViolationError("Key (name)=(Noor)"), "says: UniqueViolationError."),
    ],
)
def test_an_operator_reads_when_a_server_ended_and_no_words_of_a_row(
    fault: Exception, sentence: str
) -> None:
    with pytest.raises(CopyFault) as told, telling():
        raise fault
    assert str(told.value).endswith(sentence)


# --- the commands


@pytest.mark.slow
def test_one_command_each_and_a_look_before(run: Run, tmp_path: Path) -> None:
    def of(name: str, **more: str) -> dict[str, str]:
        return {
            "WAYMARK_DATABASE_URL": f"sqlite://{tmp_path}/{name}.db",
            "WAYMARK_VAR": str(tmp_path),
            "WAYMARK_SECRET_KEYS": "a secret of these tests and of no others",
            **more,
        }

    file = str(tmp_path / "b.zip")
    assert run("migrate", **of("a"))[0] == 0
    code, out, err = run("backup", file, **of("a"))
    assert (code, err) == (0, [])
    assert "keys of WAYMARK_SECRET_KEYS are needed" in out
    assert NOT_ENTERED not in out
    code, _, err = run("backup", file, **of("a"))
    assert (code, len(err)) == (1, 1)
    assert "--force" in err[0]
    code, _, err = run("restore", file, "--check", **of("b"))
    assert (code, err) == (0, [])
    assert not (tmp_path / "b.db").exists()
    code, out, _ = run("restore", file, **of("b"))
    assert code == 0
    assert "send again what they still have" in out
    assert run("audit", "verify", **of("b"))[1] == "The record is whole.\n"
    other = of("b", WAYMARK_SECRET_KEYS="another secret of nobody that we know")
    code, _, err = run("restore", file, "--replace", **other)
    assert (code, len(err)) == (1, 1)
    assert "lacks the key" in err[0]
    code, _, err = run("restore", str(tmp_path / "no.zip"), **of("b"))
    assert (code, len(err)) == (1, 1)
    code, _, err = run("backup", str(tmp_path / "c.zip"), **of("c"))
    assert (code, len(err)) == (1, 1)
    assert not (tmp_path / "c.zip").exists()
