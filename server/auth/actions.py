"""Signing in, with a password or a key, and signing out. The actions that write."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace
from tortoise.expressions import Q

from server.audit.actions import Actor, note
from server.auth.browsers import count_at, forget_all, forgive, known_to, tidy_browsers
from server.auth.credentials import check_own_password
from server.auth.models import Credential, Device, Guess, Session
from server.auth.oidc.flows import tidy_flows
from server.auth.pairing import end_invites, shut
from server.auth.passwords import Passwords
from server.auth.rate_limit import count_guess, forget_guesses, tell_refused
from server.auth.rules import (
    LONGEST_PASSWORD,
    Door,
    Ended,
    InviteEnded,
    Proof,
    index_of,
    password_keys,
)
from server.auth.second_factor import factors, passkeys
from server.auth.second_factor.passkeys import Purpose, Site
from server.auth.second_factor.pending import (
    OVER,
    end_halfway,
    find_halfway,
    open_halfway,
    tidy_halfways,
)
from server.auth.sessions import Opened, Opening, end_sessions, open_session, renew_token
from server.auth.user_agents import Agent
from server.errors import NotFound, Refused, Unauthenticated
from server.i18n import N_
from server.notify.addresses import drop_addresses
from server.people.access import Visitor
from server.people.actions import disable_person as disable_in_people
from server.people.models import Person
from server.security import encryption
from server.storage.db import write

PASSWORD_OVER = N_(
    "The password you were given has ended. Ask your administrator or IT support for a new one."
)


class HalfOpened(msgspec.Struct, frozen=True):
    """The password was right, and a second key has to follow: the token leads on to it."""

    token: str


# --- passwords


class PasswordSignIn(msgspec.Struct, frozen=True):
    """A name and a password, where they come from, and the ids this browser is known by."""

    name: str
    password: str
    host: str
    agent: Agent = (None, None)
    browsers: Sequence[UUID] = ()


async def sign_in(
    attempt: PasswordSignIn, passwords: Passwords, now: datetime
) -> Opened | HalfOpened:
    """A session for a member of staff; half a session if a second key has to follow.

    Raises TooMany if this name or this network guessed too often. Raises Unauthenticated, in the
    same words and after the same time, for an unknown name, a wrong password and a person who left.
    """
    indexes = encryption.current().blinds(index_of(attempt.name))
    credential = await Credential.filter(name_index__in=indexes).first()
    browser, guess = await _count(attempt, credential, now)
    person = await _holder(credential, attempt.password, passwords)
    if credential is None or person is None:
        tell_refused(Proof.PASSWORD, credential.person_id if credential is not None else None)
        raise Unauthenticated(N_("Name or password is wrong. Try again."))
    is_handed = credential.is_handed
    if is_handed and credential.until is not None and now >= credential.until:
        raise Unauthenticated(PASSWORD_OVER, code="password_over")
    fresh = None
    if passwords.is_outdated(credential.password_hash):
        fresh = await passwords.hash(attempt.password)
    async with write():
        await forget_guesses(guess)
        if browser is not None:
            await forgive(browser)
        if fresh is not None:
            await Credential.filter(
                id=credential.id, password_hash=credential.password_hash
            ).update(password_hash=fresh)
        if await factors.has_second(person.id):
            token, _ = await open_halfway(person.id, now, needs_password=is_handed)
            return HalfOpened(token)
        opening = Opening(attempt.agent, needs_password=is_handed)
        return await open_for(person, Proof.PASSWORD, opening, now)


async def _count(
    attempt: PasswordSignIn, credential: Credential | None, now: datetime
) -> tuple[UUID | None, list[int]]:
    """Count this attempt: in the browser that this person is known by, else for name and network.
    Raises TooMany."""
    holder = credential.person_id if credential is not None else None
    browser = await known_to(attempt.browsers, holder, now)
    if browser is not None and await count_at(browser):
        return browser, []
    keys = password_keys(attempt.name, attempt.host)
    return None, await count_guess(Door.PASSWORD, keys, now)


async def _holder(
    credential: Credential | None, password: str, passwords: Passwords
) -> Person | None:
    """The person of this sign-in name, if the password is theirs and they have not left."""
    stored = credential.password_hash if credential is not None else None
    is_right = await passwords.verify(stored, password[: LONGEST_PASSWORD + 1])
    if credential is None or not is_right:
        return None
    return await Person.get_or_none(id=credential.person_id, disabled_at__isnull=True)


async def sign_in_by_code(
    token: str | None,
    code: str,
    now: datetime,
    *,
    agent: Agent = (None, None),
    browsers: Sequence[UUID] = (),
) -> Opened:
    """The second half: a code of the app, or a recovery code.

    `browsers`: the ids this browser is known by. An attacker who knows the password must not make a
    person wait whose browser is known.

    Raises Unauthenticated if the first half is over (code `halfway_over`), Refused for a code that
    does not count (`code_wrong`), TooMany.
    """
    half = await find_halfway(token, now)
    if half.person_id is None:
        raise Unauthenticated(OVER, code="halfway_over")
    # A link proves a mailbox and no second key: it must not count here, or each link would be ten
    # guesses.
    browser = await known_to(browsers, half.person_id, now, by_link=False)
    is_counted = browser is not None and await count_at(browser)
    async with factors.proved_by_code(half.person_id, code, now, is_counted=is_counted) as proof:
        await end_halfway(half, now)
        person = await Person.get(id=half.person_id)
        if proof is Proof.RECOVERY:
            await factors.tell(_actor(person), person.id, now)
        opening = Opening(agent, needs_password=half.needs_password)
        return await open_for(person, proof, opening, now)


async def sign_in_by_passkey(
    token: str | None,
    credential: str,
    site: Site,
    now: datetime,
    *,
    agent: Agent = (None, None),
    at_night: UUID | None = None,
) -> Opened:
    """A passkey alone, or as the second half.

    `at_night`: the person who lately used this device, and who is about to open an alert; they get
    a session that ends soon. Raises Unauthenticated if nothing was asked (code `halfway_over`),
    Refused (code `passkey_wrong`).
    """
    half = await find_halfway(token, now)
    purpose = Purpose.SIGN_IN if half.person_id is None else Purpose.SECOND
    key = await passkeys.answered(credential, site, half.id, purpose, now, person_id=half.person_id)
    async with write():
        await end_halfway(half, now)
        person = await Person.get_or_none(id=key.person_id, disabled_at__isnull=True)
        if person is None:
            raise Unauthenticated(OVER, code="halfway_over")
        is_short = at_night == person.id
        opening = Opening(agent, needs_password=half.needs_password, is_short=is_short)
        return await open_for(person, Proof.PASSKEY, opening, now)


async def open_for(person: Person, proof: Proof, opening: Opening, now: datetime) -> Opened:
    """A session for a person who has shown who they are, in the caller's transaction."""
    is_one_key = proof in (Proof.PASSWORD, Proof.PROVIDER)
    if is_one_key and await factors.lacks_key(person, now):
        opening = replace(opening, needs_key=True)
    token, session = await open_session(person, opening=opening, now=now)
    actor = _actor(person)
    about = ("session", session.id)
    await note(actor, "session:open", about=about, names=[proof.value], now=now)
    return Opened(token, person, session.id)


