"""What lies behind each child: rounds, check-ins, reminders and the record of them; and what is due
next.

Nine in ten children answer before the check-in is due, the others within the grace, so no adult was
ever called. Where alerts are needed the ticker makes them, by the rules.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from server.audit.models import Entry
from server.checkin.models import CheckIn
from server.notify.models import Delivery, Message
from server.people.rules import Role
from server.seeding.plan import DAY, Plan
from server.storage.copying import Table
from server.storage.ids import uuid7_of
from server.watch.models import Pause, Round, Watch, round_id

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
OPENS = 2 * HOUR
GRACE = HOUR
_ANSWER = UUID("0d5c4d0e-5a7c-4a63-9f1e-6f5b1c7a2d10")
Row = tuple[Any, ...]


_ROUND = "id child_id opens_at due_at late_at state settled_at settled_by"
_CHECK_IN = "id agency_id child_id by_id by_role said_at received_at mark content_hash answer"
_MESSAGE = (
    "id agency_id person_id to_key channel kind subject_kind subject_id child_id queued_at ready_at"
    " state attempts done_at"
)
_DELIVERY = "id message_id channel attempt started_at ended_at result status"
_ENTRY = "at agency_id who_id who_role what child_id about_kind about_id names"
_WATCH = (
    "child_id agency_id tier zone rhythm standing due_at opens_at next_action_at sign_at"
    " answered_at"
)
_PAUSE = "id child_id from_at until_at made_by made_at"


def tables(plan: Plan) -> Iterator[Table]:
    """History first: a child whose watch is there has their history."""
    for model, columns, rows in (
        (Round, _ROUND, _rounds),
        (CheckIn, _CHECK_IN, _check_ins),
        (Message, _MESSAGE, _reminders),
        (Delivery, _DELIVERY, _deliveries),
        (Entry, _ENTRY, _entries),
        (Watch, _WATCH, _watches),
        (Pause, _PAUSE, _pauses),
    ):
        yield Table(model, tuple(columns.split()), rows(plan))


# --- the days behind


def _history(plan: Plan) -> Iterator[tuple[int, UUID, datetime, datetime, bool]]:
    """Place, child, due time, time of the answer, and whether a reminder went out before it."""
    midnight = plan.now.replace(hour=0, minute=0, second=0, microsecond=0)
    for place, child in enumerate(plan.children):
        last = _last_due(plan, midnight, place)
        for day in range(plan.days):
            due = last - day * DAY
            turn = (place * 31 + day * 17) % 100
            after = MINUTE * (turn % 40 + 5) if turn >= 90 else -MINUTE * (turn + 10)
            yield place, child, due, due + after, turn % 10 >= 7


def _last_due(plan: Plan, midnight: datetime, place: int) -> datetime:
    """The last due time that has passed, with its grace."""
    due = midnight + plan.time_of(place)
    return due if due + GRACE <= plan.now else due - DAY


def _check_in_id(round_: UUID) -> UUID:
    return uuid5(_ANSWER, round_.hex)


def _rounds(plan: Plan) -> Iterator[Row]:
    for _, child, due, at, _ in _history(plan):
        id_ = round_id(child, due)
        yield id_, child, due - OPENS, due, due + GRACE, "answered", at, _check_in_id(id_)


def _check_ins(plan: Plan) -> Iterator[Row]:
    child_role, nothing = Role.CHILD.value, "{}"
    for _, child, due, at, _ in _history(plan):
        id_ = _check_in_id(round_id(child, due))
        yield id_, plan.agency, child, child, child_role, at, at, "a", "", nothing


def _reminder_id(round_: UUID, due: datetime) -> UUID:
    return uuid7_of(due - HOUR, round_.int)


def _reminders(plan: Plan) -> Iterator[Row]:
    for _, child, due, _, is_reminded in _history(plan):
        if is_reminded:
            round_, at = round_id(child, due), due - HOUR
            yield (
                *(_reminder_id(round_, due), plan.agency, child, str(child), "push"),
                *("remind_child", "round", round_, child, at, at, "done", 1, at),
            )


def _deliveries(plan: Plan) -> Iterator[Row]:
    for _, child, due, _, is_reminded in _history(plan):
        if is_reminded:
            message, at = _reminder_id(round_id(child, due), due), due - HOUR
            yield uuid7_of(at, message.int >> 1), message, "push", 1, at, at, "accepted", 201


def _entries(plan: Plan) -> Iterator[Row]:
    for _, child, due, at, _ in _history(plan):
        about = _check_in_id(round_id(child, due))
        yield at, plan.agency, child, "child", "check_in", child, "check_in", about, "[]"


# --- what is due next


def _watches(plan: Plan) -> Iterator[Row]:
    midnight = plan.now.replace(hour=0, minute=0, second=0, microsecond=0)
    for place, child in enumerate(plan.children):
        last = _last_due(plan, midnight, place)
        due = last + DAY
        if place in plan.away:
            due += -(-(_until(plan, place) - due) // DAY) * DAY
        seconds = int(plan.time_of(place).total_seconds())
        rhythm = f'{{"at": ["{seconds // 3600:02}:{seconds // 60 % 60:02}"]}}'
        tier = "high" if place % 10 == 0 else "low" if place % 10 == 9 else "mid"
        standing = "away" if place in plan.away else "well"
        answered = last if plan.days else None
        # Where the round is open by now the ticker opens it at its next look.
        yield (
            *(child, plan.agency, tier, "UTC", rhythm, standing, due, due - OPENS, due - OPENS),
            *(answered or plan.now, answered),
        )


def _pauses(plan: Plan) -> Iterator[Row]:
    for place in sorted(plan.away):
        child, until = plan.children[place], _until(plan, place)
        id_ = uuid7_of(plan.now, child.int)
        yield id_, child, plan.now - DAY, until, plan.supervisor, plan.now - DAY


def _until(plan: Plan, place: int) -> datetime:
    """Until when this child is away."""
    return plan.now + (72 + place % 200) * HOUR
