"""Other times for some days: they end by themselves, and leave no silence longer than the tier."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from server.alerts.models import Alert
from server.errors import Conflict, IdReused, NotFound, Refused
from server.notify.models import Message
from server.people.rules import Leaving
from server.placements import actions
from server.policy.levels import Evidence
from server.policy.model import Tier
from server.simulation import history
from server.storage.db import write
from server.watch import ticking
from server.watch.hearing.settling import settle
from server.watch.models import Round, Watch
from server.watch.rhythm import agreements, summary, temporary_rhythm
from server.watch.rhythm.models import Season
from tests.cast import Cast
from tests.races import no_fault, together

# Mia (mid tier): due at 18:00 in Paris, 17:00 UTC; late an hour later, Sam has 45 minutes.
LATER = {"at": ["20:00"]}
TWICE = {"at": ["09:00", "18:00"]}
FIRST, LAST = date(2026, 3, 4), date(2026, 3, 6)


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    """A moment by the clock in Paris."""
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo("Europe/Paris")).astimezone(UTC)


async def shift(
    cast: Cast,
    data: dict[str, Any] = LATER,
    first: date = FIRST,
    last: date = LAST,
    zone: str | None = None,
    id: UUID | None = None,
) -> Season:
    tom, now = cast.actor("tom"), cast.clock()
    return await temporary_rhythm.shift(
        tom,
        cast.mia.id,
        temporary_rhythm.SeasonRequest(
            id or uuid4(), first, last, data, zone=zone, words="Ramadan"
        ),
        now,
    )


async def mia(cast: Cast) -> Watch:
    return await Watch.get(child_id=cast.mia.id)


async def answer(cast: Cast) -> None:
    async with write():
        await settle(cast.mia.id, Evidence.CHILD, uuid4(), cast.clock())


async def rounds_answered_until(cast: Cast, moment: datetime) -> list[datetime]:
    """She answers each round as soon as it opens; when they were due."""
    await Watch.exclude(child_id=cast.mia.id).delete()
    while cast.clock() < moment:
        row = await mia(cast)
        assert row.next_action_at is not None
        assert row.opens_at is not None
        now = cast.clock.set(max(cast.clock(), min(row.next_action_at, moment)))
        await ticking.WATCHES.tick(now)
        if row.opens_at <= now:
            await answer(cast)
    rows = await Round.filter(child_id=cast.mia.id).order_by("due_at")
    assert not await Alert.exists(child_id=cast.mia.id)
    assert {row.state for row in rows} <= {"answered", "replaced"}
    return [row.due_at for row in rows if row.state == "answered"]


async def test_it_begins_and_ends_by_itself(cast: Cast) -> None:
    await shift(cast)
    assert await rounds_answered_until(cast, at(23, day=8)) == [
        at(18, day=2),
        at(18, day=3),
        at(20, day=4),
        at(20, day=5),
        at(20, day=6),
        at(18, day=7),
        at(18, day=8),
    ]


async def test_on_a_journey_the_clock_is_the_one_where_the_child_is(cast: Cast) -> None:
    """18:00 in Lisbon is 19:00 in Paris."""
    await shift(cast, {"at": ["18:00"]}, zone="Europe/Lisbon")
    assert await rounds_answered_until(cast, at(23, day=7)) == [
        at(18, day=2),
        at(18, day=3),
        at(19, day=4),
        at(19, day=5),
        at(19, day=6),
        at(18, day=7),
    ]


async def test_reminders_on_a_journey_go_by_the_quiet_hours_there(cast: Cast) -> None:
    await shift(cast, {"at": ["18:00"]}, zone="Europe/Lisbon")
    cast.clock.set(at(17, 30, day=2))
    await answer(cast)
    cast.clock.set(at(17, 30, day=3))
    await answer(cast)
    cast.clock.set(at(18, 30, day=4))
    await ticking.WATCHES.tick(cast.clock())
    (message,) = await Message.filter(child_id=cast.mia.id, kind="remind_child")
    assert message.data["quiet"]["zone"] == "Europe/Lisbon"


async def test_a_round_that_is_open_stays_as_it_was_agreed(cast: Cast) -> None:
    cast.clock.set(at(17))
    await ticking.WATCHES.tick(cast.clock())
    await shift(cast, LATER, first=date(2026, 3, 2))
    row = await mia(cast)
    assert row.due_at == at(18)
    assert row.following_due_at == at(20)


async def test_taken_back_the_rhythm_of_before_holds_again(cast: Cast) -> None:
    made = await shift(cast, LATER, first=date(2026, 3, 2))
    assert (await mia(cast)).due_at == at(20)
    tom, now = cast.actor("tom"), cast.clock()
    await temporary_rhythm.end_shift(tom, cast.mia.id, made.id, now)
    await temporary_rhythm.end_shift(tom, cast.mia.id, made.id, now + timedelta(hours=1))
    assert (await mia(cast)).due_at == at(18)
    assert (await Season.get(id=made.id)).ended_at == now
    with pytest.raises(NotFound):
        await temporary_rhythm.end_shift(tom, cast.noor.id, made.id, now)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"first": LAST, "last": FIRST}, "last", "invalid"),
    ({"first": date(2026, 2, 1), "last": date(2026, 2, 28)}, "last", "invalid"),
    ({"first": FIRST, "last": date(2026, 6, 4)}, "last", "invalid"),
    ({"first": date(2027, 4, 1), "last": date(2027, 4, 2)}, "first", "invalid"),
    ({"data": {"at": ["20:00"], "days": [0]}}, "rhythm", "too_slow"),
    # Each by itself is often enough, but not what lies between the last before and the first of it.
    ({"data": {"at": ["20:00"], "days": [3, 4, 5, 6, 0]}}, "rhythm", "too_slow"),
    ({"zone": "Mars/Olympus"}, "zone", "invalid"),
    ({"data": {"every_s": 60}}, "", "invalid"),
]


@pytest.mark.parametrize(("how", "field", "code"), WRONG)
async def test_one_that_makes_no_sense_is_refused(
    cast: Cast, how: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(Refused) as told:
        await shift(cast, **how)
    assert (told.value.field or "", told.value.code) == (field, code)
    assert not await Season.exists()


async def test_two_over_the_same_days_are_not_agreed(cast: Cast) -> None:
    await shift(cast)
    with pytest.raises(Refused) as told:
        await shift(cast, TWICE, first=LAST, last=LAST)
    assert told.value.field == "first"
    await shift(cast, TWICE, first=date(2026, 3, 7), last=date(2026, 3, 8))
    assert await Season.filter(child_id=cast.mia.id).count() == 2


async def test_a_tier_that_it_is_too_slow_for_is_refused(cast: Cast) -> None:
    tom, now = cast.actor("tom"), cast.clock()
    await agreements.set_rhythm(tom, cast.mia.id, TWICE, "Europe/Paris", now)
    await shift(cast, {"at": ["18:00"]})
    with pytest.raises(Refused) as told:
        await agreements.set_tier(tom, cast.mia.id, agreements.TierRequest(Tier.HIGH), now)
    assert told.value.code == "too_slow"
    assert told.value.detail.startswith("With the other times for some days, up to {gap}")


async def test_the_same_id_again_is_the_first_and_with_another_rhythm_none(cast: Cast) -> None:
    id_ = uuid4()
    first = await shift(cast, id=id_)
    assert (await shift(cast, id=id_)).made_at == first.made_at
    with pytest.raises(IdReused):
        await shift(cast, TWICE, id=id_)


async def test_two_who_agree_at_once_do_not_agree_on_the_same_days(cast: Cast) -> None:
    found = await together(shift(cast), shift(cast, TWICE))
    no_fault(found, Refused)
    assert await Season.filter(child_id=cast.mia.id).count() == 1


async def test_the_end_of_the_placement_ends_it(cast: Cast) -> None:
    made = await shift(cast)
    tom, now = cast.actor("tom"), cast.clock()
    await actions.end(tom, cast.mia.id, Leaving.HOME, now, now=now)
    assert (await Season.get(id=made.id)).ended_at == now
    with pytest.raises(Conflict):
        await shift(cast)


async def test_silence_in_it_is_noticed_as_in_any_other_time(cast: Cast) -> None:
    await Watch.exclude(child_id=cast.mia.id).delete()
    await shift(cast, LATER, first=date(2026, 3, 2))
    for moment in (at(21), at(21, 45)):
        await ticking.WATCHES.tick(cast.clock.set(moment))
    alert = await Alert.get(child_id=cast.mia.id)
    assert alert.opened_at == at(21, 45)


async def test_history_begins_anew_where_the_times_changed(cast: Cast) -> None:
    await shift(cast, LATER, first=date(2026, 3, 2), last=date(2026, 3, 3))
    since = cast.clock() - timedelta(days=1)
    for moment, rhythm, begin in (
        (at(23, day=3), LATER, cast.clock()),
        (at(23, day=4), {"at": ["18:00"]}, at(0, day=4)),
    ):
        found = await history.read(cast.agency.id, since, moment)
        (placed,) = [
            one for one in found.events if one.kind == "placed" and one.child == str(cast.mia.id)
        ]
        assert (placed.detail["rhythm"], placed.at) == (rhythm, begin)


async def test_both_see_it(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}"
    form = {
        "id": str(uuid4()),
        "first": "2026-03-02",
        "last": "2026-03-12",
        "at": ["20:00", ""],
        "day": list("0123456"),
        "zone": "Europe/Paris",
        "words": "Ramadan",
    }
    async with cast.browser_as("tom") as browser, cast.client_as("mia") as child:
        saved = await browser.post(f"{path}/season", data=form)
        assert saved.headers["location"] == f"{path}/plan?done=season"
        one = await summary.case_of(cast.mia.id, cast.clock())
        assert one is not None
        row = await Season.get()
        says = summary.season_in_words(row, one, "en", cast.clock())
        assert says.startswith("Until ")
        assert "Every day at 20:00. Then back to: Every day at 18:00." in says
        assert says in (await browser.get(path)).text
        page = (await browser.get(f"{path}/season")).text
        assert says in page
        assert "Ramadan" in page
        known = (await child.get("/api/v1/rhythm/proposals")).json()
        assert known["seasons"][0]["rhythm"] == LATER
        assert known["sums"][0]["due_at"] == "2026-03-02T19:00:00Z"
        slow = await browser.post(f"{path}/season", data={**form, "id": str(uuid4()), "last": ""})
        assert slow.status_code == 422
        assert "Enter the first and the last day" in slow.text
        ended = await browser.post(f"{path}/seasons/{row.id}/end")
        assert ended.headers["location"] == f"{path}/plan?done=season-ended"
        assert "Then back to" not in (await browser.get(path)).text
