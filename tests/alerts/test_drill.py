"""Drills of the ladder: each rung, its time, the schedule, and a real alert that comes first."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.drills import actions
from server.alerts.drills.models import Drill, DrillCall, DrillPlan
from server.alerts.drills.rules import Every, Place, needs, next_drill, next_place
from server.alerts.models import Alert
from server.errors import Conflict, NotFound, Refused
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Message
from server.notify.rules import Kind
from server.policy.model import Rung
from tests.desk.walking import at_desk
from tests.races import no_fault, together
from tests.walks.stage import LAST_RESORT, Stage

MINUTE = timedelta(minutes=1)
EACH = 3 * MINUTE
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ["Europe/Paris", "Europe/Lisbon", "America/Santiago", "Australia/Lord_Howe", "UTC"]


@given(
    st.sampled_from(list(Every)),
    st.integers(0, 6),
    st.times(),
    st.sampled_from(ZONES),
    st.integers(0, 2 * 366 * 24 * 60).map(lambda n: BEGIN + n * MINUTE),
)
def test_the_next_drill_is_later_and_on_its_day(
    every: Every, weekday: int, at: time, zone: str, after: datetime
) -> None:
    known = ZoneInfo(zone)
    found = next_drill(every, weekday, at, known, after)
    assert found > after
    longest = 8 if every is Every.WEEK else 36
    assert found - after <= timedelta(days=longest)
    assert next_drill(every, weekday, at, known, found) > found
    if time(4) < at:
        local = found.astimezone(known)
        assert local.weekday() == weekday
        assert local.replace(tzinfo=None).time() == at
        assert every is Every.WEEK or local.day <= 7


def test_rungs_without_a_person_are_passed_and_the_last_resort_counts_as_a_person() -> None:
    stood = [
        Place(Rung.CASEWORKER, (uuid4(),)),
        Place(Rung.DEPUTY, ()),
        Place(Rung.LAST_RESORT, ()),
    ]
    assert next_place(stood, -1) == 0
    assert next_place(stood, 0) == 2
    assert next_place(stood, 2) is None
    assert needs(stood, [], calls_last_resort=True)
    assert needs(stood, stood[0].people, calls_last_resort=False)
    assert not needs(stood, [uuid4()], calls_last_resort=False)


async def reachable(stage: Stage, *names: str) -> None:
    for name in names:
        person = stage.cast.persons[name]
        address = f"{name}@example.org"
        await add_address(
            stage.cast.actor(name),
            person.id,
            AddAddress(channel="email", value=address),
            stage.clock(),
        )


async def begun(stage: Stage, by: str = "ines") -> Drill:
    await stage.only("mia")
    await reachable(stage, "tom", "ines", "eve")
    await stage.cast.on_duty("eve", hours=48)
    return await actions.begin(
        stage.cast.actor(by), uuid4(), stage.cast.tom.id, EACH, stage.clock()
    )


def link_at(stage: Stage, address: str) -> str:
    text = "\n".join(stage.mails_to(address)[-1].read())
    assert "This is a drill, not an alarm." in text
    found = re.search(r"/drill/(\S+)", text)
    assert found is not None
    return found[1]


async def last_resorts(drill: Drill) -> int:
    """Of the rungs that were called, how many were the last resort."""
    stood = actions.stood_in(drill)
    return sum(stood[place].rung is Rung.LAST_RESORT for place, _ in await calls(drill))


async def calls(drill: Drill) -> list[tuple[int, float | None]]:
    """Each rung that was called, and after how many seconds somebody answered."""
    return [
        (
            call.place,
            (call.answered_at - call.called_at).total_seconds() if call.answered_at else None,
        )
        for call in await DrillCall.filter(drill_id=drill.id).order_by("place")
    ]


async def test_each_rung_is_called_in_order_and_its_time_is_kept(stage: Stage) -> None:
    drill = await begun(stage)
    await stage.beat()
    assert not stage.mails_to("ines@example.org")
    stage.clock.advance(seconds=40)
    link = link_at(stage, "tom@example.org")
    await actions.read_tap(link, stage.clock())
    assert (await calls(drill)) == [(0, None)], "looking says nothing"
    for _ in range(2):
        assert (await actions.tap(link, stage.clock())).is_answered
    await stage.beat()  # The next rung at the next tick, and not after the whole time.
    assert len(stage.mails_to("ines@example.org")) == 1
    await stage.until(minutes=3)  # The deputy does not answer.
    stage.clock.advance(seconds=10)
    await actions.tap(link_at(stage, "eve@example.org"), stage.clock())
    await stage.until(minutes=3)  # Nor does the manager.
    stage.clock.advance(seconds=5)
    await actions.tap(link_at(stage, LAST_RESORT), stage.clock())
    await stage.until(minutes=4)
    assert await calls(drill) == [(0, 40.0), (1, None), (2, 10.0), (3, None), (4, 5.0)]
    over = await Drill.get(id=drill.id)
    assert (over.why, over.next_action_at) == ("done", None)
    assert await Alert.all().count() == 0, "a drill is no alert"
    assert not await Message.filter(kind=Kind.DRILL, child_id__isnull=False).exists()


async def test_a_tap_after_its_time_changes_nothing_and_is_thanked_for(stage: Stage) -> None:
    drill = await begun(stage)
    await stage.beat()
    link = link_at(stage, "tom@example.org")
    await stage.until(minutes=4)
    assert not (await actions.tap(link, stage.clock())).is_answered
    assert (await calls(drill))[0] == (0, None)
    async with stage.cast.client(headers={"sec-fetch-site": "same-origin"}) as stranger:
        assert (
            "It had already moved on to the next person"
            in (await stranger.post(f"/drill/{link}")).text
        )
        stage.clock.advance(days=2)
        assert (await stranger.get(f"/drill/{link}")).status_code == 404


async def test_a_real_alert_goes_out_as_ever_and_ends_the_drill(stage: Stage) -> None:
    await stage.subscribe("mia")
    drill = await begun(stage)
    await stage.beat()
    link = link_at(stage, "tom@example.org")
    await stage.check_in("mia", want="help")
    over = await Drill.get(id=drill.id)
    assert over.why == "real_alert"
    assert not await Message.filter(kind=Kind.DRILL, state__in=["waiting", "sending"]).exists()
    await stage.beat()
    assert await Message.filter(kind=Kind.ALERT, state="done").exists()
    await actions.tap(link, stage.clock())
    await stage.until(minutes=20)
    assert len(await calls(drill)) == 1
    with pytest.raises(Refused, match="real alert"):
        await actions.begin(
            stage.cast.actor("ines"), uuid4(), stage.cast.tom.id, EACH, stage.clock()
        )


async def test_a_drill_that_began_in_the_moment_of_an_alert_ends_at_its_next_step(
    stage: Stage,
) -> None:
    drill = await begun(stage)
    await stage.beat()
    await Message.filter(kind=Kind.DRILL).update(kind=Kind.ALERT.value, subject_kind="alert")
    await stage.until(minutes=4)
    assert (await Drill.get(id=drill.id)).why == "real_alert"


async def test_begun_twice_by_one_button_it_is_one_and_two_buttons_make_no_second(
    stage: Stage,
) -> None:
    await reachable(stage, "tom")
    id_, actor, tom = uuid4(), stage.cast.actor("ines"), stage.cast.tom.id
    no_fault(
        await together(
            *(actions.begin(actor, id_, tom, EACH, stage.clock()) for _ in range(3)),
        ),
        Conflict,
    )
    assert await Drill.all().count() == 1
    assert (await actions.begin(actor, id_, tom, EACH, stage.clock())).id == id_
    with pytest.raises(Conflict):
        await actions.begin(actor, uuid4(), tom, EACH, stage.clock())
    assert await DrillCall.all().count() == 1


@pytest.mark.parametrize("who", ["ines", "ada", "mia", "uwe"])
async def test_a_drill_is_of_a_caseworker_of_ones_own_agency(stage: Stage, who: str) -> None:
    person = stage.cast.persons[who]
    with pytest.raises(NotFound):
        await actions.begin(stage.cast.actor("ines"), uuid4(), person.id, EACH, stage.clock())


async def test_tapped_by_many_at_once_the_rung_is_answered_once(stage: Stage) -> None:
    drill = await begun(stage)
    await stage.beat()
    link = link_at(stage, "tom@example.org")
    no_fault(await together(*(actions.tap(link, stage.clock()) for _ in range(4))))
    await together(*(actions.DRILLS.tick(stage.clock()) for _ in range(3)))
    assert [place for place, _ in await calls(drill)] == [0, 1]


async def test_by_their_schedule_drills_go_round_the_caseworkers(stage: Stage) -> None:
    await stage.only("mia")
    await reachable(stage, "tom", "ines", "eve")
    ines = stage.cast.actor("ines")
    plan = await actions.set_plan(ines, Every.WEEK, 2, time(10), stage.clock())
    assert plan.next_action_at is not None
    for _ in range(2):
        await stage.jump((await DrillPlan.get(id=plan.id)).next_action_at)
        await actions.PLANS.tick(stage.clock())
        await Drill.filter(ended_at__isnull=True).update(
            ended_at=stage.clock(), next_action_at=None, why="done"
        )
    drills = await Drill.all().order_by("begun_at")
    assert {drill.worker_id for drill in drills} == {stage.cast.tom.id, stage.cast.eve.id}
    assert drills[1].begun_at - drills[0].begun_at == timedelta(days=7)
    await actions.set_plan(ines, None, 2, time(10), stage.clock())
    assert (await DrillPlan.get(id=plan.id)).next_action_at is None


async def test_a_planned_drill_waits_while_adults_are_called_for_real(stage: Stage) -> None:
    await stage.subscribe("mia")
    await stage.only("mia")
    plan = await actions.set_plan(stage.cast.actor("ines"), Every.WEEK, 2, time(10), stage.clock())
    assert plan.next_action_at is not None
    await stage.jump(plan.next_action_at)
    await stage.check_in("mia", want="help")
    await actions.PLANS.tick(stage.clock())
    assert await Drill.all().count() == 0
    assert (await DrillPlan.get(id=plan.id)).next_action_at == stage.clock() + timedelta(hours=1)


async def test_a_supervisor_begins_one_watches_it_and_stops_it(stage: Stage) -> None:
    await reachable(stage, "tom", "ines")
    async with at_desk(stage.cast, "ines") as browser:
        page = (await browser.get("/desk/drills")).text
        assert "No drills yet." in page
        assert "No confirmed address" in page
        form = {"id": str(uuid4()), "worker_id": str(stage.cast.tom.id), "each": "3"}
        made = await browser.post("/desk/drills", data=form)
        assert made.status_code == 303
        again = await browser.post("/desk/drills", data={**form, "id": str(uuid4())})
        assert again.status_code == 409
        assert "A drill is already running." in again.text
        shown = (await browser.get(made.headers["location"])).text
        assert "called" in shown
        assert "Nobody to call at this step." in shown
        await browser.post(f"{made.headers['location']}/stop")
        shown = (await browser.get(made.headers["location"])).text
        assert "Stopped by hand." in shown
        assert "data-hx-trigger" not in shown
        wrong = await browser.post("/desk/drills", data={**form, "id": str(uuid4()), "each": "99"})
        assert "Choose between 1 and 15 minutes" in wrong.text
    async with at_desk(stage.cast, "tom") as browser:
        assert (await browser.get("/desk/drills")).status_code == 403


async def test_a_rung_reads_called_only_once_a_message_has_gone_out(stage: Stage) -> None:
    await stage.only("mia")
    await reachable(stage, "tom")  # And not Ines, who is called next.
    drill = await actions.begin(
        stage.cast.actor("ines"), uuid4(), stage.cast.tom.id, EACH, stage.clock()
    )
    async with at_desk(stage.cast, "ines") as browser:
        shown = (await browser.get(f"/desk/drills/{drill.id}")).text
        assert "waiting to be sent" in shown
        assert "no answer yet" not in shown
        await stage.beat()
        shown = (await browser.get(f"/desk/drills/{drill.id}")).text
        assert "waiting to be sent" not in shown
        assert "no answer yet" in shown
        await stage.until(seconds=200)
        assert await calls(drill) == [(0, None), (1, None)]
        shown = (await browser.get(f"/desk/drills/{drill.id}")).text
        assert "Not reached: no address" in shown
        assert "no answer yet" not in shown
        await stage.until(minutes=9)
        shown = (await browser.get(f"/desk/drills/{drill.id}")).text
        assert "Not reached: no address" in shown
        assert shown.count("nobody answered within 3 minutes") == 1 + (await last_resorts(drill))


async def test_a_drill_stopped_before_its_message_went_out_has_called_nobody(
    stage: Stage,
) -> None:
    await reachable(stage, "tom")
    ines = stage.cast.actor("ines")
    drill = await actions.begin(ines, uuid4(), stage.cast.tom.id, EACH, stage.clock())
    await actions.stop(ines, drill.id, stage.clock())
    async with at_desk(stage.cast, "ines") as browser:
        shown = (await browser.get(f"/desk/drills/{drill.id}")).text
    assert "no answer yet" not in shown
    assert "not sent" in shown


async def test_a_supervisor_tests_one_way_of_a_colleague_and_sees_that_it_arrived(
    stage: Stage,
) -> None:
    await reachable(stage, "tom")
    async with at_desk(stage.cast, "ines") as browser:
        form = {"person_id": str(stage.cast.tom.id), "channel": "email"}
        sent = await browser.post("/desk/drills/test", data=form)
        assert sent.status_code == 303
        await stage.beat()
        text = "\n".join(stage.mails_to("tom@example.org")[-1].read())
        link = re.search(r"/arrived/\S+", text)
        assert link is not None
        async with stage.cast.client(headers={"sec-fetch-site": "same-origin"}) as stranger:
            assert "Confirm that it reached you." in (await stranger.get(link[0])).text
            assert "Thank you" in (await stranger.post(link[0])).text
        assert "shown on the device" in (await browser.get(sent.headers["location"])).text
        none = await browser.post("/desk/drills/test", data={**form, "channel": "push"})
        assert none.status_code == 422
        assert "This person has not set up this channel" in none.text
    async with at_desk(stage.cast, "eve") as browser:
        assert (await browser.get(sent.headers["location"])).status_code == 404