def _actor(person: Person) -> Actor:
    return Actor(person.id, person.role, person.agency_id)


async def prove_by_password(
    visitor: Visitor, token: str, password: str, passwords: Passwords, now: datetime
) -> str | None:
    """A signed-in person shows once more who they are. `token`: that of their session; the one
    that follows it is returned, as by `proved`.

    Raises Refused for a wrong password, and for a person with a second key: then the password alone
    shows too little. TooMany.
    """
    if await factors.has_second(visitor.person_id):
        raise Refused(N_("Your password alone is not enough here. Use your second key."))
    credential = await Credential.get_or_none(person_id=visitor.person_id)
    if credential is not None and credential.is_handed:
        raise Refused(N_("Choose a password of your own first. It takes a minute."))
    await check_own_password(visitor, password, passwords, "password", now)
    return await proved(visitor, token, Proof.PASSWORD, now)


async def prove_by_code(visitor: Visitor, token: str, code: str, now: datetime) -> str | None:
    """The same by a code. Raises Refused, TooMany."""
    guesser = f"session {visitor.session_id}"
    async with factors.proved_by_code(visitor.person_id, code, now, guesser=guesser) as proof:
        return await proved(visitor, token, proof, now)


async def prove_by_passkey(
    visitor: Visitor, token: str, credential: str, site: Site, now: datetime
) -> str | None:
    """The same by a passkey of one's own. Raises Refused."""
    holder, person_id = visitor.session_id, visitor.person_id
    await passkeys.answered(credential, site, holder, Purpose.AGAIN, now, person_id=person_id)
    return await proved(visitor, token, Proof.PASSKEY, now)


