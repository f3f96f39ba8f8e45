"""The second key of a member of staff: an app with codes, recovery codes, and removing them.

Passkeys are in passkeys.py; both are a second key, and either is enough. With the first key come
ten recovery codes. No secret and no code is ever in an entry, a line of the logs or a message.
"""

import hmac
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import pyotp
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from server.audit.actions import Actor, note
from server.auth.codes import RECOVERY_CODES, RECOVERY_LENGTH, matching_step
from server.auth.models import Passkey, PendingSecondFactor, Recovery, Session, Totp
from server.auth.rate_limit import count_guess, forget_guesses, tell_refused
from server.auth.rules import CODE_BY_PERSON, CODE_BY_PERSON_A_DAY, Door, Ended, Proof
from server.auth.sessions import end_sessions
from server.errors import Conflict, Refused
from server.i18n import N_
from server.notify.actions import Saying, queue
from server.notify.contact_routes import NOWHERE, ways_of
from server.notify.rules import Kind
from server.people.models import Agency, Person
from server.security import encryption
from server.storage.db import write
from server.storage.ids import uuid7

WRONG_CODE = N_("That code does not work. Wait for the next one, or use another way.")
# A message about one's own sign-in is of no use any more after that.
SAYS_FOR = timedelta(days=3)
KEYS_PAGE = "/desk/settings/second-key"


# --- which keys a person has


async def has_second(person_id: UUID) -> bool:
    """Whether a password alone is not enough for this person."""
    return bool(await with_second([person_id]))


async def with_second(people: Collection[UUID]) -> set[UUID]:
    """Those of them who have a second key."""
    ids = list(people)
    apps = await Totp.filter(person_id__in=ids, confirmed_at__isnull=False).values_list(
        "person_id", flat=True
    )
    keys = await Passkey.filter(person_id__in=ids).values_list("person_id", flat=True)
    return {*apps, *keys}  # type: ignore[arg-type]


async def must_have(agency_id: UUID, now: datetime) -> bool:
    """Whether everyone in this agency needs a second key by now."""
    return await Agency.exists(id=agency_id, second_key_from__lte=now)


async def lacks_key(person: Person, now: datetime) -> bool:
    """Whether this person needs a second key and has none yet."""
    return await must_have(person.agency_id, now) and not await has_second(person.id)


async def remaining(person_id: UUID) -> int:
    """How many recovery codes are left."""
    return await Recovery.filter(person_id=person_id, used_at__isnull=True).count()


# --- an app of codes


async def begin_app(person_id: UUID, now: datetime) -> Totp:
    """A new secret to confirm with a code. An earlier unconfirmed one is deleted; the one that
    counts goes on until then."""
    async with write():
        await Totp.filter(person_id=person_id, confirmed_at__isnull=True).delete()
        try:
            async with write():
                return await Totp.create(
                    person_id=person_id, secret=pyotp.random_base32(), made_at=now
                )
        except IntegrityError:
            raise Conflict(N_("You started this in another window. Continue there.")) from None


async def begun(person_id: UUID) -> Totp | None:
    """The secret that waits for its first code."""
    return await Totp.get_or_none(person_id=person_id, confirmed_at__isnull=True)


async def confirm_app(actor: Actor, person_id: UUID, code: str, now: datetime) -> list[str]:
    """The first code shows that the app has the secret: from now on it counts. Returns new recovery
    codes if there were none.

    Raises Refused for a wrong code, Conflict if no app waits for one, TooMany.
    """
    # Only signed-in people come here: a count of their own, which nobody outside can use up.
    guess = await _count_code(f"setup {person_id}", now)
    async with write():
        # Locked, so that of two confirmations at once one finds nothing left to confirm.
        waiting = (
            await Totp.filter(person_id=person_id, confirmed_at__isnull=True)
            .select_for_update()
            .first()
        )
        if waiting is None:
            raise Conflict(N_("There is nothing left to confirm. Check your keys."))
        step = matching_step(waiting.secret, encryption.normalise_code(code), now, 0)
        if step is None:
            raise Refused(
                N_("That is not the current code. Type the one the app shows now."),
                field="code",
            )
        await forget_guesses(guess)
        await Totp.filter(person_id=person_id, confirmed_at__isnull=False).delete()
        await Totp.filter(id=waiting.id).update(confirmed_at=now, last_step=step)
        await note(actor, "second_key:add", about=("person", person_id), names=["app"], now=now)
        return await key_added(actor, person_id, now)


async def remove_app(actor: Actor, person_id: UUID, now: datetime) -> None:
    """Codes of the app stop working. Twice: the first time counts."""
    async with write():
        if await Totp.filter(person_id=person_id, confirmed_at__isnull=False).delete():
            await note(
                actor, "second_key:remove", about=("person", person_id), names=["app"], now=now
            )
            await key_removed(actor, person_id, now)


# --- recovery codes


async def renew_codes(actor: Actor, person_id: UUID, now: datetime) -> list[str]:
    """Ten new codes, shown only this once; the earlier ones stop working.

    Raises Refused if there is no second key that they could replace.
    """
    async with write():
        if not await has_second(person_id):
            raise Refused(N_("Set up a second key first. Then you get recovery codes."))
        return await _new_codes(actor, person_id, now)


async def _new_codes(actor: Actor, person_id: UUID, now: datetime) -> list[str]:
    await Recovery.filter(person_id=person_id).delete()
    codes = [encryption.new_code(RECOVERY_LENGTH) for _ in range(RECOVERY_CODES)]
    for code in codes:
        await Recovery.create(person_id=person_id, code_hash=_hash(person_id, code), made_at=now)
    await note(actor, "recovery:make", about=("person", person_id), now=now)
    return codes


