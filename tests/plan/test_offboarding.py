"""Somebody leaves and hands over everything in one step; no child is left without a caseworker."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest

from server.alerts.actions import acknowledge
from server.alerts.climbing import ALERTS
from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.errors import Refused
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Address, Message
from server.people import actions as people
from server.people.models import Person, Tie
from server.people.offboarding import Takers
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie
from server.plan.changes.stored import state_of
from server.plan.models import Change
from server.plan.offboarding.actions import Holdings, holdings, leave
from server.rota.duty import on_duty, on_rota
from server.rota.models import Duty, Leave
from server.tasks.models import Task
from server.watch.watch_alerts import open_missing
from tests.cast import Cast
from tests.plan.said import Phone
from tests.plan.test_plan_tasks import a_step
from tests.races import no_fault, together


async def leaves(cast: Cast, name: str, takers: Takers) -> None:
    await leave(cast.actor("root"), cast.agency.id, cast.persons[name].id, takers, cast.clock())


async def caseworkers(cast: Cast, child: str) -> set[str]:
    held = Tie.filter(
        Tie.standing_at(cast.clock()),
        child_id=cast.persons[child].id,
        role=Role.CASEWORKER,
        person__disabled_at__isnull=True,
    )
    by_id = {person.id: name for name, person in cast.persons.items()}
    return {by_id[tie.person_id] for tie in await held}


async def test_children_steps_alerts_deputies_and_duty_pass_to_the_person_who_takes_over(
    cast: Cast,
) -> None:
    tom = Phone(cast, "tom")
    step = await a_step(tom, "tom", "2026-03-20")
    done = await a_step(tom, "tom", "2026-03-20", status="done")
    undated = await a_step(tom, "tom", None)
    await people.set_deputy(SYSTEM, cast.agency.id, cast.ines.id, cast.tom.id, cast.clock())
    await cast.on_duty("tom", hours=3)
    alert = await open_missing(cast.actor("ines"), cast.mia.id, "Not at school.", cast.clock())
    await ALERTS.tick(cast.clock())
    await acknowledge(cast.actor("tom"), alert.id, cast.clock())
    cast.clock.advance(minutes=5)
    assert await holdings(cast.tom, cast.clock()) == Holdings(
        children={cast.mia.id: (Role.CASEWORKER,), cast.noor.id: (Role.CASEWORKER,)},
        steps={cast.mia.id: 2},
        alerts=1,
        deputy_of=(cast.ines.id,),
        duties=1,
    )

    await leaves(cast, "tom", Takers(cast.eve.id))

    assert await caseworkers(cast, "mia") == await caseworkers(cast, "noor") == {"eve"}
    state = await state_of(cast.mia.id)
    owners = {id_: state.value("step", id_, "owner_id") for id_ in state.things("step")}
    assert owners == {step: str(cast.eve.id), undated: str(cast.eve.id), done: str(cast.tom.id)}
    due = await Task.get(kind="step", subject_id=step, state="open")
    assert (due.owner_id, due.owner_role) == (cast.eve.id, "caseworker")
    # What was promised, and by whom, stays in the history.
    said = await Change.filter(entity="step", entity_id=step).order_by("number")
    assert [(change.who_id, change.who_role) for change in said] == [
        (cast.tom.id, "caseworker"),
        (cast.agency.id, "agency"),
    ]
    assert (await Person.get(id=cast.ines.id)).deputy_id == cast.eve.id
    assert await on_duty([cast.agency.id], cast.clock()) == {cast.agency.id: {cast.eve.id}}
    alert = await Alert.get(id=alert.id)
    assert (alert.state, alert.acknowledged_by, alert.next_action_at) == (
        "open",
        None,
        cast.clock(),
    )
    await ALERTS.tick(cast.clock())
    called = Message.filter(subject_id=alert.id, person_id=cast.eve.id, kind="alert")
    assert await called.exists()


async def test_the_child_is_told_once_that_there_is_a_new_caseworker(cast: Cast) -> None:
    await leaves(cast, "tom", Takers(cast.eve.id))
    assert await Message.filter(kind="news_child", person_id=cast.mia.id).count() == 1
    [review] = (await state_of(cast.mia.id)).things("review")
    assert (await state_of(cast.mia.id)).value("review", review, "kind") == "new_worker"


async def test_each_child_can_get_a_different_caseworker(cast: Cast) -> None:
    await leaves(cast, "tom", Takers(cast.eve.id, {cast.noor.id: cast.ines.id}))
    assert await caseworkers(cast, "mia") == {"eve"}
    assert await caseworkers(cast, "noor") == {"ines"}


async def test_a_person_who_left_has_no_access_and_we_send_them_nothing(cast: Cast) -> None:
    await add_address(
        cast.actor("tom"),
        cast.tom.id,
        AddAddress(channel="email", value="t@example.org"),
        cast.clock(),
    )
    async with cast.client_as("tom") as tom:
        assert (await tom.get("/api/v1/me")).status_code == 200
        await leaves(cast, "tom", Takers(cast.eve.id))
        assert (await tom.get("/api/v1/me")).status_code == 401
    assert not await Address.exists(person_id=cast.tom.id, dropped_at__isnull=True)


async def test_it_is_written_down_without_a_name(cast: Cast) -> None:
    await leaves(cast, "tom", Takers(cast.eve.id))
    found = await Entry.filter(who_id=cast.root.id).values_list("what", "why")
    assert ("tie:end", "leaving") in found
    assert ("tie:add", "leaving") in found
    assert ("person:disable", None) in found


async def test_a_child_that_nobody_takes_keeps_its_worker_and_nothing_happens(cast: Cast) -> None:
    with pytest.raises(Refused) as refused:
        await leaves(cast, "tom", Takers(None, {cast.noor.id: cast.eve.id}))
    assert (refused.value.code, refused.value.field) == ("last_caseworker", str(cast.mia.id))
    assert await caseworkers(cast, "mia") == await caseworkers(cast, "noor") == {"tom"}
    assert (await Person.get(id=cast.tom.id)).disabled_at is None


async def test_twice_is_refused_and_changes_nothing(cast: Cast) -> None:
    await leaves(cast, "tom", Takers(cast.eve.id))
    before = await Entry.all().count()
    with pytest.raises(Refused):
        await leaves(cast, "tom", Takers(cast.ines.id))
    assert await Entry.all().count() == before
    assert await caseworkers(cast, "mia") == {"eve"}


@pytest.mark.parametrize("taker", ["tom", "sam", "root", "mia", "uwe"])
async def test_who_cannot_take_over_is_refused(cast: Cast, taker: str) -> None:
    with pytest.raises(Refused):
        await leaves(cast, "tom", Takers(cast.persons[taker].id))
    assert await caseworkers(cast, "mia") == {"tom"}


async def test_duty_is_handed_to_a_person_who_can_be_on_duty(cast: Cast) -> None:
    await cast.on_duty("ines", hours=3)
    with pytest.raises(Refused) as refused:
        await leaves(cast, "ines", Takers(None))
    assert refused.value.field == "everything"
    await leaves(cast, "ines", Takers(cast.tom.id))
    assert await on_duty([cast.agency.id], cast.clock()) == {cast.agency.id: {cast.tom.id}}


async def test_a_rota_turn_and_leave_cover_pass_to_the_person_who_takes_over(cast: Cast) -> None:
    now = cast.clock()
    await Duty.create(
        agency_id=cast.agency.id,
        days=[0, 1, 2, 3, 4, 5, 6],
        begins="00:00",
        ends="00:00",
        zone="Europe/Paris",
        people=[str(cast.eve.id)],
        first_on=now.date() - timedelta(days=7),
        made_at=now,
    )
    await Leave.create(
        agency_id=cast.agency.id,
        person_id=cast.ines.id,
        cover_id=cast.eve.id,
        from_at=now,
        until_at=now + timedelta(days=9),
        made_at=now,
    )
    await leaves(cast, "eve", Takers(cast.tom.id))
    for days in (0, 8, 800):
        then = now + timedelta(days=days)
        assert await on_duty([cast.agency.id], then) == {cast.agency.id: {cast.tom.id}}
    assert (await on_rota(cast.tom.id, now)).covers == {cast.ines.id}


async def test_two_who_leave_at_once_to_each_other_leave_no_child_alone(cast: Cast) -> None:
    child = await people.add_child(
        SYSTEM,
        cast.agency.id,
        people.AddChild(
            name="Another", language="en", zone="Europe/Paris", caseworker_id=cast.eve.id
        ),
        cast.clock(),
    )
    found = await together(
        leaves(cast, "tom", Takers(cast.eve.id)), leaves(cast, "eve", Takers(cast.tom.id))
    )
    no_fault(found, Refused)
    assert sum(isinstance(one, Refused) for one in found) == 1
    assert len(await caseworkers(cast, "mia")) == 1
    workers = Tie.filter(
        Tie.standing_at(cast.clock()), child_id=child.id, person__disabled_at__isnull=True
    )
    assert await workers.count() == 1


async def test_a_person_who_is_leaving_is_given_no_child_at_that_moment(cast: Cast) -> None:
    found = await together(
        leaves(cast, "eve", Takers(None)), leaves(cast, "tom", Takers(cast.eve.id))
    )
    no_fault(found, Refused)
    assert await caseworkers(cast, "mia") in ({"tom"}, {"eve"})
    assert len(await caseworkers(cast, "mia")) == 1


async def test_a_tie_that_is_there_already_is_not_made_twice(cast: Cast) -> None:
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.eve.id, role=Role.CASEWORKER),
        cast.clock(),
    )
    await add_tie(
        SYSTEM,
        cast.children["noor"],
        AddTie(
            person_id=cast.eve.id, role=Role.CASEWORKER, until_at=cast.clock() + timedelta(days=3)
        ),
        cast.clock(),
    )
    cast.clock.advance(hours=1)
    await leaves(cast, "tom", Takers(cast.eve.id))
    for child in (cast.mia, cast.noor):
        held = Tie.filter(Tie.standing_at(cast.clock()), child_id=child.id, person_id=cast.eve.id)
        assert [tie.until_at for tie in await held] == [None]


async def test_a_promise_of_a_tie_that_is_over_goes_to_the_caseworker(cast: Cast) -> None:
    tom = Phone(cast, "tom")
    step = await a_step(tom, "sam", "2026-03-20")
    await end_tie(SYSTEM, cast.children["mia"], cast.ties["mia", "sam"], cast.clock())
    cast.clock.advance(hours=1)
    await leaves(cast, "sam", Takers(None))
    assert (await state_of(cast.mia.id)).value("step", step, "owner_id") == str(cast.tom.id)


async def test_an_alert_another_adult_took_stays_with_them_when_the_caseworker_leaves(
    cast: Cast,
) -> None:
    alert = await open_missing(cast.actor("ines"), cast.mia.id, "Not at school.", cast.clock())
    await ALERTS.tick(cast.clock())
    before = await acknowledge(cast.actor("ines"), alert.id, cast.clock())
    cast.clock.advance(minutes=1)
    await leaves(cast, "tom", Takers(cast.eve.id))
    after = await Alert.get(id=alert.id)
    assert (after.acknowledged_by, after.next_action_at) == (cast.ines.id, before.next_action_at)


# --- the page


async def page_of(root: httpx2.AsyncClient, cast: Cast, name: str) -> httpx2.Response:
    return await root.get(f"/desk/people/{cast.persons[name].id}/leaving")


async def test_the_page_says_what_there_is_and_hands_it_over(cast: Cast) -> None:
    await a_step(Phone(cast, "tom"), "tom", "2026-03-20")
    path = f"/desk/people/{cast.tom.id}/leaving"
    async with cast.browser_as("root") as root:
        shown = await page_of(root, cast, "tom")
        assert "2 children" in shown.text
        assert "1 promised step not done yet" in shown.text
        assert "Eve Thackeray, caseworker" in shown.text
        assert "Root Zamboni" not in shown.text.partition("<main")[2]
        done = await root.post(path, data={"everything": str(cast.eve.id)})
        assert (done.status_code, done.headers["location"]) == (303, "/desk/people?done=left")
        assert "Their access has ended." in (await root.get(done.headers["location"])).text
        assert (await page_of(root, cast, "tom")).status_code == 404
    assert await caseworkers(cast, "noor") == {"eve"}


async def test_the_page_says_at_which_child_nobody_would_be(cast: Cast) -> None:
    path = f"/desk/people/{cast.tom.id}/leaving"
    async with cast.browser_as("root") as root:
        answer = await root.post(path, data={f"of.{cast.noor.id}": str(cast.eve.id)})
    assert answer.status_code == 422
    assert f'id="{cast.mia.id}-error"' in answer.text
    assert "without a caseworker" in answer.text
    assert f'<option value="{cast.eve.id}" selected>' in answer.text


async def test_an_administrator_offboards_a_person_with_nothing_to_hand_over_by_one_button(
    cast: Cast,
) -> None:
    async with cast.browser_as("root") as root:
        assert "or shifts to hand over" in (await page_of(root, cast, "eve")).text
        done = await root.post(f"/desk/people/{cast.eve.id}/leaving", data={"everything": ""})
    assert done.status_code == 303
    assert (await Person.get(id=cast.eve.id)).disabled_at == cast.clock()


@pytest.mark.parametrize("value", ["nobody", "' OR 1=1", "00000000-0000-4000-8000-000000000000"])
async def test_nonsense_in_the_form_is_refused(cast: Cast, value: str) -> None:
    async with cast.browser_as("root") as root:
        answer = await root.post(f"/desk/people/{cast.tom.id}/leaving", data={"everything": value})
    assert answer.status_code == 422
    assert await caseworkers(cast, "mia") == {"tom"}
