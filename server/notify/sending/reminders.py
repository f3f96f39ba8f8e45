"""What the worker knows of a reminder before it goes out: whether another one says the same, and
what its person chose."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from server.notify.models import Message, Snooze
from server.notify.rules import CAN_WAIT, HOURS, KEPT_QUIET, Kind, MessageSlice, Reason
from server.storage.db import as_id

_WAITED = frozenset(reason.value for reason in HOURS)
_COUNTS = ("waiting", "sending", "done")


def has_wish(message: Message) -> bool:
    """Whether its person may have chosen something about messages of this kind."""
    return message.kind in CAN_WAIT | KEPT_QUIET | {Kind.TRY_PUSH}


def slice_of(message: Message, needless: Reason | None) -> MessageSlice:
    """What the rules need of a message; `needless`: why another one comes in its place."""
    data = message.data or {}
    return MessageSlice(
        kind=Kind(message.kind),
        expires_at=message.expires_at,
        is_urgent=message.urgency == "high",
        is_asked=bool(data.get("asked")),
        gives_way=bool(data.get("gives_way")),
        is_snoozed=needless is Reason.SNOOZED,
        has_newer=needless is Reason.NEWER,
    )


async def needless_of(messages: Sequence[Message], now: datetime) -> dict[UUID, Reason]:
    """Which of these messages to children have another one in their place: the one that the child
    asked for, or the last of several that waited for the end of the same hours."""
    mine = [m for m in messages if m.kind in KEPT_QUIET and not _must_come(m)]
    needless = dict.fromkeys(await _older(mine), Reason.NEWER)
    reminders = [message for message in mine if message.kind == Kind.REMIND_CHILD]
    snoozed = await _snoozed({message.subject_id for message in reminders}, now)
    needless |= {m.id: Reason.SNOOZED for m in reminders if m.subject_id in snoozed}
    return needless


def _must_come(message: Message) -> bool:
    """The one that the child asked for; and the last one before adults are called, which nothing
    replaces."""
    data = message.data or {}
    return bool(data.get("asked") or data.get("is_last"))


async def _snoozed(subjects: set[UUID], now: datetime) -> set[UUID]:
    """The rounds of which the child wants no reminder yet. What they said last counts."""
    if not subjects:
        return set()
    rows = await Snooze.filter(subject_id__in=list(subjects)).order_by("asked_at", "id")
    last = {row.subject_id: row.until_at for row in rows}
    return {subject for subject, until in last.items() if until > now}


async def _older(messages: Sequence[Message]) -> list[UUID]:
    """An answer to the last reminder settles all rounds that are open, and who opens the app
    for the last piece of news sees all of it: those that waited longer say nothing more."""
    waited = [message for message in messages if message.why in _WAITED]
    if not waited:
        return []
    later = await Message.filter(
        child_id__in=list({message.child_id for message in waited}),
        kind__in=[kind.value for kind in KEPT_QUIET],
        queued_at__gt=min(message.queued_at for message in waited),
        state__in=list(_COUNTS),
    ).values_list("child_id", "kind", "queued_at")
    last: dict[tuple[UUID | None, bool], datetime] = {}
    for child_id, kind, queued_at in later:
        group = (as_id(child_id), kind == Kind.REMIND_CHILD)
        last[group] = max(queued_at, last.get(group, queued_at))
    return [m.id for m in waited if last.get(_group(m), m.queued_at) > m.queued_at]


def _group(message: Message) -> tuple[UUID | None, bool]:
    return message.child_id, message.kind == Kind.REMIND_CHILD
