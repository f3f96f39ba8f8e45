"""What a sign-in provider's word opens, and which role it gives. The actions that write."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from server.audit.actions import SYSTEM, Actor, note
from server.auth.actions import HalfOpened, open_for, proved
from server.auth.models import Identity, OidcFlow, ProviderTerms, Session
from server.auth.oidc.account_linking import (
    ANOTHERS,
    by_code,
    identity_of,
    subject_of,
    tie,
    wrong_code,
)
from server.auth.oidc.claims import Said, choose_role, is_proof, roles_of
from server.auth.rate_limit import count_guess, forget_guesses
from server.auth.rules import PROOF_LASTS, WELCOME_BY_ACCOUNT, Door, Ended, Proof
from server.auth.second_factor import factors
from server.auth.second_factor.pending import open_halfway
from server.auth.sessions import Came, Opened, Opening, end_sessions
from server.auth.user_agents import Agent
from server.errors import Refused
from server.i18n import N_
from server.notify.actions import Saying, queue
from server.notify.rules import Kind
from server.people import actions as people
from server.people.access import Visitor
from server.people.models import Agency, Person
from server.people.roles import set_role
from server.people.rules import Role, clean_name
from server.settings import Provider
from server.storage.db import write

# The same words for a person who left, a person without a role and an unknown one: a stranger must
# not tell them apart.
NOT_IN = N_("This account has no access here. Ask your administrator.")
SEVERAL = N_(
    "Your organisation gives you more than one role. Only one can count here. Ask your"
    " administrator to remove the others."
)
PAGE = "/desk/people/accounts"


# --- coming in


async def enter(
    provider: Provider, terms: ProviderTerms, claims: Said, agent: Agent, now: datetime
) -> Opened | HalfOpened | None:
    """A session for the person the provider names; None for a person we do not know yet.

    The role that the provider gives now is applied first, if nothing forbids that. Raises Refused.
    """
    roles = roles_of(claims.values, terms.roles)
    identity = await identity_of(provider, claims.subject)
    if identity is None:
        if not roles:
            raise Refused(NOT_IN)
        return await _newcomer(provider, terms, claims, roles, agent, now)
    person = await Person.get_or_none(
        id=identity.person_id, agency_id=provider.agency_id, disabled_at__isnull=True
    )
    if person is None:
        raise Refused(NOT_IN)
    if not roles:
        await _without_role(identity, person, now)
        raise Refused(NOT_IN)
    async with write():
        person = await _with_role(identity, person, roles, now)
        return await _open(provider, identity, person, claims, agent, now)


async def _newcomer(
    provider: Provider,
    terms: ProviderTerms,
    claims: Said,
    roles: Sequence[Role],
    agent: Agent,
    now: datetime,
) -> Opened | HalfOpened | None:
    if not terms.adds_people:
        return None
    role = choose_role(roles, None)
    if role is None:
        raise Refused(SEVERAL)
    if clean_name(claims.name) is None:
        raise Refused(NOT_IN)
    agency = await Agency.get(id=provider.agency_id)
    async with write():
        person = await people.add_person(
            SYSTEM,
            agency.id,
            people.AddPerson(
                role=role, name=claims.name, language=agency.language, zone=agency.zone
            ),
            now,
        )
        identity = await tie(SYSTEM, provider, person, claims.subject, now)
        return await _open(provider, identity, person, claims, agent, now)


async def _open(
    provider: Provider,
    identity: Identity,
    person: Person,
    claims: Said,
    agent: Agent,
    now: datetime,
) -> Opened | HalfOpened:
    await Identity.filter(id=identity.id).update(used_at=now)
    if not claims.is_strong and await factors.has_second(person.id):
        token, _ = await open_halfway(person.id, now)
        return HalfOpened(token)
    # If the provider does not say when it asked, it may have been this morning, and another person
    # may sit here now: that is no proof for sealed words.
    proved_at = min(claims.proved_at or now - PROOF_LASTS, now)
    proof = Proof.PROVIDER_AND_KEY if claims.is_strong else Proof.PROVIDER
    opening = Opening(agent, came=Came(provider.name, proved_at))
    return await open_for(person, proof, opening, now)


async def enter_by_code(
    provider: Provider,
    terms: ProviderTerms,
    flow: OidcFlow,
    code: str,
    agent: Agent,
    now: datetime,
) -> Opened | HalfOpened:
    """The account of this sign-in becomes the account of the person the code was made for.

    Raises Refused (code `code_wrong`, in the same words for every reason), TooMany.
    """
    claims = said_from(flow.carries)
    guess = await count_guess(
        Door.WELCOME, [(subject_of(provider, claims.subject), WELCOME_BY_ACCOUNT)], now
    )
    async with write():
        person = await by_code(provider, code, now)
        if not await OidcFlow.filter(id=flow.id, ended_at__isnull=True).update(ended_at=now):
            raise wrong_code()
        await forget_guesses(guess)
        identity = await tie(_self(person), provider, person, claims.subject, now)
        person = await _with_role(identity, person, roles_of(claims.values, terms.roles), now)
        return await _open(provider, identity, person, claims, agent, now)


# --- the role that the provider says


async def _with_role(
    identity: Identity, person: Person, roles: Sequence[Role], now: datetime
) -> Person:
    """The person with the role that counts from now on, in the caller's transaction."""
    role = choose_role(roles, Role(person.role))
    if role is None:
        raise Refused(SEVERAL)
    unheeded = None
    try:
        async with write():
            person = await set_role(SYSTEM, person.agency_id, person.id, role, now)
    except Refused as fault:
        if fault.code not in ("has_ties", "last_administrator"):
            raise
        # A child must not lose their worker because some list changed, so the role stays.
        unheeded = role.value
    await _heed(identity, person, unheeded, now)
    return person


