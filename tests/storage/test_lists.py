"""A list is one parameter, however long it is, and finds what SQL says that it finds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from tortoise import Tortoise
from tortoise.expressions import Q, Subquery

from server.people.models import Person
from server.storage.db import close_database, connection, fetch, open_database, tortoise_config
from server.storage.engines.lists import FEW, array_type
from tests.fixtures import Database
from tests.storage import listed
from tests.storage.listed import Colour, Thing
from tests.storage.stock import opened_with_stock_engine

MANY = 40_000
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KOLKATA = timezone(timedelta(hours=5, minutes=30))
NASTY = ["it's", '"', "\\", "$1", "?", "{}", "نعم", "*", "null", "", "a,b", "{a}"]


@pytest_asyncio.fixture
async def things(empty: Database) -> AsyncIterator[Database]:
    """Tables of a test's own, with nothing in them."""
    config = tortoise_config(empty.url, model_modules=[listed.__name__])
    await open_database(empty.url, config=config)
    await Tortoise.generate_schemas()
    yield empty
    await close_database()


VALUES: dict[str, tuple[list[Any], Any]] = {
    # What rows have, and values that are in no row, by their number.
    "id": ([UUID(int=1), UUID(int=2), UUID(int=3)], lambda n: UUID(int=1000 + n)),
    "number": ([-1, 0, 7], lambda n: 1000 + n),
    "small": ([-1, 0, 7], lambda n: 10 + n % 30_000),
    "big": ([-(2**62), 0, 2**62], lambda n: 1000 + n),
    "text": (["it's", "نعم", "a,b"], lambda n: f"x{n}"),
    "long": (["*", "{a}", "\\"], lambda n: f"x{n}"),
    "at": (
        [NOON, NOON + timedelta(microseconds=1), NOON + timedelta(days=1)],
        lambda n: NOON + timedelta(days=2, seconds=n),
    ),
    "day": ([date(2026, 1, 1), date(2026, 1, 2)], lambda n: date(1900, 1, 1) + timedelta(days=n)),
    "colour": ([Colour.RED, Colour.BLUE], lambda n: Colour.RED),
}
SIZES = [1, 2, FEW, FEW + 1, MANY]


@pytest.mark.slow
async def test_each_kind_of_column_is_found_in_a_list_of_any_length(things, subtests):
    for name in VALUES:
        with subtests.test(name=name):
            await Thing.all().delete()
            await _is_found_in_lists(name)


async def _is_found_in_lists(name: str) -> None:
    values, other = VALUES[name]
    for value in values:
        await Thing.create(**{name: value})
    if name != "id":
        await Thing.create(**{name: None})
    for size in SIZES:
        wanted = [values[0], *(other(n) for n in range(size - 1))]
        found = await Thing.filter(**{f"{name}__in": wanted}).values_list(name, flat=True)
        assert found == [values[0]], size
        found = await Thing.filter(**{f"{name}__not_in": wanted}).values_list(name, flat=True)
        # A row without a value is in no list: Tortoise says so, and SQL alone would not.
        expected = {*values[1:]} - {*wanted} | ({None} if name != "id" else set())
        assert {*found} == expected, size


async def test_an_empty_list_finds_nothing_and_leaves_out_nothing(things):
    await Thing.create(number=1)
    await Thing.create(number=None)
    assert await Thing.filter(number__in=[]).count() == 0
    assert await Thing.filter(number__not_in=[]).count() == 2
    assert await Thing.filter(~Q(number__in=[])).count() == 2
    assert await Thing.exclude(number__in=[]).count() == 2


async def test_nothing_in_a_list_means_what_it_means_in_sql(things):
    await Thing.create(number=-1)
    await Thing.create(number=None)
    for more in (0, 1, FEW, MANY):
        values = [-1, None, *range(more)]
        assert await Thing.filter(number__in=values).count() == 1, more
        assert await Thing.filter(number__in=[None, *range(more)]).count() == 0, more
        others = Thing.filter(number__not_in=[None, *range(more)])
        assert await others.values_list("number", flat=True) == [None], more


async def test_truths_are_found_in_a_list(things):
    for flag in (True, False, None):
        await Thing.create(flag=flag)
    for more in (0, FEW, MANY):
        flags = Thing.filter(flag__in=[True] * (more + 1)).values_list("flag", flat=True)
        assert await flags == [True], more
        flags = Thing.filter(flag__in=[True, False] * (more + 1)).values_list("flag", flat=True)
        assert {*await flags} == {True, False}, more


async def test_moments_of_any_zone_and_ids_as_texts_are_found(things):
    one = await Thing.create(at=NOON)
    for more in (0, FEW, MANY):
        moments = [NOON.astimezone(KOLKATA), *(NOON + timedelta(days=n + 1) for n in range(more))]
        assert await Thing.filter(at__in=moments).count() == 1, more
        ids = [str(one.id), *(str(UUID(int=n)) for n in range(more))]
        assert await Thing.filter(id__in=ids).count() == 1, more
        assert await Thing.filter(pk__in=ids).count() == 1, more


async def test_a_text_is_compared_as_it_is(things):
    for text in NASTY:
        await Thing.create(long=text)
    for more in (0, 1, FEW):
        for text in NASTY:
            values = [text, *(f"x{n}" for n in range(more))]
            found = await Thing.filter(long__in=values).values_list("long", flat=True)
            assert found == [text], more
            others = await Thing.filter(long__not_in=values).values_list("long", flat=True)
            assert sorted(others) == sorted({*NASTY} - {text}), (text, more)
    many = [*NASTY[1:], *(f"x{n}" for n in range(MANY))]
    found = await Thing.filter(long__in=many).values_list("long", flat=True)
    assert sorted(found) == sorted(NASTY[1:])
    assert await Thing.filter(long__not_in=many).values_list("long", flat=True) == NASTY[:1]