async def proved(visitor: Visitor, token: str, proof: Proof, now: datetime) -> str | None:
    """What is sealed is open to this session for some minutes, by the new token that is returned. A
    program that sends its token itself keeps it."""
    async with write():
        about = ("session", visitor.session_id)
        await note(visitor, "session:prove", about=about, names=[proof.value], now=now)
        if visitor.by_cookie:
            return await renew_token(token, now)
        await Session.filter(id=visitor.session_id).update(proved_at=now)
        return None


async def sign_out(actor: Actor, session_id: UUID, now: datetime) -> None:
    """End this session. On a paired phone the phone leaves the list of devices with it."""
    async with write():
        ended = await end_sessions(Q(id=session_id), Ended.SIGNED_OUT, now)
        if ended and actor.device_id is not None:
            await shut(actor, actor.device_id, Ended.SIGNED_OUT, now)
        if ended:
            await note(actor, "session:end", about=("session", session_id), now=now)


async def end_session(actor: Actor, session_id: UUID, now: datetime) -> None:
    """End another session of one's own. Twice: the first time counts. Raises NotFound for a session
    of another person."""
    async with write():
        session = await Session.get_or_none(id=session_id, person_id=actor.id)
        if session is None:
            raise NotFound(N_("You are not signed in there."))
        ended = await end_sessions(Q(id=session_id), Ended.ELSEWHERE, now)
        if ended:
            await note(actor, "session:end", about=("session", session_id), now=now)


async def end_other_sessions(actor: Actor, but: UUID, now: datetime) -> None:
    """End all other sessions, those that have run out too; their devices are forgotten."""
    async with write():
        others = Q(person_id=actor.id) & ~Q(id=but)
        if await Session.filter(others, ended_at__isnull=True).exists():
            await end_sessions(others, Ended.ELSEWHERE, now)
            if actor.id is not None:
                await forget_all(actor.id)
            await note(actor, "session:end_others", about=("session", but), now=now)


async def disable_person(actor: Actor, agency_id: UUID, person_id: UUID, now: datetime) -> Person:
    """A person left: ties, sessions, devices and invitations end together, or none of them."""
    async with write():
        person = await disable_in_people(actor, agency_id, person_id, now)
        for device in await Device.filter(person_id=person.id, shut_out_at__isnull=True):
            await shut(actor, device.id, Ended.DISABLED, now)
        await end_sessions(Q(person_id=person.id), Ended.DISABLED, now)
        await factors.end_halfways(person.id, now)
        await forget_all(person.id)
        await end_invites(person.id, InviteEnded.DISABLED, now)
        await drop_addresses(person.id, now)
    return person


async def tidy(now: datetime) -> None:
    """Delete guesses of more than a day ago, since they no longer count, and unfinished
    sign-ins."""
    async with write():
        await Guess.filter(at__lt=now - timedelta(days=1)).delete()
        await tidy_browsers(now)
    await tidy_halfways(now)
    await tidy_flows(now)
