"""Whether messages arrive: receipts of devices, and test alarms that people confirm."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from server.audit.actions import Actor, note
from server.errors import NotFound, Refused
from server.i18n import N_
from server.notify.actions import Saying, queue
from server.notify.contact_routes import NOWHERE, ways_of
from server.notify.models import Address, Delivery, Message
from server.notify.rules import PUSH, Kind
from server.security import encryption
from server.storage.db import write
from server.storage.ids import uuid7

# What a receipt's token is signed for.
RECEIPT = "receipt"
# What the link in a test message is signed for.
ARRIVED = "arrived"


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
    ids = await _sent_as_one(delivery, await Message.get(id=delivery.message_id))
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


async def _sent_as_one(delivery: Delivery, message: Message) -> list[UUID]:
    """The messages that this device got with it: those of one envelope were begun in one moment."""
    if message.together is None:
        return [message.id]
    begun = Delivery.filter(address_id=delivery.address_id, started_at=delivery.started_at)
    others = Message.filter(
        id__in=await begun.values_list("message_id", flat=True),
        together=message.together,
        kind=message.kind,
    )
    return [message.id, *(other.id for other in await others.only("id"))]


async def send_test(actor: Actor, person_id: UUID, now: datetime) -> list[UUID]:
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
