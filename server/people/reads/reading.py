"""What the child sees of it: "Read by Tom, 18:40"."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec
from starlette.requests import HTTPConnection

from server.people.access import now_of, visitor_of
from server.people.looks.middleware import leave_with_answer
from server.people.models import Child, Person
from server.people.reads.actions import MOST, Kind, note_read
from server.people.reads.models import Reading


class ReadOut(msgspec.Struct):
    """A worker of the child read it, and when first."""

    name: str
    at: datetime


async def shows(
    request: HTTPConnection, child: Child, kind: Kind, subjects: Sequence[UUID]
) -> None:
    """This answer shows these words of the child: noted just before it goes out, as a look is. A
    refusal shows nothing."""
    visitor = await visitor_of(request)
    if subjects and not visitor.is_child:
        now, latest = now_of(request), subjects[:MOST]
        leave_with_answer(request, partial(note_read, visitor, child, kind, latest, now))


async def read_by(subjects: Collection[UUID]) -> Mapping[UUID, list[ReadOut]]:
    """Who read each of these, the first one first."""
    rows = await Reading.filter(subject_id__in=list(subjects)).order_by("at", "id")
    return await _by_subject(rows)


async def latest_read(child_id: UUID, kind: Kind) -> Mapping[UUID, list[ReadOut]]:
    """The same for what was read last of this kind."""
    rows = (
        await Reading.filter(child_id=child_id, kind=kind.value).order_by("-at", "-id").limit(MOST)
    )
    return await _by_subject(rows[::-1])


async def _by_subject(rows: Sequence[Reading]) -> Mapping[UUID, list[ReadOut]]:
    people = await Person.filter(id__in=list({row.person_id for row in rows}))
    names = {person.id: person.name for person in people}
    by_subject: dict[UUID, list[ReadOut]] = {}
    for row in rows:
        name = names.get(row.person_id, "")
        by_subject.setdefault(row.subject_id, []).append(ReadOut(name, row.at))
    return by_subject
