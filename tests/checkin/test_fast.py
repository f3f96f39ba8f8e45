"""The hot path makes of an answer what the long way makes of it, or leaves it alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from server.audit.models import Entry
from server.checkin import actions
from server.checkin.fast import FastLane
from server.checkin.models import CheckIn
from server.checkin.rules import Answer, Want
from server.checkin.slow_lane import SlowLane
from server.notify.models import Message
from server.people.rules import Leaving, Role
from server.placements import actions as placements
from server.security.encryption import hash_token
from server.watch import ticking
from server.watch.models import Round, Watch
from tests.cast import Cast

# What differs between two children who did the same.
OWN = {
    "child_id",
    "person_id",
    "who_id",
    "settled_by",
    "id",
    "agency_id",
    "by_id",
    "device_id",
    "about_id",
}


@pytest_asyncio.fixture
async def lane(cast: Cast) -> AsyncIterator[FastLane]:
    lane = FastLane(cast.clock)
    await lane.open()
    yield lane
    await lane.close()


def an_answer(cast: Cast, **more: Any) -> Answer:
    return Answer(uuid4(), cast.clock(), **more)


async def take(
    lane: FastLane, cast: Cast, name: str, answer: Answer, phone: UUID | None = None
) -> dict[str, Any] | None:
    return await lane.take(hash_token(cast.tokens[name]), phone, answer)


async def everything_of(child_id: UUID) -> dict[str, list[dict[str, Any]]]:
    watches = await Watch.filter(child_id=child_id).values()
    rounds = await Round.filter(child_id=child_id).order_by("due_at").values()
    check_ins = await CheckIn.filter(child_id=child_id).order_by("received_at").values()
    messages = await Message.filter(child_id=child_id).order_by("queued_at").values()
    entries = await Entry.filter(child_id=child_id, what="check_in").order_by("id").values()
    found = {"watch": watches, "round": rounds, "check_in": check_ins, "entry": entries}
    found["message"] = [
        {k: m[k] for k in ("kind", "state", "next_action_at", "done_at", "why")} for m in messages
    ]
    for rows in found.values():
        for row in rows:
            for name in OWN & row.keys():
                del row[name]
            if "answer" in row:
                del row["answer"]["id"]
            # One reads no round after the next; the other does: the tick fills it in.
            for name in (
                "following_due_at",
                "following_opens_at",
                "following_action_at",
                "content_hash",
            ):
                row.pop(name, None)
    return found


async def alike(cast: Cast) -> None:
    """Mia and Lia live by the same rhythm in the same zone of the clock: compare what became."""
    for name in ("mia", "lia"):
        await Watch.filter(child_id=cast.persons[name].id).update(zone="Europe/Paris")


async def test_it_makes_of_an_answer_what_the_long_way_makes(cast: Cast, lane: FastLane) -> None:
    await alike(cast)
    for minutes in (4 * 60, 20 * 60, 4 * 60 + 30):
        now = cast.clock.advance(minutes=minutes)
        await ticking.WATCHES.tick(now)
        said = an_answer(cast, mood=3, note="a word", mark="b")
        assert await take(lane, cast, "mia", said) is not None
        other = Answer(uuid4(), said.said_at, 3, "a word", Want.NOTHING, "b")
        await actions.record(cast.actor("lia"), Role.CHILD, cast.lia.id, other, now)
        mine = await everything_of(cast.mia.id)
        assert mine == await everything_of(cast.lia.id)
        assert mine["check_in"][-1]["note"] == "a word"


async def test_after_it_time_passes_as_after_the_long_way(cast: Cast, lane: FastLane) -> None:
    await alike(cast)
    await ticking.WATCHES.tick(cast.clock.advance(hours=4))
    assert await take(lane, cast, "mia", an_answer(cast)) is not None
    await actions.record(cast.actor("lia"), Role.CHILD, cast.lia.id, an_answer(cast), cast.clock())
    for _ in range(60):
        await ticking.WATCHES.tick(cast.clock.advance(minutes=30))
    mine, theirs = await Watch.get(child_id=cast.mia.id), await Watch.get(child_id=cast.lia.id)
    assert mine.due_at == theirs.due_at
    assert mine.next_action_at == theirs.next_action_at
    # Mia has a carer who is asked first; the rounds of both are late at the same moment.
    assert mine.late_at == theirs.late_at


async def test_the_fast_lane_takes_no_answer_that_names_another_persons_phone(
    cast: Cast, lane: FastLane
) -> None:
    await ticking.WATCHES.tick(cast.clock.advance(hours=4))
    said = an_answer(cast)
    for phone in (cast.devices["noor"], uuid4()):
        assert await take(lane, cast, "mia", said, phone) is None
    assert not await CheckIn.exists(id=said.id)
    assert await take(lane, cast, "mia", said, cast.devices["mia"]) is not None
    assert (await CheckIn.get(id=said.id)).child_id == cast.mia.id


async def test_an_early_answer_is_kept_and_settles_nothing(cast: Cast, lane: FastLane) -> None:
    before = await Watch.get(child_id=cast.mia.id)
    body = await take(lane, cast, "mia", an_answer(cast))
    after = await Watch.get(child_id=cast.mia.id)
    assert body is not None
    assert after.due_at == before.due_at
    assert (await CheckIn.get(child_id=cast.mia.id)).is_early


async def test_it_leaves_alone_whatever_is_not_the_common_case(cast: Cast, lane: FastLane) -> None:
    now = cast.clock.advance(hours=4)
    late = an_answer(cast)
    assert await take(lane, cast, "mia", late) is None, "a moment waits for the tick"
    await ticking.WATCHES.tick(now)
    assert await lane.take("0" * 64, None, late) is None, "an unknown token"
    assert await take(lane, cast, "tom", late) is None, "an adult"
    assert await take(lane, cast, "mia", an_answer(cast, want=Want.HELP)) is None
    assert await take(lane, cast, "mia", late) is not None
    assert await take(lane, cast, "mia", late) is None, "a known id"
    assert await CheckIn.all().count() == 1
    await ticking.WATCHES.tick(cast.clock.advance(hours=27))
    assert (await Watch.get(child_id=cast.mia.id)).missed_due_at is not None
    assert await take(lane, cast, "mia", an_answer(cast)) is None, "something is late"
    assert await CheckIn.all().count() == 1


async def test_an_answer_ends_the_call_that_a_raised_tier_had_kept(
    cast: Cast, lane: FastLane
) -> None:
    """Nothing is late, and yet a moment stands at which adults are called: it goes the long way."""
    await ticking.WATCHES.tick(cast.clock.advance(hours=4))
    kept = cast.clock() + timedelta(hours=3)
    await Watch.filter(child_id=cast.mia.id).update(alarm_at=kept, alarm_why="unusual")
    said = an_answer(cast)
    assert await take(lane, cast, "mia", said) is None
    await actions.record(cast.actor("mia"), Role.CHILD, cast.mia.id, said, cast.clock())
    assert (await Watch.get(child_id=cast.mia.id)).alarm_at is None
    assert await take(lane, cast, "mia", an_answer(cast)) is not None


async def test_a_placement_that_has_ended_is_left_to_the_long_way(
    cast: Cast, lane: FastLane
) -> None:
    now = cast.clock()
    await placements.end(cast.actor("tom"), cast.mia.id, Leaving.HOME, now, now=now)
    assert await take(lane, cast, "mia", an_answer(cast)) is None
    assert (await Watch.get(child_id=cast.mia.id)).next_action_at is None


async def test_a_phone_that_was_shut_out_is_left_to_the_long_way(
    cast: Cast, lane: FastLane
) -> None:
    tom = cast.client_as("tom")
    path = f"/api/v1/children/{cast.mia.id}/devices/{cast.devices['mia']}"
    assert (await tom.delete(path)).status_code == 204
    assert await take(lane, cast, "mia", an_answer(cast)) is None
    cast.app.state.lanes = (lane, SlowLane(cast.clock))
    said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "mark": "a"}
    answer = await cast.client_as("mia").post("/api/v1/check-ins", json=said)
    assert answer.status_code == 401
    assert answer.json()["code"] == "revoked"
    assert await CheckIn.all().count() == 0


async def test_many_taps_at_once_each_count_once(cast: Cast, lane: FastLane) -> None:
    await ticking.WATCHES.tick(cast.clock.advance(hours=4))
    said = [an_answer(cast) for _ in range(5)]
    bodies = await asyncio.gather(
        *(take(lane, cast, name, one) for one in said for name in ("mia", "lia"))
    )
    # The same id for two children: one of them has it, the other goes the long way, which refuses.
    assert sum(body is not None for body in bodies) <= len(said)
    assert await CheckIn.all().count() == sum(body is not None for body in bodies)
    assert await Round.filter(state="answered").count() in (1, 2)


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_where_none_was_taken_the_next_ones_are_asked_about_in_one_statement(
    cast: Cast, lane: FastLane, caplog: pytest.LogCaptureFixture
) -> None:
    """Halves are of use while something is stored; on SQLite nothing is divided."""

    async def statements() -> int:
        caplog.clear()
        with caplog.at_level("DEBUG", logger="tortoise.db_client"):
            strangers = [lane.take("0" * 64, None, an_answer(cast)) for _ in range(20)]
            assert not any(await asyncio.gather(*strangers))
        return len(caplog.messages)

    assert await statements() == 2
    assert await statements() == 1


async def test_the_wire_shows_no_difference(cast: Cast, lane: FastLane) -> None:
    """By the hot path or the long one, for either mark: the same fields, the same lengths."""
    answers = []
    for number, way in enumerate(((lane, SlowLane(cast.clock)), None)):
        cast.app.state.lanes = way
        for mark in ("a", "b"):
            cast.clock.advance(minutes=number + 1)
            said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "mark": mark}
            answers.append(await cast.client_as("mia").post("/api/v1/check-ins", json=said))
    assert {answer.status_code for answer in answers} == {201}
    assert len({len(answer.content) for answer in answers}) == 1
    assert len({tuple(sorted(answer.json())) for answer in answers}) == 1


async def test_a_repeat_gets_the_first_body(cast: Cast, lane: FastLane) -> None:
    cast.app.state.lanes = (lane, SlowLane(cast.clock))
    said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "mark": "a"}
    first = await cast.client_as("mia").post("/api/v1/check-ins", json=said)
    cast.clock.advance(minutes=9)
    again = await cast.client_as("mia").post("/api/v1/check-ins", json=said)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
