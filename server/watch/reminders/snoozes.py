"""Remind me later: the child puts their reminder off, and never the check-in.

It settles nothing, is no sign of life, and moves no moment of the watch: the round is late when it
would be late anyway. So a person who has the phone gains nothing by it.
"""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec

from server.audit.actions import Actor
from server.audit.repeats import first_made
from server.errors import Conflict, NotFound
from server.i18n import N_
from server.notify.actions import queue, withdraw
from server.notify.arrivals import RECEIPT
from server.notify.models import Address, Delivery, Message, Snooze
from server.notify.rules import TIME_TO_ANSWER, Kind
from server.people.rules import Role
from server.security import encryption
from server.storage.db import write
from server.watch.machine.alarms import called_by
from server.watch.machine.rounds import steps_of
from server.watch.models import Round, Watch, round_id
from server.watch.reminders.reminding import ASKED, Plan, saying
from server.watch.watch_state import WatchState
from server.watch.writing import lock, note_about, state_of

TOO_LATE = N_("It's too late to be reminded again. You can still answer.")
NOT_OPEN = N_("There is no check-in to be reminded of.")


class SnoozeRequest(msgspec.Struct, frozen=True):
    """Remind me of this round again in so many minutes. The id is made by the client."""

    id: UUID
    round: UUID
    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]


class Current(msgspec.Struct, frozen=True):
    """The round that may be put off now: an answer in time comes by `answer_by`. `until`: when the
    child is reminded again, if they asked for it."""

    round_id: UUID
    answer_by: datetime
    until: datetime | None


async def snooze(actor: Actor, child_id: UUID, asked: SnoozeRequest, now: datetime) -> Snooze:
    """Remind the child again later, once, and not before. It comes so early that there is time to
    answer, whatever was asked for. The same id again: the first time counts.

    Raises NotFound for a round that is not the child's, Conflict `too_late` where it is late, is
    settled, or soon will be late; IdReused.
    """
    async with write():
        watch = await lock(child_id)
        existing = await first_made(Snooze, asked.id, asked, person_id=child_id)
        if existing is not None:
            return existing
        round_ = await Round.get_or_none(id=asked.round, child_id=child_id)
        if round_ is None:
            raise NotFound(NOT_OPEN)
        case = await state_of(watch, now)
        until = put_off(now, timedelta(minutes=asked.minutes), deadline(case, round_.due_at))
        if round_.state != "open" or until is None:
            raise Conflict(TOO_LATE, code="too_late")
        made = await _make(case, asked, round_, until, now)
        await note_about(actor, child_id, "reminder:snooze", ["until_at"], now, about=round_.id)
    return made


def put_off(now: datetime, wait: timedelta, late_at: datetime) -> datetime | None:
    """When the child is reminded again who asks for it after so long; None where there is no time
    left. Never so late that an answer could not come in time."""
    until = min(now + wait, late_at - TIME_TO_ANSWER)
    return until if until > now else None


def deadline(case: WatchState, due: datetime) -> datetime:
    """Until when an answer to this round is in time: then it is late, or adults are called."""
    late = due + steps_of(case.terms, due).grace
    return min(late, called_by(case.standing, case.terms)[0])


async def _make(
    case: WatchState, asked: SnoozeRequest, round_: Round, until: datetime, now: datetime
) -> Snooze:
    # What waits says the same, earlier.
    await withdraw([round_.id], "snoozed", now, kinds=[Kind.REMIND_CHILD])
    turn = await Snooze.filter(subject_id=round_.id).count()
    made = await Snooze.create(
        id=asked.id,
        person_id=case.watch.child_id,
        subject_id=round_.id,
        asked_at=now,
        until_at=until,
    )
    plan = Plan(
        number=ASKED,
        expires_at=deadline(case, round_.due_at),
        turn=turn,
        not_before=until,
        marks={"asked": True},
    )
    again = saying(case, round_.due_at, plan)
    await queue([again], now)
    return made


async def current(watch: Watch, now: datetime) -> Current | None:
    """The round that the child could be reminded of later; None where none is open in time."""
    if watch.due_at is None or watch.missed_due_at is not None or watch.opens_at is None:
        return None
    if watch.opens_at > now:
        return None
    open_round = await Round.get_or_none(id=round_id(watch.child_id, watch.due_at))
    if open_round is None or open_round.state != "open":
        return None
    answer_by = deadline(await state_of(watch, now), open_round.due_at)
    if answer_by <= now:
        return None
    last = await Snooze.filter(subject_id=open_round.id).order_by("-asked_at", "-id").first()
    until = last.until_at if last is not None and last.until_at > now else None
    return Current(open_round.id, answer_by, until)


async def snooze_by_token(token: str, minutes: int, now: datetime) -> Snooze:
    """The same from the lock screen, by the token of the push that was tapped: it names one
    delivery to one phone, and needs no session. Twice is once. Raises what `snooze` raises, and
    NotFound for a token that is no reminder's, or of a phone that was blocked since."""
    try:
        delivery_id = UUID(encryption.unsign(token, RECEIPT))
    except encryption.Unreadable:
        raise NotFound(NOT_OPEN) from None
    delivery = await Delivery.get_or_none(id=delivery_id)
    if delivery is None:
        raise NotFound(NOT_OPEN)
    phone = await Address.get_or_none(id=delivery.address_id, dropped_at__isnull=True)
    message = await Message.get(id=delivery.message_id)
    if phone is None or message.kind != Kind.REMIND_CHILD or message.person_id is None:
        raise NotFound(NOT_OPEN)
    child = Actor(message.person_id, Role.CHILD, message.agency_id, phone.device_id)
    asked = SnoozeRequest(delivery_id, message.subject_id, minutes)
    return await snooze(child, message.person_id, asked, now)
