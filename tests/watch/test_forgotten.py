""" "I forgot" can be said afterwards, kindly; the miss stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from server.alerts.models import Alert
from server.audit.models import Entry
from server.errors import NotFound
from server.policy.levels import Evidence
from server.storage.db import write
from server.watch import forgotten, ticking
from server.watch.hearing.settling import settle
from server.watch.models import Round, Watch
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import no_fault, together

# Mia (mid tier): due at 18:00 in Paris, 17:00 UTC; late an hour later, adults called at 18:45 UTC.
DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def answered(cast: Cast, moment: datetime) -> Round:
    """The round of 18:00, answered at a moment."""
    await Watch.exclude(child_id=cast.mia.id).delete()
    while True:
        row = await Watch.get(child_id=cast.mia.id)
        assert row.next_action_at is not None
        if row.next_action_at > moment:
            break
        await ticking.WATCHES.tick(cast.clock.set(row.next_action_at))
    cast.clock.set(moment)
    async with write():
        await settle(cast.mia.id, Evidence.CHILD, uuid4(), moment)
    return await Round.get(child_id=cast.mia.id, due_at=DUE)


async def say(cast: Cast, round_id: UUID) -> Round:
    return await forgotten.forgot(cast.actor("mia"), cast.mia.id, round_id, cast.clock())


async def test_it_is_offered_after_a_late_answer_and_after_no_other(cast: Cast) -> None:
    found = await answered(cast, DUE + 90 * MINUTE)
    await cast.new_token("tom")
    async with cast.client_as("mia") as child, cast.client_as("tom") as worker:
        assert (await worker.get("/api/v1/me")).json()["answered_late"] is None
        known = (await child.get("/api/v1/me")).json()
        assert known["answered_late"] == {"id": str(found.id), "due_at": "2026-03-02T17:00:00Z"}
        cast.clock.advance(days=2)
        assert (await child.get("/api/v1/me")).json()["answered_late"] is None


async def test_an_answer_in_time_brings_no_question(cast: Cast) -> None:
    await answered(cast, DUE - 10 * MINUTE)
    assert await forgotten.offered(cast.mia.id, cast.clock()) is None


async def test_the_miss_stays_and_the_reason_is_kept(cast: Cast) -> None:
    found = await answered(cast, DUE + 90 * MINUTE)
    async with cast.client_as("mia") as child:
        said = await child.post(f"/api/v1/me/rounds/{found.id}/forgot")
        assert said.status_code == 200
        assert (await child.get("/api/v1/me")).json()["answered_late"] is None
    after = await Round.get(id=found.id)
    assert (after.state, after.settled_at, after.late_at) == (
        "answered_late",
        found.settled_at,
        found.late_at,
    )
    assert after.forgot_at == cast.clock()
    assert await Entry.filter(child_id=cast.mia.id, what="round:forgot").count() == 1


async def test_twice_is_once_and_the_first_time_stands(cast: Cast) -> None:
    found = await answered(cast, DUE + 90 * MINUTE)
    first = await say(cast, found.id)
    cast.clock.advance(days=1)  # A phone that heard no answer.
    assert (await say(cast, found.id)).forgot_at == first.forgot_at
    no_fault(await together(*(say(cast, found.id) for _ in range(3))))
    assert await Entry.filter(child_id=cast.mia.id, what="round:forgot").count() == 1


async def test_an_answer_that_was_on_time_old_or_another_childs_cannot_be_called_forgotten(
    cast: Cast,
) -> None:
    found = await answered(cast, DUE + 90 * MINUTE)
    actor = cast.actor("noor")
    with pytest.raises(NotFound):
        await forgotten.forgot(actor, cast.noor.id, found.id, cast.clock())
    with pytest.raises(NotFound):
        await say(cast, uuid4())
    cast.clock.advance(days=15)
    with pytest.raises(NotFound):
        await say(cast, found.id)


async def test_it_silences_no_alert(cast: Cast) -> None:
    found = await answered(cast, DUE + 3 * HOUR)
    before = await Alert.get(child_id=cast.mia.id)
    await say(cast, found.id)
    after = await Alert.get(child_id=cast.mia.id)
    assert (after.state, after.next_action_at) == (before.state, before.next_action_at)


async def test_the_worker_reads_it_on_the_alert_the_childs_page_and_the_rounds(cast: Cast) -> None:
    found = await answered(cast, DUE + 3 * HOUR)
    await say(cast, found.id)
    alert = await Alert.get(child_id=cast.mia.id)
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(f"/desk/alerts/{alert.id}")).text
        assert "Forgot the check-in due 18:00, said so 21:00." in page
        page = (await browser.get(f"/desk/children/{cast.mia.id}")).text
        assert "I forgot" in page
        assert "Check-in due: 18:00" in page
        rounds = (await browser.get("/desk/rounds")).text
        assert "Said “I forgot”" in rounds
