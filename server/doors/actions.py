"""Coming in and being shut out: signing in, pairing, invitations, devices. The verbs that write.

How guesses are counted is in guessing.py.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import F, Q

from server import crypt
from server.audit.actions import Actor, note
from server.db import swapped, write
from server.doors import factors, passkeys
from server.doors.agents import Agent
from server.doors.guessing import count_guess, forget_guesses
from server.doors.halfway import OVER, end_halfway, find_halfway, open_halfway, tidy_halfways
from server.doors.models import Credential, Device, Guess, Invite, Session
from server.doors.passkeys import Purpose, Site
from server.doors.passwords import Passwords
from server.doors.rules import (
    CODE_LASTS,
    INVITE_LASTS,
    LONGEST_LABEL,
    LONGEST_PASSWORD,
    LOST_ANSWER,
    NAME_LENGTH,
    PAIR_BY_NETWORK,
    PASSWORD_BY_NAME,
    PASSWORD_BY_NETWORK,
    SECRET_LENGTH,
    WRONG_SECRETS,
    Door,
    Ended,
    InviteEnded,
    Proof,
    fold,
    is_good_password,
    is_sign_in_name,
    network_of,
    split_code,
)
from server.doors.sessions import open_session
from server.errors import Conflict, IdReused, NotFound, Refused, Unauthenticated
from server.i18n import N_
from server.notify.actions import drop_device
from server.people.access import Visitor
from server.people.actions import disable_person as disable_in_people
from server.people.models import Person
from server.people.rules import Role

# How often a name of three characters is drawn again when a live invitation has it already.
DRAWS = 20
NAME_TAKEN = N_("Somebody signs in with this name already.")


@dataclass(frozen=True, slots=True)
class Opened:
    """A door that opened: the token is shown this once."""

    token: str
    person: Person
    session_id: UUID


@dataclass(frozen=True, slots=True)
class HalfOpened:
    """The password was right, and a second key has to follow: the token leads on to it."""

    token: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code to hand over. It is nowhere else: the row holds a hash of its secret."""

    code: str
    expires_at: datetime


# --- passwords


async def sign_in(
    name: str,
    password: str,
    host: str,
    passwords: Passwords,
    now: datetime,
    *,
    agent: Agent = (None, None),
) -> Opened | HalfOpened:
    """A session for a member of staff; the half of one where a second key has to follow.

    Raises TooMany where this name, or this network, guessed too often; Unauthenticated, in the same
    words and after the same time, for an unknown name, a wrong password and somebody who left.
    """
    guess = await count_guess(
        Door.PASSWORD,
        [
            (f"name {fold(name)}", PASSWORD_BY_NAME),
            (f"network {network_of(host)}", PASSWORD_BY_NETWORK),
        ],
        now,
    )
    indexes = crypt.current().blinds(index_of(name))
    credential = await Credential.filter(name_index__in=indexes).first()
    stored = credential.password_hash if credential is not None else None
    is_right = await passwords.verify(stored, password[: LONGEST_PASSWORD + 1])
    person = None
    if credential is not None and is_right:
        person = await Person.get_or_none(id=credential.person_id, disabled_at__isnull=True)
    if credential is None or person is None:
        raise Unauthenticated(N_("This name and password do not belong together."))
    fresh = None
    if passwords.is_outdated(credential.password_hash):
        fresh = await passwords.hash(password)
    async with write():
        await forget_guesses(guess)
        if fresh is not None:
            await Credential.filter(
                id=credential.id, password_hash=credential.password_hash
            ).update(password_hash=fresh)
        if await factors.has_second(person.id):
            token, _ = await open_halfway(person.id, now)
            return HalfOpened(token)
        return await open_for(person, Proof.PASSWORD, agent, now)


async def sign_in_by_code(
    token: str | None, code: str, now: datetime, *, agent: Agent = (None, None)
) -> Opened:
    """The second half: a code of the app, or a recovery code.

    Raises Unauthenticated where the first half is over (code `halfway_over`), Refused for a code
    that does not count (`code_wrong`), TooMany.
    """
    half = await find_halfway(token, now)
    if half.person_id is None:
        raise Unauthenticated(OVER, code="halfway_over")
    async with factors.proved_by_code(half.person_id, code, now) as proof:
        await end_halfway(half, now)
        person = await Person.get(id=half.person_id)
        if proof is Proof.RECOVERY:
            await factors.tell(_actor(person), person.id, now)
        return await open_for(person, proof, agent, now)


