"""The live path is the rules, written down: many ticks equal one late one, and both `advance`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.notify.models import Message
from server.people import actions as people
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.policy.model import Tier
from server.security import encryption
from server.storage.db import close_database, write
from server.watch import actions as watch
from server.watch import ticking
from server.watch.carer.models import Question
from server.watch.machine import advancing
from server.watch.machine.standing import Change, What
from server.watch.models import Round, Watch
from server.watch.rhythm.rules import Rhythm
from server.watch.watch_state import load
from tests.fixtures import Database
from tests.walks.test_machine import PARIS, STARTS, World

EXAMPLES = int(os.environ.get("WAYMARK_TEST_EXAMPLES", "8"))
MINUTE = timedelta(minutes=1)

looks = st.lists(st.integers(1, 60 * 20), min_size=1, max_size=12)


@pytest.fixture
def world(migrated: Database, keyring: encryption.Keyring) -> Iterator[World]:
    made = World(migrated)
    made.do(made.open())
    yield made
    made.do(close_database())
    made.loop.close()


async def a_child(world: World, tier: Tier, rhythm: Rhythm, carer: bool, now: datetime) -> UUID:
    async with write():
        child = await people.add_child(
            SYSTEM,
            world.agency.id,
            people.AddChild(
                name="Somebody", language="en", zone=PARIS, caseworker_id=world.persons["tom"].id
            ),
            now,
        )
        if carer:
            sam = world.persons["sam"].id
            await add_tie(SYSTEM, child, AddTie(person_id=sam, role=Role.CARER), now)
        await watch.begin(SYSTEM, child, watch.Beginning(tier, rhythm, PARIS), now)
    return child.id


async def look(child_id: UUID, now: datetime) -> None:
    await ticking.WATCHES.tick_one(child_id, now)


async def what_stands(child_id: UUID) -> dict[str, Any]:
    """All of it that does not tell when we looked."""
    seen = await Watch.filter(child_id=child_id).values()
    for row in seen:
        for name in ("child_id", "version"):
            del row[name]
    rounds = await Round.filter(child_id=child_id).order_by("due_at")
    opened = await Alert.filter(child_id=child_id).order_by("opened_at")
    entries = await Entry.filter(child_id=child_id, who_id=None, what__startswith="watch")
    asked = await Question.filter(child_id=child_id).order_by("about_due_at")
    return {
        "watch": seen,
        "rounds": [(r.opens_at, r.due_at, r.late_at, r.state) for r in rounds],
        "alerts": [(a.cause, a.reason, a.opened_at, a.misses, a.tier) for a in opened],
        # About one silence a carer is asked again and again; one late look asks once.
        "asked": sorted({(q.about_due_at, q.answer) for q in asked}),
        "entries": sorted((e.what, e.why or "") for e in entries if e.what != "watch:begin"),
    }


terms = st.tuples(
    st.sampled_from(Tier),
    st.sampled_from(
        [
            ["09:00", "18:00"],
            ["02:30", "09:00", "21:00"],
            ["08:00", "09:00", "10:00", "22:00"],
            ["00:00", "12:00"],
        ]
    ),
    st.booleans(),
    st.sampled_from(STARTS),
)


def rhythm_of(times: list[str]) -> Rhythm:
    return Rhythm(tuple(time.fromisoformat(at) for at in times))


@pytest.mark.drawn
def test_many_ticks_equal_one_late_tick_and_both_equal_the_rules(world: World) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(terms, looks)
    def holds(drawn: tuple[Tier, list[str], bool, datetime], at: list[int]) -> None:
        world.do(_holds(world, drawn, at))

    holds()


async def _holds(
    world: World, drawn: tuple[Tier, list[str], bool, datetime], at: list[int]
) -> None:
    tier, times, carer, start = drawn
    rhythm = rhythm_of(times)
    often = await a_child(world, tier, rhythm, carer, start)
    seldom = await a_child(world, tier, rhythm, carer, start)
    [case] = await load([await Watch.get(child_id=often)], start)

    now = start
    for step in at:
        now += step * MINUTE
        await look(often, now)
    await look(seldom, now)
    assert await what_stands(often) == await what_stands(seldom)
    assert await Question.filter(child_id=seldom).count() <= 1

    standing, changes = advancing.advance(case.standing, case.terms, now)
    await _is_written_down(seldom, changes, now)
    [after] = await load([await Watch.get(child_id=seldom)], now)
    assert after.standing == standing

    told = await Message.filter(child_id=often).values_list("subject_id", "kind", "rung", "turn")
    assert len(set(told)) == len(told)
    for child in (often, seldom):
        await Watch.filter(child_id=child).delete()


async def _is_written_down(child_id: UUID, changes: tuple[Change, ...], now: datetime) -> None:
    def of(what: What) -> list[Change]:
        return [change for change in changes if change.what is what]

    rounds = {one.due_at: one for one in await Round.filter(child_id=child_id)}
    assert set(rounds) == {change.due_at for change in of(What.OPENED)}
    late = {change.due_at for change in of(What.LATE)}
    assert {due for due, one in rounds.items() if one.state == "late"} == late
    opened = [(a.reason, a.opened_at) for a in await Alert.filter(child_id=child_id)]
    assert opened == [(c.why.value, c.at) for c in of(What.ALERT) if c.why is not None]
    asked = {one.about_due_at for one in await Question.filter(child_id=child_id)}
    assert asked == {change.due_at for change in of(What.ASK)}
    misses = sum([a.misses for a in await Alert.filter(child_id=child_id)])
    before = list(takewhile(lambda change: change.what is not What.ALERT, changes))
    known = sum(change.what is What.LATE for change in before) if len(before) < len(changes) else 0
    assert misses == known + len(of(What.JOIN))


def test_a_tick_that_is_raced_by_others_equals_one_alone(world: World) -> None:
    async def holds() -> None:
        start = STARTS[0]
        rhythm = rhythm_of(["09:00", "18:00"])
        alone = await a_child(world, Tier.MID, rhythm, True, start)
        raced = await a_child(world, Tier.MID, rhythm, True, start)
        for hours in range(1, 60, 7):
            now = start + timedelta(hours=hours)
            await look(alone, now)
            await asyncio.gather(*(look(raced, now) for _ in range(3)))
            assert await what_stands(raced) == await what_stands(alone)

    world.do(holds())
