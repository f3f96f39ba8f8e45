"""The fixtures that everybody else stands on."""

from datetime import UTC, datetime

import pytest

from server.people.models import Agency
from server.storage.db import dialect, fetch


async def test_a_test_gets_a_migrated_database_of_its_own(db, clock):
    assert dialect() == db.dialect
    assert await Agency.all().count() == 0
    await Agency.create(name="Harbour", made_at=clock())
    assert (await Agency.get()).name == "Harbour"
    (row,) = await fetch("SELECT name FROM agency")
    assert row["name"].startswith("wm1.")


async def test_the_next_test_finds_it_empty(db):
    assert await Agency.all().count() == 0


def test_the_clock_stands_still_until_it_is_driven(clock):
    assert clock() == clock() == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert clock.advance(minutes=5) == datetime(2026, 3, 2, 12, 5, tzinfo=UTC)
    assert clock.set(datetime(2026, 1, 1, tzinfo=UTC)) == clock()
    with pytest.raises(AssertionError):
        clock.set(datetime(2026, 1, 1))  # noqa: DTZ001
