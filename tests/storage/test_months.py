"""On PostgreSQL the large tables are divided by month, and what is once is once over all months."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tortoise.exceptions import IntegrityError

from server import logs
from server.checkin.actions import record
from server.checkin.models import CheckIn
from server.checkin.rules import Answer
from server.clock import utcnow
from server.errors import IdReused
from server.notify.actions import set_aside
from server.notify.models import Delivery, Message
from server.people.rules import Role
from server.storage import bulk
from server.storage.db import close_database, dialect, fetch, open_database, write
from server.storage.engines.migrate import migrate
from server.storage.engines.partitions import ahead, bound, month_after, months
from server.storage.ids import uuid7
from server.storage.months import make_months
from tests.cast import Cast
from tests.fixtures import Database
from tests.storage import schema

only_postgres = pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
only_empty_postgres = pytest.mark.parametrize("empty", ["postgres"], indirect=True)

BY_MONTH = ("check_in", "delivery", "entry", "message", "round")
BEFORE = "0006_empty_beds_and_learning"
LONG_AGO = datetime(2020, 2, 29, 23, 59, tzinfo=UTC)


async def _partition_of(table: str, id_: object) -> str:
    (row,) = await fetch(
        f"SELECT tableoid::regclass::text AS name FROM {table} WHERE id = $1",  # noqa: S608
        [id_],
    )
    return str(row["name"])


def _answer_row(cast: Cast, id_: UUID, at: datetime) -> dict[str, Any]:
    child_id = cast.mia.id
    return {
        "id": id_,
        "agency_id": cast.agency.id,
        "child_id": child_id,
        "by_id": child_id,
        "by_role": "child",
        "said_at": at,
        "received_at": at,
        "want": "nothing",
        "mark": "a",
        "is_late": False,
        "is_early": False,
        "content_hash": "x",
        "answer": {},
    }


def _message_row(at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "to_key": "somewhere",
        "channel": "push",
        "kind": "reminder",
        "subject_kind": "round",
        "subject_id": uuid4(),
        "queued_at": at,
        "urgency": "normal",
        "state": "waiting",
        "attempts": 0,
        "rung": 0,
        "turn": 0,
        **more,
    }


# --- the months


def test_months_are_named_in_utc_across_a_year():
    seen = [
        f"{month:%Y-%m}"
        for month in months(datetime(2026, 11, 30, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    ]
    assert seen == ["2026-11", "2026-12", "2027-01"]
    assert len(ahead(datetime(2026, 12, 31, tzinfo=UTC))) == 3


def test_an_id_made_in_a_month_is_within_its_bounds():
    this_month = ahead(utcnow())[0]
    low, high = (
        UUID(bound(at, is_id=True).strip("'")) for at in (this_month, month_after(this_month))
    )
    assert low < uuid7() < high


@only_postgres
async def test_every_large_table_has_this_month_and_the_two_after_it(db: Database) -> None:
    rows = await fetch(
        "SELECT inhparent::regclass::text AS of, count(*) AS n FROM pg_inherits"
        " JOIN pg_class c ON c.oid = inhrelid AND c.relkind = 'r' GROUP BY 1 ORDER BY 1"
    )
    # And one for everything else.
    assert {row["of"]: row["n"] for row in rows} == dict.fromkeys(BY_MONTH, 4)


@only_postgres
async def test_months_are_made_ahead_and_only_once(db: Database) -> None:
    first = datetime(2031, 12, 5, tzinfo=UTC)
    made = await make_months(first, first + timedelta(days=31))
    assert [name for name in made if "round" in name] == ["round_2031_12", "round_2032_01"]
    assert len(made) == 10
    assert await make_months(first, first) == []


@only_postgres
async def test_two_tickers_that_make_the_same_months_do_no_harm(db: Database) -> None:
    at = datetime(2033, 1, 1, tzinfo=UTC)
    both = await asyncio.gather(make_months(at, at), make_months(at, at))
    assert sorted(map(len, both)) in ([0, 5], [1, 4], [2, 3])


@only_postgres
async def test_a_row_of_a_month_without_a_partition_is_kept_and_its_month_waits(
    db: Database, cast: Cast
) -> None:
    id_ = uuid4()
    await bulk.insert(CheckIn, [_answer_row(cast, id_, LONG_AGO)])
    assert await _partition_of("check_in", id_) == "check_in_default"
    # Nothing is moved while others read and write: that month stays where it is.
    assert "check_in_2020_02" not in await make_months(LONG_AGO, LONG_AGO)
    assert (await CheckIn.get(id=id_)).received_at == LONG_AGO


# --- once


@only_postgres
async def test_the_same_id_in_two_months_is_kept_once(db: Database, cast: Cast) -> None:
    id_ = uuid4()
    first, again = _answer_row(cast, id_, LONG_AGO), _answer_row(cast, id_, cast.clock())
    assert await bulk.insert(CheckIn, [first], skip_known=True) == [id_]
    assert await bulk.insert(CheckIn, [again], skip_known=True) == []
    with pytest.raises(IntegrityError):
        async with write():
            await bulk.insert(CheckIn, [again])
    assert await CheckIn.filter(id=id_).count() == 1


@only_postgres
async def test_the_same_id_in_two_months_at_the_same_time_is_kept_once(
    db: Database, cast: Cast
) -> None:
    for _ in range(5):
        id_ = uuid4()

        async def one(at: datetime, id_: UUID = id_) -> list[Any]:
            async with write():
                return await bulk.insert(CheckIn, [_answer_row(cast, id_, at)], skip_known=True)

        made = await asyncio.gather(*(one(at) for at in (LONG_AGO, cast.clock(), LONG_AGO)))
        assert sorted(map(len, made)) == [0, 0, 1]
        assert await CheckIn.filter(id=id_).count() == 1


async def test_an_answer_sent_again_a_month_later_gets_the_first_answer(cast: Cast) -> None:
    answer = Answer(uuid4(), cast.clock())
    first, is_new = await record(cast.actor("mia"), Role.CHILD, cast.mia.id, answer, cast.clock())
    assert is_new
    cast.clock.advance(days=40)
    again, is_new = await record(cast.actor("mia"), Role.CHILD, cast.mia.id, answer, cast.clock())
    assert not is_new
    assert again.answer == first.answer
    other = Answer(answer.id, answer.said_at, mood=1)
    with pytest.raises(IdReused):
        await record(cast.actor("mia"), Role.CHILD, cast.mia.id, other, cast.clock())


async def test_a_message_that_is_said_again_a_month_later_is_queued_once(db: Database) -> None:
    first = _message_row(LONG_AGO, id=UUID("01700000-0000-7000-8000-000000000001"))
    again = {**first, "id": uuid7()}
    other = {**first, "id": uuid7(), "turn": 1}
    assert await bulk.insert(Message, [first], skip_known=True) == [_stored(first["id"])]
    made = await bulk.insert(Message, [again, other], skip_known=True)
    assert made == [_stored(other["id"])]


async def test_of_two_equal_messages_in_one_batch_one_is_queued(db: Database) -> None:
    first = _message_row(LONG_AGO)
    assert len(await bulk.insert(Message, [first, {**first, "id": uuid7()}], skip_known=True)) == 1


def _stored(id_: UUID) -> Any:
    return id_ if dialect() == "postgres" else str(id_)


@only_postgres
async def test_whoever_writes_past_the_bulk_is_held_to_it_too(db: Database, cast: Cast) -> None:
    row = _message_row(LONG_AGO)
    await Message.create(**row)
    with pytest.raises(IntegrityError):
        async with write():
            await Message.create(**{**row, "id": uuid7()})


async def test_a_message_that_is_set_aside_makes_room_for_the_same_once_more(db: Database) -> None:
    first = _message_row(LONG_AGO, state="withdrawn")
    await bulk.insert(Message, [first], skip_known=True)
    async with write():
        await set_aside([first["subject_id"]], utcnow())
    again = {**first, "id": uuid7()}
    assert len(await bulk.insert(Message, [again], skip_known=True)) == 1
    assert await bulk.insert(Message, [{**first, "id": uuid7()}], skip_known=True) == []


@only_postgres
async def test_a_row_that_is_deleted_takes_its_key_along(db: Database, cast: Cast) -> None:
    row = _message_row(LONG_AGO)
    (id_,) = await bulk.insert(Message, [row], skip_known=True)
    await Delivery.create(message_id=id_, channel="push", attempt=1, started_at=LONG_AGO)
    await Message.filter(id=id_).delete()
    assert await Delivery.all().count() == 0
    assert await bulk.insert(Message, [row], skip_known=True) == [id_]


# --- from one table to months, and back


async def _some_rows(now: datetime) -> None:
    """Rows of a year ago, of today and of next month, as an older version wrote them."""
    for days in (-365, 0, 40):
        at = now + timedelta(days=days)
        message = uuid7()
        await fetch(
            "INSERT INTO message (id, to_key, channel, kind, subject_kind, subject_id, queued_at,"
            " urgency, state, rung, turn, attempts)"
            " VALUES ($1, 'x', 'push', 'reminder', 'round', $2, $3, 'normal', 'done', 0, 0, 0)",
            [message, uuid4(), at],
        )
        await fetch(
            "INSERT INTO delivery (id, message_id, channel, attempt, started_at, result)"
            " VALUES ($1, $2, 'push', 1, $3, 'sent')",
            [uuid7(), message, at],
        )
        await fetch(
            "INSERT INTO entry (at, who_role, what, about_kind, names)"
            " VALUES ($1, 'system', 'server:start', '', '[]')",
            [at],
        )


async def _rows() -> dict[str, list[dict[str, Any]]]:
    return {
        table: await fetch(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608
        for table in ("entry", "message", "delivery")
    }


@only_empty_postgres
async def test_a_database_in_use_is_divided_and_united_without_loss(empty: Database) -> None:
    now = ahead(utcnow())[0] + timedelta(days=3)
    await migrate(empty.url, target=BEFORE)
    await open_database(empty.url)
    try:
        await _some_rows(now)
        before, was = await _rows(), (await schema.indexes(), await schema.references())
    finally:
        await close_database()
    for target, is_back in ((None, False), (BEFORE, True), (None, False)):
        await migrate(empty.url, target=target)
        await open_database(empty.url)
        try:
            assert await _rows() == before
            if is_back:
                assert (await schema.indexes(), await schema.references()) == was
            (entry,) = await fetch(
                "INSERT INTO entry (at, who_role, what, about_kind, names)"
                " VALUES ($1, 'system', 'server:start', '', '[]') RETURNING id",
                [now],
            )
            assert entry["id"] == max(row["id"] for row in before["entry"]) + 1
            before = await _rows()
        finally:
            await close_database()


@only_empty_postgres
async def test_the_ticker_makes_months_of_a_database_that_was_divided_in_use(
    empty: Database,
) -> None:
    now = utcnow()
    await migrate(empty.url, target=BEFORE)
    await open_database(empty.url)
    try:
        await _some_rows(now)
    finally:
        await close_database()
    await migrate(empty.url)
    await open_database(empty.url)
    try:
        # The month in which it was divided is there already, with all those before it.
        assert await make_months(now, ahead(now)[-1]) == []
        next_month = month_after(ahead(now)[0])
        assert len(await make_months(next_month, ahead(next_month)[-1])) == len(BY_MONTH)
    finally:
        await close_database()


@only_postgres
async def test_however_many_months_are_made_one_line_says_so(db: Database) -> None:
    stream = io.StringIO()
    logs.configure(stream)
    first = datetime(2035, 11, 5, tzinfo=UTC)
    for _ in range(2):
        await make_months(first, first + timedelta(days=62))
    logs.configure(io.StringIO())
    [line] = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert line["event"] == "storage.months_made"
    assert (line["partitions"], line["months"]) == (15, ["2035-11", "2035-12", "2036-01"])
