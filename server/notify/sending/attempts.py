"""One message on its way to one address."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from uuid import UUID

from server.notify.models import Address, Delivery, Message, Preference
from server.notify.rules import Outcome, Reason, is_a_way
from server.storage.ids import uuid7


@dataclass(slots=True)
class Attempt:
    """One message on its way to one address, and its result."""

    message: Message
    address: Address | None
    to: str
    delivery_id: UUID = field(default_factory=uuid7)
    started_at: datetime | None = None
    outcome: Outcome | None = None
    reason: Reason | None = None
    put_off_to: datetime | None = None  # The end of the quiet hours of what can wait.
    is_called_back: bool = False  # Its line in the log says that it is being sent.
    is_kept: bool = False  # The answer was about the address, and we keep it anyway.

    @property
    def counts(self) -> bool:
        """Whether anyone has answered from there before. The last resort proves nothing."""
        to = self.address
        return to is None or is_a_way(to.channel, to.verified_at)


def as_one(attempts: Sequence[Attempt]) -> list[list[Attempt]]:
    """The attempts that share an envelope, with the leading message first. Only messages to one
    address that are to be sent about several things at once do; every other is sent alone."""
    groups: dict[Any, list[Attempt]] = {}
    for attempt in sorted(attempts, key=lambda candidate: candidate.message.subject_id):
        message = attempt.message
        key: Any = attempt.delivery_id
        if message.together is not None and attempt.reason is None:
            what = (message.together, message.kind, message.rung, message.turn)
            key = (*what, message.to_key, message.channel, attempt.to)
        groups.setdefault(key, []).append(attempt)
    return list(groups.values())


async def accepted_before(ids: Sequence[UUID]) -> set[tuple[UUID, UUID | None]]:
    """Which (message, address) had been accepted: a second try goes to the others only."""
    if not ids:
        return set()
    # A pass that died left its lines saying "sending": nobody knows the result.
    await Delivery.filter(message_id__in=ids, result="sending").update(result="unknown")
    rows = await Delivery.filter(message_id__in=ids, result="accepted").values_list(
        "message_id", "address_id"
    )
    return {(message_id, address_id) for message_id, address_id in rows}


def person_of(message: Message) -> Any:
    """The recipient: a row of a room above this one, known here by its columns alone."""
    return message.person


def quiet_hours(message: Message, wish: Preference | None) -> dict[str, Any]:
    """The quiet hours of a message: those that it has for a child, or those that an adult chose for
    what can wait."""
    hours = (message.data or {}).get("quiet")
    zone, begin, end = (hours["zone"], hours["from"], hours["until"]) if hours else ("UTC", "", "")
    if wish is not None and wish.quiet_from and wish.quiet_until:
        zone, begin, end = person_of(message).zone, wish.quiet_from, wish.quiet_until
    if not begin:
        return {}
    quiet = (time.fromisoformat(begin), time.fromisoformat(end))
    return {"zone": zone, "quiet_from": quiet[0], "quiet_until": quiet[1]}
