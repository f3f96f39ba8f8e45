"""Everybody at once: answers, tickers, workers, people at the desk. Nobody waits in a circle, and
nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from server.alerts import actions as alerts
from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.audit.actions import Actor, seal, verify
from server.checkin.actions import record
from server.checkin.models import CheckIn
from server.checkin.rules import Answer
from server.errors import Conflict
from server.notify.models import Delivery, Message
from server.people.rules import Role
from server.policy.model import Rung
from server.storage.db import fetch
from server.watch import watch_alerts
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.models import Watch
from server.watch.rhythm import agreements
from tests.walks.crowd import crowd
from tests.walks.stage import Stage

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)


async def test_everybody_at_once(stage: Stage) -> None:
    await stage.subscribe("tom", "ines", "sam")
    children = await crowd(stage.cast, 40)
    dice = random.Random(7)  # noqa: S311 (the same storm each time)
    stage.clock.set(DUE + timedelta(minutes=60))
    await stage.ticker.tick()
    faults: Counter[str] = Counter()
    answered: set[UUID] = set()

    async def answer(child: UUID) -> None:
        actor = Actor(child, "child", stage.cast.agency.id)
        await record(actor, Role.CHILD, child, Answer(uuid4(), stage.clock()), stage.clock())
        answered.add(child)

    async def tap(child: UUID) -> None:
        for question in await Question.filter(child_id=child):
            await questions.answer_question(question.id, "not_seen", stage.clock())

    async def acknowledge(child: UUID) -> None:
        for alert in await Alert.filter(child_id=child, closed_at__isnull=True):
            await alerts.acknowledge(stage.cast.actor("tom"), alert.id, stage.clock())

    async def close(child: UUID) -> None:
        for alert in await Alert.filter(child_id=child, closed_at__isnull=True):
            await watch_alerts.close_alert(
                stage.cast.actor("ines"), alert.id, Outcome.SEEN, None, stage.clock()
            )

    async def missing(child: UUID) -> None:
        await watch_alerts.open_missing(stage.cast.actor("sam"), child, None, stage.clock())

    async def pause(child: UUID) -> None:
        now = stage.clock()
        await agreements.pause(
            stage.cast.actor("tom"),
            child,
            agreements.PauseRequest(uuid4(), now, now + timedelta(days=2), words="With her aunt."),
            now,
        )

    async def guarded(work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except Conflict:
            faults["conflict"] += 1

    deeds = [answer, answer, tap, acknowledge, close, missing, pause]
    for _ in range(3):
        stage.clock.advance(minutes=25)
        work = [guarded(dice.choice(deeds)(child)) for child in children]
        work += [ticker.tick() for ticker in (stage.ticker, stage.another_ticker())]
        work += [stage.ticker.worker.run_once(), stage.another_ticker().worker.run_once()]
        dice.shuffle(work)
        await asyncio.gather(*work)
    for _ in Rung:  # Where nobody on a rung can be reached, the next one is called at once.
        await stage.ticker.tick()
        while await stage.ticker.worker.run_once():
            pass

    await nothing_doubled_while_open()
    assert await CheckIn.all().count() >= len(answered)
    assert not await Message.filter(state="sending")
    assert not await Delivery.filter(result="sending")
    assert not await Watch.filter(next_action_at__lte=stage.clock())
    for alert in await Alert.filter(closed_at__isnull=True):
        assert alert.next_action_at is not None
        assert alert.next_action_at > stage.clock()
    while await seal(stage.clock()):
        pass
    assert await verify() is None
    assert faults["conflict"] < len(children)


async def nothing_doubled_while_open() -> None:
    once = "child_id, cause"
    rows = await fetch(
        f"SELECT {once} FROM alert WHERE closed_at IS NULL GROUP BY {once} HAVING count(*) > 1"  # noqa: S608
    )
    assert not rows
    for table, columns in (
        ("round", "child_id, due_at"),
        ("message", "subject_id, kind, rung, turn, to_key, channel"),
    ):
        doubled = await fetch(
            f"SELECT {columns} FROM {table} GROUP BY {columns} HAVING count(*) > 1"  # noqa: S608
        )
        assert not doubled
