"""Leave normally and it is stored; raise, or be cancelled, and nothing happened, nothing leaks."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from tortoise.exceptions import IntegrityError, TransactionManagementError

from server.errors import Conflict, Unavailable
from server.storage.db import (
    after_commit,
    close_database,
    connection,
    dialect,
    fetch,
    fetch_aside,
    fetch_report,
    open_database,
    swapped,
    write,
)
from server.storage.engines.safety import to_the_end
from server.watch.models import Beat
from tests.fixtures import DrivenClock
from tests.storage.stock import opened_with_stock_engine

CANCELS = 2000
MOMENT = datetime(2026, 3, 2, 13, tzinfo=UTC)


async def _names() -> set[str]:
    return set(await Beat.all().values_list("name", flat=True))


async def test_leaving_normally_stores_and_raising_does_not(db, clock):
    async with write():
        await Beat.create(name="kept", at=clock())
    with pytest.raises(ZeroDivisionError):
        await _write_and_raise(clock)
    assert await _names() == {"kept"}


async def _write_and_raise(clock: DrivenClock) -> None:
    async with write():
        await Beat.create(name="lost", at=clock())
        raise ZeroDivisionError


async def test_an_inner_write_is_undone_alone_and_the_outer_goes_on(db, clock):
    async with write():
        await Beat.create(name="one", at=clock())
        with suppress(ZeroDivisionError):
            await _write_and_raise(clock)
        with pytest.raises(IntegrityError):
            await _create_again("one", clock)
        async with write():
            await Beat.create(name="two", at=clock())
    assert await _names() == {"one", "two"}


async def _create_again(name: str, clock: DrivenClock) -> None:
    async with write():
        await Beat.create(name=name, at=clock())


async def test_an_inner_write_is_undone_with_the_outer(db, clock):
    with suppress(ZeroDivisionError):
        async with write():
            async with write():
                await Beat.create(name="inner", at=clock())
            raise ZeroDivisionError
    assert await _names() == set()


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_a_failed_statement_that_was_caught_too_late_is_not_passed_over(db, clock):
    await Beat.create(name="one", at=clock())
    with pytest.raises(TransactionManagementError, match="nothing was stored"):
        await _swallow(clock)
    assert await _names() == {"one"}


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_the_stock_engine_passes_it_over_in_silence(migrated, clock):
    async with opened_with_stock_engine(migrated):
        await Beat.create(name="one", at=clock())
        await _swallow(clock)
        assert await _names() == {"one"}  # And nobody was told that "two" is missing.


async def _swallow(clock: DrivenClock) -> None:
    async with write():
        await Beat.create(name="two", at=clock())
        with suppress(IntegrityError):
            await Beat.create(name="one", at=clock())


_LONG = """
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 2000000)
SELECT MAX(n) AS n FROM counted
"""


async def test_nobody_waits_for_a_long_read_aside(db, clock):
    long = asyncio.create_task(fetch_aside(_LONG))
    await asyncio.sleep(0)
    async with write():
        await Beat.create(name="beside", at=clock())
    assert not long.done()
    assert (await long)[0]["n"] == 2_000_000


async def test_no_board_waits_for_a_count_or_a_report(db, clock):
    for begun in (fetch_aside(_LONG, is_long=True), fetch_report(_LONG)):
        long = asyncio.create_task(begun)
        await asyncio.sleep(0)
        await Beat.create(name=f"beside {id(long)}", at=clock())
        assert await fetch_aside("SELECT name FROM beat"), "what is stored"
        assert not long.done()
        assert (await long)[0]["n"] == 2_000_000


async def test_a_read_aside_sees_what_is_stored_and_cannot_write(db, clock):
    names = "SELECT name FROM beat ORDER BY name"
    await Beat.create(name="stored", at=clock())
    assert [row["name"] for row in await fetch_aside(names)] == ["stored"]
    async with write():
        await Beat.create(name="within", at=clock())
        assert len(await fetch_aside(names)) == 2
    assert len(await fetch_aside(names)) == 2
    if dialect() == "sqlite":
        with pytest.raises(Unavailable):
            await fetch_aside("DELETE FROM beat RETURNING name")
        with pytest.raises(Unavailable):
            await fetch_aside("DELETE FROM beat RETURNING name", is_long=True)
    assert len(await fetch_aside(names)) == 2


async def test_swapped_wants_exactly_one_row(db, clock):
    await Beat.create(name="tick", at=clock())
    swapped(await Beat.filter(name="tick", at=clock()).update(at=clock.advance(minutes=1)))
    with pytest.raises(Conflict):
        swapped(await Beat.filter(name="tick", at=clock.advance(minutes=1)).update(at=clock()))


async def test_who_waits_for_the_commit_is_called_after_it_and_never_without_it(db, clock):
    called: list[str] = []
    async with write():
        async with write():
            after_commit(lambda: called.append("stored"))
        assert called == []
    assert called == ["stored"]
    with suppress(ZeroDivisionError):
        async with write():
            after_commit(lambda: called.append("never"))
            raise ZeroDivisionError
    assert called == ["stored"]
    with pytest.raises(AssertionError):
        after_commit(lambda: None)


async def test_a_task_that_outlives_its_transaction_is_refused_instead_of_joining_the_next(db):
    go_on = asyncio.Event()

    async def late() -> None:
        await go_on.wait()
        await fetch("SELECT 1 AS one")

    async with write():
        task = asyncio.create_task(late())
    go_on.set()
    with pytest.raises(TransactionManagementError, match="is over"):
        await task


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_an_inner_write_that_takes_too_long_is_undone_alone(db, clock):
    async with write():
        await Beat.create(name="one", at=clock())
        with pytest.raises(TimeoutError):
            await _too_long(clock)
        await Beat.create(name="three", at=clock())
    assert await _names() == {"one", "three"}


async def _too_long(clock: DrivenClock) -> None:
    async with asyncio.timeout(0.05), write():
        await Beat.create(name="two", at=clock())
        await fetch("SELECT pg_sleep(5)")


async def _touch() -> None:
    async with write():
        await Beat.filter(name="tick").update(at=MOMENT)
        async with write():
            await Beat.filter(name="tick").update(at=MOMENT)


async def _cancel_in_the_middle(
    work: Callable[[], Awaitable[None]], times: int, seed: int = 1
) -> int:
    """Cancel a task that many times, each time somewhere else; how often it hit."""
    dice = random.Random(seed)  # noqa: S311
    hits = 0
    for _ in range(times):
        task = asyncio.ensure_future(work())
        for _ in range(dice.randrange(0, 30)):
            await asyncio.sleep(0)
        if dice.random() < 0.1:
            await asyncio.sleep(dice.random() * 0.002)
        task.cancel()
        if dice.random() < 0.3:
            # Whoever is impatient cancels twice, also while the first is being dealt with.
            await asyncio.sleep(0)
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task
            continue
        hits += 1
    return hits


@pytest.mark.slow
async def test_two_thousand_cancelled_transactions_leave_the_database_as_it_was(db, clock):
    await Beat.create(name="tick", at=clock())
    hits = await _cancel_in_the_middle(_touch, CANCELS)
    assert hits > CANCELS / 4
    async with asyncio.timeout(10):
        await asyncio.gather(*(_touch() for _ in range(30)))
        async with write():
            await Beat.create(name="after", at=clock())
    assert await _names() == {"tick", "after"}
    if db.dialect == "postgres":
        stuck = await fetch(
            "SELECT count(*) AS many FROM pg_stat_activity WHERE datname = current_database()"
            " AND state LIKE 'idle in transaction%'"
        )
        assert stuck[0]["many"] == 0


@pytest.mark.slow
async def test_the_stock_engine_hangs_after_far_fewer(migrated, clock):
    async with opened_with_stock_engine(migrated):
        await Beat.create(name="tick", at=clock())
        # Or what it had given up was stored all the same, and is there twice.
        with pytest.raises((TimeoutError, TransactionManagementError, IntegrityError)):
            await _cancel_and_go_on(clock)


async def _cancel_and_go_on(clock: DrivenClock) -> None:
    # Which connections it loses hangs on the machine; sooner or later it is all of them.
    for seed in range(20):
        async with asyncio.timeout(3):
            await _cancel_in_the_middle(_touch, 400, seed)
            async with write():
                await Beat.create(name="after", at=clock())


async def test_cancelled_bulk_writes_leave_no_transaction_behind(db, clock):
    numbers = itertools.count()

    async def many() -> None:
        await Beat.bulk_create([Beat(name=f"{next(numbers)}", at=clock()) for _ in range(40)])

    await Beat.create(name="tick", at=clock())
    await _cancel_in_the_middle(many, 200)
    async with asyncio.timeout(10), write():
        await Beat.all().delete()
    assert await _names() == set()


async def test_what_is_begun_is_finished_however_often_one_cancels():
    done: list[str] = []

    async def work() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        done.append("finished")

    task = asyncio.ensure_future(to_the_end(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["finished"]


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_a_lost_connection_is_unavailable_and_the_next_request_finds_another(db, clock):
    with pytest.raises(Unavailable):
        await _write_through_a_killed_connection(clock)
    await Beat.create(name="next", at=clock())
    assert await _names() == {"next"}


async def _write_through_a_killed_connection(clock: DrivenClock) -> None:
    async with write():
        await Beat.create(name="lost", at=clock())
        await fetch("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_a_database_that_is_away_is_unavailable_until_it_is_back(db, clock, postgres):
    with postgres.away():
        with pytest.raises(Unavailable):
            await Beat.all().count()
        with pytest.raises(Unavailable):
            await _write_and_raise(clock)
        await close_database()
        with pytest.raises(Unavailable):
            await open_database(db.url)
    await open_database(db.url)
    await Beat.create(name="back", at=clock())
    assert await _names() == {"back"}


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_a_full_disk_is_unavailable_and_leaves_no_transaction_open(db, clock):
    (row,) = await fetch("PRAGMA page_count")
    await fetch(f"PRAGMA max_page_count = {row['page_count'] + 2}")
    with pytest.raises(Unavailable):
        await _fill(clock)
    await fetch("PRAGMA max_page_count = 1000000")
    async with asyncio.timeout(5):
        await Beat.create(name="after", at=clock())
    assert await _names() == {"after"}


async def _fill(clock: DrivenClock) -> None:
    async with write():
        for number in range(2000):
            await Beat.create(name=f"{number:024}", at=clock())


async def test_a_file_that_cannot_be_opened_is_unavailable_and_blocks_nobody(tmp_path):
    folder = tmp_path / "is-a-folder.sqlite3"
    folder.mkdir()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await open_database(f"sqlite://{folder}")


async def test_every_connection_is_as_safe_as_the_documents_promise(db):
    if db.dialect == "postgres":
        (row,) = await fetch("SELECT current_setting('timezone') AS zone")
        assert row["zone"] == "UTC"
        return
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    for pragma, value in wanted.items():
        (row,) = await connection().execute_query_dict(f"PRAGMA {pragma}")
        assert next(iter(row.values())) == value, pragma
