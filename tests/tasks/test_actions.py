"""Dues as rows: one bad row stops no other, two writers never double, and settled is settled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tortoise.exceptions import IntegrityError

from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.notify.actions import set_last_resorts
from server.notify.models import Message
from server.people.models import Person, Tie
from server.storage.db import write
from server.tasks import actions as dues
from server.tasks import telling
from server.tasks.models import Task
from server.tasks.rules import Kind, Setting
from server.ticker import Ticker
from tests.cast import Cast
from tests.copies import replace
from tests.races import no_fault, together


def setting(cast: Cast, **how: Any) -> Setting:
    """A promise of Tom's that was due a day ago."""
    values: dict[str, Any] = {
        "kind": Kind.STEP,
        "subject_id": uuid4(),
        "owner_id": cast.tom.id,
        "owner_role": "caseworker",
        "due_at": cast.clock() - timedelta(days=1),
        "zone": "Europe/Paris",
    }
    return Setting(**(values | how))


async def stand(cast: Cast, one: Setting, child: str = "mia") -> Task:
    await dues.set_task(cast.actor("tom"), cast.children[child], one, cast.clock())
    return await Task.get(subject_id=one.subject_id, state="open")


async def told(person: UUID) -> int:
    return await Message.filter(person_id=person, subject_kind="due").count()


async def test_what_is_set_twice_stands_once(cast: Cast) -> None:
    one = setting(cast)
    first = await stand(cast, one)
    assert (await stand(cast, one)).id == first.id
    assert await Task.all().count() == 1
    assert await Entry.filter(what="due:set").count() == 1


async def test_done_and_dropped_are_once_and_for_all(cast: Cast) -> None:
    due = await stand(cast, setting(cast))
    by = uuid4()
    await dues.done(cast.actor("tom"), due, cast.clock(), by=by)
    await dues.drop(cast.actor("tom"), due, "gone", cast.clock())
    await dues.done(cast.actor("tom"), due, cast.clock(), by=uuid4())
    found = await Task.get()
    assert (found.state, found.settled_by, found.next_action_at) == ("done", by, None)
    assert await Entry.filter(what__in=["due:done", "due:dropped"]).count() == 1


async def test_a_due_whose_zone_is_gone_is_told_on_the_mornings_of_utc(cast: Cast) -> None:
    set_last_resorts(1)
    try:
        due = await stand(cast, setting(cast))
        await Task.filter(id=due.id).update(zone="Nowhere/Land")
        cast.clock.advance(days=1)
        assert await telling.TASKS.tick(cast.clock()) == 1
        after = await Task.get(id=due.id)
        assert (after.told, after.quarantined_at) == (0, None)
        assert after.next_action_at is not None
        assert after.next_action_at > cast.clock()
        faults = [one.data["fault"] for one in await Message.filter(kind="operators")]
        assert faults == ["due:zone"]
    finally:
        set_last_resorts(0)


async def test_a_row_that_makes_no_sense_is_set_apart_and_stops_nobody(cast: Cast) -> None:
    set_last_resorts(1)
    try:
        ticker = Ticker(cast.settings, {}, cast.clock)
        bad = await stand(cast, setting(cast))
        good = await stand(cast, setting(cast))
        await Task.filter(id=bad.id).update(kind="nothing")
        cast.clock.advance(days=1)
        await ticker.tick()
        assert (await Task.get(id=good.id)).told == 0
        apart = await Task.get(id=bad.id)
        assert (apart.told, apart.quarantined_at) == (-1, cast.clock())
        assert apart.next_action_at == cast.clock() + timedelta(minutes=1)
        faults = [one.data["fault"] for one in await Message.filter(kind="operators")]
        assert "due:row" in faults
        await Task.filter(id=bad.id).update(kind=bad.kind)
        cast.clock.advance(minutes=1)
        await ticker.tick()
        assert (await Task.get(id=bad.id)).told == 0
    finally:
        set_last_resorts(0)


