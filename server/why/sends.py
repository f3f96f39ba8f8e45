"""What was sent about a child, by which channel, what came back, and what was withheld."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from server.notify.models import Delivery, Message
from server.notify.rules import HOURS, NONE, Kind
from server.why.events import Event, Period, Value
from server.why.wording import LAST_RESORT, OUTSIDE

MOST = 2_000
# A message may wait for the end of quiet hours or school hours, or for the message of the day.
_BEFORE = timedelta(hours=26)


async def of_messages(child_id: UUID, period: Period) -> list[Event]:
    """Every message about this child, with each attempt and its result."""
    since = period.begin - _BEFORE
    rows = Message.filter(child_id=child_id, queued_at__gte=since, queued_at__lt=period.end)
    messages = await rows.order_by("queued_at").limit(MOST)
    tries: dict[UUID, list[Delivery]] = {message.id: [] for message in messages}
    for delivery in await Delivery.filter(message_id__in=list(tries)).order_by("started_at"):
        tries[delivery.message_id].append(delivery)
    events = [event for message in messages for event in of_message(message, tries[message.id])]
    if len(messages) == MOST:
        events.append(Event(messages[-1].queued_at, "sent.cut"))
    return events


def of_message(message: Message, tries: Sequence[Delivery]) -> list[Event]:
    """One message: each attempt, and how it ended where that is no attempt of ours."""
    values: dict[str, Value] = {
        "kind": message.kind,
        "to": _to(message),
        "channel": message.channel,
    }
    events = [_try(delivery, message, values) for delivery in tries]
    for delivery in tries:
        if delivery.seen_at is not None:
            events.append(Event(delivery.seen_at, "sent.shown", values))
    if message.seen_at is not None and not any(delivery.seen_at for delivery in tries):
        events.append(Event(message.seen_at, "sent.shown", values))
    return events + _end(message, tries, values)


def _to(message: Message) -> Value:
    if message.person_id is not None:
        return message.person_id
    is_last = message.last_resort is not None or message.resort_id is not None
    return LAST_RESORT if is_last else OUTSIDE


def _try(delivery: Delivery, message: Message, values: dict[str, Value]) -> Event:
    values = {**values, "channel": delivery.channel}
    because: tuple[str, ...] = ()
    if delivery.why in HOURS and message.may_go_at > delivery.started_at:
        more: dict[str, Value] = {"reason": delivery.why, "ready": message.may_go_at}
        return Event(delivery.started_at, "sent.waits", {**values, **more}, ("reason",))
    if delivery.why and delivery.result != "accepted":
        values["reason"], because = delivery.why, ("reason",)
    if delivery.attempt > 1:
        values["n"], because = delivery.attempt, (*because, "attempt")
    at = delivery.ended_at or delivery.started_at
    if delivery.result in ("accepted", "withheld"):
        return Event(at, f"sent.{delivery.result}", values, because)
    return Event(at, "sent.failed", {**values, "result": delivery.result}, because)


def _end(message: Message, tries: Sequence[Delivery], values: dict[str, Value]) -> list[Event]:
    """What no attempt tells: that it waits, was cancelled, or found no address."""
    because: tuple[str, ...] = ()
    if message.why:
        values, because = {**values, "reason": message.why}, ("reason",)
    has_waited = any(delivery.why in HOURS for delivery in tries)
    if message.state == "waiting" and message.may_go_at > message.queued_at and not has_waited:
        values = {**values, "ready": message.may_go_at}
        return [Event(message.queued_at, "sent.waits", values, because)]
    if message.state in ("waiting", "sending") and not tries:
        code = "sent.no_way" if message.channel == NONE else "sent.open"
        return [Event(message.queued_at, code, values)]
    if message.state == "withdrawn" and message.done_at is not None:
        return [Event(message.done_at, "sent.withdrawn", values, because)]
    if message.state in ("failed", "withheld") and not tries:
        code = "sent.nowhere" if message.state == "failed" else "sent.withheld"
        if message.channel == NONE:
            return [Event(message.done_at or message.queued_at, "sent.no_address", values)]
        return [Event(message.done_at or message.queued_at, code, values, because)]
    return []


async def to_operators(period: Period) -> list[Event]:
    """The faults that operators were told of: one an hour for each."""
    rows = Message.filter(
        child_id__isnull=True,
        queued_at__gte=period.begin,
        queued_at__lt=period.end,
        kind=Kind.OPERATORS.value,
    )
    faults = {
        (message.queued_at, str((message.data or {}).get("fault", "")))
        for message in await rows.order_by("queued_at").limit(MOST)
    }
    return [Event(at, "server.told", {"fault": fault}) for at, fault in sorted(faults)]
