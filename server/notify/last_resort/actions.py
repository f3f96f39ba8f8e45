"""An agency's own last resort: entering an address, proving it, removing it.

What is asked of an address here is what is asked of every address (address_verification.py).
"""

from datetime import datetime
from uuid import UUID

from tortoise.queryset import QuerySet

from server.audit.actions import Actor, note
from server.errors import NotFound, Refused
from server.i18n import N_
from server.notify import address_verification as proof
from server.notify.addresses import AddAddress
from server.notify.models import Address
from server.notify.refusals import BY_US
from server.storage import bulk
from server.storage.db import dialect, fetch, write
from server.storage.ids import uuid7

# More than these are no last resort but a rota.
MOST = 5


async def enter(actor: Actor, channel: str, value: str, now: datetime) -> Address:
    """Keep this address for the actor's agency, and send a code there. A known address stays as it
    is. Raises Refused past the most addresses, TooMany past the most codes."""
    assert actor.agency_id is not None
    new = AddAddress(channel=channel, value=value, is_proven=False)
    async with write():
        await _lock_agency(actor.agency_id)
        live = Address.filter(
            agency_id=actor.agency_id, person_id__isnull=True, dropped_at__isnull=True
        )
        existing = await live.filter(channel=channel, value_index=new.index).first()
        if existing is not None:
            return existing
        if await live.count() >= MOST:
            raise Refused(N_("There are too many addresses. Remove one first."), field="address")
        id_ = uuid7()
        row = {
            "id": id_,
            "agency_id": actor.agency_id,
            "person_id": None,
            "channel": channel,
            "value": value,
            "value_index": new.index,
            "made_at": now,
        }
        await bulk.insert(Address, [row])
        about = ("address", id_)
        await note(actor, "last_resort:add", about=about, names=[channel], now=now)
        address = await Address.get(id=id_)
        await proof.send(actor, address, now)
    return address


async def send_code(actor: Actor, address_id: UUID, now: datetime) -> bool:
    """As for every address. Raises NotFound for another agency's, TooMany past the most codes."""
    await _check(actor, address_id)
    return await proof.send_code(actor, None, address_id, now)


async def prove(actor: Actor, address_id: UUID, code: str, now: datetime) -> None:
    """As for every address. Raises NotFound for another agency's, Refused for a wrong code."""
    await _check(actor, address_id)
    await proof.prove(actor, None, address_id, code, now)


async def drop(actor: Actor, address_id: UUID, now: datetime) -> None:
    """Stop calling it; also one that we gave up: its agency has read that. Twice is once. Raises
    NotFound for another agency's."""
    async with write():
        rows = await _check(actor, address_id)
        read = await rows.filter(dropped_why__in=BY_US).update(dropped_why="by_person")
        live = rows.filter(dropped_at__isnull=True)
        if read or await live.update(dropped_at=now, dropped_why="by_person"):
            await note(actor, "last_resort:drop", about=("address", address_id), now=now)


async def _check(actor: Actor, address_id: UUID) -> QuerySet[Address]:
    rows = Address.filter(id=address_id, agency_id=actor.agency_id, person_id__isnull=True)
    if not await rows.exists():
        raise NotFound(N_("This address does not exist."))
    return rows


async def _lock_agency(agency_id: UUID) -> None:
    """The same form twice in one moment makes one address. SQLite has one writer anyway."""
    if dialect() == "postgres":
        await fetch("SELECT id FROM agency WHERE id = $1 FOR NO KEY UPDATE", [agency_id])
