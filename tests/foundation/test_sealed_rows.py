"""Sealed fields in real rows, on both databases."""

import pytest
from tortoise.exceptions import FieldError

from server.people.models import Agency
from server.security import encryption
from server.security.encryption import Keyring, Unreadable
from server.storage.db import fetch
from tests.fixtures import Database, DrivenClock

OLD = "a secret of the tests and of nothing else"
NEW = "another secret of the tests, put in front"


async def stored_names() -> list[str]:
    return [row["name"] for row in await fetch("SELECT name FROM agency ORDER BY made_at", [])]


async def test_the_database_never_sees_the_words(db: Database, clock: DrivenClock) -> None:
    agency = await Agency.create(name="Maison Brandvold", made_at=clock())
    (stored,) = await stored_names()
    assert stored.startswith(encryption.MARK)
    assert "Brandvold" not in stored
    assert (await Agency.get(id=agency.id)).name == "Maison Brandvold"
    assert await Agency.all().values_list("name", flat=True) == ["Maison Brandvold"]
    assert await Agency.all().values("name") == [{"name": "Maison Brandvold"}]
    assert (await Agency.all().only("id", "name"))[0].name == "Maison Brandvold"


async def test_every_way_of_writing_seals(db: Database, clock: DrivenClock) -> None:
    agency = await Agency.create(name="first", made_at=clock())
    await Agency.filter(id=agency.id).update(name="second")
    assert (await Agency.get(id=agency.id)).name == "second"
    agency.name = "third"
    await agency.save(update_fields=["name"])
    assert (await Agency.get(id=agency.id)).name == "third"
    clock.advance(minutes=1)
    await Agency.bulk_create([Agency(name="fourth", made_at=clock())])
    await fetch("UPDATE agency SET name = $1 WHERE id = $2", [encryption.seal("fifth"), agency.id])
    assert [row.name for row in await Agency.all().order_by("made_at")] == ["fifth", "fourth"]
    assert all(name.startswith(encryption.MARK) for name in await stored_names())


async def test_a_filter_that_could_find_nothing_is_refused(db: Database) -> None:
    for asked in ({"name": "x"}, {"name__in": ["x"]}, {"name__not": "x"}):
        with pytest.raises(FieldError, match="blind index"):
            await Agency.filter(**asked)


async def test_a_new_key_in_front_seals_what_comes_and_opens_what_was(
    db: Database, clock: DrivenClock
) -> None:
    await Agency.create(name="before", made_at=clock())
    encryption.use(Keyring([NEW, OLD]))
    clock.advance(minutes=1)
    await Agency.create(name="after", made_at=clock())
    assert [row.name for row in await Agency.all().order_by("made_at")] == ["before", "after"]
    before, after = await stored_names()
    assert not encryption.current().is_current(before)
    assert encryption.current().is_current(after)
    encryption.use(Keyring([NEW]))
    with pytest.raises(Unreadable):
        await Agency.all()