async def test_a_full_batch_is_followed_by_the_next_one(cast: Cast) -> None:
    for _ in range(5):
        await stand(cast, setting(cast))
    cast.clock.advance(days=1)
    two_at_once = replace(telling.TASKS, at_once=2)
    assert [await two_at_once.tick(cast.clock()) for _ in range(4)] == [2, 2, 1, 0]
    assert await told(cast.tom.id) == 5


async def test_tickers_side_by_side_tell_everyone_once(cast: Cast) -> None:
    for _ in range(5):
        await stand(cast, setting(cast))
    cast.clock.advance(days=1)
    no_fault(await together(*(telling.TASKS.tick(cast.clock()) for _ in range(3))))
    assert await told(cast.tom.id) == 5
    assert set(await Task.all().values_list("told", flat=True)) == {0}


async def test_done_in_the_moment_of_a_tick_is_done_and_says_nothing_more(cast: Cast) -> None:
    due = await stand(cast, setting(cast))
    cast.clock.advance(days=1)
    outcomes = await together(
        telling.TASKS.tick(cast.clock()),
        dues.done(cast.actor("tom"), due, cast.clock()),
        telling.TASKS.tick(cast.clock()),
    )
    no_fault(outcomes)
    found = await Task.get()
    assert (found.state, found.next_action_at) == ("done", None)
    assert not await Message.filter(subject_id=due.id, state="waiting").exists()


@pytest.mark.parametrize(
    "wrong",
    [{"next_action_at": None}, {"state": "done"}],
    ids=["open without a step", "settled with one"],
)
async def test_the_database_refuses_an_open_due_without_a_next_step(
    cast: Cast, wrong: dict[str, Any]
) -> None:
    due = await stand(cast, setting(cast))
    with pytest.raises(IntegrityError):
        async with write():
            await Task.filter(id=due.id).update(**wrong)


async def test_one_subject_has_one_open_due_of_a_kind(cast: Cast) -> None:
    due = await stand(cast, setting(cast))
    with pytest.raises(IntegrityError):
        async with write():
            await Task.create(
                agency_id=due.agency_id,
                child_id=due.child_id,
                kind=due.kind,
                subject_id=due.subject_id,
                turn=7,
                owner_role="agency",
                due_at=due.due_at,
                set_at=due.set_at,
                zone=due.zone,
                next_action_at=due.next_action_at,
            )


async def test_a_due_that_nobody_can_be_told_of_goes_to_the_operators(cast: Cast) -> None:
    set_last_resorts(1)
    try:
        await stand(cast, setting(cast))
        await Tie.filter(child_id=cast.mia.id).update(until_at=cast.clock())
        cast.clock.advance(days=1)
        await telling.TASKS.tick(cast.clock())
        [message] = await Message.filter(kind="operators")
        assert message.data == {"fault": "due:nobody"}
        assert (await Task.get()).next_action_at is not None
    finally:
        set_last_resorts(0)


async def test_a_disabled_caseworker_is_passed_over_and_so_is_a_disabled_deputy(cast: Cast) -> None:
    reply = setting(cast, kind=Kind.REPLY, owner_id=None, due_at=cast.clock())
    due = await stand(cast, reply)
    await Person.filter(id=cast.tom.id).update(disabled_at=cast.clock())
    await telling.TASKS.tick(cast.clock())
    assert await told(cast.tom.id) == 0
    assert await told(cast.ines.id) == 1, "as the supervisor"
    assert (await Task.get(id=due.id)).told == 2


async def test_where_a_child_has_no_supervisor_the_person_on_duty_is_told(cast: Cast) -> None:
    await Tie.filter(id=cast.ties["mia", "ines"]).update(until_at=cast.clock())
    await stand(cast, setting(cast))
    await cast.on_duty("eve", days=5)
    cast.clock.advance(days=3)
    await telling.TASKS.tick(cast.clock())
    assert await told(cast.eve.id) == 1
    assert await told(cast.uwe.id) == 0, "of another agency"
    [mine] = await seen(cast, "mia", "mia")
    assert {one["name"] for one in mine["whose"]} == {"Tom Verhoeven", "Eve Thackeray"}


