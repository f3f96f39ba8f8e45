"""A night without a backup is told, to who can mend it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from server.notify.actions import set_last_resorts
from server.notify.models import Message
from server.records.backup import lately
from server.storage.db import close_database, fetch, open_database
from server.watch.models import Beat
from tests.cast import Cast
from tests.fixtures import Database


async def _told() -> list[str]:
    told = await Message.filter(kind="operators").order_by("queued_at")
    return [message.data["fault"] for message in told]


async def test_operators_are_told_each_day_that_the_last_backup_is_old(cast: Cast) -> None:
    set_last_resorts(1)
    made = cast.clock()
    await Beat.create(name=lately.BACKUP, at=made)
    hours_told = []
    for hour in range(24 * 16):
        before = len(await _told())
        await lately.look(made + timedelta(hours=hour))
        if len(await _told()) > before:
            hours_told.append(hour)
    assert 36 < hours_told[0] <= 37
    assert {later - told for told, later in pairwise(hours_told[1:])} == {24}
    assert hours_told[-1] < 24 * 14
    assert set(await _told()) == {"backup:old"}


async def test_nobody_is_told_of_a_backup_where_there_was_none_or_one_this_night(
    cast: Cast,
) -> None:
    set_last_resorts(1)
    now = cast.clock()
    await lately.look(now)
    await Beat.create(name=lately.BACKUP, at=now - timedelta(hours=30))
    await lately.look(now)
    assert await _told() == []


async def test_a_backup_is_entered_into_the_database_it_is_of(cast: Cast, db: Database) -> None:
    first, then = cast.clock(), cast.clock() + timedelta(days=1)
    await close_database()
    for made_at in (first, then):
        assert await lately.enter(db.url, made_at)
    await open_database(db.url)
    assert (await Beat.get(name=lately.BACKUP)).at == then


async def test_a_database_that_cannot_be_told_fails_no_backup(cast: Cast, db: Database) -> None:
    await fetch("DROP TABLE beat")
    await close_database()
    assert not await lately.enter(db.url, cast.clock())
    await open_database(db.url)
