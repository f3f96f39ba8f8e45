"""Who is asked whether a child was seen: their carers. Where there is none, the people who work in
the home, if the policy says so."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from server.people.models import Tie
from server.people.rules import Role
from server.policy.model import Policy
from server.storage.db import among, as_id, fetch
from server.watch.carer.models import Question
from server.watch.models import Watch

_By = dict[UUID, tuple[UUID, ...]]

# The seat of a person who works in a home is a row of a room above.
_WORKERS = """
SELECT c.id AS child_id, h.person_id
FROM child c
JOIN home_worker h ON h.home_id = c.home_id
JOIN person p ON p.id = h.person_id
WHERE c.id {any} AND c.left_at IS NULL AND p.disabled_at IS NULL
AND h.from_at <= $2 AND (h.until_at IS NULL OR h.until_at > $2)
ORDER BY c.id, h.person_id
"""


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
    return asked, await _workers(alone, now)


async def is_asked(question: Question, now: datetime) -> bool:
    """Whether the person of a question may still answer it: a former carer, or a person who has
    left the home, must not be able to say that all is well."""
    carers = await _carers([question.child_id], now)
    if question.person_id in carers.get(question.child_id, ()):
        return True
    if carers:
        return False
    workers = await _workers([question.child_id], now)
    return question.person_id in workers.get(question.child_id, ())


async def is_of_home(question: Question, now: datetime) -> bool:
    """Whether it is put to a person who works in the child's home, and is no carer of theirs."""
    carers = await _carers([question.child_id], now)
    return question.person_id not in carers.get(question.child_id, ())


async def _carers(ids: Sequence[UUID], now: datetime) -> _By:
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


async def _workers(ids: Sequence[UUID], now: datetime) -> _By:
    if not ids:
        return {}
    workers_by_child: _By = {}
    for row in await fetch(_WORKERS.format(any=among()), [list(ids), now]):
        child_id = as_id(row["child_id"])
        others = workers_by_child.get(child_id, ())
        workers_by_child[child_id] = (*others, as_id(row["person_id"]))
    return workers_by_child
