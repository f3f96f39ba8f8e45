"""An address counts once a person has answered from there: by a code, or by the link beside it."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q

from server.audit.actions import Actor, note
from server.errors import NotFound, Refused, TooMany
from server.i18n import N_
from server.notify.actions import Saying, queue
from server.notify.addresses import AddAddress, add_address
from server.notify.arrivals import was_read
from server.notify.contact_routes import way_appeared
from server.notify.models import Address, Message
from server.notify.rules import Kind
from server.security import encryption
from server.storage.db import write

LASTS = timedelta(minutes=30)
AGAIN_AFTER = timedelta(minutes=1)
# A caller who enters other people's numbers must not have them called all day.
MOST_CODES, WITHIN = 10, timedelta(days=1)
MOST_WRONG = 5
_CODES = {"waiting": "waiting", "sending": "waiting", "done": "sent"}
# What the link beside a code is signed for.
PROOF = "address"


async def enter_address(
    actor: Actor, person_id: UUID, channel: str, value: str, now: datetime
) -> Address:
    """Keep an address that a person typed, and send a code there. A known address stays as it is.
    Raises Refused past the most addresses, TooMany past the most codes."""
    async with write():
        address, is_new = await add_address(
            actor, person_id, AddAddress(channel=channel, value=value, is_proven=False), now
        )
        if is_new:
            await send(actor, address, now)
        return address


async def send_code(actor: Actor, person_id: UUID | None, address_id: UUID, now: datetime) -> bool:
    """Send another code, since the last one got lost; the last one stops working. Within a minute
    it is the same code. False where the address needs none. Without a person, the address is an
    agency's own last resort. Raises NotFound for another person's address, TooMany past the
    most."""
    async with write():
        address = await _locked(address_id, person_id)
        if address.has_answered:
            return False
        if address.code_made_at is None or now - address.code_made_at >= AGAIN_AFTER:
            await send(actor, address, now)
    return True


async def codes_of(addresses: Collection[Address]) -> dict[UUID, str]:
    """What became of the latest code to each of these: `waiting`, `sent`, `lost`, or `gone` where
    its message is not there: none was asked for, or it was swept."""
    turns = {address.id: address.code_turn for address in addresses if not address.has_answered}
    messages = await Message.filter(subject_id__in=list(turns), kind=Kind.VERIFY.value)
    became = {
        message.subject_id: _CODES.get(message.state, "lost")
        for message in messages
        if message.turn == turns[message.subject_id]
    }
    return dict.fromkeys(turns, "gone") | became


async def prove(
    actor: Actor, person_id: UUID | None, address_id: UUID, code: str, now: datetime
) -> None:
    """Enter the code that arrived there. Twice is once. Raises NotFound for another person's
    address, Refused for a wrong code, or one that is over; each guess counts."""
    async with write():
        address = await _locked(address_id, person_id)
        if address.has_answered:
            return
        fault = _fault(address, code, now)
        if fault is None:
            await _proven(actor, address, now)
        elif _is_alive(address, now):
            await Address.filter(id=address.id).update(code_wrong=address.code_wrong + 1)
    # Outside the transaction: the guess has to be counted, also where it is refused.
    if fault is not None:
        raise Refused(fault, field="code")


async def read_link(token: str, now: datetime) -> Address:
    """The address that a link proves. Raises NotFound for one that is not ours, or is over."""
    try:
        id_, _, turn = encryption.unsign(token, PROOF, now).partition(".")
        address = await Address.get_or_none(id=UUID(id_), dropped_at__isnull=True)
    except (encryption.Unreadable, ValueError):
        address = None
    if address is None or str(address.code_turn) != turn:
        raise NotFound(N_("This link no longer works."))
    return address


async def prove_by_link(token: str, now: datetime) -> Address:
    """A person with the link reads what arrives there, so the address counts. Twice is once. Raises
    NotFound."""
    async with write():
        address = await read_link(token, now)
        address = await _locked(address.id, address.person_id)
        if not address.has_answered:
            await _proven(Actor(address.person_id, "link", address.agency_id), address, now)
        return await Address.get(id=address.id)


async def _locked(address_id: UUID, person_id: UUID | None) -> Address:
    live = Address.filter(_of(person_id), id=address_id, dropped_at__isnull=True)
    address = await live.select_for_update().first()
    if address is None:
        raise NotFound("This address does not exist.")
    return address


def _of(person_id: UUID | None) -> Q:
    return Q(person_id__isnull=True) if person_id is None else Q(person_id=person_id)


async def send(actor: Actor, address: Address, now: datetime) -> None:
    """Send a new code there, in the caller's transaction. Raises TooMany past the most."""
    lately = Message.filter(_of(address.person_id), kind=Kind.VERIFY.value)
    if address.person_id is None:
        lately = lately.filter(agency_id=address.agency_id)
    lately = lately.filter(queued_at__gt=now - WITHIN)
    if await lately.count() >= MOST_CODES:
        raise TooMany(
            N_("We have sent too many codes today. You can get another one tomorrow."),
            retry_after_s=int(WITHIN.total_seconds()),
        )
    code, turn = f"{secrets.randbelow(1_000_000):06}", address.code_turn + 1
    await Address.filter(id=address.id).update(
        code_hash=_hash(address.id, code), code_made_at=now, code_turn=turn, code_wrong=0
    )
    token = encryption.sign(f"{address.id}.{turn}", PROOF, until=now + LASTS)
    saying = Saying(
        kind=Kind.VERIFY,
        agency_id=address.agency_id,
        subject_kind="address",
        subject_id=address.id,
        turn=turn,
        person_id=address.person_id,
        resort_id=address.id if address.person_id is None else None,
        urgency="high",
        expires_at=now + LASTS,
        channel=address.channel,
        data={"code": code, "path": f"/reach/{token}"},
    )
    await queue([saying], now)
    await note(actor, "address:code", about=("address", address.id), now=now)


async def _proven(actor: Actor, address: Address, now: datetime) -> None:
    await Address.filter(id=address.id).update(
        verified_at=now,
        last_seen_at=now,
        code_hash=None,
        code_wrong=0,
        refused_at=None,
        refused_why=None,
    )
    # The person read the code: so they saw this message, and the whole way works.
    sent = Message.filter(subject_id=address.id, kind=Kind.VERIFY.value, turn=address.code_turn)
    ids = [message.id for message in await sent.only("id")]
    await was_read(ids, now)
    await note(actor, "address:proven", about=("address", address.id), now=now)
    await way_appeared(address.agency_id, now)


def _fault(address: Address, code: str, now: datetime) -> str | None:
    if not _is_alive(address, now):
        return N_("This code has expired. Ask for a new one.")
    if _hash(address.id, encryption.normalise_code(code)) != address.code_hash:
        return N_("That code is wrong. Check it, or ask for a new one.")
    return None


def _is_alive(address: Address, now: datetime) -> bool:
    made = address.code_made_at
    is_young = made is not None and now - made < LASTS
    return is_young and address.code_hash is not None and address.code_wrong < MOST_WRONG


def _hash(address_id: UUID, code: str) -> str:
    return encryption.blind(f"{PROOF}:{address_id}:{code}")
