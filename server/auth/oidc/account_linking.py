"""Which person an account at a sign-in provider belongs to. The actions that write.

An account is a person's by issuer and subject alone. There are two ways: with a code from an
administrator, or the signed-in person says so. An e-mail address never links an account, verified
or not: mailboxes are renamed and given to the next person, and some providers let people write
their own address.
"""

from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from server.audit.actions import Actor, note
from server.auth.models import Identity, Welcome
from server.auth.oidc.claims import Said
from server.auth.rules import WELCOME_LASTS, WELCOME_LENGTH, Ended
from server.auth.second_factor import factors
from server.auth.sessions import end_sessions
from server.errors import Refused
from server.i18n import N_
from server.people.access import Visitor
from server.people.models import Person
from server.people.rules import Role
from server.security import encryption
from server.settings import Provider
from server.storage.db import write

ANOTHERS = N_("This account belongs to another person here. Sign in there with your own account.")
NO_CHILD = N_("A child needs no account. They pair their phone.")


def subject_of(provider: Provider, subject: str) -> str:
    """What the blind index of an account is taken of."""
    return f"identity {provider.issuer} {subject}"


async def identity_of(provider: Provider, subject: str) -> Identity | None:
    """Whose the account is."""
    indexes = encryption.current().blinds(subject_of(provider, subject))
    return await Identity.filter(subject_index__in=indexes).first()


async def welcome(actor: Actor, provider: Provider, person: Person, now: datetime) -> str:
    """A code, shown only this once, that links an account there to this person. An earlier code
    stops working."""
    if person.role == Role.CHILD:
        raise Refused(NO_CHILD)
    code = encryption.new_code(WELCOME_LENGTH)
    async with write():
        await _end_welcomes(provider, person.id, now)
        await Welcome.create(
            agency_id=provider.agency_id,
            person_id=person.id,
            provider=provider.name,
            code_hash=encryption.blind(_code_text(provider, code)),
            made_at=now,
            expires_at=now + WELCOME_LASTS,
        )
        await _note(actor, "identity:welcome", provider, person.id, now)
    return code


async def by_code(provider: Provider, code: str, now: datetime) -> Person:
    """The person of this code, which is used up now. In the caller's transaction. Raises
    Refused."""
    text = _code_text(provider, encryption.normalise_code(code))
    row = await Welcome.filter(
        code_hash__in=encryption.current().blinds(text),
        provider=provider.name,
        agency_id=provider.agency_id,
        ended_at__isnull=True,
        expires_at__gt=now,
    ).first()
    # Of two who come with it at once one ends it.
    if row is None or not await Welcome.filter(id=row.id, ended_at__isnull=True).update(
        ended_at=now
    ):
        raise wrong_code()
    person = await Person.get_or_none(
        id=row.person_id, agency_id=provider.agency_id, disabled_at__isnull=True
    )
    if person is None:
        raise wrong_code()
    return person


def wrong_code() -> Refused:
    """The answer to every code that does not count."""
    return Refused(
        N_(
            "This code does not work. Check all 8 characters, or ask your administrator for"
            " a new one."
        ),
        code="code_wrong",
        field="code",
    )


async def tie_own(visitor: Visitor, provider: Provider, claims: Said, now: datetime) -> None:
    """A signed-in person says: this account is mine. Said twice, it stays. Raises Refused for an
    account of another person."""
    person = await Person.get(id=visitor.person_id)
    identity = await identity_of(provider, claims.subject)
    if identity is not None and identity.person_id == person.id:
        return
    if identity is not None or person.role == Role.CHILD or person.agency_id != provider.agency_id:
        raise Refused(ANOTHERS)
    async with write():
        await tie(visitor, provider, person, claims.subject, now)


async def tie(
    actor: Actor, provider: Provider, person: Person, subject: str, now: datetime
) -> Identity:
    """Link this account to the person, in place of any other one of that provider, and tell them.
    In the caller's transaction."""
    await Identity.filter(person_id=person.id, provider=provider.name).delete()
    await _end_welcomes(provider, person.id, now)
    try:
        async with write():
            identity = await Identity.create(
                agency_id=provider.agency_id,
                person_id=person.id,
                provider=provider.name,
                subject=subject,
                subject_index=encryption.blind(subject_of(provider, subject)),
                tied_at=now,
            )
    except IntegrityError:
        # Another person linked it in the same moment.
        raise Refused(ANOTHERS) from None
    await _note(actor, "identity:tie", provider, person.id, now)
    await factors.tell(actor, person.id, now, agency_id=provider.agency_id)
    return identity


async def untie(actor: Actor, provider: Provider, person: Person, now: datetime) -> None:
    """The account no longer belongs to the person, and sessions it opened end. Twice: the first
    time counts."""
    async with write():
        await _end_welcomes(provider, person.id, now)
        if not await Identity.filter(person_id=person.id, provider=provider.name).delete():
            return
        by_word = Q(person_id=person.id, provider=provider.name)
        await end_sessions(by_word, Ended.PROVIDER, now)
        await factors.end_halfways(person.id, now)
        await _note(actor, "identity:untie", provider, person.id, now)
        await factors.tell(actor, person.id, now, agency_id=provider.agency_id)


async def _end_welcomes(provider: Provider, person_id: UUID, now: datetime) -> None:
    await Welcome.filter(person_id=person_id, provider=provider.name, ended_at__isnull=True).update(
        ended_at=now
    )


def _code_text(provider: Provider, code: str) -> str:
    return f"welcome {provider.agency_id} {code}"


async def _note(
    actor: Actor, what: str, provider: Provider, person_id: UUID, now: datetime
) -> None:
    await note(
        actor,
        what,
        about=("person", person_id),
        names=[provider.name],
        agency_id=provider.agency_id,
        now=now,
    )
