"""Four weeks of the demo: answers, some late, and what adults did."""

import random
from datetime import datetime, timedelta
from uuid import uuid5

import msgspec

from server.alerts import actions as alerts
from server.alerts import climbing
from server.alerts.models import Alert
from server.audit.actions import Actor
from server.checkin.actions import record
from server.checkin.rules import Answer
from server.demo.cast import CAST, DEMO, Kid, id_of
from server.notify.models import Message
from server.people.rules import Role
from server.policy import parser as policies
from server.policy.model import SHIPPED, Tier
from server.watch import ticking
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.models import Watch
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.rules import Rhythm, next_due

_SHIPPED = policies.read(SHIPPED)


class _Said(msgspec.Struct, frozen=True):
    at: datetime
    kid: Kid
    mood: int | None
    note: str | None


async def live_through(begin: datetime, now: datetime) -> None:
    """Let four weeks pass: answers, some late, and two that an adult had to look into."""
    dice = random.Random(20260302)  # noqa: S311 (the same weeks in every demo)
    check_ins = sorted(
        (check_in for kid in CAST.children for check_in in _answers(kid, begin, now, dice)),
        key=lambda check_in: check_in.at,
    )
    for check_in in check_ins:
        await _let_time_pass(check_in.at)
        answer = Answer(
            uuid5(DEMO, f"{check_in.kid.name}:{check_in.at}"),
            check_in.at,
            check_in.mood,
            check_in.note,
        )
        me = Actor(id_of(check_in.kid.name), Role.CHILD.value, id_of(check_in.kid.agency))
        await record(me, Role.CHILD, id_of(check_in.kid.name), answer, check_in.at)
    await _let_time_pass(now)
    await _look(now)
    await Message.filter(state="waiting").update(
        state="withdrawn", next_action_at=None, done_at=now, why="before_the_demo"
    )


def _answers(kid: Kid, begin: datetime, now: datetime, dice: random.Random) -> list[_Said]:
    rhythm, zone = Rhythm(kid.times), rhythms.read_zone(kid.zone)
    check_ins: list[_Said] = []
    due = next_due(rhythm, zone, (), begin)
    number = 0
    while due is not None and due < now + timedelta(hours=1):
        number += 1
        delay = timedelta(minutes=dice.gauss(-4, 14))
        if number % 9 == 5:
            delay = timedelta(minutes=dice.uniform(50, 110))  # Reminded, and then it came.
        # Nothing on two days; on the third adults were called, and a late answer came.
        is_silent = len(kid.times) == 1 and number in (16, 17)
        if number == 18:
            delay = timedelta(hours=6)
        at = max(due + delay, due - timedelta(minutes=55))
        if begin < at < now and not is_silent:
            note = dice.choice(kid.notes) if dice.random() < 0.3 else None
            mood = dice.choice((2, 3, 3, 4, 4, 5)) if dice.random() < 0.8 else None
            check_ins.append(_Said(at, kid, mood, note))
        due = next_due(rhythm, zone, (), due)
    return check_ins


async def _let_time_pass(until: datetime) -> None:
    """Look whenever something becomes true that adults hear of, and let them do what they did.

    How often this looks does not change the result, so reminders need no look of their own.
    """
    while (at := await _next_look(until)) is not None:
        await _look(at)
        await _adults_act(at)


async def _next_look(until: datetime) -> datetime | None:
    moments = [_late_at(watch) for watch in await Watch.filter(next_action_at__lt=until)]
    climbing = await Alert.filter(next_action_at__lt=until).order_by("next_action_at").first()
    if climbing is not None and climbing.next_action_at is not None:
        moments.append(climbing.next_action_at)
    return min((at for at in moments if at < until), default=None)


def _late_at(watch: Watch) -> datetime:
    """The next decision about it that is more than a reminder: a first miss, or what follows."""
    assert watch.next_action_at is not None
    assert watch.due_at is not None
    if watch.missed_due_at is not None:
        return watch.next_action_at
    return max(watch.next_action_at, watch.due_at + _SHIPPED.tiers[Tier(watch.tier)].steps.grace)


async def _look(now: datetime) -> None:
    await ticking.WATCHES.tick(now)
    await climbing.ALERTS.tick(now)


async def _adults_act(now: datetime) -> None:
    for question in await Question.filter(answered_at__isnull=True, expires_at__gt=now):
        # Sam has looked: most days he has seen her, and once he had not.
        answer = "not_seen" if question.asked_at.day % 3 == 0 else "seen"
        await questions.answer_question(question.id, answer, now + timedelta(minutes=2))
    for alert in await Alert.filter(closed_at__isnull=True, state="open"):
        worker = "uwe" if alert.child_id == id_of("lia") else "tom"
        actor = Actor(id_of(worker), Role.CASEWORKER.value, alert.agency_id)
        await alerts.acknowledge(actor, alert.id, now + timedelta(minutes=3))
