"""What is counted of agencies, and for which agency."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.areas.counting import SETTLES, Column, count_now, count_period, last_period
from server.areas.hiding import FEW, Count
from server.areas.kept import AreaCounts
from server.missing.search.models import Episode
from server.notify.models import Delivery, Message
from server.people.models import Child, Tie
from server.watch.models import Watch
from server.watch.watch_alerts import open_missing
from tests.cast import Cast

MINUTE = timedelta(minutes=1)
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


async def an_alert(
    cast: Cast,
    child: str,
    at: datetime,
    *,
    told_after: timedelta | None = None,
    ended_after: timedelta | None = None,
) -> Alert:
    """An alert that began then, told and closed after so long; None: never."""
    row = cast.children[child]
    alert = await Alert.create(
        id=uuid4(),
        agency_id=row.agency_id,
        child_id=row.id,
        cause=Cause.SILENCE,
        tier="high",
        opened_at=at,
        noticed_at=at,
        reason="silence",
        ladder={},
        state="closed" if ended_after is not None else "open",
        outcome="ok" if ended_after is not None else None,
        closed_at=at + ended_after if ended_after is not None else None,
        next_action_at=at if ended_after is None else None,
    )
    if told_after is not None:
        await _told(cast, alert, at + told_after)
    return alert


async def _told(cast: Cast, alert: Alert, at: datetime) -> None:
    message = await Message.create(
        id=uuid4(),
        agency_id=alert.agency_id,
        person_id=cast.tom.id,
        to_key=str(cast.tom.id),
        channel="email",
        kind="alert",
        subject_kind="alert",
        subject_id=alert.id,
        child_id=alert.child_id,
        queued_at=at,
        state="done",
    )
    await Delivery.create(
        id=uuid4(),
        message_id=message.id,
        channel="email",
        attempt=1,
        started_at=at,
        ended_at=at,
        result="accepted",
    )


async def an_episode(child: Child, at: datetime, *, is_back: bool) -> None:
    """A time in which a child was missing."""
    await Episode.create(
        id=uuid4(),
        agency_id=child.agency_id,
        child_id=child.id,
        opened_at=at,
        said_at=at,
        opened_role="caseworker",
        tier="mid",
        found_at=at + timedelta(hours=9) if is_back else None,
        stage="followed_up" if is_back else "searching",
    )


@given(st.datetimes(datetime(2024, 1, 29), datetime(2099, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_four_weeks_have_been_over_for_a_day_are_whole_and_never_overlap(now: datetime) -> None:
    period = last_period(now)
    assert period.end - period.begin == timedelta(weeks=4)
    assert period.end + SETTLES <= now < period.end + SETTLES + timedelta(weeks=4)
    assert period.begin.weekday() == 0
    assert (period.begin - BEGAN) % timedelta(weeks=4) == timedelta(0)


async def test_children_are_counted_once_each_in_their_own_agency(cast: Cast) -> None:
    mia, noor = cast.children["mia"], cast.children["noor"]
    await Watch.filter(child_id=mia.id).update(standing="late")
    await open_missing(cast.actor("tom"), noor.id, None, cast.clock())
    await an_alert(cast, "noor", cast.clock())
    counts = await count_now([cast.agency.id, cast.other_agency.id])
    placed = await Child.filter(agency_id=cast.agency.id, left_at__isnull=True).count()
    ours = counts[cast.agency.id]
    assert ours[Column.PLACED] == Count(placed, hides=FEW)
    for column in (Column.LATE, Column.ALERTED, Column.MISSING):
        assert ours[column] == Count(1, of=placed, hides=FEW)
    theirs = counts[cast.other_agency.id]
    assert theirs[Column.PLACED].n == 1
    assert all(theirs[column].n == 0 for column in (Column.LATE, Column.ALERTED, Column.MISSING))


async def test_who_has_left_is_not_counted_as_placed(cast: Cast) -> None:
    before = (await count_now([cast.agency.id]))[cast.agency.id][Column.PLACED].n
    await Child.filter(id=cast.mia.id).update(left_at=cast.clock())
    assert (await count_now([cast.agency.id]))[cast.agency.id][Column.PLACED].n == before - 1


async def test_alerts_of_the_four_weeks_are_told_in_time_or_not(cast: Cast) -> None:
    period = last_period(cast.clock())
    at = period.begin + timedelta(days=3)
    for number, (told_after, ended_after) in enumerate(
        (
            (MINUTE, timedelta(hours=1)),
            (MINUTE * 2, timedelta(hours=1)),
            (None, timedelta(hours=1)),
            (None, MINUTE),  # Ended before anyone was told: it needed no message.
        )
    ):
        began = at + timedelta(days=number)
        await an_alert(cast, "mia", began, told_after=told_after, ended_after=ended_after)
    for outside in (period.begin - MINUTE, period.end):
        await an_alert(cast, "mia", outside, told_after=MINUTE, ended_after=MINUTE * 5)
    counts = (await count_period([cast.agency.id], period))[cast.agency.id]
    assert counts[Column.ALERTS] == Count(3, children=1)
    assert counts[Column.TOLD] == Count(1, of=3, children=1)


async def test_times_missing_count_for_the_agency_that_had_the_child_then(cast: Cast) -> None:
    period = last_period(cast.clock())
    mia = cast.children["mia"]
    await Tie.filter(child_id=mia.id).update(from_at=period.begin - timedelta(days=9))
    await an_episode(mia, period.begin, is_back=True)
    await an_episode(mia, period.end - MINUTE, is_back=False)
    # Mia moves to the other agency, and what is written about them goes along.
    await Tie.filter(child_id=mia.id).update(until_at=cast.clock())
    await Child.filter(id=mia.id).update(agency_id=cast.other_agency.id)
    await Episode.all().update(agency_id=cast.other_agency.id)
    counts = await count_period([cast.agency.id, cast.other_agency.id], period)
    assert counts[cast.agency.id][Column.EPISODES] == Count(2, children=1)
    assert counts[cast.agency.id][Column.BACK] == Count(1, of=2, children=1)
    assert counts[cast.other_agency.id][Column.EPISODES] == Count(0)


async def test_of_each_quarter_of_an_hour_one_count_is_shown_to_all_readers(cast: Cast) -> None:
    kept, ours, both = AreaCounts(), [cast.agency.id], [cast.agency.id, cast.other_agency.id]
    cast.clock.set(datetime(2026, 3, 2, 18, 0, 1, tzinfo=UTC))

    async def late(ids: list[UUID]) -> int:
        return (await kept.of(ids, cast.clock())).now[cast.agency.id][Column.LATE].n

    assert await late(ours) == 0
    await Watch.filter(child_id=cast.mia.id).update(standing="late")
    cast.clock.advance(minutes=14, seconds=58)
    assert (await late(ours), await late(both)) == (0, 0)
    cast.clock.advance(seconds=1)
    assert (await late(both), await late(ours)) == (1, 1)


async def test_the_numbers_are_as_of_the_moment_of_the_oldest_count(cast: Cast) -> None:
    kept, began = AreaCounts(), datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
    cast.clock.set(began)
    one = await kept.of([cast.agency.id], cast.clock())
    cast.clock.advance(minutes=5)
    both = await kept.of([cast.agency.id, cast.other_agency.id], cast.clock())
    assert (one.at, both.at) == (began, began)
    assert set(one.now) < set(both.now)


async def test_who_came_back_is_counted_up_to_a_day_after_the_weeks_and_no_later(
    cast: Cast,
) -> None:
    period = last_period(cast.clock())
    mia = cast.children["mia"]
    await Tie.filter(child_id=mia.id).update(from_at=period.begin - timedelta(days=9))
    for back_at in (period.end + SETTLES - MINUTE, period.end + SETTLES):
        await an_episode(mia, period.end - MINUTE, is_back=True)
        await Episode.filter(found_at=period.end - MINUTE + timedelta(hours=9)).update(
            found_at=back_at
        )
    counts = (await count_period([cast.agency.id], period))[cast.agency.id]
    assert (counts[Column.EPISODES].n, counts[Column.BACK].n) == (2, 1)


async def test_hundreds_of_agencies_are_one_parameter(cast: Cast) -> None:
    ids: list[UUID] = [cast.agency.id, *(uuid4() for _ in range(600))]
    counts = await count_now(ids)
    weeks = await count_period(ids, last_period(cast.clock()))
    assert counts[ids[0]][Column.PLACED].n > 0
    assert all(counts[id_][Column.PLACED] == Count(0, hides=FEW) for id_ in ids[1:])
    assert set(weeks) == set(counts) == set(ids)
