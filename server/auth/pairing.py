"""A child's phone: invitations, pairing, and blocking a device. The actions that write.

rate_limit.py counts guesses.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from tortoise.expressions import F, Q

from server.audit.actions import Actor, note
from server.auth.models import Device, Invite
from server.auth.rate_limit import count_guess, forget_guesses, tell_refused
from server.auth.rules import (
    CODE_LASTS,
    INVITE_LASTS,
    LONGEST_LABEL,
    LOST_ANSWER,
    NAME_LENGTH,
    PAIR_BY_NETWORK,
    SECRET_LENGTH,
    WRONG_SECRETS,
    Door,
    Ended,
    InviteEnded,
    network_of,
    split_code,
)
from server.auth.sessions import Opened, end_sessions, open_session
from server.errors import Conflict, IdReused, NotFound, Refused
from server.i18n import N_
from server.notify.addresses import drop_device
from server.people.events import Happening, happened
from server.people.models import Person
from server.people.rules import Role
from server.security import encryption
from server.storage.db import swapped, write

# How often a name of three characters is drawn again when a live invitation has it already.
DRAWS = 20


class Invitation(msgspec.Struct, frozen=True):
    """A code to hand over. It is nowhere else: the row holds a hash of its secret."""

    code: str
    expires_at: datetime


def link_to(public_url: str, code: str) -> str:
    """What opens the app with the code filled in. After the #, so that no server is told it."""
    return f"{public_url}/app/#pair={code}"


async def invite(
    actor: Actor, person: Person, *, replace: bool = False, now: datetime
) -> Invitation:
    """A code for a child's phone, valid once, for 24 hours. The child's earlier code ends.

    `replace`: the phone was lost, so all phones of the child are blocked now, in the same step.
    """
    async with write():
        if replace:
            for device in await Device.filter(person_id=person.id, shut_out_at__isnull=True):
                await shut_out(actor, device, now)
        return await _new_invite(actor, person, INVITE_LASTS, now)


async def own_code(actor: Actor, now: datetime) -> Invitation:
    """A code from a paired device for another device of the same person, good for 15 minutes."""
    assert actor.id is not None
    person = await Person.get(id=actor.id)
    async with write():
        return await _new_invite(actor, person, CODE_LASTS, now)


async def pair(code: str, device_id: UUID, label: str | None, host: str, now: datetime) -> Opened:
    """Pair a device with the person of an invitation.

    A code works once. The same code from the same device within 15 minutes means that the answer
    got lost: we give a new token, and the earlier one stops working. Five wrong secrets burn a
    code. Raises TooMany, NotFound (code `code_wrong`, the same for every reason), IdReused.
    """
    guess = await count_guess(Door.PAIR, [(f"network {network_of(host)}", PAIR_BY_NETWORK)], now)
    # A wrong secret is counted, so the count must be committed: the fault is raised outside.
    async with write():
        opened = await _pair(code, device_id, label, now)
        if not isinstance(opened, IdReused | NotFound):
            await forget_guesses(guess)
    if isinstance(opened, IdReused | NotFound):
        raise opened
    return opened


async def _pair(
    code: str, device_id: UUID, label: str | None, now: datetime
) -> Opened | NotFound | IdReused:
    parts = split_code(encryption.normalise_code(code))
    invite = await _find_invite(*parts, device_id, now) if parts is not None else None
    if invite is None:
        tell_refused(Door.PAIR, None)
        return NotFound(
            N_("This code doesn't work. Check all 8 characters, or ask for a new one."),
            code="code_wrong",
            field="code",
        )
    device = await Device.get_or_none(id=device_id)
    if device is not None and device.person_id != invite.person_id:
        return IdReused(N_("This ID belongs to another phone."), field="device.id")
    if invite.used_at is None:
        swapped(
            await Invite.filter(id=invite.id, ended_at__isnull=True).update(
                used_at=now, used_by_device=device_id, ended_at=now, ended_why=InviteEnded.USED
            )
        )
    person = await Person.get(id=invite.person_id)
    await _pair_device(person, device_id, label, now)
    token, session = await open_session(person, device_id=device_id, now=now)
    actor = Actor(person.id, person.role, person.agency_id, device_id)
    await note(
        actor,
        "device:pair",
        child_id=person.id,
        about=("device", device_id),
        why="lost_answer" if invite.used_at else None,
        now=now,
    )
    return Opened(token, person, session.id)


