"""Whose turn it is, for those who may see it, and in words."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.clock import known_zone
from server.i18n import gettext
from server.people.models import Child, Person
from server.people.rules import Role
from server.tasks.actions import open_tasks
from server.tasks.models import Task
from server.tasks.reach import reach_of
from server.tasks.rules import (
    NEVER_RESTS,
    OF_STAFF,
    Kind,
    State,
    may_see,
    whose_turn,
)
from server.tasks.ways import way_for
from server.tasks.words import WORDS as WORDS

Turns = Mapping[UUID, frozenset[UUID]]  # Whose turn it is, by task.

_TO_THE_MINUTE = frozenset({Kind.REPLY, Kind.RHYTHM, Kind.ABSENCE}) | NEVER_RESTS | OF_STAFF
# A day ends at midnight, which readers take for the next day.
_STILL_THAT_DAY = timedelta(minutes=1)


def until(kind: Kind, due_at: datetime, *, zone: str | None = None) -> datetime:
    """The moment to show as its deadline: still on its last day, for a task that has a day. `zone`:
    the clock of the task, by which others may end with a day too."""
    if kind not in _TO_THE_MINUTE:
        return due_at - _STILL_THAT_DAY
    return still_that_day(due_at, known_zone(zone)) if zone is not None else due_at


def still_that_day(at: datetime, zone: ZoneInfo) -> datetime:
    """A moment that ends a day on this clock, as one of that day; any other as it is."""
    is_midnight = at.astimezone(zone).time() == time(0)
    return at - _STILL_THAT_DAY if is_midnight else at


class Line(msgspec.Struct, frozen=True):
    """One task as a line: what, until when, whose turn, and where the reader does it, if they
    may."""

    kind: Kind
    word: str
    until: datetime
    is_over: bool
    names: tuple[str, ...]
    href: str | None


async def turns_of(tasks: Sequence[Task], now: datetime) -> Turns:
    """Whose turn each of these is."""
    reach = await reach_of(tasks, now)
    return {task.id: whose_turn(task.slice(), task.terms(), reach[task.id]) for task in tasks}


async def seen_by(
    child: Child, person_id: UUID, roles: frozenset[str], now: datetime
) -> tuple[list[Task], Turns]:
    """What is open about a child, as far as the person may see it: their own, and what their roles
    show them."""
    tasks = await open_tasks(child.id)
    turns = await turns_of(tasks, now)
    seen = [
        task
        for task in tasks
        if may_see(Kind(task.kind), roles, task.owner_role) or person_id in turns[task.id]
    ]
    return seen, turns


async def lines(
    child: Child, person_id: UUID, roles: frozenset[str], language: str, now: datetime
) -> list[Line]:
    """Whose turn it is, in words."""
    as_roles = [Role(role) for role in roles]
    seen, turns = await seen_by(child, person_id, roles, now)
    ids = frozenset[UUID]().union(*(turns[task.id] for task in seen))
    names = {person.id: person.name for person in await Person.filter(id__in=list(ids))}
    return [
        Line(
            Kind(task.kind),
            gettext(language, WORDS[Kind(task.kind)]),
            until(Kind(task.kind), task.due_at, zone=task.zone),
            task.slice().is_over(now),
            tuple(sorted(names[id_] for id_ in turns[task.id])),
            way_for(as_roles, Kind(task.kind), child.id, subject_id=task.subject_id),
        )
        for task in seen
    ]


async def overdue(
    children: Collection[UUID], person_id: UUID, now: datetime
) -> Mapping[UUID, list[Task]]:
    """This person's turns that are late, by child, the oldest first."""
    late = Task.filter(child_id__in=list(children), state=State.OPEN, due_at__lte=now)
    tasks = await late.order_by("due_at", "id")
    if not tasks:
        return {}
    turns = await turns_of(tasks, now)
    by_child: dict[UUID, list[Task]] = {}
    for task in tasks:
        if person_id in turns[task.id]:
            by_child.setdefault(task.child_id, []).append(task)
    return by_child
