"""Ruth, an advocate. She is not in the cast: most tests have no use for her."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from server.advocates import actions
from server.audit.actions import SYSTEM
from server.auth import credentials
from server.auth.sessions import open_session
from server.people import actions as people
from server.people.rules import Role
from tests.cast import Cast

USUAL = timedelta(days=180)


async def advocate(
    cast: Cast,
    name: str = "ruth",
    *,
    child: str = "mia",
    lasts: timedelta = USUAL,
    has_joined: bool = True,
) -> UUID:
    """This person is the child's advocate, invited by the child's caseworker; the id of the tie.

    They have a session; and a sign-in name, unless they have not joined yet.
    """
    agency_id = cast.children[child].agency_id
    if name not in cast.persons:
        adult = people.AddPerson(
            role=Role.ADVOCATE, name=f"{name.title()} Okonjo", language="en", zone="Europe/Paris"
        )
        cast.persons[name] = await people.add_person(SYSTEM, agency_id, adult, cast.clock())
        cast.tokens[name], _ = await open_session(cast.persons[name], now=cast.clock())
        if has_joined:
            person = cast.persons[name]
            await credentials.store_credential(SYSTEM, person, name, "none", cast.clock())
    row = await actions.invite(
        cast.actor("uwe" if child == "lia" else "tom"),
        cast.children[child],
        actions.Invitation(
            id=uuid4(),
            person_id=cast.persons[name].id,
            name="",
            until_at=cast.clock() + lasts,
            words=None,
        ),
        cast.clock(),
    )
    return row.id
