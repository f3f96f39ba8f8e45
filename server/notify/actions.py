"""The outbox: queueing messages, withdrawing them, sending them again by another channel."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from server.notify.contact_routes import NOWHERE, Ways, ways_of
from server.notify.models import Enclosure, Message
from server.notify.rules import EMAIL, NONE, PUSH, Attachment, Kind
from server.notify.sending.log_lines import log_withdrawn
from server.notify.sending.waking import wake
from server.security import encryption
from server.storage import bulk
from server.storage.db import after_commit, among, as_id, dialect, fetch, is_writing
from server.storage.ids import uuid7
from server.storage.statement import Statement


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A person; or a last resort: an entry of WAYMARK_LAST_RESORT by its index, or an agency's own
    address (`resort_id`) by its channel."""

    person_id: UUID | None = None
    last_resort: int | None = None
    resort_id: UUID | None = None
    channel: str | None = None

    def as_fields(self) -> dict[str, Any]:
        """What a Saying says of it."""
        return {
            "person_id": self.person_id,
            "last_resort": self.last_resort,
            "resort_id": self.resort_id,
            "channel": self.channel,
        }


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person about one subject.

    Unique by (subject, kind, rung, turn, person, channel): queueing it twice queues it once.
    A last resort replaces a person: `last_resort` is an index into WAYMARK_LAST_RESORT, `resort_id`
    an address of the agency's own, with its channel.
    """

    kind: Kind
    agency_id: UUID | None
    subject_kind: str
    subject_id: UUID
    person_id: UUID | None = None
    last_resort: int | None = None
    resort_id: UUID | None = None
    outsider_id: UUID | None = None  # Neither: `data` says where (`to`) and in which `language`.
    rung: int = 0
    turn: int = 0
    child_id: UUID | None = None
    urgency: str = "normal"
    not_before: datetime | None = None  # None: as soon as it can be.
    expires_at: datetime | None = None
    data: dict[str, Any] | None = None
    channel: str | None = None  # None: by order, below.
    nth: int = 0  # 0: the first channel by which the person can be reached; 1: the one after it.
    by_all: bool = False  # By every channel of theirs at once.
    together: UUID | None = None  # Messages to one person with the same id go out as one.
    why: str | None = None  # Why it waits, where it does: a code.
    # When it goes out although what it waits for has not taken it; None: with `not_before`.
    taken_at: datetime | None = None

    @property
    def is_to_last_resort(self) -> bool:
        """Whether it is to a last resort, and to no person."""
        return self.last_resort is not None or self.resort_id is not None


# What an adult may answer by text, and by which channels answers come back to us.
ANSWERED = frozenset({Kind.ALERT, Kind.ALERT_AGAIN, Kind.ASK_CARER})
CODE_LENGTH = 4
# What is answered by the numbers of a list, where the message is a text.
BY_NUMBERS = frozenset({Kind.ROLL_CALL, Kind.ROLL_CALL_AGAIN})
_inbound: frozenset[str] = frozenset()


def set_inbound(channels: Iterable[str]) -> None:
    """Tell this room by which channels answers come back."""
    global _inbound
    _inbound = frozenset(channels)


# How many entries of WAYMARK_LAST_RESORT there are; each program sets it once at its start.
_last_resorts = 0
# Names what has no row of its own: faults of the installation, reported once an hour each.
_FAULTS = UUID("6b1f3a52-7f0e-4c58-9c1e-2f6d7f6f2f10")


def set_last_resorts(how_many: int) -> None:
    """Tell this room how many last resorts the installation has."""
    global _last_resorts
    _last_resorts = how_many


def last_resorts() -> int:
    """How many last resorts the installation has. `last_resort.py` says which of them, and of an
    agency's own, are called where nobody else can be."""
    return _last_resorts


