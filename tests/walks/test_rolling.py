"""An upgrade and a way back while children check in and rounds become late: nothing is lost,
nothing is doubled, and nobody is told more than five seconds late.

The processes of the last release are those of its commit (tests/previous.py). The new ones are this
code, with a migration more that changes tables in use in every way that is allowed.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.notify.models import Delivery, Message
from server.storage.db import fetch
from server.watch.models import Round, Watch
from tests import previous
from tests.fixtures import DrivenClock
from tests.walks.crowd import crowd
from tests.walks.rolling import Fleet, Taps, next_migration, stop
from tests.walks.stage import Stage

pytestmark = pytest.mark.long

HOUR = timedelta(hours=1)
# Medium level: an hour of grace, and three quarters of an hour until the caseworker is told.
UNTIL_TOLD = 1.75 * HOUR
CHILDREN = 60
LATE_AT_MOST = timedelta(seconds=5)


@pytest.fixture
def clock() -> DrivenClock:
    """The cast came half a day ago by the real clock, which other processes go by."""
    return DrivenClock(datetime.now(UTC) - 12 * HOUR)


@pytest_asyncio.fixture
async def fleet(stage: Stage) -> AsyncIterator[Fleet]:
    await stage.only("mia")
    await stage.subscribe("tom", "sam")
    stage.push.clock = lambda: datetime.now(UTC)
    made = Fleet(stage)
    async with made.stack:
        yield made


async def become_late(stage: Stage, seconds: float) -> dict[UUID, datetime]:
    """Children whose caseworker is to be told one after the other from now on: when, of each."""
    ids, now = await crowd(stage.cast, CHILDREN), datetime.now(UTC)
    when = {
        id_: now + timedelta(seconds=2 + number * seconds / CHILDREN)
        for number, id_ in enumerate(ids)
    }
    for id_, told_at in when.items():
        due = told_at - UNTIL_TOLD
        await Watch.filter(child_id=id_).update(
            due_at=due,
            opens_at=due - 2 * HOUR,
            following_due_at=due + 24 * HOUR,
            next_action_at=due - 2 * HOUR,
        )
    return when


async def everyone_told(how_many: int) -> None:
    for _ in range(300):
        if await Message.filter(kind="alert", state="done").count() >= how_many:
            return
        await asyncio.sleep(0.1)


async def look(stage: Stage, taps: Taps, when: dict[UUID, datetime]) -> dict[str, float]:
    """Nothing lost, doubled or late; the figures of it."""
    kept = Counter(str(id_) for id_ in await CheckIn.all().values_list("id", flat=True))
    assert set(taps.thanked) <= set(kept), "a check-in that was thanked for is gone"
    entries = await fetch("SELECT about_id FROM entry WHERE what = 'check_in'")
    assert Counter(str(row["about_id"]) for row in entries) == kept
    alerts = await Alert.filter(child_id__in=list(when))
    assert Counter(alert.child_id for alert in alerts) == Counter(list(when))
    assert await Round.filter(child_id__in=list(when)).count() == len(when)
    pushed = Counter(received.json["m"] for received in stage.shown("tom"))
    calls = await Message.filter(kind="alert", person_id=stage.cast.tom.id)
    assert Counter(call.child_id for call in calls) == Counter(list(when))
    assert pushed == Counter(str(call.id) for call in calls), "each was told once"
    told = await Delivery.filter(message_id__in=[call.id for call in calls], result="accepted")
    children = {call.id: call.child_id for call in calls}
    late = [
        (each.ended_at - when[children[each.message_id]]).total_seconds()
        for each in told
        if each.ended_at is not None
    ]
    assert len(late) == len(when)
    assert max(late) <= LATE_AT_MOST.total_seconds(), sorted(late)[-5:]
    return {"check-ins": len(taps.thanked), "tries": taps.tries, "latest": max(late)}


async def test_old_code_gives_way_to_new_under_load_and_comes_back(
    stage: Stage, fleet: Fleet, tmp_path: Path
) -> None:
    old = previous.code()
    (tmp_path / "next").mkdir()
    new = previous.next_code(tmp_path / "next", next_migration())
    await fleet.start(old)
    when = await become_late(stage, 30)
    taps = Taps(fleet, stage.cast.tokens["mia"])
    tapping = asyncio.create_task(taps.go_on())
    try:
        await fleet.migrate(new)
        await fleet.replace(new)
        # And back: the code of the last release starts over a database that is newer than it.
        await fleet.replace(old)
        await everyone_told(len(when))
    finally:
        taps.done = True
        await tapping
    figures = await look(stage, taps, when)
    # To be read in the folder of the test, whichever machine it was.
    (tmp_path / "figures.json").write_text(json.dumps(figures))
    for process, _ in fleet.webs:
        await stop(process)
