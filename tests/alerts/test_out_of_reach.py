"""A rung on which nothing can be sent to anybody: the ladder goes to the next one at once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.alerts.opening import Opening, open_alerts
from server.alerts.recipients import policy_of
from server.notify.actions import set_last_resorts
from server.notify.last_resort import actions as resorts
from server.notify.models import Address, Message
from server.notify.rules import Kind
from server.people.models import Person, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.policy.model import Tier
from server.storage.db import write
from server.watch import evidence
from server.watch.models import Watch
from tests.cast import Cast
from tests.desk.scenes import crowd
from tests.notify.test_last_resort import OWN, code_of
from tests.notify.test_worker import mail_of
from tests.races import no_fault, together
from tests.walks.stage import LAST_RESORT, Stage

MINUTE = timedelta(minutes=1)
CALLS = (Kind.ALERT.value, Kind.ALERT_AGAIN.value)


async def opened(stage: Stage, name: str = "mia", **how: Any) -> Alert:
    """An alert about this child, and nothing else that anyone is told."""
    await Watch.all().update(next_action_at=stage.clock() + timedelta(days=30))
    child = stage.cast.children[name]
    values = {"cause": Cause.SILENCE, "tier": Tier.MID, "reason": "carer_silent"}
    opening = Opening(
        child_id=child.id,
        agency_id=child.agency_id,
        opened_at=stage.clock(),
        **(values | how),
    )
    policy, _ = await policy_of(child.agency_id)
    async with write():
        [alert] = await open_alerts([opening], {child.agency_id: policy}, stage.clock())
    return alert


async def a_moment(stage: Stage) -> None:
    """As many looks as a few seconds have; the clock stands still."""
    for _ in range(12):
        await stage.beat()


async def told(alert: Alert) -> Counter[str]:
    """Who was sent a call about it that a service took, by name; "last resort" is one of them."""
    rows = await Message.filter(subject_id=alert.id, kind__in=CALLS, state="done")
    names = {person.id: person.name.split()[0] for person in await Person.all()}
    return Counter(names[row.person_id] if row.person_id else "last resort" for row in rows)


async def test_a_rung_without_any_address_is_passed_at_once(stage: Stage) -> None:
    await stage.subscribe("ines")
    alert = await opened(stage)
    await a_moment(stage)
    assert (await told(alert))["Ines"] == 1, "the deputy, in the same moment"
    row = await Alert.get(id=alert.id)
    assert (row.rung, row.turn) == (1, 0)
    assert row.next_action_at == stage.clock() + 30 * MINUTE, "she has her whole time"
    [lost] = await Message.filter(subject_id=alert.id, person_id=stage.cast.tom.id)
    assert (lost.channel, lost.state, lost.why) == ("none", "failed", "no_address")


async def test_a_rung_with_one_who_can_be_reached_waits_for_them(stage: Stage) -> None:
    cast = stage.cast
    await stage.subscribe("tom")
    second = AddTie(person_id=cast.eve.id, role=Role.CASEWORKER)
    await add_tie(cast.actor("ines"), cast.children["mia"], second, stage.clock())
    alert = await opened(stage)
    await a_moment(stage)
    row = await Alert.get(id=alert.id)
    assert (row.rung, row.next_action_at) == (0, stage.clock() + 30 * MINUTE)
    assert (await told(alert))["Tom"] == 1


@pytest.mark.parametrize("fault", ["dead_mailbox", "closed_channel", "not_proven"])
async def test_an_address_by_which_nothing_can_be_sent_is_none(stage: Stage, fault: str) -> None:
    await stage.subscribe("ines")
    mail = await mail_of(stage, "tom")
    own = Address.filter(person_id=stage.cast.tom.id)
    if fault == "dead_mailbox":
        stage.relay.refused.add(mail)
    elif fault == "closed_channel":
        await own.update(channel="pager")
    else:
        await own.update(verified_at=None)
        stage.relay.refused.add(mail)
    alert = await opened(stage)
    await a_moment(stage)
    assert (await told(alert))["Ines"] == 1
    assert (await Alert.get(id=alert.id)).rung == 1


async def test_a_push_that_its_service_gave_up_is_no_way(stage: Stage) -> None:
    await stage.subscribe("tom", "ines")
    stage.push.expire(stage.phones["tom"].endpoint)
    alert = await opened(stage)
    await a_moment(stage)
    assert (await told(alert))["Ines"] == 1


async def test_duty_without_an_address_is_passed_too(stage: Stage) -> None:
    cast = stage.cast
    await stage.subscribe("tom")
    await cast.on_duty("eve", hours=24)
    alert = await opened(stage)
    await a_moment(stage)
    await stage.until(minutes=30)
    await a_moment(stage)
    row = await Alert.get(id=alert.id)
    assert row.rung == 4, "deputy, duty and manager have none: it is the last resort's turn"
    assert row.next_action_at == stage.clock() + 30 * MINUTE
    assert stage.mails_to(LAST_RESORT)


async def test_the_last_resort_hears_once_of_rungs_that_are_passed_in_one_moment(
    stage: Stage,
) -> None:
    cast = stage.cast
    await cast.on_duty("eve", hours=24)
    await stage.subscribe("eve")
    alert = await opened(stage)
    await a_moment(stage)
    assert (await Alert.get(id=alert.id)).rung == 2
    assert await told(alert) == {"Eve": 1, "last resort": 1}
    assert len(stage.mails_to(LAST_RESORT)) == 1
    # Of what comes later it hears again.
    await Address.filter(person_id=cast.eve.id).delete()
    await stage.until(minutes=31)
    await a_moment(stage)
    assert (await told(alert))["last resort"] > 1


async def test_where_nobody_can_be_reached_each_rung_is_tried_at_once_and_then_again(
    stage: Stage,
) -> None:
    set_last_resorts(0)
    cast = stage.cast
    await cast.on_duty("eve", hours=24)
    alert = await opened(stage)
    await a_moment(stage)
    row = await Alert.get(id=alert.id)
    assert (row.rung, row.turn) == (3, 0)
    assert row.next_action_at == stage.clock() + 30 * MINUTE, "no loop"
    rows = await Message.filter(subject_id=alert.id).order_by("id")
    assert {(m.rung, m.channel, m.state) for m in rows} == {
        (rung, "none", "failed") for rung in range(4)
    }
    await stage.until(minutes=30)
    await a_moment(stage)
    row = await Alert.get(id=alert.id)
    assert (row.rung, row.turn) == (3, 1)


async def test_an_alert_that_reaches_nobody_is_loud(stage: Stage) -> None:
    set_last_resorts(0)
    await opened(stage, cause=Cause.HELP, reason="said_help")
    await a_moment(stage)
    async with stage.cast.browser_as("tom") as tom:
        board = (await tom.get("/desk/")).text
    assert "e have not been able to call anyone since" in board
    set_last_resorts(1)
    await stage.ticker.audit()
    await a_moment(stage)
    [mail] = stage.mails_to(LAST_RESORT)
    assert "audit:alert_reaches_nobody" in mail.message.get_content()


async def test_it_is_tried_again_as_soon_as_an_address_appears(stage: Stage) -> None:
    set_last_resorts(0)
    alert = await opened(stage)
    await a_moment(stage)
    assert not await told(alert)
    await stage.subscribe("ines")
    await a_moment(stage)
    assert (await told(alert))["Ines"] >= 1
    row = await Alert.get(id=alert.id)
    assert (row.rung, row.next_action_at) == (1, stage.clock() + 30 * MINUTE)
    before = await Message.filter(subject_id=alert.id).count()
    await stage.subscribe("tom")
    await a_moment(stage)
    assert await Message.filter(subject_id=alert.id).count() == before, "Ines has her time"


async def test_it_is_tried_again_as_soon_as_the_agency_has_a_last_resort(stage: Stage) -> None:
    set_last_resorts(0)
    alert = await opened(stage)
    await a_moment(stage)
    assert not await told(alert)
    root = stage.cast.actor("root")
    address = await resorts.enter(root, "email", OWN, stage.clock())
    await resorts.prove(root, address.id, await code_of(stage), stage.clock())
    await a_moment(stage)
    assert (await told(alert))["last resort"] >= 1


async def test_an_alert_that_a_person_has_taken_stays_theirs(stage: Stage) -> None:
    alert = await opened(stage)
    await stage.ticker.tick()
    await stage.acknowledge("tom", alert.id)
    await a_moment(stage)
    row = await Alert.get(id=alert.id)
    assert row.acknowledged_by == stage.cast.tom.id
    assert row.next_action_at == row.held_until


async def test_a_person_who_takes_it_in_the_moment_in_which_nothing_can_be_sent_has_it(
    stage: Stage,
) -> None:
    await stage.subscribe("ines")
    alert = await opened(stage)
    no_fault(await together(stage.acknowledge("tom", alert.id), stage.ticker.send()))
    await a_moment(stage)
    row = await Alert.get(id=alert.id)
    assert row.acknowledged_by == stage.cast.tom.id
    assert not stage.shown("ines")


async def test_how_often_one_looks_does_not_change_who_is_called(stage: Stage) -> None:
    await stage.subscribe("tom")
    alert = await opened(stage)
    for _ in range(3):
        await a_moment(stage)
    await stage.until(minutes=61)
    await a_moment(stage)
    calls = await Message.filter(
        subject_id=alert.id, person_id=stage.cast.tom.id, kind__in=CALLS
    ).order_by("id")
    assert [call.turn for call in calls] == [0, 1]


async def test_many_children_are_passed_on_in_one_pass(cast: Cast, stage: Stage) -> None:
    children = await crowd(cast, 40)
    await Watch.all().delete()
    await Alert.all().delete()
    await stage.subscribe("ines")
    policy, _ = await policy_of(cast.agency.id)
    openings = [
        Opening(
            child_id=child,
            agency_id=cast.agency.id,
            cause=Cause.HELP,
            tier=Tier.MID,
            reason="said_help",
            opened_at=stage.clock(),
        )
        for child in children
    ]
    async with write():
        alerts = await open_alerts(openings, {cast.agency.id: policy}, stage.clock())
    ids = [alert.id for alert in alerts]
    await stage.ticker.send()
    due = Alert.filter(id__in=ids, rung=0, next_action_at__lte=stage.clock())
    assert await due.count() == len(set(ids))


# --- what people read


async def test_the_page_and_the_api_say_who_was_not_reached(stage: Stage) -> None:
    cast = stage.cast
    await stage.subscribe("ines")
    alert = await opened(stage)
    await a_moment(stage)
    async with cast.browser_as("tom") as tom:
        page = (await tom.get(f"/desk/alerts/{alert.id}")).text
    rungs = page.split('id="rungs"', 1)[1].split("</section>", 1)[0]
    caseworker, deputy = rungs.split('<li class="step ')[1:3]
    assert caseworker.startswith("not_reached")
    assert "Not reached: no address" in caseworker
    assert "called" not in caseworker.split(">", 1)[1]
    assert deputy.startswith("called")
    assert "Not reached: no address" in page.split('id="sent"', 1)[1], "the list of messages, too"
    [shown] = (await stage.call("tom", "GET", "/api/v1/alerts"))["alerts"]
    first, second = shown["rungs"]
    assert (first["who"], first["state"]) == ("caseworker", "not_reached")
    assert [who["name"] for who in first["not_reached"]] == ["Tom Verhoeven"]
    assert (second["who"], second["state"], second["not_reached"]) == ("deputy", "called", [])


async def test_a_rung_with_one_who_was_reached_says_who_was_not(stage: Stage) -> None:
    cast = stage.cast
    await stage.subscribe("tom")
    second = AddTie(person_id=cast.eve.id, role=Role.CASEWORKER)
    await add_tie(cast.actor("ines"), cast.children["mia"], second, stage.clock())
    alert = await opened(stage)
    await a_moment(stage)
    async with cast.browser_as("tom") as tom:
        page = (await tom.get(f"/desk/alerts/{alert.id}")).text
    assert "called · Not reached: Eve Thackeray" in page


async def test_a_call_that_was_cancelled_before_it_went_out_has_called_nobody(
    stage: Stage,
) -> None:
    await stage.subscribe("tom", "ines")
    await stage.until(minutes=1)  # Tom's tie has not begun just now.
    alert = await opened(stage)
    await stage.acknowledge("ines", alert.id)
    await a_moment(stage)
    async with stage.cast.browser_as("ines") as ines:
        page = (await ines.get(f"/desk/alerts/{alert.id}")).text
    rungs = page.split('id="rungs"', 1)[1].split("</section>", 1)[0]
    assert ">called<" not in rungs


async def test_why_says_who_was_not_reached(stage: Stage) -> None:
    await stage.subscribe("ines")
    await opened(stage)
    await a_moment(stage)
    child = stage.cast.mia.id
    async with stage.cast.browser_as("tom") as tom:
        page = (
            await tom.get(f"/desk/children/{child}/why?at={stage.clock():%Y-%m-%dT%H:%MZ}")
        ).text
    assert "Alert for Tom Verhoeven: not reached, there is no address of theirs." in page


async def test_an_alert_about_which_nobody_is_on_the_ladder_is_as_loud(stage: Stage) -> None:
    set_last_resorts(0)
    await Tie.filter(child_id=stage.cast.mia.id, role__not=Role.CARER).update(
        until_at=stage.clock()
    )
    alert = await opened(stage)
    await a_moment(stage)
    assert not await Message.filter(subject_id=alert.id).exists()
    facts = (await evidence.of([alert.child_id], stage.clock()))[alert.child_id]
    assert facts.unsent_since == alert.opened_at
    points = evidence.points(facts, "en", ZoneInfo("Europe/Paris"), stage.clock())
    assert points[-1].text.startswith("We have not been able to call anyone since")


async def test_one_alert_whose_call_went_out_is_enough(stage: Stage) -> None:
    set_last_resorts(0)
    await stage.subscribe("tom")
    alert = await opened(stage)
    await a_moment(stage)
    assert (await told(alert))["Tom"] == 1
    await Tie.filter(child_id=alert.child_id).update(until_at=stage.clock())
    talk = await opened(stage, cause=Cause.TALK, reason="said_talk")
    assert not await Message.filter(subject_id=talk.id).exists()
    facts = (await evidence.of([alert.child_id], stage.clock()))[alert.child_id]
    assert facts.unsent_since is None