async def _without_role(identity: Identity, person: Person, now: datetime) -> None:
    """The person has no role any more: every session from the provider's word ends. The ties stay,
    since people must decide who replaces this adult for a child; administrators are told."""
    async with write():
        by_word = Q(person_id=person.id, provider=identity.provider)
        await end_sessions(by_word, Ended.PROVIDER, now)
        await _heed(identity, person, "none", now)


async def _heed(identity: Identity, person: Person, unheeded: str | None, now: datetime) -> None:
    """Administrators hear of it once, not at each sign-in."""
    if (await Identity.get(id=identity.id)).unheeded == unheeded:
        return
    await Identity.filter(id=identity.id).update(unheeded=unheeded)
    await note(
        SYSTEM,
        "identity:role",
        about=("person", person.id),
        names=[unheeded or "taken"],
        agency_id=person.agency_id,
        now=now,
    )
    if unheeded is not None:
        await _tell_administrators(identity, person, now)


async def _tell_administrators(identity: Identity, person: Person, now: datetime) -> None:
    administrators = await Person.filter(
        agency_id=person.agency_id, role=Role.ADMINISTRATOR, disabled_at__isnull=True
    )
    turn = int(now.timestamp()) % 2**31
    await queue(
        [
            Saying(
                kind=Kind.DUE,
                agency_id=person.agency_id,
                subject_kind="identity",
                subject_id=identity.id,
                person_id=administrator.id,
                turn=turn,
                data={"path": PAGE},
            )
            for administrator in administrators
        ],
        now,
    )


# --- once more


async def prove(
    visitor: Visitor,
    token: str,
    provider: Provider,
    claims: Said,
    asked_at: datetime,
    now: datetime,
) -> str | None:
    """A signed-in person has shown at the provider who they are, since we asked. Returns what
    `proved` does.

    Raises Refused for another account, for a provider that did not ask anew, and for a person with
    a second key if the provider asked for none.
    """
    identity = await identity_of(provider, claims.subject)
    if identity is None or identity.person_id != visitor.person_id:
        raise Refused(ANOTHERS)
    if not is_proof(claims, asked_at, now):
        raise Refused(N_("Your organisation did not check that it is you. Confirm it another way."))
    if not claims.is_strong and await factors.has_second(visitor.person_id):
        raise Refused(N_("Your account alone is not enough here. Use your second key."))
    proof = Proof.PROVIDER_AND_KEY if claims.is_strong else Proof.PROVIDER
    return await proved(visitor, token, proof, now)


# --- what is kept of a person until they type the code


def carried(claims: Said, next_: str) -> dict[str, Any]:
    """What the page that asks for the code needs to know again."""
    return {
        "subject": claims.subject,
        "values": sorted(claims.values),
        "is_strong": claims.is_strong,
        "proved_at": claims.proved_at.isoformat() if claims.proved_at else None,
        "next": next_,
    }


def said_from(carries: Mapping[str, Any]) -> Said:
    """The same, back."""
    at = carries["proved_at"]
    return Said(
        subject=carries["subject"],
        name="",
        values=frozenset(carries["values"]),
        is_strong=carries["is_strong"],
        proved_at=datetime.fromisoformat(at) if at else None,
    )


async def came_by(session_id: UUID) -> str | None:
    """The provider that opened this session."""
    session = await Session.get_or_none(id=session_id)
    return session.provider if session is not None else None


def _self(person: Person) -> Actor:
    return Actor(person.id, person.role, person.agency_id)
