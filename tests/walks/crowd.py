"""Volume: many children like Mia, each with a caseworker, a carer and a watch."""

from __future__ import annotations

from uuid import UUID

from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.storage import bulk
from server.storage.db import write
from server.storage.ids import uuid7
from server.watch.models import Watch
from tests.cast import Cast


async def crowd(
    cast: Cast, how_many: int, *, like: str = "mia", watched: Watch | None = None
) -> list[UUID]:
    """So many more children, whose watches are what the watch of `like` is now, or was."""
    model = watched or await Watch.get(child_id=cast.children[like].id)
    person = cast.persons[like]
    ids = [uuid7() for _ in range(how_many)]
    agency, now = person.agency_id, cast.clock()
    names = [name for name in Watch._meta.db_fields if name != "child_id"]
    async with write():
        await bulk.insert(
            Person,
            [
                {"id": id, "agency_id": agency, "role": Role.CHILD, "name": f"Child {n}"}
                | {"language": "en", "zone": person.zone, "made_at": now}
                for n, id in enumerate(ids)
            ],
        )
        await bulk.insert(
            Child,
            [{"id": id, "agency_id": agency, "person_id": id, "placed_at": now} for id in ids],
        )
        ties = [(cast.tom.id, Role.CASEWORKER), (cast.sam.id, Role.CARER)]
        await bulk.insert(
            Tie,
            [
                {"id": uuid7(), "agency_id": agency, "child_id": id, "person_id": adult}
                | {"role": role, "from_at": now}
                for id in ids
                for adult, role in ties
            ],
        )
        await bulk.insert(
            Watch,
            [{"child_id": id} | {name: getattr(model, name) for name in names} for id in ids],
            returning="child_id",
        )
    return ids
