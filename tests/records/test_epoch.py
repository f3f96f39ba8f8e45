"""After a restore: nothing that was said is lost where a phone still has it, nothing is doubled."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from server.alerts.models import Alert
from server.audit.models import Epoch
from server.checkin.models import CheckIn
from server.missing.search.models import TimelineEntry
from server.missing.search.opening import Saying, open_episode
from server.notify.models import Message
from server.plan.models import Change
from server.storage.db import close_database, open_database
from server.watch.models import Round, Watch
from tests.cast import Cast
from tests.fixtures import Database, DrivenClock
from tests.plan.said import Phone
from tests.records.test_backup import _back_up, _restore

# A restore refuses where another program is connected.
pytestmark = pytest.mark.alone


class Past:
    """A backup of now, to which the database can be put back."""

    def __init__(self, db: Database, clock: DrivenClock, path: Path) -> None:
        self.db, self.clock, self.path = db, clock, path

    async def keep(self) -> None:
        await _back_up(self.db, self.path, self.clock)

    async def put_back(self) -> None:
        await close_database()
        await _restore(self.db, self.path, self.clock, replaces=True)
        await open_database(self.db.url)


@pytest.fixture
def past(db: Database, clock: DrivenClock, tmp_path: Path) -> Past:
    return Past(db, clock, tmp_path / "b.zip")


async def _say(cast: Cast, **more: Any) -> dict[str, Any]:
    """Mia answers; what the server confirmed, as a phone keeps it."""
    body = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "mark": "b", **more}
    answer = await cast.client_as("mia").post("/api/v1/check-ins", json=body)
    assert answer.status_code == 201, answer.text
    return {**body, "mark": "a", "confirmed_at": answer.json()["received_at"]}


async def _again(cast: Cast, kept: dict[str, Any]) -> Any:
    return await cast.client_as("mia").post("/api/v1/check-ins", json=kept)


async def test_a_phone_hears_of_another_epoch(cast: Cast, past: Past, clock: DrivenClock) -> None:
    mia = cast.client_as("mia")
    assert (await mia.get("/api/v1/me")).json()["epoch"] is None
    await past.keep()
    made_at = clock()
    clock.advance(hours=1)
    await past.put_back()
    told = (await mia.get("/api/v1/me")).json()["epoch"]
    epoch = await Epoch.newest()
    assert epoch is not None
    assert told == {"id": str(epoch.id), "from_at": made_at.isoformat().replace("+00:00", "Z")}


async def test_a_cursor_of_before_the_restore_passes_nothing_by(
    cast: Cast, past: Past, clock: DrivenClock
) -> None:
    """The phone was ahead of the restored server, which then gives the same numbers to others."""
    mia, tom = Phone(cast, "mia"), Phone(cast, "tom")
    area = mia.make("area", kind="education")
    assert await mia.sync(area) == ["applied"]
    await past.keep()
    mine = [mia.make("message", text=f"word {n}") for n in range(5)]
    assert await mia.sync(*mine) == ["applied"] * 5
    ahead = mia.cursor
    await past.put_back()
    cast.tokens["tom"] = await cast.new_token("tom")
    tom.own_client = None
    theirs = [tom.make("message", text=f"answer {n}") for n in range(8)]
    assert await tom.sync(*theirs) == ["applied"] * 8
    mia.heard, mia.cursor = [], ahead
    # As the phone does it: what it had confirmed goes in again, under the same ids.
    assert await mia.sync(*mine) == ["applied"] * 5
    assert {one["id"] for one in mia.heard} >= {one["id"] for one in theirs}
    assert await mia.sync(*mine) == ["known"] * 5
    assert mia.cursor is not None
    assert "-" in mia.cursor
    ids = {str(one.id) for one in await Change.filter(child_id=cast.mia.id)}
    assert {one["id"] for one in (area, *mine, *theirs)} <= ids
    tom.heard = []
    await tom.sync()
    assert {one["id"] for one in tom.heard} >= {one["id"] for one in mine}


async def test_a_confirmed_answer_comes_back_as_of_then(
    cast: Cast, past: Past, clock: DrivenClock
) -> None:
    await past.keep()
    clock.advance(minutes=20)
    kept = await _say(cast, note="Football today.", mood=4)
    then = clock()
    clock.advance(hours=1)
    await past.put_back()
    assert not await CheckIn.filter(id=kept["id"]).exists()
    answer = await _again(cast, kept)
    assert answer.status_code == 201
    row = await CheckIn.get(id=kept["id"])
    assert (row.received_at, row.note, row.mood, row.duress_check_at) == (
        then,
        "Football today.",
        4,
        None,
    )
    again = await _again(cast, kept)
    assert (again.status_code, again.json()) == (200, answer.json())
    assert await CheckIn.filter(child_id=cast.mia.id, id=kept["id"]).count() == 1


async def test_the_caseworker_reads_that_an_answer_was_lost_and_came_again(
    cast: Cast, past: Past, clock: DrivenClock
) -> None:
    await past.keep()
    clock.advance(minutes=20)
    kept = await _say(cast, note="Football today.")
    clock.advance(hours=1)
    await past.put_back()
    cast.tokens["tom"] = await cast.new_token("tom")
    page = f"/desk/children/{cast.mia.id}"
    told = "The server lost this answer when it was restored from a backup."
    assert told not in (await cast.client_as("tom").get(page)).text
    clock.advance(minutes=5)
    await _again(cast, kept)
    shown = (await cast.client_as("tom").get(page)).text
    assert shown.count(told) == 1
    assert shown.index("Football today.") > shown.index(told)


async def test_an_old_answer_does_not_hide_that_a_child_is_silent_now(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    await past.keep()
    watch = await Watch.get(child_id=cast.mia.id)
    assert watch.due_at is not None
    clock.set(watch.due_at - timedelta(minutes=30))
    kept = await _say(cast)
    # The round after it passes without an answer.
    clock.advance(days=3)
    await past.put_back()
    await stage.ticker.first()
    before = await Alert.get(child_id=cast.mia.id, closed_at__isnull=True)
    assert (await _again(cast, kept)).status_code == 201
    after = await Alert.get(child_id=cast.mia.id, closed_at__isnull=True)
    assert (after.state, after.next_action_at) == (before.state, before.next_action_at)
    newest = (
        await Round.filter(child_id=cast.mia.id, due_at__lt=clock()).order_by("-due_at").first()
    )
    assert newest is not None
    assert newest.state == "late"


async def test_an_answer_to_the_round_that_is_open_settles_it_again(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    await past.keep()
    watch = await Watch.get(child_id=cast.mia.id)
    assert watch.due_at is not None
    clock.set(watch.due_at - timedelta(minutes=30))
    kept = await _say(cast)
    clock.advance(hours=2)
    await past.put_back()
    await stage.ticker.first()
    opened = await Round.get(child_id=cast.mia.id, due_at=watch.due_at)
    assert opened.state in ("open", "late")
    assert (await _again(cast, kept)).status_code == 201
    assert (await Round.get(id=opened.id)).state in ("answered", "answered_late")


async def test_a_call_for_help_that_was_lost_calls_again(
    cast: Cast, past: Past, clock: DrivenClock
) -> None:
    await past.keep()
    clock.advance(minutes=5)
    kept = await _say(cast, want="help")
    clock.advance(hours=2)
    await past.put_back()
    assert not await Alert.filter(child_id=cast.mia.id).exists()
    assert (await _again(cast, kept)).status_code == 201
    assert (
        await Alert.filter(child_id=cast.mia.id, cause="help", closed_at__isnull=True).count() == 1
    )
    assert (await _again(cast, kept)).status_code == 200
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1


async def test_that_a_child_is_safe_and_not_ready_comes_back_and_calls_nobody(
    cast: Cast, past: Past, clock: DrivenClock
) -> None:
    await past.keep()
    clock.advance(minutes=5)
    kept = await _say(cast, want="safe")
    await past.put_back()
    assert [(await _again(cast, kept)).status_code for _ in range(2)] == [201, 200]
    assert (await CheckIn.get(id=kept["id"])).want == "safe"
    assert not await Alert.filter(child_id=cast.mia.id).exists()


async def test_an_answer_of_a_search_that_settles_nothing_stands_in_its_timeline_as_of_then(
    cast: Cast, past: Past, clock: DrivenClock
) -> None:
    before = await _say(cast)
    clock.advance(minutes=5)
    opened = Saying(clock())
    episode, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), opened, clock())
    await past.keep()
    clock.advance(minutes=5)
    kept = await _say(cast, want="safe")
    clock.advance(hours=2)
    await past.put_back()
    told = await Message.all().count()
    assert not await TimelineEntry.exists(episode_id=episode.id, what="sign_of_life")
    assert [(await _again(cast, kept)).status_code for _ in range(2)] == [201, 200]
    [line] = await TimelineEntry.filter(episode_id=episode.id, what="sign_of_life")
    assert (str(line.about_id), line.at) == (kept["id"], episode.opened_at + timedelta(minutes=5))
    assert await Message.all().count() == told
    # What was said before the search began is no sign of life in it.
    assert (await _again(cast, {**before, "id": str(uuid4())})).status_code == 201
    assert await TimelineEntry.filter(episode_id=episode.id, what="sign_of_life").count() == 1


async def test_nobody_uses_it_to_answer_without_a_restore(
    cast: Cast, stage: Any, clock: DrivenClock
) -> None:
    """Where nothing was lost, it is kept as of now and settles nothing."""
    watch = await Watch.get(child_id=cast.mia.id)
    assert watch.due_at is not None
    clock.set(watch.due_at + timedelta(minutes=5))
    await stage.ticker.tick()
    body = {"id": str(uuid4()), "said_at": clock().isoformat(), "confirmed_at": clock().isoformat()}
    assert (await _again(cast, body)).status_code == 201
    assert (await Round.get(child_id=cast.mia.id, due_at=watch.due_at)).state != "answered"


async def test_an_answer_of_another_child_is_not_taken_over(
    cast: Cast, past: Past, clock: DrivenClock
) -> None:
    await past.keep()
    clock.advance(minutes=5)
    kept = await _say(cast)
    await past.put_back()
    assert (await _again(cast, kept)).status_code == 201
    stolen = await cast.client_as("noor").post("/api/v1/check-ins", json=kept)
    assert (stolen.status_code, stolen.json()["code"]) == (409, "id_reused")


async def test_an_alert_that_was_lost_opens_again_and_nobody_is_called_twice_for_it(
    cast: Cast, stage: Any, past: Past, clock: DrivenClock
) -> None:
    """A watch runs, a backup, an alert, a restore, and time goes on."""
    await stage.ticker.first()
    await past.keep()
    watch = await Watch.get(child_id=cast.mia.id)
    assert watch.due_at is not None
    clock.set(watch.due_at + timedelta(hours=8))
    await stage.ticker.first()
    first = await Alert.get(child_id=cast.mia.id)
    assert first.closed_at is None
    clock.advance(minutes=30)
    await past.put_back()
    assert not await Alert.filter(child_id=cast.mia.id).exists()
    await stage.ticker.first()
    second = await Alert.get(child_id=cast.mia.id)
    assert (second.opened_at, second.closed_at) == (first.opened_at, None)
    assert "unseen" in second.facts
    told = await Message.filter(subject_id=second.id, person_id=cast.tom.id, kind="alert")
    assert len({(m.channel, m.rung, m.turn) for m in told}) == len(told)
    await stage.ticker.first()
    assert await Message.filter(subject_id=second.id, person_id=cast.tom.id).count() == len(told)
    assert await Alert.filter(child_id=cast.mia.id).count() == 1
