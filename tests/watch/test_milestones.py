"""Days in a child's calendar make the watch tighter by themselves, and say so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from server.audit.models import Entry
from server.errors import IdReused, NotFound, Refused
from server.notify.actions import last_resorts, set_last_resorts, tell_operators
from server.notify.models import Message
from server.people import actions as people
from server.people.models import Home
from server.people.rules import Leaving
from server.placements import actions
from server.policy.model import EACH_MISS, Tier
from server.policy.parser import filled, read
from server.watch import policy_change, ticking
from server.watch.calendar import milestone_actions
from server.watch.calendar.milestones import What, around, coming_of_age, raised, what_of
from server.watch.calendar.models import Milestone
from server.watch.models import Watch
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import no_fault, together

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PARIS = ZoneInfo("Europe/Paris")
TWICE = {"at": ["09:00", "18:00"]}
FRIDAY = date(2026, 3, 6)


def local(day: int, hour: int = 0) -> datetime:
    """A moment of March by the clock in Paris."""
    return datetime(2026, 3, day, hour, tzinfo=PARIS).astimezone(UTC)


async def often(cast: Cast) -> None:
    """Mia is asked twice a day: often enough for every tier."""
    await agreements.set_rhythm(cast.actor("tom"), cast.mia.id, TWICE, "Europe/Paris", cast.clock())


async def marked(
    cast: Cast, what: str = "hearing", day: date = FRIDAY, id: UUID | None = None
) -> Milestone:
    tom, now = cast.actor("tom"), cast.clock()
    return await milestone_actions.mark(
        tom, cast.mia.id, milestone_actions.MilestoneRequest(id or uuid4(), what_of(what), day), now
    )


async def tier_at(cast: Cast, moment: datetime) -> tuple[str, datetime | None]:
    """What the watch is after a look at a moment."""
    cast.clock.set(moment)
    await milestone_actions.MILESTONES.tick(moment)
    await ticking.WATCHES.tick(moment)
    watch = await Watch.get(child_id=cast.mia.id)
    return watch.tier, watch.tier_until_at


async def test_around_a_hearing_the_watch_is_tight_and_then_what_it_was(cast: Cast) -> None:
    await often(cast)
    await marked(cast)
    assert await tier_at(cast, local(5) - HOUR) == ("mid", None)
    assert await tier_at(cast, local(5)) == ("high", local(10))
    assert await tier_at(cast, local(10) - HOUR) == ("high", local(10))
    assert await tier_at(cast, local(10)) == ("mid", None)
    entry = await Entry.filter(child_id=cast.mia.id, what="tier:set").order_by("-id").first()
    assert entry is not None
    assert entry.who_role == "system"


async def test_a_day_that_is_near_counts_at_once(cast: Cast) -> None:
    await often(cast)
    await marked(cast, "refusal", date(2026, 3, 2))
    assert (await Watch.get(child_id=cast.mia.id)).tier == "high"


async def test_a_rhythm_that_is_too_slow_gets_the_tightest_tier_that_it_allows(cast: Cast) -> None:
    tom = cast.actor("tom")
    await agreements.set_tier(tom, cast.mia.id, agreements.TierRequest(Tier.LOW), cast.clock())
    await marked(cast)
    assert await tier_at(cast, local(5)) == ("mid", local(10))
    assert await tier_at(cast, local(10)) == ("low", None)


async def test_what_a_person_has_set_tighter_or_for_longer_stays(cast: Cast) -> None:
    await often(cast)
    tom, mia = cast.actor("tom"), cast.mia.id
    until = local(20)
    await agreements.set_tier(
        tom, mia, agreements.TierRequest(Tier.HIGH, until_at=until, then=Tier.LOW), cast.clock()
    )
    await marked(cast)
    assert await tier_at(cast, local(5)) == ("high", until)
    assert await tier_at(cast, local(10)) == ("high", until)
    assert await tier_at(cast, until) == ("low", None)


async def test_a_tier_that_would_have_ended_before_is_followed_by_what_was_to_follow(
    cast: Cast,
) -> None:
    await often(cast)
    tom, mia = cast.actor("tom"), cast.mia.id
    await agreements.set_tier(
        tom, mia, agreements.TierRequest(Tier.HIGH, until_at=local(7), then=Tier.LOW), cast.clock()
    )
    await marked(cast)
    assert await tier_at(cast, local(5)) == ("high", local(10))
    assert await tier_at(cast, local(10)) == ("low", None)


async def test_a_day_is_marked_once_and_two_tickers_count_it_once(cast: Cast) -> None:
    await often(cast)
    id = uuid4()
    first = await marked(cast, id=id)
    assert (await marked(cast, id=id)).id == first.id
    with pytest.raises(IdReused):
        await marked(cast, "transfer", id=id)
    now = cast.clock.set(local(5))
    no_fault(await together(*(milestone_actions.MILESTONES.tick(now) for _ in range(4))))
    assert await Entry.filter(child_id=cast.mia.id, what="tier:set").count() == 1
    assert await milestone_actions.MILESTONES.tick(now) == 0


async def test_a_day_that_was_wrong_is_taken_back_and_never_lowers_anything(cast: Cast) -> None:
    await often(cast)
    tom = cast.actor("tom")
    wrong = await marked(cast)
    for _ in range(2):
        await milestone_actions.take_back(tom, cast.mia.id, wrong.id, cast.clock())
    assert await tier_at(cast, local(5)) == ("mid", None)
    assert await Entry.filter(what="milestone:take_back").count() == 1
    late = await marked(cast)
    assert await tier_at(cast, local(5)) == ("high", local(10))
    await milestone_actions.take_back(tom, cast.mia.id, late.id, cast.clock())
    assert await tier_at(cast, local(6)) == ("high", local(10))
    with pytest.raises(NotFound):
        await milestone_actions.take_back(tom, cast.noor.id, late.id, cast.clock())


async def test_a_ticker_that_was_away_for_all_of_it_lets_the_day_pass(cast: Cast) -> None:
    await often(cast)
    await marked(cast)
    assert await tier_at(cast, local(11)) == ("mid", None)
    assert not await Milestone.filter(next_action_at__isnull=False)


async def test_a_day_that_cannot_count_is_set_apart_and_operators_are_told(cast: Cast) -> None:
    await often(cast)
    row = await marked(cast)
    before = last_resorts()
    set_last_resorts(1)
    now = cast.clock.set(local(5))
    await milestone_actions.MILESTONES.set_apart(row.id, now, tell_operators)
    set_last_resorts(before)
    assert (await Milestone.get(id=row.id)).next_action_at == now + timedelta(minutes=1)
    [message] = await Message.filter(kind="operators")
    assert message.data["fault"] == "milestone:row"


@pytest.mark.parametrize(
    ("what", "day"),
    [
        ("birthday", FRIDAY),
        ("turning_18", FRIDAY),
        ("hearing", date(2026, 2, 20)),
        ("hearing", date(2029, 1, 1)),
    ],
)
async def test_what_is_no_day_of_a_calendar_is_refused(cast: Cast, what: str, day: date) -> None:
    with pytest.raises(Refused):
        await marked(cast, what, day)


async def test_the_fortnight_before_the_eighteenth_birthday_is_watched_tightly(
    cast: Cast,
) -> None:
    await often(cast)
    ines = cast.actor("ines")
    await people.set_birthday(ines, cast.mia.id, date(2008, 3, 25), cast.clock())
    await people.set_birthday(ines, cast.mia.id, date(2008, 3, 24), cast.clock())
    [row] = await Milestone.filter(child_id=cast.mia.id, ended_at__isnull=True)
    assert (row.what, row.on_day) == ("turning_18", date(2026, 3, 24))
    assert await tier_at(cast, local(10) - HOUR) == ("mid", None)
    assert (await tier_at(cast, local(10)))[0] == "high"
    await people.set_birthday(ines, cast.mia.id, None, cast.clock())
    assert not await Milestone.filter(child_id=cast.mia.id, ended_at__isnull=True)


async def test_after_a_move_the_watch_is_tight_for_three_days(cast: Cast) -> None:
    await often(cast)
    home = await Home.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        name="The mill",
        zone="Europe/Paris",
        made_at=cast.clock(),
    )
    await people.move(cast.actor("ines"), cast.mia.id, home.id, cast.clock())
    assert await tier_at(cast, cast.clock() + timedelta(seconds=1)) == ("high", local(6))


async def adopted(cast: Cast, base: int = 0, **windows: dict[str, str]) -> None:
    await policy_change.adopt(
        cast.actor("ines"),
        cast.agency.id,
        policy_change.Adoption(
            uuid4(), filled({"milestones": windows}), base, "Hearings are in the afternoon."
        ),
        cast.clock(),
    )


async def test_how_tight_and_how_long_is_what_the_policy_says(cast: Cast) -> None:
    await often(cast)
    await agreements.set_tier(
        cast.actor("tom"), cast.mia.id, agreements.TierRequest(Tier.LOW), cast.clock()
    )
    await adopted(cast, hearing={"tier": "mid", "before": "6h", "after": "1d"})
    await marked(cast)
    assert await tier_at(cast, local(6) - 7 * HOUR) == ("low", None)
    assert await tier_at(cast, local(6) - 6 * HOUR) == ("mid", local(8))
    assert await tier_at(cast, local(8)) == ("low", None)


async def test_another_policy_moves_the_days_that_have_not_begun_and_no_other(cast: Cast) -> None:
    await often(cast)
    await marked(cast)
    begun = await marked(cast, "refusal", date(2026, 3, 2))
    gone = await marked(cast)
    await milestone_actions.take_back(cast.actor("tom"), cast.mia.id, gone.id, cast.clock())
    window = {"before": "never", "after": "2d"}
    await adopted(cast, hearing=window, refusal={"after": "30d"})
    assert (await Milestone.get(id=begun.id)).until_at == begun.until_at
    assert (await Milestone.get(id=gone.id)).next_action_at is None
    assert (await tier_at(cast, local(6) - HOUR)) == ("high", local(6))
    assert (await tier_at(cast, local(6))) == ("high", local(9))


async def test_where_nobody_is_watched_any_more_a_day_changes_nothing(cast: Cast) -> None:
    await often(cast)
    await marked(cast)
    now = cast.clock.advance(hours=1)
    await actions.end(cast.actor("tom"), cast.mia.id, Leaving.HOME, now, now=now)
    cast.clock.set(local(5))
    assert await milestone_actions.MILESTONES.tick(local(5)) == 1
    assert (await Watch.get(child_id=cast.mia.id)).next_action_at is None


async def test_the_calendar_at_the_desk(cast: Cast) -> None:
    await often(cast)
    path = f"/desk/children/{cast.mia.id}"
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(f"{path}/calendar")).text
        assert "Days that matter for Mia Castellane" in page
        refused = await browser.post(f"{path}/calendar", data={"what": "hearing", "day": ""})
        assert refused.status_code == 422
        said = {"id": str(uuid4()), "what": "hearing", "day": "2026-03-06"}
        for _ in range(2):
            answer = await browser.post(f"{path}/calendar", data=said)
            assert answer.headers["location"] == f"{path}/plan?done=milestone"
        page = (await browser.get(f"{path}/calendar")).text
        assert "Closer watch from" in page
        await tier_at(cast, local(5))
        await cast.new_token("tom")
    async with at_desk(cast, "tom") as browser:
        assert (
            "We are watching more closely because of it."
            in (await browser.get(f"{path}/calendar")).text
        )
        child = (await browser.get(f"{path}/plan")).text
        assert child.count("A hearing or an official appointment") == 2
        gone = await browser.post(f"{path}/calendar/{said['id']}/back")
        assert gone.headers["location"] == f"{path}/plan?done=milestone-gone"
        assert "A hearing" not in (await browser.get(f"{path}/plan")).text


# --- what the child knows


async def ahead(cast: Cast, who: str = "mia") -> list[dict[str, object]]:
    """What is read of the calendar: by the child of itself, by everyone else of the child."""
    path = "/api/v1" if who == "mia" else f"/api/v1/children/{cast.mia.id}"
    async with cast.client_as(who) as client:
        found: list[dict[str, object]] = (await client.get(f"{path}/milestones")).json()[
            "milestones"
        ]
    return found


async def test_a_day_that_the_child_does_not_know_of_is_never_on_its_phone(cast: Cast) -> None:
    await often(cast)
    row = await marked(cast, "refusal")
    assert await ahead(cast) == []
    (seen,) = await ahead(cast, "tom")
    assert (seen["what"], seen["child_knows"]) == ("refusal", False)
    tom, now = cast.actor("tom"), cast.clock()
    for _ in range(2):
        await milestone_actions.say_known(tom, cast.mia.id, row.id, True, now)
    assert await ahead(cast) == [
        {
            "id": str(row.id),
            "what": "refusal",
            "day": "2026-03-06",
            "from_at": "2026-03-05T23:00:00Z",
            "until_at": "2026-03-09T23:00:00Z",
            "child_knows": True,
        }
    ]
    assert await Entry.filter(child_id=cast.mia.id, what="milestone:known").count() == 1
    await milestone_actions.say_known(tom, cast.mia.id, row.id, False, now)
    assert await ahead(cast) == []
    with pytest.raises(NotFound):
        await milestone_actions.say_known(tom, cast.noor.id, row.id, True, now)


async def test_a_guardian_reads_what_the_child_knows(cast: Cast) -> None:
    path = f"/api/v1/children/{cast.noor.id}/milestones"
    said = {"what": "hearing", "day": "2026-03-06"}
    async with cast.client_as("tom") as worker:
        await worker.post(path, json={**said, "id": str(uuid4())})
        await worker.post(path, json={**said, "id": str(uuid4()), "child_knows": True})
        assert len((await worker.get(path)).json()["milestones"]) == 2
    async with cast.client_as("ada") as guardian:
        assert len((await guardian.get(path)).json()["milestones"]) == 1


async def test_a_day_is_written_shown_and_taken_back_over_the_wire(cast: Cast) -> None:
    await often(cast)
    path = f"/api/v1/children/{cast.mia.id}/milestones"
    said = {"id": str(uuid4()), "what": "hearing", "day": "2026-03-06", "child_knows": True}
    async with cast.client_as("tom") as worker:
        for _ in range(2):
            made = await worker.post(path, json=said)
            assert (made.status_code, made.json()["child_knows"]) == (201, True)
        reused = await worker.post(path, json={**said, "what": "transfer"})
        wrong = await worker.post(path, json={**said, "id": str(uuid4()), "what": "return"})
        assert (reused.status_code, wrong.status_code) == (409, 422)
        assert [one["id"] for one in await ahead(cast)] == [said["id"]]
        hidden = await worker.patch(f"{path}/{said['id']}", json={"child_knows": False})
        assert hidden.json()["child_knows"] is False
        assert (await worker.delete(f"{path}/{said['id']}")).status_code == 204
        assert (await worker.get(path)).json() == {"milestones": []}
        after = await worker.patch(f"{path}/{said['id']}", json={"child_knows": True})
    assert (after.json()["from_at"], after.json()["until_at"]) == (None, None)
    assert await ahead(cast) == []


async def test_a_day_that_changes_nothing_promises_nothing(cast: Cast) -> None:
    await often(cast)
    tom, now = cast.actor("tom"), cast.clock()
    row = await marked(cast)
    await milestone_actions.say_known(tom, cast.mia.id, row.id, True, now)
    await agreements.set_tier(tom, cast.mia.id, agreements.TierRequest(Tier.HIGH), now)
    (seen,) = await ahead(cast)
    assert (seen["day"], seen["from_at"], seen["until_at"]) == ("2026-03-06", None, None)


async def test_a_day_that_counts_now_says_until_when(cast: Cast) -> None:
    await often(cast)
    row = await marked(cast, "refusal", date(2026, 3, 2))
    await milestone_actions.say_known(cast.actor("tom"), cast.mia.id, row.id, True, cast.clock())
    (seen,) = await ahead(cast)
    assert seen["until_at"] == "2026-03-05T23:00:00Z"
    await agreements.set_tier(
        cast.actor("tom"), cast.mia.id, agreements.TierRequest(Tier.LOW), cast.clock()
    )
    assert (await ahead(cast))[0]["until_at"] is None


async def test_after_the_placement_nothing_lies_ahead_that_is_watched(cast: Cast) -> None:
    await often(cast)
    row = await marked(cast)
    await milestone_actions.say_known(cast.actor("tom"), cast.mia.id, row.id, True, cast.clock())
    now = cast.clock.advance(hours=1)
    await actions.end(cast.actor("tom"), cast.mia.id, Leaving.HOME, now, now=now)
    (seen,) = await ahead(cast, "tom")
    assert seen["from_at"] is None


async def test_the_worker_says_at_the_desk_whether_the_child_knows(cast: Cast) -> None:
    await often(cast)
    path = f"/desk/children/{cast.mia.id}"
    said = {"id": str(uuid4()), "what": "hearing", "day": "2026-03-06"}
    async with at_desk(cast, "tom") as browser:
        await browser.post(f"{path}/calendar", data=said)
        page = (await browser.get(f"{path}/calendar")).text
        assert "The child&#39;s phone does not show it." in page
        told = await browser.post(f"{path}/calendar/{said['id']}/known", data={"known": "yes"})
        assert told.headers["location"] == f"{path}/plan?done=milestone-known"
        page = (await browser.get(f"{path}/calendar")).text
        assert "The child knows about it and sees it on their phone." in page
        hidden = await browser.post(f"{path}/calendar/{said['id']}/known", data={"known": ""})
        assert hidden.headers["location"] == f"{path}/plan?done=milestone-not-known"
        assert await ahead(cast) == []
        second = {"id": str(uuid4()), "what": "transfer", "day": "2026-03-09", "known": "yes"}
        await browser.post(f"{path}/calendar", data=second)
    assert [one["what"] for one in await ahead(cast)] == ["transfer"]


# --- the days themselves


def test_around_a_day_the_clocks_change_it_is_still_whole_days_where_the_child_is() -> None:
    windows = read(EACH_MISS).milestones
    span = around(windows, What.TRANSFER, date(2026, 3, 29), PARIS)
    assert span.begin == datetime(2026, 3, 27, tzinfo=PARIS).astimezone(UTC)
    assert span.end.astimezone(PARIS).date() == date(2026, 4, 2)


H, M, L = Tier.HIGH, Tier.MID, Tier.LOW
T1, T2, T3 = (datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3))


@pytest.mark.parametrize(
    ("now", "wanted", "allowed", "found"),
    [
        ((L, None, None), H, {H, M}, (H, L)),
        ((L, None, None), H, {M}, (M, L)),
        ((L, None, None), H, set(), None),
        ((L, None, None), M, {H, M}, (M, L)),
        ((M, None, None), M, {H}, None),
        ((H, None, None), M, {H}, None),
        ((H, T1, L), M, {H}, (H, L)),
        ((H, T2, L), H, {H}, None),
        ((H, T3, L), H, {H}, None),
        ((M, T3, L), H, {H}, (H, M)),
        ((M, T1, L), H, {H}, (H, L)),
    ],
)
def test_a_day_raises_as_far_as_it_wants_and_the_rhythm_lets_it_and_lowers_nothing(
    now: tuple[Tier, datetime | None, Tier | None],
    wanted: Tier,
    allowed: set[Tier],
    found: tuple[Tier, Tier] | None,
) -> None:
    assert raised(now, wanted, T2, allowed.__contains__) == found


def test_a_child_born_on_a_leap_day_is_of_age_on_the_first_of_march() -> None:
    assert coming_of_age(date(2008, 2, 29)) == date(2026, 3, 1)
    assert coming_of_age(date(2008, 3, 1)) == date(2026, 3, 1)
