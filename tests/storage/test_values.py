"""Moments, ids and documents mean the same on both databases, bound by the ORM or by hand."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.people.models import Agency
from server.people.rules import Role
from server.storage.db import as_document, as_id, as_moment, fetch, write
from server.storage.engines.parameters import (
    for_postgres,
    for_sqlite,
    moment_to_text,
    to_json,
    to_sqlite,
)
from server.storage.ids import uuid7
from server.watch.models import Beat

KOLKATA = timezone(timedelta(hours=5, minutes=30))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("zone", [UTC, KOLKATA, timezone(timedelta(hours=-11))])
async def test_a_moment_in_any_zone_finds_what_happened_then(db, zone):
    for minute in range(3):
        await Beat.create(name=f"{minute}", at=NOON + timedelta(minutes=minute))
    asked = (NOON + timedelta(minutes=1)).astimezone(zone)
    found = {
        "at": {"1"},
        "at__lt": {"0"},
        "at__lte": {"0", "1"},
        "at__gt": {"2"},
        "at__gte": {"1", "2"},
        "at__not": {"0", "2"},
    }
    for how, names in found.items():
        assert set(await Beat.filter(**{how: asked}).values_list("name", flat=True)) == names, how
    assert await Beat.filter(at__in=[asked]).count() == 1
    assert await Beat.filter(at__range=[asked, asked]).count() == 1
    rows = await fetch("SELECT name FROM beat WHERE at <= $1 ORDER BY name", [asked])
    assert [row["name"] for row in rows] == ["0", "1"]
    later = asked + timedelta(hours=1)
    assert await Beat.filter(name="1").update(at=later) == 1
    assert (await Beat.get(at=later)).at == later.astimezone(UTC)


def test_without_the_guard_the_wrong_rows_are_found():
    # The stock adapter, in a process of its own because adapters are the whole process's.
    program = """
        import sqlite3
        from datetime import datetime, timedelta, timezone
        import tortoise.backends.sqlite.executor
        connection = sqlite3.connect(":memory:")
        connection.execute("CREATE TABLE beat (at TIMESTAMP)")
        connection.execute("INSERT INTO beat VALUES ('2026-03-02 12:00:00+00:00')")
        an_hour_before = datetime(2026, 3, 2, 16, 30, tzinfo=timezone(timedelta(hours=5.5)))
        print(connection.execute("SELECT * FROM beat WHERE at < ?", [an_hour_before]).fetchall())
    """
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    assert "12:00:00" in told.stdout


async def test_a_moment_without_a_zone_is_refused_loudly(db):
    naive = datetime(2026, 3, 2, 12)  # noqa: DTZ001
    with pytest.raises(ValueError, match="without a zone"):
        await fetch("SELECT name FROM beat WHERE at = $1", [naive])
    with pytest.warns(RuntimeWarning, match="naive"):
        await Beat.filter(at=naive).count()


@given(
    one=st.datetimes(timezones=st.timezones()),
    other=st.datetimes(timezones=st.timezones()),
)
def test_the_order_of_texts_is_the_order_of_moments(one, other):
    # Where UTC would need a year before 1 or after 9999 there is no such moment to store.
    try:
        texts = moment_to_text(one), moment_to_text(other)
    except OverflowError:
        return
    utc = one.astimezone(UTC), other.astimezone(UTC)
    assert (texts[0] < texts[1]) == (utc[0] < utc[1])
    assert as_moment(texts[0]) == utc[0]


async def test_fetch_returns_the_rows_that_a_write_changed(db, clock):
    ids = [uuid7() for _ in range(3)]
    async with write():
        for id_ in ids:
            await fetch(
                "INSERT INTO agency (id, name, language, zone, made_at)"
                " VALUES ($1::uuid, $2, 'en', 'UTC', $3)",
                [id_, "sealed?", clock()],
            )
    rows = await fetch(
        "UPDATE agency SET language = $2 WHERE id = $1 RETURNING id, language, made_at",
        [ids[0], "fr"],
    )
    (row,) = rows
    assert as_id(row["id"]) == ids[0]
    assert as_moment(row["made_at"]) == clock()
    assert row["language"] == "fr"
    gone = await fetch("DELETE FROM agency WHERE id = $1 RETURNING id", [ids[1]])
    assert [as_id(row["id"]) for row in gone] == [ids[1]]
    assert await fetch("DELETE FROM agency WHERE id = $1 RETURNING id", [ids[1]]) == []
    assert await Agency.all().count() == 2


async def test_a_parameter_may_stand_twice_and_in_any_order(db):
    rows = await fetch("SELECT $2 || $1 || $2 AS said", ["b", "a"])
    assert rows == [{"said": "aba"}]


async def test_lists_are_asked_for_in_the_way_of_each_database(db, clock):
    for name in ("a", "b", "c"):
        await Beat.create(name=name, at=clock())
    where = {
        "sqlite": "name IN (SELECT value FROM json_each($1))",
        "postgres": "name = ANY($1)",
    }[db.dialect]
    rows = await fetch(f"SELECT name FROM beat WHERE {where} ORDER BY name", [["a", "c"]])  # noqa: S608
    assert [row["name"] for row in rows] == ["a", "c"]


async def test_documents_are_kept_alike_by_hand_and_by_the_orm(db, clock):
    agency = await Agency.create(name="Harbour", made_at=clock())
    ids = {"a": uuid7(), "at": clock(), "nested": {"list": [1, None, "é"]}}
    (row,) = await fetch(
        {
            "sqlite": "SELECT json($1) AS document, $2 AS id",
            "postgres": "SELECT $1::jsonb AS document, $2::uuid AS id",
        }[db.dialect],
        [ids, agency.id],
    )
    read = as_document(row["document"])
    assert read["nested"] == {"list": [1, None, "é"]}
    assert as_id(read["a"]) == ids["a"]
    assert as_moment(read["at"]) == clock()
    assert as_id(row["id"]) == agency.id


def test_placeholders_are_translated_and_nothing_else():
    assert to_sqlite("SELECT $1, '$2', \"$3\" -- $4\n, $10::jsonb, $2::uuid[], $1") == (
        "SELECT ?1, '$2', \"$3\" -- $4\n, ?10, ?2, ?1"
    )
    assert to_sqlite("SELECT 'it''s $1', CAST($1 AS TEXT)") == "SELECT 'it''s $1', CAST(?1 AS TEXT)"


def test_values_become_what_each_database_keeps():
    id_ = UUID("00000000-0000-7000-8000-000000000001")
    assert for_sqlite(id_) == str(id_)
    assert for_postgres(id_) is id_
    assert for_sqlite([id_, 1]) == f'["{id_}", 1]'
    assert for_postgres((id_, 1)) == [id_, 1]
    assert for_sqlite(Role.CHILD) == for_postgres(Role.CHILD) == "child"
    assert for_sqlite(timedelta(seconds=2)) == for_postgres(timedelta(seconds=2)) == 2_000_000
    assert for_postgres(NOON.astimezone(KOLKATA)).isoformat() == "2026-03-02T12:00:00+00:00"
    assert for_sqlite(date(2026, 3, 2)) == date(2026, 3, 2)
    assert to_json({"on": date(2026, 3, 2)}) == '{"on": "2026-03-02"}'
    with pytest.raises(ValueError, match="Out of range float"):
        to_json({"mood": float("nan")})
    with pytest.raises(TypeError, match="object has no JSON"):
        to_json(object())


def test_the_guard_holds_in_this_process_after_all_imports():
    connection = sqlite3.connect(":memory:")
    (stored,) = connection.execute("SELECT ?", [NOON.astimezone(KOLKATA)]).fetchone()
    assert stored == "2026-03-02 12:00:00+00:00"
    with pytest.raises(ValueError, match="without a zone"):
        connection.execute("SELECT ?", [datetime(2026, 3, 2)])  # noqa: DTZ001
    connection.close()
