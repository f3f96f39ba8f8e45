"""An upgrade beside everyone: it gives way, builds indexes later, and tells what would wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from server.storage.db import close_database, fetch, open_database
from server.storage.engines.editors import MigrationFault
from server.storage.engines.migrate import migrate, pending
from server.storage.upgrades import indexes, notes
from server.storage.upgrades.patience import InUse
from server.storage.upgrades.plan import plan
from tests.fixtures import Database
from tests.storage import schema
from tests.storage.migrations_by_hand import HOUSE_AND_GUEST, Package

COLUMN = "ops.AddField('House', 'floor', fields.IntField(null=True)),"
INDEX = "ops.AddIndex('House', Index(fields=['beds', 'name'], name='house_both')),"
SWAP = f"ops.RemoveIndex('House', name='house_beds'),\n{INDEX}"
POSTGRES = pytest.mark.parametrize("empty", ["postgres"], indirect=True)


@pytest.fixture
async def package(empty: Database, tmp_path) -> Package:
    """A house of a thousand rows, after the first migration."""
    made = Package(tmp_path)
    made.add("0001_first", HOUSE_AND_GUEST)
    await migrate(empty.url, migrations=made.name)
    async with opened(empty):
        numbers = {
            "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
            " WHERE i < 1500) INSERT INTO house (id, name, beds) SELECT i, 'House ' || i, 1 FROM n",
            "postgres": "INSERT INTO house (id, name, beds)"
            " SELECT i, 'House ' || i, 1 FROM generate_series(1, 1500) AS i",
        }
        await fetch(numbers[empty.dialect])
    return made


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[None]:
    await open_database(database.url)
    try:
        yield
    finally:
        await close_database()


# --- code that is older than the database


async def test_older_code_starts_over_what_a_newer_version_added(empty, package) -> None:
    package.add("0002_newer", COLUMN, head=f'lives_with = "{notes.VERSION}"')
    await migrate(empty.url, migrations=package.name)
    package.take_back()
    assert await migrate(empty.url, migrations=package.name) == []
    assert await pending(empty.url, migrations=package.name) == []


@pytest.mark.parametrize("head", ["", 'lives_with = "99.0.0"'])
async def test_older_code_refuses_what_it_cannot_live_with(empty, package, head) -> None:
    package.add("0002_newer", COLUMN, head=head)
    await migrate(empty.url, migrations=package.name)
    package.take_back()
    with pytest.raises(MigrationFault, match="newer Waymark: it has 0002_newer"):
        await migrate(empty.url, migrations=package.name)


def test_versions_compare_as_numbers() -> None:
    noted = {"a": "0.9.0", "b": "0.10.0", "c": None, "d": "1.0"}
    assert notes.too_new(noted, "0.10.0") == ["c", "d"]


# --- indexes


@POSTGRES
async def test_an_index_of_a_table_in_use_is_built_after_the_upgrade(empty, package) -> None:
    package.add("0002_swap", SWAP)
    await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        found = (await schema.indexes())["house"]
        assert "house_both" in found
        assert "house_beds" not in found
        assert await fetch("SELECT 1 FROM tortoise_migrations WHERE to_build IS NOT NULL") == []


@POSTGRES
async def test_a_build_that_was_killed_is_done_anew_at_the_next_start(empty, package) -> None:
    package.add("0002_index", INDEX)
    await migrate(empty.url, migrations=package.name)
    async with opened(empty):
        # As it is after a kill in the middle: the index is there and does not count.
        await fetch(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'house_both'::regclass"
        )
        sql = 'CREATE INDEX CONCURRENTLY IF NOT EXISTS "house_both" ON "house" ("beds", "name")'
        await fetch(
            "UPDATE tortoise_migrations SET to_build = json_build_array($1::text)::text"
            " WHERE name = '0002_index'",
            [sql],
        )
    assert await migrate(empty.url, migrations=package.name) == []
    async with opened(empty):
        rows = await fetch(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'house_both'::regclass"
        )
        assert rows == [{"indisvalid": True}]
        assert await fetch("SELECT 1 FROM tortoise_migrations WHERE to_build IS NOT NULL") == []


def test_the_old_index_serves_until_the_new_one_does() -> None:
    drop, make = 'DROP INDEX CONCURRENTLY IF EXISTS "a"', "CREATE INDEX CONCURRENTLY IF NOT EXISTS "
    assert indexes.in_order([drop, make + '"b" ON c']) == [make + '"b" ON c', drop]
    anew = [drop, make + '"a" ON c']
    assert indexes.in_order(anew) == anew


# --- locks


@POSTGRES
async def test_an_upgrade_that_waits_for_a_table_keeps_nobody_else_waiting(empty, package) -> None:
    package.add("0002_column", COLUMN)
    reader, writer = await asyncpg.connect(empty.url), await asyncpg.connect(empty.url)
    try:
        long = reader.transaction()
        await long.start()
        await reader.execute("SELECT count(*) FROM house")
        upgrade = asyncio.create_task(migrate(empty.url, migrations=package.name))
        waits = []
        for _ in range(20):
            begun = asyncio.get_running_loop().time()
            await writer.execute("UPDATE house SET beds = beds + 1 WHERE id = 1", timeout=10)
            waits.append(asyncio.get_running_loop().time() - begun)
            await asyncio.sleep(0.1)
        assert not upgrade.done()
        # Half a second behind the upgrade, and what a busy machine adds.
        assert max(waits) < 5
        await long.rollback()
        assert await upgrade == ["0002_column"]
    finally:
        await reader.close()
        await writer.close()


@POSTGRES
async def test_an_upgrade_that_never_gets_its_lock_changes_nothing_and_says_so(
    empty, package
) -> None:
    package.add("0002_column", COLUMN)
    reader = await asyncpg.connect(empty.url)
    try:
        async with reader.transaction():
            await reader.execute("SELECT count(*) FROM house")
            with pytest.raises(InUse, match="Nothing was changed"):
                await migrate(empty.url, migrations=package.name, patience_s=0.1)
    finally:
        await reader.close()
    assert await pending(empty.url, migrations=package.name) == ["0002_column"]


# --- the plan


async def test_the_plan_says_what_waits_and_for_how_many_rows_and_changes_nothing(
    empty, package
) -> None:
    package.add("0002_more", f"{COLUMN}\n{INDEX}", head='lives_with = "0.1.0"')
    check = "ops.AddConstraint('House', CheckConstraint(check='beds < 99', name='few')),"
    package.add("0003_strict", check)
    async with opened(empty):
        before = await schema.columns(), await schema.checks(), await schema.indexes()
    lines = await plan(empty.url, migrations=package.name)
    text = "\n".join(lines)
    assert "new column house.floor: everyone waits for a moment (1,500 rows)" in text
    index = next(line for line in lines if "house_both" in line)
    assert ("nobody waits" if empty.dialect == "postgres" else "who writes waits") in index
    assert "less than a second (1,500 rows)" in index
    assert "OLDER CODE DOES NOT GO ON: older code may write rows of house that few refuses" in text
    assert "Stop every older process first: 0003_strict" in text
    async with opened(empty):
        assert (await schema.columns(), await schema.checks(), await schema.indexes()) == before
    assert await pending(empty.url, migrations=package.name) == ["0002_more", "0003_strict"]


async def test_the_plan_knows_what_it_takes_to_divide_a_table_by_month(empty, package) -> None:
    package.add("0002_by_month", "ops.PartitionByMonth('House', 'closed_at', once=['id']),")
    (line,) = [line for line in await plan(empty.url, migrations=package.name) if "divide" in line]
    waits = "everyone waits, about" if empty.dialect == "postgres" else "nobody waits"
    assert line.startswith(f"  divide house by month: {waits}")
    assert "by a unique that house has no longer" in line


@POSTGRES
async def test_the_plan_names_who_is_in_the_way(empty, package) -> None:
    package.add("0002_more", COLUMN)
    reader = await asyncpg.connect(empty.url, server_settings={"application_name": "long report"})
    try:
        async with reader.transaction():
            await reader.execute("SELECT count(*) FROM house")
            await reader.execute("SELECT pg_sleep(1.2)", timeout=60)
            lines = await plan(empty.url, migrations=package.name)
    finally:
        await reader.close()
    assert any("In the way:" in line and "long report" in line for line in lines)


async def test_a_database_that_has_everything_has_an_empty_plan(empty, package) -> None:
    (line,) = await plan(empty.url, migrations=package.name)
    assert line.startswith("Nothing is to be done")