async def sign_in_by_passkey(
    token: str | None,
    said: str,
    site: Site,
    now: datetime,
    *,
    agent: Agent = (None, None),
    at_night: UUID | None = None,
) -> Opened:
    """A passkey alone, or as the second half.

    `at_night`: whoever's device this was lately is about to open an alert, and gets a session that
    ends soon. Raises Unauthenticated where nothing was asked (code `halfway_over`), Refused (code
    `passkey_wrong`).
    """
    half = await find_halfway(token, now)
    purpose = Purpose.SIGN_IN if half.person_id is None else Purpose.SECOND
    key = await passkeys.answered(said, site, half.id, purpose, now, person_id=half.person_id)
    async with write():
        await end_halfway(half, now)
        person = await Person.get_or_none(id=key.person_id, disabled_at__isnull=True)
        if person is None:
            raise Unauthenticated(OVER, code="halfway_over")
        is_short = at_night == person.id
        return await open_for(person, Proof.PASSKEY, agent, now, is_short=is_short)


async def open_for(
    person: Person, proof: Proof, agent: Agent, now: datetime, *, is_short: bool = False
) -> Opened:
    """A session for somebody who has shown who they are, in the caller's transaction."""
    needs_key = proof is Proof.PASSWORD and await factors.lacks_key(person, now)
    token, session = await open_session(
        person, agent=agent, needs_key=needs_key, is_short=is_short, now=now
    )
    actor = _actor(person)
    about = ("session", session.id)
    await note(actor, "session:open", about=about, names=[proof.value], now=now)
    return Opened(token, person, session.id)


def _actor(person: Person) -> Actor:
    return Actor(person.id, person.role, person.agency_id)


async def prove_by_password(
    visitor: Visitor, password: str, passwords: Passwords, now: datetime
) -> None:
    """Somebody who is in shows once more that it is them.

    Raises Refused for a wrong password, and for whoever has a second key: then the password alone
    shows too little. TooMany.
    """
    if await factors.has_second(visitor.person_id):
        raise Refused(N_("Use your second key here; the password alone is not enough."))
    await _check_own_password(visitor.person_id, password, passwords, "password", now)
    await proved(visitor, Proof.PASSWORD, now)


async def prove_by_code(visitor: Visitor, code: str, now: datetime) -> None:
    """The same by a code. Raises Refused, TooMany."""
    async with factors.proved_by_code(visitor.person_id, code, now) as proof:
        await proved(visitor, proof, now)


async def prove_by_passkey(visitor: Visitor, said: str, site: Site, now: datetime) -> None:
    """The same by a passkey of one's own. Raises Refused."""
    holder, person_id = visitor.session_id, visitor.person_id
    await passkeys.answered(said, site, holder, Purpose.AGAIN, now, person_id=person_id)
    await proved(visitor, Proof.PASSKEY, now)


async def proved(visitor: Visitor, proof: Proof, now: datetime) -> None:
    """What is sealed is open to this session for some minutes."""
    async with write():
        await Session.filter(id=visitor.session_id).update(proved_at=now)
        about = ("session", visitor.session_id)
        await note(visitor, "session:prove", about=about, names=[proof.value], now=now)


async def _check_own_password(
    person_id: UUID, password: str, passwords: Passwords, field: str, now: datetime
) -> None:
    credential = await Credential.get_or_none(person_id=person_id)
    name = credential.name if credential else ""
    guess = await count_guess(Door.PASSWORD, [(f"name {fold(name)}", PASSWORD_BY_NAME)], now)
    stored = credential.password_hash if credential else None
    if not await passwords.verify(stored, password[: LONGEST_PASSWORD + 1]):
        raise Refused(N_("This is not the password that counts now."), field=field)
    await forget_guesses(guess)


async def sign_out(actor: Actor, session_id: UUID, now: datetime) -> None:
    """End this session. On a paired phone the phone leaves the list of devices with it."""
    async with write():
        ended = await Session.filter(id=session_id, ended_at__isnull=True).update(
            ended_at=now, ended_why=Ended.SIGNED_OUT
        )
        if ended and actor.device_id is not None:
            await _shut(actor, actor.device_id, Ended.SIGNED_OUT, now)
        if ended:
            await note(actor, "session:end", about=("session", session_id), now=now)


async def end_session(actor: Actor, session_id: UUID, now: datetime) -> None:
    """End a session of one's own from elsewhere. Twice: the first time stands. Raises NotFound for
    somebody else's."""
    async with write():
        session = await Session.get_or_none(id=session_id, person_id=actor.id)
        if session is None:
            raise NotFound(N_("You are not signed in there."))
        ended = await Session.filter(id=session_id, ended_at__isnull=True).update(
            ended_at=now, ended_why=Ended.ELSEWHERE
        )
        if ended:
            await note(actor, "session:end", about=("session", session_id), now=now)