async def test_anything_that_can_be_gone_through_is_a_list(things):
    await Thing.create(number=1)
    for make in (set, tuple, dict.fromkeys, iter, lambda values: (v for v in values)):
        for values in ([1], [1, 2], [*range(MANY)]):
            assert await Thing.filter(number__in=make(values)).count() == 1, make
        assert await Thing.filter(number__in=make([])).count() == 0, make


async def test_a_subquery_stays_one(things):
    one = await Thing.create(number=1)
    await Thing.create(number=2, of=one)
    parts = Thing.filter(of_id__isnull=False).values("of_id")
    found = await Thing.filter(id__in=Subquery(parts))
    assert found == [one]
    assert await Thing.filter(number__in=[1], id__not_in=Subquery(parts)).count() == 0


async def test_relations_are_followed_whichever_way_they_go(things):
    one = await Thing.create(number=1)
    part = await Thing.create(number=2, of=one)
    for more in (0, FEW, MANY):
        ids = [UUID(int=n) for n in range(more)]
        numbers = [*range(1000, 1000 + more)]
        assert await Thing.filter(of_id__in=[one.id, *ids]) == [part], more
        assert await Thing.filter(of__number__in=[1, *numbers]) == [part], more
        assert await Thing.filter(parts__in=[part.id, *ids]) == [one], more
        assert await Thing.filter(parts__in=[part]) == [one], more
        assert await Thing.filter(parts__number__in=[2, *numbers]) == [one], more
        either = Q(number__in=[1, *numbers]) | Q(of_id__in=[one.id, *ids])
        assert await Thing.filter(either).count() == 2, more


async def test_writing_and_deleting_take_long_lists_too(things):
    one, other = await Thing.create(number=1), await Thing.create(number=2)
    ids = [one.id, *(UUID(int=n) for n in range(MANY))]
    assert await Thing.filter(id__in=ids, number__not_in=[*range(5, MANY)]).update(number=3) == 1
    assert await Thing.filter(id__in=ids, of__number__not_in=[*range(MANY)]).update(small=3) == 1
    assert await Thing.filter(id__in=ids).delete() == 1
    assert await Thing.all() == [other]


async def _many_things() -> list[UUID]:
    """So many things, and as many that are each a part of another one."""
    kind = connection().capabilities.dialect
    numbers = {
        "sqlite": "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {0})",
        "postgres": "WITH n AS (SELECT generate_series(1, {0}) AS n)",
    }[kind].format(MANY)
    key = {
        "sqlite": "printf('00000000-0000-0000-000{0}-%012x', n)",
        "postgres": "('00000000-0000-0000-000{0}-' || lpad(to_hex(n), 12, '0'))::uuid",
    }[kind]
    whole, part = key.format(0), key.format(1)
    await fetch(f"INSERT INTO thing (id, number) {numbers} SELECT {whole}, n FROM n")  # noqa: S608
    await fetch(f"INSERT INTO thing (id, of_id) {numbers} SELECT {part}, {whole} FROM n")  # noqa: S608
    return [UUID(int=n) for n in range(1, MANY + 1)]


@pytest.mark.slow
async def test_everything_that_belongs_to_many_rows_is_fetched_with_them(things):
    ids = await _many_things()
    wholes = await Thing.filter(id__in=ids).prefetch_related("parts").order_by("number")
    assert len(wholes) == MANY
    assert all(one.parts[0].of_id == one.id for one in wholes)
    parts = await Thing.filter(of_id__isnull=False).prefetch_related("of")
    assert len(parts) == MANY
    assert all(one.of.id == one.of_id for one in parts)
    assert len(await Thing.in_bulk(ids, "id")) == MANY


async def test_what_belongs_to_nothing_is_fetched_as_nothing(things):
    await Thing.create(number=1)
    [one] = await Thing.all().prefetch_related("of", "parts")
    assert one.of is None
    assert [*one.parts] == []


async def test_a_statement_has_one_text_for_all_long_lists_and_one_parameter(things):
    texts = set()
    for size in (FEW + 1, 1000, MANY):
        rows = Thing.filter(id__in=[uuid4() for _ in range(size)])
        texts.add(rows.sql())
        assert len(rows.query.get_parameterized_sql()[1]) == 1
    assert len(texts) == 1


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_the_stock_engine_stops_at_so_many(migrated: Database):
    # How many SQLite takes is a choice of those who build it.
    ids = [UUID(int=n) for n in range(MANY)]
    async with opened_with_stock_engine(migrated):
        with pytest.raises(asyncpg.InterfaceError, match="32767"):
            await Person.filter(id__in=ids)


def test_a_list_is_never_cast_to_a_length():
    assert array_type("VARCHAR(40)") == "text[]"
    assert array_type("BIGSERIAL") == "bigint[]"
    assert array_type("TIMESTAMPTZ") == "timestamptz[]"
    assert array_type("DECIMAL(10,2)") == "decimal[]"


async def test_rows_are_found_by_their_index_and_not_by_reading_all(things):
    ids = await _many_things()
    await fetch("ANALYZE")
    for size in (1, FEW, FEW + 1, 400):
        plan = " ".join(str([*row]) for row in await Thing.filter(id__in=ids[:size]).explain())
        assert "Seq Scan" not in plan, (size, plan)
        assert "SCAN thing" not in plan, (size, plan)
        assert "Index" in plan or "SEARCH thing USING INDEX" in plan, (size, plan)
