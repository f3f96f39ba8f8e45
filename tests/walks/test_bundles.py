"""Children of many homes late in one moment: one message to each adult on each way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from server.alerts.actions import hand_over_child
from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.alerts.opening import Opening, open_alerts
from server.alerts.recipients import policy_of
from server.notify.models import Address, Delivery, Message, Preference
from server.notify.rules import Kind
from server.people.models import Child, Home, Tie
from server.people.rules import Role
from server.policy.model import Tier
from server.storage.db import dialect, write
from server.watch.models import Watch
from server.watch.ticking import WATCHES
from tests.races import no_fault, together
from tests.walks.crowd import crowd
from tests.walks.stage import Stage
from tests.walks.test_faults import nothing_doubled

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LATE = DUE + 105 * MINUTE  # The carer has not answered, and the caseworker is called.
MOST_WAIT = timedelta(seconds=3)
ALERTS = [Kind.ALERT.value, Kind.ALERT_AGAIN.value]


async def in_many_homes(stage: Stage, how_many: int) -> list[UUID]:
    """So many children of one caseworker, each in a home of their own."""
    children = await crowd(stage.cast, how_many)
    await Watch.exclude(child_id__in=children).delete()
    for child in children:
        home = await Home.create(
            agency_id=stage.cast.agency.id, name="A home", zone="UTC", made_at=stage.clock()
        )
        await Child.filter(id=child).update(home_id=home.id)
    await stage.subscribe("tom", "ines", "eve")
    return children


async def with_mail(stage: Stage, name: str) -> str:
    """This person has confirmed a mail address, beside their phone."""
    person, to = stage.cast.persons[name], f"{name}@example.org"
    await Address.create(
        agency_id=person.agency_id,
        person_id=person.id,
        channel="email",
        value=to,
        value_index=to,
        made_at=stage.clock(),
        verified_at=stage.clock(),
    )
    return to


async def opened(stage: Stage) -> None:
    """The tick at which all of them are late, and no message yet."""
    await stage.until(LATE - MINUTE)
    await stage.jump(LATE)
    await stage.ticker.tick()


async def test_thirty_children_in_thirty_homes_are_one_message_on_each_way(stage: Stage) -> None:
    children = await in_many_homes(stage, 30)
    mail = await with_mail(stage, "tom")
    await stage.until(LATE)
    alerts = await Alert.filter(child_id__in=children).order_by("id")
    assert len(alerts) == 30
    assert len({alert.id for alert in alerts if alert.facts.get("shared")}) == 0
    assert stage.paths("tom") == [f"/desk/alerts/{alerts[0].id}/together"]
    [received] = stage.shown("tom")
    assert received.json["notification"]["body"] == "You have 1 new item", "as every lock screen"
    await stage.until(LATE + 30 * MINUTE)
    assert len(stage.paths("ines")) == 1, "the deputy, once"
    [text] = [letter.message.get_content() for letter in stage.mails_to(mail)]
    assert "It is about 30 alerts." in text
    assert f"/desk/alerts/{alerts[0].id}/together" in text
    for alert in alerts:
        told = Message.filter(subject_id=alert.id, person_id=stage.cast.tom.id)
        assert set(await told.values_list("channel", "state")) == {
            ("push", "done"),
            ("email", "done"),
        }, "each alert has its own rows"
    await nothing_doubled()


async def test_one_who_answers_in_between_is_in_no_message(stage: Stage) -> None:
    children = await in_many_homes(stage, 30)
    mail = await with_mail(stage, "tom")
    await stage.until(LATE)
    first = await Alert.filter(child_id__in=children).order_by("id").first()
    assert first is not None
    await stage.close("tom", first.id)
    await stage.until(LATE + 30 * MINUTE)
    [text] = [letter.message.get_content() for letter in stage.mails_to(mail)]
    assert "It is about 29 alerts." in text
    assert len(stage.paths("ines")) == 1
    assert not await Message.filter(
        subject_id=first.id, person_id=stage.cast.ines.id, kind__in=ALERTS
    ).exists()


async def test_the_page_of_the_message_takes_all_and_each_is_a_row_of_its_own(
    stage: Stage,
) -> None:
    await in_many_homes(stage, 5)
    await stage.until(LATE)
    [path] = stage.paths("tom")
    await stage.cast.new_token("tom")
    tom = stage.cast.browser_as("tom")
    shown = await tom.get(path)
    assert "5 children have not answered" in shown.text
    assert "All of them live in" not in shown.text
    assert (await tom.post(path)).status_code == 303
    assert await Alert.filter(acknowledged_by=stage.cast.tom.id).count() == 5
    await stage.until(LATE + 29 * MINUTE)
    assert stage.paths("ines") == []


async def test_who_was_only_called_gets_to_the_others_when_the_first_is_over(stage: Stage) -> None:
    await in_many_homes(stage, 4)
    duty_ends = LATE + 61 * MINUTE
    await stage.cast.on_duty("eve", hours=(duty_ends - stage.clock()) / timedelta(hours=1))
    await stage.until(duty_ends + MINUTE)
    path = stage.paths("eve")[-1]
    assert path.endswith("/together")
    await stage.close("tom", UUID(path.split("/")[3]))
    await stage.cast.new_token("eve")
    shown = await stage.cast.browser_as("eve").get(path)
    assert shown.status_code == 303
    assert shown.headers["location"] != path
    there = await stage.cast.browser_as("eve").get(shown.headers["location"])
    assert "3 children have not answered" in there.text


async def test_who_takes_all_as_the_first_is_over_takes_the_others(stage: Stage) -> None:
    await in_many_homes(stage, 4)
    duty_ends = LATE + 61 * MINUTE
    await stage.cast.on_duty("eve", hours=(duty_ends - stage.clock()) / timedelta(hours=1))
    await stage.until(duty_ends + MINUTE)
    path = stage.paths("eve")[-1]
    await stage.close("tom", UUID(path.split("/")[3]))
    await stage.cast.new_token("eve")
    eve = stage.cast.browser_as("eve")
    taken = await eve.post(path)
    assert taken.status_code == 303
    assert "3 children have not answered" in (await eve.get(taken.headers["location"])).text
    assert await Alert.filter(acknowledged_by=stage.cast.eve.id).count() == 3


async def test_a_first_child_who_went_to_another_agency_leads_to_the_others(stage: Stage) -> None:
    await in_many_homes(stage, 4)
    await stage.until(LATE)
    [path] = stage.paths("tom")
    first = await Alert.get(id=UUID(path.split("/")[3]))
    async with write():
        await Tie.filter(child_id=first.child_id).delete()
        await Child.filter(id=first.child_id).update(agency_id=stage.cast.other_agency.id)
        to = stage.cast.other_agency.id
        await hand_over_child(stage.cast.actor("tom"), first.child_id, to, stage.clock())
    await stage.cast.new_token("tom")
    tom = stage.cast.browser_as("tom")
    shown = await tom.get(path)
    assert shown.status_code == 303
    assert "3 children have not answered" in (await tom.get(shown.headers["location"])).text
    assert (await tom.post(path)).status_code == 303
    assert await Alert.filter(acknowledged_by=stage.cast.tom.id).count() == 3


async def test_two_are_two_messages_as_the_policy_says(stage: Stage) -> None:
    await in_many_homes(stage, 2)
    await stage.until(LATE)
    assert len(stage.paths("tom")) == 2
    assert not any(path.endswith("/together") for path in stage.paths("tom"))


async def test_the_last_resort_of_several_agencies_gets_a_message_of_each(stage: Stage) -> None:
    """A message leads to a page, and that lists the children of one agency."""
    watched = await Watch.get(child_id=stage.cast.mia.id)
    children = [
        child
        for name, agency in (("mia", stage.cast.agency), ("lia", stage.cast.other_agency))
        for child in await crowd(stage.cast, 3, like=name, watched=watched)
        if await Watch.filter(child_id=child).update(agency_id=agency.id)
    ]
    await Watch.exclude(child_id__in=children).delete()
    await Tie.filter(child_id__in=children).delete()
    await stage.until(LATE + 60 * MINUTE)
    kinds = {"kind__in": ALERTS, "last_resort__isnull": False, "together__isnull": False}
    rows = await Message.filter(**kinds).values_list("together", "agency_id")
    assert {agency for _, agency in rows} == {stage.cast.agency.id, stage.cast.other_agency.id}
    assert len({id_ for id_, _ in rows}) == len(set(rows))


async def test_a_child_who_asks_for_help_is_a_message_of_their_own(stage: Stage) -> None:
    children = await in_many_homes(stage, 4)
    policy, _ = await policy_of(stage.cast.agency.id)
    causes = [Cause.HELP, Cause.SILENCE, Cause.SILENCE, Cause.SILENCE]
    openings = [
        Opening(
            child_id=child,
            agency_id=stage.cast.agency.id,
            cause=cause,
            tier=Tier.MID,
            reason="grace_over",
            opened_at=stage.clock(),
        )
        for child, cause in zip(children, causes, strict=True)
    ]
    async with write():
        help_, *silent = await open_alerts(openings, {stage.cast.agency.id: policy}, stage.clock())
    await stage.ticker.send()
    lead = min(str(alert.id) for alert in silent)
    assert sorted(stage.paths("tom")) == sorted(
        [f"/desk/alerts/{help_.id}", f"/desk/alerts/{lead}/together"]
    )


async def test_hours_that_an_adult_chose_hold_no_call_back(stage: Stage) -> None:
    await in_many_homes(stage, 4)
    await Preference.create(
        person_id=stage.cast.tom.id,
        quiet_from="00:00",
        quiet_until="23:59",
        changed_at=stage.clock(),
    )
    await stage.until(LATE)
    assert len(stage.paths("tom")) == 1


async def test_a_push_that_fails_has_failed_for_each_and_is_tried_again_as_one(
    stage: Stage,
) -> None:
    children = await in_many_homes(stage, 6)
    stage.push.fault(503)
    await stage.until(LATE)
    alerts = [alert.id for alert in await Alert.filter(child_id__in=children)]
    sent = Message.filter(subject_id__in=alerts, person_id=stage.cast.tom.id, channel="push")
    tries = Delivery.filter(message_id__in=await sent.values_list("id", flat=True))
    assert await tries.filter(result="retry").count() == 6, "it has failed for each"
    await stage.until(LATE + 4 * MINUTE)
    assert len(stage.paths("tom")) == 1, "tried again as one"
    assert {message.state for message in await sent} == {"done"}
    await nothing_doubled()


async def test_a_phone_that_is_gone_leads_to_one_message_by_the_next_way(stage: Stage) -> None:
    children = await in_many_homes(stage, 6)
    mail = await with_mail(stage, "tom")
    stage.push.fault(410)
    await stage.until(LATE)
    alerts = [alert.id for alert in await Alert.filter(child_id__in=children)]
    assert await Message.filter(subject_id__in=alerts, channel="push", state="failed").count() == 6
    by_mail = Message.filter(subject_id__in=alerts, channel="email", state="done")
    assert await by_mail.filter(person_id=stage.cast.tom.id).count() == 6
    [letter] = stage.mails_to(mail)
    assert "It is about 6 alerts." in letter.message.get_content()
    await stage.until(LATE + 30 * MINUTE)
    assert len(stage.paths("ines")) == 1, "and each ladder goes on"


async def test_killed_before_the_send_all_of_them_go_out_once(stage: Stage) -> None:
    await in_many_homes(stage, 12)
    await opened(stage)
    dead = stage.another_ticker().worker
    claimed = await dead._claim(stage.clock())
    assert len(claimed) == 12
    await stage.ticker.send()
    assert stage.paths("tom") == [], "the lease of the dead one runs on"
    await stage.jump(stage.clock() + MINUTE)
    await stage.beat()
    assert len(stage.paths("tom")) == 1
    assert {message.state for message in await Message.filter(kind=Kind.ALERT.value)} == {"done"}
    await nothing_doubled()


async def test_two_tickers_tell_each_child_once(stage: Stage) -> None:
    await in_many_homes(stage, 12)
    await stage.until(LATE - MINUTE)
    await stage.jump(LATE)
    tickers = [stage.ticker, stage.another_ticker()]
    no_fault(await together(*(ticker.tick() for ticker in tickers)))
    no_fault(await together(*(ticker.send() for ticker in tickers)))
    assert len(stage.paths("tom")) == 1
    assert await Message.filter(kind=Kind.ALERT.value, state="done").count() == 12
    await nothing_doubled()


def batch() -> int:
    """How many watches a tick takes at once where it has planned several batches."""
    return WATCHES.planned_at_once if dialect() == "postgres" else WATCHES.at_once


async def of_two_caseworkers(stage: Stage) -> list[UUID]:
    """More than one batch of children; every second one is Ines's alone."""
    how_many = batch() + 40
    children = await crowd(stage.cast, how_many)
    await Watch.exclude(child_id__in=children).delete()
    await stage.subscribe("tom", "ines")
    hers = Tie.filter(child_id__in=children[::2], role=Role.CASEWORKER)
    await hers.update(person_id=stage.cast.ines.id)
    return children


