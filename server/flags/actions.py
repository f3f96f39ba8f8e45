"""Making a flag, giving it to another person, prolonging it, and doing it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.errors import Conflict, NotFound, Refused
from server.flags import rules
from server.flags.models import Flag
from server.i18n import N_
from server.people.models import Agency, Child, Tie
from server.people.rules import PROFESSIONAL, Role
from server.storage import bulk
from server.storage.db import write
from server.tasks import actions as tasks
from server.tasks.models import Task
from server.tasks.rules import ON_DUTY, Kind, Setting, State

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class AddFlag(msgspec.Struct, frozen=True):
    """A flag about a child. The client makes the id. Without `owner_id` it is for the people who
    are on duty."""

    id: UUID
    words: str
    until_at: Moment
    owner_id: UUID | None = None


class ChangeFlag(msgspec.Struct, frozen=True):
    """Whose it is from now on (without `owner_id`: the people on duty), and until when. `turn`: the
    one that the caller has read, where they want to be told that another person was faster."""

    until_at: Moment
    owner_id: UUID | None = None
    turn: int | None = None


class Held(msgspec.Struct, frozen=True):
    """A flag, and the task that says whose it is and until when."""

    flag: Flag
    task: Task


async def add(actor: Actor, child: Child, role: Role, asked: AddFlag, now: datetime) -> Held:
    """Add a flag; its owner is told. The same id again is the same flag.

    Raises Refused, IdReused, Conflict `ended` once the child has left.
    """
    assert actor.id is not None
    words = rules.checked_words(asked.words)
    async with write():
        # One after the other, so that the number of open ones is counted right.
        await Child.filter(id=child.id).select_for_update(no_key=True).get()
        whose = {"child_id": child.id, "by_id": actor.id}
        existing = await first_made(Flag, asked.id, asked, **whose)
        if existing is not None:
            return await _held(existing)
        await _check_room(child)
        until_at = rules.checked_end(asked.until_at, now)
        await _check_owner(child, asked.owner_id, now)
        row = {
            "id": asked.id,
            "agency_id": child.agency_id,
            "child_id": child.id,
            "words": words,
            "by_id": actor.id,
            "by_role": role.value,
            "at": now,
        }
        await bulk.insert(Flag, [row])
        flag = await Flag.get(id=asked.id)
        await _set(actor, child, flag, asked.owner_id, until_at, now)
        await note(actor, "flag:add", child_id=child.id, about=("flag", flag.id), now=now)
        return await _held(flag)


async def change(
    actor: Actor, child: Child, flag_id: UUID, asked: ChangeFlag, now: datetime
) -> Held:
    """Give it to another person, or to another day. The same again changes nothing.

    Raises NotFound, Refused, Conflict `done`, and Conflict where another person has changed it
    since.
    """
    async with write():
        flag = await _locked(child, flag_id)
        if flag.done_at is not None:
            raise Conflict(N_("This flag is already done."), code="done", by=flag.done_by)
        held = await _held(flag)
        task = held.task
        if (task.due_at, task.owner_id) == (asked.until_at, asked.owner_id):
            return held
        if asked.turn is not None and task.turn != asked.turn:
            raise Conflict(
                N_("A colleague has changed this flag in the meantime. Read it again."),
                code="changed",
            )
        until_at = asked.until_at
        if until_at != task.due_at:
            until_at = rules.checked_end(until_at, now)
        await _check_owner(child, asked.owner_id, now)
        await _set(actor, child, flag, asked.owner_id, until_at, now)
        about = ("flag", flag.id)
        await note(actor, "flag:change", child_id=child.id, about=about, now=now)
        return await _held(flag)


async def done(actor: Actor, child: Child, flag_id: UUID, now: datetime) -> Held:
    """It is done. Twice is once; the first who says so is on record. Raises NotFound."""
    async with write():
        flag = await _locked(child, flag_id)
        if flag.done_at is None:
            await Flag.filter(id=flag.id).update(done_at=now, done_by=actor.id)
            await flag.refresh_from_db()
            await tasks.done(actor, (await _held(flag)).task, now, by=flag.id)
            about = ("flag", flag.id)
            await note(actor, "flag:done", child_id=child.id, about=about, now=now)
        return await _held(flag)


async def _locked(child: Child, flag_id: UUID) -> Flag:
    flag = await Flag.filter(id=flag_id, child_id=child.id).select_for_update().first()
    if flag is None:
        raise NotFound(N_("This flag does not exist."))
    return flag


async def _held(flag: Flag) -> Held:
    task = await Task.filter(kind=Kind.FLAG, subject_id=flag.id).order_by("-turn").first()
    assert task is not None
    return Held(flag, task)


async def _check_room(child: Child) -> None:
    if child.left_at is not None:
        raise Conflict(
            N_("The placement has ended, so we remind nobody. Write a note in the file instead."),
            code="ended",
        )
    if await Flag.filter(child_id=child.id, done_at__isnull=True).count() >= rules.MOST_OPEN:
        raise Refused(
            N_("This child has 50 open flags. Mark those as done that are done."), field="words"
        )


async def _check_owner(child: Child, owner_id: UUID | None, now: datetime) -> None:
    """A carer or guardian cannot own a flag: it is among staff."""
    if owner_id is None:
        return
    held = Tie.filter(
        Tie.standing_at(now),
        child_id=child.id,
        person_id=owner_id,
        role__in=[*PROFESSIONAL],
        person__disabled_at__isnull=True,
    )
    if not await held.exists():
        raise Refused(
            N_("Choose a caseworker or a supervisor of this child, or the people on duty."),
            field="owner_id",
        )


async def _set(
    actor: Actor,
    child: Child,
    flag: Flag,
    owner_id: UUID | None,
    until_at: datetime,
    now: datetime,
) -> None:
    setting = Setting(
        kind=Kind.FLAG,
        subject_id=flag.id,
        owner_id=owner_id,
        owner_role=ON_DUTY if owner_id is None else Role.CASEWORKER.value,
        due_at=until_at,
        zone=(await Agency.get(id=child.agency_id)).zone,
        # Who gives a flag to themselves knows of it.
        is_known=owner_id == actor.id,
    )
    await tasks.set_task(actor, child, setting, now)


async def open_of(child_id: UUID) -> list[Held]:
    """What is open about a child, what is due first on top."""
    tasks_ = await Task.filter(child_id=child_id, kind=Kind.FLAG, state=State.OPEN).order_by(
        "due_at", "id"
    )
    rows = Flag.filter(child_id=child_id, done_at__isnull=True)
    flags = {flag.id: flag for flag in await rows.limit(rules.MOST_OPEN)}
    return [Held(flags[task.subject_id], task) for task in tasks_ if task.subject_id in flags]


async def one_of(child: Child, flag_id: UUID) -> Held:
    """One flag about this child. Raises NotFound."""
    flag = await Flag.get_or_none(id=flag_id, child_id=child.id)
    if flag is None:
        raise NotFound(N_("This flag does not exist."))
    return await _held(flag)
