"""The fixtures that everybody else stands on."""

import gc
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from server.people.models import Agency
from server.storage.db import dialect, fetch
from tests.doubles.gateway import Gateway
from tests.doubles.smtp import Relay


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


def test_a_double_that_ends_leaves_no_connection_open_to_one_that_does_not_read():
    """Else it is found open in the middle of a later test, which fails for it."""
    relay = Relay(answers={"CONNECT": "220 " + "x" * 10_000_000}).start()
    with socket.create_connection(("127.0.0.1", relay.port)) as idle, _unclosed() as warned:
        assert idle.recv(1)
        relay.stop()
    assert warned == []


def test_a_double_that_ends_leaves_no_connection_open_that_it_just_accepted():
    with _unclosed() as warned:
        for _ in range(20):
            with Gateway() as gateway:
                socket.create_connection(("127.0.0.1", gateway.port)).close()
    assert warned == []


@contextmanager
def _unclosed() -> Iterator[list[str]]:
    """What was left open inside."""
    found: list[str] = []
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield found
        gc.collect()
    found += [str(one.message) for one in heard]
