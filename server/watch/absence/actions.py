"""Asking to be away, and the answer. Asking alone never changes the watch."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

import msgspec

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.alerts.words import way_to
from server.approvals import actions as approvals
from server.approvals.models import Approval
from server.audit.actions import Actor
from server.audit.repeats import first_made, id_reused
from server.errors import Conflict, Refused, SecondPersonNeeded
from server.i18n import N_
from server.notify.actions import queue, withdraw
from server.people.models import Child, Person
from server.people.rules import Role
from server.storage.db import write
from server.tasks import actions as tasks
from server.tasks import news
from server.tasks.models import Task
from server.tasks.news import News
from server.tasks.rules import Kind, Setting
from server.tasks.rules import State as TaskState
from server.watch.absence import rules
from server.watch.absence.coming_back import come_back
from server.watch.absence.models import AbsenceRequest
from server.watch.absence.reading import read_row
from server.watch.absence.rules import State
from server.watch.actions import heard, heard_anyway
from server.watch.machine.standing import What
from server.watch.models import Pause, Watch
from server.watch.rhythm import agreements
from server.watch.rhythm.agreements import PauseRequest
from server.watch.watch_state import WatchState, passed
from server.watch.wire import Moment, Words
from server.watch.writing import lock, locked, note_about
from server.web.live import announce


class AskRequest(msgspec.Struct, frozen=True):
    """A child asks to be away. The client makes the id; `said_at` is its clock."""

    id: UUID
    said_at: Moment
    from_at: Moment
    until_at: Moment
    place: Annotated[str, msgspec.Meta(max_length=500)]
    words: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None


class AgreeRequest(msgspec.Struct, frozen=True):
    """Yes, as the child asked, or to other times. `returns`: at the end a check-in is due."""

    from_at: Moment | None = None
    until_at: Moment | None = None
    returns: bool = True
    words: Words | None = None


class DeclineRequest(msgspec.Struct, frozen=True):
    """Not now, in words for the child."""

    words: Words


async def ask(
    actor: Actor, child_id: UUID, asked: AskRequest, now: datetime
) -> tuple[AbsenceRequest, bool]:
    """The child asks to be away; the caseworkers are asked for an answer. Check-ins go on. Returns
    the request, and whether it is new: the same id again is the same.

    An open request for some of the same time is replaced. One whose time is over when it comes is
    kept to be read, and is nobody's task; so is any of a child who is missing when the placement
    has ended. Raises Refused, in words for a child; IdReused; Conflict `ended` if the placement has
    ended. What is refused shows all the same that the child has written.
    """
    async with heard_anyway(child_id, asked.id, now, said_at=asked.said_at):
        return await _ask(actor, child_id, asked, now)


async def _ask(
    actor: Actor, child_id: UUID, asked: AskRequest, now: datetime
) -> tuple[AbsenceRequest, bool]:
    place, words = asked.place.strip(), (asked.words or "").strip() or None
    async with write():
        watch = await lock(child_id)
        existing = await first_made(AbsenceRequest, asked.id, asked, child_id=child_id)
        if existing is not None:
            return existing, False
        if await Pause.exists(id=asked.id):
            raise id_reused()
        if watch is None or (watch.is_over and not watch.is_missing):
            raise Conflict(_NOT_ASKED, code="ended")
        if not place:
            raise Refused(N_("Say where you will be."), field="place")
        rules.check_times(asked.from_at, asked.until_at, now)
        await _make_room(actor, child_id, asked, now)
        return await _keep(actor, watch, asked, (place, words), now), True


_NOT_ASKED = N_("We don't ask you for check-ins now. You don't need to ask us.")


# Where the child will be, and what they like to add.
Typed = tuple[str, str | None]


async def _keep(
    actor: Actor, watch: Watch, asked: AskRequest, typed: Typed, now: datetime
) -> AbsenceRequest:
    place, words = typed
    made = await AbsenceRequest.create(
        id=asked.id,
        child_id=watch.child_id,
        from_at=asked.from_at,
        until_at=asked.until_at,
        place=place,
        words=words,
        said_at=min(asked.said_at, now),
        made_at=now,
        # Nobody can agree any more, but adults look for this child, and read it.
        state=State.ENDED if watch.is_over else State.OPEN,
        decided_at=now if watch.is_over else None,
        # Whether we listen for a sign in what this child says; never whether there is one.
        duress_check_at=now if watch.listens else None,
    )
    if made.until_at > now and not watch.is_over:
        await _ask_for_an_answer(actor, made, watch.zone, now)
    names = ["from_at", "until_at"]
    await note_about(actor, watch.child_id, "absence:ask", names, now, about=made.id)
    await announce(watch.agency_id, "watch")
    await heard(watch.child_id, made.id, now, said_at=asked.said_at)
    return made


async def _make_room(actor: Actor, child_id: UUID, asked: AskRequest, now: datetime) -> None:
    """Requests for some of the same time are replaced. Raises Refused where too many others
    wait."""
    waiting = AbsenceRequest.filter(child_id=child_id, state=State.OPEN, until_at__gt=now)
    same = await waiting.filter(from_at__lt=asked.until_at, until_at__gt=asked.from_at)
    if await waiting.count() - len(same) >= rules.MOST_OPEN:
        raise Refused(
            N_("You have 3 requests without an answer. Take one back first."), code="too_many_open"
        )
    await _close(actor, same, State.REPLACED, now)


async def _close(
    actor: Actor, rows: list[AbsenceRequest], state: State, now: datetime, *, by: UUID | None = None
) -> None:
    """These need no answer now."""
    ids = [row.id for row in rows]
    if not ids:
        return
    await AbsenceRequest.filter(id__in=ids).update(state=state, decided_at=now, decided_by=by)
    for task in await Task.filter(kind=Kind.ABSENCE, subject_id__in=ids, state=TaskState.OPEN):
        await tasks.drop(actor, task, state.value, now)
    why = "ended" if state is State.ENDED else "decided"
    await approvals.overtake(actor, rows[0].child_id, why, now, subjects=ids)


async def _ask_for_an_answer(actor: Actor, made: AbsenceRequest, zone: str, now: datetime) -> None:
    setting = Setting(
        kind=Kind.ABSENCE,
        subject_id=made.id,
        owner_id=None,
        owner_role=Role.CASEWORKER.value,
        due_at=rules.reply_by(made.from_at, now),
        zone=zone,
    )
    await tasks.set_task(actor, await Child.get(id=made.child_id), setting, now)


# --- the answer


async def agree(
    actor: Actor, child_id: UUID, absence_id: UUID, asked: AgreeRequest, now: datetime
) -> AbsenceRequest:
    """Yes: the absence is agreed, as asked or with other times. Twice by the same person is once.

    Raises NotFound; Conflict `decided` with who answered, or what became of it; Conflict
    `alert_open` while an alert about the child is open; Refused and SecondPersonNeeded as
    `agreements.pause` does: until the second person has agreed, the request stays open.
    """
    waits: SecondPersonNeeded | None = None
    async with write():
        await lock(child_id)
        row = await read_row(child_id, absence_id)
        if row.state == State.AGREED and row.decided_by == actor.id:
            return row
        await _check_open(row)
        case = await locked(child_id, now)
        await _check_calm(case, now)
        try:
            wanted = _as_pause(row, asked)
            await agreements.pause(actor, child_id, wanted, now, answer=asked.words)
        except SecondPersonNeeded as needed:
            waits = needed
        else:
            await _agreed(actor, row, asked.words, case.watch, now)
    if waits is not None:
        raise waits
    return await AbsenceRequest.get(id=absence_id)


async def agree_approved(approval: Approval, actor: Actor, now: datetime) -> None:
    """A second person has agreed to a long absence, which may be one that the child asked for.
    Raises Conflict where the child has taken it back, another has answered, or an alert is open;
    else as `agreements.pause_approved`. In the caller's transaction."""
    asked_id = UUID(str(approval.content["id"]))
    row = await AbsenceRequest.get_or_none(id=asked_id, child_id=approval.child_id)
    if row is None:
        await agreements.pause_approved(approval, actor, now)
        return
    await _check_open(row)
    case = await locked(approval.child_id, now)
    await _check_calm(case, now)
    await agreements.pause_approved(approval, actor, now)
    await _agreed(actor, row, approval.content.get("answer"), case.watch, now)


