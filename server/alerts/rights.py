"""Until when a person who has an alert may act on it. Reads rows, and writes none.

They may by a tie, as a deputy, on duty, or as the cover of a person on leave. All but the second
have dates, so the end is known in advance, and a late check finds the same moment.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from server.people.models import Person, Tie
from server.people.rules import Role
from server.rota.calendar import Rota, on_duty_at, spells_between, stand_in
from server.rota.duty import rotas_of


@dataclass(frozen=True, slots=True)
class Right:
    """Whether the right exists at a moment, and when it ends; None: not in the time asked for."""

    stands: bool
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Tied:
    """A tie to the child of a person who may act, with their deputy."""

    who: UUID
    deputy: UUID | None
    begin: datetime
    end: datetime | None

    def stands(self, at: datetime) -> bool:
        return self.begin <= at and (self.end is None or self.end > at)


async def right_of(
    person_id: UUID, child_id: UUID, agency_id: UUID, at: datetime, until: datetime
) -> Right:
    """The right of this person to act on the alerts of this child, from `at` to `until`, a later
    moment. A person who has left the agency has none."""
    if not await is_there(person_id, agency_id):
        return Right(stands=False)
    tied = await _tied(child_id, agency_id, at, until)
    if any(
        one.who == person_id and one.stands(at) and (one.end is None or one.end >= until)
        for one in tied
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


def _may(who: UUID, tied: Collection[_Tied], rota: Rota, at: datetime) -> bool:
    there = [one for one in tied if one.stands(at)]
    if any(one.who == who for one in there) or who in on_duty_at(rota, at):
        return True
    called = {one.who for one in there} | {one.deputy for one in there if one.deputy is not None}
    return any(stand_in(rota, one, at) == who for one in called)


def _edges(
    who: UUID, tied: Collection[_Tied], rota: Rota, at: datetime, until: datetime
) -> list[datetime]:
    """When any of this may change, in order."""
    ties = [edge for one in tied for edge in (one.begin, one.end)]
    leaves = [edge for one in rota.leaves for edge in (one.begin, one.end)]
    spells = [one.end for one in spells_between(rota, at, until) if one.who == who]
    found = {edge for edge in (*ties, *leaves, *spells) if edge is not None}
    return sorted(edge for edge in found if at < edge < until)
