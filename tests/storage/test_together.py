"""Items that arrive together are stored together, and each of them succeeds or fails alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from tortoise.exceptions import IntegrityError

from server.errors import Unavailable
from server.storage.db import RawSqlite, SqliteBatch, Together, fetch, sqlite_file, write


class Store:
    """Remembers what it was given; `hold` keeps it busy so that a batch gathers behind it."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()
        self.hold = asyncio.Event()
        self.hold.set()

    async def __call__(self, items: list[int]) -> list[int | Exception]:
        self.asked.append(items)
        self.begun.set()
        await self.hold.wait()
        self.batches.append(items)
        return [ValueError(item) if item < 0 else item * 10 for item in items]


async def _turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_lone_item_waits_for_nobody():
    store = Store()
    together = Together(store)
    assert await together.submit(1) == 10
    assert store.batches == [[1]]
    await together.close()


async def test_what_arrives_meanwhile_is_one_batch_in_the_order_of_arrival():
    store = Store()
    together = Together(store, most=4)
    assert await asyncio.gather(*(together.submit(item) for item in range(10))) == [
        item * 10 for item in range(10)
    ]
    assert store.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


async def test_of_many_that_come_at_once_half_go_first_and_the_rest_are_not_divided_again():
    store = Store()
    together = Together(store, in_halves=True)
    await asyncio.gather(*(together.submit(item) for item in range(21)))
    assert [len(batch) for batch in store.batches] == [11, 10]
    await asyncio.gather(*(together.submit(item) for item in range(8)))
    assert [len(batch) for batch in store.batches] == [11, 10, 8], "a few are not divided"


async def test_many_go_at_once_where_a_store_takes_longer_than_to_read_them():
    store = Store()
    moments = iter(range(100))  # Each look at the clock is a second after the last one.
    together = Together(store, in_halves=True, timer=lambda: next(moments))
    await together.submit(0)
    await asyncio.gather(*(together.submit(item) for item in range(21)))
    assert [len(batch) for batch in store.batches] == [1, 21]


async def test_enough_that_wait_are_stored_beside_the_batch_before_them():
    store = Store()
    together = Together(store, beside=3)
    store.hold.clear()
    first = asyncio.create_task(together.submit(1))
    await store.begun.wait()
    few = [asyncio.create_task(together.submit(item)) for item in (2, 3)]
    await _turns()
    assert store.asked == [[1]], "two are too few"
    enough = asyncio.create_task(together.submit(4))
    await _turns()
    assert store.asked == [[1], [2, 3, 4]]
    more = [asyncio.create_task(together.submit(item)) for item in range(5, 12)]
    await _turns()
    assert len(store.asked) == 2, "never more than two"
    store.hold.set()
    assert await asyncio.gather(first, *few, enough, *more) == [n * 10 for n in range(1, 12)]
    assert sorted(item for batch in store.batches for item in batch) == [*range(1, 12)]
    await together.close()


async def test_what_waits_when_one_of_two_batches_ends_goes_after_the_other_one():
    holds = {0: asyncio.Event(), 2: asyncio.Event()}
    asked = []

    async def store(items: list[int]) -> list[int]:
        asked.append(items)
        if items[0] in holds:
            await holds[items[0]].wait()
        return items

    together = Together(store, beside=2)
    first = asyncio.create_task(together.submit(0))
    await _turns()
    second = [asyncio.create_task(together.submit(item)) for item in (2, 3)]
    await _turns()
    last = asyncio.create_task(together.submit(4))
    holds[0].set()
    await first
    await _turns()
    assert asked == [[0], [2, 3]], "one is too few beside another batch"
    closing = asyncio.create_task(together.close())
    holds[2].set()
    assert await asyncio.gather(*second, last) == [2, 3, 4]
    await closing
    assert asked == [[0], [2, 3], [4]]


async def test_one_bad_item_fails_alone():
    together = Together(Store())
    told = await asyncio.gather(
        *(together.submit(item) for item in (1, -2, 3)), return_exceptions=True
    )
    assert [told[0], told[2]] == [10, 30]
    assert isinstance(told[1], ValueError)


async def test_a_batch_that_fails_as_a_whole_is_halved_until_the_bad_ones_are_alone():
    calls: list[list[int]] = []

    async def all_or_nothing(items: list[int]) -> list[int]:
        calls.append(items)
        if any(item < 0 for item in items):
            raise ValueError("one of you")
        return items

    together = Together(all_or_nothing)
    items = [1, 2, -3, 4, 5, 6, 7, -8]
    told = await asyncio.gather(*(together.submit(item) for item in items), return_exceptions=True)
    assert [one for one in told if isinstance(one, int)] == [1, 2, 4, 5, 6, 7]
    assert len(calls) < 2 * len(items)


async def test_a_database_that_is_away_is_asked_once_and_everyone_is_told():
    calls = 0

    async def away(items: list[int]) -> list[int]:
        nonlocal calls
        calls += 1
        raise Unavailable("away")

    together = Together(away)
    told = await asyncio.gather(
        *(together.submit(item) for item in range(5)), return_exceptions=True
    )
    assert all(isinstance(one, Unavailable) for one in told)
    assert calls == 1


async def test_a_batch_after_a_failed_one_runs():
    store = Store()
    together = Together(store)
    with pytest.raises(ValueError, match="-1"):
        await together.submit(-1)
    assert await together.submit(2) == 20


