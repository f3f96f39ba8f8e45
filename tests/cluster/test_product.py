"""What the rig writes into the database, and reads out of it, fits Waymark as it is: the rig is run
by hand, so another name of a column or a setting would be noticed only then.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from server.audit.actions import Actor
from server.checkin.actions import record
from server.checkin.rules import Answer
from server.notify.channels.configured import configured
from server.people.rules import Role
from server.security import encryption
from server.settings import load
from server.storage.db import close_database, open_database
from server.storage.ids import uuid7
from server.ticker import Ticker
from server.watch.models import Watch
from tests.cluster import product
from tests.cluster.checker import Story, Terms, check
from tests.cluster.history import Event, History, of_kind, read
from tests.cluster.wire import Wire
from tests.fixtures import Database, DrivenClock

AGREED = product.Agreed()
TERMS = Terms(grace_s=AGREED.grace_s, told_within_s=60)


async def test_the_checker_sees_who_answered_and_who_was_told_of(
    migrated: Database, keyring: encryption.Keyring, clock: DrivenClock, tmp_path: Path
) -> None:
    history = History(tmp_path / "history.jsonl")
    wire = Wire("127.0.0.1", history, port=0)
    await wire.open()
    mia, leo = await product.populate(migrated.url, 2, history)
    first, _ = (event["due"] for event in of_kind(read(history.path), "child"))
    try:
        await open_database(migrated.url)
        clock.set(datetime.fromtimestamp(first, UTC))
        answer = await _answer(leo, clock())
        clock.advance(seconds=AGREED.grace_s + 5)
        await _tick_and_send(product.environment(
            tmp_path, smtp=wire.url, public="http://127.0.0.1:8080",
            urls={"WAYMARK_DATABASE_URL": migrated.url},
        ), clock)  # fmt: skip
    finally:
        await close_database()
        await wire.close()
    told_at = clock().timestamp()
    history.add("said", at=first, child=leo.id, id=answer["id"])
    history.add("answered", at=first, child=leo.id, id=answer["id"], status=201, answer=answer)
    await product.read_rows(migrated.url, history)
    history.close()
    # The clock was driven, and the wire has the time of the machine.
    events = [_at(event, told_at) for event in read(history.path)]
    story = Story(events, TERMS)
    assert [event["to"] for event in story.calls[mia.id]] == [mia.worker]
    assert not story.calls[leo.id]
    assert story.kept[answer["id"]]["answer"] == answer
    assert check(story) == []
    # The same without the mail, seen a while later.
    end: Event = {"kind": "said", "at": told_at + TERMS.told_within_s, "id": answer["id"]}
    untold = Story([*(e for e in events if e["kind"] != "arrived"), end], TERMS)
    assert ("untold", mia.id) in [(each.what, each.about) for each in check(untold)]


async def _answer(child: product.WatchedChild, now: datetime) -> Event:
    agency = (await Watch.get(child_id=child.id)).agency_id
    actor = Actor(UUID(child.id), Role.CHILD.value, agency)
    kept, _ = await record(actor, Role.CHILD, UUID(child.id), Answer(uuid7(), now), now)
    answer: Event = kept.answer
    return answer


async def _tick_and_send(environment: dict[str, str], clock: DrivenClock) -> None:
    settings = load(environment)
    channels = configured(settings, clock)
    ticker = Ticker(settings, channels, clock)
    for channel in channels.values():
        await channel.open()
    await ticker.tick()
    clock.advance(seconds=1)
    await ticker.send()
    for channel in channels.values():
        await channel.close()


def _at(event: Event, at: float) -> Event:
    return event | {"at": at} if event["kind"] == "arrived" else event
