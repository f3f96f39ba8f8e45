"""Setting, settling and dropping tasks. What time does to them is in telling.py."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import F
from tortoise.functions import Max

from server.audit.actions import Actor
from server.audit.models import Entry
from server.notify.actions import withdraw
from server.people.models import Child
from server.storage import bulk
from server.storage.db import as_id, write
from server.storage.ids import uuid7
from server.tasks.models import Task
from server.tasks.rules import Ending, Setting, State
from server.web.live import announce

# What open pages hear when it is another person's turn.
TOPIC = "due"


def is_as(row: Task, setting: Setting) -> bool:
    """Whether the row already says the same."""
    names = ("owner_id", "owner_role", "due_at", "zone", "since_id", "but_id")
    return all(getattr(row, name) == getattr(setting, name) for name in names)


async def set_task(actor: Actor, child: Child, setting: Setting, now: datetime) -> None:
    """Set this task; it replaces one of the same subject that says otherwise."""
    await settle_and_set(actor, child, [], [setting], now)


async def done(actor: Actor, task: Task, now: datetime, *, by: UUID | None = None) -> None:
    """It has happened: nobody is told any more. Twice is once."""
    await settle(actor, [(task, Ending(State.DONE, "done", by))], now)


async def drop(
    actor: Actor, task: Task, why: str, now: datetime, *, by: UUID | None = None
) -> None:
    """Nobody has to do it any more. Twice is once."""
    await settle(actor, [(task, Ending(State.DROPPED, why, by))], now)


async def open_tasks(child_id: UUID) -> list[Task]:
    """What is open about a child, the oldest first."""
    return await Task.filter(child_id=child_id, state=State.OPEN).order_by("due_at", "id")


async def settle_and_set(
    actor: Actor,
    child: Child,
    endings: Sequence[tuple[Task, Ending]],
    settings: Sequence[Setting],
    now: datetime,
) -> None:
    """End these and set those, all in one transaction; a task that is already set so is left."""
    if not endings and not settings:
        return
    async with write():
        await settle(actor, endings, now)
        subjects = {wanted.subject_id for wanted in settings}
        held = {
            (row.kind, row.subject_id): row
            for row in await Task.filter(subject_id__in=list(subjects), state=State.OPEN)
        }
        new, moved = [], []
        for setting in settings:
            row = held.get((setting.kind.value, setting.subject_id))
            if row is not None and is_as(row, setting):
                continue
            new.append(setting)
            if row is not None:
                moved.append((row, Ending(State.DROPPED, "moved")))
        await settle(actor, moved, now)
        await _insert(actor, child, new, now)


async def _insert(actor: Actor, child: Child, new: Sequence[Setting], now: datetime) -> None:
    if not new:
        return
    turns = await _turns({wanted.subject_id for wanted in new})
    rows = []
    for setting in new:
        task = Task(
            id=uuid7(),
            agency_id=child.agency_id,
            child_id=child.id,
            kind=setting.kind.value,
            subject_id=setting.subject_id,
            turn=turns.get((setting.kind.value, setting.subject_id), -1) + 1,
            owner_id=setting.owner_id,
            owner_role=setting.owner_role,
            due_at=setting.due_at,
            zone=setting.zone,
            set_at=now,
            since_id=setting.since_id,
            but_id=setting.but_id,
            told=0 if setting.is_known else -1,
        )
        task.next_action_at = task.speaks_at()
        rows.append({name: getattr(task, name) for name in _COLUMNS})
    await bulk.insert(Task, rows)
    made = [(row["id"], child.id, child.agency_id, "set", None) for row in rows]
    await enter(actor, made, now)
    await announce(child.agency_id, TOPIC)


_COLUMNS = (
    "id agency_id child_id kind subject_id turn owner_id owner_role due_at zone set_at since_id"
    " but_id state told next_action_at version"
).split()


async def _turns(subjects: Collection[UUID]) -> dict[tuple[str, UUID], int]:
    """The last turn of each subject."""
    rows = (
        await Task.filter(subject_id__in=list(subjects))
        .annotate(last=Max("turn"))
        .group_by("kind", "subject_id")
        .values_list("kind", "subject_id", "last")
    )
    return {(kind, as_id(subject)): last for kind, subject, last in rows}


async def settle(actor: Actor, endings: Sequence[tuple[Task, Ending]], now: datetime) -> None:
    """End these, and withdraw the messages about them. One that has ended already stays as it
    ended."""
    if not endings:
        return
    async with write():
        # By their state, not by their version: telling a person meanwhile changes the version, and
        # must not stop this.
        held = Task.filter(id__in=[task.id for task, _ in endings], state=State.OPEN)
        still_open = {row.id for row in await held.order_by("id").select_for_update()}
        by_ending: dict[Ending, list[Task]] = {}
        for task, ending in endings:
            if task.id in still_open:
                by_ending.setdefault(ending, []).append(task)
        ended: list[Entered] = []
        for ending, rows in by_ending.items():
            await Task.filter(id__in=[task.id for task in rows]).update(
                state=ending.state,
                next_action_at=None,
                settled_at=now,
                settled_by=ending.by,
                why=ending.why,
                version=F("version") + 1,
            )
            ended += [
                (task.id, task.child_id, task.agency_id, ending.state.value, ending.why)
                for task in rows
            ]
        await withdraw([entered[0] for entered in ended], "settled", now)
        await enter(actor, ended, now)
        await announce_turns(entered[2] for entered in ended)


async def announce_turns(agencies: Iterable[UUID]) -> None:
    for agency_id in sorted(set(agencies)):
        await announce(agency_id, TOPIC)


Entered = tuple[UUID, UUID, UUID, str, str | None]


async def enter(actor: Actor, what: Iterable[Entered], now: datetime) -> None:
    rows: list[dict[str, Any]] = [
        {
            "at": now,
            "agency_id": agency_id,
            "who_id": actor.id,
            "who_role": actor.role,
            "what": f"due:{verb}",
            "child_id": child_id,
            "about_kind": "due",
            "about_id": task_id,
            "names": [],
            "why": why,
        }
        for task_id, child_id, agency_id, verb, why in what
    ]
    await bulk.insert(Entry, rows)
