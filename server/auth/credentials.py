"""Sign-in names and passwords: given, changed, and checked once more. The actions that write."""

from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from server.audit.actions import Actor, note
from server.auth.browsers import forget_all
from server.auth.models import Credential, Session
from server.auth.passwords import TOO_COMMON, TOO_EASY, Passwords, is_common
from server.auth.rate_limit import count_guess, forget_guesses
from server.auth.rules import (
    FIRST_PASSWORD_LASTS,
    LONGEST_PASSWORD,
    PASSWORD_BY_NAME,
    Door,
    Ended,
    index_of,
    is_good_password,
    is_sign_in_name,
)
from server.auth.second_factor import factors
from server.auth.sessions import end_sessions
from server.errors import Refused
from server.i18n import N_
from server.people.access import Visitor
from server.people.models import Person
from server.people.rules import Role
from server.security import encryption
from server.storage.db import write

# Where a person ends sessions that are not theirs.
SESSIONS_PAGE = "/desk/settings/sessions"
_MADE = factors.Changed("password", SESSIONS_PAGE)
NAME_TAKEN = N_("This sign-in name is already taken.")


async def hashed(password: str, name: str, passwords: Passwords) -> str:
    """What is stored of a password. Raises Refused if it is too easy to guess."""
    if not is_good_password(password, name):
        raise Refused(TOO_EASY, field="password")
    if await is_common(password):
        raise Refused(TOO_COMMON, field="password")
    return await passwords.hash(password)


async def store_credential(
    actor: Actor,
    person: Person,
    name: str,
    password_hash: str,
    now: datetime,
    *,
    is_handed: bool = False,
) -> None:
    """A name and a password for signing in. The password is hashed before, so that no transaction
    waits for argon2. `is_handed`: another person has made it and hands it over, so it counts for
    some days. Raises Refused if the name is taken."""
    if person.role == Role.CHILD:
        raise Refused(N_("A child needs no password. They pair their phone."), field="role")
    if not is_sign_in_name(name):
        raise Refused(N_("Enter a sign-in name of 1 to 64 characters."), field="sign_in_name")
    async with write():
        if await Credential.exists(name_index__in=encryption.current().blinds(index_of(name))):
            raise Refused(NAME_TAKEN, field="sign_in_name")
        try:
            async with write():
                await Credential.create(
                    person_id=person.id,
                    name=name,
                    name_index=encryption.blind(index_of(name)),
                    password_hash=password_hash,
                    changed_at=now,
                    until=now + FIRST_PASSWORD_LASTS if is_handed else None,
                )
        except IntegrityError:
            # Another person took the name in the same moment.
            raise Refused(NAME_TAKEN, field="sign_in_name") from None
        about = ("person", person.id)
        await note(actor, "credential:add", about=about, agency_id=person.agency_id, now=now)


async def set_password(
    actor: Actor,
    person: Person,
    password: str,
    passwords: Passwords,
    *,
    but: UUID | None = None,
    now: datetime,
) -> None:
    """A new password. Every session of the person ends, except `but`, the one that asks.

    One that another person makes counts for some days: its person chooses their own. They are told
    of it by every address of theirs, so that nobody comes in as them unseen.
    """
    credential = await Credential.get_or_none(person_id=person.id)
    if credential is None:
        raise Refused(N_("This person has no sign-in name."))
    stored, is_own = await hashed(password, credential.name, passwords), actor.id == person.id
    async with write():
        await Credential.filter(id=credential.id).update(
            password_hash=stored,
            changed_at=now,
            until=None if is_own else now + FIRST_PASSWORD_LASTS,
        )
        if but is not None:
            await Session.filter(id=but).update(needs_password=False)
        others = Q(person_id=person.id) if but is None else Q(person_id=person.id) & ~Q(id=but)
        await end_sessions(others, Ended.PASSWORD, now)
        await factors.end_halfways(person.id, now)
        await forget_all(person.id)
        await note(
            actor,
            "credential:change" if is_own else "credential:reset",
            about=("person", person.id),
            names=["password"],
            agency_id=person.agency_id,
            now=now,
        )
        if not is_own:
            await factors.tell(actor, person.id, now, _MADE, agency_id=person.agency_id)


async def change_own_password(
    visitor: Visitor, person: Person, old: str, new: str, passwords: Passwords, *, now: datetime
) -> None:
    """A person changes their own password and must know the old one. Wrong old ones count as
    guesses. Raises Refused for the same once more: one that was handed over would stay."""
    await check_own_password(visitor, old, passwords, "old", now)
    if new == old:
        raise Refused(
            N_("This is the password you have now. Choose another one."), field="password"
        )
    await set_password(visitor, person, new, passwords, but=visitor.session_id, now=now)


async def check_own_password(
    visitor: Visitor, password: str, passwords: Passwords, field: str, now: datetime
) -> None:
    """Counted per session: guesses at the front door must not make a signed-in person wait."""
    credential = await Credential.get_or_none(person_id=visitor.person_id)
    key = (f"session {visitor.session_id}", PASSWORD_BY_NAME)
    guess = await count_guess(Door.PASSWORD, [key], now)
    stored = credential.password_hash if credential else None
    if not await passwords.verify(stored, password[: LONGEST_PASSWORD + 1]):
        raise Refused(N_("This is not your current password."), field=field)
    await forget_guesses(guess)
