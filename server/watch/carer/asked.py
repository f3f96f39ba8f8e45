"""Who is asked whether a child was seen: their carers. Where there is none, the people who work in
the home, if the policy says so."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from server.people.models import Tie
from server.people.rules import MAY_WORK, Role
from server.policy.model import Policy
from server.storage.db import among, as_id, as_moment, fetch
from server.watch.carer.models import Question
from server.watch.carer.shifts import asked_first
from server.watch.models import Watch

_By = dict[UUID, tuple[UUID, ...]]

# The seat of a person who works in a home is a row of a room above.
_WORKERS = """
SELECT c.id AS child_id, h.person_id, h.on_until
FROM child c
JOIN home_worker h ON h.home_id = c.home_id AND h.agency_id = c.agency_id
JOIN person p ON p.id = h.person_id AND p.agency_id = c.agency_id
WHERE c.id {any} AND c.left_at IS NULL AND p.disabled_at IS NULL AND p.role IN ({roles})
AND h.from_at <= $2 AND (h.until_at IS NULL OR h.until_at > $2)
ORDER BY c.id, h.person_id
"""
_ROLES = ", ".join(f"'{role.value}'" for role in sorted(MAY_WORK))


class _Seat(msgspec.Struct, frozen=True):
    """A person who works in the home of a child, and until when they are on shift there."""

    person_id: UUID
    on_until: datetime | None


async def asked_of(
    watches: Sequence[Watch], policies: Mapping[UUID, Policy], now: datetime
) -> tuple[_By, _By]:
    """The people to ask about each of these children: the carers, and the people of the home of
    those without one. A child with nobody to ask is in neither."""
    asked = await _carers([watch.child_id for watch in watches], now)
    alone = [
        watch.child_id
        for watch in watches
        if watch.child_id not in asked and policies[watch.agency_id].roll_call.instead_of_carer
    ]
    return asked, _people(await _workers(alone, now))


async def first_of(children: Collection[UUID], now: datetime) -> _By:
    """Of these children who have no carer: the people of the home who are asked first. Those on
    shift there; all of them if nobody is."""
    cared = await _carers(list(children), now)
    seats = await _workers([id_ for id_ in children if id_ not in cared], now)
    return _people({child_id: asked_first(each) for child_id, each in seats.items()})


async def is_asked(question: Question, now: datetime) -> bool:
    """Whether the person of a question may still answer it: a former carer, or a person who has
    left the home, must not be able to say that all is well."""
    carers = await _carers([question.child_id], now)
    if question.person_id in carers.get(question.child_id, ()):
        return True
    if carers:
        return False
    workers = _people(await _workers([question.child_id], now))
    return question.person_id in workers.get(question.child_id, ())


async def is_of_home(question: Question, now: datetime) -> bool:
    """Whether it is put to a person who works in the child's home, and is no carer of theirs."""
    carers = await _carers([question.child_id], now)
    return question.person_id not in carers.get(question.child_id, ())


async def _carers(ids: Sequence[UUID], now: datetime) -> _By:
    if not ids:
        return {}
    ties = await Tie.filter(
        Tie.standing_at(now),
        child_id__in=list(ids),
        role=Role.CARER,
        person__disabled_at__isnull=True,
    ).values_list("child_id", "person_id")
    carers_by_child: _By = {}
    for child_id, person_id in ties:
        carers_by_child[child_id] = (*carers_by_child.get(child_id, ()), person_id)
    return carers_by_child


async def _workers(ids: Sequence[UUID], now: datetime) -> Mapping[UUID, Sequence[_Seat]]:
    if not ids:
        return {}
    seats: dict[UUID, list[_Seat]] = {}
    for row in await fetch(_WORKERS.format(any=among(), roles=_ROLES), [list(ids), now]):
        until = as_moment(row["on_until"]) if row["on_until"] is not None else None
        is_on = until is not None and until > now
        seat = _Seat(as_id(row["person_id"]), until if is_on else None)
        seats.setdefault(as_id(row["child_id"]), []).append(seat)
    return seats


def _people(seats: Mapping[UUID, Sequence[_Seat]]) -> _By:
    return {child_id: tuple(seat.person_id for seat in each) for child_id, each in seats.items()}