async def test_who_gives_up_waiting_harms_nobody():
    store = Store()
    store.hold.clear()
    together = Together(store)
    waiting = [asyncio.ensure_future(together.submit(item)) for item in range(4)]
    await store.begun.wait()
    waiting[1].cancel()
    await asyncio.sleep(0)
    late = asyncio.ensure_future(together.submit(9))
    gone = asyncio.ensure_future(together.submit(8))
    await asyncio.sleep(0)
    gone.cancel()
    store.hold.set()
    told = await asyncio.gather(*waiting, late, return_exceptions=True)
    assert [told[0], told[2], told[3], told[4]] == [0, 20, 30, 90]
    assert isinstance(told[1], asyncio.CancelledError)
    # What was not yet on its way when its sender gave up is not stored.
    assert store.batches == [[0, 1, 2, 3], [9]]


async def test_closing_stores_what_was_taken_and_takes_nothing_more():
    store = Store()
    store.hold.clear()
    together = Together(store, most=2)
    waiting = [asyncio.ensure_future(together.submit(item)) for item in range(5)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(together.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await together.submit(6)
    store.hold.set()
    await closing
    assert await asyncio.gather(*waiting) == [0, 10, 20, 30, 40]
    assert store.batches == [[0, 1], [2, 3], [4]]


async def test_more_than_may_wait_are_refused_at_once():
    store = Store()
    store.hold.clear()
    together = Together(store, most=1, waiting=3)
    waiting = [asyncio.ensure_future(together.submit(item)) for item in range(4)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    told = [one for one in waiting if one.done()]
    assert len(told) == 1
    with pytest.raises(Unavailable):
        await told[0]
    store.hold.set()
    assert len(await asyncio.gather(*waiting, return_exceptions=True)) == 4


async def test_a_wrong_number_of_results_is_our_mistake_and_nobody_waits_for_ever():
    async def forgetful(items: list[int]) -> list[int]:
        return []

    with pytest.raises(AssertionError):
        await Together(forgetful).submit(1)


async def test_submitting_inside_a_transaction_is_refused_before_it_hangs(db):
    together = Together(Store())
    async with write():
        with pytest.raises(AssertionError, match="not inside"):
            await together.submit(1)


def _count(connection: RawSqlite, item: tuple[str, int]) -> int:
    name, number = item
    connection.fetch("INSERT INTO counted VALUES ($1, $2)", [name, number])
    if number < 0:
        raise ValueError(name)
    (row,) = connection.fetch("SELECT sum(number) AS sum FROM counted")
    return int(row["sum"])


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_on_sqlite_a_batch_is_one_transaction_with_a_savepoint_for_each(db):
    await fetch("CREATE TABLE counted (name TEXT PRIMARY KEY, number INTEGER)")
    batch: SqliteBatch[tuple[str, int], int] = SqliteBatch(sqlite_file(), _count)
    together = Together(batch)
    items = [("a", 1), ("bad", -5), ("b", 2), ("a", 7), ("c", 3)]
    told = await asyncio.gather(*(together.submit(item) for item in items), return_exceptions=True)
    assert [told[0], told[2], told[4]] == [1, 3, 6]
    assert isinstance(told[1], ValueError)
    assert "UNIQUE" in str(told[3])
    rows = await fetch("SELECT name FROM counted ORDER BY name")
    assert [row["name"] for row in rows] == ["a", "b", "c"]
    await together.close()
    await batch.close()


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_on_sqlite_a_full_disk_undoes_the_whole_batch_and_the_next_one_runs(db):
    await fetch("CREATE TABLE counted (name TEXT PRIMARY KEY, number INTEGER)")
    batch: SqliteBatch[tuple[str, int], int] = SqliteBatch(sqlite_file(), _count)
    await batch([("first", 1)])

    def fill(connection: RawSqlite, item: tuple[str, int]) -> int:
        (row,) = connection.fetch("PRAGMA page_count")
        connection.run(f"PRAGMA max_page_count = {row['page_count'] + 2}")
        return _count(connection, ("x" * 100_000, 1))

    full = SqliteBatch(sqlite_file(), fill)
    with pytest.raises(Unavailable):
        await full([("a", 1), ("b", 2)])
    await full.close()
    assert await batch([("second", 2)]) == [3]
    assert await fetch("SELECT count(*) AS many FROM counted") == [{"many": 2}]
    await batch.close()


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_on_sqlite_a_batch_waits_for_a_transaction_of_the_orm_instead_of_failing(db):
    await fetch("CREATE TABLE counted (name TEXT PRIMARY KEY, number INTEGER)")
    batch: SqliteBatch[tuple[str, int], int] = SqliteBatch(sqlite_file(), _count)
    async with write():
        await fetch("INSERT INTO counted VALUES ('orm', 40)")
        task = asyncio.ensure_future(batch([("batch", 2)]))
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await asyncio.shield(task)
        assert not task.done()
    assert await task == [42]
    await batch.close()


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_on_postgres_a_batch_is_one_statement(db):
    await fetch("CREATE TABLE counted (name TEXT PRIMARY KEY, number INTEGER)")
    statements = 0

    async def store(items: list[tuple[str, int]]) -> list[int]:
        nonlocal statements
        statements += 1
        rows = await fetch(
            "INSERT INTO counted SELECT * FROM unnest($1::text[], $2::int[]) RETURNING number",
            [[name for name, _ in items], [number for _, number in items]],
        )
        return [row["number"] for row in rows]

    together = Together(store)
    assert await asyncio.gather(*(together.submit((f"{one}", one)) for one in range(50))) == list(
        range(50)
    )
    assert statements == 1
    told = await asyncio.gather(
        *(together.submit(item) for item in [("a", 1), ("7", 7), ("b", 2)]), return_exceptions=True
    )
    assert [told[0], told[2]] == [1, 2]
    assert isinstance(told[1], IntegrityError)
    await together.close()
