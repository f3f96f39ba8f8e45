"""Queueing and withdrawing messages, and where people can be reached."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from tortoise.expressions import Q

from server.audit.actions import Actor, note
from server.errors import IdReused, NotFound, Refused
from server.i18n import N_
from server.notify.contact_routes import NOWHERE, Ways, ways_of
from server.notify.models import Address, Delivery, Enclosure, Message
from server.notify.refusals import BY_US
from server.notify.rules import NONE, PUSH, Attachment, Kind
from server.security import encryption
from server.storage import bulk
from server.storage.db import as_id, as_moment, dialect, fetch, write
from server.storage.ids import uuid7

# What a receipt's token is signed for.
RECEIPT = "receipt"
# What the link in a test message is signed for.
ARRIVED = "arrived"
# A message this far past its next attempt has no worker. The audit names at most this many.
LOST_AFTER, AUDITED = timedelta(minutes=2), 100
# A person adds few addresses; a phone that re-subscribes at every start replaces its own.
MOST_ADDRESSES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One message to one person about one subject.

    Unique by (subject, kind, rung, turn, person, channel): queueing it twice queues it once.
    `last_resort` is an index into WAYMARK_LAST_RESORT and replaces a person.
    """

    kind: Kind
    agency_id: UUID | None
    subject_kind: str
    subject_id: UUID
    person_id: UUID | None = None
    last_resort: int | None = None
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
    together: UUID | None = None  # Messages to one person with the same id go out as one.


# What an adult may answer by text, and by which channels answers come back to us.
ANSWERED = frozenset({Kind.ALERT, Kind.ALERT_AGAIN, Kind.ASK_CARER})
CODE_LENGTH = 4
_inbound: frozenset[str] = frozenset()


def use_inbound(channels: Iterable[str]) -> None:
    """Tell this room by which channels answers come back."""
    global _inbound
    _inbound = frozenset(channels)


# How many entries of WAYMARK_LAST_RESORT there are; each program sets it once at its start.
_last_resorts = 0
# Names what has no row of its own: faults of the installation, reported once an hour each.
_FAULTS = UUID("6b1f3a52-7f0e-4c58-9c1e-2f6d7f6f2f10")


def use_last_resorts(how_many: int) -> None:
    """Tell this room how many last resorts the installation has."""
    global _last_resorts
    _last_resorts = how_many


def last_resorts() -> int:
    """How many last resorts the installation has; each is called where nobody else can be."""
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
    rows = [row for saying in sayings for row in _rows(saying, ways, now)]
    return [as_id(key) for key in await bulk.insert(Message, rows, skip_known=True)]


async def enclose(message_id: UUID, what: Attachment) -> None:
    """Send a file along with a message, in the transaction that queued it."""
    await Enclosure.create(
        message_id=message_id,
        name=what.name,
        media_type=what.media_type,
        content=what.content,
    )


def _rows(saying: Saying, ways: dict[UUID, Ways], now: datetime) -> list[dict[str, Any]]:
    whom = (saying.person_id, saying.last_resort, saying.outsider_id)
    assert sum(recipient is not None for recipient in whom) == 1, "to one of them"
    if saying.outsider_id is not None:
        assert saying.channel is not None
        return [_row(saying, saying.channel, str(saying.outsider_id), now)]
    if saying.person_id is None:
        return [_row(saying, "last_resort", f"last-resort-{saying.last_resort}", now)]
    to_key = str(saying.person_id)
    if saying.channel is not None:
        return [_row(saying, saying.channel, to_key, now)]
    way = ways.get(saying.person_id, NOWHERE)
    # A person without a proven address is out of reach. The worker reports it, and tries the other
    # addresses too.
    channels = way.proven or (NONE,)
    nth = min(saying.nth, len(channels) - 1)
    last = nth + 2 if way.is_unseen and channels[nth] == PUSH else nth + 1
    return [_row(saying, channel, to_key, now) for channel in channels[nth:last]]


def _row(saying: Saying, channel: str, to_key: str, now: datetime) -> dict[str, Any]:
    data, ready_at = saying.data, max(now, saying.not_before or now)
    if channel in _inbound and saying.kind in ANSWERED and saying.person_id is not None:
        data = {**(data or {}), "reply": encryption.new_code(CODE_LENGTH)}
    return {
        "id": uuid7(),
        "agency_id": saying.agency_id,
        "person_id": saying.person_id,
        "last_resort": saying.last_resort,
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
        "next_action_at": ready_at,
        "attempts": 0,
    }


