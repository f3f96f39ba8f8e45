"""North, an area with both agencies of the cast, within Land; and Vera, who works for it. They are
not in the cast: most tests have no use for them."""

from __future__ import annotations

from server.areas import actions
from server.audit.actions import SYSTEM
from server.auth import credentials
from server.auth.sessions import open_session
from server.people import actions as people
from server.people.agencies.actions import AddAgency
from server.people.models import Agency
from server.people.rules import Role
from tests.cast import Cast


async def an_area(cast: Cast, name: str, within: Agency | None = None) -> Agency:
    """An area of this name."""
    area = AddAgency(name=name, language="en", zone="Europe/Paris")
    return await actions.add_area(SYSTEM, area, within.id if within else None, cast.clock())


async def put(cast: Cast, member: Agency, area: Agency | None) -> None:
    """An agency or an area belongs there from now on."""
    await actions.put(SYSTEM, member.id, area.id if area else None, cast.clock())


async def works_for(cast: Cast, name: str, area: Agency) -> None:
    """A person of an area, with a session and a sign-in name."""
    adult = people.AddPerson(
        role=Role.OVERSIGHT, name=f"{name.title()} Lindqvist", language="en", zone="Europe/Paris"
    )
    cast.persons[name] = await people.add_person(SYSTEM, area.id, adult, cast.clock())
    cast.tokens[name], _ = await open_session(cast.persons[name], now=cast.clock())
    await credentials.store_credential(SYSTEM, cast.persons[name], name, "none", cast.clock())


async def oversight(cast: Cast) -> Agency:
    """Vera works for North, which has both agencies."""
    north = await an_area(cast, "North")
    await put(cast, cast.agency, north)
    await put(cast, cast.other_agency, north)
    await works_for(cast, "vera", north)
    return north
