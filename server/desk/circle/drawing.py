"""The picture and the table of one child, for the page that shows them."""

import msgspec
from starlette.requests import Request

from server.desk.circle.reading import circle_of
from server.desk.circle.rules import Ring, rings
from server.desk.circle.words import Entry, Reader, entry_of
from server.desk.ladder import initials
from server.people.access import Roles, now_of, staff_of
from server.people.models import Child, Person
from server.people.rules import Role
from server.web.rendering import language_of, zone_of


class Seat(msgspec.Struct, frozen=True):
    """An entry on a ring; `at` is its place on the dial."""

    entry: Entry
    at: int


class DrawnRing(msgspec.Struct, frozen=True):
    """A ring as it is drawn; `more` people have no room on it."""

    seats: tuple[Seat, ...]
    more: int
    more_at: int


class Drawn(msgspec.Struct, frozen=True):
    """The picture, and the table beside it. `face`: the child's initials. `is_cut`: the child has
    more people than the table."""

    face: str
    near: DrawnRing
    far: DrawnRing
    entries: tuple[Entry, ...]
    has_turns: bool
    is_cut: bool


async def drawn(request: Request, child: Child, roles: Roles) -> Drawn:
    """Everyone around this child, as the reader of this page may see them."""
    visitor, now = await staff_of(request), now_of(request)
    circle = await circle_of(child, roles, now)
    reader = Reader(
        id=visitor.person_id,
        roles=roles,
        role=Role(visitor.role),
        language=language_of(request),
        zone=zone_of(request),
        now=now,
    )
    path = f"/desk/children/{child.id}"
    entries = {
        (person.id, person.places): entry_of(person, circle, path, reader)
        for person in circle.people
    }
    near, far = (
        _ring(ring, [entries[person.id, person.places] for person, _ in ring.seats])
        for ring in rings(circle.people)
    )
    name = (await Person.get(id=child.id)).name
    has_turns = any(person.turn is not None for person in circle.people)
    return Drawn(initials(name), near, far, tuple(entries.values()), has_turns, circle.is_cut)


def _ring(ring: Ring, entries: list[Entry]) -> DrawnRing:
    places = [at for _, at in ring.seats]
    seats = tuple(Seat(entry, at) for entry, at in zip(entries, places, strict=True))
    return DrawnRing(seats, ring.more, ring.more_at)
