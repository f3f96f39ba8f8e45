"""A new advocate joins by a link: they choose a sign-in name and a password, once.

The link names nobody. It opens nothing but this, for three days, until it is used or replaced.
"""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from server.advocates.models import Advocacy
from server.advocates.rules import LINK_LASTS
from server.audit.actions import Actor
from server.auth import credentials
from server.auth.models import Credential
from server.auth.passwords import Passwords
from server.errors import NotFound
from server.i18n import N_
from server.people.models import Person, Tie
from server.security import encryption
from server.security.encryption import Unreadable
from server.storage.db import write

PURPOSE = "join"


class Chosen(msgspec.Struct, frozen=True):
    """What a person who joins has chosen."""

    name: str
    password: str


def token_of(row: Advocacy) -> str:
    """The secret of the link that was made last."""
    assert row.link_at is not None
    moment = int(row.link_at.timestamp())
    return encryption.sign(f"{row.id}.{moment}", PURPOSE, until=row.link_at + LINK_LASTS)


async def invited(token: str, now: datetime) -> Person:
    """The person that this link invites. Raises NotFound where it is over, used or replaced."""
    try:
        id_, _, moment = encryption.unsign(token, PURPOSE, now).partition(".")
    except Unreadable:
        raise _over() from None
    row = await Advocacy.get_or_none(id=UUID(id_))
    made_at = datetime.fromtimestamp(int(moment), UTC)
    if row is None or row.link_at != made_at or not await Tie.exists(Tie.standing_at(now), id=id_):
        raise _over()
    person = await Person.get_or_none(id=row.person_id, disabled_at__isnull=True)
    if person is None or await Credential.exists(person_id=person.id):
        raise _over()
    return person


async def join(token: str, chosen: Chosen, passwords: Passwords, now: datetime) -> None:
    """They can sign in from now on. Raises NotFound as `invited`, Refused for a name that is taken
    or a password that is easy to guess."""
    await invited(token, now)
    stored = await credentials.hashed(chosen.password, chosen.name, passwords)
    async with write():
        person = await invited(token, now)
        await Person.filter(id=person.id).select_for_update(no_key=True).get()
        # Once more: the same link may have been used in this moment.
        await invited(token, now)
        actor = Actor(person.id, person.role, person.agency_id)
        await credentials.store_credential(actor, person, chosen.name, stored, now)


def _over() -> NotFound:
    return NotFound(
        N_("This link no longer works. Ask the person who gave it to you for a new one.")
    )
