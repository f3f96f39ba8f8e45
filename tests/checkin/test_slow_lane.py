"""The slow lane makes of many answers what the long way makes of each, or leaves them alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from server.alerts import actions as alert_actions
from server.alerts.climbing import ALERTS
from server.alerts.models import Alert
from server.audit.actions import Actor
from server.audit.models import Entry
from server.auth.models import Device, Session
from server.auth.rules import Ended
from server.checkin import actions
from server.checkin.fast import FastLane
from server.checkin.models import CheckIn
from server.checkin.rules import Answer, How, Want
from server.checkin.slow_lane import Kept, SlowLane
from server.notify.models import Address, Message
from server.people.models import Person
from server.people.rules import Role
from server.policy.levels import Evidence
from server.policy.model import EACH_MISS
from server.security.encryption import hash_token
from server.storage import bulk
from server.storage.db import dialect, write
from server.storage.ids import uuid7
from server.watch import ticking, watch_alerts
from server.watch.machine import answering
from server.watch.machine.habit import UNTOLD, Knowledge
from server.watch.models import Round, Watch
from server.watch.watch_state import WatchState, as_row, load, passed
from tests.bench.children import make, moment, token_of
from tests.cast import Cast
from tests.copies import replace
from tests.races import no_fault, together

HOUR = timedelta(hours=1)
# What differs between two children who did the same.
OWN = {"id", "child_id", "by_id", "who_id", "about_id", "settled_by", "device_id", "subject_id"}
OWN |= {"alert_id", "person_id", "content_hash", "agency_id", "opened_by", "to_key", "data"}


@pytest_asyncio.fixture
async def lane(cast: Cast) -> AsyncIterator[SlowLane]:
    lane = SlowLane(cast.clock)
    yield lane
    await lane.close()


def an_answer(cast: Cast, **more: Any) -> Answer:
    return Answer(uuid4(), cast.clock(), **more)


async def take(lane: SlowLane, cast: Cast, name: str, answer: Answer) -> Kept | None:
    return await lane.take(hash_token(cast.tokens[name]), None, answer)


async def late(cast: Cast) -> None:
    """Mia and Lia are late, and adults have been called about both."""
    for hours in (4, 30):
        await ticking.WATCHES.tick(cast.clock.advance(hours=hours))
    for name in ("mia", "lia"):
        assert (await Watch.get(child_id=cast.persons[name].id)).missed_due_at is not None


# --- many at once are as each by itself


@dataclass(frozen=True)
class Twins:
    """Two children in the same state, who say the same."""

    hours: float  # Since the round was due; below zero, until it is.
    tier: str
    answer: dict[str, Any]
    is_taken: bool  # The caseworker has taken the alert.
    is_missing: bool
    has_answered: bool  # Not for the first time.


def any_twins(rand: Random) -> Twins:
    want = rand.choice([Want.NOTHING, Want.NOTHING, Want.TALK, Want.HELP, Want.SAFE])
    return Twins(
        hours=rand.choice([-9, -0.5, 0.25, 1.5, 3, 7, 30, 80]),
        tier=rand.choice(["high", "mid", "low"]),
        answer={
            "want": want,
            "mood": rand.choice([None, 1, 5]),
            "note": rand.choice([None, "I forgot."]),
            "mark": rand.choice("ab"),
            "how": How.QUIET if want is Want.HELP and rand.random() < 0.5 else None,
        },
        is_taken=rand.random() < 0.3,
        is_missing=rand.random() < 0.15,
        has_answered=rand.random() < 0.3,
    )


async def born(
    cast: Cast, every: Sequence[Twins], policy: Mapping[str, Any] | None = EACH_MISS
) -> list[tuple[UUID, UUID]]:
    """The children, as time and their caseworker have brought them here. `policy`: None, the one
    that ships."""
    now = moment()
    cast.clock.set(now)
    watch = {"due_at": now, "opens_at": now - 2 * HOUR, "next_action_at": now - 100 * HOUR}
    ids = await make(2 * len(every), watch=watch, with_phones=True, policy=policy)
    pairs = list(zip(ids[::2], ids[1::2], strict=True))
    worker = await Person.get(
        role=Role.CASEWORKER, agency_id=(await Watch.get(child_id=ids[0])).agency_id
    )
    common = {"agency_id": worker.agency_id, "person_id": worker.id, "made_at": now}
    address = {**common, "channel": "email", "value": "w", "value_index": "w", "verified_at": now}
    await bulk.insert(Address, [{"id": uuid7(), **address}])
    for twins, pair in zip(every, pairs, strict=True):
        due = now - twins.hours * HOUR
        moments = {"due_at": due, "opens_at": due - 2 * HOUR, "sign_at": due - 20 * HOUR}
        moved = Watch.filter(child_id__in=pair)
        await moved.update(**moments, tier=twins.tier, next_action_at=due - 2 * HOUR)
    await tick(now)
    actor = Actor(worker.id, Role.CASEWORKER, worker.agency_id)
    for twins, pair in zip(every, pairs, strict=True):
        for child in pair:
            await brought(actor, twins, child, now)
    # As if each had gone out already: all of them hear the all-clear.
    await Message.filter(subject_kind="alert", state="waiting").update(attempts=1)
    return pairs


async def brought(actor: Actor, twins: Twins, child: UUID, now: datetime) -> None:
    if twins.is_missing:
        await watch_alerts.open_missing(actor, child, "At the station.", now)
    if twins.is_taken and (alert := await Alert.filter(child_id=child).order_by("id").first()):
        await alert_actions.acknowledge(actor, alert.id, now)
    if twins.has_answered:
        me = Actor(child, Role.CHILD, actor.agency_id)
        await actions.record(me, Role.CHILD, child, Answer(uuid4(), now), now)


async def tick(now: datetime) -> None:
    for _ in range(4):
        await ticking.WATCHES.tick(now)
        await ALERTS.tick(now)


async def rows_of(child: UUID) -> dict[str, list[dict[str, Any]]]:
    rounds = {row.id: row.due_at for row in await Round.filter(child_id=child)}
    read = {
        "watch": await Watch.filter(child_id=child).values(),
        "round": await Round.filter(child_id=child).order_by("due_at").values(),
        "check_in": await CheckIn.filter(child_id=child).order_by("received_at", "want").values(),
        "alert": await Alert.filter(child_id=child).order_by("cause", "id").values(),
        "entry": await Entry.filter(child_id=child).order_by("id").values(),
        "message": await Message.filter(child_id=child).order_by("kind", "turn", "rung").values(),
        "device": await Device.filter(person_id=child).values(),
    }
    for rows in read.values():
        for row in rows:
            if row.get("subject_id") in rounds:
                row["about_round"] = rounds[row["subject_id"]]
            if "answer" in row:
                row["answer"] = {**row["answer"], "id": ""}
            if "facts" in row:
                row["facts"] = {**row["facts"], "check_in": ""}
            if len(row.get("why") or "") == 64:  # A digest over ids.
                row["why"] = ""
            for name in OWN & row.keys():
                del row[name]
    # Messages of one moment are in no order.
    read["message"].sort(key=repr)
    return read


@pytest.mark.parametrize("seed", range(8))
async def test_many_at_once_are_as_each_by_itself(cast: Cast, lane: SlowLane, seed: int) -> None:
    rand = Random(seed)  # noqa: S311 (repeatable, not secret)
    every = [any_twins(rand) for _ in range(12)]
    pairs = await born(cast, every)
    agency = (await Watch.get(child_id=pairs[0][0])).agency_id
    now = cast.clock.advance(seconds=5)
    said = [an_answer(cast, **twins.answer) for twins in every]
    for (alone, _), answer in zip(pairs, said, strict=True):
        actor = Actor(alone, Role.CHILD, agency, alone)
        await actions.record(actor, Role.CHILD, alone, answer, now)
        await Device.filter(id=alone).update(last_seen_at=now)  # As `session_of` does.
    again = [Answer(uuid4(), a.said_at, **t.answer) for a, t in zip(said, every, strict=True)]
    kept = await asyncio.gather(
        *(
            lane.take(hash_token(token_of(child)), child, answer)
            for (_, child), answer in zip(pairs, again, strict=True)
        )
    )
    assert all(each is not None and each.is_new for each in kept)
    for (alone, child), twins, answer in zip(pairs, every, again, strict=True):
        assert await rows_of(child) == await rows_of(alone), twins
        stored = await CheckIn.get(id=answer.id)
        assert stored.answer in [each.answer for each in kept if each is not None]
    await tick(cast.clock.advance(hours=5))
    for (alone, child), twins in zip(pairs, every, strict=True):
        assert await rows_of(child) == await rows_of(alone), twins


@pytest.mark.parametrize("seed", range(3))
async def test_once_adults_are_called_nothing_that_a_silence_is_weighed_by_changes_an_answer(
    cast: Cast, seed: int
) -> None:
    rand = Random(seed)  # noqa: S311 (repeatable, not secret)
    await born(cast, [any_twins(rand) for _ in range(12)], policy=None)
    now = cast.clock.advance(hours=rand.choice([0, 5, 26]))
    called = await Watch.filter(is_alerted=True)
    assert called
    brief = await load(called, now, is_heard=True)
    assert all(case.terms.knowledge is UNTOLD and not case.carers for case in brief)
    grave = Knowledge(
        unseen=(now - HOUR,), warned_at=now - HOUR, missing=3, unreached_since=now, drifts=True
    )
    for case in brief:
        terms = replace(case.terms, has_carer=True, asks_home=True, knowledge=grave)
        for evidence in Evidence:
            told = replace(case, terms=terms, carers=(uuid7(),))
            assert came_to(case, evidence, now) == came_to(told, evidence, now)
    whole = await load(called, now)
    assert [case.standing for case in whole] == [case.standing for case in brief]
    assert any(case.terms.knowledge is not UNTOLD for case in whole)


def came_to(case: WatchState, evidence: Evidence, now: datetime) -> tuple[Any, ...]:
    """What is settled and written once this is heard."""
    case, changes = passed(case, now)
    decision = answering.decide(case.standing, case.terms, evidence, now)
    return changes, decision, as_row(decision.standing, case.terms, case.watch, now)


async def test_a_batch_looks_no_more_often_at_the_database_for_more_children(
    cast: Cast, lane: SlowLane, caplog: pytest.LogCaptureFixture
) -> None:
    """Which is the reason for it: of children with an open alert each."""
    counted = []
    for how_many in (4, 16):
        twins = Twins(7, "mid", {}, is_taken=False, is_missing=False, has_answered=False)
        pairs = await born(cast, [twins] * how_many)
        sent = [hash_token(token_of(child)) for pair in pairs for child in pair]
        caplog.clear()
        with caplog.at_level("DEBUG", logger="tortoise.db_client"):
            kept = await asyncio.gather(*(lane.take(t, None, an_answer(cast)) for t in sent))
        assert all(kept)
        counted.append(len(caplog.messages))
    assert counted[0] == counted[1] > 10


# --- what it leaves alone


async def test_it_leaves_alone_who_may_not_check_in(cast: Cast, lane: SlowLane) -> None:
    await late(cast)
    assert await lane.take("0" * 64, None, an_answer(cast)) is None, "an unknown token"
    assert await take(lane, cast, "tom", an_answer(cast)) is None, "an adult"
    mine, phone = hash_token(cast.tokens["mia"]), cast.devices["noor"]
    assert await lane.take(mine, phone, an_answer(cast)) is None, "another person's phone"
    over = {"ended_at": cast.clock(), "ended_why": Ended.SIGNED_OUT}
    await Session.filter(person_id=cast.mia.id).update(**over)
    assert await take(lane, cast, "mia", an_answer(cast)) is None, "the session has ended"
    await Device.filter(id=cast.devices["lia"]).update(shut_out_at=cast.clock())
    assert await take(lane, cast, "lia", an_answer(cast)) is None, "the phone was blocked"
    assert await CheckIn.all().count() == 0


async def test_a_known_id_gets_the_first_answer_and_another_answer_nothing(
    cast: Cast, lane: SlowLane
) -> None:
    await late(cast)
    said = an_answer(cast)
    first = await take(lane, cast, "mia", said)
    assert first is not None
    assert first.is_new
    cast.clock.advance(minutes=3)
    assert await take(lane, cast, "mia", said) == Kept(first.answer, is_new=False)
    assert await take(lane, cast, "lia", said) is None, "another child"
    other = Answer(said.id, said.said_at, note="Other words.")
    assert await take(lane, cast, "mia", other) is None, "other content"
    assert await CheckIn.all().count() == 1


async def test_two_phones_of_a_child_and_one_id_twice_each_count_once(
    cast: Cast, lane: SlowLane
) -> None:
    await late(cast)
    first, second = an_answer(cast), an_answer(cast, note="From the tablet.")
    mine = await asyncio.gather(
        *(take(lane, cast, "mia", each) for each in (first, first, second)),
        take(lane, cast, "lia", first),
    )
    assert [each is not None for each in mine] == [True, False, False, False]
    assert await CheckIn.all().count() == 1
    assert (await Watch.get(child_id=cast.lia.id)).missed_due_at is not None


async def test_over_the_wire_a_batch_answers_as_the_contract_says(
    cast: Cast, lane: SlowLane
) -> None:
    """Two phones, the same id twice, and the same id of another child, all at the same moment."""
    await late(cast)
    fast = FastLane(cast.clock)
    await fast.open()
    cast.app.state.lanes = (fast, lane)
    said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "mark": "a"}
    other = {**said, "id": str(uuid4()), "want": "talk"}
    mia, lia = cast.client_as("mia"), cast.client_as("lia")
    answers = await asyncio.gather(
        *(mia.post("/api/v1/check-ins", json=each) for each in (said, said, other)),
        lia.post("/api/v1/check-ins", json=said),
    )
    await fast.close()
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses[:2]) == [200, 201]
    assert statuses[2:] == [201, 409]
    assert answers[0].content == answers[1].content
    assert answers[3].json()["code"] == "id_reused"
    assert await Alert.filter(cause="talk").count() == 1
    assert await CheckIn.all().count() == 2


async def test_a_child_that_cannot_be_decided_takes_nobody_down(cast: Cast, lane: SlowLane) -> None:
    await late(cast)
    await Watch.filter(child_id=cast.mia.id).update(rhythm={"at": ["nonsense"]})
    mine, theirs = await asyncio.gather(
        *(take(lane, cast, name, an_answer(cast)) for name in ("mia", "lia")),
        return_exceptions=True,
    )
    assert isinstance(mine, Exception)
    assert isinstance(theirs, Kept)
    assert (await CheckIn.get()).child_id == cast.lia.id
    assert not await Alert.filter(child_id=cast.lia.id, closed_at=None, state="open").exists()
    assert await Alert.filter(child_id=cast.mia.id, state="open").exists()


@pytest.mark.parametrize("what", ["watch", "alert"])
async def test_many_do_not_wait_for_a_child_whose_row_another_holds(
    cast: Cast, lane: SlowLane, what: str
) -> None:
    """A tick, or a person closing the alert. SQLite has one writer, so all of them wait there."""
    await late(cast)
    holds, ends = asyncio.Event(), asyncio.Event()

    async def holding() -> None:
        async with write():
            held = Watch if what == "watch" else Alert
            await held.filter(child_id=cast.mia.id).select_for_update()
            holds.set()
            await ends.wait()

    task = asyncio.create_task(holding())
    await holds.wait()
    taking = [
        asyncio.create_task(take(lane, cast, name, an_answer(cast))) for name in ("mia", "lia")
    ]
    if dialect() == "sqlite":
        ends.set()
        assert all(await asyncio.gather(*taking))
    else:
        mine, theirs = await asyncio.gather(*taking)
        assert mine is None
        assert theirs is not None
        ends.set()
    await task
    assert await take(lane, cast, "mia", an_answer(cast)) is not None


# --- at the same moment


async def test_a_tick_at_the_same_moment_neither_waits_for_ever_nor_undoes_an_answer(
    cast: Cast, lane: SlowLane
) -> None:
    twins = Twins(1.9, "mid", {}, is_taken=False, is_missing=False, has_answered=False)
    pairs = await born(cast, [twins] * 10)
    children = [child for pair in pairs for child in pair]
    agency = (await Watch.get(child_id=children[0])).agency_id
    now = cast.clock.advance(minutes=50)  # In this moment adults are to be called.

    async def say(child: UUID) -> None:
        answer = an_answer(cast)
        if await lane.take(hash_token(token_of(child)), None, answer) is None:
            await actions.record(Actor(child, Role.CHILD, agency), Role.CHILD, child, answer, now)

    no_fault(await together(*(say(child) for child in children), tick(now), tick(now)))
    assert await CheckIn.filter(child_id__in=children).count() == len(children)
    assert not await Round.filter(child_id__in=children, state__in=["open", "late"]).exists()
    assert not await Alert.filter(child_id__in=children, closed_at=None).exists()
    for child in children:
        assert (await Watch.get(child_id=child)).standing == "well"


async def test_two_batches_at_once_with_the_same_children_settle_each_of_them_once(
    cast: Cast, lane: SlowLane
) -> None:
    twins = Twins(7, "mid", {}, is_taken=False, is_missing=False, has_answered=False)
    pairs = await born(cast, [twins] * 40)
    children = [child for pair in pairs for child in pair]
    alerts = {alert.id for alert in await Alert.filter(child_id__in=children, closed_at=None)}
    assert len(alerts) == len(children)
    await Message.filter(subject_id__in=alerts).update(state="sent", attempts=1)
    agency = (await Watch.get(child_id=children[0])).agency_id
    now = cast.clock()

    async def say(child: UUID) -> None:
        answer = an_answer(cast)
        if await lane.take(hash_token(token_of(child)), None, answer) is None:
            await actions.record(Actor(child, Role.CHILD, agency), Role.CHILD, child, answer, now)

    twice = [*children, *reversed(children)]
    no_fault(await together(*(say(child) for child in twice)))
    assert await CheckIn.filter(child_id__in=children).count() == len(twice)
    assert await Alert.filter(id__in=alerts, outcome="late_answer").count() == len(alerts)
    told = await Message.filter(kind="all_clear").values_list("subject_id", flat=True)
    assert sorted(told) == sorted(alerts), "one each"
    entered = Entry.filter(child_id__in=children)
    assert await entered.filter(what="alert:close").count() == len(alerts)
    assert await entered.filter(what="check_in").count() == len(twice)


async def test_what_is_cut_off_in_the_middle_is_whole_or_not_there(
    cast: Cast, lane: SlowLane
) -> None:
    twins = Twins(7, "mid", {}, is_taken=False, is_missing=False, has_answered=False)
    pairs = await born(cast, [twins] * 6)
    children = [child for pair in pairs for child in pair]
    for steps in (1, 3, 6, 10, 15, 25, 40, 80):
        sending = [
            asyncio.create_task(lane.take(hash_token(token_of(child)), None, an_answer(cast)))
            for child in children
        ]
        for _ in range(steps):
            await asyncio.sleep(0)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        await lane.close()
        lane = SlowLane(cast.clock)
        answers = await CheckIn.filter(child_id__in=children).values_list("child_id", flat=True)
        noted = Entry.filter(what="check_in", child_id__in=children)
        assert len(answers) == await noted.count()
        calm = await Watch.filter(child_id__in=children, is_alerted=False).values_list(
            "child_id", flat=True
        )
        assert set(calm) == set(answers)
        still = Alert.filter(child_id__in=children, closed_at=None)
        assert await still.count() == len(children) - len(set(answers))
