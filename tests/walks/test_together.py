"""Many children late at once: one message to each adult, and an alert for each child."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from server.alerts.models import Alert
from server.notify.models import Address, Delivery, Message
from server.notify.rules import Kind
from server.people.models import Child
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.watch.models import Watch
from tests.cast import SURNAMES
from tests.races import no_fault, together
from tests.walks.crowd import crowd
from tests.walks.stage import Stage
from tests.walks.test_faults import nothing_doubled

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
LATE = DUE + 105 * MINUTE  # The carer has not answered, and the caseworker is called.


async def home_of(stage: Stage, how_many: int) -> list[UUID]:
    """So many children in the house, due when Mia is; Mia herself lives elsewhere."""
    children = await crowd(stage.cast, how_many)
    await Child.all().update(home_id=None)
    await Child.filter(id__in=children).update(home_id=stage.cast.home.id)
    return children


async def browser(stage: Stage, name: str) -> Any:
    """Somebody at the desk, who has signed in anew."""
    await stage.cast.new_token(name)
    return stage.cast.browser_as(name)


async def test_twelve_children_of_a_home_are_one_message_to_each_adult_and_rung(
    stage: Stage,
) -> None:
    children = await home_of(stage, 12)
    await Watch.exclude(child_id__in=[*children, stage.cast.mia.id]).delete()
    await stage.subscribe("tom", "ines", "sam")
    await stage.until(LATE)
    alerts = await Alert.filter(child_id__in=children)
    assert len(alerts) == 12
    mias = await stage.open_alert("mia")
    led = min(str(one.id) for one in [*alerts, mias])
    # A lone miss elsewhere in the same moment is in the same message.
    assert stage.paths("tom") == [f"/desk/alerts/{led}/together"]
    words = [received.json["notification"] for received in stage.shown("tom")]
    assert {one["body"] for one in words} == {"You have 1 new item"}
    assert not any(name in str(words) for name in (*SURNAMES, "Child"))
    await stage.until(LATE + 30 * MINUTE)
    assert len(stage.paths("ines")) == 1, "the deputy, once for all, Mia among them"
    # Each row says for itself what became of its message.
    sent = await Message.filter(
        subject_id__in=[one.id for one in alerts], person_id=stage.cast.tom.id
    )
    assert len(sent) == 12
    assert {one.state for one in sent} == {"done"}
    assert await Delivery.filter(message_id__in=[one.id for one in sent]).count() == 12
    await nothing_doubled()


async def late_together(stage: Stage, how_many: int = 12) -> list[Alert]:
    children = await home_of(stage, how_many)
    await Watch.exclude(child_id__in=children).delete()
    await stage.subscribe("tom", "ines")
    await stage.until(LATE)
    return await Alert.filter(child_id__in=children).order_by("id")


async def test_each_is_taken_and_closed_by_itself(stage: Stage) -> None:
    alerts = await late_together(stage)
    assert len(stage.paths("tom")) == 1
    await stage.acknowledge("tom", alerts[0].id)
    await stage.close("tom", alerts[1].id)
    await stage.until(LATE + 30 * MINUTE)
    open_ = await Alert.filter(state="open")
    assert len(open_) == 10, "those that nobody took climb on"
    assert len(stage.paths("ines")) == 1, "the deputy, once about all that are left"
    states = {one.id: one.state for one in await Alert.all()}
    assert (states[alerts[0].id], states[alerts[1].id]) == ("acknowledged", "closed")
    for one in open_:
        await stage.close("tom", one.id)
    await stage.close("tom", alerts[0].id)
    assert not await Alert.filter(closed_at__isnull=True)
    await stage.beat()
    assert len(stage.paths("ines")) == 2, "one all-clear about all that she was called for"
    assert await Message.filter(kind=Kind.ALL_CLEAR.value, state="done").count() == 10


async def test_the_page_lists_every_child_and_takes_all_that_nobody_has(stage: Stage) -> None:
    alerts = await late_together(stage)
    path = stage.paths("tom")[0]
    await stage.cast.on_duty("ines", hours=12)
    tom, ines = await browser(stage, "tom"), await browser(stage, "ines")
    shown = await tom.get(path)
    assert shown.status_code == 200
    assert "12 children have not answered" in shown.text
    assert "All of them live in The house" in shown.text
    assert shown.text.count("If not taken by") == 12
    await stage.acknowledge("ines", alerts[3].id)
    taken = await tom.post(path)
    assert taken.status_code == 303
    for _ in range(2):
        again = await tom.post(path)
        assert again.status_code == 303, "twice is once"
    held = await Alert.filter(acknowledged_by=stage.cast.tom.id).count()
    assert held == 11, "who was faster keeps theirs"
    assert "With you" in (await tom.get(path)).text
    assert "With someone else" in (await ines.get(path)).text
    one = await tom.get(f"/desk/alerts/{alerts[0].id}")
    assert "11 other children have not answered for the same reason" in one.text


async def test_two_who_take_all_at_once_never_have_the_same_one(stage: Stage) -> None:
    await late_together(stage)
    path = stage.paths("tom")[0]
    await stage.cast.on_duty("ines", hours=12)
    browsers = [await browser(stage, name) for name in ("tom", "ines")]
    answers = await together(*(one.post(path) for one in browsers))
    no_fault(answers)
    assert await Alert.filter(state="acknowledged").count() == 12
    assert not await Alert.filter(acknowledged_by__isnull=True)


async def test_a_person_assigned_to_one_of_the_children_sees_that_child_alone(stage: Stage) -> None:
    alerts = await late_together(stage)
    await add_tie(
        stage.cast.actor("root"),
        await Child.get(id=alerts[0].child_id),
        AddTie(person_id=stage.cast.eve.id, role=Role.CASEWORKER),
        stage.clock(),
    )
    shown = await (await browser(stage, "eve")).get(f"/desk/alerts/{alerts[0].id}/together")
    assert "1 child has not answered" in shown.text


async def test_those_who_follow_within_the_window_are_in_the_same_message(stage: Stage) -> None:
    children = await home_of(stage, 6)
    await Watch.exclude(child_id__in=children).delete()
    for place, child in enumerate(children):
        row = await Watch.get(child_id=child)
        assert row.due_at is not None
        assert row.next_action_at is not None
        later = place * 8 * SECOND
        await Watch.filter(child_id=child).update(
            due_at=row.due_at + later, next_action_at=row.next_action_at + later
        )
    await stage.subscribe("tom", "ines")
    await stage.until(LATE)
    assert stage.paths("tom") == [], "the first one waits for those that follow"
    await stage.until(LATE + MINUTE)
    assert await Alert.filter(child_id__in=children).count() == 6
    assert len(stage.paths("tom")) == 1
    await stage.until(LATE + 31 * MINUTE + 10 * SECOND)
    again = await Message.filter(kind=Kind.ALERT_AGAIN.value, state="done")
    sent = {(one.to_key, one.rung, one.done_at) for one in again}
    assert len(again) == 6
    assert len(sent) == 1, "the next rung hears of them in one message too"


async def test_two_of_a_home_are_two_messages_as_the_policy_says(stage: Stage) -> None:
    await late_together(stage, 2)
    assert len(stage.paths("tom")) == 2
    assert not any(path.endswith("/together") for path in stage.paths("tom"))


async def test_a_push_service_that_fails_is_said_once(stage: Stage) -> None:
    children = await crowd(stage.cast, 4)
    await Watch.exclude(child_id__in=children).delete()
    for child in children:
        await Address.create(
            agency_id=stage.cast.agency.id,
            person_id=child,
            channel="push",
            value="https://push.example.org/abc",
            value_index=str(child),
            made_at=stage.clock(),
            last_failed_at=stage.clock(),
        )
    await stage.subscribe("tom")
    await stage.until(LATE)
    [path] = stage.paths("tom")
    shown = await (await browser(stage, "tom")).get(path)
    assert "4 children have not answered" in shown.text
    assert "A push service did not accept our reminders" in shown.text


async def test_our_own_outage_is_said_once_and_says_what_it_is(stage: Stage) -> None:
    await crowd(stage.cast, 5)
    await stage.subscribe("tom")
    await stage.beat()
    stage.clock.advance(hours=12)
    await stage.beat()
    [path] = stage.paths("tom")
    shown = await (await browser(stage, "tom")).get(path)
    assert "Our server was down" in shown.text


async def test_killed_between_the_commit_and_the_send_nothing_is_doubled_or_lost(
    stage: Stage,
) -> None:
    """The tick is written; the worker that had taken half of it is gone, and another one sends."""
    children = await home_of(stage, 12)
    await Watch.exclude(child_id__in=children).delete()
    await stage.subscribe("tom")
    await stage.until(LATE - MINUTE)
    await stage.jump(LATE)
    await stage.ticker.tick()
    waiting = await Message.filter(kind=Kind.ALERT.value, state="waiting").order_by("id")
    assert len(waiting) == 12
    lease = stage.clock() + timedelta(seconds=60)
    await Message.filter(id__in=[one.id for one in waiting]).update(
        state="sending", attempts=1, next_action_at=lease, lease_until=lease, leased_by="gone"
    )
    await stage.ticker.send()
    assert stage.paths("tom") == [], "the lease of whoever died runs on"
    await stage.jump(lease)
    await stage.beat()
    assert len(stage.paths("tom")) == 1
    assert {one.state for one in await Message.filter(kind=Kind.ALERT.value)} == {"done"}
    await nothing_doubled()


@pytest.mark.parametrize("status", [503, 429])
async def test_what_is_tried_again_is_tried_again_as_one(stage: Stage, status: int) -> None:
    children = await home_of(stage, 12)
    await Watch.exclude(child_id__in=children).delete()
    await stage.subscribe("tom")
    stage.push.fault(status)
    await stage.until(LATE)
    assert stage.paths("tom") == []
    await stage.until(LATE + MINUTE)
    assert len(stage.paths("tom")) == 1
    assert await Message.filter(kind=Kind.ALERT.value, state="done").count() == 12


async def test_what_was_shown_on_the_device_was_shown_for_each(stage: Stage) -> None:
    await late_together(stage)
    [received] = stage.shown("tom")
    await stage.call("tom", "POST", "/api/v1/push-receipts", {"message": received.json["m"]})
    sent = await Message.filter(kind=Kind.ALERT.value)
    assert all(one.seen_at is not None for one in sent)


@pytest.mark.slow
async def test_more_than_one_batch_of_the_worker_is_still_one_message(stage: Stage) -> None:
    await late_together(stage, 130)
    assert len(stage.paths("tom")) == 1