async def withdraw(
    subjects: Collection[UUID],
    why: str,
    now: datetime,
    *,
    kinds: Iterable[Kind] = tuple(Kind),
    person_id: UUID | None = None,
) -> None:
    """What these messages were about is settled: whatever of these kinds has not gone out stays in;
    with a person, only what is to them.

    In the transaction that settles it. A message that a worker is sending in this moment may still
    arrive; its row says that it was withdrawn all the same.
    """
    if not subjects:
        return
    unsent = Message.filter(
        subject_id__in=list(subjects),
        kind__in=[kind.value for kind in kinds],
        state__in=["waiting", "sending"],
    )
    if person_id is not None:
        unsent = unsent.filter(person_id=person_id)
    message_ids = [as_id(row) for row in await unsent.values_list("id", flat=True)]
    if message_ids:
        await lock(message_ids)
        # Select all of them again: a worker that had one of these may have gone on by another
        # channel.
        await unsent.update(
            state="withdrawn", next_action_at=None, leased_by=None, done_at=now, why=why
        )


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


async def waiting_together(
    ids: Collection[UUID], now: datetime, until: datetime
) -> dict[UUID, datetime]:
    """Of messages that go out as one: when those that wait for others by now are to go out."""
    rows = await fetch(_WAITS_UNTIL[dialect()], [list(set(ids)), now, until])
    return {as_id(row["id"]): as_moment(row["at"]) for row in rows if row["at"] is not None}


# The last of each, by the index from its end: thousands may wait, and each batch of a tick asks.
_WAITS_UNTIL = {
    kind: f"""
    SELECT {column} AS id, (
      SELECT next_action_at FROM message WHERE together = {column} AND next_action_at > $2
      AND next_action_at <= $3
      AND state = 'waiting' AND attempts = 0 ORDER BY next_action_at DESC LIMIT 1
    ) AS at FROM {those}
    """  # noqa: S608 (names of our own alone)
    for kind, column, those in (
        ("sqlite", "x.value", "json_each($1) AS x"),
        ("postgres", "x.id", "unnest($1::uuid[]) AS x(id)"),
    )
}


def again(
    message: Message, *, channel: str | None = None, last_resort: int | None = None
) -> Saying:
    """The same to the same person by another channel, or to a last resort in their place."""
    return Saying(
        kind=Kind(message.kind),
        agency_id=message.agency_id,
        subject_kind=message.subject_kind,
        subject_id=message.subject_id,
        person_id=message.person_id if last_resort is None else None,
        last_resort=last_resort,
        rung=message.rung,
        turn=message.turn,
        child_id=message.child_id,
        urgency=message.urgency,
        expires_at=message.expires_at,
        data={k: v for k, v in (message.data or {}).items() if k != "reply"} or None,
        channel=channel,
        together=message.together,
    )


async def told(subject_id: UUID, kinds: Iterable[Kind]) -> list[tuple[UUID | None, int | None]]:
    """Everyone who was or may have been sent a message about this subject: (person, None), or
    (None, index of a last resort).

    A message withdrawn in the middle of an attempt, or waiting for another try, may have arrived.
    """
    rows = (
        await Message.filter(
            subject_id=subject_id, kind__in=[kind.value for kind in kinds], attempts__gt=0
        )
        .exclude(state="withheld")
        .exclude(channel=NONE)
        .order_by("id")
        .values_list("person_id", "last_resort")
    )
    # A person outside the agency was asked, and hears nothing further.
    recipients = [(p, n) for p, n in rows if p is not None or n is not None]
    return list(dict.fromkeys((as_id(p) if p is not None else None, n) for p, n in recipients))


async def self_audit(now: datetime) -> list[UUID]:
    """Messages whose next attempt is long overdue: no worker takes them. A message that fails again
    and again is not among them, and shows in /health."""
    lost = (
        Message.filter(next_action_at__lt=now - LOST_AFTER)
        .order_by("next_action_at")
        .limit(AUDITED)
    )
    return [as_id(row) for row in await lost.values_list("id", flat=True)]


# --- addresses


