"""Where people can be reached: adding addresses, and dropping them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.audit.actions import Actor, note
from server.audit.repeats import id_reused
from server.errors import NotFound, Refused, TooMany
from server.i18n import N_
from server.notify.contact_routes import way_appeared
from server.notify.models import Address
from server.notify.refusals import BY_US
from server.notify.rules import PUSH, is_a_way
from server.security import encryption
from server.storage import bulk
from server.storage.db import write
from server.storage.ids import uuid7

# A person adds few addresses; a phone that re-subscribes at every start replaces its own.
MOST_ADDRESSES = 20
# A phone makes a new address now and then, and each replaces the one before. More than so many are
# no phone's: they would only fill the table. What was dropped counts too.
MOST_A_DAY = 50


class AddAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A new address. `keys` are those of a push subscription. `gives_receipts`: the device says
    that it tells us what it has shown. `is_proven`: a person has answered from there."""

    channel: str
    value: str
    keys: dict[str, str] | None = None
    id: UUID | None = None
    gives_receipts: bool = False
    is_proven: bool = True

    @property
    def index(self) -> str:
        """The blind index by which the address is found."""
        return encryption.blind(f"{self.channel}:{self.value}")


async def add_address(
    actor: Actor, person_id: UUID, new: AddAddress, now: datetime
) -> tuple[Address, bool]:
    """Remember where a person can be reached; returns the address, and whether it is new.

    The same address again refreshes its keys. A phone has one subscription: a new one of a device
    replaces the old one, and has to prove itself better first. Raises Refused past the most
    addresses that one person may have, TooMany past the most in a day, IdReused for an id that
    names another address.
    """
    async with write():
        live = Address.filter(person_id=person_id, dropped_at__isnull=True)
        same = live.filter(channel=new.channel, value_index=new.index)
        existing = await same.first()
        if new.id not in (None, existing and existing.id):
            if await Address.filter(id=new.id).exists():
                raise id_reused()
        if existing is not None:
            await _refresh(existing, actor, new, now)
            return existing, False
        before = await _replace(actor, live, now) if new.channel == PUSH else None
        if await live.count() >= MOST_ADDRESSES:
            raise Refused("There are too many addresses. Remove one first.", field="address")
        made = Address.filter(person_id=person_id, made_at__gt=now - timedelta(days=1))
        if await made.count() >= MOST_A_DAY:
            wait = int(timedelta(hours=1).total_seconds())
            raise TooMany(N_("This was done too often. Try again in an hour."), retry_after_s=wait)
        row = _row(actor, person_id, new, before, now)
        if not await bulk.insert(Address, [row], skip_known=True):
            # The same tap twice in one moment: the other request has made it.
            return await same.get(), False
        address = await Address.get(id=row["id"])
        about = ("address", address.id)
        await note(actor, "address:add", about=about, names=[new.channel], now=now)
        if is_a_way(address.channel, address.verified_at):
            await way_appeared(address.agency_id, now)
    return address, True


async def _refresh(address: Address, actor: Actor, new: AddAddress, now: datetime) -> None:
    address.keys, address.device_id = new.keys, actor.device_id
    if new.gives_receipts and address.receipts_since is None:
        address.receipts_since = now
    await address.save(update_fields=["keys", "device_id", "receipts_since"])


async def _replace(actor: Actor, live: QuerySet[Address], now: datetime) -> Address | None:
    """Drop the device's former subscription, and return it."""
    if actor.device_id is None:
        return None
    before = await live.filter(device_id=actor.device_id, channel=PUSH).first()
    await _drop(Q(device_id=actor.device_id, channel=PUSH), "replaced", now)
    return before


def _row(
    actor: Actor, person_id: UUID, new: AddAddress, before: Address | None, now: datetime
) -> dict[str, Any]:
    row = {
        "id": new.id or uuid7(),
        "agency_id": actor.agency_id,
        "person_id": person_id,
        "channel": new.channel,
        "value": new.value,
        "value_index": new.index,
        "keys": new.keys,
        "device_id": actor.device_id,
        "made_at": now,
        "receipts_since": now if new.gives_receipts else None,
        "verified_at": now if new.is_proven else None,
        "unseen": 0,
    }
    if before is not None:
        row |= {
            "receipts_since": before.receipts_since or row["receipts_since"],
            "last_seen_at": before.last_seen_at,
            "unseen": before.unseen,
            "unseen_since": before.unseen_since,
        }
    return row


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
