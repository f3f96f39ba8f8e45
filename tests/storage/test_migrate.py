"""Migrations lose no row, no index and no constraint; they happen wholly, once, or not at all."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tortoise import fields
from tortoise.exceptions import IntegrityError, OperationalError
from tortoise.migrations.migration import Migration
from tortoise.migrations.operations import AddConstraint as StockAddConstraint
from tortoise.migrations.operations import CreateModel as StockCreateModel

from server.errors import Unavailable
from server.storage.db import close_database, fetch, open_database
from server.storage.engines import operations as ops
from server.storage.engines.editors import MigrationFault, statements
from server.storage.engines.migrate import TooOld, migrate, pending
from tests.fixtures import Database
from tests.storage.migrations_by_hand import HOUSE_AND_GUEST, WITHOUT_SEMICOLONS, Package
from tests.storage.schema import checks, indexes


@pytest.fixture
def package(tmp_path) -> Package:
    made = Package(tmp_path)
    made.add("0001_first", HOUSE_AND_GUEST)
    return made


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[None]:
    await open_database(database.url)
    try:
        yield
    finally:
        await close_database()


async def _move_in() -> None:
    await fetch("INSERT INTO house (id, name, beds) VALUES (1, 'Harbour', 4), (2, 'Island', 2)")
    await fetch(
        "INSERT INTO guest (id, house_id, code) VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c')"
    )


async def _everyone() -> list[str]:
    rows = await fetch("SELECT code FROM guest ORDER BY code")
    return [row["code"] for row in rows]


async def test_a_new_table_has_its_checks_its_uniques_and_its_indexes(empty, package):
    assert await migrate(empty.url, migrations=package.name) == ["0001_first"]
    async with opened(empty):
        assert await checks() == {"house": {"house_beds_positive"}}
        found = await indexes()
        assert found["house"]["house_beds"] == (("beds",), False, "")
        assert found["house"]["house_name_once"][:2] == (("name",), True)
        assert "closed_at IS NULL" in found["house"]["house_name_once"][2]
        assert "closed_at IS NULL" in found["house"]["house_open"][2]
        await _move_in()
        with pytest.raises(IntegrityError):
            await fetch("INSERT INTO house (id, name, beds) VALUES (3, 'Hill', -1)")
        with pytest.raises(IntegrityError):
            await fetch("INSERT INTO house (id, name, beds) VALUES (3, 'Island', 1)")
        await fetch(
            "INSERT INTO house (id, name, beds, closed_at) VALUES (3, 'Island', 1, $1)",
            [await _now()],
        )


async def _now() -> object:
    from server.clock import utcnow

    return utcnow()


STEPS = {
    "check": (
        "ops.AddConstraint('House', CheckConstraint(check='beds < 100', name='house_beds_few')),"
    ),
    "unique": (
        "ops.AddConstraint('Guest', UniqueConstraint(fields=('house_id', 'code'), name='once')),"
    ),
    "partial": (
        "ops.AddConstraint('House', UniqueConstraint(fields=('beds',), name='house_odd',"
        " condition='beds > 50')),"
    ),
    "column": "ops.AddField('House', 'floor', fields.IntField(db_default=3, db_index=True)),",
    "text": (
        "ops.AddField('House', 'note', fields.CharField(max_length=9, db_default=\"it's; {x}\")),"
    ),
    "empty": "ops.AddField('House', 'left_at', fields.DatetimeField(null=True)),",
    "singular": (
        "ops.AddField('House', 'code', fields.CharField(max_length=9, null=True, unique=True)),"
    ),
    "relation": (
        "ops.AddField('House', 'best', fields.ForeignKeyField('server.Guest', null=True,"
        " related_name='best_of', on_delete=fields.SET_NULL)),"
    ),
    "wider": "ops.AlterField('House', 'name', fields.CharField(max_length=80)),",
    "nullable": "ops.AlterField('House', 'beds', fields.IntField(null=True)),",
    "less": "ops.RemoveField('House', 'closed_on'),",
    "no_check": "ops.RemoveConstraint('House', name='house_beds_positive'),",
    "no_unique": "ops.RemoveConstraint('House', name='house_name_once'),",
    "check_renamed": "ops.RenameConstraint('House', 'house_beds_positive', 'house_beds_fine'),",
    "unique_renamed": "ops.RenameConstraint('House', 'house_name_once', 'house_name_single'),",
    "index": (
        "ops.AddIndex('House', PartialIndex(fields=['beds'], name='house_big', where='beds > 9')),"
    ),
    "no_index": "ops.RemoveIndex('House', name='house_beds'),",
    "renamed": "ops.RenameField('House', 'beds', 'places'),",
}


@pytest.mark.parametrize("step", STEPS)
async def test_each_step_goes_forward_and_back_and_loses_nothing(empty, package, step):
    if step == "less":
        package.add("0002_more", "ops.AddField('House', 'closed_on', fields.DateField(null=True)),")
    if step == "renamed":
        # A CHECK names its column; renaming it takes another migration, which is not the matter.
        package.add("0002_free", "ops.RemoveConstraint('House', name='house_beds_positive'),")
    before = await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        await _move_in()
        schema = await checks(), await indexes()
    package.add("0009_step", STEPS[step])
    assert await migrate(empty.url, migrations=package.name) == ["0009_step"]
    async with opened(empty):
        assert await _everyone() == ["a", "b", "c"]
        assert (await fetch("SELECT count(*) AS many FROM house"))[0]["many"] == 2
        changed = await checks(), await indexes()
        expected = {"column", "singular", "less", "wider", "nullable", "empty", "text", "relation"}
        assert changed != schema or step in expected
        kept = set(schema[1]["house"]) - {"house_beds", "house_name_once"}
        assert kept <= set(changed[1]["house"])
    await migrate(empty.url, target=before[-1], migrations=package.name)
    async with opened(empty):
        assert await _everyone() == ["a", "b", "c"]
        assert (await checks(), await indexes()) == schema
        rows = await fetch("SELECT name, beds FROM house ORDER BY id")
        assert [tuple(row.values()) for row in rows] == [("Harbour", 4), ("Island", 2)]


async def test_what_was_added_holds(empty, package):
    package.add(
        "0002_all", "\n".join(STEPS[name] for name in ("check", "column", "text", "singular"))
    )
    await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        await _move_in()
        (row, _) = await fetch("SELECT floor, note FROM house")
        assert row == {"floor": 3, "note": "it's; {x}"}
        assert (("floor",), False, "") in (await indexes())["house"].values()
        with pytest.raises(IntegrityError):
            await fetch("UPDATE house SET beds = 100 WHERE id = 1")
        await fetch("UPDATE house SET code = 'x' WHERE id = 1")
        with pytest.raises(IntegrityError):
            await fetch("UPDATE house SET code = 'x' WHERE id = 2")


async def test_a_column_that_may_not_be_null_needs_a_default_in_the_database():
    with pytest.raises(MigrationFault, match="db_default"):
        ops.AddField("House", "floor", fields.IntField(default=1))
    assert ops.AddField("House", "floor", fields.IntField(null=True)).name == "floor"


@pytest.mark.parametrize("empty", ["sqlite"], indirect=True)
async def test_by_hand_made_indexes_and_triggers_survive_a_rebuild(empty, package):
    package.add(
        "0002_by_hand",
        """
        ops.RunSQL(
            [
                "CREATE INDEX by_hand ON house (lower(name))",
                "CREATE TRIGGER no_delete BEFORE DELETE ON house"
                " BEGIN SELECT raise(ABORT, 'never; ever'); END",
            ],
            reverse_sql=["DROP INDEX by_hand", "DROP TRIGGER no_delete"],
        ),
        """,
    )
    package.add("0003_check", STEPS["check"])
    await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        await _move_in()
        with pytest.raises(IntegrityError, match="never; ever"):
            await fetch("DELETE FROM house")
        rows = await fetch("SELECT name FROM sqlite_master WHERE name = 'by_hand'")
        assert len(rows) == 1
    await migrate(empty.url, target="zero", migrations=package.name)
    async with opened(empty):
        assert await indexes() == {}


@pytest.mark.parametrize("empty", ["sqlite"], indirect=True)
async def test_the_stock_rebuild_deletes_the_guests_which_is_why_ours_refuses_to_run_so(
    empty, package
):
    from tortoise.connection import get_connection
    from tortoise.migrations.schema_editor import SqliteSchemaEditor
    from tortoise.migrations.schema_generator.state import State
    from tortoise.migrations.schema_generator.state_apps import StateApps

    package.take_back()
    package.add("0001_first", WITHOUT_SEMICOLONS)
    await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        await _move_in()
        module = sys.modules[f"{package.name}.0001_first"]
        state = State(models={}, apps=StateApps(default_connections={"server": "default"}))
        migration: Migration = module.Migration("0001_first", "server")
        await migration.apply(state, dry_run=True)
        check = ops.CheckConstraint(check="beds < 100", name="house_beds_few")
        after = state.clone()
        StockAddConstraint("House", check).state_forward("server", after)
        client = get_connection("default")

        with pytest.raises(MigrationFault, match="waymark migrate"):
            await ops.AddConstraint("House", check).database_forward(
                "server", state, after, SqliteSchemaEditor(client)
            )
        editor = ops.SqliteEditor(client)
        with pytest.raises(MigrationFault, match="OFF"):
            await ops.AddConstraint("House", check).database_forward("server", state, after, editor)
        with pytest.raises(MigrationFault, match=r"server.storage.engines.operations"):
            await StockAddConstraint("House", check).database_forward(
                "server", state, after, editor
            )
        assert await _everyone() == ["a", "b", "c"]
        assert "house_beds" in (await indexes())["house"]

        await StockAddConstraint("House", check).database_forward(
            "server", state, after, SqliteSchemaEditor(client)
        )
        assert await _everyone() == []
        assert (await indexes())["house"] == {}


async def test_the_stock_operation_makes_a_new_table_without_its_constraints(empty, package):
    assert issubclass(ops.CreateModel, StockCreateModel)
    package.take_back()
    package.add("0001_first", WITHOUT_SEMICOLONS)
    text = (package.folder / "0001_first.py").read_text()
    stock = text.replace(
        "from server.storage.engines import operations as ops",
        "from tortoise.migrations import operations as ops",
    )
    (package.folder / "0001_first.py").write_text(stock)
    from tortoise.connection import get_connection
    from tortoise.migrations.executor import MigrationExecutor

    async with opened(empty):
        apps = {"server": {"models": [], "migrations": package.name}}
        await MigrationExecutor(get_connection("default"), apps).migrate()
        assert await checks() == {}
        assert "house_name_once" not in (await indexes())["house"]


async def test_a_migration_that_fails_undoes_the_whole_upgrade(empty, package):
    await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        await _move_in()
        schema = await checks(), await indexes()
    package.add("0002_fine", STEPS["check"])
    package.add("0003_fills", 'ops.RunSQL("UPDATE house SET beds = 7", reverse_sql=""),')
    package.add("0004_breaks", 'ops.RunSQL("INSERT INTO nowhere VALUES (1)", reverse_sql=""),')
    with pytest.raises(OperationalError):
        await migrate(empty.url, migrations=package.name)
    assert await pending(empty.url, migrations=package.name) == [
        "0002_fine",
        "0003_fills",
        "0004_breaks",
    ]
    async with opened(empty):
        assert (await checks(), await indexes()) == schema
        assert await _everyone() == ["a", "b", "c"]
        rows = await fetch("SELECT beds FROM house ORDER BY id")
        assert [row["beds"] for row in rows] == [4, 2]


async def test_a_row_that_breaks_a_new_check_stops_the_migration(empty, package):
    await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        await _move_in()
    package.add("0002_strict", STEPS["check"].replace("beds < 100", "beds < 3"))
    with pytest.raises(IntegrityError):
        await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        assert await checks() == {"house": {"house_beds_positive"}}
        assert await _everyone() == ["a", "b", "c"]


@pytest.mark.parametrize("empty", ["sqlite"], indirect=True)
async def test_a_migration_that_would_leave_rows_without_their_parent_is_undone(empty, package):
    await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        await _move_in()
    package.add("0002_orphans", "ops.RunSQL('DELETE FROM house WHERE id = 1', reverse_sql=''),")
    with pytest.raises(MigrationFault, match="2 rows would refer"):
        await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        assert (await fetch("SELECT count(*) AS many FROM house"))[0]["many"] == 2


async def test_a_process_that_dies_in_the_middle_leaves_the_database_as_it_was(empty, package):
    await migrate(empty.url, migrations=package.name)
    package.add("0002_fine", STEPS["check"])
    package.add(
        "0003_dies",
        "ops.RunPython(die, die),",
        before="""
        import os

        async def die(apps, editor):
            os._exit(9)
        """,
    )
    done = await asyncio.to_thread(_run_migrate, empty.url, package)
    assert done == [9]
    assert await pending(empty.url, migrations=package.name) == ["0002_fine", "0003_dies"]
    async with opened(empty):
        assert await checks() == {"house": {"house_beds_positive"}}
    package.take_back()
    assert await migrate(empty.url, migrations=package.name) == ["0002_fine"]


async def test_of_two_that_start_at_once_one_waits_and_finds_nothing_to_do(empty, package):
    package.add(
        "0002_slow",
        f"{STEPS['check']}\nops.RunPython(slowly, slowly),",
        before="""
        import asyncio

        async def slowly(apps, editor):
            await asyncio.sleep(0.5)
        """,
    )
    done = await asyncio.to_thread(_run_migrate, empty.url, package, 2)
    assert done == [0, 0]
    assert await pending(empty.url, migrations=package.name) == []
    async with opened(empty):
        rows = await fetch("SELECT name FROM tortoise_migrations ORDER BY name")
        assert [row["name"] for row in rows] == ["0001_first", "0002_slow"]
        assert await checks() == {"house": {"house_beds_positive", "house_beds_few"}}


def _run_migrate(url: str, package: Package, times: int = 1) -> list[int]:
    program = f"""
        import asyncio, sys
        sys.path.insert(0, {str(package.folder.parent)!r})
        from server.storage.engines.migrate import migrate
        asyncio.run(migrate({url!r}, migrations={package.name!r}))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    running = [subprocess.Popen(command) for _ in range(times)]
    return [each.wait(timeout=60) for each in running]


