"""Asking a second person, and what they say.

A request does nothing by itself, however long it waits. A caller has locked the watch of the child
before, so that what is asked and what has become of it are never seen apart.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.approvals.models import Approval
from server.approvals.rights import may_decide
from server.approvals.rules import Question, State, What, needs_second_person
from server.audit.actions import SYSTEM, Actor, note
from server.errors import Conflict, Denied, NotFound, SecondPersonNeeded, WaymarkError
from server.i18n import N_
from server.notify.actions import Saying, queue
from server.notify.rules import Kind as Message
from server.people.models import Agency, Child
from server.people.rules import Role
from server.storage.db import write
from server.tasks import actions as tasks
from server.tasks.models import Task
from server.tasks.rules import Ending, Kind, Setting
from server.tasks.rules import State as TaskState
from server.web.live import announce

TOPIC = "due"
# Faults that leave a request waiting: it fits again once they are out of the way.
PASSING = frozenset({"alert_open"})

Doer = Callable[[Approval, Actor, datetime], Awaitable[None]]
"""Does what was asked, in the name of the person who asked. Raises a fault where it does not fit
any more; its code says why."""


async def _holds_nothing(child_id: UUID) -> object:
    raise NotImplementedError(child_id)


_hold: Callable[[UUID], Awaitable[object]] = _holds_nothing
_doers: Mapping[What, Doer] = {}


def use_doers(hold: Callable[[UUID], Awaitable[object]], doers: Mapping[What, Doer]) -> None:
    """Register what locks the watch of a child, and what does each thing: rooms above this one."""
    global _hold, _doers
    _hold, _doers = hold, doers


class Asked(msgspec.Struct, frozen=True):
    """What a person wants to do: about which thing of a child, and with which content (JSON)."""

    what: What
    child_id: UUID
    agency_id: UUID
    subject_id: UUID
    content: Mapping[str, Any]


async def wanted_by(agency_id: UUID) -> frozenset[What]:
    """For what this agency wants a second person."""
    row = await Agency.get(id=agency_id)
    chosen = {
        What.END: row.second_for_end,
        What.ABSENCE: row.second_for_pass,
        What.CLOSE: row.second_for_close,
    }
    return frozenset(what for what, is_wanted in chosen.items() if is_wanted)


async def set_wanted(
    actor: Actor, agency_id: UUID, wanted: Collection[What], now: datetime
) -> None:
    """For what the agency wants a second person from now on. What waits goes on waiting."""
    new = {
        "second_for_end": What.END in wanted,
        "second_for_pass": What.ABSENCE in wanted,
        "second_for_close": What.CLOSE in wanted,
    }
    async with write():
        row = await Agency.filter(id=agency_id).select_for_update(no_key=True).get()
        changed = {name: value for name, value in new.items() if getattr(row, name) != value}
        if not changed:
            return
        await Agency.filter(id=agency_id).update(**changed)
        await note(
            actor,
            "agency:change",
            about=("agency", agency_id),
            names=sorted(changed),
            agency_id=agency_id,
            now=now,
        )


async def first_ask(
    actor: Actor, asked: Asked, question: Question, now: datetime
) -> SecondPersonNeeded | None:
    """Ask a second person, where the agency wants one for this; None where the actor may do it
    alone. The caller raises the fault once the request is stored.

    The same content twice is one request, as is another person's while the first one waits. Other
    content of the same person takes the place of the first. In the caller's transaction.
    """
    if actor.id is None or not needs_second_person(await wanted_by(asked.agency_id), question):
        return None
    waiting = await _waiting(asked)
    if waiting is not None:
        if waiting.asked_by != actor.id or waiting.content == asked.content:
            return _needed(waiting)
        await _settle(actor, waiting, State.WITHDRAWN, now, why="replaced")
    approval = await Approval.create(
        agency_id=asked.agency_id,
        child_id=asked.child_id,
        what=asked.what.value,
        subject_id=asked.subject_id,
        content=dict(asked.content),
        asked_by=actor.id,
        asked_role=actor.role,
        asked_at=now,
    )
    await _set_task(actor, approval, now)
    about = ("approval", approval.id)
    await note(
        actor, "approval:ask", child_id=asked.child_id, about=about, why=asked.what.value, now=now
    )
    return _needed(approval)


def _needed(approval: Approval) -> SecondPersonNeeded:
    return SecondPersonNeeded(
        N_("A second person has to agree first. We have asked. Nothing has changed yet."),
        approval=approval.id,
    )


async def _waiting(asked: Asked) -> Approval | None:
    held = Approval.filter(what=asked.what, subject_id=asked.subject_id, state=State.WAITING)
    return await held.select_for_update().first()


async def _set_task(actor: Actor, approval: Approval, now: datetime) -> None:
    child = await Child.get(id=approval.child_id)
    setting = Setting(
        kind=Kind.APPROVAL,
        subject_id=approval.id,
        owner_id=None,
        owner_role=Role.SUPERVISOR.value,
        due_at=now,
        zone=(await Agency.get(id=approval.agency_id)).zone,
        but_id=approval.asked_by,
    )
    await tasks.set_task(actor, child, setting, now)


async def decide(
    actor: Actor, approval_id: UUID, *, is_yes: bool, words: str | None, now: datetime
) -> Approval:
    """Say yes or no. On yes it is done now, as it was asked, if it still fits; where it does not,
    the request is settled and nothing is done. The same answer twice is one.

    Raises NotFound, Denied `same_person`, Conflict `decided` (by which person), and what leaves the
    request waiting, such as Conflict `alert_open`.
    """
    async with write():
        approval = await _locked(approval_id)
        await _check_may(actor, approval, is_yes=is_yes, now=now)
        if approval.state != State.WAITING:
            return approval
        if is_yes:
            await _do(actor, approval, words, now)
        else:
            await _settle(actor, approval, State.NO, now, words=words)
        await _tell(approval, now)
    return await Approval.get(id=approval_id)


async def _locked(approval_id: UUID) -> Approval:
    """The request, with the watch of its child locked before it, as everywhere."""
    approval = await Approval.get_or_none(id=approval_id)
    if approval is None:
        raise NotFound(N_("This request does not exist."))
    await _hold(approval.child_id)
    return await Approval.filter(id=approval_id).select_for_update().get()


async def _check_may(actor: Actor, approval: Approval, *, is_yes: bool, now: datetime) -> None:
    if actor.id is None or actor.id == approval.asked_by:
        raise Denied(
            N_("You asked for this yourself. Another person has to answer."), code="same_person"
        )
    if not await may_decide(actor.id, approval, now):
        raise Denied(N_("Your role does not allow this."))
    if approval.state == State.WAITING:
        return
    same = {State.YES, State.OVERTAKEN} if is_yes else {State.NO}
    if approval.decided_by != actor.id or approval.state not in same:
        raise Conflict(
            N_("This request has already been answered."), code="decided", by=approval.decided_by
        )


async def _do(actor: Actor, approval: Approval, words: str | None, now: datetime) -> None:
    """Do it in the name of the person who asked; settle it without, where it does not fit any
    more."""
    asker = Actor(approval.asked_by, approval.asked_role, approval.agency_id)
    try:
        async with write():
            # First, so that what it does overtakes only other requests.
            await _settle(actor, approval, State.YES, now, words=words)
            await _doers[What(approval.what)](approval, asker, now)
    except WaymarkError as fault:
        if fault.code in PASSING:
            raise
        await _settle(actor, approval, State.OVERTAKEN, now, why=fault.code[:24], words=words)


async def take_back(actor: Actor, approval_id: UUID, now: datetime) -> Approval:
    """The person who asked does not want it any more. Twice is once.

    Raises NotFound, Denied for anyone else, Conflict `decided`.
    """
    async with write():
        approval = await _locked(approval_id)
        if approval.asked_by != actor.id:
            raise Denied(N_("Your role does not allow this."))
        if approval.state == State.WITHDRAWN:
            return approval
        if approval.state != State.WAITING:
            raise Conflict(
                N_("This request has already been answered."),
                code="decided",
                by=approval.decided_by,
            )
        await _settle(actor, approval, State.WITHDRAWN, now)
    return await Approval.get(id=approval_id)


async def overtake(
    actor: Actor,
    child_id: UUID,
    why: str,
    now: datetime,
    *,
    subjects: Collection[UUID] | None = None,
) -> None:
    """What waits about this child does not fit any more: all of it, or what is about these things.
    In the caller's transaction, which has locked the watch."""
    held = Approval.filter(child_id=child_id, state=State.WAITING)
    if subjects is not None:
        held = held.filter(subject_id__in=list(subjects))
    for approval in await held.order_by("id").select_for_update():
        await _settle(SYSTEM, approval, State.OVERTAKEN, now, why=why)
        if approval.asked_by != actor.id:
            await _tell(approval, now)


