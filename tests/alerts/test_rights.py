"""An acknowledgement ends with the right of whoever has the alert, and who comes hears of it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest

from server.alerts import actions as alerts
from server.alerts import climbing, rights_changes
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.alerts.opening import Opening, open_alerts
from server.alerts.recipients import policy_of
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.auth import actions as doors
from server.errors import Conflict, NotFound
from server.notify.models import Message
from server.people import actions as people
from server.people.models import Person, Tie
from server.people.offboarding import Takers, _deputies
from server.people.roles import set_role
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie
from server.plan.offboarding.actions import leave
from server.policy.model import Tier
from server.rota import duty_shifts, planning
from server.rota.models import FixedShift
from server.storage.db import write
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import no_fault, together
from tests.walks.stage import Stage

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def opened(cast: Cast, cause: Cause = Cause.SILENCE, name: str = "mia") -> Alert:
    child = cast.children[name]
    one = Opening(
        child_id=child.id,
        agency_id=child.agency_id,
        cause=cause,
        tier=Tier.HIGH if name == "noor" else Tier.MID,
        reason="carer_silent",
        opened_at=cast.clock(),
    )
    policy, _ = await policy_of(child.agency_id)
    async with write():
        [alert] = await open_alerts([one], {child.agency_id: policy}, cast.clock())
    return alert


async def now_of(alert: Alert) -> tuple[str, str | None]:
    """Where it is, and who has it."""
    stored = await Alert.get(id=alert.id)
    people = {one.id: one.name.split()[0].lower() for one in await Person.all()}
    return stored.state, people.get(stored.acknowledged_by)


async def calls(alert: Alert) -> Counter[str]:
    """How many calls each person has got."""
    people = {one.id: one.name.split()[0].lower() for one in await Person.all()}
    others = ["all_clear", "went_on"]
    rows = Message.filter(subject_id=alert.id, person_id__isnull=False).exclude(kind__in=others)
    return Counter(people[row.person_id] for row in await rows)


async def on_duty(cast: Cast, name: str, begin: float, end: float) -> FixedShift:
    """From so many minutes from now to so many."""
    return await FixedShift.create(
        agency_id=cast.agency.id,
        person_id=cast.persons[name].id,
        from_at=cast.clock() + begin * MINUTE,
        until_at=cast.clock() + end * MINUTE,
    )


async def taken(cast: Cast, name: str, alert: Alert) -> Alert:
    return await alerts.acknowledge(cast.actor(name), alert.id, cast.clock())


async def tied(cast: Cast, name: str, **how: float) -> Tie:
    """A caseworker of Mia beside Tom, for so long."""
    until = cast.clock() + timedelta(**how) if how else None
    return await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.persons[name].id, role=Role.CASEWORKER, until_at=until),
        cast.clock(),
    )


# --- a duty


async def test_when_the_person_with_the_alert_goes_off_duty_the_ladder_goes_on_at_that_moment(
    cast: Cast,
) -> None:
    await on_duty(cast, "eve", 0, 10)
    await on_duty(cast, "ines", 10, 60)
    alert = await opened(cast, Cause.HELP)
    after = await taken(cast, "eve", alert)
    assert (after.next_action_at, after.has_until) == (cast.clock() + 10 * MINUTE,) * 2
    assert after.held_until > after.next_action_at
    cast.clock.advance(minutes=9, seconds=59)
    await climbing.ALERTS.tick(cast.clock())
    assert await now_of(alert) == ("acknowledged", "eve")
    before = await calls(alert)
    cast.clock.advance(seconds=1)
    await climbing.ALERTS.tick(cast.clock())
    assert await now_of(alert) == ("open", None)
    assert await calls(alert) - before == {"tom": 1, "ines": 1}
    assert await Entry.filter(what="alert:hand_over", why="right_ended").count() == 1


async def test_many_ticks_and_one_late_tick_come_to_the_same(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 10)
    await on_duty(cast, "ines", 10, 300)
    often, once = await opened(cast, Cause.HELP), await opened(cast, Cause.HELP, "noor")
    for alert in (often, once):
        await taken(cast, "eve", alert)
    await Alert.filter(id=once.id).update(
        next_action_at=None, closed_at=cast.clock(), outcome="seen"
    )
    for _ in range(24):
        cast.clock.advance(minutes=1)
        await climbing.ALERTS.tick(cast.clock())
    ends = cast.clock() - 14 * MINUTE
    await Alert.filter(id=once.id).update(next_action_at=ends, closed_at=None, outcome=None)
    await climbing.ALERTS.tick(cast.clock())
    one, other = await Alert.get(id=often.id), await Alert.get(id=once.id)
    for name in ("state", "rung", "turn", "next_action_at", "acknowledged_by"):
        assert getattr(one, name) == getattr(other, name), name


async def test_a_late_tick_asks_about_the_moment_of_the_end_and_not_about_now(cast: Cast) -> None:
    """Eve is on duty again by the time anybody looks: it was free in between."""
    await on_duty(cast, "eve", 0, 10)
    await on_duty(cast, "eve", 20, 60)
    alert = await opened(cast, Cause.HELP, "noor")
    await taken(cast, "eve", alert)
    cast.clock.advance(minutes=25)
    await climbing.ALERTS.tick(cast.clock())
    assert await now_of(alert) == ("open", None)


async def test_one_whose_duty_goes_on_keeps_it(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 10)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    cast.clock.advance(minutes=5)
    await on_duty(cast, "eve", 4, 20)
    cast.clock.advance(minutes=5)
    await climbing.ALERTS.tick(cast.clock())
    stored = await Alert.get(id=alert.id)
    assert (stored.state, stored.next_action_at) == ("acknowledged", cast.clock() + 15 * MINUTE)


async def test_a_duty_that_is_handed_over_hands_its_alerts_over_in_that_moment(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 600)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    new = planning.HandoverRequest(
        id=uuid4(),
        who_id=cast.eve.id,
        to_id=cast.ines.id,
        from_at=cast.clock(),
        until_at=cast.clock() + 5 * HOUR,
    )
    await planning.hand_over(cast.actor("root"), cast.agency.id, new, cast.clock())
    assert await now_of(alert) == ("open", None)
    assert (await calls(alert))["ines"] == 1


async def test_a_handover_that_is_to_come_ends_it_when_it_comes(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 600)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    new = planning.HandoverRequest(
        id=uuid4(),
        who_id=cast.eve.id,
        to_id=cast.ines.id,
        from_at=cast.clock() + 12 * MINUTE,
        until_at=cast.clock() + 5 * HOUR,
    )
    await planning.hand_over(cast.actor("root"), cast.agency.id, new, cast.clock())
    stored = await Alert.get(id=alert.id)
    assert (stored.state, stored.next_action_at) == ("acknowledged", cast.clock() + 12 * MINUTE)


async def test_a_shift_that_is_ended_ends_what_was_taken_in_it(cast: Cast) -> None:
    shift = await on_duty(cast, "eve", 0, 600)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    await planning.end_shift(cast.actor("root"), cast.agency.id, shift.id, cast.clock())
    assert await now_of(alert) == ("open", None)


async def test_a_rota_change_takes_nothing_from_people_it_does_not_concern(
    cast: Cast,
) -> None:
    shift = await on_duty(cast, "eve", 0, 600)
    alert = await opened(cast, Cause.HELP)
    after = await taken(cast, "tom", alert)
    await planning.end_shift(cast.actor("root"), cast.agency.id, shift.id, cast.clock())
    await duty_shifts.ROTAS.tick(cast.clock())
    same = await Alert.get(id=alert.id)
    assert (same.acknowledged_by, same.next_action_at) == (cast.tom.id, after.next_action_at)
    assert same.version == after.version


async def test_a_person_who_had_the_alert_on_duty_may_take_it_again_by_their_call(
    cast: Cast,
) -> None:
    await on_duty(cast, "eve", 0, 10)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    cast.clock.advance(minutes=10)
    # In the very second, and before any tick.
    await cast.new_token("eve")
    async with cast.client_as("eve") as eve:
        answer = await eve.post(f"/api/v1/alerts/{alert.id}/acknowledge", json={})
    assert answer.status_code == 200
    stored = await Alert.get(id=alert.id)
    assert (stored.acknowledged_by, stored.acknowledged_at) == (cast.eve.id, cast.clock())
    assert (stored.next_action_at, stored.held_by_call) == (stored.held_until, True)
    # By that call they have it until it lapses, whatever becomes of the rota.
    await planning.end_shift(
        cast.actor("root"), cast.agency.id, (await FixedShift.all())[0].id, cast.clock()
    )
    assert await now_of(alert) == ("acknowledged", "eve")


async def test_another_one_may_take_it_in_the_second_in_which_a_duty_ends(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 10)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    cast.clock.advance(minutes=10)
    both = await together(climbing.ALERTS.tick(cast.clock()), taken(cast, "tom", alert))
    no_fault(both)
    assert await now_of(alert) == ("acknowledged", "tom")


async def test_while_the_duty_lasts_another_one_learns_who_has_it(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 10)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    cast.clock.advance(minutes=9)
    with pytest.raises(Conflict) as told:
        await taken(cast, "tom", alert)
    assert told.value.extra == {"by": cast.eve.id}


# --- what the person hears who had it


async def told_that_it_went_on(alert: Alert) -> list[str]:
    """To whom that was said, once for each time."""
    people = {one.id: one.name.split()[0].lower() for one in await Person.all()}
    rows = Message.filter(subject_id=alert.id, kind="went_on").exclude(state="withdrawn")
    return sorted(people[row.person_id] for row in await rows)


async def test_whose_duty_ends_hears_once_that_what_they_took_is_with_others(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 10)
    await on_duty(cast, "ines", 10, 60)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    cast.clock.advance(minutes=10)
    for _ in range(3):
        await climbing.ALERTS.tick(cast.clock())
        assert await told_that_it_went_on(alert) == ["eve"]
        cast.clock.advance(minutes=5)


async def test_several_tickers_tell_once_that_an_alert_went_on(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 10)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    cast.clock.advance(minutes=10)
    no_fault(await together(*(climbing.ALERTS.tick(cast.clock()) for _ in range(3))))
    assert await told_that_it_went_on(alert) == ["eve"]


async def test_whose_tie_is_ended_hears_that_what_they_took_is_with_others(cast: Cast) -> None:
    tie = await tied(cast, "eve")
    alert = await opened(cast)
    await taken(cast, "eve", alert)
    await end_tie(cast.actor("ines"), cast.children["mia"], tie.id, cast.clock())
    assert await told_that_it_went_on(alert) == ["eve"]


async def test_who_lost_it_hears_so_though_another_took_it_before_any_tick(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 10)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    cast.clock.advance(minutes=11)
    await taken(cast, "tom", alert)
    await climbing.ALERTS.tick(cast.clock())
    assert await told_that_it_went_on(alert) == ["eve"]


async def test_who_takes_it_anew_does_not_hear_that_it_is_with_others(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 10)
    alert = await opened(cast, Cause.HELP)  # Everyone is called at once, Eve on duty with them.
    await taken(cast, "eve", alert)
    cast.clock.advance(minutes=10)
    await climbing.ALERTS.tick(cast.clock())
    assert await told_that_it_went_on(alert) == ["eve"]
    await taken(cast, "eve", alert)
    assert await told_that_it_went_on(alert) == []


async def test_an_acknowledgement_that_lapses_tells_nobody_that_it_went_on(cast: Cast) -> None:
    alert = await opened(cast)
    await taken(cast, "tom", alert)
    cast.clock.advance(hours=2)
    await climbing.ALERTS.tick(cast.clock())
    assert await now_of(alert) == ("open", None)
    assert await told_that_it_went_on(alert) == []


async def test_what_says_that_it_went_on_names_no_child_and_opens_their_own_messages(
    stage: Stage,
) -> None:
    await on_duty(stage.cast, "eve", 0, 10)
    await stage.subscribe("eve")
    alert = await opened(stage.cast, Cause.HELP)
    await taken(stage.cast, "eve", alert)
    stage.clock.advance(minutes=10)
    await stage.beat()
    assert "/desk/settings/messages" in stage.paths("eve")
    bodies = {received.json["notification"]["body"] for received in stage.shown("eve")}
    assert bodies == {"You have 1 new item"}
    async with at_desk(stage.cast, "eve") as browser:
        page = (await browser.get("/desk/settings/messages")).text
    assert "No longer with you" in page
    assert "Castellane" not in page


# --- a tie


async def test_when_the_person_with_the_alert_loses_the_assignment_the_next_is_called_at_once(
    cast: Cast,
) -> None:
    tie = await tied(cast, "eve")
    alert = await opened(cast)
    await taken(cast, "eve", alert)
    before = await calls(alert)
    await end_tie(cast.actor("ines"), cast.children["mia"], tie.id, cast.clock())
    assert await now_of(alert) == ("open", None)
    assert await calls(alert) - before == {"tom": 1}


async def test_a_tie_with_an_end_ends_it_by_itself(cast: Cast) -> None:
    await tied(cast, "eve", minutes=7)
    alert = await opened(cast)
    after = await taken(cast, "eve", alert)
    assert after.has_until == cast.clock() + 7 * MINUTE
    cast.clock.advance(minutes=7)
    await climbing.ALERTS.tick(cast.clock())
    assert await now_of(alert) == ("open", None)


async def test_one_tie_after_the_other_is_one_right(cast: Cast) -> None:
    await tied(cast, "eve", minutes=7)
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.eve.id, role=Role.SUPERVISOR, from_at=cast.clock() + 7 * MINUTE),
        cast.clock(),
    )
    alert = await opened(cast)
    after = await taken(cast, "eve", alert)
    assert after.has_until == after.held_until


async def test_a_tie_that_is_ended_while_its_holder_takes_it_leaves_nobody_believing(
    cast: Cast,
) -> None:
    tie = await tied(cast, "eve")
    alert = await opened(cast)
    both = await together(
        taken(cast, "eve", alert),
        end_tie(cast.actor("ines"), cast.children["mia"], tie.id, cast.clock()),
    )
    no_fault(both)
    stored = await Alert.get(id=alert.id)
    # First the end: Eve took it by her call. First the taking: it went on.
    assert stored.acknowledged_by is None or stored.held_by_call


async def test_in_an_answered_alert_a_person_is_asked_to_confirm_when_a_right_ends(
    cast: Cast,
) -> None:
    await on_duty(cast, "eve", 0, 10)
    alert = await opened(cast, name="noor")
    async with write():
        await alerts.answered([cast.noor.id], cast.clock())
    await taken(cast, "eve", alert)
    cast.clock.advance(minutes=10)
    await climbing.ALERTS.tick(cast.clock())
    assert await now_of(alert) == ("answered", None)
    assert await Message.filter(
        subject_id=alert.id, kind="confirm_answered", person_id=cast.tom.id
    ).exists()


# --- a person


async def test_a_disabled_person_no_longer_has_the_alert(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 600)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    await doors.disable_person(cast.actor("root"), cast.agency.id, cast.eve.id, cast.clock())
    assert await now_of(alert) == ("open", None)


async def test_a_deputy_who_took_it_by_a_call_and_is_disabled_has_nothing_any_more(
    cast: Cast,
) -> None:
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.eve.id, cast.clock())
    alert = await opened(cast)
    cast.clock.advance(minutes=30)
    await climbing.ALERTS.tick(cast.clock())
    await taken(cast, "eve", alert)
    await doors.disable_person(cast.actor("root"), cast.agency.id, cast.eve.id, cast.clock())
    assert await now_of(alert) == ("open", None)


async def test_another_role_ends_what_was_taken_on_duty(cast: Cast) -> None:
    await on_duty(cast, "eve", 0, 600)
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "eve", alert)
    await set_role(cast.actor("root"), cast.agency.id, cast.eve.id, Role.CARER, cast.clock())
    assert await now_of(alert) == ("open", None)


async def test_a_person_who_is_no_longer_deputy_loses_the_alert(cast: Cast) -> None:
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.eve.id, cast.clock())
    alert = await opened(cast)
    cast.clock.advance(minutes=30)
    await climbing.ALERTS.tick(cast.clock())
    await taken(cast, "eve", alert)
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.ines.id, cast.clock())
    assert await now_of(alert) == ("open", None)


async def test_who_covers_has_it_until_the_other_is_back(cast: Cast) -> None:
    new = planning.LeaveRequest(
        id=uuid4(),
        person_id=cast.tom.id,
        cover_id=cast.eve.id,
        from_at=cast.clock(),
        until_at=cast.clock() + 20 * MINUTE,
    )
    row = await planning.add_leave(cast.actor("root"), cast.agency.id, new, cast.clock())
    alert = await opened(cast)
    assert set(await calls(alert)) == {"eve"}
    after = await taken(cast, "eve", alert)
    assert after.has_until == cast.clock() + 20 * MINUTE
    cast.clock.advance(minutes=1)
    await planning.end_leave(cast.actor("root"), cast.agency.id, row.id, cast.clock())
    assert await now_of(alert) == ("open", None)
    assert set(await calls(alert)) == {"eve", "tom"}


# --- who comes


async def test_a_new_caseworker_hears_at_once_on_whichever_rung_the_ladder_is(cast: Cast) -> None:
    alert = await opened(cast)
    for _ in range(3):
        cast.clock.advance(minutes=30)
        await climbing.ALERTS.tick(cast.clock())
    assert (await calls(alert))["eve"] == 0
    await tied(cast, "eve")
    assert (await calls(alert))["eve"] == 1
    await rights_changes.arrivals(cast.clock() - MINUTE, cast.clock())
    assert (await calls(alert))["eve"] == 1, "not twice"


async def test_a_new_caseworker_is_called_even_when_another_adult_took_the_alert(
    cast: Cast,
) -> None:
    alert = await opened(cast)
    await taken(cast, "tom", alert)
    await tied(cast, "eve")
    assert (await calls(alert))["eve"] == 1
    assert await now_of(alert) == ("acknowledged", "tom")


async def test_a_call_that_was_taken_back_unsent_has_told_nobody(cast: Cast) -> None:
    await cast.on_duty("eve")
    alert = await opened(cast, Cause.HELP)
    await taken(cast, "tom", alert)
    assert await Message.filter(subject_id=alert.id, state="withdrawn").count() == 2
    await tied(cast, "eve")
    [waits] = await Message.filter(subject_id=alert.id, state="waiting")
    assert waits.person_id == cast.eve.id


async def test_a_caseworker_who_begins_later_hears_when_they_begin(cast: Cast) -> None:
    alert = await opened(cast)
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.eve.id, role=Role.CASEWORKER, from_at=cast.clock() + 10 * MINUTE),
        cast.clock(),
    )
    last = cast.clock()
    for minutes in (9, 1, 1):
        cast.clock.advance(minutes=minutes)
        await rights_changes.arrivals(last, cast.clock())
        last = cast.clock()
        told = (await calls(alert))["eve"]
        assert told == (0 if minutes == 9 else 1)


async def test_several_tickers_tell_a_newcomer_once(cast: Cast) -> None:
    alert = await opened(cast)
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.eve.id, role=Role.CASEWORKER, from_at=cast.clock() + MINUTE),
        cast.clock(),
    )
    last = cast.clock()
    cast.clock.advance(minutes=2)
    both = await together(*(rights_changes.arrivals(last, cast.clock()) for _ in range(3)))
    no_fault(both)
    assert (await calls(alert))["eve"] == 1


async def test_a_new_deputy_hears_at_once_and_may_act(cast: Cast) -> None:
    alert = await opened(cast)
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.eve.id, cast.clock())
    assert (await calls(alert))["eve"] == 1
    async with cast.client_as("eve") as eve:
        assert (await eve.get(f"/api/v1/alerts/{alert.id}")).status_code == 200
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.eve.id, cast.clock())
    assert (await calls(alert))["eve"] == 1, "not twice"


async def test_a_deputy_who_is_chosen_on_the_page_of_a_person_hears_at_once(cast: Cast) -> None:
    alert = await opened(cast)
    tom = await Person.get(id=cast.tom.id)
    form = {"name": tom.name, "role": "caseworker", "language": tom.language, "zone": tom.zone}
    async with cast.browser_as("root") as root:
        for _ in range(2):
            said = form | {"deputy_id": str(cast.eve.id)}
            answer = await root.post(f"/desk/people/{tom.id}", data=said)
            assert answer.status_code == 303
    assert (await calls(alert))["eve"] == 1


async def test_another_role_chosen_on_the_page_of_a_person_ends_what_it_gave(cast: Cast) -> None:
    alert = await opened(cast)
    await cast.on_duty("eve")
    await taken(cast, "eve", alert)
    await FixedShift.filter(person_id=cast.eve.id).delete()
    eve = await Person.get(id=cast.eve.id)
    form = {"name": eve.name, "role": "guardian", "language": eve.language, "zone": eve.zone}
    async with cast.browser_as("root") as root:
        answer = await root.post(f"/desk/people/{eve.id}", data=form | {"deputy_id": ""})
    assert answer.status_code == 303
    assert (await Alert.get(id=alert.id)).acknowledged_by is None


async def test_who_becomes_a_deputy_because_another_leaves_hears_at_once(cast: Cast) -> None:
    alert = await opened(cast)
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.ines.id, cast.clock())
    async with write():
        await _deputies(SYSTEM, cast.agency.id, cast.ines.id, cast.eve.id, cast.clock())
    assert (await calls(alert))["eve"] == 1


async def test_a_person_who_covers_from_now_on_is_called_for_open_alerts(cast: Cast) -> None:
    alert = await opened(cast)
    await taken(cast, "ines", alert)
    last = cast.clock()
    cast.clock.advance(minutes=1)
    new = planning.LeaveRequest(
        id=uuid4(),
        person_id=cast.tom.id,
        cover_id=cast.eve.id,
        from_at=cast.clock(),
        until_at=cast.clock() + 8 * HOUR,
    )
    await planning.add_leave(cast.actor("root"), cast.agency.id, new, cast.clock())
    await rights_changes.arrivals(last, cast.clock())
    assert (await calls(alert))["eve"] == 1


async def test_the_successor_of_a_leaving_colleague_is_called_though_another_took_the_alert(
    cast: Cast,
) -> None:
    alert = await opened(cast)
    await taken(cast, "ines", alert)
    await leave(
        cast.actor("root"),
        cast.agency.id,
        cast.tom.id,
        Takers(everything=cast.eve.id),
        cast.clock(),
    )
    await climbing.ALERTS.tick(cast.clock())
    assert (await calls(alert))["eve"] == 1
    assert await now_of(alert) == ("acknowledged", "ines")


async def test_a_person_who_takes_over_the_alert_of_a_colleague_who_leaves_is_called_once(
    cast: Cast,
) -> None:
    alert = await opened(cast)
    await taken(cast, "tom", alert)
    await leave(
        cast.actor("root"),
        cast.agency.id,
        cast.tom.id,
        Takers(everything=cast.eve.id),
        cast.clock(),
    )
    await climbing.ALERTS.tick(cast.clock())
    assert await now_of(alert) == ("open", None)
    assert (await calls(alert))["eve"] == 1


async def test_about_a_closed_alert_nobody_who_comes_hears_anything(cast: Cast) -> None:
    alert = await opened(cast)
    await alerts.close(cast.actor("tom"), alert.id, Outcome.SEEN, "At home.", cast.clock())
    await tied(cast, "eve")
    assert (await calls(alert))["eve"] == 0


async def test_nobody_takes_an_alert_who_does_not_work_here(cast: Cast) -> None:
    alert = await opened(cast)
    await doors.disable_person(cast.actor("root"), cast.agency.id, cast.eve.id, cast.clock())
    with pytest.raises(NotFound):
        await taken(cast, "eve", alert)