async def test_a_carer_is_led_into_the_app(cast: Cast) -> None:
    await stand(cast, setting(cast, owner_id=cast.sam.id, owner_role="carer"))
    cast.clock.advance(days=1)
    await telling.TASKS.tick(cast.clock())
    [message] = await Message.filter(person_id=cast.sam.id)
    assert message.data == {"path": "/app/"}


async def test_nothing_happens_where_nothing_is_to_be_set_or_settled(cast: Cast) -> None:
    await dues.settle(SYSTEM, [], cast.clock())
    await dues.settle_and_set(SYSTEM, cast.children["mia"], [], [], cast.clock())
    assert await telling.TASKS.tick(cast.clock()) == 0
    assert not await Entry.filter(what__startswith="due:").exists()


# --- over the wire


async def seen(cast: Cast, name: str, child: str | None = None) -> list[dict[str, Any]]:
    path = "/api/v1/dues" if child is None else f"/api/v1/children/{cast.persons[child].id}/dues"
    answer = await cast.client_as(name).get(path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["dues"]
    return found


async def test_a_child_sees_the_promises_of_adults_as_plainly_as_its_own(cast: Cast) -> None:
    toms = await stand(cast, setting(cast))
    coming = cast.clock() + timedelta(days=3)
    await stand(cast, setting(cast, owner_id=cast.mia.id, owner_role="child", due_at=coming))
    late, own = await seen(cast, "mia", "mia")
    assert late == {
        "id": str(toms.id),
        "kind": "step",
        "subject_id": str(toms.subject_id),
        "child": {"id": str(cast.mia.id), "name": "Mia Castellane"},
        "owner_role": "caseworker",
        "due_at": late["due_at"],
        "is_over": True,
        "is_mine": False,
        "whose": [{"id": str(cast.tom.id), "name": "Tom Verhoeven"}],
        "href": None,
    }
    assert (own["is_over"], own["is_mine"]) == (False, True)
    assert [one["id"] for one in await seen(cast, "mia")] == [own["id"]]
    assert [one["id"] for one in await seen(cast, "tom")] == [late["id"]]
    assert [one["id"] for one in await seen(cast, "tom", "mia")] == [late["id"], own["id"]]


async def test_a_carer_sees_their_own_promises_and_the_dates_and_nothing_of_the_thread(
    cast: Cast,
) -> None:
    await stand(cast, setting(cast))
    own = await stand(cast, setting(cast, owner_id=cast.sam.id, owner_role="carer"))
    review = await stand(cast, setting(cast, kind=Kind.REVIEW, owner_id=None))
    reply = await stand(cast, setting(cast, kind=Kind.REPLY, owner_id=None))
    assert {one["id"] for one in await seen(cast, "sam", "mia")} == {str(own.id), str(review.id)}
    assert [one["id"] for one in await seen(cast, "sam")] == [str(own.id)]
    assert str(reply.id) in {one["id"] for one in await seen(cast, "tom")}


async def test_a_guardian_sees_the_plan_and_nothing_of_the_thread(cast: Cast) -> None:
    step = await stand(cast, setting(cast), "noor")
    await stand(cast, setting(cast, kind=Kind.REPLY, owner_id=None), "noor")
    assert [one["id"] for one in await seen(cast, "ada", "noor")] == [str(step.id)]


async def test_nobody_has_a_turn_about_a_child_who_has_left(cast: Cast) -> None:
    await stand(cast, setting(cast))
    await type(cast.children["mia"]).filter(id=cast.mia.id).update(left_at=cast.clock())
    assert await seen(cast, "tom") == []