async def end_other_sessions(actor: Actor, but: UUID, now: datetime) -> None:
    """End all others, those that have run out too: their devices are known no longer."""
    async with write():
        others = Q(person_id=actor.id) & ~Q(id=but)
        if await Session.filter(others, ended_at__isnull=True).exists():
            await _end_sessions(others, Ended.ELSEWHERE, now)
            await note(actor, "session:end_others", about=("session", but), now=now)


async def add_credential(
    actor: Actor, person: Person, name: str, password: str, passwords: Passwords, now: datetime
) -> None:
    """A name and a password for signing in. Raises Refused where somebody has the name already."""
    await store_credential(actor, person, name, await hashed(password, name, passwords), now)


async def store_credential(
    actor: Actor, person: Person, name: str, password_hash: str, now: datetime
) -> None:
    """The same with a password that was hashed before: no transaction waits for argon2."""
    if person.role == Role.CHILD:
        raise Refused(N_("A child needs no password: its phone is paired."), field="role")
    if not is_sign_in_name(name):
        raise Refused(
            N_("Enter a name of 1 to 64 characters to sign in with."), field="sign_in_name"
        )
    async with write():
        if await Credential.exists(name_index__in=crypt.current().blinds(index_of(name))):
            raise Refused(NAME_TAKEN, field="sign_in_name")
        try:
            async with write():
                await Credential.create(
                    person_id=person.id,
                    name=name,
                    name_index=crypt.blind(index_of(name)),
                    password_hash=password_hash,
                    changed_at=now,
                )
        except IntegrityError:
            # Somebody else took the name in the same moment.
            raise Refused(NAME_TAKEN, field="sign_in_name") from None
        await note(
            actor,
            "credential:add",
            about=("person", person.id),
            agency_id=person.agency_id,
            now=now,
        )


async def set_password(
    actor: Actor,
    person: Person,
    password: str,
    passwords: Passwords,
    *,
    but: UUID | None = None,
    now: datetime,
) -> None:
    """Another password. Every session of the person ends, except `but`, the one that asks."""
    credential = await Credential.get_or_none(person_id=person.id)
    if credential is None:
        raise Refused(N_("This person has no name to sign in with."))
    stored = await hashed(password, credential.name, passwords)
    async with write():
        await Credential.filter(id=credential.id).update(password_hash=stored, changed_at=now)
        others = Q(person_id=person.id) if but is None else Q(person_id=person.id) & ~Q(id=but)
        await _end_sessions(others, Ended.PASSWORD, now)
        await factors.end_halfways(person.id, now)
        await note(
            actor,
            "credential:change",
            about=("person", person.id),
            names=["password"],
            agency_id=person.agency_id,
            now=now,
        )


async def change_own_password(
    actor: Actor,
    person: Person,
    old: str,
    new: str,
    passwords: Passwords,
    *,
    session_id: UUID,
    now: datetime,
) -> None:
    """The same, by oneself, who knows the old one. Wrong old ones count as guesses."""
    await _check_own_password(person.id, old, passwords, "old", now)
    await set_password(actor, person, new, passwords, but=session_id, now=now)


async def disable_person(actor: Actor, agency_id: UUID, person_id: UUID, now: datetime) -> Person:
    """Somebody left: ties, sessions, devices and invitations end together, or none of them."""
    async with write():
        person = await disable_in_people(actor, agency_id, person_id, now)
        for device in await Device.filter(person_id=person.id, shut_out_at__isnull=True):
            await _shut(actor, device.id, Ended.DISABLED, now)
        await _end_sessions(Q(person_id=person.id), Ended.DISABLED, now)
        await factors.end_halfways(person.id, now)
        await _end_invites(person.id, InviteEnded.DISABLED, now)
    return person


# --- pairing


def link_to(public_url: str, code: str) -> str:
    """What opens the app with the code filled in. After the #, so that no server is told it."""
    return f"{public_url}/app/#pair={code}"


async def invite(
    actor: Actor, person: Person, *, replace: bool = False, now: datetime
) -> Invitation:
    """A code for a child's phone, good once, for 24 hours. The child's earlier one ends.

    `replace`: the phone was lost, so all phones of the child are shut out now, in the same step.
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
    got lost: a new token, and the earlier one counts no more. Five wrong secrets burn a code.
    Raises TooMany, NotFound (code `code_wrong`, the same for every reason), IdReused.
    """
    guess = await count_guess(Door.PAIR, [(f"network {network_of(host)}", PAIR_BY_NETWORK)], now)
    # What is wrong is counted, so it must be committed: the fault is raised outside.
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
    parts = split_code(crypt.normalise_code(code))
    invite = await _find_invite(*parts, device_id, now) if parts is not None else None
    if invite is None:
        return NotFound(
            N_("This code does not work. Check its 8 characters, or ask for a new one."),
            code="code_wrong",
            field="code",
        )
    device = await Device.get_or_none(id=device_id)
    if device is not None and device.person_id != invite.person_id:
        return IdReused(N_("This id belongs to another phone."), field="device.id")
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
    indexes = crypt.current().blinds(f"invite {name} {secret}")
    return any(hmac.compare_digest(index, invite.secret_hash) for index in indexes)


