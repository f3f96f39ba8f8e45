"""Many rows in one statement are what as many statements would have made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from tortoise.exceptions import IntegrityError

from server.audit.models import Entry
from server.errors import Conflict
from server.notify.models import Address, Message
from server.people.models import Agency, Person
from server.policy.models import Policy
from server.storage import bulk
from server.storage.db import as_id, fetch, write
from server.watch.models import Beat, Blind
from tests.fixtures import Database, DrivenClock
from tests.races import no_fault, together

NASTY = ["", " ", "it's", '"', "\\", "\n", "$1", "%s", "?", "{}", "نعم", "👩‍👧", "x" * 5000, "null"]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def entry(**how: Any) -> dict[str, Any]:
    values = {"at": NOON, "agency_id": None, "who_id": None, "who_role": "system", "about_kind": ""}
    return values | {"what": "test", "names": [], "why": None} | how


def policy(version: int, **how: Any) -> dict[str, Any]:
    values = {"id": uuid4(), "agency_id": UUID(int=1), "version": version, "made_at": NOON}
    return values | {"content": {}} | how


async def test_rows_come_back_as_they_went_in(db: Database) -> None:
    rows = [entry(what="why", why=text, names=[text, text]) for text in NASTY]
    ids = await bulk.insert(Entry, rows)
    assert len(set(ids)) == len(NASTY)
    found = await Entry.all().order_by("id")
    assert [one.why for one in found] == NASTY
    assert [one.names for one in found] == [[text, text] for text in NASTY]


async def test_it_writes_what_the_models_themselves_would_write(db: Database) -> None:
    given = entry(agency_id=uuid4(), who_id=uuid4(), names=["ä", "b"], why="seen")
    await bulk.insert(Entry, [given])
    await Entry.create(**given)
    columns = "at, agency_id, who_id, what, names, why"
    one, other = await fetch(f"SELECT {columns} FROM entry ORDER BY id")  # noqa: S608
    assert one == other


async def test_documents_numbers_and_nothing_keep_their_kinds(db: Database) -> None:
    content = {"a": [1, 2.5, None, True, False, "1", {"b": "é"}], "": {}, "big": 2**53}
    await bulk.insert(Policy, [policy(1, content=content, made_by=None)])
    [found] = await Policy.all()
    assert found.content == content
    assert (found.version, found.made_by) == (1, None)


async def test_an_empty_word_is_sealed_as_any_other(db: Database) -> None:
    await bulk.insert(Policy, [policy(1, words="")])
    [row] = await fetch("SELECT words FROM policy")
    assert row["words"] != ""
    [found] = await Policy.all()
    assert found.words == ""


async def test_sealed_fields_are_sealed(db: Database) -> None:
    row = {
        "id": uuid4(),
        "to_key": "x",
        "channel": "push",
        "kind": "alert",
        "subject_kind": "alert",
        "subject_id": uuid4(),
        "data": {"path": "/q/secret"},
        "queued_at": NOON,
    }
    defaults = {"rung": 0, "turn": 0, "urgency": "high", "state": "waiting", "attempts": 0}
    await bulk.insert(Message, [row | defaults])
    assert (await Message.all().first()).data == {"path": "/q/secret"}
    [raw] = await fetch("SELECT data FROM message")
    assert "secret" not in str(raw)


async def test_what_all_rows_have_in_common_is_in_each_of_them(db: Database) -> None:
    agency, who = uuid4(), uuid4()
    rows = [
        entry(agency_id=UUID(agency.hex), who_id=who, what=f"test:{n}", names=["a"], why="late")
        for n in range(5)
    ]
    await bulk.insert(Entry, rows)
    found = await Entry.all().order_by("id")
    assert [one.what for one in found] == [f"test:{n}" for n in range(5)]
    assert {(one.at, one.agency_id, one.who_id, one.why) for one in found} == {
        (NOON, agency, who, "late")
    }
    assert all(one.names == ["a"] and one.child_id is None for one in found)


async def test_rows_that_have_everything_in_common_are_as_many(db: Database) -> None:
    assert len(set(await bulk.insert(Entry, [entry(what="twice")] * 3))) == 3
    assert await Entry.filter(what="twice").count() == 3


async def test_documents_that_python_takes_for_equal_stay_different(db: Database) -> None:
    contents = [{"a": 1}, {"a": True}, {"a": 1.0}]
    await bulk.insert(Policy, [policy(n + 1, content=each) for n, each in enumerate(contents)])
    found = [one.content["a"] for one in await Policy.all().order_by("version")]
    assert [type(value) for value in found] in ([int, bool, float], [int, bool, int])


async def test_equal_words_are_sealed_each_for_itself(db: Database) -> None:
    """Else a reader of the database would see who has the same."""
    await bulk.insert(Policy, [policy(n, words="the same") for n in range(1, 4)])
    assert len({row["words"] for row in await fetch("SELECT words FROM policy")}) == 3
    assert {one.words for one in await Policy.all()} == {"the same"}


async def test_a_field_that_was_left_out_is_not_read(db: Database) -> None:
    await bulk.insert(Policy, [policy(1, words="sealed", made_by=UUID(int=7))])
    [found] = await bulk.select(Policy, "version = $1", [1], without=("words",))
    assert (found.made_by, found.made_at, found.content) == (UUID(int=7), NOON, {})
    assert not hasattr(found, "words")


@pytest.mark.parametrize(
    "moment",
    [
        NOON,
        NOON + timedelta(microseconds=1),
        datetime(2026, 3, 2, 17, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        # As far from UTC as a client may say; PostgreSQL itself reads less than 16 hours.
        datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=23, minutes=38))),
        datetime(2026, 3, 2, 12, tzinfo=timezone(-timedelta(hours=23, minutes=38))),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
async def test_moments_are_stored_in_utc_and_found_again(db: Database, moment: datetime) -> None:
    await bulk.insert(Beat, [{"name": "test", "at": moment}], returning="name")
    assert (await Beat.get(name="test")).at == moment
    assert await Beat.filter(at=moment).exists()
    assert await Beat.filter(at__gt=moment - timedelta(microseconds=1)).exists()


async def test_nothing_is_nothing(db: Database) -> None:
    assert await bulk.insert(Entry, []) == []
    assert await bulk.update(Policy, [], guard="version") == []
    await bulk.update_all(Policy, [], guard="version")


async def test_a_row_that_is_known_is_left_out_or_stops_all(db: Database) -> None:
    await bulk.insert(Policy, [policy(1)])
    rows = [policy(1), policy(2)]
    made = await bulk.insert(Policy, rows, skip_known=True)
    assert [as_id(id) for id in made] == [rows[1]["id"]]

    async def unguarded() -> None:
        async with write():
            await bulk.insert(Policy, [policy(3), policy(2)])

    with pytest.raises(IntegrityError):
        await unguarded()
    assert await Policy.all().count() == 2


async def test_the_same_row_twice_in_one_statement_is_once(db: Database) -> None:
    row = {"id": uuid4(), "from_at": NOON, "until_at": NOON}
    assert len(await bulk.insert(Blind, [row, row, row], skip_known=True)) == 1


async def test_two_who_insert_the_same_at_once_insert_it_once(db: Database) -> None:
    rows = [policy(number) for number in range(20)]

    async def insert(order: int) -> list[Any]:
        async with write():
            return await bulk.insert(Policy, rows[::order], skip_known=True)

    found = await together(insert(1), insert(1))
    no_fault(found)
    assert sorted(len(made) for made in found) == [0, 20]


async def test_an_update_goes_to_its_rows_alone(db: Database) -> None:
    rows = [policy(number) for number in range(3)]
    await bulk.insert(Policy, rows)
    changed = await bulk.update(
        Policy, [{"id": row["id"], "content": {"n": n}} for n, row in enumerate(rows[:2])]
    )
    assert {as_id(id) for id in changed} == {row["id"] for row in rows[:2]}
    found = {one.version: one.content for one in await Policy.all()}
    assert found == {0: {"n": 0}, 1: {"n": 1}, 2: {}}
    assert await bulk.update(Policy, [{"id": uuid4(), "content": {}}]) == []


async def test_only_a_row_that_is_as_it_was_read_is_written(db: Database) -> None:
    rows = [policy(5), policy(7)]
    await bulk.insert(Policy, rows)
    new = [{"id": row["id"], "content": {"new": True}, "version": 5} for row in rows]
    changed = await bulk.update(Policy, new, guard="version")
    assert [as_id(id) for id in changed] == [rows[0]["id"]]
    found = {one.id: (one.version, one.content) for one in await Policy.all()}
    assert found == {rows[0]["id"]: (6, {"new": True}), rows[1]["id"]: (7, {})}
    with pytest.raises(Conflict):
        await bulk.update_all(Policy, new, guard="version")


@pytest.mark.parametrize("how_many", [1, bulk.FEW, bulk.FEW + 1, 3 * bulk.FEW])
async def test_few_rows_and_many_are_written_alike(db: Database, how_many: int) -> None:
    rows = [policy(number, agency_id=uuid4()) for number in range(4 * bulk.FEW)]
    await bulk.insert(Policy, rows)
    new = [
        {"id": row["id"], "content": {"n": row["version"]}, "version": row["version"]}
        for row in rows[:how_many]
    ]
    stale = {"id": rows[-1]["id"], "content": {"n": -1}, "version": -1}
    changed = await bulk.update(Policy, [*new, stale], guard="version")
    assert {as_id(id_) for id_ in changed} == {row["id"] for row in rows[:how_many]}
    found = {one.id: (one.version, one.content) for one in await Policy.all()}
    for row in rows[:how_many]:
        assert found[row["id"]] == (row["version"] + 1, {"n": row["version"]})
    assert all(found[row["id"]] == (row["version"], {}) for row in rows[how_many:])


async def test_a_key_may_be_a_word(db: Database) -> None:
    rows = [{"name": name, "at": NOON} for name in ("a", "b")]
    await bulk.insert(Beat, rows, returning="name")
    assert await bulk.update(Beat, [{"name": "b", "at": NOON + timedelta(days=1)}]) == ["b"]
    assert dict(await Beat.all().values_list("name", "at")) == {
        "a": NOON,
        "b": NOON + timedelta(days=1),
    }


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_few_rows_are_looked_up_in_a_table_of_thousands(db: Database) -> None:
    """SQLite looks each row up, however many there are."""
    rows = [policy(number) for number in range(3000)]
    await bulk.insert(Policy, rows)
    await fetch("ANALYZE policy")
    async with write():
        # From the sixth time on the plan is one for any values.
        for turn in range(8):
            few = [{"id": row["id"], "words": "x"} for row in rows[turn::200]]
            assert len(await bulk.update(Policy, few)) == 15
        [counted] = await fetch(
            "SELECT seq_scan, n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'policy'"
        )
    assert counted == {"seq_scan": 0, "n_tup_upd": 8 * 15}


async def test_of_many_who_swap_the_same_row_one_does(db: Database, clock: DrivenClock) -> None:
    row = policy(1)
    await bulk.insert(Policy, [row])

    async def swap(number: int) -> list[Any]:
        async with write():
            change = {"id": row["id"], "content": {"by": number}, "version": 1}
            return await bulk.update(Policy, [change], guard="version")

    found = await together(*(swap(number) for number in range(5)))
    no_fault(found)
    assert sorted(len(made) for made in found) == [0, 0, 0, 0, 1]
    assert (await Policy.get(id=row["id"])).version == 2


async def test_nothing_can_be_set_to_nothing(db: Database) -> None:
    row = policy(1, made_by=uuid4())
    await bulk.insert(Policy, [row])
    await bulk.update(Policy, [{"id": row["id"], "made_by": None}])
    assert (await Policy.get(id=row["id"])).made_by is None


async def test_a_thousand_rows_are_one_call(db: Database) -> None:
    ids = await bulk.insert(Entry, [entry(what=str(number)) for number in range(1000)])
    assert len(ids) == 1000
    assert await Entry.all().count() == 1000


async def test_rows_of_which_one_is_refused_leave_nothing_in_a_transaction_that_goes_on(
    db: Database,
) -> None:
    beats = [{"name": name, "at": NOON} for name in [*"abcdefghijk", "a"]]
    async with write():
        await bulk.insert(Entry, [entry()])
        with pytest.raises(IntegrityError):
            async with write():
                await bulk.insert(Beat, beats, returning="name")
        await bulk.insert(Beat, beats[:9], returning="name")
    assert await Beat.all().count() == 9
    assert await Entry.all().count() == 1


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_on_sqlite_they_leave_nothing_without_a_savepoint_either(db: Database) -> None:
    """PostgreSQL refuses to commit then."""
    beats = [{"name": name, "at": NOON} for name in [*"abcdefghijk", "a"]]
    async with write():
        with pytest.raises(IntegrityError):
            await bulk.insert(Beat, beats, returning="name")
        await bulk.insert(Entry, [entry()])
    assert await Beat.all().count() == 0
    assert await Entry.all().count() == 1


# SQLite writes eight rows a statement there, and each of the rest by one of its own.
@pytest.mark.parametrize("many", [1, 7, 8, 9, 21])
async def test_a_transaction_writes_rows_as_they_are_written_outside_of_one(
    db: Database, many: int
) -> None:
    texts = [NASTY[number % len(NASTY)] for number in range(many)]
    rows = [entry(what="w", agency_id=uuid4(), names=[text], why=text) for text in texts]
    await bulk.insert(Entry, rows)
    async with write():
        ids = await bulk.insert(Entry, rows)
    columns = "at, agency_id, who_id, who_role, what, names, why"
    found = await fetch(f"SELECT {columns} FROM entry ORDER BY id")  # noqa: S608
    assert len(ids) == many
    assert found[:many] == found[many:]


@pytest.mark.parametrize("many", [1, 7, 8, 9, 21])
async def test_a_transaction_leaves_alone_what_has_moved_on(db: Database, many: int) -> None:
    rows = [policy(number, agency_id=uuid4()) for number in range(many)]
    moved_on = {row["id"] for row in rows[::3]}
    await bulk.insert(Policy, rows)
    change = [
        {"id": id_, "content": {"n": n}, "version": n - (id_ in moved_on)}
        for n, id_ in enumerate(row["id"] for row in rows)
    ]
    async with write():
        changed = await bulk.update(Policy, change, guard="version")
    assert {as_id(id_) for id_ in changed} == {row["id"] for row in rows} - moved_on
    found = {one.id: (one.version, one.content) for one in await Policy.all()}
    assert found == {
        row["id"]: (n, {}) if row["id"] in moved_on else (n + 1, {"n": n})
        for n, row in enumerate(rows)
    }


async def test_rows_that_a_condition_by_hand_selects_read_as_the_model_reads_them(
    db: Database,
) -> None:
    said = [entry(what="w", names=[text], why=text, agency_id=uuid4()) for text in NASTY]
    await bulk.insert(Entry, [*said, *(row | {"what": "other"} for row in said)])
    await bulk.insert(Policy, [policy(number, content={"n": [number]}) for number in range(3)])
    entries = await bulk.select(Entry, "what = $1 ORDER BY id DESC LIMIT 4", ["w"])
    policies = await bulk.select(Policy, "version > $1 ORDER BY version", [0])
    assert len(entries) == 4
    for read, by_model in (
        (entries, await Entry.filter(what="w").order_by("-id").limit(4)),
        (policies, await Policy.filter(version__gt=0).order_by("version")),
    ):
        for mine, other in zip(read, by_model, strict=True):
            fields = mine._meta.fields_db_projection
            assert [getattr(mine, each) for each in fields] == [
                getattr(other, each) for each in fields
            ]


async def test_what_rows_lead_to_is_read_into_them_as_the_orm_does(db: Database) -> None:
    agency = await Agency.create(name="a", made_at=NOON)
    who: dict[str, Any] = {"agency": agency, "role": "caseworker", "made_at": NOON}
    tom, eve = [await Person.create(name=name, **who) for name in ("tom", "eve")]
    for number, person in enumerate((tom, eve, tom, None)):
        where: dict[str, Any] = {"channel": "email", "value": "v", "value_index": str(number)}
        await Address.create(person=person, made_at=NOON, **where)
    addresses: list[Any] = await bulk.select(Address, "channel = 'email' ORDER BY value_index")
    people: list[Any] = await bulk.follow(addresses, "person")
    assert {each.pk for each in people} == {tom.id, eve.id}
    assert [each.pk for each in await bulk.follow(people, "agency")] == [agency.id]
    by_orm: list[Any] = (
        await Address.all().order_by("value_index").prefetch_related("person__agency")
    )
    assert [each.person for each in addresses] == [each.person for each in by_orm]
    assert addresses[0].person.agency == by_orm[0].person.agency == agency
    assert await bulk.follow(addresses[3:], "person") == await bulk.follow([], "person") == []
    assert addresses[3].person is None


async def test_the_hour_that_comes_twice_is_two_hours(db: Database) -> None:
    paris = ZoneInfo("Europe/Paris")
    twice = [datetime(2026, 10, 25, 2, 30, tzinfo=paris, fold=fold) for fold in (0, 1)]
    rows = [{"name": str(fold), "at": at} for fold, at in enumerate(twice)]
    await bulk.insert(Beat, rows, returning="name")
    stored = await Beat.all().order_by("name").values_list("at", flat=True)
    assert list(stored) == [at.astimezone(UTC) for at in twice]
