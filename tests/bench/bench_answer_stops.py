"""What one person answers stops every other channel: how long after it anything still goes out.

A thousand alerts with a call to three people by four channels each, all due at once, and a ticker
at its own pace. While it sends, each alert is answered at a moment of its own: taken, closed, or by
the child itself. Every channel takes 20 ms for a message, as a gateway does. What counts is when a
channel is asked to send about an alert after its answer was stored.
"""

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from server.alerts import actions as alerts
from server.alerts import opening
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.alerts.opening import Opening
from server.alerts.recipients import policy_of
from server.audit.actions import Actor
from server.checkin import actions as checkin
from server.checkin.rules import Answer
from server.clock import utcnow
from server.notify.actions import Saying, queue
from server.notify.models import Address, Message
from server.notify.rules import Envelope, Kind
from server.notify.rules import Outcome as Sent
from server.people.models import Person, Tie
from server.people.rules import Role
from server.policy.model import EACH_MISS, Tier
from server.security import encryption
from server.settings import load
from server.storage import bulk
from server.storage.db import close_database, open_database, write
from server.storage.engines.migrate import migrate
from server.storage.ids import uuid7
from server.ticker import TICK_EVERY_S, Ticker
from server.watch import watch_alerts
from tests.bench.bench_check_ins import SECRET, _database
from tests.bench.children import make, moment

ALERTS, AT_ONCE = 1000, 50
CHANNELS = ("push", "sms", "chat", "email")
CALLS = frozenset({Kind.ALERT, Kind.ALERT_AGAIN})
TAKES_S = 0.02
# So long after they are called the answers come, spread evenly.
WITHIN_S = 1.5
SEED = 7


@dataclass
class Door:
    """A channel that takes everything, and notes when it was asked about what."""

    asked: list[tuple[UUID, float]] = field(default_factory=list)

    async def open(self) -> None:
        """Nothing to take."""

    async def close(self) -> None:
        """Nothing to give back."""

    async def send(self, envelope: Envelope) -> Sent:
        """Yes, after a while."""
        # That all is well again is told after the answer, as it should be.
        if envelope.kind in CALLS:
            self.asked.append((UUID(hex=envelope.tag), time.perf_counter()))
        await asyncio.sleep(TAKES_S)
        return Sent.accepted(201)


def _late() -> dict[str, Any]:
    """A watch over a child that has not answered, and about which nothing else happens."""
    due = moment() - timedelta(hours=2)
    return {
        "standing": "alerted",
        "is_alerted": True,
        "prompted": 4,
        "due_at": due,
        "opens_at": due - timedelta(hours=2),
        "missed_due_at": due,
        "late_at": due + timedelta(hours=1),
        "next_action_at": moment() + timedelta(days=1),
        "following_due_at": due + timedelta(days=1),
        "following_opens_at": due + timedelta(hours=22),
        "following_action_at": due + timedelta(hours=22),
        "sign_at": due - timedelta(hours=22),
    }


@dataclass(frozen=True)
class Stage:
    """Who is called, about whom."""

    agency: UUID
    people: Sequence[UUID]
    children: Sequence[UUID]


async def _seed(url: str, many: int) -> Stage:
    await migrate(url)
    encryption.use(encryption.Keyring([SECRET]))
    await open_database(url)
    children = await make(many, watch=_late(), with_phones=True, policy=EACH_MISS)
    now = moment()
    worker = await Person.get(role=Role.CASEWORKER)
    common = {"agency_id": worker.agency_id}
    more = [uuid7(), uuid7()]
    who = {"role": Role.SUPERVISOR, "name": "supervisor", "language": "en", "zone": "UTC"}
    people = [worker.id, *more]
    addresses = [
        {
            "id": uuid7(),
            **common,
            "person_id": person,
            "channel": channel,
            "value": f"{channel} {person}",
            "value_index": f"{channel} {person}",
            "made_at": now,
            "verified_at": now,
        }
        for person in people
        for channel in CHANNELS
    ]
    tie = {"role": Role.SUPERVISOR, "person_id": more[0], "from_at": now - timedelta(days=1)}
    async with write():
        await bulk.insert(Person, [{"id": one, **common, **who, "made_at": now} for one in more])
        await bulk.insert(Address, addresses)
        ties = [{"id": uuid7(), **common, "child_id": child, **tie} for child in children]
        await bulk.insert(Tie, ties)
    return Stage(worker.agency_id, people, children)