async def _pair_device(person: Person, device_id: UUID, label: str | None, now: datetime) -> None:
    """The device as it is after pairing: new, or known and let in again. Old sessions of it end."""
    await _end_sessions(Q(device_id=device_id), Ended.REPLACED, now)
    shown = " ".join((label or "").split())[:LONGEST_LABEL] or None
    known = await Device.filter(id=device_id).update(
        label=shown, paired_at=now, last_seen_at=now, shut_out_at=None, shut_out_by=None
    )
    if known:
        return
    await Device.create(
        id=device_id,
        agency_id=person.agency_id,
        person_id=person.id,
        label=shown,
        paired_at=now,
        last_seen_at=now,
    )


async def _new_invite(actor: Actor, person: Person, lasts: timedelta, now: datetime) -> Invitation:
    if person.role != Role.CHILD or person.disabled_at is not None:
        raise Refused(N_("Only a child's phone is paired."), field="child")
    await _end_invites(person.id, InviteEnded.REPLACED, now)
    await Invite.filter(ended_at__isnull=True, expires_at__lte=now).update(
        ended_at=now, ended_why=InviteEnded.EXPIRED
    )
    name = await _free_name()
    secret = crypt.new_code(SECRET_LENGTH)
    row = await Invite.create(
        agency_id=person.agency_id,
        person_id=person.id,
        name=name,
        secret_hash=crypt.blind(f"invite {name} {secret}"),
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
        name = crypt.new_code(NAME_LENGTH)
        if not await Invite.exists(name=name, ended_at__isnull=True):
            return name
    raise Conflict(N_("Too many invitations are open at once. Try again."))


# --- devices


async def shut_out(actor: Actor, device: Device, now: datetime) -> None:
    """This phone is let in no more, and nothing is sent to it. Twice: the first time stands."""
    async with write():
        if await _shut(actor, device.id, Ended.SHUT_OUT, now):
            await note(
                actor,
                "device:shut_out",
                child_id=device.person_id,
                about=("device", device.id),
                agency_id=device.agency_id,
                now=now,
            )


async def device_of(person_id: UUID, device_id: UUID) -> Device:
    """A device of this person. Raises NotFound for somebody else's."""
    device = await Device.get_or_none(id=device_id, person_id=person_id)
    if device is None:
        raise NotFound(N_("There is no such phone."))
    return device


async def devices_of(person_id: UUID) -> Sequence[Device]:
    """The phones that are let in, the latest paired first."""
    return await Device.filter(person_id=person_id, shut_out_at__isnull=True).order_by(
        "-paired_at", "id"
    )


async def tidy(now: datetime) -> None:
    """Throw away guesses of more than a day ago: they count no longer. And what nobody finished."""
    async with write():
        await Guess.filter(at__lt=now - timedelta(days=1)).delete()
    await tidy_halfways(now)


async def _shut(actor: Actor, device_id: UUID, why: Ended, now: datetime) -> bool:
    done = await Device.filter(id=device_id, shut_out_at__isnull=True).update(
        shut_out_at=now, shut_out_by=actor.id
    )
    await _end_sessions(Q(device_id=device_id), why, now)
    await drop_device(device_id, now)
    return done == 1


# --- what the above share


async def hashed(password: str, name: str, passwords: Passwords) -> str:
    """What is stored of a password. Raises Refused where it is too easy to guess."""
    if not is_good_password(password, name):
        raise Refused(
            N_("Choose a password of 12 characters or more that does not repeat your name."),
            field="password",
        )
    return await passwords.hash(password)


async def _end_sessions(which: Q, why: Ended, now: datetime) -> None:
    await Session.filter(which, ended_at__isnull=True).update(ended_at=now, ended_why=why)


async def _end_invites(person_id: UUID, why: InviteEnded, now: datetime) -> None:
    await Invite.filter(person_id=person_id, ended_at__isnull=True).update(
        ended_at=now, ended_why=why
    )


async def _end_invite(invite: Invite, why: InviteEnded, now: datetime) -> None:
    await Invite.filter(id=invite.id, ended_at__isnull=True).update(ended_at=now, ended_why=why)


def index_of(name: str) -> str:
    """What the blind index of a sign-in name is taken of."""
    return f"sign-in {fold(name)}"
