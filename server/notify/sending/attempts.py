"""One message on its way to one address."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any
from uuid import UUID

import msgspec

from server.notify.child.hours import read_school
from server.notify.models import Address, Delivery, Message, Preference
from server.notify.rules import KEPT_QUIET, Outcome, Reason, is_a_way
from server.storage.ids import uuid7


class Attempt(msgspec.Struct):
    """One message on its way to one address, and its result."""

    message: Message
    address: Address | None
    to: str
    delivery_id: UUID = msgspec.field(default_factory=uuid7)
    started_at: datetime | None = None
    outcome: Outcome | None = None
    reason: Reason | None = None
    put_off_to: datetime | None = None  # The end of the hours for which it waits.
    is_silent: bool = False  # It goes out in school hours: without a sound.
    shown: str = ""  # The code of the sentence that its person chose for the lock screen.
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
            what = (message.together, message.kind)
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


def hours_of(message: Message, wish: Preference | None) -> dict[str, Any]:
    """The hours in which a message waits: for a child those that came with it, and their school
    hours as they are now; or those that an adult chose for what can wait."""
    given = (message.data or {}).get("quiet")
    zone, begin, end = (given["zone"], given["from"], given["until"]) if given else ("UTC", "", "")
    if message.kind in KEPT_QUIET:
        school = read_school(wish.school) if wish is not None and given else None
        return {"zone": zone, "school": school, **_between(begin, end)}
    if wish is not None and wish.quiet_from and wish.quiet_until:
        zone, begin, end = person_of(message).zone, wish.quiet_from, wish.quiet_until
    return {"zone": zone, **_between(begin, end)}


def _between(begin: str, end: str) -> dict[str, time]:
    if not begin:
        return {}
    return {"quiet_from": time.fromisoformat(begin), "quiet_until": time.fromisoformat(end)}