async def add_address(
    actor: Actor,
    person_id: UUID,
    channel: str,
    value: str,
    *,
    keys: dict[str, str] | None = None,
    id: UUID | None = None,
    gives_receipts: bool = False,
    is_proven: bool = True,
    now: datetime,
) -> tuple[Address, bool]:
    """Remember where a person can be reached; returns the address, and whether it is new.

    The same address again refreshes its keys. A phone has one subscription: a new one of a device
    replaces the old one, and has to prove itself better first. `gives_receipts`: the device says
    that it tells us what it has shown. Raises Refused past the most addresses that one person may
    have, IdReused for an id that names another address.
    """
    index = encryption.blind(f"{channel}:{value}")
    async with write():
        live = Address.filter(person_id=person_id, dropped_at__isnull=True)
        existing = await live.filter(channel=channel, value_index=index).first()
        if existing is not None:
            existing.keys, existing.device_id = keys, actor.device_id
            if gives_receipts and existing.receipts_since is None:
                existing.receipts_since = now
            await existing.save(update_fields=["keys", "device_id", "receipts_since"])
            return existing, False
        if id is not None and await Address.filter(id=id).exists():
            raise IdReused("This ID already exists, with different content.")
        before: Address | None = None
        if actor.device_id is not None and channel == PUSH:
            before = await live.filter(device_id=actor.device_id, channel=PUSH).first()
            await _drop(Q(device_id=actor.device_id, channel=PUSH), "replaced", now)
        if await live.count() >= MOST_ADDRESSES:
            raise Refused("There are too many addresses. Remove one first.", field="address")
        row = {
            "id": id or uuid7(),
            "agency_id": actor.agency_id,
            "person_id": person_id,
            "channel": channel,
            "value": value,
            "value_index": index,
            "keys": keys,
            "device_id": actor.device_id,
            "made_at": now,
            "receipts_since": now if gives_receipts else None,
            "verified_at": now if is_proven else None,
            "unseen": 0,
        }
        if before is not None:
            row |= {
                "receipts_since": before.receipts_since or row["receipts_since"],
                "last_seen_at": before.last_seen_at,
                "unseen": before.unseen,
                "unseen_since": before.unseen_since,
            }
        if not await bulk.insert(Address, [row], skip_known=True):
            # The same tap twice in one moment: the other request has made it.
            return await live.get(channel=channel, value_index=index), False
        address = await Address.get(id=row["id"])
        await note(actor, "address:add", about=("address", address.id), names=[channel], now=now)
    return address, True


async def drop_address(actor: Actor, person_id: UUID, address_id: UUID, now: datetime) -> None:
    """Forget an address of this person, also one that a person typed and we gave up: its person has
    read that. Twice is once. Raises NotFound for another person's."""
    async with write():
        if not await Address.filter(id=address_id, person_id=person_id).exists():
            raise NotFound("This address does not exist.")
        read = Address.filter(id=address_id, dropped_why__in=BY_US).exclude(channel=PUSH)
        is_read = await read.update(dropped_why="by_person")
        if is_read or await _drop(Q(id=address_id), "by_person", now):
            await note(actor, "address:drop", about=("address", address_id), now=now)


async def drop_device(device_id: UUID, now: datetime) -> None:
    """A device was blocked: nothing is sent to it any more. In the caller's transaction."""
    await _drop(Q(device_id=device_id), "shut_out", now)


async def drop_addresses(person_id: UUID, now: datetime) -> None:
    """A person has left: nothing is sent to them any more. In the caller's transaction."""
    await _drop(Q(person_id=person_id), "left", now)


async def _drop(which: Q, why: str, now: datetime) -> int:
    return await Address.filter(which, dropped_at__isnull=True).update(
        dropped_at=now, dropped_why=why
    )


async def receipt(
    person_id: UUID, message_id: UUID, now: datetime, *, device_id: UUID | None = None
) -> None:
    """A device of this person has shown this message. For another person's message, or twice,
    nothing happens."""
    async with write():
        if not await Message.filter(id=message_id, person_id=person_id).exists():
            return
        sent = Delivery.filter(message_id=message_id, result="accepted", seen_at__isnull=True)
        if device_id is not None:
            own = await Address.filter(device_id=device_id).values_list("id", flat=True)
            sent = sent.filter(address_id__in=own)
        for delivery in await sent.order_by("address_id"):
            await _shown(delivery, now)


async def shown(token: str, at: datetime | None, now: datetime) -> None:
    """A device has shown the push with this token, `at` a moment of its own clock. Twice is once;
    an unknown token changes nothing."""
    try:
        delivery_id = UUID(encryption.unsign(token, RECEIPT))
    except encryption.Unreadable:
        return
    async with write():
        delivery = await Delivery.get_or_none(id=delivery_id, seen_at__isnull=True)
        if delivery is not None:
            # Never before it was sent, nor in the future: clocks of phones are wrong.
            await _shown(delivery, min(max(at or now, delivery.started_at), now))