async def _agreed(
    actor: Actor, row: AbsenceRequest, words: str | None, watch: Watch, now: datetime
) -> None:
    await _decide(actor, row, State.AGREED, words, watch, now)
    await note_about(actor, row.child_id, "absence:agree", [], now, about=row.id)


def _as_pause(row: AbsenceRequest, asked: AgreeRequest) -> PauseRequest:
    """The absence has the id of the request: agreeing twice makes one. The child's words go along,
    for readers of the absence alone."""
    words = row.place if row.words is None else f"{row.place}\n{row.words}"
    from_at, until_at = asked.from_at or row.from_at, asked.until_at or row.until_at
    return PauseRequest(row.id, from_at, until_at, asked.returns, words)


async def _check_calm(case: WatchState, now: datetime) -> None:
    """Raises Conflict while adults are called about the child: what excuses the next check-ins must
    not come before the one that is open. A wish to talk is no reason to wait."""
    _, changes = passed(case, now)
    # What has become an alert by now is one, also where no tick has opened it yet.
    is_called = any(change.what is What.ALERT for change in changes)
    alerts = Alert.filter(child_id=case.watch.child_id, closed_at__isnull=True)
    alert = await alerts.exclude(cause=Cause.TALK).first()
    if is_called or alert is not None:
        raise Conflict(
            N_(
                "An alert about this child is open. Close it first and say how it ended. Then you"
                " can agree."
            ),
            code="alert_open",
            see=way_to(alert.id if alert is not None else None),
        )