async def test_a_database_that_newer_code_made_is_left_alone(empty, package):
    package.add("0002_newer", STEPS["check"])
    await migrate(empty.url, migrations=package.name)
    package.take_back()
    with pytest.raises(MigrationFault, match="newer Waymark: it has 0002_newer"):
        await migrate(empty.url, migrations=package.name)


async def test_a_database_from_before_0_1_is_left_alone_and_says_what_to_do(empty):
    await migrate(empty.url)
    async with opened(empty):
        await fetch("DELETE FROM tortoise_migrations WHERE name <> '0001_initial'")
        await fetch("UPDATE tortoise_migrations SET name = '0001_first'")
    with pytest.raises(TooOld, match="Keep it, and start with a new one"):
        await migrate(empty.url)
    async with opened(empty):
        assert await fetch("SELECT name FROM tortoise_migrations") == [{"name": "0001_first"}]


async def test_an_unknown_aim_says_so(empty, package):
    with pytest.raises(MigrationFault, match="no migration 0042_answer"):
        await migrate(empty.url, target="0042_answer", migrations=package.name)


async def test_a_migration_that_wants_no_transaction_is_refused(empty, package):
    package.add("0002_alone", STEPS["check"], head="atomic = False")
    with pytest.raises(MigrationFault, match="one transaction"):
        await migrate(empty.url, migrations=package.name)


