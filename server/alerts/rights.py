"""Until when a person who has an alert may act on it. Reads rows, and writes none.

They may by a tie, as a deputy, on duty, as the cover of a person on leave, or by a broken glass.
All but the second have dates, so the end is known in advance, and a late check finds the same
moment.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from server.alerts.glass.models import Glass
from server.alerts.glass.reading import standing_at
from server.people.models import Person, Tie
from server.people.rules import Role
from server.rota.calendar import Rota, duty_shifts_between, on_duty_at, stand_in
from server.rota.duty import rotas_of


class Right(msgspec.Struct, frozen=True):
    """Whether the right exists at a moment, and when it ends; None: not in the time asked for."""

    stands: bool
    ends: datetime | None = None


class _Tied(msgspec.Struct, frozen=True):
    """A tie to the child of a person who may act, with their deputy."""

    who: UUID
    deputy: UUID | None
    begin: datetime
    end: datetime | None

    def stands(self, at: datetime) -> bool:
        return self.begin <= at and (self.end is None or self.end > at)


async def right_of(
    person_id: UUID,
    child_id: UUID,
    agency_id: UUID,
    at: datetime,
    until: datetime,
    *,
    by_glass: bool = True,
) -> Right:
    """The right of this person to act on the alerts of this child, from `at` to `until`, a later
    moment. A person who has left the agency has none."""
    if not await is_there(person_id, agency_id):
        return Right(stands=False)
    tied = await _tied(child_id, agency_id, at, until)
    if by_glass:
        tied += await _broken(person_id, child_id, agency_id, at)
    if any(
        tie.who == person_id and tie.stands(at) and (tie.end is None or tie.end >= until)
        for tie in tied
    ):
        return Right(stands=True)
    rota = (await rotas_of([agency_id], at, until))[agency_id]
    if not _may(person_id, tied, rota, at):
        return Right(stands=False)
    edges = _edges(person_id, tied, rota, at, until)
    return Right(
        True, next((edge for edge in edges if not _may(person_id, tied, rota, edge)), None)
    )


async def is_there(person_id: UUID, agency_id: UUID) -> bool:
    """Whether this person still works for the agency."""
    return await Person.exists(id=person_id, agency_id=agency_id, disabled_at__isnull=True)


async def _tied(child_id: UUID, agency_id: UUID, at: datetime, until: datetime) -> list[_Tied]:
    held = Tie.filter(
        Tie.ending_after(at),
        child_id=child_id,
        agency_id=agency_id,
        from_at__lt=until,
        role__in=[Role.CASEWORKER, Role.SUPERVISOR],
        person__disabled_at__isnull=True,
    )
    rows = await held.values_list("person_id", "role", "person__deputy_id", "from_at", "until_at")
    return [
        _Tied(who, deputy if role == Role.CASEWORKER else None, begin, end)
        for who, role, deputy, begin, end in rows
    ]


async def _broken(person_id: UUID, child_id: UUID, agency_id: UUID, at: datetime) -> list[_Tied]:
    """What a glass gives, which is like a tie of an hour."""
    held = Glass.filter(standing_at(at), person_id=person_id, child_id=child_id)
    rows = await held.filter(agency_id=agency_id).values_list("opened_at", "until_at")
    return [_Tied(person_id, None, begin, end) for begin, end in rows]


def _may(who: UUID, tied: Collection[_Tied], rota: Rota, at: datetime) -> bool:
    there = [tie for tie in tied if tie.stands(at)]
    if any(tie.who == who for tie in there) or who in on_duty_at(rota, at):
        return True
    called = {tie.who for tie in there} | {tie.deputy for tie in there if tie.deputy is not None}
    return any(stand_in(rota, person, at) == who for person in called)


def _edges(
    who: UUID, tied: Collection[_Tied], rota: Rota, at: datetime, until: datetime
) -> list[datetime]:
    """When any of this may change, in order."""
    ties = [edge for tie in tied for edge in (tie.begin, tie.end)]
    leaves = [edge for leave in rota.leaves for edge in (leave.begin, leave.end)]
    shifts = [shift.end for shift in duty_shifts_between(rota, at, until) if shift.who == who]
    edges = {edge for edge in (*ties, *leaves, *shifts) if edge is not None}
    return sorted(edge for edge in edges if at < edge < until)