async def decline(
    actor: Actor, child_id: UUID, absence_id: UUID, words: str, now: datetime
) -> AbsenceRequest:
    """Not now, in words that the child reads. Twice by the same person is once: the first words
    count. Also once its time is over: a child who asked gets an answer.

    Raises NotFound; Refused without words; Conflict `decided`.
    """
    async with write():
        watch = await lock(child_id)
        row = await read_row(child_id, absence_id)
        if row.state == State.DECLINED and row.decided_by == actor.id:
            return row
        await _check_open(row)
        if not words.strip():
            raise Refused(N_("Write a few words. The child reads them."), field="words")
        await _decide(actor, row, State.DECLINED, words.strip(), watch, now)
        await note_about(actor, child_id, "absence:decline", [], now, about=row.id)
    return await AbsenceRequest.get(id=absence_id)


async def _check_open(row: AbsenceRequest) -> None:
    if row.state == State.OPEN:
        return
    if row.decided_by is None or row.state == State.RECALLED:
        raise Conflict(
            N_("This request needs no answer any more. Nothing has changed."),
            code="decided",
            state=row.state,
        )
    person = await Person.get_or_none(id=row.decided_by)
    raise Conflict(
        N_("{name} has answered already. Your answer was not saved."),
        code="decided",
        state=row.state,
        name=person.name if person is not None else "",
    )


async def _decide(
    actor: Actor,
    row: AbsenceRequest,
    state: State,
    words: str | None,
    watch: Watch | None,
    now: datetime,
) -> None:
    answer = (words or "").strip() or None
    await AbsenceRequest.filter(id=row.id).update(
        state=state, answer=answer, decided_at=now, decided_by=actor.id
    )
    for task in await Task.filter(kind=Kind.ABSENCE, subject_id=row.id, state=TaskState.OPEN):
        await tasks.done(actor, task, now, by=row.id)
    await approvals.overtake(actor, row.child_id, "decided", now, subjects=[row.id])
    if watch is not None and not watch.is_over:
        await queue(
            [await news.for_child(row.child_id, watch.agency_id, News("absence", row.id), now)], now
        )
        await announce(watch.agency_id, "watch")


# --- the child takes it back, or is back


async def take_back(
    actor: Actor, child_id: UUID, absence_id: UUID, now: datetime
) -> AbsenceRequest:
    """The child no longer asks for it, does not go, or is back before the end. Twice is once.

    What was agreed ends now and check-ins go on, unless the next one would then be later than the
    one agreed for the end: that one stays. Raises NotFound. Where nothing changes, it shows all the
    same that the child has written.
    """
    async with heard_anyway(child_id, absence_id, now):
        return await _take_back(actor, child_id, absence_id, now)


async def _take_back(
    actor: Actor, child_id: UUID, absence_id: UUID, now: datetime
) -> AbsenceRequest:
    async with write():
        watch = await lock(child_id)
        row = await read_row(child_id, absence_id)
        is_changed = True
        if row.state == State.OPEN:
            await _close(actor, [row], State.RECALLED, now, by=actor.id)
            await note_about(actor, child_id, "absence:recall", [], now, about=row.id)
        elif row.state == State.AGREED and row.back_at is None and watch is not None:
            await come_back(actor, row, watch, now)
        else:
            is_changed = False
        await heard(child_id, uuid5(absence_id, "back"), now)
        if is_changed:
            await withdraw([row.id], "news", now)
        if is_changed and watch is not None:
            await announce(watch.agency_id, "watch")
    return await AbsenceRequest.get(id=absence_id)


async def end_all(actor: Actor, child_id: UUID, now: datetime) -> None:
    """The placement has ended: nothing is left to agree on. In the caller's transaction."""
    rows = await AbsenceRequest.filter(child_id=child_id, state=State.OPEN)
    await _close(actor, rows, State.ENDED, now)