async def test_rows_are_changed_by_python_as_they_were_then(empty, package):
    await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        await _move_in()
    package.add(
        "0002_double",
        "ops.RunPython(double, halve),",
        before="""
        from tortoise.expressions import F

        async def double(apps, editor):
            house = apps.get_model("server.House")
            await house.filter(beds__gt=0).using_db(editor.client).update(beds=F("beds") * 2)
            await house.create(id=9, name="Hill", beds=1, using_db=editor.client)

        async def halve(apps, editor):
            house = apps.get_model("server.House")
            await house.filter(id=9).using_db(editor.client).delete()
            await house.all().using_db(editor.client).update(beds=F("beds") / 2)
        """,
    )
    told: list[str] = []
    await migrate(empty.url, migrations=package.name, tell=told.append)
    assert told == ["0002_double"]
    async with opened(empty):
        rows = await fetch("SELECT beds FROM house ORDER BY id")
        assert [row["beds"] for row in rows] == [8, 4, 1]
    await migrate(empty.url, target="0001_first", migrations=package.name)
    async with opened(empty):
        rows = await fetch("SELECT beds FROM house ORDER BY id")
        assert [row["beds"] for row in rows] == [4, 2]


async def test_migrating_leaves_the_open_database_of_this_process_alone(db, tmp_path, clock):
    from server.people.models import Agency

    await Agency.create(name="Harbour", made_at=clock())
    other = f"sqlite://{tmp_path}/deeper/other.sqlite3"
    ours = await pending(other)
    assert ours[0] == "0001_initial"
    assert await migrate(other) == ours
    assert await pending(other) == []
    assert await Agency.all().count() == 1


async def test_a_database_that_cannot_be_reached_is_unavailable():
    with pytest.raises(Unavailable):
        await migrate("postgres://nobody@127.0.0.1:1/nothing")


def test_statements_end_where_they_end():
    script = """
        CREATE TABLE a (b TEXT DEFAULT ';'); -- a comment; with a semicolon
        CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; SELECT 1; END;
        DROP TABLE a
    """
    assert [one.split()[0:2] for one in statements(script)][1:] == [
        ["CREATE", "TRIGGER"],
        ["DROP", "TABLE"],
    ] or len(list(statements(script))) == 3
    with pytest.raises(MigrationFault, match="does not end"):
        list(statements("INSERT INTO a VALUES ('open"))
