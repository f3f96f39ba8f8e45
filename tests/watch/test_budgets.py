"""Each week of an agency is counted once, and what it calls for is proposed, adopted or holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.alerts.recipients import policy_of
from server.errors import Conflict, NotFound, Refused
from server.people.models import Agency, Child
from server.policy.adapting import STEP, from_data
from server.policy.model import SHIPPED, Tier, ladder_as_data, over
from server.policy.models import BudgetWeek
from server.policy.models import Policy as PolicyRow
from server.policy.parser import read
from server.policy.versions import content_of
from server.storage.db import write
from server.watch import policy_change
from server.watch.budgets import deciding
from server.watch.budgets.deciding import Decision
from server.watch.budgets.ticking import BUDGETS
from server.watch.models import Watch
from server.watch.policy_change import Adoption
from tests.cast import Cast
from tests.races import together

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
FIRST = datetime(
    2026, 3, 9, 3, tzinfo=UTC
)  # By the clock of Paris. The clock of the tests begins on the 2nd.


def content(adapt: str = "within_limits", pages: float = 0.1) -> dict[str, Any]:
    return over(SHIPPED, {"budget": {"pages": pages, "adapt": adapt}})


async def adopted(cast: Cast, data: dict[str, Any], base: int = 0) -> PolicyRow:
    adoption = Adoption(uuid4(), data, base, "To try it.")
    return await policy_change.adopt(cast.actor("ines"), cast.agency.id, adoption, cast.clock())


async def went_on(cast: Cast, until: datetime, **step: float) -> None:
    """The ticker looks now and then, and at last at this moment."""
    now = cast.clock()
    while now < until:
        now = cast.clock.set(min(now + timedelta(**(step or {"hours": 9})), until))
        await BUDGETS.tick(now)


async def tell(fault: str, now: datetime) -> None:
    raise AssertionError(fault)


async def call(cast: Cast, at: datetime, child: str = "mia", **more: Any) -> Alert:
    """Adults are called about this child."""
    closed_at = more.pop("closed_at", at + HOUR)
    closed = {"state": "closed", "outcome": Outcome.SEEN.value, "closed_by": cast.tom.id}
    if closed_at is None:
        closed = {"next_action_at": at + HOUR}
    return await Alert.create(
        agency_id=cast.children[child].agency_id,
        child_id=cast.children[child].id,
        cause=more.pop("cause", Cause.SILENCE.value),
        tier=Tier.MID.value,
        opened_at=at,
        noticed_at=at,
        reason=more.pop("reason", "ceiling"),
        ladder=ladder_as_data(read(SHIPPED).tiers[Tier.MID].ladder),
        closed_at=closed_at,
        **{**closed, **more},
    )


async def weeks_of(cast: Cast) -> list[BudgetWeek]:
    return await BudgetWeek.filter(agency_id=cast.agency.id).order_by("ends_at")


async def loud_week(cast: Cast, begin: datetime = FIRST - 6 * DAY) -> None:
    for day in range(6):
        await call(cast, begin + day * DAY + day * HOUR)


async def test_a_week_is_counted_once_with_its_children_calls_and_outcomes(cast: Cast) -> None:
    await call(cast, FIRST - 5 * DAY)
    await call(cast, FIRST - 3 * DAY, outcome=Outcome.MISSING.value)
    answered = {"closed_by": None, "outcome": Outcome.LATE_ANSWER.value}
    await call(cast, FIRST - 2 * DAY, "noor", **answered)
    await call(cast, FIRST - 2 * DAY, cause=Cause.MISSING.value)  # A person reported it.
    await call(cast, FIRST + HOUR)  # Next week.
    await call(cast, FIRST - 2 * DAY, "lia")  # Another agency.
    await went_on(cast, FIRST + DAY, hours=3)
    [week] = await weeks_of(cast)
    assert week.ends_at == FIRST
    assert sum(week.children.values()) == 2
    assert week.calls == {"mid": 3}
    assert week.closings == {str(cast.tom.id): [1, 2]}
    assert (week.answered, week.state, week.version) == (1, "counted", 0)
    assert week.rate is not None
    assert str(cast.mia.id) not in str(dict(week)), "no child is named"


async def test_what_the_child_asked_for_and_a_last_bound_are_no_false_alarms(cast: Cast) -> None:
    for cause in (Cause.HELP, Cause.TALK):
        await call(cast, FIRST - 5 * DAY, cause=cause.value)
    await call(cast, FIRST - 3 * DAY, reason="not_met")
    await went_on(cast, FIRST + DAY, hours=3)
    [week] = await weeks_of(cast)
    assert (week.calls, week.closings) == ({}, {})


async def test_who_came_after_the_week_or_left_before_its_end_is_not_counted(cast: Cast) -> None:
    await Child.filter(id=cast.noor.id).update(left_at=FIRST - DAY)
    await Child.filter(id=cast.mia.id).update(placed_at=FIRST + HOUR)
    await went_on(cast, FIRST + 2 * HOUR)
    [week] = await weeks_of(cast)
    assert (week.children, week.rate) == ({}, None)


async def test_after_three_weeks_without_a_server_each_week_is_made_in_order(cast: Cast) -> None:
    await adopted(cast, content())
    await BUDGETS.tick(cast.clock())
    await loud_week(cast)
    now = cast.clock.set(FIRST + 2 * WEEK + 3 * DAY)
    for seconds in range(6):
        await BUDGETS.go_through(now + seconds * timedelta(seconds=1), tell)
    weeks = await weeks_of(cast)
    assert [week.ends_at for week in weeks] == [FIRST, FIRST + WEEK, FIRST + 2 * WEEK]
    assert from_data(weeks[0].after)[Tier.MID] == STEP
    assert weeks[1].before == weeks[0].after
    assert (await Agency.get(id=cast.agency.id)).next_budget_at > now


async def test_several_tickers_count_a_week_once(cast: Cast) -> None:
    await BUDGETS.tick(cast.clock())
    await adopted(cast, content())
    await loud_week(cast)
    now = cast.clock.set(FIRST + HOUR)
    results = await together(*(BUDGETS.tick(now) for _ in range(4)))
    assert not [one for one in results if isinstance(one, Exception)]
    [week] = await weeks_of(cast)
    assert from_data(week.after)[Tier.MID] == STEP, "one step, and not four"


async def test_a_ticker_that_is_killed_has_counted_nothing_and_the_next_one_does(
    cast: Cast,
) -> None:
    await BUDGETS.tick(cast.clock())
    now = cast.clock.set(FIRST + HOUR)

    async def killed() -> None:
        async with write():
            await BUDGETS.tick(now)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await killed()
    assert await weeks_of(cast) == []
    await BUDGETS.tick(now)
    assert len(await weeks_of(cast)) == 1


async def test_a_week_that_was_set_apart_is_still_the_same_week(cast: Cast) -> None:
    await BUDGETS.tick(cast.clock())

    async def told(fault: str, now: datetime) -> None:
        assert fault == "budget:row"

    now = cast.clock.set(FIRST + 5 * HOUR)
    await BUDGETS.set_apart(cast.agency.id, now, told)
    await BUDGETS.tick(cast.clock.set(now + HOUR))
    assert [week.ends_at for week in await weeks_of(cast)] == [FIRST]


async def test_a_week_is_a_week_where_the_agency_moves_to_another_clock(cast: Cast) -> None:
    await went_on(cast, FIRST + HOUR)
    await Agency.filter(id=cast.agency.id).update(zone="America/New_York")
    await went_on(cast, FIRST + WEEK + DAY)
    # At four there, where the clocks went on the day before: five hours later.
    assert [week.ends_at for week in await weeks_of(cast)] == [FIRST, FIRST + WEEK + 5 * HOUR]


async def test_within_limits_the_numbers_hold_and_every_watch_looks_again(cast: Cast) -> None:
    await adopted(cast, content())
    await loud_week(cast)
    await went_on(cast, FIRST)
    written = read(content()).tiers[Tier.MID].steps
    await Watch.filter(child_id=cast.mia.id).update(next_action_at=FIRST + DAY)
    now = cast.clock.set(FIRST + HOUR)
    await BUDGETS.tick(now)
    in_force, version = await policy_of(cast.agency.id)
    steps = in_force.tiers[Tier.MID].steps
    assert written.doubt is not None
    assert steps.doubt is not None
    assert (version, steps.doubt.page) == (1, pytest.approx(written.doubt.page * STEP))
    assert steps.ceiling == written.ceiling
    assert (await Watch.get(child_id=cast.mia.id)).next_action_at == now


async def test_a_version_that_a_person_adopts_goes_on_where_they_left_the_line(cast: Cast) -> None:
    await adopted(cast, content())
    await loud_week(cast)
    await went_on(cast, FIRST + HOUR)
    quiet = over(content(), {"quiet": {"from": "21:00"}})
    await adopted(cast, quiet, base=1)
    doubt = (await policy_of(cast.agency.id))[0].tiers[Tier.MID].steps.doubt
    assert doubt is not None
    assert doubt.page == pytest.approx(0.8 * STEP)
    habit = {**quiet["mid"]["habit"], "page": 0.7}
    await adopted(cast, over(quiet, {"mid": {"habit": habit}}), base=2)
    in_force, _ = await policy_of(cast.agency.id)
    mid, low = (in_force.tiers[tier].steps.doubt for tier in (Tier.MID, Tier.LOW))
    assert mid is not None
    assert low is not None
    assert (mid.page, low.page) == (0.7, pytest.approx(0.8 * STEP))
    await adopted(cast, over(quiet, {"budget": {"adapt": "never"}}), base=3)
    low = (await policy_of(cast.agency.id))[0].tiers[Tier.LOW].steps.doubt
    assert low is not None
    assert low.page == 0.8


async def test_how_often_one_looks_changes_nothing(cast: Cast) -> None:
    await adopted(cast, content())
    await loud_week(cast)
    await loud_week(cast, FIRST + DAY)
    for _ in range(3):
        await policy_of(cast.agency.id)
    await went_on(cast, FIRST + WEEK + HOUR, minutes=397)
    often = [(week.ends_at, week.after, week.figures) for week in await weeks_of(cast)]
    await BudgetWeek.all().delete()
    await Agency.filter(id=cast.agency.id).update(next_budget_at=FIRST)
    for _ in range(3):
        await BUDGETS.tick(cast.clock())
    seldom = [(week.ends_at, week.after, week.figures) for week in await weeks_of(cast)]
    assert often == seldom


async def test_one_person_alone_never_moves_the_line(cast: Cast) -> None:
    """Tom says of every call that the child had gone. The line does not come down by that; nor does
    it go further up by what he says otherwise."""

    async def moved(**more: Any) -> float:
        await Alert.all().delete()
        await BudgetWeek.all().delete()
        await Agency.filter(id=cast.agency.id).update(next_budget_at=FIRST)
        for n in range(3):
            await call(cast, FIRST - 6 * DAY + n * 26 * HOUR, **more)
        await BUDGETS.tick(cast.clock.set(FIRST + HOUR))
        return from_data((await weeks_of(cast))[0].after)[Tier.MID]

    await adopted(cast, content(pages=30))
    calm = await moved(closed_by=None)
    for outcome in (Outcome.SEEN, Outcome.MISSING):
        alone = await moved(outcome=outcome.value)
        assert 1 / STEP <= alone <= STEP
        assert abs(alone - 1) <= abs(calm - 1) + 1e-9


# --- proposals


async def proposed(cast: Cast) -> BudgetWeek:
    await adopted(cast, content("propose"))
    await loud_week(cast)
    await went_on(cast, FIRST + HOUR)
    week = (await weeks_of(cast))[-1]
    assert week.state == "proposed"
    return week


def decision(week: BudgetWeek, words: str = "Calmer.", id_: UUID | None = None) -> Decision:
    return Decision(week.id, id_ or uuid4(), words)


async def test_a_proposal_changes_nothing_until_a_supervisor_adopts_it(cast: Cast) -> None:
    week, agency, ines = await proposed(cast), cast.agency.id, cast.actor("ines")
    before = (await policy_of(agency))[0].tiers[Tier.MID].steps.doubt
    assert before is not None
    assert before.page == 0.8
    same = decision(week)
    first = await deciding.adopt(ines, agency, same, cast.clock())
    again = await deciding.adopt(ines, agency, same, cast.clock())
    assert first.id == again.id
    made, version = await content_of(agency)
    assert (version, made["mid"]["habit"]["page"], made["mid"]["ceiling"]) == (2, 1.2, "36h")
    assert (await BudgetWeek.get(id=week.id)).state == "adopted"
    after = (await policy_of(agency))[0].tiers[Tier.MID].steps.doubt
    assert after is not None
    assert after.page == 1.2


async def test_what_is_adopted_is_what_was_proposed_and_never_calls_before_the_carer() -> None:
    habit = {**SHIPPED["low"]["habit"], "page": 0.8, "ask": 0.5}
    new = deciding.with_numbers(
        over(SHIPPED, {"low": {"habit": habit}}), {Tier.HIGH: 2, Tier.MID: 1.2345, Tier.LOW: 0.5}
    )
    assert new["high"] == SHIPPED["high"]
    assert new["mid"]["habit"]["page"] == 0.988
    assert (new["low"]["habit"]["page"], new["low"]["habit"]["ask"]) == (0.4, 0.4)


async def test_it_is_declined_with_a_reason(cast: Cast) -> None:
    week, agency, ines = await proposed(cast), cast.agency.id, cast.actor("ines")
    with pytest.raises(Refused) as refused:
        await deciding.decline(ines, agency, decision(week, ""), cast.clock())
    assert refused.value.field == "why_not"
    for _ in range(2):
        await deciding.decline(ines, agency, decision(week, "Summer."), cast.clock())
    row = await BudgetWeek.get(id=week.id)
    assert (row.state, row.words, row.decided_by) == ("declined", "Summer.", cast.ines.id)
    with pytest.raises(Conflict, match="already declined"):
        await deciding.adopt(ines, agency, decision(week), cast.clock())
    assert (await content_of(agency))[1] == 1


async def test_of_two_supervisors_at_once_one_decides_and_the_other_reads_so(cast: Cast) -> None:
    week, agency, now = await proposed(cast), cast.agency.id, cast.clock()
    ines, eve = cast.actor("ines"), cast.actor("eve")
    results = await together(
        deciding.adopt(ines, agency, decision(week), now),
        deciding.adopt(eve, agency, decision(week, "Mine."), now),
        deciding.decline(eve, agency, decision(week, "No."), now),
    )
    faults = [one for one in results if isinstance(one, Exception)]
    assert [type(one) for one in faults] == [Conflict, Conflict]
    assert "colleague" in str(faults[0])
    assert (await content_of(agency))[1] in (1, 2)


async def test_another_version_or_the_next_week_overtakes_a_proposal(cast: Cast) -> None:
    week, agency, ines = await proposed(cast), cast.agency.id, cast.actor("ines")
    await adopted(cast, over(content("propose"), {"quiet": {"from": "21:00"}}), base=1)
    with pytest.raises(Conflict, match="no longer fit"):
        await deciding.adopt(ines, agency, decision(week), cast.clock())
    await loud_week(cast, FIRST + DAY)
    await went_on(cast, FIRST + WEEK + HOUR)
    second = (await weeks_of(cast))[-1]
    await loud_week(cast, FIRST + WEEK + DAY)
    await went_on(cast, FIRST + 2 * WEEK + HOUR)
    states = [week.state for week in await weeks_of(cast)]
    assert states == ["overtaken", "overtaken", "proposed"]
    with pytest.raises(Conflict, match="no longer fit"):
        await deciding.decline(ines, agency, decision(second), cast.clock())


async def test_nobody_decides_about_another_agency(cast: Cast) -> None:
    week = await proposed(cast)
    uwe, other = cast.actor("uwe"), cast.other_agency.id
    for decide in (deciding.adopt, deciding.decline):
        with pytest.raises(NotFound):
            await decide(uwe, other, decision(week), cast.clock())
