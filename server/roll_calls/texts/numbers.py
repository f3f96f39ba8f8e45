"""Each child of a home has a number there, for the printed list and for texts. Verbs."""

from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q

from server.people.models import Home, Person
from server.roll_calls.models import HomeNumber
from server.roll_calls.reading import living_in
from server.storage import bulk
from server.storage.db import write
from server.storage.ids import uuid7

# A number of a child who moved away is nobody else's for so long: old lists are still about.
RESTS = timedelta(days=30)


async def give(home_id: UUID, now: datetime) -> None:
    """Each child who lives in the home has a number: the smallest that is free, in the order of
    their names. A child who moved away loses theirs, and has it again if they are soon back."""
    async with write():
        home = await Home.filter(id=home_id).select_for_update(no_key=True).get()
        living = await living_in(home_id)
        held = await HomeNumber.filter(
            Q(until_at__isnull=True) | Q(until_at__gt=now - RESTS), home_id=home_id
        ).order_by("from_at")
        gone = [row.id for row in held if row.until_at is None and row.child_id not in living]
        await HomeNumber.filter(id__in=gone).update(until_at=now)
        have = {row.child_id for row in held if row.until_at is None}
        before = {row.child_id: row.number for row in held}
        taken = {row.number for row in held}
        free = (number for number in range(1, len(taken) + len(living) + 1) if number not in taken)
        new = [id_ for id_ in await _by_name(living) if id_ not in have]
        rows = [
            {
                "id": uuid7(),
                "agency_id": home.agency_id,
                "home_id": home_id,
                "child_id": id_,
                "number": before[id_] if id_ in before else next(free),
                "from_at": now,
                "until_at": None,
            }
            for id_ in new
        ]
        if rows:
            await bulk.insert(HomeNumber, rows)


async def _by_name(ids: list[UUID]) -> list[UUID]:
    names = dict(await Person.filter(id__in=ids).values_list("id", "name"))
    return sorted(ids, key=lambda id_: (names.get(id_, "").casefold(), id_))