def _hash(person_id: UUID, code: str) -> str:
    return encryption.blind(_text_of(person_id, code))


def _text_of(person_id: UUID, code: str) -> str:
    return f"recovery {person_id} {code}"


# --- one code, once


@asynccontextmanager
async def proved_by_code(
    person_id: UUID,
    code: str,
    now: datetime,
    *,
    guesser: str | None = None,
    is_counted: bool = False,
) -> AsyncIterator[Proof]:
    """A transaction in which this code counts, and afterwards never again.

    A wrong code counts for the person, and for `guesser` if given; `is_counted`: it was counted
    elsewhere already. An open session and a known browser count for themselves, so that an attacker
    with the password makes neither of them wait. Raises TooMany, or Refused (code `code_wrong`) for
    a code that does not count.
    """
    guess = [] if is_counted else await _count_code(guesser or str(person_id), now)
    async with write():
        proof = await _use(person_id, encryption.normalise_code(code), now)
        if proof is None:
            tell_refused(Proof.CODE, person_id)
            raise Refused(WRONG_CODE, code="code_wrong", field="code")
        await forget_guesses(guess)
        yield proof


async def _count_code(guesser: str, now: datetime) -> list[int]:
    return await count_guess(
        Door.CODE,
        [(f"person {guesser}", CODE_BY_PERSON), (f"day {guesser}", CODE_BY_PERSON_A_DAY)],
        now,
    )


async def _use(person_id: UUID, code: str, now: datetime) -> Proof | None:
    app = await Totp.get_or_none(person_id=person_id, confirmed_at__isnull=False)
    if app is not None:
        step = matching_step(app.secret, code, now, app.last_step)
        # If two requests bring the same code at once, the faster one has moved the row already.
        if step is not None and await Totp.filter(id=app.id, last_step__lt=step).update(
            last_step=step
        ):
            return Proof.CODE
    indexes = encryption.current().blinds(_text_of(person_id, code))
    for row in await Recovery.filter(person_id=person_id, used_at__isnull=True):
        is_it = any(hmac.compare_digest(index, row.code_hash) for index in indexes)
        if is_it and await Recovery.filter(id=row.id, used_at__isnull=True).update(used_at=now):
            return Proof.RECOVERY
    return None


# --- what every second key shares


async def key_added(actor: Actor, person_id: UUID, now: datetime) -> list[str]:
    """The recovery codes for a new second key of either kind, in the caller's transaction."""
    await Session.filter(person_id=person_id, needs_key=True).update(needs_key=False)
    await tell(actor, person_id, now)
    return [] if await remaining(person_id) else await _new_codes(actor, person_id, now)


async def key_removed(actor: Actor, person_id: UUID, now: datetime) -> None:
    """What goes with the last key, in the caller's transaction. Raises Refused if the agency
    requires one of everyone."""
    assert actor.agency_id is not None
    if not await has_second(person_id):
        if await must_have(actor.agency_id, now):
            raise Refused(N_("Your agency requires a second key. Set up another one first."))
        await Recovery.filter(person_id=person_id).delete()
    await tell(actor, person_id, now)


async def reset(actor: Actor, person: Person, why: str, now: datetime) -> None:
    """A colleague has lost the second key: delete all of it, and end every session. `why`: how the
    one who does it made sure who asks, a code or sealed words; it stays in the record.

    The password stays. We tell the person by every channel there is, so that nobody does it unseen.
    """
    async with write():
        await Totp.filter(person_id=person.id).delete()
        await Passkey.filter(person_id=person.id).delete()
        await Recovery.filter(person_id=person.id).delete()
        await end_halfways(person.id, now)
        await end_sessions(Q(person_id=person.id), Ended.SECOND_KEY, now)
        await note(
            actor,
            "second_key:reset",
            about=("person", person.id),
            why=why,
            agency_id=person.agency_id,
            now=now,
        )
        await tell(actor, person.id, now, agency_id=person.agency_id)


async def end_halfways(person_id: UUID, now: datetime) -> None:
    """A person between the two pages of the sign-in starts again, in the caller's transaction."""
    await PendingSecondFactor.filter(person_id=person_id, ended_at__isnull=True).update(
        ended_at=now
    )


class Changed(msgspec.Struct, frozen=True):
    """What changed about a sign-in, and the page about it."""

    what: str = "second_key"
    page: str = KEYS_PAGE


_KEY = Changed()


async def can_tell(person_id: UUID, now: datetime) -> bool:
    """Whether there is any address of this person by which `tell` can reach them."""
    return person_id in await ways_of([person_id], now)


async def tell(
    actor: Actor,
    person_id: UUID,
    now: datetime,
    changed: Changed = _KEY,
    *,
    agency_id: UUID | None = None,
) -> None:
    """Tell a person that something about their own sign-in has changed: by every address of theirs,
    since a person who comes in as them may read one of these."""
    ways, subject_id = (await ways_of([person_id], now)).get(person_id, NOWHERE), uuid7()
    sayings = [
        Saying(
            kind=Kind.DOORS,
            agency_id=agency_id or actor.agency_id,
            subject_kind=changed.what,
            subject_id=subject_id,
            person_id=person_id,
            channel=channel,
            expires_at=now + SAYS_FOR,
            data={"path": changed.page},
        )
        for channel in ways.every or (None,)
    ]
    await queue(sayings, now)
