"""A child is back from an absence that was prolonged, or does not go on with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from server.notify.models import Message
from server.watch import ticking
from server.watch.absence.models import AbsenceRequest
from server.watch.absence.rules import Standing
from server.watch.models import Pause
from server.watch.rhythm.agreements import PauseRequest, end_pause, pause
from tests.cast import Cast
from tests.watch.test_absence_requests import PATH, agree, ask, at, mia, standing_of, take_back


async def agreed(cast: Cast, begin: datetime, end: datetime, **terms: Any) -> AbsenceRequest:
    return await agree(cast, await ask(cast, from_at=begin, until_at=end), **terms)


async def pass_to(cast: Cast, now: datetime) -> None:
    cast.clock.set(now)
    await ticking.WATCHES.tick(now)


async def ended(row: AbsenceRequest) -> datetime | None:
    return (await Pause.get(id=row.id)).ended_at


async def test_back_from_a_prolonged_absence_all_of_it_ends_and_check_ins_go_on(
    cast: Cast,
) -> None:
    first = await agreed(cast, at(16), at(19, day=5))
    further = await agreed(cast, at(19, day=5), at(19, day=8))
    later = await agreed(cast, at(9, day=20), at(9, day=22))
    await pass_to(cast, at(9, day=4))
    for _ in range(2):
        await take_back(cast, first)
    assert [await ended(row) for row in (first, further, later)] == [at(9, day=4)] * 2 + [None]
    stands = [await standing_of(cast, row) for row in (first, further, later)]
    assert stands == [Standing.BACK, Standing.BACK, Standing.AGREED]
    assert (await mia(cast)).due_at == at(18, day=4)


async def test_back_from_the_last_part_ends_it_after_the_first_is_over(cast: Cast) -> None:
    first = await agreed(cast, at(16), at(19, day=5))
    further = await agreed(cast, at(19, day=5), at(19, day=8))
    await pass_to(cast, at(9, day=6))
    await take_back(cast, further)
    assert [await ended(first), await ended(further)] == [None, at(9, day=6)]
    assert await standing_of(cast, first) is Standing.OVER
    assert (await mia(cast)).due_at == at(18, day=6)


async def test_not_going_on_ends_only_the_part_that_has_not_begun(cast: Cast) -> None:
    first = await agreed(cast, at(16), at(19, day=5))
    further = await agreed(cast, at(19, day=5), at(19, day=8))
    await pass_to(cast, at(9, day=4))
    await take_back(cast, further)
    assert [await ended(first), await ended(further)] == [None, at(9, day=4)]
    assert await standing_of(cast, first) is Standing.AGREED
    assert (await mia(cast)).due_at == at(19, day=5)


async def test_the_check_in_between_two_parts_stays_and_what_comes_after_it_ends(
    cast: Cast,
) -> None:
    """Back at 18:30; at 19:00 a check-in is due, and the next absence begins an hour later."""
    first = await agreed(cast, at(16), at(19, day=5))
    further = await agreed(cast, at(20, day=5), at(19, day=8))
    await pass_to(cast, at(18, 30, day=5))
    assert (await mia(cast)).due_at == at(19, day=5)
    await take_back(cast, first)
    assert [await ended(first), await ended(further)] == [None, at(18, 30, day=5)]
    assert (await mia(cast)).due_at == at(19, day=5)
    assert {await standing_of(cast, row) for row in (first, further)} == {Standing.BACK}


async def test_a_worker_who_ends_it_early_tells_the_child_by_news_that_names_nothing(
    cast: Cast,
) -> None:
    row = await agreed(cast, at(16), at(19, day=5))
    cast.clock.set(at(9, day=4))
    for _ in range(2):
        await end_pause(cast.actor("tom"), cast.mia.id, row.id, cast.clock())
    news = await Message.filter(kind="news_child", person_id=cast.mia.id).order_by("id")
    # The answer was not sent yet: two in one morning would tell the same as one.
    assert [message.state for message in news] == ["withdrawn", "waiting"]
    assert news[-1].data["path"] == "/app/"
    assert "cousin" not in str(news[-1].data)
    [asked] = (await cast.client_as("mia").get(PATH)).json()["requests"]
    assert (asked["state"], asked["agreed"]["ended_at"]) == ("over", "2026-03-04T08:00:00Z")
    # Of an absence that the child did not ask for, the phone has nothing to tell.
    words = PauseRequest(uuid4(), at(9, day=6), at(9, day=9), words="To the doctor.")
    other = await pause(cast.actor("tom"), cast.mia.id, words, cast.clock())
    await end_pause(cast.actor("tom"), cast.mia.id, other.id, cast.clock())
    assert await Message.filter(kind="news_child").count() == 2


async def test_a_child_who_is_back_needs_no_news_of_it(cast: Cast) -> None:
    row = await agreed(cast, at(16), at(19, day=5))
    cast.clock.set(at(9, day=4))
    await take_back(cast, row)
    assert not await Message.filter(kind="news_child", state="waiting").exists()