@pytest.mark.slow
async def test_more_than_one_batch_of_the_tick_is_still_one_message(stage: Stage) -> None:
    children = await of_two_caseworkers(stage)
    await opened(stage)
    calls = Message.filter(kind=Kind.ALERT.value)
    assert await calls.count() == len(children)
    assert not await calls.filter(next_action_at__gt=stage.clock()).exists(), "the last lets all go"
    await stage.ticker.send()
    assert [len(stage.paths(name)) for name in ("tom", "ines")] == [1, 1]


async def a_batch_of_many(stage: Stage) -> None:
    """As a tick takes one, where one is not enough."""
    now = stage.clock()
    assert await WATCHES.tick(now, await WATCHES.plan(now).next()) == batch()


@pytest.mark.slow
async def test_a_message_waits_for_its_own_children_and_for_nobody_elses(stage: Stage) -> None:
    """A batch takes the children of one caseworker first: these are told before the rest."""
    await of_two_caseworkers(stage)
    await stage.until(LATE - MINUTE)
    await stage.jump(LATE)
    await a_batch_of_many(stage)
    people = {stage.cast.tom.id: "tom", stage.cast.ines.id: "ines"}
    first, second = (people[id_] for id_ in sorted(people, key=str))
    await stage.ticker.send()
    assert [len(stage.paths(name)) for name in (first, second)] == [1, 0]
    assert await Alert.all().count() == batch(), "others are still to be opened"
    waits = Message.filter(person_id=stage.cast.persons[second].id, kind=Kind.ALERT.value)
    assert set(await waits.values_list("next_action_at", flat=True)) == {LATE + SECOND}
    await stage.beat()
    assert [len(stage.paths(name)) for name in (first, second)] == [1, 1]


@pytest.mark.slow
async def test_what_waits_for_a_tick_that_never_ends_well_goes_out_after_seconds(
    stage: Stage,
) -> None:
    await of_two_caseworkers(stage)
    await stage.until(LATE - MINUTE)
    await stage.jump(LATE)
    await a_batch_of_many(stage)
    await stage.jump(LATE + MOST_WAIT)
    await stage.ticker.send()
    assert [len(stage.paths(name)) for name in ("tom", "ines")] == [1, 1]
    assert await Message.filter(kind=Kind.ALERT.value, state="done").count() == batch()