async def _settle(
    actor: Actor,
    approval: Approval,
    state: State,
    now: datetime,
    *,
    why: str | None = None,
    words: str | None = None,
) -> None:
    await Approval.filter(id=approval.id).update(
        state=state.value, why=why, words=words, decided_by=actor.id, decided_at=now
    )
    task = await Task.get_or_none(kind=Kind.APPROVAL, subject_id=approval.id, state=TaskState.OPEN)
    if task is not None:
        await tasks.settle(actor, [(task, Ending(TaskState.DONE, state.value, actor.id))], now)
    await note(
        actor,
        "approval:settle",
        child_id=approval.child_id,
        about=("approval", approval.id),
        agency_id=approval.agency_id,
        why=state.value,
        now=now,
    )
    await announce(approval.agency_id, TOPIC)


async def _tell(approval: Approval, now: datetime) -> None:
    """Tell the person who asked that there is an answer."""
    saying = Saying(
        kind=Message.ANSWERED,
        agency_id=approval.agency_id,
        subject_kind="approval",
        subject_id=approval.id,
        person_id=approval.asked_by,
        child_id=approval.child_id,
        data={"path": f"/desk/approvals/{approval.id}"},
    )
    await queue([saying], now)


async def waiting_about(child_id: UUID) -> list[Approval]:
    """What waits about a child for a second person, the oldest first."""
    return await Approval.filter(child_id=child_id, state=State.WAITING).order_by("asked_at", "id")