async def _find_invite(name: str, secret: str, device_id: UUID, now: datetime) -> Invite | None:
    """The invitation that this code opens now. Counts a wrong secret, and burns at the fifth."""
    # Locked, so that guesses at once are heard one after the other.
    rows = await (
        Invite.filter(Q(ended_at__isnull=True) | Q(used_at__gt=now - LOST_ANSWER), name=name)
        .order_by("id")
        .select_for_update()
    )
    for row in rows:
        if row.ended_at is None and row.expires_at <= now:
            await _end_invite(row, InviteEnded.EXPIRED, now)
            row.ended_at = now
    right = [row for row in rows if _is_secret(row, name, secret)]
    for row in right:
        is_lost_answer = row.used_at is not None and row.used_by_device == device_id
        if row.ended_at is None or is_lost_answer:
            return row
    for row in rows:
        if row.ended_at is None:
            await Invite.filter(id=row.id).update(wrong=F("wrong") + 1)
            if row.wrong + 1 >= WRONG_SECRETS:
                await _end_invite(row, InviteEnded.BURNED, now)
    return None


def _is_secret(invite: Invite, name: str, secret: str) -> bool:
    # Under the keyring, since 25 bits alone would be found by trying them all.
    indexes = encryption.current().blinds(f"invite {name} {secret}")
    return any(hmac.compare_digest(index, invite.secret_hash) for index in indexes)


async def _pair_device(person: Person, device_id: UUID, label: str | None, now: datetime) -> None:
    """The device as it is after pairing: new, or known and let in again. Old sessions of it end."""
    await end_sessions(Q(device_id=device_id), Ended.REPLACED, now)
    shown = " ".join((label or "").split())[:LONGEST_LABEL] or None
    updated = await Device.filter(id=device_id).update(
        label=shown, paired_at=now, last_seen_at=now, shut_out_at=None, shut_out_by=None
    )
    if updated:
        return
    has_another = await Device.filter(person_id=person.id).exists()
    await Device.create(
        id=device_id,
        agency_id=person.agency_id,
        person_id=person.id,
        label=shown,
        paired_at=now,
        last_seen_at=now,
    )
    if has_another:
        actor = Actor(person.id, person.role, person.agency_id, device_id)
        await happened(actor, person.id, Happening.NEW_PHONE, now, about=device_id)


async def _new_invite(actor: Actor, person: Person, lasts: timedelta, now: datetime) -> Invitation:
    if person.role != Role.CHILD or person.disabled_at is not None:
        raise Refused(N_("Only a child's phone can be paired."), field="child")
    await end_invites(person.id, InviteEnded.REPLACED, now)
    await Invite.filter(ended_at__isnull=True, expires_at__lte=now).update(
        ended_at=now, ended_why=InviteEnded.EXPIRED
    )
    name = await _free_name()
    secret = encryption.new_code(SECRET_LENGTH)
    row = await Invite.create(
        agency_id=person.agency_id,
        person_id=person.id,
        name=name,
        secret_hash=encryption.blind(f"invite {name} {secret}"),
        made_by=actor.id,
        made_at=now,
        expires_at=now + lasts,
    )
    await note(
        actor,
        "invite:make",
        child_id=person.id,
        about=("invite", row.id),
        agency_id=person.agency_id,
        now=now,
    )
    return Invitation(name + secret, row.expires_at)


async def _free_name() -> str:
    for _ in range(DRAWS):
        name = encryption.new_code(NAME_LENGTH)
        if not await Invite.exists(name=name, ended_at__isnull=True):
            return name
    raise Conflict(N_("Too many invitations are open. Try again."))


# --- devices


async def shut_out(actor: Actor, device: Device, now: datetime) -> None:
    """Block this phone and send it nothing. Twice: the first time counts."""
    async with write():
        if await shut(actor, device.id, Ended.SHUT_OUT, now):
            await note(
                actor,
                "device:shut_out",
                child_id=device.person_id,
                about=("device", device.id),
                agency_id=device.agency_id,
                now=now,
            )


async def device_of(person_id: UUID, device_id: UUID) -> Device:
    """A device of this person. Raises NotFound for a device of another person."""
    device = await Device.get_or_none(id=device_id, person_id=person_id)
    if device is None:
        raise NotFound(N_("This phone does not exist."))
    return device


async def devices_of(person_id: UUID) -> Sequence[Device]:
    """The phones that are let in, the latest paired first."""
    return await Device.filter(person_id=person_id, shut_out_at__isnull=True).order_by(
        "-paired_at", "id"
    )


async def shut(actor: Actor, device_id: UUID, why: Ended, now: datetime) -> bool:
    """End the device, its sessions and its messages; returns whether it was active until now."""
    done = await Device.filter(id=device_id, shut_out_at__isnull=True).update(
        shut_out_at=now, shut_out_by=actor.id
    )
    await end_sessions(Q(device_id=device_id), why, now)
    await drop_device(device_id, now)
    return done == 1


async def end_invites(person_id: UUID, why: InviteEnded, now: datetime) -> None:
    """What was handed out for this person opens nothing any more."""
    await Invite.filter(person_id=person_id, ended_at__isnull=True).update(
        ended_at=now, ended_why=why
    )


async def _end_invite(invite: Invite, why: InviteEnded, now: datetime) -> None:
    await Invite.filter(id=invite.id, ended_at__isnull=True).update(ended_at=now, ended_why=why)
