"""Flags as readers see them. Reads rows, writes none."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from server.flags import rules
from server.flags.actions import Held, open_of
from server.flags.models import Flag
from server.people.models import Person, Tie
from server.people.rules import PROFESSIONAL
from server.storage.db import among, as_id, fetch
from server.tasks.models import Task
from server.tasks.rules import ON_DUTY, Kind, State
from server.tasks.turns import until

AT_ONCE = 20


class Line(msgspec.Struct, frozen=True):
    """One flag. `owner` None: the people on duty. `until`: still on its last day, which counts
    whole where `is_whole_day`."""

    id: UUID
    words: str
    by: str
    at: datetime
    owner_id: UUID | None
    owner: str | None
    due_at: datetime
    until: datetime
    zone: str
    is_whole_day: bool
    is_late: bool
    turn: int
    done_at: datetime | None
    done_by: str


class DoneLines(msgspec.Struct, frozen=True):
    """What is done, the latest first, and after which one the next part begins."""

    lines: list[Line]
    after: UUID | None


async def lines_of(held: Iterable[Held], now: datetime) -> list[Line]:
    """These flags, with the names of people."""
    rows = list(held)
    ids = {
        id_
        for row in rows
        for id_ in (row.flag.by_id, row.flag.done_by, row.task.owner_id)
        if id_ is not None
    }
    people = Person.filter(id__in=list(ids))
    names = {id_: name for id_, name in await people.values_list("id", "name")}
    return [_line(row.flag, row.task, names, now) for row in rows]


def _line(flag: Flag, task: Task, names: dict[UUID, str], now: datetime) -> Line:
    last = until(Kind.FLAG, task.due_at, zone=task.zone)
    return Line(
        id=flag.id,
        words=flag.words,
        by=names.get(flag.by_id, ""),
        at=flag.at,
        owner_id=task.owner_id,
        owner=names.get(task.owner_id, "") if task.owner_id is not None else None,
        due_at=task.due_at,
        until=last,
        zone=task.zone,
        is_whole_day=last != task.due_at,
        is_late=task.slice().is_over(now),
        turn=task.turn,
        done_at=flag.done_at,
        done_by=names.get(flag.done_by, "") if flag.done_by is not None else "",
    )


async def open_lines(child_id: UUID, now: datetime) -> list[Line]:
    """What is open about a child, what is due first on top."""
    return await lines_of(await open_of(child_id), now)


async def done_lines(child_id: UUID, after: UUID | None, now: datetime) -> DoneLines:
    """What is done about a child: the part after this flag, or the first."""
    rows = Flag.filter(child_id=child_id, done_at__isnull=False)
    if after is not None:
        last = await Flag.get_or_none(id=after, child_id=child_id, done_at__isnull=False)
        if last is not None:
            rows = rows.filter(Q(done_at__lt=last.done_at) | Q(done_at=last.done_at, id__lt=after))
    flags = await rows.order_by("-done_at", "-id").limit(AT_ONCE + 1)
    shown = flags[:AT_ONCE]
    tasks = await _last_tasks([flag.id for flag in shown])
    held = [Held(flag, tasks[flag.id]) for flag in shown]
    is_more = len(flags) > AT_ONCE
    return DoneLines(await lines_of(held, now), shown[-1].id if is_more else None)


async def _last_tasks(flags: list[UUID]) -> dict[UUID, Task]:
    rows = Task.filter(kind=Kind.FLAG, subject_id__in=flags).order_by("turn")
    return {task.subject_id: task for task in await rows}


async def owners_of(child_id: UUID, now: datetime) -> list[tuple[UUID, str]]:
    """Who can own a flag about this child, by name."""
    ties = Tie.filter(
        Tie.standing_at(now),
        child_id=child_id,
        role__in=[*PROFESSIONAL],
        person__disabled_at__isnull=True,
    )
    people = Person.filter(id__in=list(await ties.values_list("person_id", flat=True)))
    rows = await people.values_list("id", "name")
    return sorted(((id_, name) for id_, name in rows), key=lambda person: person[1].casefold())


async def for_duty(agency_id: UUID) -> list[tuple[Task, str]]:
    """The open flags of an agency that are for the people on duty, each with the name of the child:
    the fifty that are due first."""
    held = Task.filter(
        agency_id=agency_id,
        kind=Kind.FLAG,
        state=State.OPEN,
        owner_role=ON_DUTY,
        child__left_at__isnull=True,
    )
    tasks = await held.order_by("due_at", "id").limit(rules.MOST_OPEN)
    people = Person.filter(id__in=[task.child_id for task in tasks])
    names = {id_: name for id_, name in await people.values_list("id", "name")}
    return [(task, names[task.child_id]) for task in tasks]


_COUNTS = """
SELECT child_id, COUNT(*) AS many FROM task
WHERE child_id {any} AND state = $2 AND kind = $3 GROUP BY child_id
"""


async def counts_of(children: Iterable[UUID]) -> dict[UUID, int]:
    """How many flags are open about each of these children; those without any are left out."""
    sql = _COUNTS.format(any=among())
    rows = await fetch(sql, [list(children), State.OPEN.value, Kind.FLAG.value])
    return {as_id(row["child_id"]): int(row["many"]) for row in rows}
