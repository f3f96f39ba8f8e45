"""What homes said of one child, word by word, for the pages and papers about that child. Reads
rows, and writes none."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from server.people.models import Home, Person
from server.policy.roll_call import Word
from server.roll_calls.models import RollCall
from server.watch.models import RollCallWord

# The page of a child shows so many.
LAST = 10


class SaidOnce(msgspec.Struct, frozen=True):
    """One word about a child: who said it, in which home, and in which roll call. `at`: when it
    reached us. `until_at`: of an "excused", when they are to be back."""

    word: Word
    said_at: datetime
    at: datetime
    by_id: UUID
    by: str
    home_id: UUID
    home: str
    roll_call_id: UUID
    until_at: datetime | None = None


async def last_words(child_id: UUID, most: int = LAST) -> list[SaidOnce]:
    """The last of what was said of this child, the latest first."""
    rows = RollCallWord.filter(child_id=child_id).order_by("-said_at", "-at", "-id")
    return await _named(await rows.limit(most))


async def words_between(
    child_id: UUID, begin: datetime, end: datetime, most: int
) -> list[SaidOnce]:
    """What reached us in this time, up to so many, the earliest first."""
    rows = RollCallWord.filter(child_id=child_id, at__gte=begin, at__lt=end)
    return await _named(await rows.order_by("at", "id").limit(most))


async def _named(rows: Sequence[RollCallWord]) -> list[SaidOnce]:
    calls = await RollCall.filter(id__in=list({row.roll_call_id for row in rows}))
    home_of = {call.id: call.home_id for call in calls}
    homes = {home.id: home for home in await Home.filter(id__in=list(set(home_of.values())))}
    people = await Person.filter(id__in=list({row.by_id for row in rows})).only("id", "name")
    names = {person.id: person.name for person in people}
    return [
        SaidOnce(
            word=Word(row.word),
            said_at=row.said_at,
            at=row.at,
            by_id=row.by_id,
            by=names.get(row.by_id, ""),
            home_id=home_of[row.roll_call_id],
            home=homes[home_of[row.roll_call_id]].name,
            roll_call_id=row.roll_call_id,
            until_at=row.until_at,
        )
        for row in rows
    ]
