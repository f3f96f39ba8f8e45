"""The code to tell by telephone: "we can take a child over"."""

from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.auth.rate_limit import count_guess, forget_guesses
from server.auth.rules import RECEPTION_BY_PERSON, Door
from server.errors import NotFound, Refused
from server.i18n import N_
from server.people import ties
from server.records.transfer.models import Reception
from server.records.transfer.rules import (
    CODE_LASTS,
    CODE_LENGTH,
)
from server.security import encryption
from server.storage.db import write


async def receive(actor: Actor, id: UUID, now: datetime) -> Reception:
    """Make a code to tell by telephone; the one before ends. The same id again is the same code.
    Raises IdReused."""
    assert actor.id is not None
    assert actor.agency_id is not None
    async with write():
        # The same request may arrive twice at once.
        await ties.lock_adults(actor.agency_id, [actor.id])
        reception = await first_made(Reception, id, None, person_id=actor.id)
        if reception is not None:
            return reception
        held = Reception.filter(person_id=actor.id, ended_at__isnull=True)
        await held.update(ended_at=now)
        code = encryption.new_code(CODE_LENGTH)
        made = await Reception.create(
            id=id,
            agency_id=actor.agency_id,
            person_id=actor.id,
            code=code,
            code_index=_index(code),
            made_at=now,
            expires_at=now + CODE_LASTS,
        )
        await note(actor, "reception:add", about=("reception", made.id), now=now)
    return made


async def find_reception(actor: Actor, code: str, now: datetime) -> Reception:
    """The person who made this code. Raises NotFound, code `code_wrong`, the same for every reason;
    Refused for one's own agency; TooMany."""
    guess = await count_guess(Door.RECEPTION, [(f"person {actor.id}", RECEPTION_BY_PERSON)], now)
    wanted = encryption.current().blinds(f"reception {encryption.normalise_code(code)}")
    held = Reception.filter(code_index__in=wanted, ended_at__isnull=True, expires_at__gt=now)
    row = await held.filter(person__disabled_at__isnull=True).first()
    if row is None:
        raise NotFound(
            N_("This code doesn't work. Check all 8 characters, or ask for a new one."),
            code="code_wrong",
            field="code",
        )
    async with write():
        await forget_guesses(guess)
    if row.agency_id == actor.agency_id:
        raise Refused(
            N_("This code belongs to your own agency. Assign other people to the child instead."),
            field="code",
        )
    return row


def _index(code: str) -> str:
    return encryption.blind(f"reception {code}")