async def tell_operators(fault: str, now: datetime, *, every_h: int = 1) -> None:
    """Tell the last resort that something is broken; once in `every_h` hours for each fault.

    `fault` is a code without personal data. In the caller's transaction.
    """
    hour = int(now.timestamp() // 3600) // every_h * every_h
    sayings = [
        Saying(
            kind=Kind.OPERATORS,
            agency_id=None,
            subject_kind="fault",
            subject_id=uuid5(_FAULTS, f"{fault}:{hour}"),
            last_resort=index,
            urgency="high",
            data={"fault": fault},
            expires_at=now + timedelta(hours=12),
        )
        for index in range(_last_resorts)
    ]
    await queue(sayings, now)


async def queue(sayings: Sequence[Saying], now: datetime) -> list[UUID]:
    """Put messages into the outbox, in the caller's transaction; returns the new ids.

    A person whose devices show no pushes gets the message by the next channel as well.
    """
    people = {saying.person_id for saying in sayings if saying.person_id is not None}
    ways = await ways_of(people, now)
    sayings = await _in_their_words(sayings)
    rows = [row for saying in sayings for row in _rows(saying, ways, now)]
    made = [as_id(key) for key in await bulk.insert(Message, rows, skip_known=True)]
    if made and is_writing() and any(row["next_action_at"] <= now for row in rows):
        after_commit(wake)
    return made


async def _in_their_words(sayings: Sequence[Saying]) -> list[Saying]:
    """An agency's own last resort reads the agency's language, and its name."""
    agencies = {saying.agency_id for saying in sayings if saying.resort_id is not None}
    if not agencies:
        return list(sayings)
    sql = f"SELECT id, language, display_name FROM agency WHERE id {among()}"  # noqa: S608
    read = await fetch(sql, [list(agencies)])
    words = {
        as_id(row["id"]): {"language": row["language"], "sender": row["display_name"]}
        for row in read
    }
    return [
        replace(saying, data={**(saying.data or {}), **words[saying.agency_id]})
        if saying.resort_id is not None and saying.agency_id in words
        else saying
        for saying in sayings
    ]


async def enclose(message_id: UUID, what: Attachment) -> None:
    """Send a file along with a message, in the transaction that queued it."""
    await Enclosure.create(
        message_id=message_id,
        name=what.name,
        media_type=what.media_type,
        content=what.content,
    )


def _rows(saying: Saying, ways: dict[UUID, Ways], now: datetime) -> list[dict[str, Any]]:
    recipients = (saying.person_id, saying.last_resort, saying.resort_id, saying.outsider_id)
    assert sum(recipient is not None for recipient in recipients) == 1, "to one of them"
    if saying.outsider_id is not None:
        assert saying.channel is not None
        return [_row(saying, saying.channel, str(saying.outsider_id), now)]
    if saying.resort_id is not None:
        assert saying.channel is not None
        return [_row(saying, saying.channel, str(saying.resort_id), now)]
    if saying.person_id is None:
        return [_row(saying, "last_resort", f"last-resort-{saying.last_resort}", now)]
    to_key = str(saying.person_id)
    if saying.channel is not None:
        return [_row(saying, saying.channel, to_key, now)]
    way = ways.get(saying.person_id, NOWHERE)
    # A person without a proven address is out of reach. The worker reports it, and tries the other
    # addresses too.
    channels = way.proven or (NONE,)
    if saying.by_all:
        return [_row(saying, channel, to_key, now) for channel in (*channels, *way.unproven)]
    nth = min(saying.nth, len(channels) - 1)
    last = nth + 2 if way.is_unseen and channels[nth] == PUSH else nth + 1
    return [_row(saying, channel, to_key, now) for channel in channels[nth:last]]


def _row(saying: Saying, channel: str, to_key: str, now: datetime) -> dict[str, Any]:
    data, ready_at = saying.data, max(now, saying.not_before or now)
    if channel in _inbound and saying.kind in ANSWERED and saying.person_id is not None:
        data = {**(data or {}), "reply": encryption.new_code(CODE_LENGTH)}
    if channel in _inbound and channel != EMAIL and "asks" in (data or {}):
        data = {**(data or {}), "by_numbers": (data or {})["asks"]}
    return {
        "id": uuid7(),
        "agency_id": saying.agency_id,
        "person_id": saying.person_id,
        "last_resort": saying.last_resort,
        "resort_id": saying.resort_id,
        "to_key": to_key,
        "channel": channel,
        "kind": saying.kind.value,
        "subject_kind": saying.subject_kind,
        "subject_id": saying.subject_id,
        "rung": saying.rung,
        "turn": saying.turn,
        "child_id": saying.child_id,
        "together": saying.together,
        "data": data,
        "urgency": saying.urgency,
        "queued_at": now,
        "ready_at": ready_at,
        "expires_at": saying.expires_at,
        "state": "waiting",
        "next_action_at": max(ready_at, saying.taken_at or ready_at),
        "attempts": 0,
        "why": saying.why,
    }


async def withdraw(
    subjects: Collection[UUID],
    why: str,
    now: datetime,
    *,
    kinds: Iterable[Kind] | None = None,
    person_id: UUID | None = None,
    but: UUID | None = None,
) -> None:
    """What these messages were about is settled: whatever of these kinds has not gone out stays in;
    with a person, only what is to them; but for what is to a person who is to read it still.

    In the transaction that settles it. A message that a worker is sending in this moment may still
    arrive; its row says that it was withdrawn all the same.
    """
    if not subjects:
        return
    statement = Statement()
    which = f"subject_id {statement.among(subjects)} AND state IN ('waiting', 'sending')"
    if kinds is not None:
        which += f" AND kind IN ({', '.join(statement.of(kind.value) for kind in kinds)})"
    if person_id is not None:
        which += f" AND person_id = {statement.of(person_id)}"
    if but is not None:
        which += f" AND (person_id IS NULL OR person_id <> {statement.of(but)})"
    sql = f"SELECT id, child_id, kind, channel FROM message WHERE {which}"  # noqa: S608
    # Most often there is nothing.
    if not (rows := await fetch(sql, statement.params)):
        return
    await lock([as_id(row["id"]) for row in rows])
    # Select all of them again: a worker that had one of these may have gone on by another channel.
    await fetch(
        "UPDATE message SET state = 'withdrawn', next_action_at = NULL, leased_by = NULL,"  # noqa: S608
        f" done_at = {statement.moment(now)}, why = {statement.of(why)} WHERE {which}",
        statement.params,
    )
    if is_writing():
        after_commit(partial(log_withdrawn, [_logged(row) for row in rows], why))


def _logged(row: dict[str, Any]) -> tuple[UUID, UUID | None, str, str]:
    child_id = None if row["child_id"] is None else as_id(row["child_id"])
    return as_id(row["id"]), child_id, row["kind"], row["channel"]


async def set_aside(subjects: Collection[UUID], now: datetime) -> None:
    """Withdrawn messages about these may have to be sent again: the old rows stay as they were, and
    make room. In the caller's transaction."""
    # Messages are unique by turn. A real turn is never below zero, so this one is free.
    await Message.filter(subject_id__in=list(subjects), state="withdrawn", turn__gte=0).update(
        turn=-int(now.timestamp())
    )


async def lock(ids: Collection[UUID], *, waits: bool = True) -> set[UUID]:
    """Lock these messages in one order, so that a worker that marks them and an answer that
    withdraws them wait for each other instead of a deadlock. Returns the locked ones: fewer only
    with `waits=False`. SQLite has one writer anyway.

    No stronger lock than the update itself: a write to the log of attempts locks the message as its
    parent.
    """
    if dialect() == "sqlite":
        return set(ids)
    sql = "SELECT id FROM message WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
    rows = await fetch(sql if waits else f"{sql} SKIP LOCKED", [list(ids)])
    return {as_id(row["id"]) for row in rows}


async def next_channel(
    subject_id: UUID,
    kinds: Iterable[Kind],
    now: datetime,
    *,
    not_before: datetime | None = None,
) -> list[UUID]:
    """Send again, by the next channel, what has gone out about this subject and nobody answered.

    Accepted is not seen: people with a further channel get the message by it, unless they already
    did.
    """
    sent = await Message.filter(
        subject_id=subject_id, kind__in=[kind.value for kind in kinds], person_id__isnull=False
    ).order_by("id")
    latest = {message.person_id: message for message in sent if message.person_id is not None}
    used = {(m.person_id, m.turn, m.rung, m.channel) for m in sent}
    ways = await ways_of(latest.keys(), now)
    sayings = []
    for person_id, message in latest.items():
        for channel in ways.get(person_id, NOWHERE).after(message.channel):
            if (person_id, message.turn, message.rung, channel) not in used:
                saying = again(message, channel=channel)
                sayings.append(replace(saying, not_before=not_before))
                break
    return await queue(sayings, now)


def again(message: Message, *, channel: str | None = None, to: Recipient | None = None) -> Saying:
    """The same to the same person by another channel, or to a last resort in their place."""
    to = to or Recipient(person_id=message.person_id, channel=channel)
    return Saying(
        kind=Kind(message.kind),
        agency_id=message.agency_id,
        subject_kind=message.subject_kind,
        subject_id=message.subject_id,
        rung=message.rung,
        turn=message.turn,
        child_id=message.child_id,
        urgency=message.urgency,
        expires_at=message.expires_at,
        data={k: v for k, v in (message.data or {}).items() if k not in _OF_ONE} or None,
        together=message.together,
        **to.as_fields(),
    )


# Of one message alone: its code for an answer, and the words of an agency's own last resort.
_OF_ONE = frozenset({"reply", "by_numbers", "language", "sender"})