async def _call(stage: Stage, children: Sequence[UUID]) -> list[Alert]:
    """An alert about each of these, and a call to everybody by every channel, due now."""
    policy, _ = await policy_of(stage.agency)
    now = utcnow()
    async with write():
        opened = await opening.open_alerts(
            [
                Opening(
                    child_id=child,
                    agency_id=stage.agency,
                    cause=Cause.SILENCE,
                    tier=Tier.MID,
                    reason="grace_over",
                    opened_at=now,
                )
                for child in children
            ],
            {stage.agency: policy},
            now,
        )
        sayings = [
            Saying(
                kind=Kind.ALERT_AGAIN,
                agency_id=stage.agency,
                subject_kind="alert",
                subject_id=alert.id,
                person_id=person,
                turn=9,
                urgency="high",
                channel=channel,
            )
            for alert in opened
            for person in stage.people
            for channel in CHANNELS
        ]
        await queue(sayings, now)
    return list(opened)


async def _answer(stage: Stage, alert: Alert, number: int) -> float:
    """Somebody answers, in one of three ways; when that was stored."""
    worker = Actor(stage.people[0], Role.CASEWORKER, stage.agency)
    if number % 3 == 0:
        await alerts.acknowledge(worker, alert.id, utcnow())
    elif number % 3 == 1:
        await watch_alerts.close_alert(worker, alert.id, Outcome.SEEN, "At home.", utcnow())
    else:
        child = Actor(alert.child_id, Role.CHILD, stage.agency)
        said = Answer(uuid4(), utcnow())
        await checkin.record(child, Role.CHILD, alert.child_id, said, utcnow())
    return time.perf_counter()


async def _round(
    stage: Stage, children: Sequence[UUID], first: int, rand: random.Random
) -> dict[UUID, float]:
    opened = await _call(stage, children)

    async def at_its_moment(number: int, alert: Alert) -> tuple[UUID, float]:
        await asyncio.sleep(rand.random() * WITHIN_S)
        return alert.id, await _answer(stage, alert, number)

    found = await asyncio.gather(
        *(at_its_moment(first + number, alert) for number, alert in enumerate(opened))
    )
    return dict(found)


async def _measure(kind: str, many: int) -> dict[str, Any]:
    rand = random.Random(SEED)
    doors = {name: Door() for name in CHANNELS}
    answered: dict[UUID, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with _database(kind, folder) as url:
            stage = await _seed(url, many)
            ticker = Ticker(load({}, Path(folder)), doors, utcnow)
            await ticker.start()
            for first in range(0, many, AT_ONCE):
                children = stage.children[first : first + AT_ONCE]
                answered |= await _round(stage, children, first, rand)
            # Whatever would come later still, comes now.
            await asyncio.sleep(3 * TICK_EVERY_S)
            await ticker.stop()
            left = await Message.filter(
                kind__in=list(CALLS),
                subject_id__in=list(answered),
                state__in=["waiting", "sending"],
            ).count()
            await close_database()
    return {"left": left, **_after(doors, answered)}


def _after(doors: Mapping[str, Door], answered: Mapping[UUID, float]) -> dict[str, Any]:
    """What went out after the answers about the same alerts, and how long after them."""
    asked = [one for door in doors.values() for one in door.asked if one[0] in answered]
    late = sorted(at - answered[alert] for alert, at in asked if at > answered[alert])
    return {
        "answers": len(answered),
        "sent": len(asked),
        "after": len(late),
        "longest": round(late[-1], 3) if late else 0.0,
        "beyond_a_tick": sum(one > TICK_EVERY_S for one in late),
    }


def measure(many: int = ALERTS) -> dict[str, Any]:
    """The figure: the longest time after an answer at which a channel was still asked to send."""
    kinds = {"SQLite": "sqlite", "PostgreSQL": "postgres"}
    found = {name: asyncio.run(_measure(kind, many)) for name, kind in kinds.items()}
    shown = "; ".join(
        f"{name}: the last one {one['longest'] * 1000:,.0f} ms after the answer"
        f" ({one['after']} of {one['sent']:,} messages after one)"
        for name, one in found.items()
    )
    return {
        "what": f"an answer on one channel → no further message on any other: {many:,} alerts,"
        " three people by four channels, answered while they are being called",
        "shown": shown,
        "goal": "within one tick (0.5 s)",
        **{f"{name}_{key}".lower(): n for name, one in found.items() for key, n in one.items()},
        "is_reached": all(
            one["beyond_a_tick"] == 0 and one["left"] == 0 and one["answers"] == many
            for one in found.values()
        ),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