async def _shown(delivery: Delivery, at: datetime) -> None:
    """One delivery was shown, and with it all that went out as one with it."""
    # Lock the address first, as a worker does: a worker that logs this very attempt waits, or we
    # do.
    address = await Address.filter(id=delivery.address_id).select_for_update().first()
    if address is None:
        return
    ids = await _sent_as_one(await Message.get(id=delivery.message_id))
    await (
        Delivery.filter(message_id__in=ids, address_id=address.id, seen_at__isnull=True)
        .exclude(result="withheld")
        .update(seen_at=at)
    )
    await Message.filter(id__in=ids, seen_at__isnull=True).update(seen_at=at)
    seen_at = max(at, address.last_seen_at or at)
    # A late receipt says nothing about pushes sent after the device gave it.
    unseen = (
        await Delivery.filter(
            address_id=address.id, result="accepted", seen_at__isnull=True, started_at__gt=seen_at
        )
        .order_by("started_at")
        .values_list("started_at", flat=True)
    )
    await Address.filter(id=address.id).update(
        last_seen_at=seen_at, unseen=len(unseen), unseen_since=unseen[0] if unseen else None
    )


async def _sent_as_one(message: Message) -> list[UUID]:
    if message.together is None:
        return [message.id]
    others = Message.filter(
        person_id=message.person_id,
        together=message.together,
        kind=message.kind,
        rung=message.rung,
        turn=message.turn,
        channel=message.channel,
        state__in=["sending", "done"],
    )
    return [message.id, *(other.id for other in await others.only("id"))]


async def test_message(actor: Actor, person_id: UUID, now: datetime) -> list[UUID]:
    """Send the caller a test alarm: one message on every channel that reaches them.

    Raises Refused where there is none.
    """
    return await try_ways(actor, person_id, None, now)


async def try_ways(actor: Actor, person_id: UUID, channel: str | None, now: datetime) -> list[UUID]:
    """A test alarm, for the caller or another person: by all of this person's ways, or by one of
    them.

    Raises Refused where there is none.
    """
    async with write():
        channels = (await ways_of({person_id}, now)).get(person_id, NOWHERE).every
        if channel is not None:
            channels = tuple(name for name in channels if name == channel)
        if not channels and actor.id != person_id:
            raise Refused(N_("This person has not set up this channel yet."), field="person_id")
        if not channels:
            raise Refused("We cannot reach you yet. Allow messages or add an address.")
        subject = uuid7()
        sayings = [
            Saying(
                kind=Kind.TEST,
                agency_id=actor.agency_id,
                subject_kind="test",
                subject_id=subject,
                person_id=person_id,
                urgency="high",
                expires_at=now + timedelta(minutes=15),
                channel=channel,
                data={"path": f"/arrived/{encryption.sign(f'{subject}.{channel}', ARRIVED)}"},
            )
            for channel in channels
        ]
        ids = await queue(sayings, now)
        await note(actor, "message:test", about=("test", subject), names=list(channels), now=now)
    return ids


async def read_arrived(token: str) -> Message:
    """The test message of this link. Raises NotFound for one that is not ours."""
    try:
        subject, _, channel = encryption.unsign(token, ARRIVED).partition(".")
        query = Message.filter(subject_id=UUID(subject), kind=Kind.TEST.value, channel=channel)
        message = await query.prefetch_related("person__agency").first()
    except (encryption.Unreadable, ValueError):
        message = None
    if message is None:
        raise NotFound(N_("This link no longer works."))
    return message


async def arrived(token: str, now: datetime) -> Message:
    """A person says that a test message has arrived. Twice is once. Raises NotFound."""
    async with write():
        message = await read_arrived(token)
        await was_read([message.id], now)
        return message


async def was_read(ids: Collection[UUID], now: datetime) -> None:
    """A person has answered these messages: they were seen, whichever channel brought them. In the
    caller's transaction."""
    await Message.filter(id__in=list(ids), seen_at__isnull=True).update(seen_at=now)
    unseen = Delivery.filter(message_id__in=list(ids), seen_at__isnull=True)
    await unseen.exclude(result="withheld").update(seen_at=now)


async def try_push(actor: Actor, person_id: UUID, address_id: UUID, now: datetime) -> None:
    """Send one push to one device of this person; its receipt shows that pushes arrive there.
    Several within a minute are one. Raises NotFound for another person's, or one that is gone."""
    async with write():
        device = Address.filter(
            id=address_id, person_id=person_id, channel=PUSH, dropped_at__isnull=True
        )
        if not await device.exists():
            raise NotFound("This address does not exist.")
        saying = Saying(
            kind=Kind.TRY_PUSH,
            agency_id=actor.agency_id,
            subject_kind="device",
            subject_id=address_id,
            turn=int(now.timestamp() // 60),
            person_id=person_id,
            urgency="high",
            expires_at=now + timedelta(minutes=15),
            channel=PUSH,
        )
        if await queue([saying], now):
            await note(actor, "message:test", about=("address", address_id), names=[PUSH], now=now)
