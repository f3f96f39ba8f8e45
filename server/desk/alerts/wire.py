"""What an alert is over the API: messages, attempts, calls, each as the reader sees it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.alerts.attempt_rules import Result, Target, Way
from server.alerts.models import Attempt
from server.checkin.models import CheckIn
from server.checkin.rules import Want
from server.desk.ladder import Named
from server.notify.models import Delivery, Message
from server.policy.levels import Way as By


class SentOut(msgspec.Struct):
    """One message: the person, the channel, and the result of each attempt."""

    to: Named | None
    kind: str
    channel: str
    queued_at: datetime
    state: str
    why: str | None
    seen_at: datetime | None
    deliveries: list[dict[str, Any]]


class AttemptOut(msgspec.Struct):
    """What a person tried, and what came of it."""

    id: UUID
    at: datetime
    received_at: datetime
    who: Named | None
    way: Way
    target: Target
    result: Result
    words: str | None


class CallOut(msgspec.Struct):
    """What the child said with a call: when, by the clock of their phone (`said_at`) and by ours
    (`spoken_at`; null where we cannot know), and when it reached us. `by`: the child, or the
    adult who said it for them."""

    id: UUID
    want: Want
    said_at: datetime
    spoken_at: datetime | None
    received_at: datetime
    by: Named | None
    way: By
    words: str | None


async def sent_by_alert(
    messages: Sequence[Message], names: dict[UUID, str]
) -> dict[UUID, list[SentOut]]:
    """What was sent about each alert, and every try of it."""
    deliveries = Delivery.filter(message_id__in=[m.id for m in messages]).order_by("started_at")
    tries: dict[UUID, list[Delivery]] = {}
    for delivery in await deliveries:
        tries.setdefault(delivery.message_id, []).append(delivery)
    sent: dict[UUID, list[SentOut]] = {}
    for m in messages:
        sent.setdefault(m.subject_id, []).append(_sent_out(m, tries.get(m.id, []), names))
    return sent


def attempt_out(attempt: Attempt, names: dict[UUID, str]) -> AttemptOut:
    """An attempt as the reader sees it."""
    return AttemptOut(
        id=attempt.id,
        at=attempt.at,
        received_at=attempt.received_at,
        who=named_as(attempt.who_id, names),
        way=Way(attempt.way),
        target=Target(attempt.target),
        result=Result(attempt.result),
        words=attempt.words,
    )


def call_out(call: CheckIn, names: dict[UUID, str]) -> CallOut:
    """A call as the reader sees it."""
    return CallOut(
        id=call.id,
        want=Want(call.want),
        said_at=call.said_at,
        spoken_at=call.spoken_at,
        received_at=call.received_at,
        by=named_as(call.by_id, names),
        way=By(call.by_way),
        words=call.note,
    )


def named_as(id: UUID | None, names: dict[UUID, str]) -> Named | None:
    """A person with their name, as far as it was read."""
    return Named(id, names.get(id, "")) if id is not None else None


def _sent_out(message: Message, deliveries: list[Delivery], names: dict[UUID, str]) -> SentOut:
    return SentOut(
        to=named_as(message.person_id, names),
        kind=message.kind,
        channel=message.channel,
        queued_at=message.queued_at,
        state=message.state,
        why=message.why,
        seen_at=message.seen_at,
        deliveries=[
            {"at": d.started_at, "channel": d.channel, "result": d.result, "why": d.why}
            for d in deliveries
        ],
    )
