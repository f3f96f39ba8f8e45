"""The advocates of a child, and what waits about them. Reads rows, writes none."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from tortoise.queryset import QuerySet

from server.advocates.models import Advocacy
from server.auth.models import Credential
from server.people.models import Person, Tie
from server.people.rules import Role
from server.storage.db import as_id
from server.tasks.models import Task
from server.tasks.rules import Kind, State


class Seat(msgspec.Struct, frozen=True):
    """One advocate who is there now. `can_sign_in`: they have used their link."""

    tie: Tie
    name: str
    tells_alerts: bool
    can_sign_in: bool
    words: str | None


async def seats_of(child_id: UUID, now: datetime) -> list[Seat]:
    """The advocates of the child now, the earliest first."""
    ties = await _ties(now).filter(child_id=child_id).order_by("from_at", "id")
    people = [tie.person_id for tie in ties]
    names = dict(await Person.filter(id__in=people).values_list("id", "name"))
    rows = {row.id: row for row in await Advocacy.filter(id__in=[tie.id for tie in ties])}
    has_joined = await joined(people)
    return [
        Seat(
            tie,
            names[tie.person_id],
            tie.id in rows and rows[tie.id].tells_alerts,
            tie.person_id in has_joined,
            rows[tie.id].words if tie.id in rows else None,
        )
        for tie in ties
    ]


async def joined(people: Collection[UUID]) -> frozenset[UUID]:
    """Those of these people who can sign in."""
    held = Credential.filter(person_id__in=list(people))
    return frozenset(as_id(id_) for id_ in await held.values_list("person_id", flat=True))


async def ends_of(
    person_id: UUID, children: Collection[UUID], now: datetime
) -> Mapping[UUID, tuple[datetime | None, bool]]:
    """Of the children whose advocate this person is: until when, and whether the child lets them
    know of alerts."""
    ties = await _ties(now).filter(person_id=person_id, child_id__in=list(children))
    ids = [tie.id for tie in ties]
    tells = dict(await Advocacy.filter(id__in=ids).values_list("id", "tells_alerts"))
    return {tie.child_id: (tie.until_at, bool(tells.get(tie.id))) for tie in ties}


async def task_of(child_id: UUID, kind: Kind) -> Task | None:
    """The open task of this kind about the child's advocate."""
    return await Task.filter(child_id=child_id, kind=kind, state=State.OPEN).first()


async def is_asked(child_id: UUID, now: datetime) -> bool:
    """Whether it is time to ask the child how it goes on."""
    return await Task.exists(
        child_id=child_id, kind=Kind.ADVOCATE_ENDS, state=State.OPEN, due_at__lte=now
    )


def _ties(now: datetime) -> QuerySet[Tie]:
    return Tie.filter(Tie.standing_at(now), role=Role.ADVOCATE)
