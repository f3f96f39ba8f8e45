"""`waymark set-back`: after a point-in-time recovery the phones hear that time was lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server.audit.models import Epoch
from server.auth.models import Invite, Session
from server.auth.pairing import invite
from server.clock import stamp
from server.records.backup.resume import set_back
from server.storage.db import close_database, open_database
from server.storage.engines.copying import CopyFault
from tests.cast import Cast
from tests.fixtures import Database, DrivenClock
from tests.fixtures_commands import Run

pytestmark = pytest.mark.alone


async def test_a_database_that_was_set_back_begins_another_epoch(
    cast: Cast, db: Database, clock: DrivenClock
) -> None:
    await invite(cast.actor("tom"), cast.mia, now=clock())
    moment = clock()
    await close_database()
    clock.advance(minutes=5)
    assert await set_back(db.url, moment, clock())
    await open_database(db.url)
    epoch = await Epoch.newest()
    assert epoch is not None
    assert (epoch.from_at, epoch.restored_at) == (moment, clock())
    assert not await Invite.filter(ended_at__isnull=True).exists()
    live = await Session.filter(ended_at__isnull=True).prefetch_related("person")
    assert {session.person.role for session in live} == {"child"}
    body = (await cast.client_as("mia").get("/api/v1/me")).json()
    assert body["epoch"]["id"] == str(epoch.id)


async def test_said_twice_it_is_one_epoch(cast: Cast, db: Database, clock: DrivenClock) -> None:
    moment = clock()
    await close_database()
    clock.advance(minutes=5)
    assert [await set_back(db.url, moment, clock()) for _ in range(2)] == [True, False]
    await open_database(db.url)
    assert await Epoch.all().count() == 1


async def test_a_moment_at_which_the_record_does_not_end_is_refused(
    cast: Cast, db: Database, clock: DrivenClock
) -> None:
    clock.advance(minutes=30)
    await invite(cast.actor("tom"), cast.mia, now=clock())
    await close_database()
    for moment, words in (
        (clock() - timedelta(minutes=20), "was not set back"),
        (clock() + timedelta(minutes=1), "still to come"),
    ):
        with pytest.raises(CopyFault, match=words):
            await set_back(db.url, moment, clock())
    await open_database(db.url)
    assert not await Epoch.exists()


def test_the_command_says_what_is_lost(empty: Database, run: Run) -> None:
    assert run("migrate", WAYMARK_DATABASE_URL=empty.url)[0] == 0
    moment = stamp(datetime.now(UTC) - timedelta(minutes=5))
    code, out, err = run("set-back", moment, WAYMARK_DATABASE_URL=empty.url)
    assert (code, err) == (0, [])
    assert out.startswith(f"What reached the server after {moment}")
    code, out, _ = run("set-back", moment, WAYMARK_DATABASE_URL=empty.url)
    assert (code, out.strip()) == (0, "That was said before. Nothing has changed.")


@pytest.mark.parametrize("text", ["yesterday", "2026-03-02T02:10:00"])
def test_a_moment_without_a_zone_is_refused(run: Run, text: str) -> None:
    code, out, err = run("set-back", text)
    assert (code, out) == (2, "")
    assert "such as 2026-03-02T02:10:00Z" in err[-1]
